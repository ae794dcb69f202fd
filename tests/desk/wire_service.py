"""A small service that speaks the real protocol over real sockets: snapshot, resume, refusals, idempotent acts.

It judges nothing. A test tells it what to say, cuts its lines, makes it slow to answer, and reads what it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import msgspec
from aiohttp import web

from feedmon.wire import (
    CaptureRequest,
    ChairLink,
    DecisionMade,
    DecisionRequest,
    Done,
    FlagState,
    FollowingEnded,
    MarkMade,
    MarkRequest,
    Message,
    Refusal,
    Snapshot,
    encode,
)
from tui.link import Address

TOKEN = "correct-horse"


class WireService:
    """One meeting, told from a snapshot. ``remembers`` is how many messages a desk may have missed."""

    def __init__(self, snapshot: Snapshot, remembers: int = 1000) -> None:
        self.snapshot = snapshot
        self.remembers = remembers
        self.seq = snapshot.seq
        self.past: list[tuple[int, str]] = []
        self.lines: dict[web.WebSocketResponse, asyncio.Queue[str]] = {}
        self.joined: list[str | None] = []
        self.marks: list[MarkRequest] = []
        self.decisions: list[DecisionRequest] = []
        self.captures: list[CaptureRequest] = []
        self.warning = ""
        self.requests: list[tuple[str, bytes]] = []
        self.refuse: Refusal | None = None
        self.swallow_answers = 0
        self.unavailable = 0
        self.gone = False
        self.token = TOKEN
        self._acts: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address.of(f"http://127.0.0.1:{self._port}", TOKEN)

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application(middlewares=[self._guard])
        one = "/api/v1/meetings/{meeting}"
        app.add_routes(
            [
                web.get("/api/v1/meetings", self._list),
                web.get(one + "/live", self._live),
                web.post(one + "/marks", self._mark),
                web.post(one + "/decisions", self._decide),
                web.post(one + "/captures", self._capture),
                web.post(one + "/chair-link", self._chair_link),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr, attr-defined]  # no other way

    async def stop(self) -> None:
        """Hang up and listen no more."""
        await self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def cut(self) -> None:
        """Break every line, as a network does: no goodbye."""
        for socket in list(self.lines):
            transport = socket._req.transport if socket._req is not None else None  # type: ignore[union-attr]
            if transport is not None:
                transport.abort()
        self.lines.clear()
        await asyncio.sleep(0)

    async def tell(self, *messages: Message, skip: int = 0) -> None:
        """Number and send messages; ``skip`` leaves so many numbers out first."""
        self.seq += skip
        for message in messages:
            self.seq += 1
            frame = encode(msgspec.structs.replace(message, seq=self.seq))
            await self.tell_frame(frame)

    async def tell_frame(self, frame: str) -> None:
        """Send a frame as it is."""
        self.past.append((self.seq, frame))
        for line in self.lines.values():
            line.put_nowait(frame)

    async def end(self, at: datetime, why: str) -> None:
        """Following is over."""
        await self.tell(FollowingEnded(seq=0, at=at, why=why))

    @web.middleware
    async def _guard(self, request: web.Request, handler: object) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _json(Refusal(error="A token is needed."), 401)
        return await handler(request)  # type: ignore[operator, no-any-return]

    async def _list(self, _: web.Request) -> web.StreamResponse:
        meeting = self.snapshot.meeting
        listed = {"id": meeting.id, "title": meeting.title, "council": meeting.council.name, "following": True}
        return _json([listed])

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if self.gone or request.match_info["meeting"] != self.snapshot.meeting.id:
            return _json(Refusal(error="No such meeting."), 404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        after = request.query.get("after")
        self.joined.append(after)
        known = self.past[-self.remembers :] if self.remembers else []
        first = known[0][0] if known else self.seq + 1
        line: asyncio.Queue[str] = asyncio.Queue()
        if after is None or int(after) + 1 < first or int(after) > self.seq:
            line.put_nowait(encode(msgspec.structs.replace(self.snapshot, seq=self.seq)))
        else:
            for seq, frame in known:
                if seq > int(after):
                    line.put_nowait(frame)
        self.lines[socket] = line
        sending = asyncio.create_task(_send(socket, line))
        try:
            async for _ in socket:
                pass
        finally:
            self.lines.pop(socket, None)
            sending.cancel()
        return socket

    async def _mark(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = msgspec.json.decode(body, type=MarkRequest)
        if (answer := await self._once(request, asked.id, body)) is not None:
            return answer
        self.marks.append(asked)
        await self.tell(MarkMade(seq=0, mark=asked.stamped(self.snapshot.now)))
        return await self._answer(request)

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = msgspec.json.decode(body, type=DecisionRequest)
        if (answer := await self._once(request, asked.id, body)) is not None:
            return answer
        self.decisions.append(asked)
        made = asked.stamped(self.snapshot.now)
        await self.tell(DecisionMade(seq=0, decision=made, state=FlagState.NEW))
        return await self._answer(request)

    async def _capture(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = msgspec.json.decode(body, type=CaptureRequest)
        if (answer := await self._once(request, asked.id, body)) is not None:
            return answer
        self.captures.append(asked)
        return await self._answer(request)

    async def _chair_link(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, b""))
        if self.refuse is not None:
            return _json(self.refuse, 409)
        return _json(ChairLink(url="http://127.0.0.1:8642/chair/one-time-words"))

    async def _once(self, request: web.Request, act_id: str, body: bytes) -> web.StreamResponse | None:
        """The answer that keeps an act from being done (again); None when it is to be done now."""
        self.requests.append((request.path, body))
        if self.unavailable:
            self.unavailable -= 1
            return _json(Refusal(error="It is not in the journal yet."), 503)
        if self.refuse is not None:
            return _json(self.refuse, 409)
        if act_id in self._acts:
            same = self._acts[act_id] == body
            return _json(Done(entry=self.seq)) if same else _json(Refusal(error="The id was used."), 409)
        self._acts[act_id] = body
        return None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.swallow_answers:
            self.swallow_answers -= 1
            if request.transport is not None:
                request.transport.abort()
        return _json(Done(entry=self.seq, warning=self.warning))


async def _send(socket: web.WebSocketResponse, line: asyncio.Queue[str]) -> None:
    with suppress(ConnectionError):
        while True:
            await socket.send_str(await line.get())


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


@asynccontextmanager
async def serving(snapshot: Snapshot, **options: int) -> AsyncIterator[WireService]:
    """A running service."""
    service = WireService(snapshot, **options)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
