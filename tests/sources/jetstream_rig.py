"""A Jetstream to follow: the rehearsal server with invented evenings, and one that sends whatever it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from websockets.asyncio.server import ServerConnection, serve

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_asked import FIRST_PATH, SECOND_PATH
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from feedmon.sources import Selection, open_source
from feedmon.sources.base import Source, Tap
from tests.sources.bluesky_frames import (
    EVENING,
    MEETING,
    RESIDENT,
    STRANGER,
    post,
    spec,
    uri,
)
from tests.sources.source_conformance import (
    Rig,
    Trouble,
)

SELECTION = Selection.of([MEETING])
SECOND = 1_000_000
BOTH = pytest.mark.parametrize("path", [FIRST_PATH, SECOND_PATH], ids=["v1", "v2"])
FAULTS = {
    Trouble.CUT: Fault.DROP,
    Trouble.CLEAN_CLOSE: Fault.GOING_AWAY,
    Trouble.GARBAGE: Fault.GARBAGE,
    Trouble.DUPLICATE: Fault.DUPLICATE,
}


class JetstreamServing:
    """A rehearsal server with posts of the meeting and others in turn, two seconds of meeting time apart."""

    def __init__(self, server: JetstreamServer, ids: Sequence[str], path: str) -> None:
        self.server = server
        self.path = path
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        assert self.server._server is not None
        return len(self.server._server.connections)

    def source(self, tap: Tap | None = None) -> Source:
        return open_source(spec(self.server.url + self.path), SELECTION, tap=tap)


class JetstreamRig(Rig):
    replays = True

    def __init__(self, path: str = FIRST_PATH) -> None:
        self.path = path

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[JetstreamServing]:
        lines: list[bytes] = []
        for number in range(posts):
            lines.append(post(STRANGER, f"3s{number}", "elsewhere", (2 * number + 1) * SECOND))
            lines.append(post(RESIDENT, f"3p{number}", f"{number} #SaltmarshTC", (2 * number + 2) * SECOND))
        plan = FaultPlan({2 * place + 1: [FAULTS[what]] for place, what in (trouble or {}).items()}, answers=answers)
        clock = RehearsalClock(EVENING, 200, held=True)
        async with JetstreamServer(recording_of(lines, "test"), clock, faults=plan, pulse=0.02) as server:
            yield JetstreamServing(server, [uri(RESIDENT, f"3p{number}") for number in range(posts)], self.path)


def evening(posts: int, apart: float = 1.0) -> tuple[list[bytes], list[str]]:
    """An invented evening: posts of the meeting's, and the ids of them in order."""
    lines = [
        post(RESIDENT, f"3p{number}", "#SaltmarshTC", int((number + 1) * apart * SECOND)) for number in range(posts)
    ]
    return lines, [uri(RESIDENT, f"3p{number}") for number in range(posts)]


@asynccontextmanager
async def serving(
    lines: Sequence[bytes],
    faults: FaultPlan | None = None,
    *,
    rate: float = 200,
    pulse: float = 0.02,
    held: bool = True,
    keeps: timedelta | None = None,
) -> AsyncIterator[JetstreamServer]:
    clock = RehearsalClock(EVENING, rate, held=held)
    async with JetstreamServer(recording_of(lines, "test"), clock, faults=faults, pulse=pulse, keeps=keeps) as server:
        yield server


@asynccontextmanager
async def hostile(*frames: bytes | str, then: str = "wait") -> AsyncIterator[str]:
    """A server of our own that sends these frames as they are, then waits or closes; yields its url."""

    async def send(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        if then == "wait":
            await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, max_size=None, close_timeout=0.2) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


ENDINGS = [Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS]
