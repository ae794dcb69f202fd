"""The one thing the clerk must be able to see from two metres: clear, look or act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from feedmon.wire import FlagState, Severity, SourceCondition
from tui.model.desk import Desk


class Word(StrEnum):
    """The glance. ``lost`` and ``off`` say that nothing can be said: silence is never shown as clear."""

    CLEAR = "clear"
    LOOK = "look"
    ACT = "act"
    LOST = "lost"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Glance:
    """The word, what it counts, and since when the oldest unhandled flag waits.

    ``new`` are unhandled flags by severity; ``kept`` those put by for later. ``why`` says in words what the counts
    do not: a source that is not being received, following that has not begun or has ended.
    """

    word: Word
    new: Mapping[Severity, int]
    kept: int
    handled: int
    oldest: datetime | None
    why: str


_BLIND = frozenset({SourceCondition.LOST, SourceCondition.REFUSED, SourceCondition.STOPPED})


def glance(desk: Desk, linked: bool) -> Glance:
    """What to show. A critical flag asks to act; any other but information, or a source unseen, to look."""
    new: Counter[Severity] = Counter()
    kept = handled = 0
    oldest: datetime | None = None
    for view in desk.flags():
        flag = view.flag
        if view.cleared is not None or flag.quiet:
            continue
        match desk.state(flag.id):
            case FlagState.NEW:
                new[flag.severity] += 1
                oldest = flag.raised_at if oldest is None else min(oldest, flag.raised_at)
            case FlagState.KEPT:
                kept += 1
            case _:
                handled += 1
    word, why = _word(desk, new, linked)
    return Glance(word, new, kept, handled, oldest, why)


def _word(desk: Desk, new: Mapping[Severity, int], linked: bool) -> tuple[Word, str]:
    blind = [state.name for state in desk.sources.values() if state.condition in _BLIND]
    why = f"{' and '.join(blind)} not received" if blind and desk.following else ""
    if new.get(Severity.CRITICAL):
        return Word.ACT, why
    if new.get(Severity.WARNING) or new.get(Severity.NOTICE):
        return Word.LOOK, why
    if not linked:
        return Word.LOST, "what has come since is not known"
    if not desk.following:
        return Word.OFF, "following has ended" if desk.ended else "nothing is being followed now"
    return (Word.LOOK, why) if why else (Word.CLEAR, "")
