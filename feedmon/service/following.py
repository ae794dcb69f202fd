"""Following: each feed for as long as a meeting's window is open, and not a moment longer.

Meetings that name the same feed share one connection to it. While a stretch lasts in which at least one of their
windows is open, the feed is followed; in between it is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import msgspec

from feedmon.model.instants import Clock
from feedmon.model.meeting import Meeting, SourceSpec, Window
from feedmon.model.posts import PostKey
from feedmon.model.sourcestate import SourceCondition, SourceState
from feedmon.service.pipeline import Began, Feed, FromFeed, Over, Pipeline
from feedmon.service.words import clock_time
from feedmon.sources import MeetingIndex, Policy, Source, follow, open_source, selection_for, unseen_at_end

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stretch:
    """One feed to follow while a window is open: the meetings that want it, and how to open it.

    ``cursor_name`` is what the journal calls it; ``source`` is ready to be followed.
    """

    window: Window
    meetings: tuple[Meeting, ...]
    cursor_name: str
    source: Source


def stretches(meetings: Iterable[Meeting], held: Sequence[PostKey], rehearsal: str | None = None) -> list[Stretch]:
    """What there is to follow, and when. ``held`` are posts known already.

    With ``rehearsal`` (a ``ws://`` address) every Bluesky feed is taken from there, and other feeds not at all.
    Raises BadInput for a source that cannot be opened.
    """
    wanting: dict[tuple[str, str], list[tuple[Meeting, SourceSpec]]] = {}
    for meeting in meetings:
        for spec in meeting.sources:
            if rehearsal is None or spec.kind == "bluesky":
                wanting.setdefault((spec.kind, spec.url), []).append((meeting, spec))
    names = [pairs[0][1].name for pairs in wanting.values()]
    found: list[Stretch] = []
    for (_, url), pairs in wanting.items():
        spec = pairs[0][1]
        cursor_name = spec.name if names.count(spec.name) == 1 else f"{spec.name} {url}"
        if rehearsal is not None:
            spec = msgspec.structs.replace(spec, url=rehearsal)
        for window, together in _merged([meeting for meeting, _ in pairs]):
            source = open_source(spec, selection_for(spec, together), held=held)
            found.append(Stretch(window, tuple(together), cursor_name, source))
    return found


def _merged(meetings: Iterable[Meeting]) -> Iterator[tuple[Window, list[Meeting]]]:
    """Windows that touch, joined, with the meetings in each."""
    groups: list[list[Meeting]] = []
    for meeting in sorted(meetings, key=lambda one: one.window.starts):
        if groups and meeting.window.starts <= _last_stop(groups[-1]):
            groups[-1].append(meeting)
        else:
            groups.append([meeting])
    for group in groups:
        yield Window(group[0].window.starts, _last_stop(group)), group


def _last_stop(meetings: Iterable[Meeting]) -> datetime:
    return max(meeting.window.stops for meeting in meetings)


async def attend(meeting: Meeting, begun: asyncio.Event, pipeline: Pipeline, clock: Clock) -> None:
    """Tell the pipeline when a meeting's window opens (then set ``begun``) and when it is over."""
    if clock.now() >= meeting.window.stops:
        return
    await clock.sleep_until(meeting.window.starts)
    await pipeline.put(Began(meeting.id))
    begun.set()
    await clock.sleep_until(meeting.window.stops)
    at = clock_time(meeting.window.stops, meeting.timezone)
    await pipeline.put(Over(meeting.id, f"The time for following this meeting ended at {at}."))


async def follow_stretch(
    stretch: Stretch,
    begun: Mapping[str, asyncio.Event],
    cursor: str | None,
    pipeline: Pipeline,
    clock: Clock,
    random: Random,
    policy: Policy,
) -> None:
    """Follow one feed through one stretch, once the first of its meetings still to come has ``begun`` (by id).

    ``cursor`` is how far it was read in this very stretch, before a restart. When there is none and the stretch has
    been open for a while, what came before is asked for, as far as the network keeps it.
    """
    first = next((meeting for meeting in stretch.meetings if clock.now() < meeting.window.stops), None)
    if first is None:
        return
    await begun[first.id].wait()
    began = clock.now()
    if cursor is None and began - stretch.window.starts > timedelta(seconds=policy.behind_after):
        cursor = stretch.source.cursor_at(stretch.window.starts)
    feed = Feed(
        name=stretch.source.name,
        cursor_name=stretch.cursor_name,
        meetings=tuple(meeting.id for meeting in stretch.meetings),
        index=MeetingIndex(stretch.meetings),
    )
    state = SourceState(name=feed.name, condition=SourceCondition.STARTING, since=began)

    async def read() -> None:
        nonlocal state
        async with aclosing(follow(stretch.source, cursor, clock, random, policy)) as items:
            async for item in items:
                if isinstance(item, SourceState):
                    state = item
                await pipeline.put(FromFeed(feed, item))

    try:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read(), name=f"read {feed.name}")
            await clock.sleep_until(stretch.window.stops)
            reading.cancel()
    finally:  # also when the service stops: say what stays unseen, and that it is followed no longer
        now = clock.now()
        if (gap := unseen_at_end(state, began, now)) is not None:
            pipeline.offer(FromFeed(feed, gap))
        if state.condition is not SourceCondition.REFUSED:
            stopped = msgspec.structs.replace(state, condition=SourceCondition.STOPPED, since=now, why="")
            pipeline.offer(FromFeed(feed, stopped))
        _log.info("%s: followed no longer", feed.name)
