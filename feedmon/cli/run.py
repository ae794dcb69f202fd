"""``feedmon run``: follow meetings, and serve desks and the chair's page until asked to stop."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from feedmon.cli.preparing import clock_of, desk_in_this_terminal, log_to, prepare, stop_signal
from feedmon.documents.files import place_of
from feedmon.model.instants import Clock
from feedmon.model.problems import BadInput, Problem
from feedmon.service.address import is_loopback
from feedmon.service.app import Preparation, Running, Settings, serving
from feedmon.service.clock import WallClock

DATA = Path("feedmon-data")


@click.command()
@click.argument("meetings", metavar="MEETING...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--desk", is_flag=True, help="Open the desk in this terminal; closing it ends the service.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen. Only this machine by default.")
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--data", default=DATA, show_default=True, type=click.Path(path_type=Path), help="Where the journal is.")
@click.option("--rehearsal", metavar="URL", help="Follow a rehearsal (see “feedmon rehearse”), by its clock.")
def run(meetings: tuple[Path, ...], desk: bool, host: str, port: int, data: Path, rehearsal: str | None) -> None:
    """Follow the meetings in these files while their windows are open.

    Desks connect with “feedmon-desk”. Stop with Ctrl+C; started again with the same files, it goes on from the
    journal.
    """
    if desk and len(meetings) > 1:
        raise BadInput(Problem("--desk", "shows one meeting.", "Run without it, and open feedmon-desk for each."))
    preparations = prepare(meetings)
    log_to(data if desk else None)
    sys.exit(asyncio.run(_run(preparations, Settings(data, host, port, rehearsal), desk)))


async def _run(preparations: tuple[Preparation, ...], settings: Settings, desk: bool) -> int:
    clock: Clock = WallClock()
    if settings.rehearsal is not None:
        clock = rehearsed = await clock_of(settings.rehearsal)
        settings = Settings(settings.data, settings.host, settings.port, settings.rehearsal, rehearsed.rate)
    with stop_signal() as stop:
        async with serving(preparations, settings, clock) as running:
            _introduce(running, preparations, settings, clock)
            if not desk:
                await stop.wait()
                return 0
            code = await desk_in_this_terminal(running, preparations[0].meeting.id, stop)
            if code and not stop.is_set():
                click.echo(f"The service goes on at {running.url}; Ctrl+C stops it.", err=True)
                await stop.wait()
            return 0


def _introduce(running: Running, preparations: tuple[Preparation, ...], settings: Settings, clock: Clock) -> None:
    """Say where everything is (on stdout), and what is worth knowing about it (on stderr)."""
    click.echo(f"service: {running.url}")
    click.echo(f"token: {place_of(running.token_file)}")
    click.echo(f"journal: {place_of(running.journal_file)}")
    for one in preparations:
        click.echo(f"chair: {running.chair_link(one.meeting.id)}  ({one.meeting.title}; opens once)")
    click.echo(f"desk: feedmon-desk --url {running.url} --token-file {place_of(running.token_file)}")
    if not is_loopback(settings.host):
        click.echo(
            f"Listening on {settings.host}, without encryption: whoever is on that network can reach this service, "
            "and read what desks are told. Use it on a network you trust, or put a TLS proxy in front.",
            err=True,
        )
    now = clock.now()
    for one in preparations:
        window, zone = one.meeting.window, ZoneInfo(one.meeting.timezone)
        if now >= window.stops:
            ended = f"{window.stops.astimezone(zone):%d %B %Y, %H:%M}"
            click.echo(f"{one.meeting.id}: its window closed {ended}, so nothing is followed.", err=True)
        elif now < window.starts:
            begins = f"{window.starts.astimezone(zone):%d %B %Y, %H:%M}"
            click.echo(f"{one.meeting.id}: following begins {begins}.", err=True)
