"""What can go wrong on the way from Jetstream, each time really done: nothing is lost, doubled, or left unsaid."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import pairwise
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve

from feedmon.model.instants import to_micros
from feedmon.model.posts import Deleted, Edited, Seen
from feedmon.model.sourcestate import FeedFault, Gap
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.sources import open_source
from feedmon.sources.base import Captured, CursorMoved, SourceItem, SourceLost
from feedmon.sources.jetstream import JetstreamSource
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    RESIDENT,
    STRANGER,
    T0,
    account,
    gone,
    post,
    record,
    spec,
    uri,
    written,
)
from tests.sources.jetstream_rig import BOTH, ENDINGS, SECOND, SELECTION, evening, hostile, serving
from tests.sources.source_conformance import (
    BRISK,
    followed,
    ids_of,
    one_connection,
)


@pytest.mark.fault
@BOTH
@pytest.mark.parametrize("fault", ENDINGS)
async def test_cuts_at_every_message_lose_and_double_nothing(fault: Fault, path: str) -> None:
    """The connection ends before each message in turn; afterwards everything was seen once and every gap is filled."""
    lines, ids = evening(20)
    plan = FaultPlan({place: [fault] for place in range(20)})
    async with serving(lines, plan) as server:
        items = await followed(open_source(spec(server.url + path), SELECTION), server.clock, 20)
    assert plan.happened == {fault: 20}
    assert ids_of(items) == ids
    gaps = [item for item in items if isinstance(item, Gap)]
    opened = [gap for gap in gaps if not gap.filled]
    assert [(gap.start, gap.end) for gap in opened] == [(gap.start, gap.end) for gap in gaps if gap.filled]
    assert all(sooner.end <= later.start for sooner, later in pairwise(opened))


@pytest.mark.fault
@BOTH
@pytest.mark.parametrize("seed", range(3))
async def test_an_evening_of_all_faults_at_random(seed: int, path: str) -> None:
    """Whatever goes wrong in whatever order, every post is captured once, and the last word on each is right."""
    lines: list[bytes] = []
    expected: dict[str, str] = {}
    random = Random(seed)
    for number in range(60):
        key, at = f"3p{number}", (number + 1) * SECOND // 2
        lines.append(post(RESIDENT, key, f"{number} #SaltmarshTC", at))
        expected[uri(RESIDENT, key)] = f"{number} #SaltmarshTC"
        if random.random() < 0.2:
            lines.append(written(RESIDENT, key, record("edited"), at + 1000, operation="update"))
            expected[uri(RESIDENT, key)] = "edited"
        elif random.random() < 0.2:
            lines.append(gone(RESIDENT, key, at + 1000))
            expected[uri(RESIDENT, key)] = "deleted"
        lines.append(post(STRANGER, key, "elsewhere", at + 2000))
    kinds = [fault for fault in Fault if fault is not Fault.SILENT]
    plan = FaultPlan.scattered(seed, len(lines), 120, kinds)
    plan.size = 100_000
    events: list[Seen | Edited | Deleted] = []
    async with serving(lines, plan, rate=100) as server:
        source = open_source(spec(server.url + path), SELECTION)
        async with asyncio.timeout(20), aclosing(follow(source, None, server.clock, random, BRISK)) as items:
            async for item in items:
                if isinstance(item, Captured):
                    events.append(item.event)
                elif isinstance(item, CursorMoved) and item.at and to_micros(item.at) > T0 + 31 * SECOND:
                    break
    standing: dict[str, tuple[int, str]] = {}
    for event in events:
        about = event.key.id if isinstance(event, Deleted) else event.post.id
        at = to_micros(event.observed_at if isinstance(event, Deleted) else event.post.observed_at)
        text = "deleted" if isinstance(event, Deleted) else event.post.text
        standing[about] = max(standing.get(about, (0, "")), (at, text))
    assert {about: text for about, (_, text) in standing.items()} == expected
    versions = [(event.post.id, event.post.version) for event in events if not isinstance(event, Deleted)]
    assert len(versions) == len(set(versions))
    assert sum(plan.happened.values()) > 90
    assert set(plan.happened) >= {Fault.DROP, Fault.REORDER, Fault.GARBAGE, Fault.DUPLICATE}


@BOTH
async def test_an_oversized_frame_is_left_unread_and_the_connection_kept(path: str) -> None:
    lines, ids = evening(3)
    async with serving(lines, FaultPlan({1: [Fault.OVERSIZED]})) as server:
        items, _ = await one_connection(open_source(spec(server.url + path), SELECTION), server.clock, until=3)
    assert ids_of(items) == ids
    assert FeedFault(source="bluesky", what="too large", count=1) in items


async def test_a_frame_too_large_to_take_is_counted_and_not_asked_for_again() -> None:
    """Else it would break every replay, and the source would never come back."""

    async def send(connection: ServerConnection) -> None:
        assert connection.request is not None
        replay = "cursor=" in connection.request.path
        await connection.send("x" * 9_000_000 if replay else post(RESIDENT, "3a", "#SaltmarshTC", SECOND))
        await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, max_size=None) as server:
        source = open_source(spec(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"), SELECTION)
        clock, items = RehearsalClock(EVENING, 5), list[SourceItem]()
        async with asyncio.timeout(10), aclosing(follow(source, None, clock, Random(1), BRISK)) as following:
            async for item in following:
                items.append(item)
                if isinstance(item, Captured):
                    break
    assert FeedFault(source="bluesky", what="too large", count=1) in items
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.filled for gap in gaps] == [False]


async def test_silence_where_there_is_never_any_is_a_loss() -> None:
    lines, _ = evening(1)
    async with serving(lines, pulse=60) as server:
        source = JetstreamSource(spec(server.url), SELECTION, idle_after=0.1)
        _, end = await one_connection(source, server.clock)
    assert isinstance(end, SourceLost)
    assert end.why == "nothing came for 0.1 seconds"


async def test_a_reader_who_takes_their_time_is_not_mistaken_for_silence() -> None:
    lines, ids = evening(4, apart=0.01)
    async with serving(lines, pulse=0.05) as server:
        source = JetstreamSource(spec(server.url), SELECTION, idle_after=0.15)
        seen: list[str] = []
        async with aclosing(source.connect(None, server.clock)) as connection:
            async for item in connection:
                if isinstance(item, Captured):
                    seen += ids_of([item])
                    await asyncio.sleep(0.3)
                if len(seen) == 4:
                    break
    assert seen == ids


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("", "not JSON"),
        (b"\x00\xff\xfe", "not JSON"),
        ("[" * 200_000, "not an event"),
        (post(RESIDENT, "3a", "#SaltmarshTC").replace(b"Salt", b"\xffalt"), "not UTF-8"),
        (post(RESIDENT, "3a", "#SaltmarshTC" * 2_000), "text longer than the network allows"),
        (written(MARCHBANKS, "3a", {"text": 5}), "not a record of its kind"),
    ],
)
async def test_hostile_frames_are_counted_and_the_next_post_still_comes(frame: bytes | str, what: str) -> None:
    good = post(RESIDENT, "3good", "#SaltmarshTC", 60 * SECOND)
    async with hostile(frame, frame, good) as url:
        source = open_source(spec(url), SELECTION)
        items: list[object] = []
        async with asyncio.timeout(5), aclosing(source.connect(None, RehearsalClock(EVENING, 1000))) as connection:
            async for item in connection:
                items.append(item)
                if isinstance(item, Captured):
                    break
            async with aclosing(connection):
                pass
        assert ids_of(items) == [uri(RESIDENT, "3good")]  # type: ignore[arg-type]
        assert source._faults == {what: 2}  # type: ignore[attr-defined]


async def test_a_time_in_the_future_does_not_carry_the_cursor_with_it() -> None:
    """One absurd time must not make the next connection skip everything until then."""
    clock = RehearsalClock(EVENING, 1)
    async with hostile(account(STRANGER, 10**15), post(RESIDENT, "3a", "#SaltmarshTC", -1)) as url:
        items, _ = await one_connection(open_source(spec(url), SELECTION), clock, until=1)
    cursor = next(item.cursor for item in items if isinstance(item, Captured))
    assert T0 <= int(cursor or 0) <= to_micros(clock.now())


async def test_a_fault_of_ours_in_one_message_is_counted_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lines, ids = evening(4)
    source: JetstreamSource

    async with serving(lines) as server:
        source = JetstreamSource(spec(server.url), SELECTION)
        take = source._stream.take

        def stumble(message: object, now: object) -> object:
            if getattr(message, "rkey", "") in ("3p0", "3p1"):
                raise ZeroDivisionError
            return take(message, now)  # type: ignore[arg-type]

        monkeypatch.setattr(source._stream, "take", stumble)
        items, _ = await one_connection(source, server.clock, until=2)
    assert ids_of(items) == ids[2:]
    assert source._faults == {"not understood by feedmon": 2}
    assert caplog.text.count("Traceback") == 1
