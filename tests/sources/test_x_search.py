"""X followed by its search, where the token may not use the stream; and how X's answers and moods are taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from keyring import get_keyring, set_keyring
from keyring.backends.fail import Keyring as NoKeyring

from feedmon.model.posts import Edited, Seen
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import Gap, SourceState
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.x_server import XServer
from feedmon.sources.base import Captured, Connected, CursorMoved, SourceLost, SourceRefused
from feedmon.sources.select import Selection
from feedmon.sources.x import XSource
from feedmon.sources.x_calls import Waits
from tests.sources.source_conformance import ids_of, one_connection
from tests.sources.test_x_stream import evening, serving, until
from tests.sources.x_frames import EVENING, MARCHBANKS, RESIDENT, SELECTION, STRANGER, TOKEN, id_at, line, spec, token

__all__ = ["token"]


async def test_without_the_stream_it_searches_and_the_state_says_so() -> None:
    lines, ids = evening(10)
    async with serving(lines, streaming=False, rate=200) as server:
        source = XSource(spec(server.url), SELECTION)
        items = await until(source, server.clock, lambda item: ids[-1] in ids_of([item]))
        more = await until(source, server.clock, lambda item: isinstance(item, SourceState) and "search" in item.why)
    assert ids_of(items) == ids
    assert isinstance(more[-1], SourceState)
    assert "by search every" in more[-1].why
    assert "$" in more[-1].why


async def test_a_restart_goes_on_by_search_from_the_cursor_and_the_gap_is_filled() -> None:
    lines, ids = evening(10)
    async with serving(lines, streaming=False, rate=200) as server:
        server.clock.begin()
        await server.clock.sleep_until(EVENING + timedelta(seconds=25))
        source = XSource(spec(server.url), SELECTION)
        cursor = source.cursor_at(EVENING)
        items = await until(source, server.clock, lambda item: isinstance(item, Gap) and item.filled, cursor)
    assert ids_of(items) == ids
    assert [item.filled for item in items if isinstance(item, Gap)] == [False, True]


async def test_many_pages_are_all_turned() -> None:
    lines = [line(RESIDENT, number / 100, f"{number} #SaltmarshTC", sequence=number) for number in range(250)]
    async with serving(lines, streaming=False, rate=200) as server:
        server.clock.begin()
        await server.clock.sleep_until(EVENING + timedelta(seconds=5))
        source = XSource(spec(server.url, cap=10), SELECTION)
        items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=250)
        assert server.searches == 3 + 1  # the second query finds nothing
    assert len(set(ids_of(items))) == 250


async def test_a_token_that_may_do_nothing_is_for_a_person_to_mend() -> None:
    async with refusing(lambda _: 403) as url:
        _, end = await one_connection(XSource(spec(url), SELECTION), RehearsalClock(EVENING, 1))
    assert isinstance(end, SourceRefused)
    assert "neither the stream nor the search" in end.why


@asynccontextmanager
async def refusing(
    status: Callable[[str], int], body: object = None, headers: dict[str, str] | None = None
) -> AsyncIterator[str]:
    """A server of our own that answers every path with a status."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(body or {}, status=status(request.path), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"title": "Unauthorized"}, "feedmon sources token x"),
        (402, {"title": "CreditsDepleted", "detail": "no credits"}, "Add credit"),
        (429, {"title": "UsageCapExceeded", "period": "Monthly"}, "own limit is reached"),
        (400, {"errors": [{"title": "Invalid Request"}]}, "api.x.com"),
        (301, None, "api.x.com"),
    ],
)
async def test_what_only_a_person_can_mend_is_said_with_how(status: int, body: object, said: str) -> None:
    async with refusing(lambda _: status, body, {"Location": "https://elsewhere.example/"}) as url:
        _, end = await one_connection(XSource(spec(url), SELECTION), RehearsalClock(EVENING, 1))
    assert isinstance(end, SourceRefused)
    assert said in str(end)
    assert TOKEN not in str(end)


async def test_being_told_to_wait_is_obeyed() -> None:
    clock = RehearsalClock(EVENING, 0.001)
    reset = str(int(EVENING.timestamp()) + 90)
    async with refusing(lambda _: 429, None, {"x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}) as url:
        _, end = await one_connection(XSource(spec(url), SELECTION), clock)
    assert isinstance(end, SourceLost)
    assert end.retry_after == pytest.approx(91, abs=1)


def test_each_kind_of_trouble_has_its_own_patience() -> None:
    waits = Waits()
    assert [waits.network() for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert [waits.server() for _ in range(8)] == [5, 10, 20, 40, 80, 160, 320, 320]
    assert [waits.limited({}, EVENING) for _ in range(3)] == [60, 120, 240]
    for _ in range(100):
        waits.network()
    assert waits.network() == 16.0
    waits.reset()
    assert (waits.network(), waits.server(), waits.limited({}, EVENING)) == (0.0, 5.0, 60.0)


async def test_the_search_is_not_asked_more_often_than_it_allows() -> None:
    async with serving([], streaming=False, rate=2000, searches_allowed=60) as server:
        source = XSource(spec(server.url), SELECTION)
        await until(source, server.clock, lambda _: server.clock.now() > EVENING + timedelta(minutes=14))
        assert 20 <= server.searches <= 60


async def test_without_a_token_it_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEEDMON_TOKEN_X")
    before = get_keyring()
    set_keyring(NoKeyring())  # type: ignore[no-untyped-call]  # keyring leaves it so
    try:
        _, end = await one_connection(XSource(spec("http://127.0.0.1:1"), SELECTION), RehearsalClock(EVENING, 1))
    finally:
        set_keyring(before)
    assert isinstance(end, SourceRefused)
    assert "FEEDMON_TOKEN_X" in end.mend


async def test_checking_costs_nothing_and_says_which_way_it_would_go() -> None:
    lines, _ = evening(3)
    async with serving(lines) as server:
        assert await XSource(spec(server.url), SELECTION).check(server.clock) == "by the stream"
        assert not server.rules
        assert not server.billed
    async with serving(lines, streaming=False) as server:
        server.streaming = False
        source = XSource(spec(server.url), SELECTION)
        assert await source.check(server.clock) == "by the stream"  # rules can be read; only the stream itself is shut
    async with refusing(lambda path: 403 if "rules" in path else 200, {"meta": {}}) as url:
        said = await XSource(spec(url), SELECTION).check(RehearsalClock(EVENING, 1))
        assert said.startswith("by search")


@pytest.mark.parametrize(
    "url", ["", "wss://api.x.com", "https://", "http://api.x.com", "https://api.x.com/2/tweets", "https://[::bad"]
)
def test_an_address_that_cannot_be_xs_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match=r"api\.x\.com"):
        XSource(spec(url), SELECTION)


def test_with_nothing_on_x_to_follow_it_says_so() -> None:
    with pytest.raises(BadInput, match="nothing on X to follow"):
        XSource(spec(), Selection(handles=frozenset({"name.bsky.social"})))


async def test_a_member_is_followed_whatever_they_post_and_others_reposts_are_not() -> None:
    repost: dict[str, Any] = {"referenced_tweets": [{"type": "retweeted", "id": "5"}]}
    lines = [
        line(MARCHBANKS, 2, "Lovely evening on the quay"),
        line(STRANGER, 3, "RT @gullwatcher: come along #SaltmarshTC", **repost),
        line(MARCHBANKS, 4, "RT @gullwatcher: come along", **repost),
        line(STRANGER, 5, "@CllrMarchbanks will the pool open?"),
        line(STRANGER, 6, "Kittens"),
    ]
    async with serving(lines) as server:
        items, _ = await one_connection(XSource(spec(server.url), SELECTION), server.clock, until=3)
        assert len([one for one in server.billed if one[0] == "post"]) == 3
    assert ids_of(items) == [id_at(2), id_at(4), id_at(5)]
    reposted = [item.event for item in items if isinstance(item, Captured)][1]
    assert isinstance(reposted, Seen | Edited)
    assert reposted.post.repost_of is not None
    assert (reposted.post.repost_of.handle, reposted.post.text) == ("gullwatcher", "come along")


async def test_cursors_are_handed_on_with_every_sign_of_life() -> None:
    lines, _ = evening(3)
    async with serving(lines, streaming=False, rate=100) as server:
        source = XSource(spec(server.url), SELECTION)
        items = await until(source, server.clock, lambda item: isinstance(item, CursorMoved) and item.at is not None)
    moved = [item for item in items if isinstance(item, CursorMoved)]
    assert all(item.cursor and source.time_of(item.cursor) for item in moved)
    assert not any(isinstance(item, Connected) for item in items)


async def test_a_server_must_have_its_port() -> None:
    async with serving([]) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(BadInput, match="in use"):
            await XServer([], RehearsalClock(EVENING, 1), port=port).__aenter__()


def test_the_frames_of_these_tests_are_what_x_sends() -> None:
    said = json.loads(line(RESIDENT, 2, "#SaltmarshTC @SaltmarshTC"))
    assert set(said) == {"data", "includes"}
    assert said["data"]["entities"]["hashtags"] == [{"start": 0, "end": 12, "tag": "SaltmarshTC"}]
