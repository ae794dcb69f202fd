"""A present member posts after the chair asked not to (NEDDC 4.6, recording protocol; a direction of the chair).

The chair's request is advice unless standing orders say otherwise, so this stays a notice.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.checks.closed_session_post import says_only
from feedmon.model.flags import Basis
from feedmon.model.instants import minutes_since


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``sign_off``: the lexicon of posts that say only that the author is going quiet."""

    sign_off: str = "private_session"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a present member's post while the chair's request not to post stood."""
    since = case.moment.asked_since
    if not trail.holds("the chair had asked members not to post", case.moment.asked_not_to_post and since is not None):
        return None
    if not trail.holds("it says more than that the author is going quiet", not says_only(case, parameters.sign_off)):
        return None
    ago = minutes_since(since, case.post.observed_at) if since else 0.0
    return Finding(
        basis=Basis.FACT,
        score=1.0,
        reason=f"Posted {ago:.0f} min after the chair asked members not to post.",
    )
