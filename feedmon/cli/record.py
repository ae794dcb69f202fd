"""``feedmon record``: keep what a source sends during a meeting, to rehearse with it later.

A recording holds what strangers wrote, so it is kept as small as its purpose allows: only messages that belong to
the meeting, only while its window is open (UK GDPR Article 5(1)(c), data minimisation). ``--everything`` is for
developers measuring the network's own traffic; such a file holds posts of thousands of people who have nothing to do
with any council, and must not be kept or passed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from zoneinfo import ZoneInfo

import click

from feedmon.documents.files import place_of
from feedmon.documents.meeting_file import load_meeting
from feedmon.model.instants import Clock
from feedmon.model.meeting import Meeting, SourceSpec
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.service.clock import WallClock
from feedmon.sources import SourceItem, follow, open_source, selection_for
from feedmon.sources.recording import Recorder


@click.command()
@click.argument("meeting", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The new file to write.")
@click.option("--source", metavar="NAME", help="Which of the meeting's sources; needed when it has several.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after so long.")
@click.option("--everything", is_flag=True, help="Keep what belongs to no meeting too: other people's posts.")
def record(meeting: Path, out: Path, source: str | None, minutes: float | None, everything: bool) -> None:
    """Keep what a source of MEETING sends while the meeting's window is open, for a later “feedmon rehearse”.

    Only messages that belong to the meeting are kept. Stop early with Ctrl+C: what was received is in the file.
    """
    prepared = load_meeting(meeting, to_follow=True)
    spec = _source_named(prepared, source, meeting)
    clock = WallClock()
    if clock.now() >= prepared.window.stops:
        ended = _local(prepared.window.stops, prepared)
        raise BadInput(Problem(place_of(meeting), f"the meeting's window closed: {ended}.", "Nothing to record now."))
    with Recorder(out) as recorder:
        with suppress(KeyboardInterrupt):
            asyncio.run(_record(prepared, spec, recorder, clock, minutes, everything))
        messages = "1 message" if recorder.count == 1 else f"{recorder.count} messages"
        click.echo(f"{messages} in {place_of(out)}")


def _source_named(meeting: Meeting, name: str | None, path: Path) -> SourceSpec:
    names = [spec.name for spec in meeting.sources]
    if name is None and len(names) > 1:
        message = f"has {len(names)} sources: {', '.join(names)}."
        raise BadInput(Problem(place_of(path), message, "Say which one with --source."))
    for spec in meeting.sources:
        if name in (None, spec.name):
            return spec
    raise BadInput(Problem("--source", f"the meeting has no source “{name}”.", did_you_mean(name or "", names)))


async def _record(
    meeting: Meeting, spec: SourceSpec, recorder: Recorder, clock: Clock, minutes: float | None, everything: bool
) -> None:
    """Follow the source until the window closes, the minutes are over, the source refuses us, or the disk does."""
    disk_failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(message: bytes, wanted: bool) -> None:
        if (wanted or everything) and not disk_failed.done():
            try:
                recorder.write(message)
            except OSError as error:
                problem = Problem(place_of(recorder.path), f"cannot be written further: {error.strerror}.")
                disk_failed.set_exception(BadInput(problem))

    source = open_source(spec, selection_for(spec, [meeting]), tap=keep)
    if clock.now() < meeting.window.starts:
        click.echo(f"waiting for {_local(meeting.window.starts, meeting)}", err=True)
        await clock.sleep_until(meeting.window.starts)
    ends = meeting.window.stops
    if minutes is not None:
        ends = min(ends, clock.now() + timedelta(minutes=minutes))
    listening = asyncio.ensure_future(_listen(follow(source, None, clock, SystemRandom()), meeting))
    over = asyncio.ensure_future(clock.sleep_until(ends))
    try:
        done, _ = await asyncio.wait((listening, over, disk_failed), return_when=asyncio.FIRST_COMPLETED)
        for finished in done:
            finished.result()
    finally:
        for task in (listening, over):
            task.cancel()
        await asyncio.wait((listening, over))


async def _listen(following: AsyncGenerator[SourceItem, None], meeting: Meeting) -> None:
    """Say how the source does, on stderr, until it refuses us: then raise BadInput."""
    told = None
    async with aclosing(following) as items:
        async for item in items:
            match item:
                case SourceState(condition=SourceCondition.REFUSED):
                    raise BadInput(Problem(f"source “{item.name}”", f"refused: {item.why}"))
                case SourceState() if (item.condition, item.why) != told:
                    told = (item.condition, item.why)
                    click.echo(f"{item.name}: {item.condition}" + (f": {item.why}" if item.why else ""), err=True)
                case Gap():
                    stretch = f"{_local(item.start, meeting)} to {_local(item.end, meeting)}"
                    click.echo(f"{item.source}: {'replayed' if item.filled else 'not seen'}: {stretch}", err=True)
                case FeedFault():
                    click.echo(f"{item.source}: {item.count} unusable: {item.what}", err=True)


def _local(at: datetime, meeting: Meeting) -> str:
    return f"{at.astimezone(ZoneInfo(meeting.timezone)):%d %B %Y, %H:%M:%S}"
