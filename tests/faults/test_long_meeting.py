"""Two hours of a meeting on three networks at once, through the whole service, with everything going wrong.

A process of its own follows a Jetstream, a Mastodon server and a newspaper's feed over a network that is cut, slow and
half open; it is killed, put to sleep, and its disk is full. In the end the journal is compared with what was offered.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import msgspec
import pytest

from feedmon.journal import open_readonly, verify
from feedmon.model.entries import Entry, FollowingStopped, GapRecorded, PostCaptured, SourceReported
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import SourceCondition
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.mastodon_server import TOKEN, MastodonServer
from feedmon.rehearsal.recording import recording_of
from feedmon.rehearsal.rss_server import RssServer
from tests.faults import following
from tests.faults.comparison import (
    Outage,
    deletions_are_respected,
    everything_or_a_hole,
    holes_are_on_record,
    in_order,
    nothing_twice_and_nothing_else,
)
from tests.faults.evening import LASTS, SHOWN, TOO_LATE, Offered, at, strewn, the_meeting
from tests.faults.relay import Relay
from tests.sources import mastodon_rig

pytestmark = [pytest.mark.fault, pytest.mark.long_meeting]

SEEDS = (1, 2)
"""Each is an evening of its own. They take place at the same time."""

RATE = 144.0
"""The two hours pass in fifty seconds."""

ON_JETSTREAM = {
    Fault.DROP: 40,
    Fault.GOING_AWAY: 20,
    Fault.CLOSED: 15,
    Fault.NO_STATUS: 15,
    Fault.SILENT: 10,
    Fault.GARBAGE: 50,
    Fault.TRUNCATED: 50,
    Fault.BAD_UTF8: 50,
    Fault.OVERSIZED: 15,
    Fault.DUPLICATE: 50,
    Fault.REORDER: 60,
}
ON_MASTODON = {
    Fault.DROP: 15,
    Fault.GOING_AWAY: 8,
    Fault.CLOSED: 8,
    Fault.NO_STATUS: 8,
    Fault.GARBAGE: 20,
    Fault.TRUNCATED: 20,
    Fault.BAD_UTF8: 20,
    Fault.OVERSIZED: 5,
    Fault.DUPLICATE: 30,
}
ON_RSS = {
    Fault.DROP: 6,
    Fault.GOING_AWAY: 4,
    Fault.SILENT: 6,
    Fault.GARBAGE: 5,
    Fault.TRUNCATED: 6,
    Fault.BAD_UTF8: 4,
    Fault.OVERSIZED: 2,
    Fault.DUPLICATE: 10,
}


@dataclass
class Chamber:
    """The three networks, the way to each of them, and the service that follows them."""

    clock: RehearsalClock
    jetstream: JetstreamServer
    mastodon: MastodonServer
    rss: RssServer
    relays: dict[str, Relay]
    data: Path
    processes: multiprocessing.context.ForkServerContext
    outages: list[Outage] = field(default_factory=list)
    sleeps: list[Outage] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _process: BaseProcess | None = None
    _pipe: Connection | None = None

    @property
    def journal(self) -> Path:
        return self.data / "journal.db"

    @property
    def now(self) -> float:
        return (self.clock.now() - at(0)).total_seconds()

    async def until(self, minute: float) -> None:
        await self.clock.sleep_until(at(minute * 60))

    async def start(self) -> None:
        """Start the service, and wait until it runs."""
        ports = {name: relay.port for name, relay in self.relays.items()}
        meeting = the_meeting(
            f"ws://127.0.0.1:{ports['bluesky']}",
            f"http://127.0.0.1:{ports['mastodon']}",
            f"http://127.0.0.1:{ports['rss']}/feed",
        )
        self._pipe, theirs = self.processes.Pipe(duplex=False)
        arguments = (self.data, msgspec.json.encode(meeting), self.jetstream.url, theirs)
        self._process = self.processes.Process(target=following.serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        assert await asyncio.to_thread(self._pipe.recv) == following.UP

    async def kill(self) -> None:
        """kill -9, and take in what it had told."""
        assert self._process is not None
        assert self._process.is_alive()
        self.kills.append(self.now)
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self.hear()
        self.happened["killed"] += 1

    async def kill_and_start_again(self) -> None:
        began = self.now
        await self.kill()
        await self.start()
        self.outages += [Outage(name, began, self.now) for name in self.relays]

    def hear(self) -> None:
        """Take in what the service has told of its journal."""
        assert self._pipe is not None
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                self.happened[self._pipe.recv()] += 1

    async def down(self, names: tuple[str, ...], minutes: float) -> None:
        """These hosts cannot be reached for some minutes."""
        began = self.now
        for name in names:
            self.relays[name].go_down()
        await self.clock.sleep_until(at(began + minutes * 60))
        self.outages += [Outage(name, began, self.now) for name in names]
        for name in names:
            self.relays[name].come_back()

    async def asleep(self, minutes: float) -> None:
        """The laptop sleeps: nothing runs, and when it wakes time has jumped and no connection is left."""
        assert self._process is not None
        assert self._process.pid is not None
        began = self.now
        for relay in self.relays.values():
            relay.go_down()
        os.kill(self._process.pid, signal.SIGSTOP)
        self.happened["asleep"] += 1
        await self.clock.sleep_until(at(began + minutes * 60))
        os.kill(self._process.pid, signal.SIGCONT)
        self.sleeps += [Outage(name, began, self.now) for name in self.relays]
        for relay in self.relays.values():
            relay.come_back()

    async def disk_full(self, minutes: float) -> None:
        """No file grows any more, until the journal has felt it and some minutes are over."""
        assert self._process is not None
        assert self._process.pid is not None
        felt = self.happened[following.FULL]
        _, most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (4_096, most))
        await self.clock.sleep_until(at(self.now + minutes * 60))
        async with asyncio.timeout(20):
            while self.happened[following.FULL] == felt:
                await asyncio.sleep(0.05)
                self.hear()
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (most, most))

    def entries(self) -> list[Entry]:
        """What the journal holds of the meeting."""
        with open_readonly(self.journal) as reader:
            return [one.entry for one in reader.history("example") if one.entry is not None]

    async def over(self) -> list[Entry]:
        """The journal's entries, once following has ended and all that was told of its end is written."""
        await self.clock.sleep_until(at(LASTS))
        async with asyncio.timeout(30):
            while True:
                with suppress(BadInput):
                    entries = self.entries()
                    stopped = {
                        one.state.name
                        for one in entries
                        if isinstance(one, SourceReported) and one.state.condition is SourceCondition.STOPPED
                    }
                    if stopped >= {"bluesky", "rss"} and any(isinstance(one, FollowingStopped) for one in entries):
                        return entries
                await asyncio.sleep(0.2)


@asynccontextmanager
async def chamber(
    data: Path, seed: int, offered: Offered, processes: multiprocessing.context.ForkServerContext
) -> AsyncIterator[Chamber]:
    """The evening's networks, with the faults that this seed strews over them."""
    random = Random(seed)
    clock = RehearsalClock(at(0), RATE, held=True)
    recording = recording_of(offered.bluesky, "evening")
    swappable = [place for place, (one, two) in enumerate(pairwise(recording.lines)) if two.due - one.due < 1_900_000]
    faults = strewn(random, range(len(recording.lines)), ON_JETSTREAM | {Fault.REORDER: 0})
    for place, those in strewn(random, swappable, {Fault.REORDER: ON_JETSTREAM[Fault.REORDER]}).items():
        faults[place] = [*faults.get(place, []), *those]
    on_jetstream = FaultPlan(faults, silence=0.2, size=2_100_000)
    before_last = range(len(offered.mastodon) - 10)
    on_mastodon = FaultPlan(strewn(random, before_last, ON_MASTODON), size=2_100_000)
    on_rss = FaultPlan(strewn(random, range(len(offered.rss) - 10), ON_RSS), silence=0.3, size=5_100_000)
    jetstream = JetstreamServer(recording, clock, faults=on_jetstream, pulse=0.1)
    mastodon = MastodonServer(
        mastodon_rig.recording(*offered.mastodon),
        clock,
        faults=on_mastodon,
        domain=mastodon_rig.DOMAIN,
        check=0.02,
        limit=10**6,
        paged_limit=10**6,
    )
    rss = RssServer(offered.rss, clock, plan=on_rss, shown=SHOWN)
    async with AsyncExitStack() as stack:
        relays: dict[str, Relay] = {}
        for name, server in (("bluesky", jetstream), ("mastodon", mastodon), ("rss", rss)):
            await stack.enter_async_context(server)
            port = int(server.url.partition("127.0.0.1:")[2].partition("/")[0])
            relays[name] = await stack.enter_async_context(Relay(port))
        mastodon.streams_at = f"ws://127.0.0.1:{relays['mastodon'].port}"
        yield Chamber(clock, jetstream, mastodon, rss, relays, data, processes)


async def trouble(room: Chamber, random: Random) -> None:
    """What befalls the network, the machine and the service, from the first minute to the last."""
    relays = room.relays

    async def minute(number: float) -> None:
        await room.until(number + random.uniform(-0.4, 0.4))

    await minute(6)
    for relay in relays.values():
        relay.delay = 0.02
    await minute(10)
    for relay in relays.values():
        relay.delay = 0.0
    for number, name in ((13, "bluesky"), (16, "mastodon")):
        await minute(number)
        await relays[name].half_open()
    await minute(21)
    await room.down(("bluesky",), 4)
    await minute(30)
    await room.disk_full(2)
    await minute(36)
    await room.kill_and_start_again()
    await minute(46)
    await room.asleep(4)
    await room.until(52.2)
    await room.down(("rss",), 4.6)
    await minute(60)
    await room.down(("mastodon",), 4)
    await minute(66)
    await room.kill_and_start_again()
    await minute(75)
    await room.disk_full(1)
    await minute(78)
    for name in ("bluesky", "mastodon"):
        await relays[name].half_open()
    await minute(82)
    await room.down(tuple(relays), 4)
    for number in (89, 91, 93):
        await minute(number)
        for relay in relays.values():
            relay.cut()


async def revoked(room: Chamber) -> None:
    """The token is taken away once everything before that had the time to be seen."""
    async with asyncio.timeout(60):
        await room.until(100)
        while room.mastodon.faults.left:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.05)
    await room.until(104)
    assert room.now < TOO_LATE, "the machine is too slow for an evening at this speed"
    began = room.now
    await room.mastodon.revoke(TOKEN)
    room.happened["token revoked"] += 1
    room.outages.append(Outage("mastodon", began, LASTS))


@pytest.fixture
def processes() -> multiprocessing.context.ForkServerContext:
    """Processes that start quickly: forked from a server that has the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.following"])
    return context


async def test_long_meetings_on_three_networks_with_everything_going_wrong(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Every post that a network still offered is kept, once, in order; nothing else is; every hole is on record.

    What is said and what goes wrong are the seed's; on which message a kill falls, the machine's.
    """
    evenings = {seed: Offered.drawn(seed) for seed in SEEDS}
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        rooms: dict[int, Chamber] = {}
        journals: dict[int, asyncio.Task[list[Entry]]] = {}
        for seed, offered in evenings.items():
            rooms[seed] = await stack.enter_async_context(chamber(tmp_path / str(seed), seed, offered, processes))
        for seed, room in rooms.items():
            journals[seed] = tasks.create_task(the_meeting_in(room, Random(seed)))
    for seed, room in rooms.items():
        compare(room, journals[seed].result(), evenings[seed])


async def the_meeting_in(room: Chamber, random: Random) -> list[Entry]:
    """Follow a meeting from its first minute to its last; what its journal then holds."""
    try:
        await room.start()
        await trouble(room, random)
        await revoked(room)
        return await room.over()
    finally:
        await room.kill()


def compare(room: Chamber, entries: list[Entry], offered: Offered) -> None:
    """What was kept beside what was offered."""
    assert verify(room.journal).whole
    everything_went_wrong(room, offered)
    gaps = list({(one.gap.source, one.gap.start): one.gap for one in entries if isinstance(one, GapRecorded)}.values())
    posts = [one.post for one in entries if isinstance(one, PostCaptured)]
    nothing_twice_and_nothing_else(posts, offered)
    everything_or_a_hole(posts, gaps, offered)
    in_order(posts, offered)
    deletions_are_respected(entries, offered)
    holes_are_on_record(gaps, room.outages, room.sleeps, room.kills)
    states = [one.state for one in entries if isinstance(one, SourceReported)]
    assert [state.name for state in states if state.condition is SourceCondition.REFUSED] == ["mastodon"]


def everything_went_wrong(room: Chamber, offered: Offered) -> None:
    """At least five hundred faults, and of every kind some."""
    planned = room.jetstream.faults.happened + room.mastodon.faults.happened + room.rss.plan.happened
    befell: Counter[str] = Counter()
    for relay in room.relays.values():
        befell += relay.happened
    slow = befell.pop("slow")
    assert slow > 20
    assert set(planned) == set(Fault), planned
    assert all(count >= 10 for count in planned.values()), planned
    assert sum(planned.values()) + sum(befell.values()) >= 500, (planned, befell)
    assert befell["drop"] >= 1
    assert befell["half-open"] >= 4
    assert befell["host down"] == 9
    assert room.happened["killed"] == 3
    assert room.happened["asleep"] == room.happened["token revoked"] == 1
    assert room.happened[following.FULL] == room.happened[following.ROOM] == 2
    assert min(offered.skewed["clock ahead"], offered.skewed["clock behind"]) > 20
