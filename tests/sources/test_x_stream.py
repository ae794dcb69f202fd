"""X's filtered stream under the conformance suite, and each thing that is known of it, from a real local server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from random import Random

import pytest

from feedmon.model.posts import Edited, Seen
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.x_server import XServer
from feedmon.sources.base import Captured, Connected, CursorMoved, NotKept, SourceItem, SourceLost, SourceRefused
from feedmon.sources.supervisor import follow
from feedmon.sources.x import XSource
from feedmon.sources.x_rules import TAG
from tests.sources.source_conformance import BRISK, SourceConformance, followed, ids_of, one_connection
from tests.sources.x_frames import EVENING, RESIDENT, SELECTION, STRANGER, id_at, line, spec, token
from tests.sources.x_rig import XRig

__all__ = ["token"]


class TestXConforms(SourceConformance):
    @pytest.fixture
    def rig(self) -> XRig:
        return XRig()


def evening(posts: int, apart: float = 2.0) -> tuple[list[bytes], list[str]]:
    """An invented evening: posts of the meeting's, and the ids of them in order."""
    times = [(number + 1) * apart for number in range(posts)]
    return [line(RESIDENT, at, "#SaltmarshTC") for at in times], [id_at(at) for at in times]


@asynccontextmanager
async def serving(lines: Sequence[bytes], *, rate: float = 100, **how: object) -> AsyncIterator[XServer]:
    clock = RehearsalClock(EVENING, rate, held=True)
    async with XServer(lines, clock, pulse=0.02, **how) as server:  # type: ignore[arg-type]  # passed on
        yield server


async def until(
    source: XSource, clock: RehearsalClock, fits: Callable[[SourceItem], bool], cursor: str | None = None
) -> list[SourceItem]:
    """Follow until an item fits."""
    items: list[SourceItem] = []
    async with asyncio.timeout(15), aclosing(follow(source, cursor, clock, Random(1), BRISK)) as following:
        async for item in following:
            items.append(item)
            if fits(item):
                return items
    return items


def seen(post: str, *, faults: int) -> Callable[[SourceItem], bool]:
    """Whether a post, and so many kinds of fault, have come."""
    left = {post, *range(faults)}

    def fits(item: SourceItem) -> bool:
        if isinstance(item, Captured):
            left.difference_update(ids_of([item]))
        elif isinstance(item, FeedFault):
            left.discard(len(left - {post}) - 1)
        return not left

    return fits


async def test_rules_are_made_once_and_left_as_they_are() -> None:
    lines, _ = evening(400)
    async with serving(lines) as server:
        server.add_rule("#kittens", "somebody else's")
        for _ in range(2):
            await one_connection(XSource(spec(server.url), SELECTION), server.clock, until=1)
        assert len(server.rule_requests) == 1
        assert {rule.tag for rule in server.rules.values()} == {TAG, "somebody else's"}


async def test_only_what_changed_is_changed_and_only_of_ours() -> None:
    lines, _ = evening(3)
    async with serving(lines) as server:
        for value, tag in (("#kittens", "somebody else's"), ("#LastYearsTag", TAG)):
            server.add_rule(value, tag)
        await one_connection(XSource(spec(server.url), SELECTION), server.clock, until=1)
        values = {rule.value for rule in server.rules.values()}
        deletion, addition = map(json.loads, server.rule_requests)
    assert "#kittens" in values
    assert "#LastYearsTag" not in values
    assert set(deletion) == {"delete"}
    assert {rule["value"] for rule in addition["add"]} == values - {"#kittens"}


async def test_what_was_made_while_we_were_away_is_fetched_by_search() -> None:
    lines, ids = evening(10)
    plan = FaultPlan({3: [Fault.DROP]})
    async with serving(lines, faults=plan, rate=200) as server:
        items = await followed(XSource(spec(server.url), SELECTION), server.clock, 10)
        assert server.searches >= 2
    assert ids_of(items) == ids
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.filled for gap in gaps][-1]


async def test_a_gap_is_not_filled_before_the_search_has_caught_up_with_it() -> None:
    """A post made just before the return is in the search only seconds later: it is fetched by the second look."""
    lines = [line(RESIDENT, 2, "#SaltmarshTC"), line(RESIDENT, 28, "#SaltmarshTC"), line(RESIDENT, 58, "#SaltmarshTC")]
    async with serving(lines, latency=8, rate=50) as server:
        server.clock.begin()
        source = XSource(spec(server.url), SELECTION)
        await server.clock.sleep_until(EVENING + timedelta(seconds=37))
        cursor = source.cursor_at(EVENING + timedelta(seconds=20))
        items = await until(source, server.clock, lambda item: isinstance(item, Gap) and item.filled, cursor)
    assert id_at(28) in ids_of(items)
    filled = items[-1]
    assert isinstance(filled, Gap)
    assert filled.start == EVENING + timedelta(seconds=20)


async def test_rules_that_are_not_in_force_yet_cost_nothing_but_time() -> None:
    lines, ids = evening(12, apart=3)
    async with serving(lines, rules_take=20, rate=60) as server:
        items = await followed(source := XSource(spec(server.url), SELECTION), server.clock, 12, f"{_micros(0)}")
    assert source.name == "x"
    assert sorted(ids_of(items)) == ids


def _micros(seconds: float) -> int:
    return int((EVENING + timedelta(seconds=seconds)).timestamp() * 1_000_000)


async def test_a_cursor_older_than_the_search_reaches_is_said_to_be() -> None:
    lines, ids = evening(2)
    async with serving(lines) as server:
        source = XSource(spec(server.url), SELECTION)
        cursor = source.cursor_at(EVENING - timedelta(days=9))
        items, _ = await one_connection(source, server.clock, cursor, until=1)
    assert isinstance(items[0], Connected)
    assert isinstance(items[1], NotKept)
    assert items[1].until >= EVENING - timedelta(days=7)
    assert ids_of(items) == ids[:1]


async def test_an_edit_is_a_new_version_of_the_first_ids_post() -> None:
    first = line(RESIDENT, 2, "Tonight #SaltmarshTC")
    edit = line(RESIDENT, 6, "Tonight, 7 pm #SaltmarshTC", edit_history_tweet_ids=[id_at(2), id_at(6)])
    async with serving([first, edit]) as server:
        items, _ = await one_connection(XSource(spec(server.url), SELECTION), server.clock, until=2)
    seen, edited = (item.event for item in items if isinstance(item, Captured))
    assert isinstance(seen, Seen)
    assert isinstance(edited, Edited)
    assert seen.post.key == edited.post.key
    assert (seen.post.version, edited.post.version) == (id_at(2), id_at(6))
    assert edited.post.observed_at == EVENING + timedelta(seconds=6)


async def test_xs_goodbye_in_the_stream_is_a_clean_loss_with_its_reason() -> None:
    lines, _ = evening(3)
    async with serving(lines, faults=FaultPlan({1: [Fault.GOING_AWAY]})) as server:
        _, end = await one_connection(XSource(spec(server.url), SELECTION), server.clock)
    assert isinstance(end, SourceLost)
    assert end.clean
    assert "operational-disconnect" in end.why


async def test_the_one_stream_being_in_use_is_said_and_tried_again() -> None:
    lines, _ = evening(3)
    async with serving(lines) as server:
        other = XSource(spec(server.url), SELECTION)
        source = XSource(spec(server.url), SELECTION)
        async with aclosing(other.connect(None, server.clock)) as holding:
            await anext(holding)
            waits = []
            for _ in range(3):
                _, end = await one_connection(source, server.clock)
                assert isinstance(end, SourceLost)
                assert "in use" in end.why
                waits.append(end.retry_after)
    assert waits == [5.0, 10.0, 20.0]


async def test_silence_is_death() -> None:
    lines, _ = evening(1)
    clock = RehearsalClock(EVENING, 1, held=True)
    async with XServer(lines, clock, pulse=60) as server:
        _, end = await one_connection(XSource(spec(server.url), SELECTION, idle_after=0.1), clock)
    assert isinstance(end, SourceLost)
    assert end.why == "nothing came for 0.1 seconds"


async def test_signs_of_life_keep_an_empty_evening_alive() -> None:
    clock = RehearsalClock(EVENING, 20, held=True)
    async with XServer([], clock, pulse=0.02) as server:
        source = XSource(spec(server.url), SELECTION, idle_after=0.3)
        items = await until(
            source, clock, lambda item: isinstance(item, CursorMoved) and clock.now() > EVENING + timedelta(seconds=20)
        )
    told = [item.condition for item in items if isinstance(item, SourceState)]
    assert SourceCondition.LOST not in told
    assert SourceCondition.LIVE in told


async def test_what_it_costs_is_shown_counted_as_x_bills_it_and_goes_with_the_cursor() -> None:
    lines = [*evening(4)[0], line(RESIDENT, 2, "#SaltmarshTC", sequence=1), line(STRANGER, 10, "@SaltmarshTC hello")]
    lines.sort(key=lambda one: int(json.loads(one)["data"]["id"]))
    async with serving(lines) as server:
        source = XSource(spec(server.url, cap=1.0), SELECTION)
        items = await until(
            source, server.clock, lambda item: isinstance(item, CursorMoved) and str(item.cursor)[-3:] == "+50"
        )
        posts = sum(kind == "post" for kind, _ in server.billed)
        accounts = sum(kind == "account" for kind, _ in server.billed)
        cursor = next(item.cursor for item in reversed(items) if isinstance(item, CursorMoved))
        again = XSource(spec(server.url, cap=1.0), SELECTION)
        later, _ = await one_connection(again, server.clock, cursor, until=1)
    assert (posts, accounts) == (6, 2)
    assert [item.why for item in items if isinstance(item, SourceState)][-1] == "$0.05 of $1.00 spent at most"
    assert str(cursor).endswith(f"+{posts * 5 + accounts * 10}")
    assert int(str(next(item.cursor for item in later if isinstance(item, Captured))).partition("+")[2]) >= 50


async def test_at_the_cap_it_stops_and_says_how_to_go_on() -> None:
    lines, ids = evening(60)
    async with serving(lines) as server:
        source = XSource(spec(server.url, cap=0.25), SELECTION)
        items = await until(source, server.clock, lambda item: False)
        again = XSource(spec(server.url, cap=0.25), SELECTION)
        cursor = next(item.cursor for item in reversed(items) if isinstance(item, Captured))
        _, end = await one_connection(again, server.clock, cursor)
    state = items[-1]
    assert isinstance(state, SourceState)
    assert state.condition is SourceCondition.REFUSED
    assert "raise the source's cap" in state.why
    assert ids_of(items) == ids[: len(ids_of(items))]
    assert 235 < 5 * len(ids_of(items)) + 10 <= 250
    assert isinstance(end, SourceRefused)


async def test_a_cap_of_nothing_asks_x_for_nothing() -> None:
    async with serving(evening(3)[0]) as server:
        _, end = await one_connection(XSource(spec(server.url, cap=0), SELECTION), server.clock)
        assert not server.rule_requests
    assert isinstance(end, SourceRefused)


class Ahead:
    """A laptop's clock that is a minute and a half ahead of everyone else's."""

    def __init__(self, clock: RehearsalClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=90)

    async def sleep_until(self, at: datetime) -> None:
        await self._clock.sleep_until(at - timedelta(seconds=90))


@pytest.mark.fault
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_clock_that_is_ahead_loses_nothing(streaming: bool) -> None:
    """What was missed is asked for by X's clock, not by ours."""
    lines, ids = evening(20, apart=4)
    faults = FaultPlan({4: [Fault.DROP], 9: [Fault.CLOSED]})
    async with serving(lines, faults=faults, rate=40, streaming=streaming) as server:
        items = await followed(XSource(spec(server.url), SELECTION), Ahead(server.clock), 20)
    assert ids_of(items) == ids


@pytest.mark.fault
@pytest.mark.parametrize("seed", range(3))
async def test_an_evening_of_all_faults_at_random(seed: int) -> None:
    """Whatever goes wrong in whatever order, every post is captured once, and every hole is on record and filled."""
    lines, ids = evening(60, apart=1.0)
    kinds = [fault for fault in Fault if fault is not Fault.SILENT]
    plan = FaultPlan.scattered(seed, 55, 30, kinds)
    plan.size = 1_500_000
    async with serving(lines, faults=plan, rate=20) as server:
        source = XSource(spec(server.url), SELECTION)
        items = await followed(source, server.clock, 60)
    assert sorted(ids_of(items)) == ids
    assert sum(plan.happened.values()) >= 15
    assert plan.happened[Fault.DROP] + plan.happened[Fault.GOING_AWAY] + plan.happened[Fault.CLOSED] >= 3
    gaps = [item for item in items if isinstance(item, Gap)]
    opened = {gap.start for gap in gaps if not gap.filled}
    assert opened == {gap.start for gap in gaps if gap.filled}


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (Fault.GARBAGE, "not JSON"),
        (Fault.BAD_UTF8, "not UTF-8"),
        (Fault.TRUNCATED, "not JSON"),
        (Fault.OVERSIZED, "too large"),
    ],
)
async def test_what_cannot_be_read_is_counted_and_the_next_post_still_comes(fault: Fault, what: str) -> None:
    lines, ids = evening(3)
    async with serving([*lines, line(STRANGER, 60, "Kittens")], faults=FaultPlan({1: [fault]})) as server:
        items = await until(XSource(spec(server.url), SELECTION), server.clock, seen(ids[-1], faults=1))
    assert ids_of(items) == ids
    assert FeedFault(source="x", what=what, count=1) in items
