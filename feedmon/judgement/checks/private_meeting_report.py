"""A post reports from a working party, a briefing or another internal meeting (Ventnor 8.5; NEDDC 4.6).

No clerk's mark says that such a meeting was held, so this rests on wording alone. A party's own group is not a meeting
of the council, and that a working party exists is no secret.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``meetings``: the lexicon of reporting from a meeting that was not public."""

    meetings: str = "private_meetings"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the plainest report from a meeting that was not public."""
    hits = case.hits.of(parameters.meetings)
    if not trail.holds("it reports from a meeting that was not public", hits, case.said(*hits)):
        return None
    own = [hit for hit in hits if excuse(case, hit) in (None, "it reports what was said")]
    if not trail.holds("it is not quoted or denied", own):
        return None
    worst = max(own, key=lambda hit: hit.sense.strength)
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"Seems to report from a meeting that was not public: {case.said(worst)}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )
