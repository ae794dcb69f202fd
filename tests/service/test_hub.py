"""Telling desks: nothing twice, nothing missed, and nobody held up by a slow one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.model.sourcestate import SourceCondition, SourceState
from feedmon.model.timeline import MarkKind
from feedmon.service import hub
from feedmon.service.board import Board, rules_in_force
from feedmon.service.effects import Effects
from feedmon.service.hub import Channel, Listener
from feedmon.service.meeting_state import MeetingState
from feedmon.wire import DecisionRequest, Message, Snapshot, SourceChanged, decode
from tests.service.rooms import BRENNAN, GOSSIP, THREAT, at, fresh, judge, mark, post, seen, settle

FIRST = 1_000_000


def channel_of(state: MeetingState) -> Channel:
    def now() -> datetime:
        return at(60)

    return Channel(Board(state, rules_in_force(judge()), 1.0), now, FIRST)


async def waiting(listener: Listener) -> list[Message]:
    """Everything a listener would be sent by now."""
    got: list[Message] = []
    frames = listener.frames()
    try:
        while True:
            async with asyncio.timeout(0.02):
                message = decode(await anext(frames))
                assert message is not None
                got.append(message)
    except TimeoutError:
        return got
    finally:
        await frames.aclose()


def signs_of_life(count: int) -> list[SourceChanged]:
    state = SourceState(name="bluesky", condition=SourceCondition.LIVE, since=at(0))
    return [SourceChanged(seq=0, state=state, counts=fresh().sources.counts) for _ in range(count)]


def numbers(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


async def test_a_new_desk_is_shown_everything_first_and_then_what_comes() -> None:
    """A snapshot, then messages that follow on its number."""
    channel = channel_of(fresh())
    channel.publish(signs_of_life(3))
    with channel.listening(None) as listener:
        channel.publish(signs_of_life(2))
        first, *rest = await waiting(listener)
        assert isinstance(first, Snapshot)
        # the snapshot is made when it is sent, so it holds all that came before
        assert (first.seq, rest) == (FIRST + 5, [])
        channel.publish(signs_of_life(2))
        assert numbers(await waiting(listener)) == [FIRST + 6, FIRST + 7]


@pytest.mark.parametrize(("after", "missed"), [(0, [1, 2, 3]), (2, [3]), (3, [])])
async def test_a_desk_that_comes_back_is_sent_what_it_missed(after: int, missed: list[int]) -> None:
    """No snapshot, nothing twice."""
    channel = channel_of(fresh())
    channel.publish(signs_of_life(3))
    with channel.listening(FIRST + after) as listener:
        assert numbers(await waiting(listener)) == [FIRST + number for number in missed]


@pytest.mark.parametrize("after", [FIRST - 1, 5, FIRST + 4])
async def test_a_desk_from_another_run_or_too_long_away_is_shown_everything(after: int) -> None:
    """A number not remembered, or not given out yet, is worth nothing."""
    channel = channel_of(fresh())
    channel.publish(signs_of_life(3))
    with channel.listening(after) as listener:
        (only,) = await waiting(listener)
        assert isinstance(only, Snapshot)


async def test_what_is_remembered_is_bounded() -> None:
    """A desk that missed more than that is shown everything."""
    channel = channel_of(fresh())
    channel.publish(signs_of_life(hub.REMEMBERED + 1))
    with channel.listening(FIRST) as too_long, channel.listening(FIRST + 1) as just:
        assert isinstance((await waiting(too_long))[0], Snapshot)
        assert len(await waiting(just)) == hub.REMEMBERED


async def test_a_slow_desk_is_given_a_snapshot_and_holds_nobody_up() -> None:
    """What it has not read is thrown away; the quick one misses nothing."""
    channel = channel_of(fresh())
    with channel.listening(None) as slow, channel.listening(None) as quick:
        await waiting(slow)
        await waiting(quick)
        heard: list[int] = []
        for _ in range(4):
            channel.publish(signs_of_life(hub.WAITING // 2))
            heard += numbers(await waiting(quick))
        channel.publish(signs_of_life(1))
        (only,) = await waiting(slow)
        assert isinstance(only, Snapshot)
        assert only.seq == FIRST + hub.WAITING * 2 + 1
        assert heard == list(range(FIRST + 1, FIRST + hub.WAITING * 2 + 1))


async def test_when_following_begins_every_desk_is_shown_so() -> None:
    """Also the one that was away just then."""
    channel = channel_of(fresh())
    with channel.listening(None) as listener:
        (first,) = await waiting(listener)
        channel.start_following()
        (second,) = await waiting(listener)
    assert isinstance(first, Snapshot)
    assert isinstance(second, Snapshot)
    assert (first.following, second.following) == (False, True)
    with channel.listening(first.seq) as back:
        assert isinstance((await waiting(back))[0], Snapshot)


async def test_a_closed_line_ends_after_its_last_message() -> None:
    """Desks hear why before the line goes dead."""
    channel = channel_of(fresh())
    with channel.listening(FIRST) as listener:
        channel.publish(signs_of_life(1))
        channel.close()
        assert [decode(frame).seq async for frame in listener.frames()] == [FIRST + 1]  # type: ignore[union-attr]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_snapshot_shows_what_a_desk_that_listened_from_the_start_shows(data: st.DataObject) -> None:
    """The board is made of the very messages; it never differs from the meeting's own state."""
    state = fresh()
    board = Board(state, (), 1.0)
    steps: list[Callable[[], Effects]] = [
        lambda: state.on_mark(mark("m1", MarkKind.OPENED, 30), at(30)).effects,
        lambda: state.on_mark(mark("m2", MarkKind.PUBLIC_EXCLUDED, 40), at(40)).effects,
        lambda: state.on_mark(mark("m3", MarkKind.WITHDRAWN, 50, supersedes="m2"), at(50)).effects,
        lambda: state.on_event(seen(1, 45, GOSSIP), at(45)),
        lambda: state.on_event(seen(2, 46, THREAT, version="2"), at(46)),
        lambda: state.on_event(seen(1, 47, GOSSIP, version="3"), at(47)),
        lambda: state._deleted(post(1, 45, author=BRENNAN).key, at(48)),
        lambda: settle(state, at(55)),
    ]
    for number, step in enumerate(data.draw(st.permutations(steps * 2))):
        effects = step()
        for view in state.shown()[:1]:
            request = DecisionRequest(id=f"d{number}", flag=view.flag.id, kind="keep")  # type: ignore[arg-type]
            effects.add(state.on_decision(request, at(56)).effects)
        for message in effects.messages:
            board.take(message)
        shown = board.snapshot(0, at(60))
        assert {view.flag.id: view for view in shown.flags} == {view.flag.id: view for view in state.shown()}
        assert set(shown.marks) == set(state.marks.values())
        assert shown.gaps == ()
