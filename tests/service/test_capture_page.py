"""The page for capturing posts, over real HTTP: a link that opens once, a cookie of its own, and nothing without it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from feedmon.wire import CaptureRequest, FlagRaised
from tests.service.evening import Desk, Evening, evening
from tests.service.rooms import THREAT, at

ASKED = CaptureRequest(id="c1", network="facebook", author="Gull Watcher", text=THREAT, at=at(30))
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def browser(held: Evening, desk: Desk) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser in which the link was opened."""
    status, answer = await desk.post("capture-link", b"")
    assert status == 200
    async with aiohttp.ClientSession(base_url=held.running.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(str(answer["url"])) as page:
            assert page.status == 200
            assert page.url.path == "/capture"
        async with aiohttp.ClientSession() as other, other.get(str(answer["url"])) as page:
            assert page.status == 404
        yield session


async def test_a_post_goes_from_the_page_to_the_desk(tmp_path: Path) -> None:
    async with evening(tmp_path, rate=1) as held, held.desk() as desk, browser(held, desk) as page:
        async with page.get("/capture/meeting") as answer:
            told = await answer.json()
        assert told["title"] == "Saltmarsh Town Council: Full Council"
        assert {"id": "aoife-brennan", "name": "Aoife Brennan"} in told["members"]
        for _ in range(2):
            async with page.post("/capture/post", data=msgspec.json.encode(ASKED), headers=JSON) as answer:
                assert answer.status == 200
                assert (await answer.json())["entry"] > 0
        flag = await desk.until(FlagRaised)
        assert flag.view.post.source == "by hand"


async def test_without_its_cookie_nothing_is_told_or_taken(tmp_path: Path) -> None:
    """The empty form alone is shown; the chair's cookie does not open it, nor this one the chair's page."""
    body = msgspec.json.encode(ASKED)
    async with evening(tmp_path, rate=1) as held, held.desk() as desk, browser(held, desk) as page:
        async with page.get("/chair") as answer:
            assert answer.status == 401
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(base_url=held.running.url, cookie_jar=jar) as chair:
            async with chair.get(held.running.chair_link(held.meeting.id)) as answer:
                assert answer.status == 200
            (cookie,) = jar
            for cookies in ({}, {"feedmon_capture": cookie.value}):
                async with aiohttp.ClientSession(base_url=held.running.url, cookies=cookies) as stranger:
                    async with stranger.get("/capture") as answer:
                        assert answer.status == 200
                        assert "Aoife" not in await answer.text()
                    async with stranger.get("/capture/meeting") as answer:
                        assert answer.status == 401
                    async with stranger.post("/capture/post", data=body, headers=JSON) as answer:
                        assert answer.status == 401
                        assert "feedmon capture --browser" in await answer.text()


@pytest.mark.parametrize(
    "headers", [{**JSON, "Sec-Fetch-Site": "cross-site"}, {**JSON, "Sec-Fetch-Site": "same-site"}, {}]
)
async def test_another_sites_page_cannot_capture(tmp_path: Path, headers: dict[str, str]) -> None:
    async with evening(tmp_path, rate=1) as held, held.desk() as desk, browser(held, desk) as page:
        async with page.post("/capture/post", data=msgspec.json.encode(ASKED), headers=headers) as answer:
            assert answer.status == 400
        async with page.post("/capture/post", data=b"{}", headers=JSON) as answer:
            assert answer.status == 400


async def page_text(tmp_path: Path) -> tuple[str, str]:
    async with evening(tmp_path, rate=1) as held, held.session("") as session, session.get("/capture") as answer:
        return await answer.text(), answer.headers["Content-Security-Policy"]


async def test_nothing_runs_in_the_page_but_its_own_script(tmp_path: Path) -> None:
    text, policy = await page_text(tmp_path)
    nonces = set(re.findall(r'nonce="([^"]+)"', text))
    assert len(nonces) == 1
    assert "default-src 'none'" in policy
    assert f"script-src 'nonce-{nonces.pop()}'" in policy
    assert "innerHTML" not in text
    assert not re.search(r"\son\w+=", text)
    assert "http" not in re.sub(r"<!doctype html>|https?://\[", "", text).replace("https://…", "")


BROWSER = """
const filled = {url: {}, text: {}, network: {}, member: {append() {}}};
const bookmark = {};
const elements = {said: {}, meeting: {}, bookmarklet: bookmark};
globalThis.location = {hash: "#url=https%3A%2F%2Fm.facebook.com%2Fp%2F1&text=caf%C3%A9%20%26%20%3Cb%3E", origin: "http://127.0.0.1:8642"};
globalThis.history = {replaceState() {}};
globalThis.document = {querySelector: () => ({elements: {namedItem: name => filled[name]}, addEventListener() {}}),
  getElementById: name => elements[name]};
globalThis.fetch = () => new Promise(() => {});
"""

CLICKED = """
let opened = "";
globalThis.open = address => { opened = address; };
globalThis.location = {href: "https://www.facebook.com/groups/1?x=1&y=2"};
globalThis.getSelection = () => "So & so #SaltmarshTC";
eval(decodeURIComponent(bookmark.href.replace(/^javascript:/, "")));
console.log(JSON.stringify([filled.url.value, filled.text.value, filled.network.value, opened]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node to run the page's script")
async def test_the_bookmark_opens_the_form_filled_in(tmp_path: Path) -> None:
    """The page's own script, run with a stand-in for a browser: what the bookmark sends is what the form takes."""
    text, _ = await page_text(tmp_path)
    script = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)[0].replace('"use strict";', "")
    node = await asyncio.create_subprocess_exec(
        "node", "-e", BROWSER + script + CLICKED, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        out, _ = await node.communicate()
    url, words, network, opened = msgspec.json.decode(out)
    assert (url, words, network) == ("https://m.facebook.com/p/1", "café & <b>", "facebook")
    address, _, fragment = opened.partition("#")
    assert address == "http://127.0.0.1:8642/capture"
    assert fragment == ("url=https%3A%2F%2Fwww.facebook.com%2Fgroups%2F1%3Fx%3D1%26y%3D2&text=So+%26+so+%23SaltmarshTC")
