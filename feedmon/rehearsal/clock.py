"""The time of a rehearsed evening: it starts where the recording does and runs as fast as one likes."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta


class RehearsalClock:
    """A clock that shows ``starts`` when it begins and then runs at ``rate`` times the speed of the wall's.

    With ``held`` it stands at ``starts`` until :meth:`begin`. Raises ValueError for a rate that is not above nothing.
    """

    def __init__(self, starts: datetime, rate: float = 1.0, *, held: bool = False) -> None:
        if not 0 < rate < float("inf"):
            raise ValueError("a rehearsal's speed must be a number above 0")
        self.starts = starts
        self.rate = rate
        self._begun = asyncio.Event()
        self._origin = 0.0
        if not held:
            self.begin()

    def begin(self) -> None:
        """Set the clock going, if it stands."""
        if not self._begun.is_set():
            self._origin = time.monotonic()
            self._begun.set()

    def now(self) -> datetime:
        """The present instant of the rehearsed meeting."""
        if not self._begun.is_set():
            return self.starts
        return self.starts + timedelta(seconds=(time.monotonic() - self._origin) * self.rate)

    async def sleep_until(self, at: datetime) -> None:
        """Return once :meth:`now` has reached ``at``; other tasks get their turn in any case."""
        await asyncio.sleep(0)
        while (left := (at - self.now()).total_seconds()) > 0:
            await self._begun.wait()
            await asyncio.sleep(left / self.rate)
