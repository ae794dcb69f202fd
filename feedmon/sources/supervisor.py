"""Following a feed for as long as it is wanted: the one policy of reconnecting, for every source.

A clean close is an outage like any other, “connected” is never taken for “receiving”, and every stretch that could
not be seen is told as a :class:`~feedmon.model.sourcestate.Gap`: once when it is over, and once more when the network
has sent it all again. All times are the meeting's own (the clock passed in), so a rehearsal behaves as the evening
will.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from random import Random

import msgspec

from feedmon.model.instants import Clock
from feedmon.model.posts import Deleted, SourceEvent
from feedmon.model.sourcestate import Gap, SourceCondition, SourceState
from feedmon.sources.base import (
    Captured,
    Connected,
    ConnectionItem,
    CursorMoved,
    NotKept,
    Source,
    SourceItem,
    SourceLost,
    SourceRefused,
)

log = logging.getLogger(__name__)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient following is. All in seconds of the meeting's time.

    The n-th wait is drawn evenly between nothing and ``first_wait`` doubled n times, at most ``longest_wait``; a
    connection that has been well for ``healthy_after`` begins the series anew. A feed is *quiet* when nothing came
    for us in ``quiet_after``, and *behind* when what it sends is older than ``behind_after``. While all is well its
    state is told every ``told_every``.
    """

    first_wait: float = 1.0
    longest_wait: float = 60.0
    healthy_after: float = 60.0
    quiet_after: float = 600.0
    behind_after: float = 30.0
    told_every: float = 10.0


_TOO_LONG_AGO = "the network no longer keeps what was sent then"

PATIENCE = Policy()
"""The policy for a real evening."""


async def follow(
    source: Source,
    cursor: str | None,
    clock: Clock,
    random: Random,
    policy: Policy = PATIENCE,
) -> AsyncGenerator[SourceItem, None]:
    """Follow a source from ``cursor`` on (None: from now), over as many connections as it takes.

    Yields what it captures, how far it has come, how it does and what could not be seen; ends only when the source
    refuses us, after telling so. Close it (``contextlib.aclosing``) or cancel its task to stop: the connection is
    closed then. Raises nothing of its own.
    """
    began = clock.now()
    cursor = cursor or source.cursor_at(began)  # so that nothing is missed if the first tries fail
    watch = _Watch(source.name, began, source.time_of(cursor) if cursor else None, policy)
    waits = _Waits(random, policy)
    yield watch.state
    while True:
        try:
            async with aclosing(_with_ticks(source.connect(cursor, clock), clock, policy.told_every)) as items:
                async for item in items:
                    if isinstance(item, Captured | CursorMoved):
                        cursor = item.cursor or cursor
                    for told in watch.take(item, clock.now()):
                        yield told
            lost = SourceLost("the feed ended", clean=True)
        except SourceRefused as refused:
            log.error("%s: refused: %s", source.name, refused)
            yield watch.refused(str(refused), clock.now())
            return
        except SourceLost as error:
            lost = error
        except Exception:
            log.exception("%s: a fault of feedmon's own", source.name)
            lost = SourceLost("a fault in feedmon itself, which the log describes", poisoned=True)
        if lost.poisoned:
            cursor = None
        healthy = watch.healthy(clock.now())
        if state := watch.lost(lost, clock.now()):
            yield state
        await _pause(clock, waits.after(lost, healthy))


class _Waits:
    """How long to wait before each new try."""

    def __init__(self, random: Random, policy: Policy) -> None:
        self._random = random
        self._policy = policy
        self._tries = 0
        self._at_once = True

    def after(self, lost: SourceLost, healthy: bool) -> float:
        """Seconds to wait after losing a connection that was, or was not, well for long enough."""
        if healthy:
            self._tries, self._at_once = 0, True
        if lost.clean and self._at_once:
            self._at_once = False
            return 0.0
        wait = self._random.uniform(0.0, min(self._policy.longest_wait, self._policy.first_wait * 2.0**self._tries))
        self._tries = min(self._tries + 1, 30)
        return max(wait, lost.retry_after or 0.0)


class _Watch:
    """How a source does, told from what it yields. Every transition of a source's condition is in this class."""

    def __init__(self, name: str, now: datetime, came_to: datetime | None, policy: Policy) -> None:
        self.state = SourceState(name=name, condition=SourceCondition.STARTING, since=now)
        self._policy = policy
        self._unseen_since = came_to if came_to and came_to < now else None
        self._began = now
        self._replays = False
        self._kept_from: datetime | None = None
        self._come_to: datetime | None = None  # the latest network time on this connection: single messages come late
        self._well_since: datetime | None = None
        self._quiet_from = now
        self._open_gaps: list[Gap] = []
        self._why = ""
        self._remark = ""

    def take(self, item: ConnectionItem | None, now: datetime) -> list[SourceItem]:
        """What to tell upon an item, or (None) upon the mere passing of time."""
        match item:
            case None:
                return self._tick(now)
            case Connected(replays):
                self._replays, self._come_to, self._kept_from = replays, None, None
                return []
            case NotKept(until):
                self._kept_from = until
                self._open_gaps = [gap for gap in self._open_gaps if gap.start >= until]
                return []
            case Captured(event):
                came = now if isinstance(event, Deleted) else event.post.received_at or now
                return [*self._alive(event_time(event), came, event), item, *self._filled(event_time(event))]
            case CursorMoved(at=at, heard=heard, remark=remark):
                self._remark = self._remark if remark is None else remark
                return [*self._alive(at, heard or now), item, *self._filled(at)]
            case fault:
                return [fault]

    def healthy(self, now: datetime) -> bool:
        """Whether the connection had been well for long enough to forget earlier trouble."""
        return self._well_since is not None and now - self._well_since >= _seconds(self._policy.healthy_after)

    def lost(self, lost: SourceLost, now: datetime) -> SourceState | None:
        """The connection is over. Logged when trouble begins, told whenever its reason changes."""
        if self._well_since is not None or self.state.condition is SourceCondition.STARTING:
            log.warning("%s: lost: %s; trying again", self.state.name, lost.why)
            last_sign = self.state.last_sign
            if self._open_gaps:  # what was being replayed had not come as far as the last sign of life
                last_sign = self._open_gaps[-1].end
            self._unseen_since = last_sign or self._unseen_since or self._began
            self._why = lost.why
        if lost.poisoned:
            self._open_gaps.clear()
        self._well_since = None
        return self._tell(SourceCondition.LOST, now, lost.why)

    def refused(self, why: str, now: datetime) -> SourceState:
        """Nothing more will come until a person has mended it."""
        self._well_since = None
        return self._tell(SourceCondition.REFUSED, now, why) or self.state

    def _alive(self, at: datetime | None, now: datetime, event: SourceEvent | None = None) -> list[SourceItem]:
        told: list[SourceItem] = []
        if self._well_since is None:
            self._well_since = self._quiet_from = now
            told.extend(self._gap(now))
        last_post = self.state.last_post
        if event is not None and not isinstance(event, Deleted):
            self._quiet_from = now
            last_post = max(last_post or event.post.observed_at, event.post.observed_at)
        if at is not None:
            self._come_to = max(self._come_to or at, at)
        known = self.state
        self.state = msgspec.structs.replace(known, last_sign=max(known.last_sign or now, now), last_post=last_post)
        if self._come_to is not None and now - self._come_to > _seconds(self._policy.behind_after):
            condition, why = SourceCondition.BEHIND, "what it sends is catching up with the present"
        else:
            condition, why = self._quiet_or_live(now), self._remark
        if state := self._tell(condition, now, why):
            told.append(state)
        return told

    def _gap(self, now: datetime) -> list[SourceItem]:
        """The stretch that was not seen before this first sign of life, if there was one."""
        start, self._unseen_since = self._unseen_since, None
        if self.state.condition is SourceCondition.LOST:
            log.info("%s: back, after %.0f s", self.state.name, (now - (start or now)).total_seconds())
        if start is None or start >= now:
            return []
        why = self._why or "not followed until now"
        told: list[SourceItem] = []
        if self._replays and self._kept_from is not None and start < self._kept_from:
            lasting = min(self._kept_from, now)
            told.append(Gap(source=self.state.name, start=start, end=lasting, filled=False, why=_TOO_LONG_AGO))
            start = lasting
        if start < now:
            gap = Gap(source=self.state.name, start=start, end=now, filled=False, why=why)
            told.append(gap)
            if self._replays:
                self._open_gaps.append(gap)
        return told

    def _filled(self, at: datetime | None) -> list[SourceItem]:
        """The gaps that the network has sent again in full, now that it has come to ``at``."""
        filled = [gap for gap in self._open_gaps if at is not None and gap.end <= at]
        self._open_gaps = [gap for gap in self._open_gaps if gap not in filled]
        return [msgspec.structs.replace(gap, filled=True) for gap in filled]

    def _tick(self, now: datetime) -> list[SourceItem]:
        if self._well_since is None:
            return []
        if self.state.condition is SourceCondition.LIVE:
            self._tell(self._quiet_or_live(now), now, self._remark)
        return [self.state]

    def _quiet_or_live(self, now: datetime) -> SourceCondition:
        quiet = now - self._quiet_from > _seconds(self._policy.quiet_after)
        return SourceCondition.QUIET if quiet else SourceCondition.LIVE

    def _tell(self, condition: SourceCondition, now: datetime, why: str) -> SourceState | None:
        """Enter a condition; the state to tell, None when nothing about it is new."""
        if (condition, why) == (self.state.condition, self.state.why):
            return None
        since = self.state.since if condition is self.state.condition else now
        self.state = msgspec.structs.replace(self.state, condition=condition, since=since, why=why)
        return self.state


def unseen_at_end(state: SourceState, began: datetime, now: datetime) -> Gap | None:
    """The stretch that stays unseen when following ends at ``now`` while a source is lost or refused, else None.

    ``began`` is when following began. :func:`follow` cannot tell of it: it only knows gaps that are over.
    """
    if state.condition not in (SourceCondition.LOST, SourceCondition.REFUSED, SourceCondition.STARTING):
        return None
    start = state.last_sign or began
    return Gap(source=state.name, start=start, end=now, filled=False, why=state.why) if start < now else None


def event_time(event: SourceEvent) -> datetime:
    """When the network saw what an event tells of."""
    return event.observed_at if isinstance(event, Deleted) else event.post.observed_at


async def _with_ticks(
    connection: AsyncGenerator[ConnectionItem, None], clock: Clock, every: float
) -> AsyncGenerator[ConnectionItem | None, None]:
    """The items of a connection, and None whenever ``every`` seconds of meeting time have passed.

    The connection is closed with this.
    """
    tick = asyncio.ensure_future(_pause(clock, every))
    item: asyncio.Future[ConnectionItem] | None = None
    try:
        while True:
            item = item or asyncio.ensure_future(anext(connection))
            await asyncio.wait((item, tick), return_when=asyncio.FIRST_COMPLETED)
            if item.done():
                try:
                    value = item.result()
                except StopAsyncIteration:
                    return
                finally:
                    item = None
                yield value
            if tick.done():
                tick = asyncio.ensure_future(_pause(clock, every))
                yield None
    finally:
        for task in (tick, item):
            if task is not None:
                task.cancel()
                await asyncio.wait((task,))  # unlike awaiting it, this keeps its end apart from our own cancellation
                task.cancelled() or task.exception()
        await connection.aclose()


async def _pause(clock: Clock, seconds: float) -> None:
    await clock.sleep_until(clock.now() + _seconds(seconds))


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
