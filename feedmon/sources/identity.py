"""From a handle to the account that has it: before a meeting, so that members are known by what cannot be given away.

A handle is a name in the DNS, and can be given up and taken by another; an account's DID stays. Both sides must agree:
the handle leads to the DID (``com.atproto.identity.resolveHandle``, answered by any of the network's servers), and the
DID's own document (from the PLC directory, or the web host a ``did:web`` names) must claim the handle.
"""

from __future__ import annotations

import re
from typing import TypeVar

import aiohttp
import msgspec

from feedmon.sources.select import handle_key

RESOLVER = "https://public.api.bsky.app"
"""Who is asked for handles: Bluesky's own public service, which needs no account."""

DIRECTORY = "https://plc.directory"
"""Who keeps the documents of ``did:plc`` accounts."""

_T = TypeVar("_T")
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_LARGEST = 200_000
_HANDLE = re.compile(r"(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLC = re.compile(r"did:plc:[a-z2-7]{24}")
_WEB = re.compile(r"did:web:((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9])")


class NotResolved(Exception):
    """A handle that does not lead to an account, and why, in a sentence. ``passing`` if it may do so later."""

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


class _Answer(msgspec.Struct):
    did: str


class _Document(msgspec.Struct, rename="camel"):
    id: str
    also_known_as: list[str] = []


async def resolve(
    handle: str, session: aiohttp.ClientSession, *, resolver: str = RESOLVER, directory: str = DIRECTORY
) -> str:
    """The DID of the account that has a handle, which agrees that it has it. Raises NotResolved."""
    name = handle_key(handle)
    if not _HANDLE.fullmatch(name):
        raise NotResolved("It is no handle: one looks like name.bsky.social.")
    answer = await _get(
        session, f"{resolver}/xrpc/com.atproto.identity.resolveHandle", _Answer, "Nobody has this handle.", handle=name
    )
    handles = await handles_of(answer.did, session, directory=directory)
    if name not in handles:
        known = f"is known as {handles[0]}" if handles else "has no handle"
        raise NotResolved(f"It leads to an account that does not claim it: {answer.did} {known}.")
    return answer.did


async def handles_of(did: str, session: aiohttp.ClientSession, *, directory: str = DIRECTORY) -> tuple[str, ...]:
    """The handles an account claims in its own document, the one it uses first. Raises NotResolved."""
    if _PLC.fullmatch(did):
        url = f"{directory}/{did}"
    elif found := _WEB.fullmatch(did):
        url = f"https://{found[1]}/.well-known/did.json"
    else:
        raise NotResolved("Its account's id is of no kind this network uses.")
    document = await _get(session, url, _Document, "Its account has no document.")
    if document.id != did:
        raise NotResolved("Its account's document is another account's.")
    names = (name.removeprefix("at://").lower() for name in document.also_known_as if name.startswith("at://"))
    return tuple(name for name in names if _HANDLE.fullmatch(name))


async def _get(session: aiohttp.ClientSession, url: str, kind: type[_T], missing: str, **query: str) -> _T:
    """Fetch and read one answer. ``missing`` is what it means that there is none."""
    try:
        async with session.get(url, params=query, timeout=_TIMEOUT, allow_redirects=False) as answer:
            if answer.status in (400, 404, 410):
                raise NotResolved(missing)
            if answer.status != 200:
                raise NotResolved(f"Who was asked answered {answer.status}.", passing=True)
            body = await answer.content.read(_LARGEST + 1)
            while len(body) <= _LARGEST and (more := await answer.content.read(_LARGEST)):
                body += more
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotResolved(f"Nobody could be asked ({type(error).__name__}).", passing=True) from error
    try:
        if len(body) > _LARGEST:
            raise ValueError
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise NotResolved("What was answered could not be read.") from error
