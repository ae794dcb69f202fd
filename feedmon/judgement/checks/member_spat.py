"""Two members trade posts (Ventnor 5.1: debate, not petty arguments). Listed, never an alarm."""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``each`` is how many posts from either side, within ``minutes`` (at most 60), are an exchange."""

    each: int = 3
    minutes: float = 30


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """List the post with which an exchange has gone on so long, and every so many after it."""
    own = case.own
    if not trail.holds("it is to another member", own and own.toward) or own is None or own.toward is None:
        return None
    earlier = list(case.before(parameters.minutes))
    there = 1 + sum(post.member == own.member and post.toward == own.toward for post in earlier)
    back = sum(post.member == own.toward and post.toward == own.member for post in earlier)
    many = there >= parameters.each and back >= parameters.each and (there + back) % (2 * parameters.each) == 0
    if not trail.holds(f"each has answered the other {parameters.each} times", many, f"{there} and {back}"):
        return None
    person = case.room.people[own.toward]
    return Finding(
        basis=Basis.FACT,
        score=1.0,
        reason=f"{there + back} posts to and fro with {person.name} in {parameters.minutes:.0f} min.",
        target=person.name,
    )
