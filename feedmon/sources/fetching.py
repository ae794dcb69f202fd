"""One HTTP GET for the feeds that are asked again and again: bounded, without redirects, its troubles told in words.

Nothing here retries, and nothing here knows a network.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver

from feedmon import __version__
from feedmon.sources.base import SourceLost

PATIENCE = 30.0
"""Seconds of the wall clock within which an answer must be there, whole."""

LARGEST = 5_000_000
"""Bytes of an answer's body, unpacked, beyond which it is not read."""

LONGEST_ASKED = 3_600.0
"""Seconds we stay away at most when asked to."""

_CHUNK = 65_536
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class Answer(msgspec.Struct, frozen=True):
    """What a server said: its status, its headers by lower-case name, and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


class TooLarge(Exception):
    """The answer is larger than anything we take; it was not read to its end."""


def is_local(url: str) -> bool:
    """Whether an address is one of this very machine."""
    return urlsplit(url).hostname in _LOCAL


@asynccontextmanager
async def session_for(url: str, resolver: AbstractResolver | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for requests like this one; the system's proxies are used unless it is on this machine."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, limit=2),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"feedmon/{__version__}"},
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
        trust_env=resolver is None and not is_local(url),
    ) as session:
        yield session


async def get(
    session: aiohttp.ClientSession,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once. Raises TooLarge, or SourceLost in words that hold nothing of the request (it may hold secrets).

    A server that hangs up without a word closed the connection in good order; one that does so in the middle of its
    answer did not.
    """
    try:
        async with session.get(url, headers=headers, params=params, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > LARGEST:
                    raise TooLarge
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, told, bytes(body))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _lost(error) from None  # its own words may quote the request


def _lost(error: Exception) -> SourceLost:
    match error:
        case TimeoutError():
            return SourceLost(f"no answer within {PATIENCE:g} seconds")
        case aiohttp.ServerDisconnectedError():
            return SourceLost("it closed the connection without an answer", clean=True)
        case aiohttp.ClientConnectorDNSError():
            return SourceLost("its name could not be looked up (is this machine online?)")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            return SourceLost("its certificate could not be checked")
        case aiohttp.ClientConnectorError() | ConnectionRefusedError():
            return SourceLost("nothing answers there")
        case aiohttp.ClientPayloadError() | OSError():
            return SourceLost("the connection broke off in the middle of an answer")
        case _:
            return SourceLost("what answers there does not speak HTTP as it should")


def retry_after(answer: Answer, now: datetime) -> float | None:
    """How many seconds an answer asks us to stay away (given as seconds or as a date), None when it does not say."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return min(float(said[:9]), LONGEST_ASKED)
    at = http_date(said)
    return None if at is None else min(max((at - now).total_seconds(), 0.0), LONGEST_ASKED)


def http_date(said: str) -> datetime | None:
    """The instant a header names, None when it names none."""
    try:
        at = parsedate_to_datetime(said)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
