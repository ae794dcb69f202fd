"""``feedmon rehearse``: play a recording, or a sample meeting, over a real local socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from shlex import quote
from zoneinfo import ZoneInfo

import click

from feedmon.documents.bundled import sample_feeds_dir
from feedmon.documents.files import place_of, shown
from feedmon.documents.meeting_file import load_meeting
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import Recording, read_recording

_LEAD = timedelta(seconds=5)  # of meeting time, before the first message
_RECORDING = "bluesky.jsonl"


@click.command()
@click.argument("what", metavar="RECORDING|SAMPLE")
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True, help="Times real time.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="0, or left out: any free one.")
@click.option("--starts-at", metavar="TIME", help="Skip to 19:30, or to 2026-03-05T19:30; local time of the meeting.")
def rehearse(what: str, speed: float, port: int, starts_at: str | None) -> None:
    """Play RECORDING (a file, or a sample meeting's name or folder) as the network would send it.

    The evening begins when feedmon first connects. Afterwards it stays up, a quiet network, until Ctrl+C.
    """
    file = _recording_file(what)
    recording = read_recording(file)
    meeting_file = file.parent / "meeting.toml"
    known = meeting_file.is_file()
    zone = ZoneInfo(load_meeting(meeting_file).timezone if known else "Europe/London")
    starts = _starting(recording, starts_at, zone)
    server = JetstreamServer(recording, RehearsalClock(starts, speed, held=True), port=port)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, place_of(file), quote(str(meeting_file)) if known else "MEETING.toml", zone))


def _recording_file(what: str) -> Path:
    """The recording meant: a file, the one in a folder, or that of a sample meeting."""
    path = Path(what)
    if path.is_dir():
        return path / _RECORDING
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    samples = sorted(folder.parent.name for folder in sample_feeds_dir().glob(f"*/{_RECORDING}"))
    if what not in samples:
        mend = did_you_mean(what, samples)
        raise BadInput(Problem(place_of(path), "is neither a file nor the name of a sample meeting.", mend))
    return sample_feeds_dir() / what / _RECORDING


def _starting(recording: Recording, starts_at: str | None, zone: ZoneInfo) -> datetime:
    """When the rehearsed evening begins. Raises BadInput for a time that is none or lies outside the recording."""
    if starts_at is None:
        return recording.starts - _LEAD
    try:
        if ":" in starts_at and "-" not in starts_at:
            asked = datetime.combine(recording.starts.astimezone(zone), time.fromisoformat(starts_at), zone)
        else:
            asked = datetime.fromisoformat(starts_at)
        asked = (asked if asked.tzinfo else asked.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(Problem("--starts-at", f"“{shown(starts_at)}” is no time.", "Write it as 19:30.")) from None
    if asked > recording.ends:
        ends = f"{recording.ends.astimezone(zone):%H:%M on %d %B %Y}"
        raise BadInput(Problem("--starts-at", f"the recording is over at {ends}.", "Choose an earlier time."))
    return asked


async def _serve(server: JetstreamServer, recording: str, meeting: str, zone: ZoneInfo) -> None:
    async with server:
        starts, ends = (at.astimezone(zone) for at in (server.clock.starts, server.recording.ends))
        click.echo(
            f"{recording}: {len(server.recording.lines)} messages, {starts:%d %B %Y %H:%M:%S} to {ends:%H:%M:%S}, "
            f"at {server.clock.rate:g} times real time. It begins when feedmon connects:"
        )
        click.echo(f"\n  feedmon run {meeting} --rehearsal {server.url}\n")
        await server.clock.sleep_until(server.recording.ends)
        click.echo("The recording has been played. The network stays, quiet, until Ctrl+C.", err=True)
        await asyncio.Event().wait()
