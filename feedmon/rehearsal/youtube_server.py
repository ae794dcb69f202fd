"""A rehearsed webcast with its live chat, over real HTTP on this machine, answering as YouTube's Data API (v3) does.

Written from the API's public description. What of it is kept:

* ``GET /youtube/v3/videos?part=liveStreamingDetails&id=`` tells ``activeLiveChatId`` while there is a chat, when the
  webcast began and when it ended; an unknown video is an empty list.
* ``GET /youtube/v3/liveChat/messages?liveChatId=&part=&maxResults=&pageToken=``: without a token the newest of the
  history, with one what came after it, oldest first; ``nextPageToken`` and ``pollingIntervalMillis``.
* The key in ``X-goog-api-key``, or 400 with ``API_KEY_INVALID``; refusals in the API's error format, by ``reason``.
* The daily quota: 1 unit for ``videos``, 5 for a page, 403 ``quotaExceeded`` beyond it.

Faults are planned by item: each happens at the first answer that would bring it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan

KEY = "rehearsed-key"
"""The one API key the rehearsal takes."""

VIDEO, CHAT = "rehearsal-1", "rehearsed-chat"
"""The webcast's id, and its chat's."""

_HOST = "127.0.0.1"
_DOMAIN = {"quotaExceeded": "youtube.quota", "rateLimitExceeded": "youtube.quota"}


class ChatItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the chat, listed from ``at`` on (its ``publishedAt``, unless ``claimed`` says another).

    ``details`` go into the snippet as they are; ``text`` is short for those of a message. ``gone_at``: from then on a
    tombstone stands in its place for whoever lists the history.
    """

    id: str
    at: datetime
    channel: str = "UCresident"
    name: str = "A Resident"
    kind: str = "textMessageEvent"
    text: str = ""
    details: dict[str, Any] = {}
    claimed: datetime | None = None
    gone_at: datetime | None = None


class YouTubeServer:
    """An async context manager: inside it the webcast is at :attr:`url` and the API beside it, by ``clock``.

    ``history`` is how many items are listed without a token; ``ends`` when the webcast, and its chat, are over.
    ``calls`` are the requests so far: (instant, path, query, headers by lower-case name).
    """

    def __init__(
        self,
        items: Sequence[ChatItem],
        clock: RehearsalClock,
        *,
        plan: FaultPlan | None = None,
        history: int = 500,
        interval: int = 5_000,
        quota: int = 10_000,
        ends: datetime | None = None,
    ) -> None:
        self.items = list(items)
        self.clock = clock
        self.plan = plan or FaultPlan()
        self.interval = interval
        self.calls: list[tuple[datetime, str, dict[str, str], dict[str, str]]] = []
        self.webcast: dict[str, str] = {"activeLiveChatId": CHAT, "actualStartTime": clock.starts.isoformat()}
        """What ``liveStreamingDetails`` says; empty: the video is no broadcast."""
        self.refusals: list[tuple[int, str]] = []
        """Errors (status, reason) to answer the next requests for messages with."""
        self._history = history
        self._quota = quota
        self._ends = ends
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The webcast's page."""
        return f"http://{_HOST}:{self._port}/watch?v={VIDEO}"

    @property
    def connections(self) -> int:
        """How many connections there are at this moment."""
        server = self._runner.server if self._runner else None
        return len(server.connections) if server else 0

    async def __aenter__(self) -> YouTubeServer:
        app = web.Application()
        app.router.add_get("/youtube/v3/videos", self._videos)
        app.router.add_get("/youtube/v3/liveChat/messages", self._messages)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _videos(self, request: web.Request) -> web.Response:
        if (refusal := self._admit(request, 1)) is not None:
            return refusal
        now = self.clock.now()
        items: list[dict[str, Any]] = []
        if request.query.get("id") == VIDEO:
            details = dict(self.webcast)
            if self._ends is not None and now >= self._ends:
                details.pop("activeLiveChatId", None)
                details["actualEndTime"] = self._ends.isoformat()
            items = [{"kind": "youtube#video", "id": VIDEO} | ({"liveStreamingDetails": details} if details else {})]
        return _json({"kind": "youtube#videoListResponse", "pageInfo": {"totalResults": len(items)}, "items": items})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._admit(request, 5)) is not None:
            return refusal
        if self.refusals:
            return _error(*self.refusals.pop(0))
        now = self.clock.now()
        if request.query.get("liveChatId") != CHAT:
            return _error(404, "liveChatNotFound")
        if self._ends is not None and now >= self._ends:
            return _error(403, "liveChatEnded")
        token = request.query.get("pageToken")
        if token is not None and not token.removeprefix("page-").isdecimal():
            return _error(400, "pageTokenInvalid")
        listed = [place for place, item in enumerate(self.items) if item.at <= now]
        begins = int(token.removeprefix("page-")) if token else max(0, len(listed) - self._history)
        most = min(int(request.query.get("maxResults", "500")), 2_000)
        places = listed[begins : begins + most]
        items = [_listed(self.items[place], now if token is None else self.items[place].at) for place in places]
        body = {
            "kind": "youtube#liveChatMessageListResponse",
            "nextPageToken": f"page-{begins + len(places)}",
            "pollingIntervalMillis": self.interval,
            "pageInfo": {"totalResults": len(items), "resultsPerPage": len(items)},
            "items": items,
        }
        spoilt = b""
        for place in places:
            while (fault := self.plan.next_at(place)) is not None:
                if fault is Fault.BAD_UTF8:
                    spoilt = b'{"id":"\xff\xfe"},'
                elif (answer := await self._commit(fault, request, body)) is not None:
                    return answer
        whole = msgspec.json.encode(body).replace(b'"items":[', b'"items":[' + spoilt)
        return web.Response(body=whole, content_type="application/json")

    def _admit(self, request: web.Request, units: int) -> web.Response | None:
        """Note a request; an answer when it is to be turned away."""
        self.clock.begin()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append((self.clock.now(), request.path, dict(request.query), headers))
        if (status := self.plan.next_answer()) is not None:
            return web.Response(status=status, text="planned for this rehearsal")
        if headers.get("x-goog-api-key") != KEY:
            return _error(400, "badRequest", "API_KEY_INVALID")
        self._quota -= units
        return _error(403, "quotaExceeded") if self._quota < 0 else None

    async def _commit(self, fault: Fault, request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        """Let a fault happen; its answer, None when the page is to come all the same."""
        whole = msgspec.json.encode(body)
        transport = request.transport
        match fault:
            case Fault.DROP:
                response = web.StreamResponse(headers={"Content-Length": str(len(whole))})
                await response.prepare(request)
                await response.write(whole[: len(whole) // 2])
                if transport is not None:
                    transport.abort()
                return response
            case Fault.GOING_AWAY | Fault.CLOSED | Fault.NO_STATUS:
                if transport is not None:
                    transport.close()
                return web.Response()
            case Fault.SILENT:
                await asyncio.sleep(self.plan.silence)
            case Fault.GARBAGE:
                return web.Response(text="<html>Sorry…</html>", content_type="text/html")
            case Fault.TRUNCATED:
                return web.Response(body=whole[: len(whole) // 2], content_type="application/json")
            case Fault.OVERSIZED:
                return web.Response(body=b" " * self.plan.size + whole, content_type="application/json")
            case Fault.DUPLICATE:
                body["items"] = [one for item in body["items"] for one in (item, item)]
            case Fault.REORDER:
                body["items"] = body["items"][::-1]
        return None


def _listed(item: ChatItem, now: datetime) -> dict[str, Any]:
    gone = item.gone_at is not None and now >= item.gone_at
    snippet: dict[str, Any] = {
        "type": "tombstone" if gone else item.kind,
        "liveChatId": CHAT,
        "publishedAt": (item.claimed or item.at).isoformat(),
        "hasDisplayContent": not gone,
    }
    listed = {"kind": "youtube#liveChatMessage", "etag": "e", "id": item.id, "snippet": snippet}
    if gone:
        return listed
    snippet["authorChannelId"] = item.channel
    if item.text:
        snippet |= {"displayMessage": item.text, "textMessageDetails": {"messageText": item.text}}
    snippet |= item.details
    return listed | {
        "authorDetails": {
            "channelId": item.channel,
            "channelUrl": f"http://www.youtube.com/channel/{item.channel}",
            "displayName": item.name,
            "isVerified": False,
            "isChatOwner": False,
            "isChatSponsor": False,
            "isChatModerator": False,
        }
    }


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _error(status: int, reason: str, detail: str = "") -> web.Response:
    error: dict[str, Any] = {
        "code": status,
        "message": "refused in this rehearsal",
        "errors": [{"message": "refused", "domain": _DOMAIN.get(reason, "global"), "reason": reason}],
    }
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return web.Response(status=status, body=msgspec.json.encode({"error": error}), content_type="application/json")
