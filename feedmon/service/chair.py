"""The chair's way in: a link that opens once, the session it turns into, and the live page behind it.

A link's token is exchanged, at the first opening, for a cookie that only this page's own requests carry; the link is
dead from then on. The cookie is signed with a key made from the service's token, so that the chair's page lives on
when the service is started again; links not yet opened do not.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
from aiohttp import web

from feedmon.alerts.chair_page import ChairNote, message_page, notes_for, notes_html, page
from feedmon.alerts.masking import Masker
from feedmon.service.acts import Answer
from feedmon.service.pipeline import Followed, Pipeline
from feedmon.service.refusals import Refused

COOKIE = "feedmon_chair"

SESSION_SECONDS = 12 * 3600
"""How long a chair's page stays open to its device: longer than any meeting."""

_BEAT = 5.0
"""Seconds between signs of life on the page's line, so that it can tell when the line is dead."""


class _Session(msgspec.Struct, frozen=True):
    """What a chair's cookie says, signed: which meeting, until when (Unix seconds), and a number of its own."""

    meeting: str
    until: int
    nonce: str


class ChairDoor:
    """Links and sessions. ``now`` is Unix time in seconds; what one ``purpose`` opens stays shut to every other."""

    def __init__(self, token: str, now: Callable[[], float] = time.time, purpose: str = "chair") -> None:
        self._key = hashlib.sha256(f"feedmon {purpose} {token}".encode()).digest()
        self._now = now
        self._links: dict[str, str] = {}

    def new_link(self, meeting: str) -> str:
        """A token that opens the meeting's page once. Any earlier one that was not opened stops working."""
        self._links[meeting] = secrets.token_urlsafe(24)
        return self._links[meeting]

    def open(self, token: str) -> str | None:
        """The cookie a link's token is exchanged for; None when it opens nothing (any longer)."""
        given = token.encode("utf-8", "surrogateescape")
        for meeting, known in list(self._links.items()):
            if hmac.compare_digest(given, known.encode()):
                del self._links[meeting]
                session = _Session(meeting, int(self._now()) + SESSION_SECONDS, secrets.token_hex(8))
                body = urlsafe_b64encode(msgspec.json.encode(session)).decode().rstrip("=")
                return f"{body}.{self._sign(body)}"
        return None

    def meeting_of(self, cookie: str | None) -> str | None:
        """The meeting a cookie is good for; None when it is none of ours, or its time is over."""
        body, _, signature = (cookie or "").partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(body).encode()):
            return None
        with suppress(ValueError, msgspec.DecodeError):
            session = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Session)
            return session.meeting if self._now() < session.until else None
        return None

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class ChairPages:
    """The HTTP face of the chair's page."""

    def __init__(
        self, door: ChairDoor, meetings: Mapping[str, Followed], maskers: Mapping[str, Masker], pipeline: Pipeline
    ) -> None:
        self._door = door
        self._meetings = meetings
        self._maskers = maskers
        self._pipeline = pipeline

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [
            web.get("/chair", self._page, allow_head=False),
            web.get("/chair/events", self._events, allow_head=False),
            web.post("/chair/seen", self._seen),
            web.get("/chair/{token}", self._open, allow_head=False),
        ]

    async def _open(self, request: web.Request) -> web.StreamResponse:
        cookie = self._door.open(request.match_info["token"])
        if cookie is None:
            if self._door.meeting_of(request.cookies.get(COOKIE)) is not None:
                raise web.HTTPSeeOther("/chair")
            return _message(
                404, "This link opens nothing", "It was opened before, or a newer one was made. Ask the clerk for one."
            )
        answer = await self._whole_page(self._door.meeting_of(cookie))
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_SECONDS,
            path="/chair",
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return answer

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await self._whole_page(self._door.meeting_of(request.cookies.get(COOKIE)))

    async def _whole_page(self, meeting: str | None) -> web.Response:
        if meeting is None or meeting not in self._meetings:
            return _message(401, "This page is closed", "Ask the clerk for a new link.")
        nonce = secrets.token_urlsafe(16)
        board = self._meetings[meeting].channel.board
        return html_answer(page(board.meeting, await self._notes(meeting), nonce), nonce)

    async def _notes(self, meeting: str) -> tuple[ChairNote, ...]:
        board = self._meetings[meeting].channel.board
        return await notes_for(board.flags.values(), board.rules, board.meeting, self._maskers[meeting])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The page's live line: its notes whenever they change, and a beat in between."""
        meeting = self._session(request)
        channel = self._meetings[meeting].channel
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await answer.prepare(request)
        news, shown = asyncio.Event(), ""
        with channel.watching(news.set), suppress(ConnectionError):
            while not channel.over:
                news.clear()
                html = notes_html(await self._notes(meeting))
                if html != shown:
                    shown = html
                    await answer.write(b"event: notes\ndata: " + msgspec.json.encode(html) + b"\n\n")
                try:
                    async with asyncio.timeout(_BEAT):
                        await news.wait()
                except TimeoutError:
                    await answer.write(b"event: beat\ndata: \n\n")
            await answer.write(b"event: over\ndata: \n\n")
        return answer

    async def _seen(self, request: web.Request) -> web.StreamResponse:
        meeting = self._session(request)
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise Refused(400, "This did not come from the chair's page.")
        flag = (await request.post()).get("flag", "")
        if not isinstance(flag, str):
            raise Refused(400, "A flag is named by text.")
        await self._pipeline.act(meeting, "seen", flag, lambda state, now: Answer(state.on_chair_seen(flag, now)))
        raise web.HTTPSeeOther("/chair")

    def _session(self, request: web.Request) -> str:
        meeting = self._door.meeting_of(request.cookies.get(COOKIE))
        if meeting is None or meeting not in self._meetings:
            raise Refused(401, "This page is closed.", "Ask the clerk for a new link.")
        return meeting


def _message(status: int, title: str, text: str) -> web.Response:
    nonce = secrets.token_urlsafe(16)
    return html_answer(message_page(title, text, nonce), nonce, status)


def html_answer(text: str, nonce: str, status: int = 200) -> web.Response:
    """A page of ours: nothing may run or load in it but what carries the nonce, and nobody may frame or keep it."""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )
