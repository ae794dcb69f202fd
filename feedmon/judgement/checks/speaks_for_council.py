"""A member states the council's position, or promises for it (Ventnor 3.2, 8.1; Dover 7.3).

The Leader and other spokespersons in the meeting file may; reporting a vote, or saying what the council should do, is
everyone's right.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import asks, excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``phrases``: the lexicon, with its groups “position” and “promise”."""

    phrases: str = "speaking"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a statement or promise in the council's name by a member who is not its spokesperson."""
    member = case.member
    spokesperson = member is not None and (member.spokesperson or "Leader" in member.offices)
    hits = case.hits.of(parameters.phrases)
    if not trail.holds("it speaks in the council's name", hits, case.said(*hits)):
        return None
    if not trail.holds("the author is not a spokesperson of the council", not spokesperson):
        return None
    own = [hit for hit in hits if excuse(case, hit) is None and not asks(case, hit)]
    if not trail.holds("it is said as the author's own, not quoted, denied or asked", own):
        return None
    if not trail.holds("it does not report a decision taken", not _reports_decision(case, own[0].first)):
        return None
    worst = max(own, key=lambda hit: hit.sense.strength)
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"Speaks in the council's name ({worst.sense.label}): {case.said(worst)}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )


def _reports_decision(case: Case, first: int) -> bool:
    reporting = {
        "voted",
        "vote",
        "agreed",
        "resolved",
        "decided",
        "approved",
        "carried",
        "passed",
        "unanimously",
        "motion",
    }
    return bool(reporting & {token.text for token in case.reading.tokens[max(0, first - 12) : first + 12]})
