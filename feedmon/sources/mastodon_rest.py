"""Asking a Mastodon server over HTTP: within its limits, no more than we can take, and never in the clear.

The token goes into the ``Authorization`` header and nowhere else; redirections are not followed, so that it goes to
nobody else either. All waiting here is in real time: a server's limits know nothing of a rehearsal's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp
import msgspec

from feedmon import __version__
from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.wording import printable

LARGEST_ANSWER = 8_000_000
"""Bytes of one answer that are taken: a page of forty long posts is a tenth of that."""

PAGED_LIMIT, PAGED_WITHIN = 250, 900.0
"""How many requests that page through a list are made in so many seconds; servers allow 300."""

_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
_AT_ONCE = 4
_IN_RESERVE = 10  # requests we leave unmade of those a server says we still may
_LONGEST_WAIT = 900.0
_SOME_WAIT = 60.0

Params = Mapping[str, str] | list[tuple[str, str]]


class AskFailed(Exception):
    """A question had no answer this time; it may be asked again, after ``retry_after`` seconds if the server says."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after

    def as_lost(self) -> SourceLost:
        """The same, where nothing can go on without the answer."""
        return SourceLost(self.why, retry_after=self.retry_after)


class NotThere(Exception):
    """The server says that there is no such thing."""


class NotAllowed(Exception):
    """The server will not tell us. ``why`` is what it said."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def as_refused(self, mend: str) -> SourceRefused:
        """The same, where nothing can go on without the answer."""
        return SourceRefused(f"{self.why}.", mend)


class _Urls(msgspec.Struct, frozen=True):
    streaming: str = ""


class _Access(msgspec.Struct, frozen=True):
    local: str = "public"
    remote: str = "public"


class _TimelinesAccess(msgspec.Struct, frozen=True):
    hashtag_feeds: _Access = _Access()


class _Configuration(msgspec.Struct, frozen=True):
    urls: _Urls = _Urls()
    timelines_access: _TimelinesAccess = _TimelinesAccess()


class Instance(msgspec.Struct, frozen=True):
    """What a server says of itself: what its handles end in, where it streams, and who may read hashtags there."""

    domain: str = ""
    configuration: _Configuration = _Configuration()

    @property
    def shows_hashtags(self) -> bool:
        """Whether it has hashtag timelines at all."""
        access = self.configuration.timelines_access.hashtag_feeds
        return not access.local == access.remote == "disabled"


class Limits:
    """How many questions a server may still be asked, over all connections to it."""

    def __init__(self) -> None:
        self._paged: deque[float] = deque()
        self._not_before = 0.0

    def wait(self, seconds: float) -> None:
        """Ask nothing for so many seconds."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def left(self, paged: bool) -> float:
        """Seconds until one more question may be asked."""
        now = time.monotonic()
        while self._paged and self._paged[0] + PAGED_WITHIN <= now:
            self._paged.popleft()
        full = paged and len(self._paged) >= PAGED_LIMIT
        return max(self._not_before - now, self._paged[0] + PAGED_WITHIN - now if full else 0.0)

    async def turn(self, paged: bool) -> None:
        """Wait until one more question may be asked, and count it."""
        left = self.left(paged)
        while left > 0:
            await asyncio.sleep(left)
            left = self.left(paged)
        if paged:
            self._paged.append(time.monotonic())


class MastodonRest:
    """An async context manager: inside it the server at ``base`` (``https://HOST``) can be asked."""

    def __init__(self, base: str, token: str, limits: Limits) -> None:
        self._base = base
        self._token = token
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> MastodonRest:
        self._session = aiohttp.ClientSession(
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(limit=_AT_ONCE),
            headers={"Authorization": f"Bearer {self._token}", "User-Agent": f"feedmon/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not on_this_machine(self._base),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def instance(self) -> Instance:
        """What the server says of itself; of one too old to say, nothing."""
        try:
            answer = await self.get("/api/v2/instance")
        except NotThere:
            return Instance()
        try:
            return msgspec.json.decode(answer, type=Instance)
        except (ValueError, RecursionError) as error:
            raise AskFailed("what answers there is no Mastodon server") from error

    async def get(self, path: str, params: Params | None = None, *, paged: bool = False) -> bytes:
        """The answer to a question, however long its turn takes to come.

        Raises AskFailed, NotThere or NotAllowed.
        """
        if self._session is None:
            raise RuntimeError("the server can only be asked inside the context")
        await self._limits.turn(paged)
        try:
            async with self._session.get(f"{self._base}{path}", params=params, allow_redirects=False) as response:
                self._heed(response)
                if response.status == 200:
                    return await _body(response)
                raise self._unanswered(response.status, await _said(response), _asked_to_wait(response))
        except TimeoutError as error:
            raise AskFailed("it did not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AskFailed(_unreachable(error)) from error

    def _heed(self, response: aiohttp.ClientResponse) -> None:
        """Ask no more until the limit is new when little is left of it."""
        left = response.headers.get("X-RateLimit-Remaining", "")
        if left.isdecimal() and int(left) < _IN_RESERVE and (wait := _until_reset(response)) is not None:
            self._limits.wait(wait)

    def _unanswered(self, status: int, said: str, wait: float | None) -> Exception:
        words = f"it answered {status}" + (f": {said}" if said else "")
        match status:
            case 401 | 403:
                return NotAllowed(words)
            case 404 | 410:
                return NotThere(words)
            case 429:
                wait = _SOME_WAIT if wait is None else wait
                self._limits.wait(wait)
                return AskFailed(words, wait)
            case _ if 300 <= status < 400:
                return AskFailed(f"{words} and sends us elsewhere (is the source's url the server's own?)")
            case _:
                return AskFailed(words, wait)


def on_this_machine(url: str) -> bool:
    """Whether an address leads nowhere but here."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _unreachable(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name could not be looked up (is this machine online?)"
        case aiohttp.ClientSSLError():
            return "its certificate could not be checked"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return "nothing answers there"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the connection broke off"
        case _:
            return f"it could not be reached ({type(error).__name__})"


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise AskFailed("its answer was too large to take")
        parts.append(part)
    return b"".join(parts)


class _Error(msgspec.Struct):
    error: str = ""


async def _said(response: aiohttp.ClientResponse) -> str:
    """The reason a server gives with an error, if it gives one in the usual form."""
    try:
        return printable(msgspec.json.decode(await response.content.read(2_000), type=_Error).error)
    except (ValueError, RecursionError):
        return ""


def _asked_to_wait(response: aiohttp.ClientResponse) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    if seconds.isascii() and seconds.isdecimal():
        return min(float(seconds), _LONGEST_WAIT)
    return _until_reset(response) if response.status == 429 else None


def _until_reset(response: aiohttp.ClientResponse) -> float | None:
    """Seconds until the limit is new, by the server's own clock; None when it does not say."""
    said = response.headers.get("X-RateLimit-Reset", "")
    try:
        reset = datetime.fromtimestamp(int(said), UTC) if said.isdecimal() else datetime.fromisoformat(said)
        date = response.headers.get("Date")
        there = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return min(max(0.0, (reset - there).total_seconds()), _LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
