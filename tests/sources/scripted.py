"""A source that plays a script and a clock that jumps to the next thing to happen, for tests of the supervisor."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from random import Random

from feedmon.model.instants import Clock
from feedmon.model.posts import Author, Post, Seen
from feedmon.sources.base import Captured, ConnectionItem, CursorMoved

Step = ConnectionItem | Exception | float
"""One step of a connection: something yielded, something raised, or seconds that pass."""


class JumpingClock:
    """A clock that, once everyone is waiting, jumps to the first instant anyone waits for."""

    def __init__(self, starts: datetime) -> None:
        self._now = starts
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0
        self._jumping: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, at: datetime) -> None:
        if at <= self._now:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, done))
        await done

    async def __aenter__(self) -> JumpingClock:
        self._jumping = asyncio.create_task(self._jump())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._jumping is not None
        self._jumping.cancel()
        await asyncio.wait((self._jumping,))

    async def _jump(self) -> None:
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if self._waiting:
                at, _, done = heapq.heappop(self._waiting)
                if not done.done():
                    self._now = max(self._now, at)
                    done.set_result(None)


class ScriptedSource:
    """Each connection plays one script; ``cursors`` are those it was given, ``closed`` counts what ended."""

    name = "scripted"

    def __init__(self, *connections: Sequence[Step]) -> None:
        self._connections = list(connections)
        self.cursors: list[str | None] = []
        self.times: list[datetime] = []
        self.open = 0

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        self.cursors.append(cursor)
        self.times.append(clock.now())
        self.open += 1
        try:
            for step in self._connections.pop(0):
                match step:
                    case Exception():
                        raise step
                    case float():
                        await clock.sleep_until(clock.now() + timedelta(seconds=step))
                    case _:
                        yield step
        finally:
            self.open -= 1

    def cursor_at(self, at: datetime) -> str:
        return at.isoformat()

    def time_of(self, cursor: str) -> datetime | None:
        return datetime.fromisoformat(cursor)


class HighestRandom(Random):
    """A random source that always draws the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


def moved(at: datetime) -> CursorMoved:
    """A sign of life: the feed has come to ``at``."""
    return CursorMoved(at.isoformat(), at)


def seen(at: datetime, key: str = "p") -> Captured:
    """A post the network saw at ``at``."""
    post = Post(network="scripted", id=key, author=Author("a.example"), text="x", observed_at=at)
    return Captured(Seen(post), at.isoformat())
