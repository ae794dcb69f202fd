"""Bluesky's Jetstream, followed from a real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve

from feedmon.model.instants import to_micros
from feedmon.model.posts import Deleted, Edited, PostKey, Seen
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import FeedFault, Gap
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from feedmon.sources import Selection, open_source
from feedmon.sources.base import Captured, CursorMoved, Source, SourceItem, SourceLost, Tap
from feedmon.sources.jetstream import JetstreamSource
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    MEETING,
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
from tests.sources.source_conformance import (
    BRISK,
    Rig,
    SourceConformance,
    Trouble,
    followed,
    ids_of,
    one_connection,
)

SELECTION = Selection.of([MEETING])
SECOND = 1_000_000
FAULTS = {
    Trouble.CUT: Fault.DROP,
    Trouble.CLEAN_CLOSE: Fault.GOING_AWAY,
    Trouble.GARBAGE: Fault.GARBAGE,
    Trouble.DUPLICATE: Fault.DUPLICATE,
}


class JetstreamServing:
    """A rehearsal server with posts of the meeting and others in turn, two seconds of meeting time apart."""

    def __init__(self, server: JetstreamServer, ids: Sequence[str]) -> None:
        self.server = server
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        assert self.server._server is not None
        return len(self.server._server.connections)

    def source(self, tap: Tap | None = None) -> Source:
        return open_source(spec(self.server.url), SELECTION, tap=tap)


class JetstreamRig(Rig):
    replays = True

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[JetstreamServing]:
        lines: list[bytes] = []
        for number in range(posts):
            lines.append(post(STRANGER, f"3s{number}", "elsewhere", (2 * number + 1) * SECOND))
            lines.append(post(RESIDENT, f"3p{number}", f"{number} #SaltmarshTC", (2 * number + 2) * SECOND))
        plan = FaultPlan({2 * place + 1: [FAULTS[what]] for place, what in (trouble or {}).items()}, answers=answers)
        clock = RehearsalClock(EVENING, 200, held=True)
        async with JetstreamServer(recording_of(lines, "test"), clock, faults=plan, pulse=0.02) as server:
            yield JetstreamServing(server, [uri(RESIDENT, f"3p{number}") for number in range(posts)])


class TestJetstreamConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return JetstreamRig()


def evening(posts: int, apart: float = 1.0) -> tuple[list[bytes], list[str]]:
    """An invented evening: posts of the meeting's, and the ids of them in order."""
    lines = [
        post(RESIDENT, f"3p{number}", "#SaltmarshTC", int((number + 1) * apart * SECOND)) for number in range(posts)
    ]
    return lines, [uri(RESIDENT, f"3p{number}") for number in range(posts)]


@asynccontextmanager
async def serving(
    lines: Sequence[bytes],
    faults: FaultPlan | None = None,
    *,
    rate: float = 200,
    pulse: float = 0.02,
    held: bool = True,
) -> AsyncIterator[JetstreamServer]:
    clock = RehearsalClock(EVENING, rate, held=held)
    async with JetstreamServer(recording_of(lines, "test"), clock, faults=faults, pulse=pulse) as server:
        yield server


@asynccontextmanager
async def hostile(*frames: bytes | str, then: str = "wait") -> AsyncIterator[str]:
    """A server of our own that sends these frames as they are, then waits or closes; yields its url."""

    async def send(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        if then == "wait":
            await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, max_size=None, close_timeout=0.2) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


ENDINGS = [Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS]


@pytest.mark.fault
@pytest.mark.parametrize("fault", ENDINGS)
async def test_cuts_at_every_message_lose_and_double_nothing(fault: Fault) -> None:
    """The connection ends before each message in turn; afterwards everything was seen once and every gap is filled."""
    lines, ids = evening(20)
    plan = FaultPlan({place: [fault] for place in range(20)})
    async with serving(lines, plan) as server:
        items = await followed(open_source(spec(server.url), SELECTION), server.clock, 20)
    assert plan.happened == {fault: 20}
    assert ids_of(items) == ids
    gaps = [item for item in items if isinstance(item, Gap)]
    opened = [gap for gap in gaps if not gap.filled]
    assert [(gap.start, gap.end) for gap in opened] == [(gap.start, gap.end) for gap in gaps if gap.filled]
    assert all(sooner.end <= later.start for sooner, later in pairwise(opened))


@pytest.mark.fault
@pytest.mark.parametrize("seed", range(3))
async def test_an_evening_of_all_faults_at_random(seed: int) -> None:
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
        source = open_source(spec(server.url), SELECTION)
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


async def test_a_connection_begins_a_little_before_the_cursor_and_hands_nothing_on_twice() -> None:
    lines, ids = evening(12)
    asked: list[dict[str, list[str]]] = []

    async def send_all(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(parse_qs(urlsplit(connection.request.path).query))
        for line in lines:
            await connection.send(line, text=True)
        await connection.wait_closed()

    async with serve(send_all, "127.0.0.1", 0) as server:
        source = open_source(spec(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"), SELECTION)
        clock = RehearsalClock(EVENING + timedelta(minutes=1))
        first, _ = await one_connection(source, clock, until=8)
        cursor = next(item.cursor for item in reversed(first) if isinstance(item, Captured))
        second, _ = await one_connection(source, clock, cursor, until=4)
    assert ids_of(first) + ids_of(second) == ids
    assert asked[0]["wantedCollections"] == ["app.bsky.feed.post", "app.bsky.feed.repost"]
    assert "cursor" not in asked[0]
    assert cursor == str(T0 + 8 * SECOND)
    assert asked[1]["cursor"] == [str(T0 + 3 * SECOND)]


async def test_edits_deletions_and_deletions_that_come_first() -> None:
    lines = [
        gone(RESIDENT, "3b", 1 * SECOND, rev="r9"),
        post(RESIDENT, "3a", "#SaltmarshTC", 2 * SECOND),
        written(RESIDENT, "3b", record("#SaltmarshTC"), 2 * SECOND, rev="r1"),
        written(RESIDENT, "3a", record("no tag now"), 3 * SECOND, operation="update"),
        gone(STRANGER, "3z", 3 * SECOND),
        gone(RESIDENT, "3a", 4 * SECOND),
        gone(RESIDENT, "3old", 5 * SECOND),
        post(RESIDENT, "3end", "#SaltmarshTC", 6 * SECOND),
    ]
    async with serving(lines) as server:
        held = [PostKey("bluesky", uri(RESIDENT, "3old")), PostKey("mastodon", "x")]
        source = open_source(spec(server.url), SELECTION, held=held)
        items, _ = await one_connection(source, server.clock, until=4)
    events = [item.event for item in items if isinstance(item, Captured)]
    told = [(type(event), (event.key.id if isinstance(event, Deleted) else event.post.id)[-3:]) for event in events]
    assert told[:3] == [(Seen, "/3a"), (Seen, "/3b"), (Deleted, "/3b")]
    assert told[3:] == [(Edited, "/3a"), (Deleted, "/3a"), (Deleted, "old"), (Seen, "end")]


async def test_an_oversized_frame_is_left_unread_and_the_connection_kept() -> None:
    lines, ids = evening(3)
    async with serving(lines, FaultPlan({1: [Fault.OVERSIZED]})) as server:
        items, _ = await one_connection(open_source(spec(server.url), SELECTION), server.clock, until=3)
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


async def test_a_catch_up_from_the_windows_start_is_a_gap_that_is_filled() -> None:
    lines, ids = evening(10)
    async with serving(lines, held=False) as server:
        await server.clock.sleep_until(EVENING + timedelta(seconds=8))
        source = open_source(spec(server.url), SELECTION)
        items = await followed(source, server.clock, 10, source.cursor_at(EVENING))
    assert ids_of(items) == ids
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.filled for gap in gaps] == [False, True]
    assert gaps[0].start == EVENING


async def test_a_cursor_older_than_the_network_keeps_is_not_said_to_be_replayed() -> None:
    lines, _ = evening(2)
    async with serving(lines) as server:
        source = open_source(spec(server.url), SELECTION)
        items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING - timedelta(hours=40)), until=1)
    assert not items[0].replays  # type: ignore[union-attr]


async def test_what_a_server_says_when_it_turns_us_away_is_made_safe_and_shown() -> None:
    async def turn_away(connection: ServerConnection, request: object) -> object:
        response = connection.respond(429, "slow \x1b[31mdown\nplease")
        response.headers["Retry-After"] = "17"
        return response

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=turn_away) as server:  # type: ignore[arg-type]
        port = server.sockets[0].getsockname()[1]
        source = open_source(spec(f"ws://127.0.0.1:{port}"), SELECTION)
        _, end = await one_connection(source, RehearsalClock(EVENING, 1))
    assert isinstance(end, SourceLost)
    assert (end.why, end.retry_after) == ("it answered 429: slow �[31mdown", 17.0)


async def test_a_wrong_path_is_for_a_person_to_mend() -> None:
    lines, _ = evening(1)
    async with serving(lines) as server:
        _, end = await one_connection(open_source(spec(f"{server.url}/firehose"), SELECTION), server.clock)
    assert "it answered 404" in str(end)
    assert "meeting file" in str(end)


async def test_a_host_that_is_not_there() -> None:
    source = open_source(spec("ws://no-such-host.invalid"), SELECTION)
    _, end = await one_connection(source, RehearsalClock(EVENING, 1))
    assert isinstance(end, SourceLost)
    assert "looked up" in end.why


@pytest.mark.parametrize("url", ["", "https://x.example", "ws://", "wss://[::bad", "wss://x.example:99999/subscribe"])
def test_an_address_that_cannot_be_one_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match="source “bluesky”, url"):
        open_source(spec(url), SELECTION)


def test_the_address_of_another_protocol_is_said_so() -> None:
    with pytest.raises(BadInput, match="another protocol"):
        open_source(spec("wss://j.example/xrpc/network.bsky.jetstream.subscribeEvents"), SELECTION)


def test_an_unknown_kind_of_source_is_said_so() -> None:
    with pytest.raises(BadInput, match="Did you mean “bluesky”"):
        open_source(spec("wss://x.example").__replace__(kind="blusky"), SELECTION)  # type: ignore[attr-defined]
