"""The whole service: started in order, every task in one TaskGroup, stopped in order.

Starting: token, journal, what it knows of the meetings, the port; then the pipeline, then the feeds. Stopping: the
port takes nobody new, the feeds stop, what waits is judged and journaled, desks are told, lines are closed, and last
the journal. A kill at any point loses nothing that was acknowledged: the next start goes on from the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from aiohttp import web

from feedmon.alerts.masking import Masker
from feedmon.journal import Journal, JournalFault
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import Pack
from feedmon.model.instants import Clock
from feedmon.model.meeting import Meeting
from feedmon.model.problems import BadInput, Problem
from feedmon.model.seals import Seal
from feedmon.service.access import token_in
from feedmon.service.address import Address, listening_socket
from feedmon.service.api import Api, application
from feedmon.service.board import Board, rules_in_force
from feedmon.service.capture_page import PURPOSE, CapturePages
from feedmon.service.chair import ChairDoor, ChairPages
from feedmon.service.following import attend, follow_stretch, stretches
from feedmon.service.hub import Channel
from feedmon.service.pipeline import Followed, Pipeline
from feedmon.service.recovery import Recovered, prepared, recover
from feedmon.sources import PATIENCE, Policy

JOURNAL_FILE = "journal.db"

_HANG_UP_WITHIN = 2.0
"""Seconds desks are given to take their last messages."""


@dataclass(frozen=True)
class Preparation:
    """A meeting ready to be followed: its file read, its packs and seals loaded. ``digest`` names the file's bytes."""

    meeting: Meeting
    packs: tuple[Pack, ...]
    seals: tuple[Seal, ...] = ()
    seal_key: bytes | None = None
    digest: str = ""


@dataclass(frozen=True)
class Settings:
    """Where the service keeps its data and where it listens (port 0: any free one).

    ``rehearsal`` is the address of a rehearsal, to be followed in place of the real feeds, and ``rate`` how many
    seconds of its time pass in one. ``policy`` is how patient following is.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8642
    rehearsal: str | None = None
    rate: float = 1.0
    policy: Policy = PATIENCE


@dataclass(frozen=True)
class Running:
    """A service that is up: its address, its token and where that is kept, its journal, and the chair's way in."""

    address: Address
    token: str
    token_file: Path
    journal_file: Path
    door: ChairDoor

    @property
    def url(self) -> str:
        """Where a desk on this machine finds it."""
        return self.address.url()

    def chair_link(self, meeting: str) -> str:
        """A new link to the chair's page of a meeting; it opens once."""
        return f"{self.address.url_for_others()}/chair/{self.door.new_link(meeting)}"


@asynccontextmanager
async def serving(preparations: Sequence[Preparation], settings: Settings, clock: Clock) -> AsyncIterator[Running]:
    """Run the service for as long as the context lasts, and stop it in good order.

    Raises BadInput when it cannot start: the data folder, token or journal cannot be used, the port is taken, a
    source cannot be opened, two meetings have the same id.
    """
    judges = _judges(preparations)
    folder = _made(settings.data)
    token, token_file = token_in(folder)
    journal_file = folder / JOURNAL_FILE
    failure: Exception | None = None
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(Journal.open(journal_file, clock))
        known = {meeting: await _recovered(judge, journal) for meeting, judge in judges.items()}
        held = [key for one in known.values() for key in one.state.written()]
        to_follow = stretches((one.meeting for one in preparations), held, settings.rehearsal)
        listening = stack.enter_context(listening_socket(settings.host, settings.port))
        address = Address(settings.host, listening.getsockname()[1])

        meetings = _followed(known, judges, settings.rate, clock)
        entry_of = {(meeting, *act): seq for meeting, one in known.items() for act, seq in one.entry_of.items()}
        pipeline = Pipeline(meetings, journal, clock, entry_of, rehearsal=settings.rehearsal is not None)
        door = ChairDoor(token)
        chair = ChairPages(door, meetings, {name: _masker(judge) for name, judge in judges.items()}, pipeline)
        capture_door = ChairDoor(token, purpose=PURPOSE)
        captures = CapturePages(capture_door, meetings, pipeline)
        api = Api(meetings, pipeline, journal, clock, door, capture_door, address)
        runner = web.AppRunner(
            application(api, chair, captures, token, settings.host), access_log=None, shutdown_timeout=_HANG_UP_WITHIN
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await _record_start(preparations, journal, journal_file)
        site = web.SockSite(runner, listening)
        await site.start()

        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(pipeline.run(), name="pipeline")
            following: list[asyncio.Task[None]] = []
            random = SystemRandom()
            begun = {meeting: asyncio.Event() for meeting in meetings}
            for stretch in to_follow:
                resumed = any(known[meeting.id].resumed for meeting in stretch.meetings)
                cursor = journal.cursor(stretch.cursor_name) if resumed else None
                one = follow_stretch(stretch, begun, cursor, pipeline, clock, random, settings.policy)
                following.append(tasks.create_task(one, name=f"follow {stretch.cursor_name}"))
            for preparation in preparations:
                meeting = preparation.meeting
                two = attend(meeting, begun[meeting.id], pipeline, clock)
                following.append(tasks.create_task(two, name=f"attend {meeting.id}"))
            try:
                yield Running(address, token, token_file, journal_file, door)
            except Exception as error:  # kept out of the TaskGroup, which would wrap it
                failure = error
            await site.stop()
            for task in following:
                task.cancel()
            if following:
                await asyncio.wait(following)
            await pipeline.stop("The service was stopped.")
            await pump
            for followed in meetings.values():
                followed.channel.close()
    if failure is not None:
        raise failure


def _judges(preparations: Sequence[Preparation]) -> dict[str, Judge]:
    """A judge for each meeting, by its id. Raises BadInput when two have the same."""
    judges: dict[str, Judge] = {}
    for one in preparations:
        if one.meeting.id in judges:
            raise BadInput(
                Problem(f"meeting “{one.meeting.id}”", "is there twice.", "Each meeting has an id of its own.")
            )
        judges[one.meeting.id] = Judge(one.meeting, one.packs, one.seals, one.seal_key)
    return judges


def _made(folder: Path) -> Path:
    """The data folder, made if need be. Raises BadInput when it cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            Problem(str(folder), f"cannot be a folder: {error.strerror}.", "Name another with --data.")
        ) from error
    return folder


async def _recovered(judge: Judge, journal: Journal) -> Recovered:
    return await asyncio.to_thread(lambda: recover(judge.meeting, judge, journal.history(judge.meeting.id)))


def _followed(known: dict[str, Recovered], judges: dict[str, Judge], rate: float, clock: Clock) -> dict[str, Followed]:
    # beyond every number an earlier run gave out, unless that sent a thousand messages a second
    first_seq = time.time_ns() // 1_000_000
    return {
        meeting: Followed(
            one.state, Channel(Board(one.state, rules_in_force(judges[meeting]), rate), clock.now, first_seq)
        )
        for meeting, one in known.items()
    }


def _masker(judge: Judge) -> Masker:
    """Masking that leaves the names of the meeting's people and places alone."""
    meeting = judge.meeting
    allowed = [person.name for person in judge.room.people.values()]
    allowed += [alias for member in meeting.members for alias in member.also_known_as]
    allowed += [*meeting.council.places, meeting.council.name]
    return Masker(allowed)


async def _record_start(preparations: Sequence[Preparation], journal: Journal, file: Path) -> None:
    entries = [(one.meeting.id, prepared(one.meeting, one.packs, one.digest)) for one in preparations]
    try:
        await journal.append(entries)
    except JournalFault as fault:
        raise BadInput(Problem(str(file), fault.message, fault.mend)) from fault
