"""``feedmon record``: keep what a source sends during a meeting, to rehearse with it later.

A recording holds what strangers wrote, so it is kept as small as its purpose allows: only messages that belong to
the meeting, only while its window is open (UK GDPR Article 5(1)(c), data minimisation). ``--everything`` is for
developers measuring the network's own traffic; such a file holds posts of thousands of people who have nothing to do
with any council, and must not be kept or passed on.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

import click

from feedmon.documents.files import place_of
from feedmon.documents.meeting_file import load_meeting
from feedmon.model.instants import Clock
from feedmon.model.meeting import Meeting, SourceSpec
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.model.sourcestate import Gap, SourceCondition, SourceState
from feedmon.service.clock import WallClock
from feedmon.sources import Selection, follow, open_source
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
        ended = f"{prepared.window.stops.astimezone():%d %B %Y at %H:%M}"
        raise BadInput(Problem(place_of(meeting), f"the meeting's window ended on {ended}.", "Nothing to record."))
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
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(message: bytes, wanted: bool) -> None:
        if (wanted or everything) and not failed.done():
            try:
                recorder.write(message)
            except OSError as error:
                problem = Problem(place_of(recorder.path), f"cannot be written further: {error.strerror}.")
                failed.set_exception(BadInput(problem))

    source = open_source(spec, Selection.of([meeting]), tap=keep)
    if clock.now() < meeting.window.starts:
        click.echo(f"waiting for {meeting.window.starts.astimezone():%d %B %Y, %H:%M}", err=True)
        await clock.sleep_until(meeting.window.starts)
    ends = meeting.window.stops
    if minutes is not None:
        ends = min(ends, clock.now() + timedelta(minutes=minutes))

    async def listen() -> None:
        async with aclosing(follow(source, None, clock, SystemRandom())) as items:
            async for item in items:
                match item:
                    case SourceState(condition=SourceCondition.REFUSED, why=why):
                        raise BadInput(Problem(f"source “{spec.name}”", f"refused: {why}"))
                    case SourceState() if (now := (item.condition, item.why)) != _TOLD.get(spec.name):
                        _TOLD[spec.name] = now
                    case Gap():
                        pass

    await listen()
    await clock.sleep_until(ends)
