"""A recording played back as Jetstream would send it, in either of its protocols, over a real local WebSocket.

Written from Jetstream's public description and measured habits. What of the first protocol is kept:

* ``/subscribe`` with ``wantedCollections`` (full names, or prefixes such as ``app.bsky.feed.*``), ``wantedDids``,
  ``maxMessageSizeBytes`` (anything that is no number counts as no limit) and ``cursor``; a bad one is answered 400.
* ``cursor`` is inclusive, in microseconds; one in the future means the present. Without one, the present. One from
  before :attr:`JetstreamServer.keeps` is moved forward without a word.
* Identity and account events come whatever ``wantedCollections`` says, but not whatever ``wantedDids`` says.
* Pings, and a close with 1001 when the server stops.

Of the second, at ``/xrpc/network.bsky.jetstream.subscribeEvents``: the same with its own names, and

* ``kinds``; the first protocol's names are answered 400, as JSON.
* every message has a number; a ``cursor`` below 10**15 is one of them, inclusive too. One too long ago is answered
  400 ``CursorTooOld``; a time too long ago is moved forward, and the first message is ``#info OutdatedCursor``.
* any message from a subscriber closes the connection with 1008.

Left out: compression, ``requireHello`` and messages from a subscriber to the first. Added: ``GET /rehearsal`` tells
the clock, and while there is nothing to play an account event of nobody's comes every :attr:`JetstreamServer.pulse`
seconds, for the real network is never silent.
"""

from __future__ import annotations

import asyncio
import errno
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feedmon.model.instants import from_micros, to_micros
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_asked import FIRST_PATH, SECOND_PATH, Subscription
from feedmon.rehearsal.jetstream_frames import in_second, message, written_out
from feedmon.rehearsal.recording import Recording

_SWAPPED_WITHIN = 2_000_000  # microseconds; the network's own disorder is smaller
_NOBODY = "did:plc:rehearsalrehearsalrehear"
_NUMBERS = 1_000_000  # between one message's number and the next one's: for signs of life in between
_LEAST_TIME = 10**15  # a cursor below this is a number


class Rehearsal(msgspec.Struct, frozen=True):
    """What ``GET /rehearsal`` answers: the clock's time and rate, and when the recording starts and ends."""

    now: datetime
    rate: float
    starts: datetime
    ends: datetime


class JetstreamServer:
    """An async context manager: inside it the recording is served, on this machine only, by ``clock``.

    The clock is set going by the first who asks for it or subscribes. ``port`` 0 takes any free one. ``pulse`` is in
    seconds of the wall clock; ``keeps`` is how far back it replays (None: all of it). After the last message the server
    stays, a quiet network, until the context ends.

    Raises BadInput on entering when the port cannot be had.
    """

    def __init__(
        self,
        recording: Recording,
        clock: RehearsalClock,
        *,
        port: int = 0,
        faults: FaultPlan | None = None,
        pulse: float = 2.0,
        keeps: timedelta | None = None,
    ) -> None:
        self.recording = recording
        self.clock = clock
        self.pulse = pulse
        self.keeps = keeps
        self.faults = faults or FaultPlan()
        self._port = port
        self._server: Server | None = None
        self._signs = count(1)
        self._signs_sent: dict[int, datetime] = {}

    @property
    def url(self) -> str:
        """Where it is served: ``ws://127.0.0.1:PORT``."""
        if self._server is None:
            raise RuntimeError("the rehearsal is not being served")
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> JetstreamServer:
        try:
            self._server = await serve(
                self._play, "127.0.0.1", self._port, process_request=self._answer, compression=None, close_timeout=1
            )
        except OSError as error:
            place = f"port {self._port}"
            if error.errno == errno.EADDRINUSE:
                problem = Problem(place, "is in use by another program.", "Choose another one, or 0 for any.")
            else:
                problem = Problem(place, f"cannot be had: {error.strerror}.", "Choose another one, or 0 for any.")
            raise BadInput(problem) from error
        except OverflowError as error:
            raise BadInput(Problem(f"port {self._port}", "is no port.", "Choose one from 1 to 65535.")) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no subscription; None lets a subscription through."""
        parts = urlsplit(request.path)
        if parts.path == "/rehearsal":
            self.clock.begin()
            told = Rehearsal(self.clock.now(), self.clock.rate, self.recording.starts, self.recording.ends)
            return _json(connection, HTTPStatus.OK, told)
        if parts.path not in (FIRST_PATH, SECOND_PATH):
            return connection.respond(HTTPStatus.NOT_FOUND, f"here are {FIRST_PATH}, {SECOND_PATH}, /rehearsal\n")
        if (status := self.faults.next_answer()) is not None:
            return connection.respond(status, "planned for this rehearsal\n")
        try:
            subscription = Subscription.parse(parts.path, parts.query)
        except ValueError as error:
            if parts.path == FIRST_PATH:
                return connection.respond(HTTPStatus.BAD_REQUEST, f"{error}\n")
            return _refusal(connection, "InvalidRequest", str(error))
        floor = self._floor()
        first = self._first_for(subscription)
        if _by_number(subscription) and first < len(self.recording.lines) and self.recording.lines[first].due < floor:
            return _refusal(connection, "CursorTooOld", f"the oldest is of {from_micros(floor).isoformat()}")
        return None

    async def _play(self, connection: ServerConnection) -> None:
        """One subscriber's connection, until either side ends it."""
        request = connection.request
        parts = urlsplit(request.path if request else FIRST_PATH)
        subscription = Subscription.parse(parts.path, parts.query)
        first = self._first_for(subscription)
        self.clock.begin()
        try:
            for frame in self._before(subscription):
                await connection.send(frame, text=True)
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send_from(first, connection, subscription))
                async for _ in connection:
                    await connection.close(1008, "a rehearsal takes no messages: subscribe anew")
                sending.cancel()
        except* ConnectionClosed:
            pass

    async def _send_from(self, place: int, connection: ServerConnection, subscription: Subscription) -> None:
        lines = self.recording.lines
        swapped = -1
        while True:
            while place < len(lines) and (place == swapped or not self._wanted(place, subscription)):
                place += 1
            if place == len(lines):
                await self._wait(connection, subscription, None)
            frame = self._frame(place, subscription)
            await self._wait(connection, subscription, lines[place].due)
            while (fault := self.faults.next_at(place)) is not None:
                if fault is Fault.REORDER:
                    after = self._soon_after(place, subscription) if swapped < place else None
                    if after is None:
                        self.faults.could_not(fault)
                        continue
                    swapped = after
                    await self._wait(connection, subscription, lines[after].due)
                    await connection.send(self._frame(after, subscription), text=True)
                elif await self._commit(fault, connection, frame):
                    return
            await connection.send(frame, text=True)
            place += 1

    def _wanted(self, place: int, subscription: Subscription) -> bool:
        line = self.recording.lines[place]
        return (subscription.second or line.event.kind != "sync") and subscription.wants(line.event, len(line.raw))

    def _frame(self, place: int, subscription: Subscription) -> bytes:
        """A message as this subscriber is sent it."""
        line = self.recording.lines[place]
        return in_second(line.raw, line.event, (place + 1) * _NUMBERS) if subscription.second else line.raw

    def _floor(self) -> int:
        """The time from which on messages are still kept."""
        return 0 if self.keeps is None else to_micros(self.clock.now() - self.keeps)

    def _first_for(self, subscription: Subscription) -> int:
        now, asked = to_micros(self.clock.now()), subscription.cursor
        if asked is not None and _by_number(subscription):
            return min((max(asked, 1) + _NUMBERS - 1) // _NUMBERS - 1, self.recording.first_due(now))
        cursor = now if asked is None else min(max(asked, self._floor()), now)
        return self.recording.first_due(cursor)

    def _before(self, subscription: Subscription) -> list[bytes]:
        """What comes before the first message: word of what is not kept, or the sign of life asked for by number."""
        asked = subscription.cursor
        if not subscription.second or asked is None:
            return []
        if asked >= _LEAST_TIME and asked < self._floor():
            told = "the cursor is older than what is kept; beginning with the oldest"
            return [message("info", {"name": "OutdatedCursor", "message": told})]
        return [self._sign(asked, self._signs_sent[asked])] if asked in self._signs_sent else []

    def _soon_after(self, place: int, subscription: Subscription) -> int | None:
        """The next message for a subscriber, if it is near enough in time to be swapped with the one before it."""
        lines = self.recording.lines
        after = next((later for later in range(place + 1, len(lines)) if self._wanted(later, subscription)), None)
        return after if after is not None and lines[after].due - lines[place].due <= _SWAPPED_WITHIN else None

    async def _wait(self, connection: ServerConnection, subscription: Subscription, due: int | None) -> None:
        """Wait until something is due (None: for ever), with a sign of life now and then."""
        while due is None or to_micros(self.clock.now()) < due:
            try:
                async with asyncio.timeout(self.pulse):
                    await (asyncio.Event().wait() if due is None else self.clock.sleep_until(from_micros(due)))
            except TimeoutError:
                if due is not None and to_micros(self.clock.now()) >= due:
                    return  # a sign of life must not overtake what is due: a cursor taken from it would skip that
                if not subscription.dids and "account" in (subscription.kinds or {"account"}):
                    await connection.send(self._sign_of_life(subscription), text=True)

    def _sign_of_life(self, subscription: Subscription) -> bytes:
        now = self.clock.now()
        if subscription.second:
            seq = self.recording.first_due(to_micros(now)) * _NUMBERS + next(self._signs)
            self._signs_sent[seq] = now
            return self._sign(seq, now)
        account = {"active": True, "did": _NOBODY, "seq": to_micros(now), "time": now}
        return msgspec.json.encode({"did": _NOBODY, "time_us": to_micros(now), "kind": "account", "account": account})

    def _sign(self, seq: int, at: datetime) -> bytes:
        account = {"active": True, "did": _NOBODY, "seq": seq, "time": at}
        return message("account", {"seq": seq, "did": _NOBODY, "time": written_out(at), "account": account})

    async def _commit(self, fault: Fault, connection: ServerConnection, frame: bytes) -> bool:
        """Let a fault happen before a message is sent; True when it ends the connection."""
        match fault:
            case Fault.DROP:
                connection.transport.abort()
            case Fault.GOING_AWAY:
                await connection.close(1001, "server shutting down")
            case Fault.CLOSED:
                await connection.close(1000)
            case Fault.NO_STATUS:
                async with connection.send_context():
                    connection.protocol.send_close()
            case Fault.SILENT:
                await asyncio.sleep(self.faults.silence)
            case Fault.GARBAGE:
                await connection.send("}{ this is not JSON")
            case Fault.TRUNCATED:
                await connection.send(frame[: len(frame) // 2], text=True)
            case Fault.BAD_UTF8:
                await connection.send(b'{"did":"\xff\xfe"}', text=True)
            case Fault.OVERSIZED:
                await connection.send('{"did":"' + "x" * self.faults.size + '"}')
            case Fault.DUPLICATE:
                await connection.send(frame, text=True)
        return fault in _ENDING


_ENDING = frozenset({Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS})


def _by_number(subscription: Subscription) -> bool:
    return subscription.second and subscription.cursor is not None and subscription.cursor < _LEAST_TIME


def _refusal(connection: ServerConnection, error: str, why: str) -> Response:
    """How the second protocol turns a request away."""
    return _json(connection, HTTPStatus.BAD_REQUEST, {"error": error, "message": why})


def _json(connection: ServerConnection, status: HTTPStatus, told: object) -> Response:
    response = connection.respond(status, msgspec.json.encode(told).decode())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response
