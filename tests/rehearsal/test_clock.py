"""The rehearsed evening's time."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from feedmon.model.instants import Clock
from feedmon.rehearsal.clock import RehearsalClock
from tests.sources.bluesky_frames import EVENING


async def test_it_starts_where_told_and_runs_at_its_rate() -> None:
    clock: Clock = RehearsalClock(EVENING, 1000)
    begun = time.monotonic()
    await clock.sleep_until(EVENING + timedelta(seconds=50))
    passed = time.monotonic() - begun
    assert 0.05 <= passed < 0.5
    assert clock.now() >= EVENING + timedelta(seconds=50)


async def test_held_it_stands_until_it_is_set_going() -> None:
    clock = RehearsalClock(EVENING, 1000, held=True)
    waiting = asyncio.create_task(clock.sleep_until(EVENING + timedelta(seconds=1)))
    await asyncio.sleep(0.02)
    assert clock.now() == EVENING
    assert not waiting.done()
    clock.begin()
    clock.begin()
    await asyncio.wait_for(waiting, 1)
    assert clock.now() >= EVENING + timedelta(seconds=1)


async def test_what_has_passed_is_not_waited_for() -> None:
    clock = RehearsalClock(EVENING, 1, held=True)
    await asyncio.wait_for(clock.sleep_until(EVENING - timedelta(days=1)), 1)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_speed_must_be_above_nothing(rate: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        RehearsalClock(EVENING, rate)
