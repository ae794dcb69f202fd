"""A real service on loopback, following a real local feed of invented posts, and a plain desk to listen with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from feedmon.model.instants import to_micros
from feedmon.model.meeting import Meeting, SourceSpec
from feedmon.model.posts import Author
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from feedmon.service.app import Preparation, Running, Settings, serving
from feedmon.sources import Policy
from feedmon.wire import FlagRaised, Message, Snapshot, decode
from tests.service import rooms

M = TypeVar("M", bound=Message)

RATE = 600.0
"""Ten minutes of the meeting pass in a second."""

HASTY = Policy(first_wait=1, longest_wait=20, told_every=120, behind_after=1800)


def line(
    number: int, minutes: float, text: str, author: Author, *, operation: str = "create", cid: str | None = None
) -> bytes:
    """A post as Jetstream sends it, so many minutes after the window opens."""
    micros = to_micros(rooms.at(minutes))
    record = {"$type": "app.bsky.feed.post", "createdAt": "2026-03-05T19:00:00.000Z", "langs": ["en"], "text": text}
    commit = {
        "rev": f"3l{micros}",
        "operation": operation,
        "collection": "app.bsky.feed.post",
        "rkey": f"3k{number:011d}",
    }
    if operation != "delete":
        commit |= {"record": record, "cid": cid or f"bafyrei{number:052d}"}  # type: ignore[dict-item]  # JSON
    return json.dumps({"did": author.id, "time_us": micros, "kind": "commit", "commit": commit}).encode()


def followed(url: str = "ws://127.0.0.1:1", **changes: object) -> Meeting:
    """The meeting of these tests, with a feed."""
    sources = (SourceSpec(kind="bluesky", name="bluesky", url=url),)
    return msgspec.structs.replace(rooms.meeting(), sources=sources, **changes)


@dataclass
class Evening:
    """A service that is up, its clock, and where its data is."""

    running: Running
    clock: RehearsalClock
    data: Path
    meeting: Meeting

    def session(self, token: str | None = None) -> aiohttp.ClientSession:
        """A session that carries the token (another one, or with "" none)."""
        token = self.running.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return aiohttp.ClientSession(base_url=self.running.url, headers=headers)

    def path(self, what: str) -> str:
        return f"/api/v1/meetings/{self.meeting.id}/{what}"

    @asynccontextmanager
    async def desk(self, after: int | None = None) -> AsyncIterator[Desk]:
        """A desk that listens."""
        query = {} if after is None else {"after": str(after)}
        async with self.session() as session, session.ws_connect(self.path("live"), params=query) as socket:
            yield Desk(session, socket, self)


@dataclass
class Desk:
    """What a desk hears, and how it acts."""

    session: aiohttp.ClientSession
    socket: aiohttp.ClientWebSocketResponse
    evening: Evening
    heard: list[Message] = field(default_factory=list)

    async def hear(self) -> Message:
        """The next message."""
        frame = await self.socket.receive()
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        message = decode(frame.data)
        assert message is not None
        self.heard.append(message)
        return message

    async def until(self, kind: type[M], fits: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of a kind that fits."""
        async with asyncio.timeout(10):
            while True:
                message = await self.hear()
                if isinstance(message, kind) and fits(message):
                    return message

    async def flags(self, count: int) -> list[FlagRaised]:
        """The next so many flags."""
        return [await self.until(FlagRaised) for _ in range(count)]

    async def snapshot(self) -> Snapshot:
        return await self.until(Snapshot)

    async def post(self, what: str, body: object) -> tuple[int, dict[str, object]]:
        """Act: the status and the answer."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.session.post(self.evening.path(what), data=data) as answer:
            return answer.status, json.loads(await answer.read())


@asynccontextmanager
async def evening(
    data: Path,
    lines: Iterable[bytes] = (),
    *,
    starts: float = 30,
    rate: float = RATE,
    meetings: Sequence[Meeting] | None = None,
    pulse: float = 0.1,
) -> AsyncIterator[Evening]:
    """A service following a feed that says these lines, from ``starts`` minutes after the window opens."""
    raw = list(lines) or [line(0, 209, rooms.HARMLESS, rooms.BRENNAN)]
    recording = recording_of(raw, "test")
    clock = RehearsalClock(rooms.at(starts), rate, held=True)
    async with JetstreamServer(recording, clock, pulse=pulse) as server:
        settings = Settings(data, port=0, rehearsal=server.url, rate=rate, policy=HASTY)
        which = meetings or [followed()]
        preparations = [Preparation(meeting, rooms.packs()) for meeting in which]
        async with serving(preparations, settings, clock) as running:
            clock.begin()
            yield Evening(running, clock, data, which[0])


async def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)
