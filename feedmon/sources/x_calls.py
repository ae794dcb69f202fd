"""Talking to X's API, version 2: its four requests, what its answers mean, and how long it wants us to wait.

Written from X's public documentation. ``Authorization`` carries the app's bearer token. 403 says that the token may
not do what was asked, 401 that it is none, 402 that the account's credit is used up, 429 that too much was asked of it:
``x-rate-limit-reset`` then says until when, in seconds of Unix time.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from feedmon import __version__
from feedmon.model.instants import Clock
from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.credentials import mend
from feedmon.sources.fetching import http_date
from feedmon.sources.wording import printable
from feedmon.sources.x_posts import Includes, User
from feedmon.sources.x_rules import TAG, Changes, Rule

MOST_A_PAGE, LEAST_A_PAGE = 100, 10
"""How many posts one answer of a search may hold, and the least that can be asked for."""

POST_FIELDS = {
    "tweet.fields": "attachments,conversation_id,created_at,edit_history_tweet_ids,entities,in_reply_to_user_id,lang,"
    "note_tweet,referenced_tweets",
    "expansions": "author_id",
    "user.fields": "name,username",
}
"""Of each post all that is read here, and nothing that is charged for besides: of accounts only the author's."""

_WITHIN = 20.0  # seconds for a whole answer, or for a stream to begin
_LARGEST_ANSWER = 8_000_000
_LONGEST_WAIT = 900.0
_MOST_AHEAD = timedelta(hours=12)  # a clock that is wrong by more would be noticed by anyone
_CHECK_URL = "Check the source's url in the meeting file: it is https://api.x.com."
_CONSOLE = "X's developer console (console.x.com)"
_T = TypeVar("_T")


class NotAllowed(Exception):
    """The token may not do this; it may do something else. ``why`` is X's word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Error(msgspec.Struct):
    """One of the ``errors`` of an answer or a message, or an answer that is itself an error."""

    title: str = ""
    detail: str = ""
    connection_issue: str = ""
    errors: list[Error] = []

    @property
    def said(self) -> str:
        """X's own words, safe to show."""
        first = self.errors[0] if self.errors and not (self.title or self.detail) else self
        return printable(": ".join(filter(None, (first.title, first.detail))), 200)


class Message(msgspec.Struct):
    """One line of the stream."""

    data: msgspec.Raw = msgspec.Raw()
    includes: msgspec.Raw = msgspec.Raw()
    errors: list[Error] = []


class _Meta(msgspec.Struct):
    next_token: str = ""


class Page(msgspec.Struct):
    """One answer of a search, newest post first."""

    data: list[msgspec.Raw] = []
    includes: msgspec.Raw = msgspec.Raw()
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Rules(msgspec.Struct):
    data: list[Rule] = []


class _Summary(msgspec.Struct):
    errors: list[Error] = []


def users_of(includes: bytes) -> dict[str, User]:
    """The accounts that came along with a message, by id; none when they cannot be read."""
    try:
        return {user.id: user for user in msgspec.json.decode(includes, type=Includes).users} if includes else {}
    except (ValueError, RecursionError):
        return {}


class Waits:
    """How long X asks us to wait before trying again: longer each time, by what went wrong, until it goes well.

    After a network's fault nothing at first, then a quarter of a second more each time, to 16 seconds; after a
    server's 5 seconds, doubling to 320; after being told that it was too much a minute, doubling, or what it says.
    """

    def __init__(self) -> None:
        self._network = self._server = self._limited = 0

    def reset(self) -> None:
        """All is well again."""
        self._network = self._server = self._limited = 0

    def network(self) -> float:
        """Seconds to wait after the connection could not be made, or broke."""
        wait = min(16.0, 0.25 * self._network)
        self._network += 1
        return wait

    def server(self) -> float:
        """Seconds to wait after the server answered that it cannot."""
        wait = min(320.0, 5.0 * 2.0 ** min(self._server, 10))
        self._server += 1
        return wait

    def limited(self, headers: Mapping[str, str], now: datetime) -> float:
        """Seconds to wait after too much was asked, with the answer's headers."""
        wait = min(_LONGEST_WAIT, 60.0 * 2.0 ** min(self._limited, 10))
        self._limited += 1
        reset = headers.get("x-rate-limit-reset", "")
        if headers.get("x-rate-limit-remaining") == "0" and re.fullmatch("[0-9]{1,12}", reset):
            return min(_LONGEST_WAIT, max(1.0, int(reset) - now.timestamp() + 1))
        return wait


class Calls:
    """X's API for one connection's life; an async context manager. ``url`` is where it is."""

    def __init__(self, source: str, url: str, token: str, clock: Clock, waits: Waits) -> None:
        self._source = source
        self._url = url
        self._clock = clock
        self._waits = waits
        self._session = aiohttp.ClientSession(
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"feedmon/{__version__}",
                "Accept-Encoding": "identity",
            },
            timeout=aiohttp.ClientTimeout(total=_WITHIN),
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "::1", "localhost"),
        )
        self._open: aiohttp.ClientResponse | None = None
        self.searches_allowed = 60
        """How many searches a quarter of an hour X allows, as its last answer said; until then, the least it is."""
        self.ahead = timedelta()
        """How far our clock is ahead of X's, as its last answer said: what we think is now is still to come there."""

    async def __aenter__(self) -> Calls:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            self._open.close()
        await self._session.close()

    async def rules(self) -> list[Rule]:
        """The rules of the app's stream. Raises NotAllowed, SourceLost, SourceRefused."""
        return (await self._asked("GET", "/2/tweets/search/stream/rules", _Rules)).data

    async def change(self, changes: Changes) -> None:
        """Make the changes, deletions first. Raises as :meth:`rules`; NotAllowed also when X objects to a rule."""
        bodies: list[dict[str, Any]] = []
        if changes.delete:
            bodies.append({"delete": {"ids": changes.delete}})
        if changes.add:
            bodies.append({"add": [{"value": value, "tag": TAG} for value in changes.add]})
        for body in bodies:
            summary = await self._asked("POST", "/2/tweets/search/stream/rules", _Summary, json=body)
            if summary.errors and not all(one.title == "DuplicateRule" for one in summary.errors):
                raise NotAllowed(f"X took not all rules: {summary.errors[0].said}")

    async def stream(self) -> aiohttp.ClientResponse:
        """The stream, open until this is left. Raises as :meth:`rules`."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_WITHIN)
        try:
            self._open = response = await self._session.get(
                f"{self._url}/2/tweets/search/stream", params=POST_FIELDS, timeout=timeout, allow_redirects=False
            )
            if response.status != 200:
                raise self._refusal(response, await _body(response))
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(error) from error
        return response

    async def search(self, query: str, since_id: int, most: int, page: str = "") -> Page:
        """A page of the posts newer than ``since_id``, newest first. Raises as :meth:`rules`."""
        params = {**POST_FIELDS, "query": query, "since_id": str(since_id), "max_results": str(most)}
        if page:
            params["next_token"] = page
        return await self._asked("GET", "/2/tweets/search/recent", Page, params=params)

    async def _asked(self, method: str, path: str, kind: type[_T], **what: Any) -> _T:
        try:
            async with self._session.request(method, self._url + path, allow_redirects=False, **what) as response:
                body = await _body(response)
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(error) from error
        said_at = http_date(response.headers.get("Date", ""))
        self.ahead = min(max(self._clock.now() - said_at, timedelta()), _MOST_AHEAD) if said_at else timedelta()
        if response.status not in (200, 201):
            raise self._refusal(response, body)
        allowed = response.headers.get("x-rate-limit-limit", "")
        if kind is Page and re.fullmatch("[1-9][0-9]{0,6}", allowed):
            self.searches_allowed = int(allowed)
        try:
            return msgspec.json.decode(body, type=kind)
        except (ValueError, RecursionError) as error:
            raise SourceLost("it answered what cannot be read", retry_after=self._waits.server()) from error

    def _lost(self, error: Exception) -> SourceLost:
        return SourceLost(unreachable(error), retry_after=self._waits.network())

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes) -> Exception:
        """What it means that the answer is not the one wanted."""
        status, told = response.status, _told(body)
        said = f"it answered {status}" + (f" ({told.said})" if told.said else "")
        match status:
            case 401:
                return SourceRefused(f"{said}: the token is not valid, or no longer.", mend(self._source))
            case 402:
                return SourceRefused(f"{said}: there is no credit left.", f"Add credit in {_CONSOLE}.")
            case 403:
                return NotAllowed(said)
            case 429 if "UsageCapExceeded" in told.title:
                return SourceRefused(f"{said}: the account's own limit is reached.", f"Raise it in {_CONSOLE}.")
            case 429 | 420:
                if any(one.connection_issue for one in (told, *told.errors)):
                    return too_many_connections(self._waits)
                return SourceLost(said, retry_after=self._waits.limited(response.headers, self._clock.now()))
            case 400 | 404 | 410 | _ if 300 <= status < 500 and status not in (408, 409, 425):
                return SourceRefused(f"{said}.", _CHECK_URL)
        return SourceLost(said, retry_after=self._waits.server())


def too_many_connections(waits: Waits) -> SourceLost:
    """X allows an app one stream, and thinks that it has it."""
    why = "X says that the token's one stream is in use: by another program, or by a connection it thinks we still have"
    return SourceLost(why, retry_after=waits.server())


def unreachable(error: Exception) -> str:
    """Why a connection could not be made or ended, in a plain word."""
    match error:
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return "its name could not be looked up (is this machine online?)"
        case aiohttp.ClientSSLError():
            return "its certificate could not be checked"
        case TimeoutError():
            return f"no answer within {_WITHIN:g} seconds"
        case aiohttp.ClientConnectorError():
            refused = isinstance(error.os_error, ConnectionRefusedError)
            return "nothing answers there" if refused else "it could not be reached"
        case _:
            return "the connection broke off"


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """An answer's body; cut short where no honest answer is longer."""
    body = bytearray()
    async for some in response.content.iter_any():
        body += some
        if len(body) > _LARGEST_ANSWER:
            response.close()
            break
    return bytes(body)


def _told(body: bytes) -> Error:
    try:
        return msgspec.json.decode(body, type=Error)
    except (ValueError, RecursionError):
        return Error(detail=printable(body[:200].decode("utf-8", "replace").strip().partition("\n")[0]))
