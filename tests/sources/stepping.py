"""A clock for feeds that are asked again and again: time passes only when someone waits, and then at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from feedmon.rehearsal.clock import RehearsalClock


class SteppingClock(RehearsalClock):
    """For one who waits: exact however slow the machine is. Not for following, where several wait at a time."""

    def __init__(self, starts: datetime) -> None:
        super().__init__(starts)
        self._at = starts

    def now(self) -> datetime:
        return self._at

    async def sleep_until(self, at: datetime) -> None:
        await asyncio.sleep(0)
        self._at = max(self._at, at)

    def jump(self, seconds: float) -> None:
        """So much time passes at once, as it does for a machine that was asleep."""
        self._at += timedelta(seconds=seconds)
