"""The rehearsal server speaks Jetstream's first protocol, to any client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feedmon.model.instants import from_micros
from feedmon.model.problems import BadInput
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    RENFREW,
    RESIDENT,
    T0,
    account,
    gone,
    identity,
    post,
    repost,
    uri,
    written,
)

SECOND = 1_000_000
LIKE = written(RESIDENT, "3l", {"$type": "app.bsky.feed.like"}, 3 * SECOND, collection="app.bsky.feed.like")
FOLLOW = written(RESIDENT, "3f", {"$type": "x"}, 4 * SECOND, collection="app.bsky.graph.follow")
LINES = [
    post(RESIDENT, "3a", "first #SaltmarshTC", 1 * SECOND),
    repost(MARCHBANKS, "3b", uri(RESIDENT, "3a"), 2 * SECOND),
    LIKE,
    FOLLOW,
    identity(RENFREW, "renfrew.example", 5 * SECOND),
    account(RENFREW, 6 * SECOND),
    gone(RESIDENT, "3a", 7 * SECOND),
]
NEVER = 60.0


def server(
    lines: Sequence[bytes] = LINES,
    *,
    starts: datetime = EVENING,
    rate: float = 1000,
    held: bool = True,
    faults: FaultPlan | None = None,
    pulse: float = NEVER,
    port: int = 0,
) -> JetstreamServer:
    clock = RehearsalClock(starts, rate, held=held)
    return JetstreamServer(recording_of(lines, "test"), clock, faults=faults, pulse=pulse, port=port)


async def receive(connection: ClientConnection, count: int) -> list[bytes]:
    async with asyncio.timeout(3):
        return [await connection.recv(decode=False) for _ in range(count)]


async def nothing_more(connection: ClientConnection) -> bool:
    try:
        async with asyncio.timeout(0.05):
            await connection.recv()
    except TimeoutError:
        return True
    return False


async def played(serving: JetstreamServer, query: str, count: int) -> list[bytes]:
    """What a subscriber is sent: exactly ``count`` messages."""
    async with connect(f"{serving.url}/subscribe{query}", compression=None) as connection:
        frames = await receive(connection, count)
        assert await nothing_more(connection)
        return frames


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", range(7)),
        ("?wantedCollections=app.bsky.feed.post", [0, 4, 5, 6]),
        ("?wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.feed.repost", [0, 1, 4, 5, 6]),
        ("?wantedCollections=app.bsky.feed.*", [0, 1, 2, 4, 5, 6]),
        (f"?wantedDids={RENFREW}", [4, 5]),
        (f"?wantedDids={MARCHBANKS}&wantedDids={RENFREW}&wantedCollections=app.bsky.graph.*", [4, 5]),
        ("?maxMessageSizeBytes=210", [4, 5, 6]),
        ("?maxMessageSizeBytes=", range(7)),
        ("?maxMessageSizeBytes=-3", range(7)),
        ("?maxMessageSizeBytes=lots", range(7)),
    ],
)
async def test_a_subscriber_is_sent_what_they_asked_for_as_it_was_recorded(query: str, places: Sequence[int]) -> None:
    async with server() as serving:
        assert await played(serving, query, len(places)) == [LINES[place] for place in places]


async def test_a_cursor_includes_its_own_instant() -> None:
    async with server(held=False) as serving:
        await serving.clock.sleep_until(from_micros(T0 + 8 * SECOND))
        assert await played(serving, f"?cursor={T0 + 6 * SECOND}", 2) == LINES[5:]
        assert await played(serving, f"?cursor={T0 + 6 * SECOND + 1}", 1) == LINES[6:]
        assert await played(serving, f"?cursor={T0 - 99 * SECOND}", 7) == LINES


async def test_without_a_cursor_or_with_a_future_one_the_present_is_sent() -> None:
    lines = [post(RESIDENT, f"3{second}", "x", second * SECOND) for second in range(40)]
    async with server(lines, rate=100, held=False) as serving:
        await serving.clock.sleep_until(from_micros(T0 + 10 * SECOND))
        for query in ("", f"?cursor={T0 + 9_000 * SECOND}"):
            async with connect(f"{serving.url}/subscribe{query}") as connection:
                first = json.loads((await receive(connection, 1))[0])
                assert first["time_us"] >= T0 + 10 * SECOND


async def test_messages_come_when_the_rehearsed_evening_has_reached_them() -> None:
    lines = [post(RESIDENT, f"3{number}", "x", number * 10 * SECOND) for number in range(4)]
    async with server(lines, rate=100) as serving, connect(f"{serving.url}/subscribe") as connection:
        for line in lines:
            (frame,) = await receive(connection, 1)
            assert frame == line
            behind = serving.clock.now() - from_micros(json.loads(line)["time_us"])
            assert timedelta(0) <= behind < timedelta(seconds=20)


async def test_a_steady_sign_of_life_while_there_is_nothing_to_play() -> None:
    """As on the real network, an account event comes now and then, to all but those who asked for certain authors."""
    async with server([post(RESIDENT, "3a", "x")], pulse=0.03) as serving:
        async with connect(f"{serving.url}/subscribe?wantedCollections=app.bsky.feed.post") as connection:
            frames = [json.loads(frame) for frame in await receive(connection, 4)]
            assert [frame["kind"] for frame in frames] == ["commit", "account", "account", "account"]
            assert frames[1]["time_us"] < frames[2]["time_us"] < frames[3]["time_us"]
        async with connect(f"{serving.url}/subscribe?wantedDids={RENFREW}") as connection:
            assert await nothing_more(connection)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("wantedCollections=app.bsky", "invalid collection: app.bsky"),
        ("wantedCollections=app.bsky.fe*", "invalid collection: app.bsky.fe*"),
        ("wantedDids=robert", "invalid DID: robert"),
        ("cursor=yesterday", "invalid cursor: yesterday"),
        ("compress=true", "compress is not part of a rehearsal"),
        ("requireHello=true", "requireHello is not part of a rehearsal"),
        ("&".join(f"wantedCollections=a.b.c{number}" for number in range(101)), "too many wanted collections: 101"),
    ],
)
async def test_a_bad_request_is_answered_400_and_why(query: str, words: str) -> None:
    async with server() as serving:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{serving.url}/subscribe?{query}")
        assert refused.value.response.status_code == 400
        assert words in bytes(refused.value.response.body or b"").decode()


async def test_other_paths_are_not_there() -> None:
    async with server() as serving:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{serving.url}/")
        assert refused.value.response.status_code == 404


async def test_it_tells_its_clock_and_asking_sets_it_going() -> None:
    def ask(url: str) -> Any:
        with urlopen(url.replace("ws:", "http:") + "/rehearsal", timeout=3) as answer:
            assert answer.headers.get_all("Content-Type") == ["application/json"]
            return json.load(answer)

    async with server(rate=50) as serving:
        first = await asyncio.to_thread(ask, serving.url)
        assert first["starts"] == "2026-03-05T19:00:01Z"
        assert first["ends"] == "2026-03-05T19:00:07Z"
        assert first["rate"] == 50
        await asyncio.sleep(0.02)
        second = await asyncio.to_thread(ask, serving.url)
        assert EVENING <= datetime.fromisoformat(first["now"]) < datetime.fromisoformat(second["now"])


async def test_messages_from_a_subscriber_end_the_connection() -> None:
    async with server() as serving, connect(f"{serving.url}/subscribe") as connection:
        await connection.send('{"type":"options_update"}')
        with pytest.raises(ConnectionClosed) as closed:
            await receive(connection, 99)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_stopping_closes_with_1001_as_jetstream_does() -> None:
    async with server(pulse=0.02) as serving:
        connection = await connect(f"{serving.url}/subscribe")
        await receive(connection, 8)
    with pytest.raises(ConnectionClosed) as closed:
        await receive(connection, 99)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_two_subscribers_each_get_everything() -> None:
    async with server() as serving:
        assert await asyncio.gather(*(played(serving, f"?cursor={T0}", 7) for _ in range(2))) == [LINES, LINES]


async def test_a_port_in_use_is_said_so() -> None:
    async with server() as serving:
        port = int(serving.url.rsplit(":", 1)[1])
        with pytest.raises(BadInput, match=f"port {port}: is in use by another program"):
            await server(port=port).__aenter__()
    with pytest.raises(BadInput, match="no port"):
        await server(port=99_999).__aenter__()


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.GOING_AWAY, 1001), (Fault.CLOSED, 1000), (Fault.NO_STATUS, 1005), (Fault.DROP, None)],
)
async def test_planned_ends(fault: Fault, code: int | None) -> None:
    plan = FaultPlan({2: [fault]})
    async with server(faults=plan) as serving:
        async with connect(f"{serving.url}/subscribe") as connection:
            assert await receive(connection, 2) == LINES[:2]
            with pytest.raises(ConnectionClosed) as closed:
                await receive(connection, 1)
            assert (closed.value.rcvd.code if closed.value.rcvd else None) == code
        assert plan.happened == {fault: 1}
        assert await played(serving, f"?cursor={T0}", 7) == LINES


@pytest.mark.parametrize(
    ("fault", "extra"),
    [
        (Fault.GARBAGE, b"}{ this is not JSON"),
        (Fault.TRUNCATED, LINES[1][: len(LINES[1]) // 2]),
        (Fault.BAD_UTF8, b'{"did":"\xff\xfe"}'),
        (Fault.DUPLICATE, LINES[1]),
        (Fault.OVERSIZED, b'{"did":"' + b"x" * 5_000 + b'"}'),
    ],
)
async def test_planned_noise_comes_before_the_message(fault: Fault, extra: bytes) -> None:
    async with server(faults=FaultPlan({1: [fault]}, size=5_000)) as serving:
        assert await played(serving, "", 8) == [LINES[0], extra, *LINES[1:]]


async def test_planned_disorder_swaps_two_messages() -> None:
    async with server(faults=FaultPlan({1: [Fault.REORDER]})) as serving:
        assert await played(serving, "", 7) == [LINES[0], LINES[2], LINES[1], *LINES[3:]]


async def test_disorder_without_occasion_is_not_counted() -> None:
    plan = FaultPlan({6: [Fault.REORDER]})
    async with server(faults=plan) as serving:
        assert await played(serving, "", 7) == LINES
    assert plan.happened[Fault.REORDER] == 0


async def test_planned_silence_and_answers() -> None:
    plan = FaultPlan({1: [Fault.SILENT]}, answers=[503, 403], silence=0.2)
    async with server(faults=plan) as serving:
        for status in (503, 403):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{serving.url}/subscribe")
            assert refused.value.response.status_code == status
        begun = time.monotonic()
        assert await played(serving, "", 7) == LINES
        assert time.monotonic() - begun >= 0.2
    assert plan.left == 0


def test_a_scattered_plan_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        plan = FaultPlan.scattered(seed, 20, 30)
        assert plan.left == 30
        return [plan.next_at(place) for place in range(20) for _ in range(5)]

    assert drawn(4) == drawn(4) != drawn(5)
