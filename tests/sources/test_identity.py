"""Handles resolved to accounts, against a server of ours; with the network's own: ``pytest -m real_network``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from feedmon.sources.identity import NotResolved, handles_of, resolve

DID = "did:plc:marchbanks77777777777777"
HANDLE = "marchbanks.example"
AGREEING = {"id": DID, "alsoKnownAs": ["https://x.example", f"at://{HANDLE}"]}


class Directory:
    """Answers for both sides of a handle; what it says can be set."""

    def __init__(self) -> None:
        self.handles: dict[str, object] = {HANDLE: {"did": DID}}
        self.documents: dict[str, object] = {DID: AGREEING}
        self.status = 200

    async def resolve(self, request: web.Request) -> web.Response:
        return self._answer(self.handles.get(request.query["handle"]), missing=400)

    async def document(self, request: web.Request) -> web.Response:
        return self._answer(self.documents.get(request.match_info["did"]), missing=404)

    def _answer(self, told: object, missing: int) -> web.Response:
        if told is None:
            return web.json_response({"error": "NotFound"}, status=missing)
        if isinstance(told, bytes):
            return web.Response(body=told)
        return web.json_response(told, status=self.status)


@pytest.fixture
def directory() -> Directory:
    return Directory()


@asynccontextmanager
async def asking(directory: Directory) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    app = web.Application()
    app.router.add_get("/xrpc/com.atproto.identity.resolveHandle", directory.resolve)
    app.router.add_get("/{did}", directory.document)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield session, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def resolved(directory: Directory, handle: str = HANDLE) -> str:
    async with asking(directory) as (session, url):
        return await resolve(handle, session, resolver=url, directory=url)


@pytest.mark.parametrize("written", [HANDLE, f"@{HANDLE}", " Marchbanks.EXAMPLE "])
async def test_a_handle_leads_to_the_account_that_claims_it(directory: Directory, written: str) -> None:
    assert await resolved(directory, written) == DID


@pytest.mark.parametrize("written", ["", "marchbanks", "a..example", "-a.example", "a b.example", "x" * 300, "1.2.3.4"])
async def test_what_is_no_handle_is_not_asked_for(directory: Directory, written: str) -> None:
    with pytest.raises(NotResolved, match="no handle"):
        await resolved(directory, written)


async def test_a_handle_nobody_has(directory: Directory) -> None:
    with pytest.raises(NotResolved, match="Nobody has") as problem:
        await resolved(directory, "nobody.example")
    assert not problem.value.passing


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"id": DID, "alsoKnownAs": ["at://other.example"]}, "known as other.example"),
        ({"id": DID, "alsoKnownAs": []}, "has no handle"),
        ({"id": "did:plc:other", "alsoKnownAs": [f"at://{HANDLE}"]}, "another account's"),
        (b"[" * 100_000, "could not be read"),
        (b"x" * 300_000, "could not be read"),
        (None, "no document"),
    ],
    ids=range(6),
)
async def test_an_account_that_does_not_agree(directory: Directory, document: object, why: str) -> None:
    """Else anybody could point a handle of their own at a councillor's account, or claim a councillor's handle."""
    directory.documents[DID] = document
    with pytest.raises(NotResolved, match=why):
        await resolved(directory)


async def test_a_directory_in_trouble_may_answer_later(directory: Directory) -> None:
    directory.status = 503
    with pytest.raises(NotResolved, match="answered 503") as problem:
        await resolved(directory)
    assert problem.value.passing
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NotResolved, match="Nobody could be asked") as problem:
            await resolve(HANDLE, session, resolver="http://127.0.0.1:9", directory="http://127.0.0.1:9")
    assert problem.value.passing


@pytest.mark.parametrize(
    "did", ["did:key:z6Mk", "did:web:127.0.0.1", "did:web:localhost", "did:web:x.example:8080", ""]
)
async def test_documents_are_fetched_from_nowhere_odd(directory: Directory, did: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NotResolved, match="no kind"):
            await handles_of(did, session)
