"""The evening at a glance: what to draw on one line of time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from feedmon.review.model import MeetingReview, Stretch
from feedmon.review.words import MARK, Words, lasted

WIDTH = 1000.0


class Bar(msgspec.Struct, frozen=True):
    """A stretch of time, ``x`` and ``width`` in thousandths of the whole; ``text`` fits in it, ``title`` says it all."""

    x: float
    width: float
    text: str
    title: str


class Dot(msgspec.Struct, frozen=True):
    """A flag at its instant; ``row`` keeps those close together apart."""

    x: float
    row: int
    number: int
    severity: str
    title: str


class Glance(msgspec.Struct, frozen=True):
    """Items taken, what was so in the room, gaps, flags, and the hours to write beneath."""

    items: tuple[Bar, ...]
    room: tuple[Bar, ...]
    gaps: tuple[Bar, ...]
    flags: tuple[Dot, ...]
    hours: tuple[Bar, ...]


_ROWS = 3
_DOT = 13.0


def glance(review: MeetingReview, words: Words) -> Glance:
    """The meeting's window drawn from left to right."""
    window = review.meeting.window
    whole = (window.stops - window.starts).total_seconds()

    def x(at: datetime) -> float:
        return round(min(max((at - window.starts).total_seconds() / whole, 0.0), 1.0) * WIDTH, 1)

    def bar(stretch: Stretch, text: str, title: str) -> Bar:
        start, end = x(stretch.start), x(stretch.end or window.stops)
        width = round(max(end - start, 1.0), 1)
        return Bar(start, width, text if width > 9 * len(text) + 6 else "", title)

    items = (
        bar(stretch, taken.item.number, f"{words.item(taken.item.number)}, {words.between(stretch)}")
        for taken in (*review.agenda, *review.unlisted)
        for stretch in taken.stretches
    )
    room = (
        bar(state.stretch, MARK[state.what], f"{MARK[state.what]}, {words.between(state.stretch)}")
        for state in review.room
    )
    gaps = (Stretch(start=gap.start, end=gap.end, why=gap.source) for gap in review.gaps if not gap.filled)
    return Glance(
        items=tuple(items),
        room=tuple(room),
        gaps=tuple(bar(gap, "", f"{gap.why} could not be seen for {lasted(gap)}") for gap in gaps),
        flags=_dots(review, words, x),
        hours=tuple(Bar(x(at), 0.0, words.time(at)[-8:-3], "") for at in _hours(window.starts, window.stops)),
    )


def _dots(review: MeetingReview, words: Words, x: Callable[[datetime], float]) -> tuple[Dot, ...]:
    free_from = [float("-inf")] * _ROWS
    dots: list[Dot] = []
    for story in review.flags:
        place = x(story.flag.moment.at)
        row = next((row for row in range(_ROWS) if free_from[row] <= place), free_from.index(min(free_from)))
        free_from[row] = place + _DOT
        title = f"flag {story.number}: {story.flag.title}, {words.time(story.flag.moment.at)}"
        dots.append(Dot(place, row, story.number, story.flag.severity, title))
    return tuple(dots)


def _hours(start: datetime, stop: datetime) -> Iterator[datetime]:
    """The full and half hours of a window, or the full ones only when it is long."""
    step = timedelta(minutes=30 if stop - start <= timedelta(hours=4) else 60)
    at = start.replace(minute=0, second=0, microsecond=0)
    while at < stop:
        if at >= start:
            yield at
        at += step
