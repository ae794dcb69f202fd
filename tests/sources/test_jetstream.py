"""Bluesky's Jetstream, followed from a real server on this machine."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve

from feedmon.model.posts import Deleted, Edited, PostKey, Seen
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import FeedFault, Gap
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_asked import FIRST_PATH, SECOND_PATH
from feedmon.sources import open_source
from feedmon.sources.base import Captured, CursorMoved, SourceItem, SourceLost
from feedmon.sources.jetstream import KEPT_BY_NETWORK
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import (
    EVENING,
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
from tests.sources.jetstream_rig import BOTH, SECOND, SELECTION, JetstreamRig, evening, hostile, serving
from tests.sources.source_conformance import (
    BRISK,
    Rig,
    SourceConformance,
    followed,
    ids_of,
    one_connection,
)


class TestJetstreamConformance(SourceConformance):
    @pytest.fixture(params=[FIRST_PATH, SECOND_PATH], ids=["v1", "v2"])
    def rig(self, request: pytest.FixtureRequest) -> Rig:
        return JetstreamRig(request.param)


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


@BOTH
async def test_edits_deletions_and_deletions_that_come_first(path: str) -> None:
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
        source = open_source(spec(server.url + path), SELECTION, held=held)
        items, _ = await one_connection(source, server.clock, until=4)
    events = [item.event for item in items if isinstance(item, Captured)]
    told = [(type(event), (event.key.id if isinstance(event, Deleted) else event.post.id)[-3:]) for event in events]
    assert told[:3] == [(Seen, "/3a"), (Seen, "/3b"), (Deleted, "/3b")]
    assert told[3:] == [(Edited, "/3a"), (Deleted, "/3a"), (Deleted, "old"), (Seen, "end")]


async def test_what_belongs_to_no_meeting_is_counted_and_so_is_what_came_last() -> None:
    """The last sign of life before a loss is told too: the gap begins with it."""
    others = [post(STRANGER, f"3s{number}", "elsewhere", number) for number in range(3)]
    frames: list[bytes | str] = [
        others[0],
        "garbage",
        post(RESIDENT, "3a", "#SaltmarshTC", 5),
        *others[1:],
        account(STRANGER, 9),
    ]
    async with hostile(*frames, then="close") as url:
        items, end = await one_connection(open_source(spec(url), SELECTION), RehearsalClock(EVENING, 0.01))
    assert isinstance(end, SourceLost)
    signs = [item for item in items if isinstance(item, CursorMoved)]
    assert sum(sign.skipped for sign in signs) == 4
    assert signs[-1].at == EVENING + timedelta(microseconds=9)
    assert FeedFault(source="bluesky", what="not JSON", count=1) in items


@BOTH
async def test_a_catch_up_from_the_windows_start_is_a_gap_that_is_filled(path: str) -> None:
    lines, ids = evening(10)
    async with serving(lines, held=False) as server:
        await server.clock.sleep_until(EVENING + timedelta(seconds=8))
        source = open_source(spec(server.url + path), SELECTION)
        items = await followed(source, server.clock, 10, source.cursor_at(EVENING))
    assert ids_of(items) == ids
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [gap.filled for gap in gaps] == [False, True]
    assert gaps[0].start == EVENING


@BOTH
async def test_what_the_network_no_longer_keeps_stays_a_gap_and_the_rest_is_filled(path: str) -> None:
    """The first protocol moves an old cursor forward without a word, the second says so; both are shown."""
    lines, ids = evening(30)
    keeps = KEPT_BY_NETWORK if path == FIRST_PATH else timedelta(seconds=10.5)
    async with serving(lines, keeps=keeps, held=False) as server:
        await server.clock.sleep_until(EVENING + timedelta(seconds=20))
        source = open_source(spec(server.url + path), SELECTION)
        asked = EVENING - timedelta(hours=40) if path == FIRST_PATH else EVENING
        items: list[SourceItem] = []
        async with (
            asyncio.timeout(5),
            aclosing(follow(source, source.cursor_at(asked), server.clock, Random(1), BRISK)) as following,
        ):
            async for item in following:
                items.append(item)
                if isinstance(item, Gap) and item.filled:
                    break
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [(gap.filled, gap.why) for gap in gaps] == [
        (False, "the network no longer keeps what was sent then"),
        (False, "not followed until now"),
        (True, "not followed until now"),
    ]
    first = next(item.event.post for item in items if isinstance(item, Captured) and isinstance(item.event, Seen))
    assert gaps[0].start == asked
    assert gaps[0].end == gaps[1].start == first.observed_at
    assert ids_of(items) == [post for post in ids if post in ids_of(items)]


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
        open_source(spec("wss://j.example/xrpc/com.atproto.sync.subscribeRepos"), SELECTION)


def test_an_unknown_kind_of_source_is_said_so() -> None:
    with pytest.raises(BadInput, match="Did you mean “bluesky”"):
        open_source(replace(spec("wss://x.example"), kind="blusky"), SELECTION)
