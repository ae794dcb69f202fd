"""One connection's life with any of Bluesky's streams: the loop, and nothing of what a frame looks like.

A :class:`Dialect` knows one protocol; :class:`~feedmon.sources.bluesky_stream.BlueskyStream` decides what is for us.
What is here they all need: going on from a cursor without trusting numbers that are another server's, going round the
servers there are, telling how far we have come, and noticing that nothing comes any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.posts import SourceEvent
from feedmon.model.sourcestate import FeedFault
from feedmon.sources.base import (
    Captured,
    Connected,
    ConnectionItem,
    CursorMoved,
    NotKept,
    SourceLost,
    SourceRefused,
    Tap,
)
from feedmon.sources.bluesky_cursor import FAILOVER, REWIND, Cursor, Trail
from feedmon.sources.bluesky_records import NotAPost
from feedmon.sources.bluesky_socket import TooOld, ended, open_socket
from feedmon.sources.bluesky_stream import BlueskyStream, Message, Named, Unusable
from feedmon.sources.wording import printable

log = logging.getLogger(__name__)

_TOLD_EVERY = timedelta(seconds=1)  # of meeting time between two signs of life handed on, however fast frames come
_TOLD_WITHIN = 0.5  # seconds after which a sign of life is handed on though no frame follows it
_STILL = 5.0  # seconds without a frame after which a server that may be silent is asked whether it is there
_TOO_LARGE = "too large"
_OUR_FAULT = "not understood by feedmon"
_CURSOR_ERRORS = frozenset({"FutureCursor", "CursorTooOld"})


class Said(msgspec.Struct, frozen=True):
    """What one frame says: when the network saw it, its number, and its messages, oldest first.

    ``outdated`` tells that something older than what follows was asked for and is not kept; ``error`` that the
    connection ends with this, and why.
    """

    micros: int | None = None
    seq: int | None = None
    messages: tuple[Message, ...] = ()
    outdated: bool = False
    error: str = ""
    why: str = ""


class Dialect(Protocol):
    """One protocol, as bytes and addresses. Pure."""

    numbers_only: bool
    """Whether it cannot be asked to begin at a time: then it is asked for all it has, and what is older is let go."""

    keeps: timedelta | None
    """How far back it can replay, if it would not tell when it is asked for more."""

    as_line: Callable[[Message], bytes | None] | None
    """How a recording keeps a message, as one line of JSON, if it does; None when a frame is one already."""

    mend: str
    """What to do when a server says that our address is wrong."""

    def address(self, server: str, asked: Cursor | None) -> str:
        """The url to subscribe at, from ``asked`` on: from its number if it has one, else from its time."""
        ...

    def skim(self, frame: bytes, stream: BlueskyStream) -> Said | None:
        """What a frame says that certainly is not for us, found without decoding it; None if it may be."""
        ...

    def read(self, frame: bytes) -> Said:
        """What a frame says. Never raises."""
        ...


class BlueskySource:
    """Follows one of several equal ``servers``, the next one whenever a connection is lost.

    ``idle_after`` is how many seconds of the wall clock without any frame mean that the connection is dead; None where
    silence is normal, and pings alone tell.
    """

    def __init__(
        self,
        name: str,
        servers: Sequence[str],
        dialect: Dialect,
        stream: BlueskyStream,
        tap: Tap | None,
        idle_after: float | None,
    ) -> None:
        self._name = name
        self._servers = tuple(servers)
        self._dialect = dialect
        self._stream = stream
        self._tap = tap
        self._idle_after = idle_after
        self._turn = 0
        self._refused_by: set[str] = set()
        self._disproved: Cursor | None = None
        self._faults: Counter[str] = Counter()
        self._untold: set[str] = set()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` would be sent."""
        return str(Cursor(to_micros(at)))

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of Bluesky's."""
        parsed = Cursor.parse(cursor)
        return from_micros(parsed.micros) if parsed else None

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """One connection's life; see :meth:`feedmon.sources.base.Source.connect`."""
        came_to = Cursor.parse(cursor) if cursor else None
        server = self._servers[self._turn]
        asked = self._asked(came_to, server)
        connection = await self._open(server, came_to, asked)
        way = _Way(_host(server), came_to, asked, clock.now())
        if came_to is not None and self._dialect.keeps is not None:
            way.outdated = clock.now() - from_micros(came_to.micros) > self._dialect.keeps
        line = _Line(connection, self._idle_after, clock)
        try:
            yield Connected(replays=asked is not None)
            while True:
                try:
                    frame = await line.hear(soon=bool(way.at or self._untold))
                except SourceLost as error:
                    lost = error
                    break
                now = clock.now()
                if frame is not None:
                    said = self._dialect.skim(frame, self._stream) or self._dialect.read(frame)
                    if said.error:
                        lost = self._failed(said, came_to)
                        break
                    if not way.confirmed(said):
                        self._disproved = came_to
                        lost = SourceLost("it has numbered its messages anew", clean=True)
                        break
                    if until := way.move(said, now):
                        yield NotKept(until)
                    events = self._take(said, frame, now, way.floor(self._dialect.numbers_only))
                    for place, event in enumerate(events, start=1):
                        yield Captured(event, way.cursor if place == len(events) else None)
                    way.skipped += said.micros is not None and not events
                if line.answered is not None:
                    yield CursorMoved(at=line.answered, heard=now)
                    line.answered = None
                if frame is None or now - way.told >= _TOLD_EVERY:
                    for news in self._news(way, now):
                        yield news
            if lost.poisoned:
                self._count(_TOO_LARGE)
            for news in self._news(way, clock.now()):
                yield news
            if self._disproved is not came_to or came_to is None:
                self._go_round()
            raise lost
        finally:
            await connection.close()

    def _asked(self, came_to: Cursor | None, server: str) -> Cursor | None:
        """From where to ask this server to begin, so that nothing is missed."""
        if came_to is None:
            return None
        overlap = REWIND if len(self._servers) == 1 else FAILOVER
        rewound = Cursor(came_to.micros - overlap // timedelta(microseconds=1))
        if came_to.seq is None or came_to.host != _host(server) or came_to == self._disproved:
            return rewound
        return msgspec.structs.replace(rewound, seq=came_to.seq, host=came_to.host)

    async def _open(self, server: str, came_to: Cursor | None, asked: Cursor | None) -> ClientConnection:
        try:
            connection = await open_socket(self._dialect.address(server, asked), self._dialect.mend)
        except TooOld:
            self._disproved = came_to
            raise
        except SourceLost:
            self._go_round()
            raise
        except SourceRefused as refused:
            self._refused_by.add(server)
            self._go_round()
            if len(self._refused_by) < len(self._servers):
                raise SourceLost(f"{_host(server)}: {refused.why}", clean=True) from refused
            self._refused_by.clear()
            raise
        self._refused_by.clear()
        return connection

    def _go_round(self) -> None:
        self._turn = (self._turn + 1) % len(self._servers)

    def _failed(self, said: Said, came_to: Cursor | None) -> SourceLost:
        """What it means that the network ended the connection with a word."""
        if said.error in _CURSOR_ERRORS:
            self._disproved = came_to
        words = printable(": ".join(filter(None, (said.error, said.why))))
        return SourceLost(f"the network ended the connection ({words})", clean=said.error in _CURSOR_ERRORS)

    def _take(self, said: Said, frame: bytes, now: datetime, floor: int) -> tuple[SourceEvent, ...]:
        """What a frame means for us; it counts as handed on then. Counts what is amiss."""
        messages = said.messages
        if self._tap and not messages and said.micros is not None:
            self._tap(frame, False)
        if said.micros is not None and said.micros < floor:
            messages = tuple(message for message in messages if isinstance(message, Named))
        events: list[SourceEvent] = []
        for message in messages:
            if isinstance(message, Unusable):
                self._count(message.what)
                continue
            taken: tuple[SourceEvent, ...] = ()
            try:
                taken = self._stream.take(message, now)
            except NotAPost as error:
                self._count(str(error))
            except Exception:  # a fault of ours must not stop the feed, nor fill the log
                if not self._faults[_OUR_FAULT]:
                    log.exception("%s: a message feedmon cannot take", self._name)
                self._count(_OUR_FAULT)
            events += taken
            if self._tap:
                line = self._dialect.as_line(message) if self._dialect.as_line else frame
                if line is not None:
                    self._tap(line, bool(taken))
        return tuple(events)

    def _count(self, what: str) -> None:
        self._faults[what] += 1
        self._untold.add(what)

    def _news(self, way: _Way, now: datetime) -> Iterator[ConnectionItem]:
        """What is to be told since last: the kinds of fault that grew, with their totals, and how far we have come."""
        untold, self._untold = sorted(self._untold), set()
        for what in untold:
            yield FeedFault(source=self._name, what=what, count=self._faults[what])
        if way.at:
            yield CursorMoved(way.cursor, from_micros(way.at), way.skipped, way.heard)
        way.at, way.skipped, way.told = 0, 0, now


class _Way:
    """How far one connection has come. ``at`` is the last frame's time if that is still to be told, else 0."""

    def __init__(self, host: str, came_to: Cursor | None, asked: Cursor | None, now: datetime) -> None:
        self.outdated = False
        self.at, self.skipped = 0, 0
        self.heard, self.told = now, now - _TOLD_EVERY
        self._host = host
        self._reached = came_to.micros if came_to else 0
        self._came_to = came_to
        self._asked = asked
        self._unconfirmed = asked.seq if asked else None
        self._trail = Trail()

    @property
    def cursor(self) -> str:
        """Everything up to here was handed on."""
        seq = self._trail.before(self._reached)
        return str(Cursor(self._reached) if seq is None else Cursor(self._reached, seq, self._host))

    def floor(self, numbers_only: bool) -> int:
        """The time before which messages were not asked for, though they may be sent."""
        return self._asked.micros if numbers_only and self._asked and self._asked.seq is None else 0

    def confirmed(self, said: Said) -> bool:
        """False when a server, asked to begin with a number we had from it, begins with another, or at a later time.

        It numbers its messages anew then, or has lost some; either way what lies between cannot be known by number.
        """
        if said.seq is None or said.micros is None or self._unconfirmed is None or self._came_to is None:
            return True
        matches = said.seq == self._unconfirmed and said.micros <= self._came_to.micros
        self._unconfirmed = None
        if matches:
            self._trail.add(self._reached - REWIND // timedelta(microseconds=1), said.seq)
        return matches

    def move(self, said: Said, now: datetime) -> datetime | None:
        """Take in where a frame has brought us; from when on the network still had anything, if that is too late."""
        self.outdated |= said.outdated
        if said.micros is None:
            return None
        # The cursor never goes back, nor beyond the present: else one absurd time in one frame would make the next
        # connection skip what lies between.
        before, self._reached = self._reached, max(self._reached, min(said.micros, to_micros(now)))
        self.at, self.heard = said.micros, now
        if said.seq is not None:
            self._trail.add(self._reached, said.seq)
        outdated, self.outdated = self.outdated, False
        return from_micros(said.micros) if outdated and said.micros > before else None


class _Line:
    """Hears one connection, and notices when it is dead. ``answered`` is when a ping was sent that has been answered
    without anything having come since: what there was to send had been sent by then.
    """

    def __init__(self, connection: ClientConnection, idle_after: float | None, clock: Clock) -> None:
        self.answered: datetime | None = None
        self._connection = connection
        self._idle_after = idle_after
        self._clock = clock
        self._patience = self._all_patience = _STILL if idle_after is None else idle_after
        self._pong: Awaitable[float] | None = None
        self._pinged = clock.now()

    async def hear(self, soon: bool) -> bytes | None:
        """The next frame; None when none has come for a while, or ``soon``. Raises SourceLost at the end."""
        limit = min(self._patience, _TOLD_WITHIN) if soon or self._pong is not None else self._patience
        try:
            try:
                async with asyncio.timeout(limit):
                    frame = await self._connection.recv(decode=False)
            except TimeoutError:
                await self._silent_for(limit)
                return None
        except ConnectionClosed as error:
            raise ended(error) from error
        self._patience, self._pong = self._all_patience, None
        return frame

    async def _silent_for(self, seconds: float) -> None:
        self._patience -= seconds
        if isinstance(self._pong, asyncio.Future) and self._pong.done():
            self.answered, self._pong = self._pinged, None
        if self._patience > 0:
            return
        if self._idle_after is not None:
            self._connection.transport.abort()
            raise SourceLost(f"nothing came for {self._idle_after:g} seconds")
        self._patience = self._all_patience
        if self._pong is None:
            self._pinged = self._clock.now()
            self._pong = await self._connection.ping()


def _host(server: str) -> str:
    return urlsplit(server).netloc
