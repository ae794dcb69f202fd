"""X, followed by its filtered stream where the token allows it, else by asking its search again and again.

The stream is told what to send by rules, made from what the meeting follows and kept as they are between evenings. It
cannot replay, so what was missed is fetched by search at every reconnection, twice: at once, and once more when the
search has caught up with the moment of reconnecting. The cursor is an instant in microseconds of Unix time and, behind
a ``+``, what has been spent, in thousandths of a dollar; the search goes back seven days. Deletions are not told.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import msgspec

from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey, SourceEvent
from feedmon.model.problems import BadInput, Problem
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
from feedmon.sources.credentials import token_for
from feedmon.sources.select import Selection
from feedmon.sources.wording import printable
from feedmon.sources.x_calls import (
    LEAST_A_PAGE,
    MOST_A_PAGE,
    Calls,
    Message,
    NotAllowed,
    Waits,
    too_many_connections,
    unreachable,
    users_of,
)
from feedmon.sources.x_intake import XIntake, author_in, id_in
from feedmon.sources.x_lines import TOO_LARGE, Lines
from feedmon.sources.x_posts import NotAPost, User, id_at
from feedmon.sources.x_rules import LONGEST_QUERY, LONGEST_RULE, MOST_RULES, changes, wanted
from feedmon.sources.x_spend import Spend

log = logging.getLogger(__name__)

LATENCY = timedelta(seconds=15)
"""How long after it was made a post may still come, by stream or search; X's own figure is 7 seconds for 99 in 100."""

KEPT_BY_NETWORK = timedelta(days=7)
"""How far back the search goes."""

_RULES_TAKE = timedelta(seconds=30)  # until new rules are in force everywhere; X says about 20 seconds
_TOLD_EVERY = timedelta(seconds=1)
_REFILL_AGAIN = 60.0
_SHORTEST_POLL = 10.0
_QUARTER = 900.0 * 1.1  # seconds in which so many searches are allowed, and a little
_CURSOR = re.compile(r"([0-9]{16})(?:\+([0-9]{1,9}))?", re.ASCII)
_OUR_FAULT = "not understood by feedmon"


class XSource:
    """X, for what a :class:`Selection` of accounts and hashtags wants, within what the meeting may cost.

    ``held`` are posts captured earlier. ``tap`` is shown every post, as a line of the stream, whichever way it came.
    ``idle_after`` is in seconds of the wall clock: X sends at least an empty line every 20.

    Raises BadInput when the url cannot be X's, or when there is nothing on X to follow.
    """

    def __init__(
        self,
        spec: SourceSpec,
        selection: Selection,
        *,
        held: Iterable[PostKey] = (),
        tap: Tap | None = None,
        idle_after: float = 25.0,
    ) -> None:
        self._name = spec.name
        self._url = _address(spec)
        self._rules = wanted(selection, LONGEST_RULE)
        self._queries = wanted(selection, LONGEST_QUERY)
        if not self._rules or len(self._rules) > MOST_RULES:
            message = "there is nothing on X to follow." if not self._rules else "is more than X can follow at once."
            raise BadInput(Problem(f"source “{spec.name}”", message, "Give hashtags, or accounts with network x."))
        self._spend = Spend(spec.cap)
        self._intake = XIntake(selection, spec.name, self._spend, held)
        self._waits = Waits()
        self._tap = tap
        self._idle_after = idle_after
        self._not_streaming = ""
        self._reached = 0
        self._skipped = 0
        self._ahead = timedelta()
        self._short = False  # whether there was not money enough to fetch everything last time
        self._told_at: datetime | None = None
        self._faults: Counter[str] = Counter()
        self._untold: set[str] = set()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` would be fetched."""
        return f"{to_micros(at)}+{self._spend.spent}"

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of X's."""
        found = _CURSOR.fullmatch(cursor)
        return from_micros(int(found[1])) if found else None

    async def check(self, clock: Clock) -> str:
        """Whether it would work now, asking X nothing that costs. Raises SourceLost or SourceRefused when not."""
        async with await self._calls(clock) as calls:
            try:
                await calls.rules()
            except NotAllowed as no:
                await self._pages(calls, self._queries[0], clock.now(), clock.now().date())
                return f"by search: the stream is not open to this token, {no.why}"
            return "by the stream"

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """One connection's life; see :meth:`feedmon.sources.base.Source.connect`."""
        came_to = self.time_of(cursor) if cursor else None
        if cursor and (found := _CURSOR.fullmatch(cursor)) and found[2]:
            self._spend.resume(int(found[2]))
        self._must_afford(1)
        self._reached = max(self._reached if came_to else 0, to_micros(came_to or clock.now()))
        self._told_at = None
        async with await self._calls(clock) as calls:
            opened = await self._opened(calls) if not self._not_streaming else None
            following = self._stream(calls, *opened, came_to, clock) if opened else self._search(calls, came_to, clock)
            async with aclosing(following) as items:
                try:
                    async for item in items:
                        yield item
                except (SourceLost, SourceRefused):
                    for news in self._news(None):
                        yield news
                    raise
                finally:
                    self._ahead = calls.ahead

    async def _calls(self, clock: Clock) -> Calls:
        calls = Calls(self._name, self._url, await token_for(self._name), clock, self._waits)
        calls.ahead = self._ahead
        return calls

    async def _opened(self, calls: Calls) -> tuple[aiohttp.ClientResponse, bool] | None:
        """The stream, and whether its rules had to be changed; None when the token may not use it."""
        try:
            to_change = changes(await calls.rules(), self._rules)
            await calls.change(to_change)
            return await calls.stream(), bool(to_change.add)
        except NotAllowed as no:
            log.warning("%s: followed by search, not by the stream: %s", self._name, no.why)
            self._not_streaming = no.why
            return None

    async def _stream(
        self, calls: Calls, response: aiohttp.ClientResponse, changed: bool, came_to: datetime | None, clock: Clock
    ) -> AsyncGenerator[ConnectionItem, None]:
        began = clock.now()
        for greeting in _greeting(came_to, began):
            yield greeting
        settles = began + (_RULES_TAKE if changed else LATENCY)
        whole = came_to is None  # whether everything up to now has been seen
        refill_at, refill_from = (None, began) if came_to is None else (began, came_to - LATENCY)
        lines = Lines(response.content)
        while True:
            if refill_at is not None and clock.now() >= refill_at:
                asked = clock.now()
                try:
                    found = await self._found(calls, refill_from, asked)
                except SourceLost as lost:  # no reason to give up the stream, which brings what is new
                    log.warning("%s: what was missed cannot be fetched yet: %s", self._name, lost.why)
                    refill_at = asked + timedelta(seconds=max(_REFILL_AGAIN, lost.retry_after or 0.0))
                except NotAllowed as no:
                    log.warning("%s: what was missed cannot be fetched: %s", self._name, no.why)
                    refill_at = None
                else:
                    for one in found:
                        yield Captured(one, self._cursor())
                    whole = asked >= settles and not self._short
                    refill_at, refill_from = (None, began) if whole or self._short else (settles, began - LATENCY)
                for news in self._news(clock.now() if whole else None, sign=True):
                    yield news
                self._must_afford(1)
            line = await self._line(lines)
            now = clock.now()
            if line is None:
                raise SourceLost("the network closed the connection", clean=True)
            self._waits.reset()
            event = self._read(line, now)
            if whole:
                self._reached = max(self._reached, to_micros(now))
            if event is not None:
                yield Captured(event, self._cursor())
            self._must_afford(1)
            if not line or self._told_at is None or now - self._told_at >= _TOLD_EVERY:
                self._told_at = now
                for news in self._news(now if whole else None, sign=True):
                    yield news

    async def _line(self, lines: Lines) -> bytes | None:
        try:
            async with asyncio.timeout(self._idle_after):
                return await lines.next()
        except TimeoutError as error:
            why = f"nothing came for {self._idle_after:g} seconds"
            raise SourceLost(why, retry_after=self._waits.network()) from error
        except (aiohttp.ClientError, OSError) as error:
            raise SourceLost(unreachable(error), retry_after=self._waits.network()) from error

    def _read(self, line: bytes, now: datetime) -> SourceEvent | None:
        """What a line of the stream means for us. Counts what is amiss; raises SourceLost when X takes its leave."""
        if not line:
            return None
        if line is TOO_LARGE:
            self._count("too large")
            return None
        try:
            message = msgspec.json.decode(line, type=Message)
        except UnicodeDecodeError:
            self._count("not UTF-8")
        except msgspec.ValidationError:
            self._count("not a message")
        except (ValueError, RecursionError):
            self._count("not JSON")
        else:
            if message.data:
                return self._take(bytes(message.data), users_of(bytes(message.includes)), line, now)
            if not message.errors:
                self._count("not a message")
            elif any(one.connection_issue for one in message.errors):
                raise too_many_connections(self._waits)
            else:
                raise SourceLost(f"X ended the stream ({message.errors[0].said or 'no reason given'})", clean=True)
        return None

    async def _search(
        self, calls: Calls, came_to: datetime | None, clock: Clock
    ) -> AsyncGenerator[ConnectionItem, None]:
        since, before = came_to or clock.now(), None
        while True:
            asked = clock.now()
            try:
                found = await self._found(calls, since - LATENCY, asked)
            except NotAllowed as no:
                mend = "Check in X's developer console that the app has credit and may read posts."
                raise SourceRefused(f"{no.why}: this token may use neither the stream nor the search.", mend) from no
            self._waits.reset()
            if before is None:
                for greeting in _greeting(came_to, asked):
                    yield greeting
            for event in found:
                yield Captured(event, self._cursor())
            self._reached = max(self._reached, to_micros(asked))
            every = max(_SHORTEST_POLL, _QUARTER * len(self._queries) / calls.searches_allowed)
            remark = f"by search every {every:.0f} s, for the stream is not open to this token; {self._spend}"
            for news in self._news(before, sign=True, remark=remark):
                yield news
            since, before = asked, asked
            self._must_afford(LEAST_A_PAGE)
            await clock.sleep_until(asked + timedelta(seconds=every))

    async def _found(self, calls: Calls, since: datetime, now: datetime) -> list[SourceEvent]:
        """What the search has for us of posts made after ``since``, oldest first. Raises as :meth:`Calls.search`.

        Posts are numbered by X's clock and ``since`` is by ours, which may be ahead of it.
        """
        since = max(since - calls.ahead, now - KEPT_BY_NETWORK + timedelta(hours=1))
        self._short = False
        posts: dict[tuple[int, str], tuple[bytes, dict[str, User], bytes]] = {}
        for query in self._queries:
            for data, users, line in await self._pages(calls, query, since, now.date()):
                posts.setdefault(_order(data), (data, users, line))
        taken = (self._take(data, users, line, now) for _, (data, users, line) in sorted(posts.items()))
        return [event for event in taken if event is not None]

    async def _pages(
        self, calls: Calls, query: str, since: datetime, today: date
    ) -> list[tuple[bytes, dict[str, User], bytes]]:
        """Every post a query finds: itself, the accounts that came with it, and both as a line of the stream."""
        found: list[tuple[bytes, dict[str, User], bytes]] = []
        token = ""
        while True:
            if self._spend.affordable < LEAST_A_PAGE:
                self._short = True
                return found  # what has been paid for is seen all the same
            most = min(MOST_A_PAGE, self._spend.affordable)
            page = await calls.search(query, max(1, id_at(since) - 1), most, token)
            users = users_of(bytes(page.includes))
            self._spend.read(today, (id_in(bytes(one)) for one in page.data), users)
            for one in page.data:
                author = users.get(author_in(bytes(one)))
                mine = {author.id: author} if author else {}
                includes = b',"includes":{"users":' + msgspec.json.encode(list(mine.values())) + b"}"
                found.append((bytes(one), mine, b'{"data":' + bytes(one) + includes + b"}"))
            token = page.meta.next_token
            if not token:
                return found

    def _take(self, data: bytes, users: dict[str, User], line: bytes, now: datetime) -> SourceEvent | None:
        event = None
        try:
            event = self._intake.take(data, users, now)
        except NotAPost as error:
            self._count(str(error))
        except Exception:  # a fault of ours must not stop the feed, nor fill the log
            if not self._faults[_OUR_FAULT]:
                log.exception("%s: a message feedmon cannot take", self._name)
            self._count(_OUR_FAULT)
        self._skipped += event is None
        if self._tap:
            self._tap(line, event is not None)
        return event

    def _must_afford(self, posts: int) -> None:
        if self._spend.affordable < posts:
            why = f"what this meeting may cost is used up: {self._spend}."
            raise SourceRefused(why, "To go on, raise the source's cap in the meeting file and start feedmon again.")

    def _cursor(self) -> str:
        return f"{self._reached}+{self._spend.spent}"

    def _count(self, what: str) -> None:
        self._faults[what] += 1
        self._untold.add(what)

    def _news(self, at: datetime | None, *, sign: bool = False, remark: str | None = None) -> Iterator[ConnectionItem]:
        """What is to be told since last: faults that grew and, with ``sign``, how far we have come and at what cost."""
        untold, self._untold = sorted(self._untold), set()
        for what in untold:
            yield FeedFault(source=self._name, what=what, count=self._faults[what])
        if sign:
            skipped, self._skipped = self._skipped, 0
            yield CursorMoved(self._cursor(), at, skipped, remark=remark or str(self._spend))


def _greeting(came_to: datetime | None, now: datetime) -> Iterator[ConnectionItem]:
    """What a connection begins with: that it stands, and how far back what was missed can still be had."""
    yield Connected(replays=came_to is not None)
    if came_to is not None and now - came_to > KEPT_BY_NETWORK:
        yield NotKept(now - KEPT_BY_NETWORK)


def _order(data: bytes) -> tuple[int, str]:
    """What posts are in order by: their number, of which a longer one is later."""
    number = id_in(data)
    return len(number), number


def _address(spec: SourceSpec) -> str:
    """The url of the API, without what follows the host. Raises BadInput when the one given cannot be it."""
    try:
        parts = urlsplit(spec.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.path.strip("/"):
        message = f"“{printable(spec.url)}” is not where X's API is."
        raise BadInput(Problem(f"source “{spec.name}”, url", message, "It is https://api.x.com."))
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        message = "would send the token unencrypted."
        raise BadInput(Problem(f"source “{spec.name}”, url", message, "It is https://api.x.com."))
    return f"{parts.scheme}://{parts.netloc}"
