"""The chair's page over real HTTP: a link that opens once, one calm page, and a button whose time comes back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path

import aiohttp
import pytest

from feedmon.alerts.masking import Masker
from feedmon.service.chair import SESSION_SECONDS, ChairDoor
from feedmon.wire import ChairSaw, FlagRaised
from tests.service.evening import Desk, Evening, evening, line
from tests.service.rooms import BRENNAN, GOSSIP, RESIDENT, at
from tests.service.test_api import EXCLUDED, OPENED

NASTY = "<script>alert(1)</script> \u202eyou'll see"
WORDS = "Please leave each other's persons alone. <b>All</b> of us."


@asynccontextmanager
async def told(data: Path, text: str = GOSSIP) -> AsyncIterator[tuple[Evening, Desk, str]]:
    """An evening in which the chair was just told of one flag: the evening, a desk, the flag's id."""
    async with evening(data, [line(1, 34, text, BRENNAN)], starts=33.5) as held, held.desk() as desk:
        await desk.post("marks", OPENED)
        await desk.post("marks", EXCLUDED)
        flag = (await desk.until(FlagRaised)).view.flag.id
        body = {"id": "d1", "flag": flag, "kind": "tell_chair", "words": WORDS}
        assert (await desk.post("decisions", body))[0] == 200
        yield held, desk, flag


@asynccontextmanager
async def chair(held: Evening) -> AsyncIterator[aiohttp.ClientSession]:
    """The chair's browser, its page open."""
    async with aiohttp.ClientSession(base_url=held.running.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(held.running.chair_link(held.meeting.id)) as answer:
            assert answer.status == 200
        yield browser


async def page_of(browser: aiohttp.ClientSession) -> str:
    async with browser.get("/chair") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_link_opens_once_and_a_new_one_ends_the_last(tmp_path: Path) -> None:
    """On the device that opened it the page stays; on another the link opens nothing, and says what to do."""
    async with evening(tmp_path) as held, held.desk() as desk:
        first = (await desk.post("chair-link", b""))[1]["url"]
        second = (await desk.post("chair-link", b""))[1]["url"]
        assert isinstance(second, str)
        async with aiohttp.ClientSession() as browser, browser.get(str(first)) as answer:
            assert answer.status == 404
            assert "Ask the clerk" in await answer.text()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.get(second) as answer:
                assert answer.status == 200
                cookie = answer.headers["Set-Cookie"]
            async with browser.get(second) as again:
                assert (again.status, again.url.path) == (200, "/chair")
        async with aiohttp.ClientSession() as other, other.get(second) as answer:
            assert answer.status == 404
        for wanted in ("HttpOnly", "SameSite=Strict", "Path=/chair"):
            assert wanted in cookie
        assert held.running.token not in cookie


async def test_nothing_may_run_or_be_kept_but_the_pages_own(tmp_path: Path) -> None:
    """A strict policy, no storing, no framing, nothing from elsewhere."""
    async with told(tmp_path) as (held, _, _):
        link = held.running.chair_link(held.meeting.id)
        async with aiohttp.ClientSession() as browser, browser.get(link) as answer:
            headers, text = answer.headers, await answer.text()
    policy = headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    assert "default-src 'none'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert text.count(f'nonce="{nonce.group(1)}"') == len(re.findall(r"<(?:script|style)\b", text)) == 2
    assert "http://" not in text
    assert "https://" not in text


async def test_the_page_says_one_line_the_clause_and_the_words_and_the_seen_button_answers(tmp_path: Path) -> None:
    """Who and what in neutral words; escaped; pressing *seen* tells the desk the time, once."""
    async with told(tmp_path, f"{GOSSIP} {NASTY}") as (held, desk, flag), chair(held) as browser:
        text = await page_of(browser)
        assert "Possible: posted from a closed session. Aoife Brennan, 19:04." in text
        assert "Clause 8.5.a, Ventnor Town Council, for review: " in text
        assert "Please leave each other&#39;s persons alone. &lt;b&gt;All&lt;/b&gt; of us." in text
        assert "<script>alert" not in text
        assert "The post was" not in text
        assert "short memories" not in text, "what was said in private is not said again on the page"
        for _ in range(2):
            async with browser.post("/chair/seen", data={"flag": flag}) as answer:
                assert (answer.status, answer.url.path) == (200, "/chair")
        saw = await desk.until(ChairSaw)
        assert saw.flag == flag
        assert saw.at - at(34) < timedelta(minutes=60)
        assert "Seen at" in await page_of(browser)
        async with held.desk() as late:
            (view,) = (await late.snapshot()).flags
        assert view.seen_by_chair_at == saw.at
        assert not any(isinstance(message, ChairSaw) for message in desk.heard if message is not saw)


async def test_the_page_changes_by_itself_and_a_telling_taken_back_is_marked_so(tmp_path: Path) -> None:
    """Its live line brings each change; the last word is that the service stopped."""
    async with told(tmp_path) as (held, desk, flag), chair(held) as browser, browser.get("/chair/events") as events:
        assert events.content_type == "text/event-stream"

        async def notes() -> str:
            async with asyncio.timeout(10):
                while (await events.content.readline()) != b"event: notes\n":
                    pass
                html: str = json.loads((await events.content.readline()).removeprefix(b"data: "))
                return unescape(html)

        assert "Aoife Brennan" in await notes()
        await desk.post("decisions", {"id": "d2", "flag": flag, "kind": "undo", "undoes": "d1"})
        html = await notes()
        assert "Withdrawn by the clerk" in html
        assert "Aoife Brennan" not in html
        async with browser.post("/chair/seen", data={"flag": flag}) as answer:
            assert answer.status == 409
        await desk.post("marks", {"id": "m9", "kind": "withdrawn", "supersedes": "m2"})
        await desk.post("decisions", {"id": "d3", "flag": flag, "kind": "tell_chair", "words": "Once more."})
        while "No longer applies" not in html:
            html = await notes()


async def test_without_a_session_the_page_tells_nothing(tmp_path: Path) -> None:
    """No cookie, a forged one, one of another service: 401."""
    async with told(tmp_path) as (held, _, flag):
        forged = ChairDoor("another service's token")
        token = forged.new_link(held.meeting.id)
        for cookie in ("", "x.y", ".", "é", forged.open(token) or ""):
            async with aiohttp.ClientSession(held.running.url, cookies={"feedmon_chair": cookie}) as browser:
                for method, path in (("GET", "/chair"), ("GET", "/chair/events"), ("POST", "/chair/seen")):
                    data = {"flag": flag} if method == "POST" else None
                    async with browser.request(method, path, data=data) as answer:
                        assert answer.status == 401
                        assert "Aoife" not in await answer.text()


async def test_a_page_elsewhere_cannot_press_the_button(tmp_path: Path) -> None:
    """Browsers say where a request comes from."""
    async with told(tmp_path) as (held, _, flag), chair(held) as browser:
        headers = {"Sec-Fetch-Site": "cross-site"}
        async with browser.post("/chair/seen", data={"flag": flag}, headers=headers) as answer:
            assert answer.status == 400


async def test_the_chairs_page_lives_on_when_the_service_is_started_again(tmp_path: Path) -> None:
    """The chair need not ask for a link in the middle of a meeting."""
    async with told(tmp_path) as (held, _, _), chair(held) as browser:
        cookies = {cookie.key: cookie.value for cookie in browser.cookie_jar}
    async with evening(tmp_path, starts=40) as held, aiohttp.ClientSession(held.running.url, cookies=cookies) as again:
        assert "Aoife Brennan" in await page_of(again)


def test_a_session_ends_long_after_any_meeting() -> None:
    """And not before."""
    now = [1_000_000.0]
    door = ChairDoor("token", lambda: now[0])
    cookie = door.open(door.new_link("m"))
    now[0] += SESSION_SECONDS - 1
    assert door.meeting_of(cookie) == "m"
    now[0] += 2
    assert door.meeting_of(cookie) is None


async def test_strong_language_is_masked_but_names_are_not() -> None:
    """A member called Dick is not a swear word; long posts are cut to a line."""
    masker = Masker(["Dick Penhallow"])
    assert await masker.mask("Dick Penhallow, this is\nfucking  late") == "Dick Penhallow, this is **** late"
    long = await masker.mask("word " * 200)
    assert len(long) < 310
    assert long.endswith("…")
    assert RESIDENT.handle not in long


async def test_masking_does_not_hold_up_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """better-profanity takes tens of milliseconds: in a thread, and once for each text."""
    masker = Masker()
    ran: list[bool] = []

    async def ticking() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
            ran.append(True)

    async with asyncio.TaskGroup() as tasks:
        masking = tasks.create_task(masker.mask("shit happens"))
        tasks.create_task(ticking())
    assert masking.result() == "**** happens"
    assert len(ran) == 5
    monkeypatch.setattr(masker, "_mask", None)
    assert await masker.mask("shit happens") == "**** happens"
