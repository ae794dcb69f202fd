"""The rehearsed webcast answers as YouTube's Data API is described to, fact by fact."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.youtube_server import CHAT, KEY, VIDEO, YouTubeServer
from tests.sources.bluesky_frames import EVENING
from tests.sources.youtube_rig import event, said

MESSAGES = {"liveChatId": CHAT, "part": "id,snippet,authorDetails"}


def still(seconds: float = 0) -> RehearsalClock:
    """A clock that as good as stands, so many seconds into the evening."""
    return RehearsalClock(EVENING + timedelta(seconds=seconds), 0.001)


async def ask(server: YouTubeServer, what: str, params: dict[str, str], key: str = KEY) -> tuple[int, Any]:
    url = server.url.partition("/watch")[0] + f"/youtube/v3/{what}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params=params, headers={"X-goog-api-key": key}) as answer,
    ):
        return answer.status, await answer.json()


async def messages(server: YouTubeServer, **params: str) -> tuple[int, Any]:
    return await ask(server, "liveChat/messages", MESSAGES | params)


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


async def test_a_video_tells_its_chat_until_the_webcast_ends() -> None:
    async with YouTubeServer([], still(), ends=EVENING + timedelta(hours=1)) as server:
        _, live = await ask(server, "videos", {"part": "liveStreamingDetails", "id": VIDEO})
        _, unknown = await ask(server, "videos", {"part": "liveStreamingDetails", "id": "unknown"})
        server.clock.starts += timedelta(hours=2)
        _, over = await ask(server, "videos", {"part": "liveStreamingDetails", "id": VIDEO})
        status, refused = await messages(server)
    assert live["items"][0]["liveStreamingDetails"]["activeLiveChatId"] == CHAT
    assert unknown["items"] == []
    details = over["items"][0]["liveStreamingDetails"]
    assert "activeLiveChatId" not in details
    assert "actualEndTime" in details
    assert (status, refused["error"]["errors"][0]["reason"]) == (403, "liveChatEnded")


async def test_history_first_then_what_came_after_the_token_oldest_first() -> None:
    items = [said(f"m{number}", number - 10) for number in range(8)]
    async with YouTubeServer([*items, said("later", 60)], still(), history=3, interval=7_000) as server:
        _, first = await messages(server)
        _, second = await messages(server, pageToken=first["nextPageToken"])
        server.clock.starts += timedelta(seconds=120)
        _, third = await messages(server, pageToken=second["nextPageToken"])
        _, fourth = await messages(server, pageToken=third["nextPageToken"], maxResults="200")
    assert ids(first) == ["m5", "m6", "m7"]
    assert (ids(second), ids(third), ids(fourth)) == ([], ["later"], [])
    assert first["pollingIntervalMillis"] == 7_000


async def test_an_item_has_its_parts_and_a_tombstone_has_no_words() -> None:
    items = [
        said("a", -9, "hello", name="@someone", channel="UCx"),
        said("b", -8, "secret", gone_at=EVENING),
        event("userBannedEvent", -7, userBannedDetails={"banType": "permanent"}),
    ]
    async with YouTubeServer(items, still()) as server:
        _, page = await messages(server)
    message, tombstone, ban = page["items"]
    assert message["snippet"]["textMessageDetails"] == {"messageText": "hello"}
    assert message["snippet"]["publishedAt"] == "2026-03-05T18:59:51+00:00"
    assert message["authorDetails"]["displayName"] == "@someone"
    assert tombstone["snippet"]["type"] == "tombstone"
    assert "secret" not in str(tombstone)
    assert ban["snippet"]["userBannedDetails"]["banType"] == "permanent"


@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [({"liveChatId": "other"}, 404, "liveChatNotFound"), ({"pageToken": "unheard-of"}, 400, "pageTokenInvalid")],
)
async def test_what_it_does_not_know_it_refuses(params: dict[str, str], status: int, reason: str) -> None:
    async with YouTubeServer([], still()) as server:
        answered, refused = await messages(server, **params)
    assert (answered, refused["error"]["errors"][0]["reason"]) == (status, reason)


async def test_without_its_key_nothing_is_to_be_had() -> None:
    async with YouTubeServer([], still()) as server:
        status, refused = await ask(server, "videos", {"id": VIDEO}, key="another")
    assert (status, refused["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


async def test_a_look_costs_one_unit_and_a_page_five() -> None:
    async with YouTubeServer([], still(), quota=12) as server:
        statuses = [
            (await ask(server, "videos", {"id": VIDEO}))[0],
            (await ask(server, "videos", {"id": VIDEO}))[0],
            (await messages(server))[0],
            (await messages(server))[0],
            (await messages(server))[0],
        ]
        _, refused = await messages(server)
    assert statuses == [200, 200, 200, 200, 403]
    assert refused["error"]["errors"][0] == {"message": "refused", "domain": "youtube.quota", "reason": "quotaExceeded"}


@pytest.mark.parametrize("fault", list(Fault))
async def test_each_fault_happens_once_and_then_the_page_is_to_be_had(fault: Fault) -> None:
    plan = FaultPlan({0: [fault]}, silence=0.01, size=1_000)
    async with YouTubeServer([said("a", -60)], still(), plan=plan) as server:
        with suppress(aiohttp.ClientError, ValueError):
            await messages(server)
        status, page = await messages(server)
    assert (status, ids(page)) == (200, ["a"])
    assert plan.happened[fault] == 1
    assert plan.left == 0
