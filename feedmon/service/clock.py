"""The wall clock. A rehearsal brings its own (:mod:`feedmon.rehearsal`)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

_LONGEST_NAP = 30.0
"""Seconds. Long waits are taken in naps, so that a machine that slept, or a clock put right, is noticed."""


class WallClock:
    """The time by this machine, in UTC (a :class:`feedmon.model.instants.Clock`)."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)

    async def sleep_until(self, at: datetime) -> None:
        """Return once ``at`` has come; at once when it has passed."""
        while True:
            left = (at - self.now()).total_seconds()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LONGEST_NAP))
