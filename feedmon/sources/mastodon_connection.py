"""One connection to a Mastodon server: a socket that streams, and questions asked beside it, made one row of items.

The socket is subscribed first; then all since the last sign of life is asked for, and only when that is handed on,
what has streamed in the meantime. From then on the server is asked now and then for what its stream leaves out.
An open socket that brings nothing, while asking finds posts it should have brought, is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from feedmon.model.instants import Clock, to_micros
from feedmon.model.posts import SourceEvent
from feedmon.sources.base import Captured, Connected, ConnectionItem, CursorMoved, SourceLost, SourceRefused
from feedmon.sources.mastodon_asking import CHECKED_AT_ONCE, OVERLAP, Asking, Followed, Found, Refilled
from feedmon.sources.mastodon_intake import Intake, refusal_in
from feedmon.sources.mastodon_rest import AskFailed, NotAllowed
from feedmon.sources.mastodon_socket import HOW_TO_BE_LET_IN, answers, closed, subscribe

LEFT_OUT = "left out by the stream, found by asking"
"""Counts posts that a stream which does bring others did not bring."""

UNANSWERED = "a question was not answered"
"""Counts questions that the server did not answer, or not in time."""

_WAITING = 256  # arrivals that may wait to be taken; beyond it the server waits for us, or drops us
_TOLD_EVERY = timedelta(seconds=1)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often a server is asked and pinged, in seconds.

    By the meeting's clock: every ``probe`` for the newest posts, every ``check`` for some of the posts held, each
    account of the roster every ``poll`` but no two accounts nearer than ``between``, and ``again`` after a failed
    refill. By the wall's: a ping every ``ping``, to be answered within ``pong``; and what streams in is held back at
    most ``hold`` while a refill lasts.
    """

    probe: float = 60.0
    check: float = 15.0
    poll: float = 15.0
    between: float = 3.0
    again: float = 30.0
    ping: float = 15.0
    pong: float = 15.0
    hold: float = 20.0


class Progress:
    """How far a source has come, over all its connections: whether it has ever seen all that its server shows."""

    def __init__(self) -> None:
        self.seen_all = False


class _Frame(msgspec.Struct, frozen=True):
    raw: bytes
    heard: datetime


class _Alive(msgspec.Struct, frozen=True):
    heard: datetime


class _Probed(msgspec.Struct, frozen=True):
    found: tuple[Found, ...]


class _Checked(msgspec.Struct, frozen=True):
    found: tuple[Found, ...]
    gone: tuple[str, ...] = ()


class _Over(msgspec.Struct, frozen=True):
    end: Exception


_Arrival = _Frame | _Alive | _Probed | _Checked | Refilled | _Over


class Connection:
    """See the module. ``came_to`` is the instant up to which everything was seen, None to begin at the present."""

    def __init__(
        self,
        socket: ClientConnection,
        asking: Asking,
        intake: Intake,
        progress: Progress,
        clock: Clock,
        pace: Pace,
        came_to: datetime | None,
    ) -> None:
        self._socket = socket
        self._asking = asking
        self._intake = intake
        self._progress = progress
        self._clock = clock
        self._pace = pace
        self._since = came_to or clock.now()
        self._begins = self._since - OVERLAP if came_to else self._since
        self._inbox: asyncio.Queue[_Arrival] = asyncio.Queue(_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: Exception | None = None
        self._settled = False  # whether all since the last sign of life was handed on, or can never be
        self._streams = False  # whether the stream has ever brought anything
        self._subscribed = clock.now()
        self._unconfirmed: set[str] = set()  # numbers of posts found by asking that the stream has yet to bring
        self._skipped = 0
        self._told = clock.now() - _TOLD_EVERY

    async def close(self) -> None:
        """End everything that belongs to this connection."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._socket.close()

    async def items(self, hashtags: Iterable[str]) -> AsyncGenerator[ConnectionItem, None]:
        """What the connection yields, up to its end, which it raises."""
        self._start(self._listen, self._ping)
        for hashtag in sorted(hashtags):
            await subscribe(self._socket, hashtag)
        self._subscribed = self._clock.now()
        first = await self._first_refill()
        if self._ended is not None:  # the socket was lost meanwhile: how much was seen, only the next one can tell
            raise self._ended
        yield Connected(replays=first is not None and first.whole)
        if first is not None:
            for item in self._refilled(first):
                yield item
        self._start(self._probe, self._poll, self._check)
        while True:
            for item in self._take(await self._inbox.get()):
                yield item

    def _take(self, arrival: _Arrival) -> Iterator[ConnectionItem]:
        match arrival:
            case _Frame(raw, heard):
                yield from self._streamed(raw, heard)
            case _Alive(heard):
                yield from self._news(heard)
            case _Probed(found):
                yield from self._probed(found)
            case _Checked(found, gone):
                yield from self._found(found)
                now = self._clock.now()
                for number in gone:
                    yield from self._captured(self._intake.gone(number, now), now)
            case Refilled():
                yield from self._refilled(arrival)
            case _Over(end):
                yield from self._intake.new_faults()
                raise end

    def _streamed(self, raw: bytes, heard: datetime) -> Iterator[ConnectionItem]:
        streamed = self._intake.streamed(raw, heard)
        self._streams |= streamed.number is not None
        self._unconfirmed.discard(streamed.number or "")
        yield from self._captured(streamed.events, heard)
        self._skipped += streamed.readable and not streamed.events
        if heard - self._told >= _TOLD_EVERY:
            yield from self._news(heard)

    def _probed(self, found: tuple[Found, ...]) -> Iterator[ConnectionItem]:
        """Posts found by asking; those of the time before that have still not come by the stream tell on it."""
        missing, self._unconfirmed = len(self._unconfirmed), set()
        now = self._clock.now()
        for one in found:
            events = self._intake.found(one, now)
            if events and (one.claim or now) >= self._subscribed:
                self._unconfirmed.add(one.status.id)
            yield from self._captured(events, now)
        if missing and not self._streams:
            raise SourceLost(f"the stream is open but silent: {missing} of its posts were found only by asking")
        self._intake.faults[LEFT_OUT] += missing
        yield from self._news(now)

    def _refilled(self, refilled: Refilled) -> Iterator[ConnectionItem]:
        yield from self._found(refilled.found)
        if refilled.failed is None:
            self._settled = self._progress.seen_all = True
        yield from self._news(self._clock.now())

    def _found(self, found: Iterable[Found]) -> Iterator[ConnectionItem]:
        now = self._clock.now()
        for one in found:
            yield from self._captured(self._intake.found(one, now), now)

    def _captured(self, events: Iterable[SourceEvent], now: datetime) -> Iterator[ConnectionItem]:
        for event in events:
            yield Captured(event, self._cursor(now))

    def _news(self, heard: datetime) -> Iterator[ConnectionItem]:
        """A sign of life, and the kinds of fault that grew."""
        self._told = heard
        yield from self._intake.new_faults()
        skipped, self._skipped = self._skipped, 0
        yield CursorMoved(self._cursor(heard), heard, skipped, heard)

    def _cursor(self, at: datetime) -> str | None:
        return str(to_micros(at)) if self._settled else None

    def _start(self, *works: Callable[[], Coroutine[None, None, None]]) -> None:
        for work in works:
            self._tasks.append(asyncio.create_task(self._watched(work), name=f"mastodon {work.__name__}"))

    async def _watched(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do some work; what ends it ends the connection."""
        try:
            await work()
            return
        except ConnectionClosed as error:
            ended: Exception = closed(error)
        except NotAllowed as error:
            ended = error.as_refused(HOW_TO_BE_LET_IN)
        except Exception as error:
            ended = error
        self._ended = self._ended or ended
        await self._inbox.put(_Over(ended))

    async def _listen(self) -> None:
        while True:
            raw = await self._socket.recv(decode=False)
            if (refused := refusal_in(raw)) is not None:
                raise refused
            await self._inbox.put(_Frame(raw, self._clock.now()))

    async def _ping(self) -> None:
        """Ping for ever; no answer ends the connection, an answer is a sign of life."""
        while True:
            await asyncio.sleep(self._pace.ping)
            with suppress(ConnectionClosed):  # the listener tells of that
                if not await answers(self._socket, self._pace.pong):
                    self._socket.transport.abort()
                    raise SourceLost("it stopped answering")
                await self._inbox.put(_Alive(self._clock.now()))

    async def _first_refill(self) -> Refilled | None:
        """What came since the last sign of life, None when asking takes too long: it then goes on by itself.

        Raises SourceRefused.
        """
        first: asyncio.Future[Refilled | SourceRefused] = asyncio.get_running_loop().create_future()

        async def refill() -> None:
            while True:
                now = self._clock.now()
                unseen_since = self._since if self._progress.seen_all else None
                try:
                    refilled = await self._asking.refill(self._begins, unseen_since, now)
                except NotAllowed as error:
                    if first.done():
                        raise
                    first.set_result(error.as_refused(HOW_TO_BE_LET_IN))
                    return
                if first.done():
                    await self._inbox.put(refilled)
                else:
                    first.set_result(refilled)
                if refilled.failed is None:
                    return
                self._intake.faults[UNANSWERED] += 1
                await self._pause(self._pace.again)

        self._start(refill)
        await asyncio.wait((first,), timeout=self._pace.hold)
        if not first.done():
            first.cancel()
            return None
        result = first.result()
        if isinstance(result, SourceRefused):
            raise result
        return result

    async def _probe(self) -> None:
        before = self._clock.now()
        while True:
            await self._pause(self._pace.probe)
            now = self._clock.now()
            with self._failing():
                found = await self._asking.newest(before - OVERLAP, before)
                await self._inbox.put(_Probed(found))
                before = now

    async def _poll(self) -> None:
        roster = self._asking.roster
        while roster:
            for account in roster:
                await self._pause(max(self._pace.between, self._pace.poll / len(roster)))
                await self._poll_one(account)

    async def _poll_one(self, account: Followed) -> None:
        now = self._clock.now()
        with self._failing():
            begins = (account.polled or self._since) - OVERLAP
            await self._inbox.put(_Checked(await self._asking.newest_of(account, begins, now)))

    async def _check(self) -> None:
        while True:
            await self._pause(self._pace.check)
            turn = self._intake.stream.to_check(CHECKED_AT_ONCE)
            if turn:
                with self._failing():
                    asked_at = self._clock.now()
                    await self._inbox.put(_Checked(*await self._asking.check(turn)))
                    self._intake.stream.checked((number for number, _ in turn), asked_at)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Count a question that was not answered, and go on."""
        try:
            yield
        except AskFailed:
            self._intake.faults[UNANSWERED] += 1

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds))
