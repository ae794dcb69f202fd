"""The HTTP face of the service: what :mod:`feedmon.wire.commands` promises, and whether it is alive and ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from feedmon.journal import Journal, JournalFault
from feedmon.model.instants import Clock
from feedmon.service.access import guard, json_answer, refusal
from feedmon.service.acts import Answer
from feedmon.service.address import Address
from feedmon.service.capture_page import CapturePages
from feedmon.service.chair import ChairDoor, ChairPages
from feedmon.service.meeting_state import MeetingState
from feedmon.service.pipeline import Followed, Pipeline
from feedmon.service.readiness import readiness
from feedmon.service.refusals import Refused
from feedmon.wire import CaptureLink, CaptureRequest, ChairLink, DecisionRequest, MarkRequest, Refusal

LARGEST_BODY = 64 * 1024
"""Bytes a request may hold: far more than any act needs."""

_ANSWER_WITHIN = 8.0
"""Seconds to wait for an act to be durable before saying that it is not yet."""

_HEARTBEAT = 20.0
_GOODBYE = 1.0
"""Seconds between pings of a desk (one that does not answer is gone), and to wait for its own goodbye."""


_Asked = TypeVar("_Asked")


class MeetingListed(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting as ``GET /meetings`` lists it."""

    id: str
    title: str
    council: str
    following: bool


class Api:
    """Every route under ``/api/v1``, and the two health questions. ``address`` is how others reach the service."""

    def __init__(
        self,
        meetings: Mapping[str, Followed],
        pipeline: Pipeline,
        journal: Journal,
        clock: Clock,
        door: ChairDoor,
        captures: ChairDoor,
        address: Address,
    ) -> None:
        self._meetings = meetings
        self._pipeline = pipeline
        self._journal = journal
        self._clock = clock
        self._door = door
        self._captures = captures
        self._address = address

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        one = "/api/v1/meetings/{meeting}"
        return [
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/api/v1/meetings", self._list),
            web.post(one + "/marks", self._mark),
            web.post(one + "/decisions", self._decide),
            web.post(one + "/captures", self._capture),
            web.post(one + "/chair-link", self._chair_link),
            web.post(one + "/capture-link", self._capture_link),
            web.get(one + "/live", self._live, allow_head=False),
        ]

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        return json_answer({"alive": True})

    async def _readyz(self, _: web.Request) -> web.StreamResponse:
        report = readiness(self._meetings.values(), self._journal, self._clock.now())
        return json_answer(report, 200 if report.ready else 503)

    async def _list(self, _: web.Request) -> web.StreamResponse:
        boards = [followed.channel.board for followed in self._meetings.values()]
        return json_answer(
            [
                MeetingListed(
                    id=board.meeting.id,
                    title=board.meeting.title,
                    council=board.meeting.council.name,
                    following=board.following,
                )
                for board in boards
            ]
        )

    async def _mark(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, MarkRequest)
        return await self._act(request, "mark", asked.id, lambda state, now: state.on_mark(asked, now))

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, DecisionRequest)
        return await self._act(request, "decision", asked.id, lambda state, now: state.on_decision(asked, now))

    async def _capture(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, CaptureRequest)
        return await self._act(request, "capture", asked.id, lambda state, now: state.on_capture(asked, now))

    async def _act(
        self, request: web.Request, kind: str, act_id: str, apply: Callable[[MeetingState, datetime], Answer]
    ) -> web.StreamResponse:
        meeting = self._meeting_id(request)
        return json_answer(await self._pipeline.act(meeting, kind, act_id, apply))

    async def _chair_link(self, request: web.Request) -> web.StreamResponse:
        token = self._door.new_link(self._meeting_id(request))
        return json_answer(ChairLink(url=f"{self._address.url_for_others()}/chair/{token}"))

    async def _capture_link(self, request: web.Request) -> web.StreamResponse:
        token = self._captures.new_link(self._meeting_id(request))
        return json_answer(CaptureLink(url=f"{self._address.url()}/capture/{token}"))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        channel = self._meetings[self._meeting_id(request)].channel
        after = _after(request)
        socket = web.WebSocketResponse(timeout=_GOODBYE, heartbeat=_HEARTBEAT, max_msg_size=LARGEST_BODY)
        if not socket.can_prepare(request):
            raise Refused(400, "This address is a WebSocket.", "Ask for it as one.")
        await socket.prepare(request)
        with channel.listening(after) as listener:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_until_closed(socket), name="desk hangs up")

                async def send() -> None:
                    with suppress(ConnectionError):
                        async for frame in listener.frames():
                            await socket.send_str(frame)
                    await socket.close()

                sending = tasks.create_task(send(), name="desk is told")
                await asyncio.wait((watching, sending), return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                watching.cancel()
        return socket

    def _meeting_id(self, request: web.Request) -> str:
        meeting = request.match_info["meeting"]
        if meeting not in self._meetings:
            raise Refused(
                404, f"No meeting “{meeting}” is followed here.", "GET /api/v1/meetings lists those that are."
            )
        return meeting


def application(api: Api, chair: ChairPages, captures: CapturePages, token: str, listening_on: str) -> web.Application:
    """The whole web application: every route behind the guard."""
    app = web.Application(middlewares=[guard(token, listening_on), _patience], client_max_size=LARGEST_BODY)
    app.add_routes([*api.routes(), *chair.routes(), *captures.routes()])
    return app


@web.middleware
async def _patience(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Acts are answered when durable. When the journal cannot be written that may take long: then say so."""
    if request.method != "POST":
        return await handler(request)
    try:
        async with asyncio.timeout(_ANSWER_WITHIN):
            return await handler(request)
    except TimeoutError:
        return refusal(503, Refusal(error="It is not in the journal yet.", mend="Send it again: that is safe."))
    except JournalFault as fault:
        return refusal(503, Refusal(error=fault.message, mend=fault.mend))


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """Desks only listen: whatever one sends is not read. Ends when it hangs up."""
    while (await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
        pass


async def _body(request: web.Request, kind: type[_Asked]) -> _Asked:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.ValidationError as error:
        raise Refused(400, f"The request does not fit: {error}.", "feedmon/docs/wire.md shows what does.") from error
    except msgspec.DecodeError as error:
        raise Refused(400, f"The request is not JSON: {error}.") from error


def _after(request: web.Request) -> int | None:
    text = request.query.get("after")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(400, "“after” is the number of a message.", "Leave it out to be sent everything.")
    return int(text)
