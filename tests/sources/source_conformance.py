"""What every feed must do. A new feed gets these tests by one subclass with one fixture: its :class:`Rig`.

A rig serves invented posts over the network's own protocol from a real local server, with trouble on order, and makes
sources that follow it. What a network cannot do (replay, say) its rig declares, and the tests ask the honest opposite.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from enum import StrEnum
from random import Random
from typing import Protocol

import pytest

from feedmon.model.instants import Clock
from feedmon.model.posts import Deleted
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.sources.base import (
    Captured,
    Connected,
    ConnectionItem,
    CursorMoved,
    Source,
    SourceItem,
    SourceLost,
    SourceRefused,
    Tap,
)
from feedmon.sources.supervisor import Policy, follow


class Trouble(StrEnum):
    """What a rig's server can be asked to do wrong."""

    CUT = "cut the connection"
    CLEAN_CLOSE = "close it in good order"
    GARBAGE = "send something unreadable"
    DUPLICATE = "send a message twice"


class Serving(Protocol):
    """A server that is up."""

    @property
    def clock(self) -> Clock:
        """The evening's time."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """The posts it serves that belong to the meeting, in order; as many others lie between them."""
        ...

    @property
    def connections(self) -> int:
        """How many connections it has at this moment."""
        ...

    def source(self, tap: Tap | None = None) -> Source:
        """A new source that follows this server for the meeting."""
        ...


class Rig(ABC):
    """How to put one network under test."""

    replays: bool
    """Whether the network can send again from a cursor."""

    @abstractmethod
    def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AbstractAsyncContextManager[Serving]:
        """Serve so many posts of the meeting's; ``trouble`` comes before the post of that place (from 0).

        ``answers`` are HTTP statuses with which the first connections are turned away.
        """


BRISK = Policy(first_wait=0.2, longest_wait=2.0, healthy_after=1.0)
"""A policy for servers on this machine and evenings of seconds."""


def ids_of(items: Sequence[SourceItem | ConnectionItem]) -> list[str]:
    """The ids of the posts captured, in order."""
    return [item.event.post.id for item in items if isinstance(item, Captured) and not isinstance(item.event, Deleted)]


async def one_connection(
    source: Source, clock: Clock, cursor: str | None = None, until: int = 10**6
) -> tuple[list[ConnectionItem], SourceLost | SourceRefused | None]:
    """What one connection yields up to its end, or until so many posts were captured."""
    items: list[ConnectionItem] = []
    async with asyncio.timeout(5), aclosing(source.connect(cursor, clock)) as connection:
        try:
            async for item in connection:
                items.append(item)
                if len(ids_of(items)) >= until:
                    return items, None
        except (SourceLost, SourceRefused) as end:
            return items, end
    raise AssertionError("a connection must end by saying why")


async def followed(source: Source, clock: Clock, posts: int, cursor: str | None = None) -> list[SourceItem]:
    """Follow until so many posts were captured and every replayable gap is filled."""
    items: list[SourceItem] = []
    async with asyncio.timeout(10), aclosing(follow(source, cursor, clock, Random(1), BRISK)) as following:
        async for item in following:
            items.append(item)
            gaps = {(gap.start, gap.end): gap.filled for gap in items if isinstance(gap, Gap)}
            if len(ids_of(items)) >= posts and all(gaps.values()):
                return items
    raise AssertionError("following ended by itself")


class SourceConformance:
    """Subclass it as ``TestSomething`` with a fixture ``rig``."""

    async def test_every_post_of_the_meeting_once_in_order_and_no_other(self, rig: Rig) -> None:
        async with rig.serve(6) as serving:
            source = serving.source()
            items, _ = await one_connection(source, serving.clock, until=6)
        assert isinstance(items[0], Connected)
        assert ids_of(items) == list(serving.ids)
        for item in items:
            if isinstance(item, Captured) and not isinstance(item.event, Deleted):
                post = item.event.post
                assert post.source == source.name
                assert post.received_at is not None
                assert post.observed_at <= post.received_at

    async def test_signs_of_life_come_between_posts(self, rig: Rig) -> None:
        async with rig.serve(6) as serving:
            items, _ = await one_connection(serving.source(), serving.clock, until=6)
        assert any(isinstance(item, CursorMoved) for item in items)

    async def test_a_cut_is_a_loss_and_no_clean_one(self, rig: Rig) -> None:
        async with rig.serve(4, {2: Trouble.CUT}) as serving:
            items, end = await one_connection(serving.source(), serving.clock)
        assert isinstance(end, SourceLost)
        assert not end.clean
        assert ids_of(items) == list(serving.ids[:2])

    async def test_a_clean_close_is_a_loss_all_the_same(self, rig: Rig) -> None:
        async with rig.serve(4, {2: Trouble.CLEAN_CLOSE}) as serving:
            _, end = await one_connection(serving.source(), serving.clock)
        assert isinstance(end, SourceLost)
        assert end.clean

    async def test_a_server_that_is_not_there_is_a_loss(self, rig: Rig) -> None:
        async with rig.serve(1) as serving:
            source, clock = serving.source(), serving.clock
        _, end = await one_connection(source, clock)
        assert isinstance(end, SourceLost)

    @pytest.mark.parametrize("status", [401, 403])
    async def test_not_being_let_in_is_for_a_person_to_mend(self, rig: Rig, status: int) -> None:
        async with rig.serve(1, answers=[status]) as serving:
            _, end = await one_connection(serving.source(), serving.clock)
        assert isinstance(end, SourceRefused)
        assert end.why
        assert end.mend

    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_a_busy_server_is_tried_again(self, rig: Rig, status: int) -> None:
        async with rig.serve(1, answers=[status]) as serving:
            source = serving.source()
            _, end = await one_connection(source, serving.clock)
            assert isinstance(end, SourceLost)
            items, _ = await one_connection(source, serving.clock, until=1)
        assert ids_of(items) == list(serving.ids)

    @pytest.mark.parametrize("trouble", [Trouble.GARBAGE, Trouble.DUPLICATE])
    async def test_noise_costs_nothing(self, rig: Rig, trouble: Trouble) -> None:
        async with rig.serve(6, {1: trouble, 3: trouble}) as serving:
            items, _ = await one_connection(serving.source(), serving.clock, until=6)
        assert ids_of(items) == list(serving.ids)

    async def test_the_unreadable_is_counted_by_kind(self, rig: Rig) -> None:
        async with rig.serve(6, {1: Trouble.GARBAGE, 3: Trouble.GARBAGE, 5: Trouble.CUT}) as serving:
            items, _ = await one_connection(serving.source(), serving.clock)
        faults = [item for item in items if isinstance(item, FeedFault)]
        assert faults[-1].count == 2
        assert len({fault.what for fault in faults}) == 1

    async def test_nothing_is_lost_or_doubled_over_reconnections(self, rig: Rig) -> None:
        trouble = {1: Trouble.CUT, 3: Trouble.CLEAN_CLOSE, 4: Trouble.CUT}
        async with rig.serve(6, trouble) as serving:
            items = await followed(serving.source(), serving.clock, 6 if rig.replays else 3)
        captured = ids_of(items)
        assert captured == [post for post in serving.ids if post in captured]
        if rig.replays:
            assert captured == list(serving.ids)
        gaps = [item for item in items if isinstance(item, Gap)]
        assert len([gap for gap in gaps if not gap.filled]) == 3
        assert len([gap for gap in gaps if gap.filled]) == (3 if rig.replays else 0)
        told = [item.condition for item in items if isinstance(item, SourceState)]
        assert SourceCondition.LOST in told
        assert told[-1] is not SourceCondition.LOST

    async def test_another_process_goes_on_from_a_stored_cursor(self, rig: Rig) -> None:
        """What was not stored with a cursor comes again; what was stored may."""
        async with rig.serve(6) as serving:
            items, _ = await one_connection(serving.source(), serving.clock, until=3)
            stored = next(item for item in reversed(items) if isinstance(item, Captured)).cursor
            if not rig.replays:
                assert stored is None
                return
            items, _ = await one_connection(serving.source(), serving.clock, stored, until=4)
            again = ids_of(items)
            while again[-1] != serving.ids[-1]:
                more, _ = await one_connection(serving.source(), serving.clock, stored, until=len(again) + 1)
                again = ids_of(more)
        assert again == list(serving.ids)[-len(again) :]
        assert set(serving.ids[3:]) <= set(again)

    async def test_cursors_stand_for_instants(self, rig: Rig) -> None:
        async with rig.serve(1) as serving:
            source, now = serving.source(), serving.clock.now()
        cursor = source.cursor_at(now)
        assert (cursor is not None) is rig.replays
        if cursor is not None:
            assert source.time_of(cursor) == now
        for nonsense in ("", "yesterday", "-1", "9" * 40, "٣" * 16):
            assert source.time_of(nonsense) is None

    async def test_closing_closes_the_connection_and_leaves_nothing_running(self, rig: Rig) -> None:
        async with rig.serve(3) as serving:
            before = asyncio.all_tasks()
            for _ in range(5):
                async with aclosing(serving.source().connect(None, serving.clock)) as connection:
                    assert isinstance(await anext(connection), Connected)
            async with asyncio.timeout(3):
                while serving.connections or asyncio.all_tasks() - before:  # noqa: ASYNC110  # nothing tells of it
                    await asyncio.sleep(0.01)

    async def test_a_tap_sees_what_was_captured_and_what_was_not(self, rig: Rig) -> None:
        kept: list[tuple[bytes, bool]] = []
        async with rig.serve(4) as serving:
            source = serving.source(lambda message, wanted: kept.append((message, wanted)))
            await one_connection(source, serving.clock, until=4)
        assert [wanted for _, wanted in kept].count(True) == 4
        assert [wanted for _, wanted in kept].count(False) >= 3
