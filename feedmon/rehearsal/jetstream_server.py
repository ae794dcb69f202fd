"""A recording played back as Jetstream (v1) would send it, over a real local WebSocket.

Written from Jetstream's public description and measured habits. What of the protocol is kept:

* ``/subscribe`` with ``wantedCollections`` (full names, or prefixes such as ``app.bsky.feed.*``), ``wantedDids``,
  ``maxMessageSizeBytes`` (anything that is no number counts as no limit) and ``cursor``; a bad one is answered 400.
* ``cursor`` is inclusive, in microseconds; one in the future means the present. Without one, the present.
* Identity and account events come whatever ``wantedCollections`` says, but not whatever ``wantedDids`` says.
* Pings, and a close with 1001 when the server stops.

Left out: ``compress``, ``requireHello`` and messages from the subscriber. Added: ``GET /rehearsal`` tells the clock,
and while there is nothing to play an account event of nobody's comes every :attr:`JetstreamServer.pulse` seconds,
for the real network is never silent.
"""

from __future__ import annotations

import asyncio
import errno
import re
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feedmon.model.instants import from_micros, to_micros
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.recording import Line, Recording

_MOST_COLLECTIONS = 100
_MOST_DIDS = 10_000
_NSID = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9-]*){2,}")
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")
_SWAPPED_WITHIN = 2_000_000  # microseconds; the network's own disorder is smaller
_NOBODY = "did:plc:rehearsalrehearsalrehear"


class Rehearsal(msgspec.Struct, frozen=True):
    """What ``GET /rehearsal`` answers: the clock's time and rate, and when the recording starts and ends."""

    now: datetime
    rate: float
    starts: datetime
    ends: datetime


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber asked for. Nothing asked for in a set means everything."""

    collections: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    dids: frozenset[str] = frozenset()
    largest: int = 0
    cursor: int | None = None

    @classmethod
    def parse(cls, query: str) -> Subscription:
        """Read the query of a request. Raises ValueError, saying what is wrong, as Jetstream would."""
        asked = parse_qs(query)
        wanted, dids = frozenset(asked.get("wantedCollections", ())), frozenset(asked.get("wantedDids", ()))
        names = frozenset(name for name in wanted if not name.endswith(".*"))
        for name in names:
            if not _NSID.fullmatch(name):
                raise ValueError(f"invalid collection: {name}")
        for did in dids:
            if not _DID.fullmatch(did):
                raise ValueError(f"invalid DID: {did}")
        if len(wanted) > _MOST_COLLECTIONS:
            raise ValueError(f"too many wanted collections: {len(wanted)} > {_MOST_COLLECTIONS}")
        if len(dids) > _MOST_DIDS:
            raise ValueError(f"too many wanted DIDs: {len(dids)} > {_MOST_DIDS}")
        for option in ("compress", "requireHello"):
            if asked.get(option, [""])[0] == "true":
                raise ValueError(f"{option} is not part of a rehearsal")
        cursor = asked.get("cursor", [""])[0]
        if cursor and not re.fullmatch(r"-?[0-9]{1,18}", cursor):
            raise ValueError(f"invalid cursor: {cursor}")
        largest = asked.get("maxMessageSizeBytes", [""])[0]
        return cls(
            collections=names,
            prefixes=tuple(name.removesuffix("*") for name in wanted - names),
            dids=dids,
            largest=int(largest) if re.fullmatch(r"[0-9]{1,9}", largest) else 0,
            cursor=int(cursor) if cursor else None,
        )

    def wants(self, line: Line) -> bool:
        """Whether a message is sent to this subscriber."""
        if (self.dids and line.did not in self.dids) or (self.largest and len(line.raw) > self.largest):
            return False
        if line.kind != "commit" or not (self.collections or self.prefixes):
            return True
        return line.collection in self.collections or line.collection.startswith(self.prefixes)


class JetstreamServer:
    """An async context manager: inside it the recording is served, on this machine only, by ``clock``.

    The clock is set going by the first who asks for it or subscribes. ``port`` 0 takes any free one. ``pulse`` is in
    seconds of the wall clock. After the last message the server stays, a quiet network, until the context ends.

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
    ) -> None:
        self.recording = recording
        self.clock = clock
        self.pulse = pulse
        self.faults = faults or FaultPlan()
        self._port = port
        self._server: Server | None = None

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
            response = connection.respond(HTTPStatus.OK, msgspec.json.encode(told).decode())
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
            return response
        if parts.path != "/subscribe":
            return connection.respond(HTTPStatus.NOT_FOUND, "a rehearsal has /subscribe and /rehearsal\n")
        if (status := self.faults.next_answer()) is not None:
            return connection.respond(status, "planned for this rehearsal\n")
        try:
            Subscription.parse(parts.query)
        except ValueError as error:
            return connection.respond(HTTPStatus.BAD_REQUEST, f"{error}\n")
        return None

    async def _play(self, connection: ServerConnection) -> None:
        """One subscriber's connection, until either side ends it."""
        request = connection.request
        subscription = Subscription.parse(urlsplit(request.path).query if request else "")
        first = self._first_for(subscription)
        self.clock.begin()
        try:
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
            while place < len(lines) and (place == swapped or not subscription.wants(lines[place])):
                place += 1
            if place == len(lines):
                await self._wait(connection, subscription, None)
            line = lines[place]
            await self._wait(connection, subscription, line.due)
            while (fault := self.faults.next_at(place)) is not None:
                if fault is Fault.REORDER:
                    after = self._soon_after(place, subscription) if swapped < place else None
                    if after is None:
                        self.faults.could_not(fault)
                        continue
                    swapped = after
                    await self._wait(connection, subscription, lines[after].due)
                    await connection.send(lines[after].raw, text=True)
                elif await self._commit(fault, connection, line):
                    return
            await connection.send(line.raw, text=True)
            place += 1

    def _first_for(self, subscription: Subscription) -> int:
        now = to_micros(self.clock.now())
        cursor = now if subscription.cursor is None else min(subscription.cursor, now)
        return self.recording.first_due(cursor)

    def _soon_after(self, place: int, subscription: Subscription) -> int | None:
        """The next message for a subscriber, if it is near enough in time to be swapped with the one before it."""
        lines = self.recording.lines
        after = next((later for later in range(place + 1, len(lines)) if subscription.wants(lines[later])), None)
        return after if after is not None and lines[after].due - lines[place].due <= _SWAPPED_WITHIN else None

    async def _wait(self, connection: ServerConnection, subscription: Subscription, due: int | None) -> None:
        """Wait until something is due (None: for ever), with a sign of life now and then."""
        while due is None or to_micros(self.clock.now()) < due:
            try:
                async with asyncio.timeout(self.pulse):
                    await (asyncio.Event().wait() if due is None else self.clock.sleep_until(from_micros(due)))
            except TimeoutError:
                if not subscription.dids:
                    await connection.send(self._sign_of_life())

    def _sign_of_life(self) -> str:
        now = self.clock.now()
        account = {"active": True, "did": _NOBODY, "seq": to_micros(now), "time": now}
        event = {"did": _NOBODY, "time_us": to_micros(now), "kind": "account", "account": account}
        return msgspec.json.encode(event).decode()

    async def _commit(self, fault: Fault, connection: ServerConnection, line: Line) -> bool:
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
                await connection.send(line.raw[: len(line.raw) // 2], text=True)
            case Fault.BAD_UTF8:
                await connection.send(b'{"did":"\xff\xfe"}', text=True)
            case Fault.OVERSIZED:
                await connection.send('{"did":"' + "x" * self.faults.size + '"}')
            case Fault.DUPLICATE:
                await connection.send(line.raw, text=True)
        return fault in _ENDING


_ENDING = frozenset({Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS})
