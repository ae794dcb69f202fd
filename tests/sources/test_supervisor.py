"""The one policy of following: waits, conditions, gaps, and an end that leaves nothing open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from random import Random

import pytest

from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.sources.base import Captured, Connected, CursorMoved, NotKept, SourceItem, SourceLost, SourceRefused
from feedmon.sources.supervisor import Policy, follow, unseen_at_end
from tests.sources.bluesky_frames import EVENING
from tests.sources.scripted import HighestRandom, JumpingClock, ScriptedSource, Step, moved, seen

LIVE, QUIET, BEHIND, LOST = SourceCondition.LIVE, SourceCondition.QUIET, SourceCondition.BEHIND, SourceCondition.LOST
END = SourceRefused("it answered 403.", "Mend it.")


def at(seconds: float) -> datetime:
    return EVENING + timedelta(seconds=seconds)


async def followed(
    source: ScriptedSource, cursor: str | None = None, random: Random | None = None, policy: Policy | None = None
) -> list[SourceItem]:
    """Everything yielded until the source refuses, which every script must end with."""
    async with (
        asyncio.timeout(5),
        JumpingClock(EVENING) as clock,
        aclosing(follow(source, cursor, clock, random or HighestRandom(), policy or Policy())) as items,
    ):
        everything = [item async for item in items]
    assert source.open == 0
    return everything


def conditions(items: Sequence[SourceItem]) -> list[SourceCondition]:
    """The conditions gone through, each told once however often it is repeated."""
    told = [item.condition for item in items if isinstance(item, SourceState)]
    return [one for place, one in enumerate(told) if place == 0 or told[place - 1] is not one]


def gaps(items: Sequence[SourceItem]) -> list[tuple[float, float, bool]]:
    """Each gap told: its start and end in seconds of the evening, and whether it was filled."""
    return [
        ((gap.start - EVENING).total_seconds(), (gap.end - EVENING).total_seconds(), gap.filled)
        for gap in items
        if isinstance(gap, Gap)
    ]


async def test_waits_grow_from_one_second_to_sixty_and_are_drawn_from_the_random_given() -> None:
    source = ScriptedSource(*[[SourceLost("no")]] * 9, [END])
    await followed(source)
    waits = [(later - sooner).total_seconds() for sooner, later in zip(source.times, source.times[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    source = ScriptedSource(*[[SourceLost("no")]] * 9, [END])
    await followed(source, random=Random(3))
    waits = [(later - sooner).total_seconds() for sooner, later in zip(source.times, source.times[1:], strict=False)]
    random = Random(3)
    assert waits == pytest.approx([random.uniform(0, most) for most in (1, 2, 4, 8, 16, 32, 60, 60, 60)], abs=1e-5)


async def test_only_a_minute_of_health_makes_the_waits_short_again() -> None:
    def well_for(seconds: float) -> list[Step]:
        return [Connected(False), CursorMoved(), seconds, SourceLost("no")]

    source = ScriptedSource([SourceLost("no")], [SourceLost("no")], well_for(59.0), well_for(60.0), [END])
    await followed(source)
    waits = [(later - sooner).total_seconds() for sooner, later in zip(source.times, source.times[1:], strict=False)]
    assert waits == [1, 2, 59 + 4, 60 + 1]


async def test_what_the_network_keeps_no_longer_is_a_gap_of_its_own_that_stays() -> None:
    """The rest is filled when it was sent again; what was still being sent again and is gone by now never is."""
    source = ScriptedSource(
        [Connected(True), moved(at(0)), 10.0, SourceLost("cut")],
        [Connected(True), NotKept(at(6)), moved(at(6)), moved(at(12)), 1.0, SourceLost("cut")],
        [Connected(True), moved(at(7)), SourceLost("cut")],
        [Connected(True), NotKept(at(16)), moved(at(16)), moved(at(40)), END],
    )
    told = gaps(await followed(source))
    assert told[:3] == [(0, 6, False), (6, 11, False), (6, 11, True)]
    assert not any(filled for start, _, filled in told[3:] if start < 16)
    assert any(filled for start, _, filled in told[3:] if start >= 16)


async def test_a_clean_close_is_answered_at_once_but_only_once() -> None:
    closed = SourceLost("closed", clean=True)
    source = ScriptedSource([closed], [closed], [closed], [END])
    await followed(source)
    waits = [(later - sooner).total_seconds() for sooner, later in zip(source.times, source.times[1:], strict=False)]
    assert waits == [0, 1, 2]


async def test_a_network_that_asks_us_to_wait_is_obeyed() -> None:
    source = ScriptedSource([SourceLost("429", retry_after=90)], [END])
    await followed(source)
    assert source.times[1] == at(90)


async def test_a_connection_that_merely_ends_was_closed_cleanly() -> None:
    source = ScriptedSource([Connected(False)], [END])
    items = await followed(source)
    assert conditions(items) == [SourceCondition.STARTING, LOST, SourceCondition.REFUSED]
    assert source.times == [EVENING, EVENING]


async def test_refused_says_why_and_how_to_mend_it_and_ends() -> None:
    items = await followed(ScriptedSource([END]))
    assert isinstance(items[-1], SourceState)
    assert (items[-1].condition, items[-1].why) == (SourceCondition.REFUSED, "it answered 403. Mend it.")


async def test_connected_is_not_receiving() -> None:
    """Only a message makes a source live; a connection in which nothing comes never does."""
    source = ScriptedSource([Connected(True), 14.0, SourceLost("nothing came")], [Connected(True), moved(at(0)), END])
    items = await followed(source)
    assert conditions(items)[:3] == [SourceCondition.STARTING, LOST, LIVE]


async def test_quiet_when_nothing_came_for_us_lately_and_live_again_with_the_next_post() -> None:
    signs: list[Step] = [step for minute in range(1, 13) for step in (60.0, moved(at(60 * minute)))]
    source = ScriptedSource([Connected(False), moved(at(0)), *signs, seen(at(719)), END])
    items = await followed(source)
    assert conditions(items) == [SourceCondition.STARTING, LIVE, QUIET, LIVE, SourceCondition.REFUSED]
    quiet = next(item for item in items if isinstance(item, SourceState) and item.condition is QUIET)
    assert at(600) < quiet.since <= at(611)
    last = [item for item in items if isinstance(item, SourceState)][-2]
    assert (last.last_post, last.last_sign) == (at(719), at(720))


async def test_quiet_comes_with_time_even_when_no_sign_comes() -> None:
    items = await followed(ScriptedSource([Connected(False), moved(at(0)), 700.0, END]))
    assert QUIET in conditions(items)


async def test_behind_while_what_comes_is_old() -> None:
    source = ScriptedSource([Connected(False), moved(at(-300)), 1.0, moved(at(-29)), 1.0, moved(at(2)), END])
    items = await followed(source)
    assert conditions(items) == [SourceCondition.STARTING, BEHIND, LIVE, SourceCondition.REFUSED]


async def test_one_late_message_does_not_make_a_source_behind() -> None:
    source = ScriptedSource([Connected(False), moved(at(0)), 1.0, moved(at(-90)), END])
    assert BEHIND not in conditions(await followed(source))


async def test_a_sign_of_life_counts_from_when_it_was_heard() -> None:
    told_late = CursorMoved(at(1).isoformat(), at(1), heard=at(2))
    source = ScriptedSource([Connected(True), moved(at(0)), 60.0, told_late, SourceLost("cut")], [Connected(True), END])
    items = await followed(source)
    assert BEHIND not in conditions(items)
    assert [item.last_sign for item in items if isinstance(item, SourceState)][-1] == at(2)


async def test_the_state_is_told_again_while_all_is_well() -> None:
    """So that a desk can show the age of the last sign of life."""
    items = await followed(ScriptedSource([Connected(False), moved(at(0)), 35.0, END]))
    assert [item.condition for item in items if isinstance(item, SourceState)].count(LIVE) == 4


async def test_a_gap_runs_from_the_last_sign_of_life_to_the_first_new_one_and_is_filled_by_the_replay() -> None:
    source = ScriptedSource(
        [Connected(False), moved(at(0)), 5.0, moved(at(5)), 3.0, SourceLost("cut")],
        [2.0, Connected(True), moved(at(1)), 1.0, moved(at(10)), 1.0, moved(at(12)), END],
    )
    items = await followed(source)
    assert gaps(items) == [(5, 11, False), (5, 11, True)]
    assert source.cursors == [at(0).isoformat(), at(5).isoformat()]
    filled = next(place for place, item in enumerate(items) if isinstance(item, Gap) and item.filled)
    assert items[filled - 1] == moved(at(12))


async def test_a_gap_the_network_cannot_replay_stays_open() -> None:
    source = ScriptedSource(
        [Connected(False), moved(at(0)), SourceLost("cut")],
        [2.0, Connected(False), moved(at(3)), 1.0, moved(at(4)), END],
    )
    assert gaps(await followed(source)) == [(0, 3, False)]


async def test_two_cuts_in_a_row_make_one_gap() -> None:
    source = ScriptedSource(
        [Connected(False), moved(at(0)), SourceLost("cut")],
        [SourceLost("no")],
        [Connected(True), SourceLost("nothing came")],
        [Connected(True), moved(at(0)), moved(at(30)), END],
    )
    assert gaps(await followed(source)) == [(0, 7, False), (0, 7, True)]


async def test_a_cut_during_the_replay_leaves_no_hole_between_two_gaps() -> None:
    """What went on while the replay was still behind has not been seen: one gap begins where the other ends."""
    source = ScriptedSource(
        [Connected(False), moved(at(0)), 99.0, SourceLost("cut")],
        [Connected(True), moved(at(1)), 5.0, moved(at(50)), SourceLost("cut")],
        [Connected(True), moved(at(51)), moved(at(104)), 5.0, moved(at(110)), END],
    )
    items = await followed(source)
    assert gaps(items) == [(0, 100, False), (100, 107, False), (0, 100, True), (100, 107, True)]
    assert source.cursors == [at(0).isoformat(), at(0).isoformat(), at(50).isoformat()]


async def test_beginning_from_a_cursor_tells_of_the_time_since() -> None:
    source = ScriptedSource([Connected(True), moved(at(-600)), moved(at(0)), END])
    items = await followed(source, cursor=at(-600).isoformat())
    assert gaps(items) == [(-600, 0, False), (-600, 0, True)]
    assert source.cursors == [at(-600).isoformat()]


async def test_beginning_from_a_cursor_of_the_present_or_later_is_no_gap() -> None:
    items = await followed(ScriptedSource([Connected(True), moved(at(0)), END]), cursor=at(60).isoformat())
    assert gaps(items) == []


async def test_failing_to_begin_is_a_gap_from_when_it_should_have_begun() -> None:
    source = ScriptedSource([SourceLost("no")], [SourceLost("no")], [Connected(False), moved(at(3)), END])
    assert gaps(await followed(source)) == [(0, 3, False)]


async def test_what_would_break_every_replay_is_passed_by_at_the_price_of_an_open_gap() -> None:
    source = ScriptedSource(
        [Connected(False), moved(at(0)), SourceLost("too large", poisoned=True)],
        [Connected(False), moved(at(2)), END],
    )
    assert gaps(await followed(source)) == [(0, 1, False)]
    assert source.cursors == [at(0).isoformat(), None]


async def test_a_fault_of_our_own_does_not_end_following(caplog: pytest.LogCaptureFixture) -> None:
    source = ScriptedSource(
        [Connected(False), moved(at(0)), ZeroDivisionError()], [Connected(False), moved(at(1)), END]
    )
    items = await followed(source)
    assert conditions(items)[1:4] == [LIVE, LOST, LIVE]
    assert "ZeroDivisionError" in caplog.text


async def test_faults_are_passed_on_and_are_no_sign_of_life() -> None:
    fault = FeedFault(source="scripted", what="not JSON", count=1)
    items = await followed(ScriptedSource([Connected(False), fault, 5.0, SourceLost("x")], [END]))
    assert fault in items
    assert LIVE not in conditions(items)


async def test_trouble_is_logged_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "feedmon.sources")
    source = ScriptedSource(
        [Connected(False), moved(at(0)), SourceLost("cut")],
        *[[SourceLost("still no")]] * 5,
        [Connected(False), moved(at(40)), 100.0, END],
    )
    items = await followed(source)
    told = [(entry.levelname, entry.getMessage()) for entry in caplog.records]
    assert told == [
        ("WARNING", "scripted: lost: cut; trying again"),
        ("INFO", "scripted: back, after 63 s"),
        ("ERROR", "scripted: refused: it answered 403. Mend it."),
    ]
    states = [(item.condition, item.why) for item in items if isinstance(item, SourceState)]
    assert states.count((LOST, "cut")) == states.count((LOST, "still no")) == 1


@pytest.mark.parametrize("cancel", [False, True], ids=["closed", "cancelled"])
async def test_an_end_from_outside_closes_the_connection_and_leaves_no_task(cancel: bool) -> None:
    before = asyncio.all_tasks()
    source = ScriptedSource([Connected(False), moved(at(0)), 3600.0, END])
    clock = JumpingClock(EVENING)  # nobody makes it jump

    async def consume() -> None:
        async with aclosing(follow(source, None, clock, Random(1))) as items:
            async for item in items:
                if isinstance(item, CursorMoved) and not cancel:
                    return

    task = asyncio.create_task(consume())
    for _ in range(50):
        await asyncio.sleep(0)
    if cancel:
        assert source.open == 1
        task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled() is cancel
    assert source.open == 0
    assert asyncio.all_tasks() == before


async def test_cancelling_while_waiting_to_try_again_ends_at_once() -> None:
    source = ScriptedSource([SourceLost("no")])
    clock = JumpingClock(EVENING)

    async def consume() -> None:
        async for _ in follow(source, None, clock, Random(1)):
            pass

    task = asyncio.create_task(consume())
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()


async def test_captured_posts_keep_their_order_and_move_the_cursor() -> None:
    posts = [seen(at(second), f"p{second}") for second in range(5)]
    source = ScriptedSource([Connected(False), *posts, SourceLost("cut")], [END])
    items = await followed(source)
    assert [item for item in items if isinstance(item, Captured)] == posts
    assert source.cursors == [at(0).isoformat(), at(4).isoformat()]


def test_the_end_of_following_tells_what_was_then_unseen() -> None:
    lost = SourceState(name="s", condition=LOST, since=at(9), last_sign=at(5), why="cut")
    assert unseen_at_end(lost, at(0), at(20)) == Gap(source="s", start=at(5), end=at(20), filled=False, why="cut")
    never = SourceState(name="s", condition=SourceCondition.STARTING, since=at(0))
    assert unseen_at_end(never, at(0), at(20)) == Gap(source="s", start=at(0), end=at(20), filled=False)
    live = SourceState(name="s", condition=LIVE, since=at(0), last_sign=at(5))
    assert unseen_at_end(live, at(0), at(20)) is None
