"""The rehearsed Mastodon server keeps to what was measured of the real one: each habit one test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feedmon.model.problems import BadInput
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.mastodon_recording import Act, mastodon_recording_of
from feedmon.rehearsal.mastodon_server import TOKEN, MastodonServer
from feedmon.rehearsal.mastodon_store import tag_key
from tests.sources.bluesky_frames import EVENING
from tests.sources.mastodon_rig import MEMBER, RESIDENT, at, deleted, posted, recording, status


@asynccontextmanager
async def serving(*acts: Act, rate: float = 100, **more: Any) -> AsyncIterator[MastodonServer]:
    async with MastodonServer(recording(*acts), RehearsalClock(EVENING, rate, held=True), **more) as server:
        yield server


@asynccontextmanager
async def listening(server: MastodonServer, *tags: str, token: str = TOKEN) -> AsyncIterator[ClientConnection]:
    url = f"{server.url.replace('http', 'ws', 1)}/api/v1/streaming"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(url, additional_headers=headers, compression=None, proxy=None, close_timeout=0.2) as socket:
        for tag in tags:
            await socket.send(json.dumps({"type": "subscribe", "stream": "hashtag", "tag": tag}))
        yield socket


async def next_of(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(3):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def silent(socket: ClientConnection, seconds: float = 0.15) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await socket.recv()
    except TimeoutError:
        return True
    return False


async def ask(server: MastodonServer, path: str, token: str = TOKEN) -> tuple[int, Any, dict[str, str]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}{path}", headers=headers) as answer:
        return answer.status, await answer.json(), dict(answer.headers)


@pytest.mark.parametrize(
    ("token", "said"), [("", "Missing access token"), ("x", "Invalid access token"), ("app", "Invalid access token")]
)
async def test_a_token_that_is_none_or_an_apps_own_is_answered_401_before_the_socket_opens(
    token: str, said: str
) -> None:
    async with serving(tokens={TOKEN: "read", "app": "app"}) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with listening(server, token=token):
                pass
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["x-error-message"] == said


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"type": "subscribe", "stream": "hashtag", "tag": "a"},
            {"error": "Access token does not have the required scopes", "status": 401},
        ),
        ({"type": "subscribe", "stream": "hashtag"}, {"error": "Missing tag name parameter", "status": 400}),
        ({"type": "subscribe", "stream": "nonsense"}, {"error": "Unknown stream type", "status": 400}),
    ],
)
async def test_what_is_wrong_with_a_subscription_is_said_after_opening_and_the_socket_stays(
    asked: dict[str, Any], told: dict[str, Any]
) -> None:
    async with serving(tokens={"w": "write"}) as server, listening(server, token="w") as socket:
        await socket.send(json.dumps(asked))
        assert await next_of(socket) == told
        assert await silent(socket)
        await (await socket.ping())


async def test_a_hashtags_page_can_be_had_with_a_token_that_the_stream_does_not_take() -> None:
    async with serving(tokens={"w": "write"}) as server:
        assert (await ask(server, "/api/v1/timelines/tag/a", token="w"))[0] == 200
        assert (await ask(server, "/api/v1/statuses/1", token="w"))[0] == 403
        server.hashtag_feeds = "authenticated"
        assert (await ask(server, "/api/v1/timelines/tag/a", token="w"))[0] == 403


async def test_a_subscription_is_never_acknowledged_and_text_that_is_not_json_is_ignored() -> None:
    async with serving() as server, listening(server, "SaltmarshTC") as socket:
        await socket.send("hello?")
        assert await silent(socket)


async def test_a_binary_message_closes_with_1003() -> None:
    async with serving() as server, listening(server) as socket:
        await socket.send(b"\x00")
        with pytest.raises(ConnectionClosed):
            await next_of(socket)
        assert socket.close_code == 1003


async def test_a_tag_is_echoed_as_typed_compared_folded_and_its_payload_is_json_in_a_string() -> None:
    post = status(1, seconds=1, tags=["llanfair"])
    async with serving(posted(post)) as server, listening(server, "Llanfaïr") as socket:
        envelope = await next_of(socket)
    assert envelope["stream"] == ["hashtag", "Llanfaïr"]
    assert envelope["event"] == "update"
    assert isinstance(envelope["payload"], str)
    assert json.loads(envelope["payload"])["id"] == post["id"]


async def test_the_same_tag_twice_is_one_subscription() -> None:
    async with (
        serving(posted(status(1, seconds=2))) as server,
        listening(server, "saltmarshtc", "SALTMARSHTC") as socket,
    ):
        assert (await next_of(socket))["stream"][1] == "saltmarshtc"
        assert await silent(socket)


async def test_a_deletion_is_a_bare_number_and_overtakes_what_it_deletes() -> None:
    post = status(1, seconds=1)
    edit = {**post, "edited_at": post["created_at"]}
    acts = (posted(post), posted(edit, 1.1), deleted(post, 1.2))
    async with serving(*acts, check=0.1) as server, listening(server, "SaltmarshTC") as socket:
        first = await next_of(socket)
        rest = [(await next_of(socket))["event"] for _ in range(2)]
    assert (first["event"], first["payload"]) == ("delete", post["id"])
    assert sorted(rest) == ["status.update", "update"]


async def test_nothing_is_replayed_to_who_comes_later() -> None:
    early, late = status(1, seconds=1), status(2, seconds=30)
    async with serving(posted(early), posted(late)) as server:
        async with listening(server, "SaltmarshTC") as socket:
            await next_of(socket)
        async with listening(server, "SaltmarshTC") as socket:
            assert json.loads((await next_of(socket))["payload"])["id"] == late["id"]


async def test_revoking_a_token_closes_without_a_code_and_is_401_from_then_on() -> None:
    async with serving() as server, listening(server, "SaltmarshTC") as socket:
        await (await socket.ping())
        await server.revoke(TOKEN)
        with pytest.raises(ConnectionClosed):
            await next_of(socket)
        assert socket.close_code == 1005
        assert (await ask(server, "/api/v1/timelines/tag/a"))[0] == 401


async def test_a_server_that_stops_drops_the_connection_without_a_close_frame() -> None:
    async with serving() as server, listening(server) as socket:
        await (await socket.ping())
        server.drop()
        with pytest.raises(ConnectionClosed):
            await next_of(socket)
        assert socket.close_code == 1006


async def test_max_id_pages_back_min_id_forward_and_since_id_gives_only_the_newest() -> None:
    posts = [status(nth, seconds=nth) for nth in range(6)]
    numbers = [post["id"] for post in posts]
    async with serving(before=posts) as server:

        async def page(query: str) -> list[str]:
            _, shown, _ = await ask(server, f"/api/v1/timelines/tag/SaltmarshTC?limit=2&{query}")
            return [one["id"] for one in shown]

        assert await page("") == numbers[:3:-1]
        assert await page(f"max_id={numbers[4]}") == [numbers[3], numbers[2]]
        assert await page(f"min_id={numbers[1]}") == [numbers[3], numbers[2]]
        assert await page(f"since_id={numbers[1]}") == [numbers[5], numbers[4]]


async def test_a_post_from_elsewhere_lies_where_its_own_time_says_however_late_it_came() -> None:
    here, late = status(1, seconds=2), status(2, seconds=1, by=MEMBER)
    async with serving(posted(here), posted(late, 3)) as server, listening(server, "saltmarshtc") as socket:
        streamed = [json.loads((await next_of(socket))["payload"])["id"] for _ in range(2)]
        _, shown, _ = await ask(server, "/api/v1/timelines/tag/saltmarshtc")
    assert streamed == [here["id"], late["id"]]
    assert [one["id"] for one in shown] == [here["id"], late["id"]]


async def test_an_edit_that_drops_the_tag_is_not_streamed_nor_is_the_deletion_after_it() -> None:
    post = status(1, seconds=1)
    untagged = {**post, "tags": [], "edited_at": "2026-03-05T19:00:02.000Z"}
    acts = (posted(post), posted(untagged), deleted(post, 3), posted(status(2, seconds=4)))
    async with serving(*acts) as server, listening(server, "saltmarshtc") as socket:
        assert [(await next_of(socket))["event"] for _ in range(2)] == ["update", "update"]


async def test_what_is_not_public_is_not_streamed() -> None:
    acts = (posted(status(1, seconds=1, visibility="unlisted")), posted(status(2, seconds=2)))
    async with serving(*acts) as server, listening(server, "saltmarshtc") as socket:
        assert json.loads((await next_of(socket))["payload"])["id"] == acts[1].number


async def test_posts_are_asked_for_by_number_and_those_deleted_are_missing() -> None:
    posts = [status(nth) for nth in range(2)]
    async with serving(before=posts) as server:
        query = "&".join(f"id[]={number}" for number in (posts[0]["id"], "1", posts[1]["id"]))
        _, shown, _ = await ask(server, f"/api/v1/statuses?{query}")
        assert [one["id"] for one in shown] == [post["id"] for post in posts]
        assert (await ask(server, "/api/v1/statuses/1"))[0] == 404
        too_many = "&".join(f"id[]={number}" for number in range(21))
        assert (await ask(server, f"/api/v1/statuses?{too_many}"))[0] == 422


async def test_gotosocial_shows_posts_only_one_by_one() -> None:
    async with serving(before=[status(1, id="01J00000000000000000000001")], gotosocial=True) as server:
        assert (await ask(server, "/api/v1/statuses?id[]=01J00000000000000000000001"))[0] == 404
        assert (await ask(server, "/api/v1/statuses/01J00000000000000000000001"))[0] == 200


async def test_limits_are_told_and_paging_has_one_of_its_own() -> None:
    async with serving(paged_limit=1) as server:
        _, _, headers = await ask(server, "/api/v1/timelines/tag/a")
        assert headers["X-RateLimit-Remaining"] == "299"
        assert (await ask(server, "/api/v1/timelines/tag/a?max_id=1"))[0] == 200
        status_code, _, headers = await ask(server, "/api/v1/timelines/tag/a?max_id=1")
        assert status_code == 429
        assert headers["X-RateLimit-Remaining"] == "0"
        assert headers["X-RateLimit-Reset"]


async def test_accounts_are_found_by_handle_and_by_address() -> None:
    async with serving(accounts=[RESIDENT, MEMBER]) as server:
        for acct in ("resident", "resident@saltmarsh.example"):
            assert (await ask(server, f"/api/v1/accounts/lookup?acct={acct}"))[1]["id"] == RESIDENT["id"]
        assert (await ask(server, "/api/v1/accounts/lookup?acct=nobody"))[0] == 404
        _, found, _ = await ask(server, f"/api/v2/search?q={MEMBER['uri']}&type=accounts")
        assert found["accounts"][0]["acct"] == "renfrew@estuary.example"


async def test_it_tells_where_it_streams_and_what_time_it_is() -> None:
    async with serving() as server:
        _, instance, _ = await ask(server, "/api/v2/instance", token="")
        assert instance["configuration"]["urls"]["streaming"] == server.url.replace("http", "ws", 1)
        assert (await ask(server, "/rehearsal", token=""))[1]["rate"] == 100


def test_a_recording_is_played_at_the_times_its_posts_claim_and_never_backwards() -> None:
    late, early = status(1, seconds=9), status(2, seconds=3)
    edit = {**early, "edited_at": "2026-03-05T19:00:20.000Z"}

    def line(event: str, payload: Any, stream: str = "hashtag") -> bytes:
        told = payload if isinstance(payload, str) else json.dumps(payload)
        return json.dumps({"stream": [stream], "event": event, "payload": told}).encode()

    lines = [line("update", late), line("update", early, "asked"), b"", line("status.update", edit)]
    played = mastodon_recording_of([*lines, line("delete", early["id"])], "r")
    assert [(act.event, act.due, act.streamed) for act in played.acts] == [
        ("update", played.acts[0].due, True),
        ("update", played.acts[0].due, False),
        ("status.update", played.acts[3].due, True),
        ("delete", played.acts[3].due, True),
    ]
    assert (played.starts, played.ends) == (at(9), EVENING + timedelta(seconds=20))


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"event":"update","payload":"{}"}', b'{"event":"update","payload":{}}']
)
def test_a_line_that_is_no_message_is_told_by_its_number(line: bytes) -> None:
    with pytest.raises(BadInput, match="r:2: is no Mastodon message"):
        mastodon_recording_of([b"", line], "r")


@given(st.text(max_size=30))
def test_a_tags_key_is_its_own_key(tag: str) -> None:
    assert tag_key(tag_key(tag)) == tag_key(tag)
