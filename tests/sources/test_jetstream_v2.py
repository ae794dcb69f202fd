"""Jetstream's second protocol: its frames, and what it changes about cursors, hosts and errors."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feedmon.model.instants import from_micros
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_asked import SECOND_PATH
from feedmon.rehearsal.jetstream_frames import in_first, in_second
from feedmon.rehearsal.recording import recording_of
from feedmon.sources import open_source
from feedmon.sources.base import Captured, NotKept, SourceLost
from feedmon.sources.bluesky_cursor import Cursor
from feedmon.sources.bluesky_source import Said
from feedmon.sources.bluesky_stream import BlueskyStream, Gone, Life, Named, Unusable, Written
from feedmon.sources.jetstream_v1 import LARGEST
from feedmon.sources.jetstream_v1 import read as read_first
from feedmon.sources.jetstream_v2 import METHOD, read, skim
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    RENFREW,
    RESIDENT,
    STRANGER,
    T0,
    account,
    gone,
    identity,
    post,
    record,
    repost,
    spec,
    uri,
    written,
)
from tests.sources.jetstream_rig import SECOND, SELECTION, evening, hostile, serving
from tests.sources.source_conformance import followed, ids_of, one_connection
from tests.sources.test_jetstream_v1 import frames

STEP = 1_000_000
"""Between the numbers of two messages of a rehearsal."""


def second(first: bytes, seq: int = 7) -> bytes:
    """A message of the first format in the second one."""
    return in_second(first, in_first(first)[1], seq)


@pytest.mark.parametrize(
    "first",
    [
        written(RESIDENT, "3k", record("Hello"), 5, operation="update", rev="r2", cid="c2"),
        post(RESIDENT, "3k", "é🏛️ #x", 329_308),
        gone(RESIDENT, "3k", 7, rev="r3"),
        identity(RENFREW, "Renfrew-New.example", 1),
        identity(RENFREW, None, 1),
        identity(RENFREW, "handle.invalid", 1),
        account(RENFREW, 3, active=False),
        post("did:plc:x", "../../etc", "x"),
        post("robert", "3k", "x"),
    ],
    ids=range(9),
)
def test_both_formats_say_the_same(first: bytes) -> None:
    said = read(second(first))
    assert said.messages == (read_first(first),)
    assert said.seq == 7
    if not isinstance(said.messages[0], Unusable):
        assert said.micros == in_first(first)[1].micros


def test_a_frame_as_the_network_writes_it() -> None:
    frame = (
        b'{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","seq":12345,'
        b'"did":"did:plc:resident0000000000000000","time":"2026-09-09T19:46:02.329308Z","rev":"3lr","operation":'
        b'"create","collection":"app.bsky.feed.post","rkey":"3lk","cid":"bafyx","record":{"text":"hello"}}}'
    )
    said = read(frame)
    [message] = said.messages
    assert isinstance(message, Written)
    assert (said.seq, from_micros(message.micros).isoformat()) == (12345, "2026-09-09T19:46:02.329308+00:00")
    assert skim(frame, set(), set()) == Said(said.micros, 12345)


def test_what_is_no_event_of_anybodys() -> None:
    sync = b'{"$type":"message","payload":{"$type":"%s#sync","seq":3,"did":"did:plc:x","time":"2026-03-05T19:00:00Z"}}'
    assert read(sync % METHOD.encode()) == Said(T0, 3, (Life(T0),))
    info = b'{"$type":"message","payload":{"$type":"%s#info","name":"OutdatedCursor","message":"x"}}'
    assert read(info % METHOD.encode()) == Said(outdated=True)
    assert read(info.replace(b"Outdated", b"Other") % METHOD.encode()) == Said()
    assert read(b'{"$type":"error","error":"ConsumerTooSlow","message":"x"}') == Said(error="ConsumerTooSlow", why="x")


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not an event"),
        (b'{"$type":"\xff\xfe"}', "not UTF-8"),
        (b"{}", "not an event"),
        (b'{"$type":"message"}', "not an event"),
        (post(RESIDENT, "3k", "x"), "not an event"),
        (second(post(RESIDENT, "3k", "x")).replace(b"2026-", b"1026-"), "not an event"),
        (second(post(RESIDENT, "3k", "x")).replace(b'"seq":7', b'"seq":%d' % T0), "not an event"),
        (second(post(RESIDENT, "3k", "x")).replace(b'"record":', b'"recorded":'), "no record"),
        (second(post(RESIDENT, "3k", "x" * LARGEST)), "too large"),
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_said_in_words_of_ours(frame: bytes, what: str) -> None:
    assert read(frame).messages == (Unusable(what),)
    assert skim(frame, set(), set()) is None


SOUND = st.sampled_from(
    [
        second(post(RESIDENT, "3k", "Hello #SaltmarshTC é🏛️")),
        second(post(STRANGER, "3k", "Hello")),
        second(gone(RESIDENT, "3k")),
        second(identity(RENFREW, "renfrew.example")),
        second(repost(MARCHBANKS, "3r", uri(RESIDENT, "3k"))),
    ]
)


@given(SOUND, st.integers(0, 600), st.integers(0, 40), st.binary(max_size=12))
def test_damaged_frames_are_read_or_refused_and_skimming_agrees(frame: bytes, place: int, cut: int, put: bytes) -> None:
    damaged = frame[:place] + put + frame[place + cut :]
    stream = BlueskyStream(SELECTION, "bluesky")
    skimmed, said = skim(damaged, stream.authors, stream.addressed), read(damaged)
    for message in said.messages:
        if not isinstance(message, Unusable):
            with suppress(ValueError):
                assert stream.take(message, EVENING) == () or skimmed is None
    if skimmed is not None and said.micros is not None:
        assert (skimmed.micros, skimmed.seq) == (said.micros, said.seq)


@given(st.lists(frames, min_size=1, max_size=8))
def test_what_is_skimmed_off_a_full_reading_would_not_have_selected(sent: list[bytes]) -> None:
    """The gate's decision is the full decoder's, frame by frame, along any history of the stream."""
    stream = BlueskyStream(SELECTION, "bluesky")
    for number, first in enumerate(sent):
        frame = second(first.replace(b'"3mg', b'"3mg%d' % number), number)
        skimmed, said = skim(frame, stream.authors, stream.addressed), read(frame)
        events = [event for message in said.messages for event in stream.take(message, EVENING)]
        assert skimmed is None or (events == [] and (skimmed.micros, skimmed.seq) == (said.micros, said.seq))


def test_most_of_the_network_is_skimmed_off_and_what_may_be_ours_is_not() -> None:
    others = [post(STRANGER, "3a", "Good morning"), repost(STRANGER, "3c", uri(MARCHBANKS, "3y"))]
    ours = [post(STRANGER, "3a", "#SaltmarshTC"), post(MARCHBANKS, "3a", "x"), post(STRANGER, "3b", "@sandhu.example")]
    stream = BlueskyStream(SELECTION, "bluesky")
    assert all(skim(second(frame), stream.authors, stream.addressed) for frame in others)
    assert not any(skim(second(frame), stream.authors, stream.addressed) for frame in ours)


async def test_a_subscription_asks_for_posts_by_kind_and_collection() -> None:
    asked: list[str] = []

    async def listen(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path)

    async with serve(listen, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{SECOND_PATH}"
        await one_connection(open_source(spec(url), SELECTION), RehearsalClock(EVENING, 1))
    path, query = urlsplit(asked[0]).path, parse_qs(urlsplit(asked[0]).query)
    assert path == SECOND_PATH
    assert query["kinds"] == ["commit", "identity", "account"]
    assert query["collections"] == ["app.bsky.feed.post", "app.bsky.feed.repost"]
    assert "cursor" not in query
    assert not [name for name in query if name.startswith("wanted")]


async def test_it_goes_on_by_the_servers_number_five_seconds_back_and_hands_nothing_on_twice() -> None:
    lines, ids = evening(20)
    async with serving(lines) as server:
        server_host = server.url.removeprefix("ws://")
        source = open_source(spec(server.url + SECOND_PATH), SELECTION)
        first, _ = await one_connection(source, server.clock, until=12)
        cursor = next(item.cursor for item in reversed(first) if isinstance(item, Captured))
        second_time, _ = await one_connection(source, server.clock, cursor, until=8)
    parsed = Cursor.parse(cursor or "")
    assert parsed is not None
    assert parsed.micros == T0 + 12 * SECOND
    assert parsed.seq is not None
    assert 5 * STEP <= parsed.seq <= 7 * STEP
    assert parsed.host == server_host
    assert ids_of(first) + ids_of(second_time) == ids


async def test_a_number_is_never_carried_to_another_server() -> None:
    """The other one is asked by time, ten seconds back."""
    asked: list[dict[str, list[str]]] = []

    async def listen(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(parse_qs(urlsplit(connection.request.path).query))

    async with serve(listen, "127.0.0.1", 0) as one, serve(listen, "127.0.0.1", 0) as two:
        hosts = [f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in (one, two)]
        url = ",".join(f"ws://{host}{SECOND_PATH}" for host in hosts)
        source = open_source(spec(url), SELECTION)
        cursor = str(Cursor(T0 + 60 * SECOND, 4_000, hosts[0]))
        for _ in range(3):
            await one_connection(source, RehearsalClock(EVENING + timedelta(minutes=2)), cursor)
    assert [query["cursor"] for query in asked] == [["4000"], [str(T0 + 50 * SECOND)], ["4000"]]


@pytest.mark.parametrize("seq", [10**14, 2 * STEP, STEP // 2])
async def test_a_server_that_lost_its_numbers_is_asked_by_time_and_nothing_is_missed(seq: int) -> None:
    """A number beyond its own, another message's now, or one it never gave: none of them is believed."""
    lines, ids = evening(10)
    async with serving(lines, held=False) as server:
        await server.clock.sleep_until(EVENING + timedelta(seconds=5))
        source = open_source(spec(server.url + SECOND_PATH), SELECTION)
        cursor = str(Cursor(T0, seq, server.url.removeprefix("ws://")))
        items = await followed(source, server.clock, 10, cursor)
    assert ids_of(items) == ids


async def test_a_number_too_long_ago_is_asked_for_by_time_at_once() -> None:
    lines, ids = evening(20)
    async with serving(lines, rate=20, held=False, keeps=timedelta(seconds=10)) as server:
        await server.clock.sleep_until(EVENING + timedelta(seconds=15))
        source = open_source(spec(server.url + SECOND_PATH), SELECTION)
        cursor = str(Cursor(T0 + SECOND, STEP, server.url.removeprefix("ws://")))
        _, end = await one_connection(source, server.clock, cursor)
        assert isinstance(end, SourceLost)
        assert end.clean
        items, _ = await one_connection(source, server.clock, cursor, until=5)
    first = ids.index(ids_of(items)[0])
    assert first >= 5
    assert ids_of(items) == ids[first : first + 5]
    assert isinstance(items[1], NotKept)


async def test_an_error_frame_is_told() -> None:
    async with hostile(b'{"$type":"error","error":"ConsumerTooSlow","message":"too \\u001b slow"}') as url:
        _, end = await one_connection(open_source(spec(url + SECOND_PATH), SELECTION), RehearsalClock(EVENING))
    assert isinstance(end, SourceLost)
    assert end.why == "the network ended the connection (ConsumerTooSlow: too � slow)"


def test_a_recording_of_either_protocol_is_the_same_evening() -> None:
    lines = [post(RESIDENT, "3a", "#x é", 1), gone(RESIDENT, "3a", 2), identity(RENFREW, "r.example", 3)]
    assert recording_of([second(line) for line in lines], "test") == recording_of(lines, "test")


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [0, 1, 2, 3]),
        ("?kinds=commit", [0, 1]),
        ("?kinds=commit&collections=app.bsky.feed.post", [0]),
        ("?collections=app.bsky.feed.post", [0, 2, 3]),
        ("?collections=app.bsky.feed.*&kinds=identity&kinds=commit", [0, 1, 2]),
        (f"?dids={RENFREW}", [2, 3]),
    ],
)
async def test_a_rehearsal_sends_what_was_asked_for(query: str, places: list[int]) -> None:
    like = written(RESIDENT, "3l", {"$type": "app.bsky.feed.like"}, 2, collection="app.bsky.feed.like")
    lines = [post(RESIDENT, "3a", "x", 1), like, identity(RENFREW, "r.example", 3), account(RENFREW, 4)]
    async with serving(lines, pulse=60) as server, connect(f"{server.url}{SECOND_PATH}{query}") as connection:
        told = [json.loads(await connection.recv())["payload"] for _ in places]
    assert [payload["seq"] for payload in told] == [(place + 1) * STEP for place in places]
    assert [payload["time"] for payload in told] == [f"2026-03-05T19:00:00.00000{place + 1}Z" for place in places]


@pytest.mark.parametrize("query", ["wantedCollections=app.bsky.feed.post", "kinds=likes", "cursor=x", "collections=x"])
async def test_a_rehearsal_refuses_what_the_network_would(query: str) -> None:
    async with serving(evening(1)[0]) as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{server.url}{SECOND_PATH}?{query}")
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body or b"")["error"] == "InvalidRequest"


async def test_a_rehearsal_closes_on_any_message_from_a_subscriber() -> None:
    async with serving(evening(1)[0]) as server, connect(f"{server.url}{SECOND_PATH}") as connection:
        await connection.send("{}")
        with suppress(ConnectionClosed):
            while True:
                await connection.recv()
    assert connection.close_code == 1008


def test_deletions_are_told_apart() -> None:
    assert read(second(gone(RESIDENT, "3k", 7, rev="r3"))).messages == (
        Gone(RESIDENT, T0 + 7, "app.bsky.feed.post", "3k", "r3"),
    )
    assert read(second(identity(RENFREW, "R.example", 1))).messages == (Named(RENFREW, T0 + 1, "r.example"),)
