"""The same member is gone for again and again by the same author (Dover 6.1(d); NEDDC 4.8; Ventnor 5.8).

Bullying is a course of conduct, so one post proves nothing and the count matters. An argument that both sides keep up
is not one. That the posts were made is a fact; that each is an attack is a reading.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``times`` is how many posts against one member, within ``minutes`` (at most 60), are a pattern."""

    times: int = 3
    minutes: float = 60


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a post that makes a pattern of going for the same member."""
    own = case.own
    if not trail.holds("it goes for a member", own and own.attacked) or own is None or own.attacked is None:
        return None
    earlier = list(case.before(parameters.minutes))
    count = 1 + sum(post.member == own.member and post.attacked == own.attacked for post in earlier)
    if not trail.holds(f"it is at least the {parameters.times}th in {parameters.minutes:.0f} min to do so",
                       count >= parameters.times, f"{count} so far"):  # fmt: skip
        return None
    back = sum(post.member == own.attacked and post.attacked == own.member for post in earlier)
    if not trail.holds("the other does not keep it up as well", back < count - 1, f"{back} posts back"):
        return None
    person = case.room.people[own.attacked]
    return Finding(
        basis=Basis.READING,
        score=0.8,
        reason=f"{count} posts in {parameters.minutes:.0f} min go for {person.name}, who has answered with {back}.",
        target=person.name,
    )
