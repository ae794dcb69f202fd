"""The evening at a glance: what to draw on one line of time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from feedmon.model.timeline import MarkKind
from feedmon.review.model import MeetingReview, Stretch
from feedmon.review.words import MARK, Words, lasted

WIDTH = 1000.0


class Bar(msgspec.Struct, frozen=True):
    """A stretch of time, ``x`` and ``width`` in thousandths of the whole; ``text`` fits in it."""

    x: float
    width: float
    text: str
    title: str
    row: int = 0


class Dot(msgspec.Struct, frozen=True):
    """A flag at its instant."""

    x: float
    row: int
    number: int
    severity: str
    title: str


class Glance(msgspec.Struct, frozen=True):
    """Items taken, what was so in the room, gaps, flags, and the hours. Rows keep apart what would overlap."""

    items: tuple[Bar, ...]
    room: tuple[Bar, ...]
    gaps: tuple[Bar, ...]
    flags: tuple[Dot, ...]
    hours: tuple[Bar, ...]

    @property
    def room_rows(self) -> int:
        """How many rows what was so in the room takes."""
        return max((bar.row + 1 for bar in self.room), default=0)


_DOT = 13.0
_SHORT = {
    MarkKind.PUBLIC_EXCLUDED: "public out",
    MarkKind.RECORDING_SUSPENDED: "not recording",
    MarkKind.ASKED_NOT_TO_POST: "no posting",
    MarkKind.ADJOURNED: "adjourned",
}


def glance(review: MeetingReview, words: Words) -> Glance:
    """The meeting's window drawn from left to right."""
    window = review.meeting.window
    whole = (window.stops - window.starts).total_seconds()

    def x(at: datetime) -> float:
        return round(min(max((at - window.starts).total_seconds() / whole, 0.0), 1.0) * WIDTH, 1)

    def bar(stretch: Stretch, text: str, title: str) -> Bar:
        start, end = x(stretch.start), x(stretch.end or window.stops)
        width = round(max(end - start, 1.0), 1)
        return Bar(start, width, text if width > 6 * len(text) + 8 else "", title)

    items = (
        bar(stretch, taken.item.number, f"{words.item(taken.item.number)}, {words.between(stretch)}")
        for taken in (*review.agenda, *review.unlisted)
        for stretch in taken.stretches
    )
    room = (
        bar(state.stretch, _SHORT[state.what], f"{MARK[state.what]}, {words.between(state.stretch)}")
        for state in review.room
    )
    gaps = (Stretch(start=gap.start, end=gap.end, why=gap.source) for gap in review.gaps if not gap.filled)
    return Glance(
        items=tuple(items),
        room=tuple(_in_rows(room)),
        gaps=tuple(bar(gap, "", f"{gap.why} could not be seen for {lasted(gap)}") for gap in gaps),
        flags=tuple(_dots(review, words, x)),
        hours=tuple(Bar(x(at), 0.0, words.hour(at), "") for at in _hours(window.starts, window.stops)),
    )


def _in_rows(bars: Iterable[Bar]) -> Iterator[Bar]:
    rows = _Rows()
    for bar in bars:
        yield msgspec.structs.replace(bar, row=rows.place(bar.x, bar.width))


def _dots(review: MeetingReview, words: Words, x: Callable[[datetime], float]) -> Iterator[Dot]:
    rows = _Rows(most=3)
    for story in review.flags:
        place = x(story.flag.moment.at)
        title = f"flag {story.number}: {story.flag.title}, {words.time(story.flag.moment.at)}"
        yield Dot(place, rows.place(place, _DOT), story.number, story.flag.severity, title)


class _Rows:
    """Puts things that come from left to right in the first row with room, or in the one soonest free."""

    def __init__(self, most: int = 4) -> None:
        self._free_from = [float("-inf")] * most

    def place(self, x: float, width: float) -> int:
        free = self._free_from
        row = next((row for row, start in enumerate(free) if start <= x), free.index(min(free)))
        free[row] = x + width
        return row


def _hours(start: datetime, stop: datetime) -> Iterator[datetime]:
    """Round times in a window, so many that they stand well apart."""
    minutes = next((step for step in (5, 10, 15, 30) if (stop - start) <= timedelta(minutes=9 * step)), 60)
    at = start.replace(minute=0, second=0, microsecond=0)
    while at <= stop:
        if at >= start:
            yield at
        at += timedelta(minutes=minutes * max(1, (stop - start) // timedelta(hours=12)))
