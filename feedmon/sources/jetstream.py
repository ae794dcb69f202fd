"""Bluesky's public stream, Jetstream, over a WebSocket: the connection, and nothing else.

What a frame says is read in :mod:`feedmon.sources.jetstream_v1`, what of it is for us is decided in
:mod:`feedmon.sources.bluesky_stream`. The cursor is Unix time in microseconds; each connection begins
:data:`REWIND` before it, because frames may come slightly out of order, and hands nothing on twice.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode

from feedmon import __version__
from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey, SourceEvent
from feedmon.model.problems import BadInput, Problem
from feedmon.model.sourcestate import FeedFault
from feedmon.sources.base import Captured, Connected, ConnectionItem, CursorMoved, SourceLost, SourceRefused, Tap
from feedmon.sources.bluesky_records import NETWORK, NotAPost
from feedmon.sources.bluesky_stream import COLLECTIONS, BlueskyStream, Unusable
from feedmon.sources.jetstream_v1 import LARGEST, read, skim
from feedmon.sources.select import Selection

log = logging.getLogger(__name__)

REWIND = timedelta(seconds=5)
"""How far before the cursor a new connection begins."""

KEPT_BY_NETWORK = timedelta(hours=36)
"""How far back Jetstream can replay; an older cursor it moves forward without a word."""

_LARGEST_TAKEN = 4 * LARGEST  # beyond this the connection is cut; up to it a frame is only left unread
_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
_LONGEST_ASKED = 900.0  # seconds we stay away at most when asked to
_TOLD_EVERY = timedelta(seconds=1)  # of meeting time between two signs of life handed on, however fast frames come
_TOLD_WITHIN = 0.5  # seconds after which a sign of life is handed on though no frame follows it
_CLEAN = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})
_TOO_LARGE = "too large"
_OUR_FAULT = "not understood by feedmon"
_TRY_AGAIN = frozenset({408, 425, 429})
_EXAMPLE = "wss://jetstream2.us-east.bsky.network/subscribe"
_CHECK_URL = f"Check the source's url in the meeting file: it looks like {_EXAMPLE}."


class JetstreamSource:
    """Jetstream v1, followed for all posts and reposts, of which what a :class:`Selection` wants is handed on.

    ``held`` are posts captured before this process began; ``tap`` sees every frame that says something. ``idle_after``
    is how many seconds of the wall clock without any frame mean that the connection is dead: the network is never
    silent so long.

    Raises BadInput when the source's url is not one of a Jetstream.
    """

    def __init__(
        self,
        spec: SourceSpec,
        selection: Selection,
        *,
        held: Iterable[PostKey] = (),
        tap: Tap | None = None,
        idle_after: float = 15.0,
    ) -> None:
        self._name = spec.name
        self._address = _address(spec)
        self._stream = BlueskyStream(selection, spec.name, [key.id for key in held if key.network == NETWORK])
        self._tap = tap
        self._idle_after = idle_after
        self._faults: Counter[str] = Counter()
        self._untold: set[str] = set()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` would be sent."""
        return str(to_micros(at))

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of Jetstream's."""
        return from_micros(int(cursor)) if len(cursor) == 16 and cursor.isascii() and cursor.isdecimal() else None

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """One connection's life; see :meth:`feedmon.sources.base.Source.connect`."""
        came_to = self.time_of(cursor) if cursor else None
        reached = to_micros(came_to) if came_to else 0
        at, skipped, heard = 0, 0, clock.now()
        told = heard - _TOLD_EVERY
        connection = await self._open(came_to)
        try:
            yield Connected(replays=came_to is not None and clock.now() - came_to < KEPT_BY_NETWORK)
            patience = self._idle_after
            while True:
                limit = min(patience, _TOLD_WITHIN) if at or self._untold else patience
                frame = None
                try:
                    async with asyncio.timeout(limit):
                        frame = await connection.recv(decode=False)
                except TimeoutError:
                    patience -= limit
                    if patience <= 0:
                        connection.transport.abort()
                        lost = SourceLost(f"nothing came for {self._idle_after:g} seconds")
                        break
                except ConnectionClosed as error:
                    lost = _lost(error)
                    break
                now = clock.now()
                if frame is not None:
                    patience = self._idle_after
                    micros, events = self._read(frame, now)
                    if micros is not None:
                        at, heard = micros, now
                        # The cursor never goes back, nor beyond the present: else one absurd time in one frame would
                        # make the next connection skip what lies between.
                        reached = max(reached, min(micros, to_micros(now)))
                    for event in events:
                        yield Captured(event, str(reached))
                    skipped += micros is not None and not events
                if frame is None or now - told >= _TOLD_EVERY:
                    for news in self._news(reached, at, skipped, heard):
                        yield news
                    at, skipped, told = 0, 0, now
            if lost.poisoned:
                self._count(_TOO_LARGE)
            for news in self._news(reached, at, skipped, heard):
                yield news
            raise lost
        finally:
            await connection.close()

    async def _open(self, came_to: datetime | None) -> ClientConnection:
        url = self._url(came_to)
        on_this_machine = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
        try:
            return await connect(
                url,
                compression=None,
                user_agent_header=f"feedmon/{__version__}",
                proxy=None if on_this_machine else True,
                open_timeout=_OPEN_TIMEOUT,
                close_timeout=_CLOSE_TIMEOUT,
                max_size=_LARGEST_TAKEN,
            )
        except InvalidStatus as error:
            raise _turned_away(error) from error
        except InvalidURI as error:
            raise SourceRefused("it leads on to what is no WebSocket address.", _CHECK_URL) from error
        except InvalidHandshake as error:
            raise SourceLost("what answers there does not speak WebSocket as it should") from error
        except OSError as error:
            raise SourceLost(_unreachable(error)) from error

    def _url(self, came_to: datetime | None) -> str:
        parts = urlsplit(self._address)
        query = parse_qsl(parts.query)
        query += [("wantedCollections", collection) for collection in COLLECTIONS]
        query.append(("maxMessageSizeBytes", str(LARGEST)))
        if came_to is not None:
            query.append(("cursor", str(to_micros(came_to - REWIND))))
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _read(self, frame: bytes, now: datetime) -> tuple[int | None, tuple[SourceEvent, ...]]:
        """A frame's time in microseconds, None when it tells none, and what it means for us. Counts what is amiss."""
        events: tuple[SourceEvent, ...] = ()
        micros = skim(frame, self._stream.authors, self._stream.addressed)
        if micros is None:
            message = read(frame)
            if isinstance(message, Unusable):
                self._count(message.what)
            else:
                micros = message.micros
                try:
                    events = self._stream.take(message, now)
                except NotAPost as error:
                    self._count(str(error))
                except Exception:  # a fault of ours must not stop the feed, nor fill the log
                    if not self._faults[_OUR_FAULT]:
                        log.exception("%s: a message feedmon cannot take", self._name)
                    self._count(_OUR_FAULT)
        if self._tap and micros is not None:
            self._tap(frame, bool(events))
        return micros, events

    def _count(self, what: str) -> None:
        self._faults[what] += 1
        self._untold.add(what)

    def _news(self, reached: int, at: int, skipped: int, heard: datetime) -> Iterator[ConnectionItem]:
        """What is to be told since last: the kinds of fault that grew, with their totals, and how far we have come."""
        untold, self._untold = sorted(self._untold), set()
        for what in untold:
            yield FeedFault(source=self._name, what=what, count=self._faults[what])
        if at:
            yield CursorMoved(str(reached), from_micros(at), skipped, heard)


def _address(spec: SourceSpec) -> str:
    """The url to subscribe at. Raises BadInput when the one given cannot be it."""
    place = f"source “{spec.name}”, url"
    try:
        parts = urlsplit(spec.url)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise BadInput(
            Problem(place, f"“{printable(spec.url)}” is no WebSocket address.", f"It looks like {_EXAMPLE}.")
        )
    if parts.path.startswith("/xrpc/"):
        raise BadInput(Problem(place, "is for another protocol than this source's.", f"It looks like {_EXAMPLE}."))
    return urlunsplit(parts._replace(path="/subscribe" if parts.path in ("", "/") else parts.path, fragment=""))


def _lost(error: ConnectionClosed) -> SourceLost:
    """Why an open connection ended, in a plain word."""
    if error.sent is not None and not error.rcvd_then_sent:
        match error.sent.code:
            case CloseCode.MESSAGE_TOO_BIG:
                return SourceLost("it sent a message too large to take", poisoned=True)
            case CloseCode.INTERNAL_ERROR:
                return SourceLost("it stopped answering")
            case _:
                return SourceLost("what it sent was no WebSocket message")
    if error.rcvd is not None:
        said = f"the network closed the connection ({printable(f'{error.rcvd.code} {error.rcvd.reason}'.strip())})"
        return SourceLost(said, clean=error.rcvd.code in _CLEAN)
    return SourceLost("the connection broke off")


def _turned_away(error: InvalidStatus) -> SourceLost | SourceRefused:
    """What it means that the handshake was answered with an ordinary HTTP status."""
    status = error.response.status_code
    words = printable(bytes(error.response.body or b"").decode("utf-8", "replace").strip().partition("\n")[0])
    said = f"it answered {status}" + (f": {words}" if words else "")
    if status in _TRY_AGAIN or status >= 500:
        seconds = error.response.headers.get("Retry-After", "")
        return SourceLost(said, retry_after=min(float(seconds), _LONGEST_ASKED) if seconds.isdecimal() else None)
    if status in (401, 403):
        return SourceRefused(f"{said}.", "Ask whoever runs it, or this network, to let feedmon in.")
    return SourceRefused(f"{said}.", _CHECK_URL)


def _unreachable(error: OSError) -> str:
    match error:
        case socket.gaierror():
            return "its name could not be looked up (is this machine online?)"
        case TimeoutError():
            return f"no answer within {_OPEN_TIMEOUT:g} seconds"
        case ConnectionRefusedError():
            return "nothing answers there"
        case ssl.SSLError():
            return "its certificate could not be checked"
        case _:
            return f"it could not be reached ({printable(error.strerror or type(error).__name__)})"


def printable(text: str, most: int = 100) -> str:
    """A stranger's words made safe for one line of a log or a screen."""
    return "".join(character if character.isprintable() else "�" for character in text[:most])
