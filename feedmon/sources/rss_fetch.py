"""Fetching a feed: conditional, through a few redirects, and never led into a network that it is not part of itself.

The address in the meeting file is the clerk's own word and may lead anywhere, an intranet too. Where it redirects to
is a stranger's word: a feed of the open internet may not send us to this machine or into the council's own network.
Each address is looked up once and exactly what was looked at is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp.abc import AbstractResolver, ResolveResult

from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.fetching import Answer, get, is_local, session_for

MOST_REDIRECTS = 5
"""How many times in a row we are led on."""

CHECK_URL = "Check the source's url in the meeting file."
"""What a person can do about an address that does not work."""

_LED_ON = frozenset({301, 302, 303, 307, 308})
_WEB = ("http", "https")


async def fetch(url: str, etag: str, last_modified: str) -> tuple[str, Answer]:
    """Ask for the feed at ``url``, unless it is what it was; the address that answered in the end, and its answer.

    Raises SourceLost, TooLarge, and SourceRefused for redirects that are not followed.
    """
    headers = {
        "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1",
        **({"If-None-Match": etag} if etag else {}),
        **({"If-Modified-Since": last_modified} if last_modified else {}),
    }
    begins_inside = False
    for redirects in range(MOST_REDIRECTS + 1):
        resolver = None
        if not _is_proxied(url):
            found = await _look_up(url)
            inside = not all(_is_public(address) for address in found)
            begins_inside = inside if redirects == 0 else begins_inside
            if inside and not begins_inside:
                raise SourceRefused("it leads on to an address inside a private network.", CHECK_URL)
            resolver = _Known(found)
        elif redirects and not _may_be_public(url):
            raise SourceRefused("it leads on to an address inside a private network.", CHECK_URL)
        async with session_for(url, resolver) as session:
            answer = await get(session, url, headers=headers)
        if answer.status not in _LED_ON or not answer.headers.get("location"):
            return url, answer
        url = _next(url, answer.headers["location"])
    raise SourceRefused(f"it leads on more than {MOST_REDIRECTS} times.", CHECK_URL)


def _next(url: str, location: str) -> str:
    """Where a redirect leads. Raises SourceRefused when it leads nowhere we go."""
    try:
        leads = urldefrag(urljoin(url, location.strip())).url
        parts = urlsplit(leads)
        usable = parts.scheme in _WEB and parts.hostname and not parts.username and (parts.port or 1) > 0
    except ValueError:
        leads, usable = "", None
    if not usable:
        raise SourceRefused("it leads on to what is no web address.", CHECK_URL)
    if url.startswith("https:") and not leads.startswith("https:"):
        raise SourceRefused("it leads on to an address without encryption.", CHECK_URL)
    return leads


def _is_proxied(url: str) -> bool:
    """Whether the system has requests like this one made by a proxy, which then looks names up in our place."""
    parts = urlsplit(url)
    return not is_local(url) and parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


async def _look_up(url: str) -> tuple[IPv4Address | IPv6Address, ...]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceLost("its name could not be looked up (is this machine online?)") from None
    return tuple(dict.fromkeys(ip_address(str(address[0]).partition("%")[0]) for *_, address in found))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the open internet, also when it is an IPv4 address in IPv6's clothes."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast


def _may_be_public(url: str) -> bool:
    """Whether an address, as far as can be told without looking it up, may be one of the open internet."""
    host = urlsplit(url).hostname or ""
    try:
        return _is_public(ip_address(host))
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))


class _Known(AbstractResolver):
    """Gives the addresses that were looked at, so that a second look-up cannot say something else."""

    def __init__(self, addresses: tuple[IPv4Address | IPv6Address, ...]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # asked for by name
    ) -> list[ResolveResult]:
        """What is known already."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""
