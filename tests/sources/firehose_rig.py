"""A personal data server to follow: its frames encoded here, its log replayed as the real one was seen to do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feedmon.model.meeting import SourceSpec
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.sources import open_source
from feedmon.sources.base import Source, Tap
from feedmon.sources.firehose import PATH
from tests.sources.bluesky_frames import EVENING, RESIDENT, STRANGER, record, uri
from tests.sources.jetstream_rig import SELECTION
from tests.sources.source_conformance import Rig, Trouble

POST = "app.bsky.feed.post"


class Link(bytes):
    """A CID, in its binary form."""


def cbor(value: Any) -> bytes:
    """A value in DAG-CBOR."""
    match value:
        case bool() | None:
            return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case Link():
            return b"\xd8\x2a" + cbor(b"\x00" + bytes(value))
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            ordered = sorted(value.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(part) for key, part in ordered)
    raise TypeError(type(value))


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << (8 * size))
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + number.to_bytes(size, "big")


def link_to(block: bytes) -> Link:
    """The CID of a block."""
    return Link(b"\x01\x71\x12\x20" + hashlib.sha256(block).digest())


def car(blocks: Sequence[bytes]) -> bytes:
    """A CAR file of blocks; the first is its root."""
    header = cbor({"version": 1, "roots": [link_to(blocks[0])]})
    sections = [header, *(bytes(link_to(block)) + block for block in blocks)]
    return b"".join(_varint(len(section)) + section for section in sections)


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def event(kind: str, body: dict[str, Any]) -> bytes:
    """A frame."""
    return cbor({"op": 1, "t": kind}) + cbor(body)


def commit(did: str, seq: int, time: str, changes: Sequence[tuple[str, str, dict[str, Any] | None]]) -> bytes:
    """A commit of changes: (action, path, record), the record None for a deletion."""
    blocks = [cbor({"did": did, "rev": f"3r{seq:09}", "version": 3})]
    ops: list[dict[str, Any]] = []
    for action, path, content in changes:
        if content is not None:
            blocks.append(cbor(content))
        cid = link_to(blocks[-1]) if content is not None else None
        ops.append({"action": action, "path": path, "cid": cid})
    body = {"repo": did, "seq": seq, "rev": f"3r{seq:09}", "since": None, "time": time, "ops": ops, "blobs": []}
    return event("#commit", {**body, "blocks": car(blocks), "commit": link_to(blocks[0]), "tooBig": False})


def account(did: str, seq: int, time: str, **more: Any) -> bytes:
    """An account event."""
    return event("#account", {"did": did, "seq": seq, "time": time, "active": True, **more})


def failure(error: str, why: str) -> bytes:
    """An error, after which the server closes."""
    return cbor({"op": -1}) + cbor({"error": error, "message": why})


class FirehoseServing:
    """A server with a log: posts of the meeting and others in turn, two seconds apart, and signs of life."""

    def __init__(self, posts: int, trouble: dict[int, Trouble], answers: Sequence[int]) -> None:
        self.clock = RehearsalClock(EVENING, 200, held=True)
        self.ids = [uri(RESIDENT, f"3p{number}") for number in range(posts)]
        self.log: list[bytes] = []
        self.first = 1
        """The number of the first message kept; what was before it is gone."""
        self._places: dict[int, int] = {}
        self._trouble = dict(trouble)
        self._answers = list(answers)
        self._more = asyncio.Condition()
        self._sending: set[asyncio.Task[object]] = set()
        self._server: Server | None = None

    @property
    def connections(self) -> int:
        return len(self._server.connections) if self._server else 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def source(self, tap: Tap | None = None) -> Source:
        return open_source(SourceSpec(kind="pds", name="pds", url=self._url), SELECTION, tap=tap)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FirehoseServing]:
        async with serve(self._send, "127.0.0.1", 0, process_request=self._answer, close_timeout=0.2) as self._server:
            self._url = self.url
            world = asyncio.create_task(self._go_on())
            yield self
            for task in (world, *self._sending):
                task.cancel()
            await asyncio.wait((world, *self._sending))

    async def _go_on(self) -> None:
        """Whatever happens on this server, in the evening's time."""
        for number in range(len(self.ids)):
            await self._until(4 * number + 2)
            await self._write(STRANGER, f"{POST}/3s{number}", "elsewhere")
            await self._until(4 * number + 4)
            self._places[len(self.log)] = number
            await self._write(RESIDENT, f"{POST}/3p{number}", f"{number} #SaltmarshTC")
        while True:
            await asyncio.sleep(0.02)
            await self._happen(account(STRANGER, self._next, self._time()))

    @property
    def _next(self) -> int:
        return self.first + len(self.log)

    def _time(self) -> str:
        return f"{self.clock.now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"

    async def _until(self, seconds: float) -> None:
        await self.clock.sleep_until(EVENING + timedelta(seconds=seconds))

    async def _write(self, did: str, path: str, text: str) -> None:
        content = record(text)
        await self._happen(commit(did, self._next, self._time(), [("create", path, content)]))

    async def _happen(self, frame: bytes) -> None:
        async with self._more:
            self.log.append(frame)
            self._more.notify_all()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._answers:
            return connection.respond(self._answers.pop(0), "planned\n")
        return None if urlsplit(request.path).path == PATH else connection.respond(404, "no such method\n")

    async def _send(self, connection: ServerConnection) -> None:
        self.clock.begin()
        sending = asyncio.current_task()
        assert sending is not None
        self._sending.add(sending)
        assert connection.request is not None
        asked = parse_qs(urlsplit(connection.request.path).query).get("cursor")
        place = len(self.log)
        if asked is not None:
            place = int(asked[0]) - self.first + 1
            if place > len(self.log):
                await connection.send(failure("FutureCursor", "Cursor in the future."))
                await connection.close(1008, "FutureCursor")
                return
            if place < 0:
                await connection.send(event("#info", {"name": "OutdatedCursor", "message": "Possibly missing events"}))
                place = 0
        try:
            while True:
                async with self._more:
                    while place == len(self.log):
                        await self._more.wait()
                if await self._commit_trouble(connection, place):
                    return
                await connection.send(self.log[place])
                place += 1
        except ConnectionClosed:
            pass

    async def _commit_trouble(self, connection: ServerConnection, place: int) -> bool:
        match self._trouble.pop(self._places.get(place, -1), None):
            case Trouble.CUT:
                connection.transport.abort()
                return True
            case Trouble.CLEAN_CLOSE:
                await connection.close(1001)
                return True
            case Trouble.GARBAGE:
                await connection.send(b"\xff\x00 neither CBOR nor anything")
            case Trouble.DUPLICATE:
                await connection.send(self.log[place])
        return False


class FirehoseRig(Rig):
    replays = True

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[FirehoseServing]:
        async with FirehoseServing(posts, trouble or {}, answers).serving() as serving:
            yield serving
