"""A member in the room posts a great deal (a weak sign for Ventnor 5.1: not to distract). Listed, never an alarm."""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``posts`` within ``minutes`` (at most 60) are listed: once, and again for as many more."""

    posts: int = 12
    minutes: float = 15


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """List the post that makes so many in so short a time."""
    mine = case.member.id if case.member else None
    count = 1 + sum(post.member == mine for post in case.before(parameters.minutes))
    full = count >= parameters.posts and count % parameters.posts == 0
    if not trail.holds(f"it makes {parameters.posts} posts in {parameters.minutes:.0f} min", full, f"{count} so far"):
        return None
    return Finding(basis=Basis.FACT, score=1.0, reason=f"{count} posts in {parameters.minutes:.0f} min.")
