"""A post says what a sealed paper says (Ventnor 8.1, 8.5; NEDDC 4.6, 6.1, 9; Dover 6.1(c), 7.4).

What an open paper of the meeting also says was never sealed, so the item's public title and open report pass. An item
whose business has become public (its outcome announced, or taken with the public in the room) no longer counts.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.sealing import RUN
from feedmon.model.flags import Basis, Severity


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``least_words``: how many words in a row must match. One distinctive figure counts by itself, one step lower."""

    least_words: int = 8


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a long enough run of a sealed paper's words, or a figure that only it has."""
    if not trail.holds("papers were sealed for this meeting", case.room.fingerprints):
        return None
    leaks = case.room.fingerprints.leaks(case.reading)
    standing = [leak for leak in leaks if leak.item not in case.moment.public_items]
    if leaks and not trail.holds("the item's business is still private", standing):
        return None
    runs = [leak for leak in standing if leak.words >= max(parameters.least_words, RUN)]
    figures = [leak for leak in standing if leak.words == 0]
    shorter = [leak for leak in standing if 0 < leak.words < parameters.least_words]
    longest = max((leak.words for leak in standing), default=0)
    if not trail.holds(
        f"{parameters.least_words} words in a row, or a figure, are those of a sealed paper",
        runs or figures,
        f"longest run {longest} words, {len(figures)} figures",
    ):
        return None
    item = (runs or figures)[0].item
    spans = tuple(sorted(leak.span for leak in standing))
    if runs:
        return Finding(
            basis=Basis.FACT,
            score=1.0,
            reason=f"{runs[0].words} words in a row are those of the closed paper on item {item}.",
            spans=spans,
        )
    strong = len(figures) > 1 or bool(shorter)
    figure_words = "figures" if len(figures) > 1 else "a figure"
    return Finding(
        basis=Basis.FACT,
        score=0.9 if strong else 0.7,
        reason=f"It gives {figure_words} that only the closed paper on item {item} has.",
        spans=spans,
        severity=None if strong else Severity.WARNING,
    )
