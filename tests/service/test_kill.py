"""kill -9, again and again, in the middle of everything: what was acknowledged is there, and nothing is there twice."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from multiprocessing.process import BaseProcess
from pathlib import Path

import aiohttp
import msgspec
import pytest

from feedmon.journal import open_readonly, verify
from feedmon.model.entries import FlagCleared, FlagRaised, Marked, PostCaptured
from feedmon.model.flags import Flag
from feedmon.model.posts import Post
from feedmon.model.timeline import MarkKind
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from feedmon.wire import FlagRaised as FlagHeard
from feedmon.wire import MarkRequest, Snapshot, decode
from tests.service.children import serve
from tests.service.evening import eventually, line
from tests.service.rooms import BRENNAN, GOSSIP, HARMLESS, OLDROYD, RESIDENT, RESIDENTS_VIEW, THREAT, at, mark

pytestmark = pytest.mark.fault

KILLS = 8
POSTS = 120
KEPT = POSTS * 4 // 5  # of five posts one is a resident's and raises no flag
RATE = 400.0
PATH = "/api/v1/meetings/example"


def the_evening() -> list[bytes]:
    """A post every ten seconds from 19:00: members in and out of closed session, residents, threats."""
    said = [
        (GOSSIP, BRENNAN),
        (HARMLESS, OLDROYD),
        (RESIDENTS_VIEW, RESIDENT),
        (GOSSIP + " Again.", OLDROYD),
        (THREAT, RESIDENT),
    ]
    return [line(number, 30 + number / 6, *said[number % len(said)]) for number in range(POSTS)]


def the_marks() -> list[MarkRequest]:
    kinds = [MarkKind.PUBLIC_EXCLUDED, MarkKind.PUBLIC_READMITTED] * 10
    return [mark("m0", MarkKind.OPENED, 30), *(mark(f"m{n}", kind, 30 + n) for n, kind in enumerate(kinds, 1))]


class Witness:
    """Remembers everything that any desk was ever told, and every act that was ever acknowledged."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.acknowledged: dict[str, int] = {}
        self.after: int | None = None
        self.last: Snapshot | None = None

    async def attend(self, url: str, token: str, marks: list[MarkRequest]) -> None:
        """Listen, and make the marks that are not acknowledged yet, until the service is gone."""
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(url, headers=headers) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(session))
            tasks.create_task(self._act(session, marks))

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        query = {} if self.after is None else {"after": str(self.after)}
        try:
            async with session.ws_connect(f"{PATH}/live", params=query) as socket:
                async for frame in socket:
                    message = decode(frame.data)
                    assert message is not None
                    self.after = message.seq
                    if isinstance(message, FlagHeard):
                        self.flags.add(message.view.flag.id)
        except (aiohttp.ClientError, OSError):
            return

    async def _act(self, session: aiohttp.ClientSession, marks: list[MarkRequest]) -> None:
        for request in marks:
            if request.id not in self.acknowledged:
                try:
                    async with session.post(f"{PATH}/marks", data=msgspec.json.encode(request)) as answer:
                        assert answer.status == 200
                        self.acknowledged[request.id] = (await answer.json())["entry"]
                except (aiohttp.ClientError, OSError):
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
def processes() -> multiprocessing.context.ForkServerContext:
    """Processes that start quickly: forked from a server that has the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.service.children"])
    return context


async def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(
    tmp_path: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """Flags heard, marks acknowledged and posts fed are all in the journal in the end, once each; the chain holds."""
    recording = recording_of(the_evening(), "evening")
    witness, chance = Witness(), random.Random(8642)
    async with JetstreamServer(recording, RehearsalClock(at(29), RATE, held=True), pulse=0.1) as server:

        async def start() -> tuple[BaseProcess, str, str]:
            ours, theirs = processes.Pipe(duplex=False)
            process = processes.Process(target=serve, args=(tmp_path, server.url, theirs), daemon=True)
            process.start()
            url, token = await asyncio.to_thread(ours.recv)
            return process, url, token

        for _ in range(KILLS):
            process, url, token = await start()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(witness.attend(url, token, the_marks()))
                await asyncio.sleep(chance.uniform(0.02, 0.5))
                process.kill()
        process, url, token = await start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(witness.attend(url, token, the_marks()))
            await server.clock.sleep_until(recording.ends)
            await eventually(lambda: len(captured(tmp_path)) == KEPT, 20)
            await eventually(lambda: len(witness.acknowledged) == len(the_marks()), 20)
            headers = {"Authorization": f"Bearer {token}"}
            async with (
                aiohttp.ClientSession(url, headers=headers) as session,
                session.ws_connect(f"{PATH}/live") as socket,
            ):
                snapshot = decode((await socket.receive()).data)
            process.kill()
    assert isinstance(snapshot, Snapshot)
    assert {view.flag.id for view in snapshot.flags} >= witness.flags
    assert [mark.id for mark in snapshot.marks] == [f"m{n}" for n in range(21)]
    journal = tmp_path / "journal.db"
    assert verify(journal).whole
    posts = captured(tmp_path)
    assert len({(post.key, post.version) for post in posts}) == len(posts) == KEPT
    with open_readonly(journal) as reader:
        recorded = {one.seq: one.entry for one in reader.history("example")}
    for act, seq in witness.acknowledged.items():
        entry = recorded[seq]
        assert isinstance(entry, Marked)
        assert entry.mark.id == act
    raised: dict[str, Flag] = {}
    for entry in recorded.values():
        if isinstance(entry, FlagRaised):
            assert raised.get(entry.flag.id) != entry.flag, "raised twice without a change"
            raised[entry.flag.id] = entry.flag
        elif isinstance(entry, FlagCleared):
            del raised[entry.flag]
    assert {view.flag.id for view in snapshot.flags if view.cleared is None} == raised.keys()


def captured(folder: Path) -> list[Post]:
    with open_readonly(folder / "journal.db") as reader:
        return [one.entry.post for one in reader.history("example") if isinstance(one.entry, PostCaptured)]
