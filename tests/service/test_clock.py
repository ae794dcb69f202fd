"""The wall clock: UTC, and waiting that ends when the time has come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from feedmon.service import clock
from feedmon.service.clock import WallClock


async def test_it_tells_utc_and_waits_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """In naps, so that a clock put right is noticed; a time that has passed is not waited for."""
    monkeypatch.setattr(clock, "_LONGEST_NAP", 0.01)
    wall = WallClock()
    assert wall.now().tzinfo is UTC
    assert abs(wall.now() - datetime.now(UTC)) < timedelta(seconds=5)
    async with asyncio.timeout(5):
        await wall.sleep_until(wall.now() - timedelta(hours=1))
        then = wall.now() + timedelta(seconds=0.05)
        await wall.sleep_until(then)
    assert wall.now() >= then
