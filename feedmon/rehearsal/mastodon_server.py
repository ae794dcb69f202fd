"""A Mastodon server, rehearsed: its REST answers and its streaming WebSocket on one local port.

Written from the public API description and from measured habits of the real streaming server, which are kept:

* No token, a wrong one, or an app's own: 401 before the socket opens, the reason in ``x-error-message``.
* A token without the scope, a missing tag, an unknown stream: the socket opens, says so in one frame, and stays open
  and silent. A subscription is never acknowledged. A text frame that is not JSON is ignored, a binary one closes 1003.
* Where hashtags' pages are for everyone, they can be had with a token that the stream does not take.
* ``stream[1]`` echoes the tag as it was typed; tags that fold to the same are one subscription; payloads are JSON
  inside a string, and a deletion's is the bare number.
* Updates wait for a check, deletions do not and overtake them.
* Revoking a token closes its sockets without a code; stopping the server drops TCP without a close frame.
* No replay and no cursor. A ping every 30 seconds. Limits on requests, told in ``X-RateLimit-*``.

``gotosocial`` serves as that server does where they differ: statuses can only be asked for one by one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feedmon.model.instants import from_micros
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.mastodon_http import Window, json_answer, token_of
from feedmon.rehearsal.mastodon_recording import Act, MastodonRecording
from feedmon.rehearsal.mastodon_store import MOST_AT_ONCE, MastodonStore, Status, tag_key, tags_of

TOKEN = "rehearsal"  # noqa: S105  # known to everyone; it opens nothing but a rehearsal
"""A person's token with the scope ``read``, valid unless other tokens are given."""

_SCOPES = frozenset({"read", "read:statuses"})
_LIMIT_LASTS, _PAGED_LASTS = 300.0, 900.0
_PAGING = ("page", "max_id", "min_id", "since_id")
_REFUSED = {
    "missing": "Missing access token",
    "wrong": "Invalid access token",
    "scope": "Access token does not have the required scopes",
    "tag": "Missing tag name parameter",
    "stream": "Unknown stream type",
}


class _Subscriber:
    """A socket and what it asked for: by the tag's key, the tag as it was typed first."""

    def __init__(self, connection: ServerConnection, token: str) -> None:
        self.connection = connection
        self.token = token
        self.tags: dict[str, str] = {}
        self.pages = 0


class MastodonServer:
    """An async context manager: inside it the recording happens, on this machine only, by ``clock``.

    The clock is set going by the first to subscribe, or to ask for it. ``tokens`` are valid tokens with their scopes;
    an app's own has the scope ``app``. ``before`` are statuses that were there already. ``check`` is how many seconds
    of the wall clock the check of an update takes; ``silent`` makes the stream bring nothing. A planned fault waits
    for a subscriber, and until ``settled`` questions for a hashtag's page were asked since that one came.
    ``rest_answers`` are statuses given in order to the first questions instead of answers.
    """

    def __init__(
        self,
        recording: MastodonRecording,
        clock: RehearsalClock,
        *,
        faults: FaultPlan | None = None,
        tokens: Mapping[str, str] | None = None,
        before: Iterable[Status] = (),
        accounts: Iterable[Mapping[str, Any]] = (),
        domain: str = "saltmarsh.example",
        check: float = 0.0,
        silent: bool = False,
        settled: int = 0,
        gotosocial: bool = False,
        limit: int = 300,
        paged_limit: int = 300,
        rest_answers: Iterable[int] = (),
    ) -> None:
        self.recording = recording
        self.clock = clock
        self.faults = faults or FaultPlan()
        self.tokens = dict({TOKEN: "read"} if tokens is None else tokens)
        self.store = MastodonStore(domain, accounts)
        self.rest_answers = list(rest_answers)
        self.hashtag_feeds = "public"
        self.streams_at = ""
        """Where it says that it streams, if not here."""
        self.silent = silent
        self.asked: Counter[str] = Counter()
        """How often each path was asked for."""
        self.requests: list[str] = []
        """Every request's path and query, in order."""
        self._gotosocial = gotosocial
        self._check = check
        self._settled = settled
        self._pages = 0
        self._limit = Window(limit, _LIMIT_LASTS)
        self._paged = Window(paged_limit, _PAGED_LASTS)
        self._server: Server | None = None
        self._subscribers: set[_Subscriber] = set()
        self._subscribed = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()
        for status in before:
            self.store.put(status)

    @property
    def url(self) -> str:
        """Where it is: ``http://127.0.0.1:PORT``."""
        if self._server is None:
            raise RuntimeError("the rehearsal is not being served")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._subscribers)

    async def __aenter__(self) -> MastodonServer:
        self._server = await serve(
            self._stream,
            "127.0.0.1",
            0,
            process_request=self._answer,
            compression=None,
            ping_interval=30,
            ping_timeout=30,
            close_timeout=1,
        )
        self._work(self._happen())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working)
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut every socket, as the real server does when it is stopped: no close frame."""
        for one in tuple(self._subscribers):
            one.connection.transport.abort()

    def freeze(self) -> None:
        """Answer nothing more on any socket, though they stay open."""
        for one in self._subscribers:
            one.connection.transport.pause_reading()

    async def revoke(self, token: str) -> None:
        """Take a token's rights away: its sockets are closed without a code."""
        self.tokens.pop(token, None)
        for one in tuple(self._subscribers):
            if one.token == token:
                await _close_without_code(one.connection)

    # What happens

    async def _happen(self) -> None:
        """Let the recording happen."""
        for place, act in enumerate(self.recording.acts):
            await self.clock.sleep_until(from_micros(act.due))
            twice = False
            while True:
                if self.faults.waiting_at(place):
                    await self._someone_settled()
                if (fault := self.faults.next_at(place)) is None:
                    break
                twice |= fault is Fault.DUPLICATE
                await self._commit(fault)
            self._publish(act, twice=twice)

    async def _someone_settled(self) -> None:
        """Wait for a subscriber who has had the time to read what came before."""
        while True:
            await self._subscribed.wait()
            if any(one.tags and self._pages >= one.pages + self._settled for one in self._subscribers):
                return
            await asyncio.sleep(0.005)

    def _publish(self, act: Act, *, twice: bool = False) -> None:
        """One thing happens: asking shows it at once, the stream brings it when it was checked."""
        before = self.store.status(act.number)
        if act.status is not None:
            self.store.put(act.status)
        else:
            self.store.take(act.number)
        about = act.status or before
        if about is None or not act.streamed or self.silent or about.get("visibility") != "public":
            return
        for _ in range(1 + twice):
            if act.event == "delete" or not self._check:
                self._send(act, about)
            else:
                self._work(self._send_checked(act, about))

    async def _send_checked(self, act: Act, about: Status) -> None:
        await asyncio.sleep(self._check)
        self._send(act, about)

    def _send(self, act: Act, about: Status) -> None:
        """Send an event to everyone subscribed to one of the status's tags, once for each of them."""
        tags = tags_of(about)
        for one in tuple(self._subscribers):
            for key, typed in one.tags.items():
                if key in tags:
                    envelope = {"stream": ["hashtag", typed], "event": act.event, "payload": act.payload}
                    self._work(_said(one.connection, msgspec.json.encode(envelope)))

    async def _commit(self, fault: Fault) -> None:
        """Let something go wrong for everyone who is subscribed."""
        for one in tuple(self._subscribers):
            connection = one.connection
            with suppress(ConnectionClosed):
                match fault:
                    case Fault.DROP:
                        await _arrived(connection)
                        connection.transport.abort()
                    case Fault.NO_STATUS:
                        await _close_without_code(connection)
                    case Fault.CLOSED:
                        await connection.close(1000)
                    case Fault.GOING_AWAY:
                        await connection.close(1001)
                    case Fault.GARBAGE:
                        await connection.send("}{ this is not JSON")
                    case Fault.TRUNCATED:
                        await connection.send('{"stream":["hashtag"],"event":"upd')
                    case Fault.BAD_UTF8:
                        await connection.send(b'{"event":"\xff\xfe"}', text=True)
                    case Fault.OVERSIZED:
                        await connection.send('{"event":"' + "x" * self.faults.size + '"}')
        if fault is Fault.REORDER:  # disorder comes of itself here, with ``check``
            self.faults.could_not(fault)
        if fault is Fault.SILENT:
            await asyncio.sleep(self.faults.silence)
        if fault in _ENDING:
            self._subscribed.clear()

    def _work(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    # The streaming socket

    async def _stream(self, connection: ServerConnection) -> None:
        one = _Subscriber(connection, token_of(connection.request))
        self._subscribers.add(one)
        query = parse_qs(urlsplit(connection.request.path).query) if connection.request else {}
        try:
            if "stream" in query:
                await self._subscribe(one, {name: values[0] for name, values in query.items()})
            async for message in connection:
                if isinstance(message, bytes):
                    await connection.close(1003)
                    return
                with suppress(ValueError, RecursionError):
                    asked = msgspec.json.decode(message, type=dict[str, Any])
                    if asked.get("type") == "subscribe":
                        await self._subscribe(one, asked)
                    elif asked.get("type") == "unsubscribe":
                        one.tags.pop(tag_key(str(asked.get("tag", ""))), None)
        except ConnectionClosed:
            pass
        finally:
            self._subscribers.discard(one)
            if not any(other.tags for other in self._subscribers):
                self._subscribed.clear()

    async def _subscribe(self, one: _Subscriber, asked: Mapping[str, Any]) -> None:
        """Subscribe a socket; only what is wrong is ever said."""
        self.clock.begin()
        tag = asked.get("tag")
        if asked.get("stream") not in ("hashtag", "hashtag:local"):
            wrong, status = "stream", 400
        elif not tag:
            wrong, status = "tag", 400
        elif not _SCOPES & set(self.tokens.get(one.token, "").split()):
            wrong, status = "scope", 401
        else:
            one.pages = one.pages if one.tags else self._pages
            one.tags.setdefault(tag_key(str(tag)), str(tag))
            self._subscribed.set()
            return
        await one.connection.send(msgspec.json.encode({"error": _REFUSED[wrong], "status": status}).decode())

    # Questions

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a question; None lets a socket open."""
        parts = urlsplit(request.path)
        path, asked = unquote(parts.path), parse_qs(parts.query)
        self.asked[path] += 1
        self.requests.append(request.path)
        if path == "/rehearsal":
            self.clock.begin()
            return json_answer(self._told())
        if path == "/api/v1/streaming":
            return self._let_in(connection, request)
        if path == "/api/v2/instance":
            return json_answer(self._instance())
        if self.rest_answers:
            return json_answer({"error": "planned for this rehearsal"}, self.rest_answers.pop(0))
        token = token_of(request)
        if token not in self.tokens:
            return json_answer({"error": _REFUSED["wrong"]}, 401)
        anyones = self.hashtag_feeds == "public" and path.startswith("/api/v1/timelines/tag/")
        if not anyones and not _SCOPES & set(self.tokens[token].split()):
            return json_answer({"error": _REFUSED["scope"]}, 403)
        left, seconds = self._limit.ask()
        if any(name in asked for name in _PAGING):
            left, seconds = min((left, seconds), self._paged.ask())
        reset = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        limits = {"X-RateLimit-Remaining": str(max(0, left)), "X-RateLimit-Reset": reset}
        if left < 0:
            return json_answer({"error": "Too many requests"}, 429, limits)
        return self._shown(path, asked, limits)

    def _shown(self, path: str, asked: Mapping[str, list[str]], limits: Mapping[str, str]) -> Response:
        shown: object = None
        match path.strip("/").split("/"):
            case ["api", "v1", "timelines", "tag", tag]:
                self._pages += 1
                shown = self.store.timeline(tag, asked)
            case ["api", "v1", "accounts", "lookup"]:
                shown = self.store.account(asked.get("acct", [""])[0])
            case ["api", "v1", "accounts", number, "statuses"]:
                shown = self.store.posts_of(number, asked)
            case ["api", "v2", "search"]:
                shown = {"accounts": self.store.search(asked.get("q", [""])[0])}
            case ["api", "v1", "statuses"] if not self._gotosocial:
                numbers = asked.get("id[]", [])
                if len(numbers) > MOST_AT_ONCE:
                    return json_answer({"error": "Too many statuses"}, 422, limits)
                shown = self.store.statuses(numbers)
            case ["api", "v1", "statuses", number]:
                shown = self.store.status(number)
        return (
            json_answer({"error": "Record not found"}, 404, limits)
            if shown is None
            else json_answer(shown, 200, limits)
        )

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        """Check the token before the socket opens."""
        if (planned := self.faults.next_answer()) is not None:
            return connection.respond(HTTPStatus(planned), "planned for this rehearsal\n")
        token = token_of(request)
        scope = self.tokens.get(token)
        if scope is not None and scope != "app":
            return None
        response = connection.respond(HTTPStatus.UNAUTHORIZED, "")
        response.headers["x-error-message"] = _REFUSED["wrong" if token else "missing"]
        return response

    def _instance(self) -> dict[str, Any]:
        access = {"local": self.hashtag_feeds, "remote": self.hashtag_feeds}
        urls = {"streaming": self.streams_at or self.url.replace("http", "ws", 1)}
        return {
            "domain": self.store.domain,
            "version": "4.5.0",
            "configuration": {"urls": urls, "timelines_access": {"hashtag_feeds": access}},
        }

    def _told(self) -> dict[str, Any]:
        recording = self.recording
        return {
            "now": self.clock.now(),
            "rate": self.clock.rate,
            "starts": recording.starts,
            "ends": recording.ends,
        }


_ENDING = frozenset({Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS})


async def _said(connection: ServerConnection, frame: bytes) -> None:
    with suppress(ConnectionClosed):
        await connection.send(frame, text=True)


async def _arrived(connection: ServerConnection) -> None:
    """Wait, a second at most, until what was sent has been read: a cut would take back what still lies in between."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await (await connection.ping())


async def _close_without_code(connection: ServerConnection) -> None:
    """Close so that the other side reads 1005, “no status”, which looks as if all were well."""
    async with connection.send_context():
        connection.protocol.send_close()
