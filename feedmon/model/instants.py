"""Instants: always with a time zone, always UTC inside; only screens and reports turn them to local time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment in time with its offset. Two instants compare by the time they name, whatever their offset."""


def from_micros(micros: int) -> datetime:
    """The UTC instant that lies ``micros`` microseconds after the Unix epoch (exact, unlike a float)."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def to_micros(at: datetime) -> int:
    """Microseconds from the Unix epoch to ``at``, exactly."""
    seconds = int(at.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + at.microsecond


def minutes_since(earlier: datetime, later: datetime) -> float:
    """Minutes from ``earlier`` to ``later``."""
    return (later - earlier).total_seconds() / 60


class Clock(Protocol):
    """Where the time comes from: the wall in a real meeting, a recording's own time in a rehearsal."""

    def now(self) -> datetime:
        """The present instant of the meeting, in UTC."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Return once :meth:`now` has reached ``at``."""
        ...
