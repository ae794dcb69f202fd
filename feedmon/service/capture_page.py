"""The page on which a person at a browser captures a post by hand, and the bookmark that opens it filled in.

A link that opens once turns into a cookie, as the chair's does, that only this page's own requests carry. The page
itself holds nothing secret and may be opened by anyone on this machine, for a bookmark on another site opens it without
the cookie; what it then asks of the service needs it. The words of a captured post come in the address's fragment,
which no browser sends and no log sees.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from feedmon.model.posts import MediaKind
from feedmon.service.access import json_answer
from feedmon.service.chair import SESSION_SECONDS, ChairDoor, html_answer
from feedmon.service.pipeline import Followed, Pipeline
from feedmon.service.refusals import Refused
from feedmon.wire import CaptureRequest

COOKIE = "feedmon_capture"

PURPOSE = "capture"
"""What the doors of these pages are for: a chair's cookie opens none of them."""

_ANEW = "Run “feedmon capture --browser” for a new link."

_pages = Environment(loader=PackageLoader("feedmon.service"), autoescape=True, undefined=StrictUndefined)


class _Listed(msgspec.Struct, frozen=True):
    id: str
    name: str


class _AskedOf(msgspec.Struct, frozen=True):
    """What the page shows of its meeting: only members whose accounts could be meant."""

    title: str
    members: tuple[_Listed, ...]


class CapturePages:
    """The HTTP face of the page."""

    def __init__(self, door: ChairDoor, meetings: Mapping[str, Followed], pipeline: Pipeline) -> None:
        self._door = door
        self._meetings = meetings
        self._pipeline = pipeline

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/capture", self._page, allow_head=False),
            web.get("/capture/meeting", self._meeting, allow_head=False),
            web.post("/capture/post", self._post),
            web.get("/capture/{token}", self._open, allow_head=False),
        ]

    async def _open(self, request: web.Request) -> web.StreamResponse:
        cookie = self._door.open(request.match_info["token"])
        if cookie is None:
            raise Refused(404, "This link opens nothing (any longer).", _ANEW)
        answer = web.Response(status=303, headers={"Location": "/capture", "Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_SECONDS,
            path="/capture",
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return answer

    async def _page(self, _: web.Request) -> web.StreamResponse:
        nonce = secrets.token_urlsafe(16)
        answer = html_answer(_pages.get_template("capture.html").render(nonce=nonce, kinds=list(MediaKind)), nonce)
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"  # the site it was opened from keeps no hold of it
        return answer

    async def _meeting(self, request: web.Request) -> web.StreamResponse:
        meeting = self._meetings[self._session(request)].channel.board.meeting
        members = tuple(_Listed(member.id, member.name) for member in meeting.members if member.accounts)
        return json_answer(_AskedOf(f"{meeting.council.name}: {meeting.title}", members))

    async def _post(self, request: web.Request) -> web.StreamResponse:
        meeting = self._session(request)
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Refused(400, "This did not come from the capture page.")
        if request.content_type != "application/json":
            raise Refused(400, "A capture is sent as JSON.")
        try:
            asked = msgspec.json.decode(await request.read(), type=CaptureRequest)
        except msgspec.DecodeError as error:
            raise Refused(400, f"The request does not fit: {error}.") from error
        done = await self._pipeline.act(meeting, "capture", asked.id, lambda state, now: state.on_capture(asked, now))
        return json_answer(done)

    def _session(self, request: web.Request) -> str:
        meeting = self._door.meeting_of(request.cookies.get(COOKIE))
        if meeting is None or meeting not in self._meetings:
            raise Refused(401, "This page is not open to this browser.", _ANEW)
        return meeting
