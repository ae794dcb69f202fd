"""The meeting's own time, as the service last told it. A rehearsal's time runs faster than the wall's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Ticks = Callable[[], float]
"""Seconds that only ever go up, from any start."""


def ticks() -> float:
    """Seconds since some start; where the system can say, those of a laptop's sleep are counted too."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class MeetingClock:
    """Reads the meeting's time between two words from the service.

    ``now`` is the meeting's instant when it is made and ``rate`` how many of its seconds pass in one of ``ticks``.
    It never reads earlier than an instant the service has already spoken of.
    """

    def __init__(self, now: datetime, rate: float, ticks: Ticks = ticks) -> None:
        self._ticks = ticks
        self.set(now, rate)

    def set(self, now: datetime, rate: float) -> None:
        """Take the service's word for the time."""
        self._now, self._rate, self._at = now, rate, self._ticks()

    def heard(self, at: datetime) -> None:
        """The service spoke of ``at`` as past: the clock is at least that far."""
        if at > self.now():
            self.set(at, self._rate)

    def now(self) -> datetime:
        """The meeting's present instant."""
        return self._now + timedelta(seconds=(self._ticks() - self._at) * self._rate)


def zone_of(name: str) -> tzinfo:
    """The meeting's time zone; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
