"""The rehearsed feed keeps to what web servers and feeds do, fact by fact."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import aiohttp
import pytest

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.rss_server import FeedEntry, RssServer
from tests.sources.bluesky_frames import EVENING
from tests.sources.rss_rig import entry


def still(seconds: float = 0) -> RehearsalClock:
    """A clock that as good as stands, so many seconds into the evening."""
    return RehearsalClock(EVENING + timedelta(seconds=seconds), 0.001)


async def ask(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    async with aiohttp.ClientSession() as session:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with session.get(url, headers=names, allow_redirects=False) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.text()


async def test_whoever_has_the_document_is_not_sent_it_again() -> None:
    async with RssServer([entry("a", -60)], still()) as server:
        status, headers, _ = await ask(server.url)
        again, _, body = await ask(server.url, If_None_Match=headers["etag"])
        other, _, _ = await ask(server.url, If_None_Match='"another"')
    assert (status, again, body, other) == (200, 304, "", 200)
    assert headers["last-modified"] == "Thu, 05 Mar 2026 18:59:00 GMT"
    assert headers["content-type"].startswith("application/rss+xml")


@pytest.mark.parametrize("atom", [False, True])
async def test_it_shows_the_newest_first_and_so_many_at_once_and_the_latest_state_of_each(atom: bool) -> None:
    entries = [
        *(entry(f"g{number}", -60 + number) for number in range(6)),
        entry("g4", -1, "edited"),
        entry("g5", -2, "taken away", gone_at=EVENING),
        entry("later", 60),
    ]
    async with RssServer(entries, still(), shown=3, atom=atom) as server:
        _, _, body = await ask(server.url)
    places = [body.find(f">g{number}<") for number in range(6)]
    assert -1 < places[4] < places[3] < places[2]
    assert places[0] == places[1] == places[5] == -1
    assert "edited" in body
    assert "later" not in body


async def test_html_is_escaped_and_odd_dates_are_sent_as_they_are() -> None:
    odd = FeedEntry(guid="a", at=EVENING, title="Fish & chips", html="<p>x</p>", author="N & M", claimed="yesterday")
    async with RssServer([odd], still(1)) as server:
        _, _, body = await ask(server.url)
    for part in ("Fish &amp; chips", "&lt;p&gt;x&lt;/p&gt;", "N &amp; M", "<pubDate>yesterday</pubDate>"):
        assert part in body


async def test_redirects_headers_and_planned_answers() -> None:
    plan = FaultPlan(answers=[503])
    async with RssServer([], still(), headers={"Retry-After": "7"}, plan=plan) as server:
        server.redirects = {"/old": "/feed"}
        led, headers, _ = await ask(server.url.replace("/feed", "/old"))
        first, busy, _ = await ask(server.url)
        second, _, _ = await ask(server.url)
    assert (led, headers["location"], first, busy["retry-after"], second) == (301, "/feed", 503, "7", 200)


@pytest.mark.parametrize("fault", list(Fault))
async def test_each_fault_happens_once_and_then_the_document_is_to_be_had(fault: Fault) -> None:
    plan = FaultPlan({0: [fault]}, silence=0.01, size=1_000)
    async with RssServer([entry("a", -60)], still(), plan=plan) as server:
        with suppress(aiohttp.ClientError, UnicodeDecodeError):
            await ask(server.url)
        status, _, body = await ask(server.url)
    assert status == 200
    assert ">a<" in body
    assert plan.happened[fault] == 1
    assert plan.left == 0
