"""Following a feed for an evening: what is news, whose it is, when it is asked, and where it may lead us."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise
from random import Random

import pytest
from aiohttp import web

from feedmon.model.posts import Deleted, Edited, Post, PostKey
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import FeedFault, Gap
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.sources import MeetingIndex, Selection, fetching, follow, open_source, rss_fetch
from feedmon.sources.base import Captured, Connected, CursorMoved, SourceItem, SourceLost, SourceRefused
from feedmon.sources.rss import RssSource
from feedmon.sources.rss_fetch import _is_public, _may_be_public
from tests.sources.bluesky_frames import EVENING
from tests.sources.rss_rig import SELECTION, entry, post_id, rostered, serving, spec
from tests.sources.source_conformance import followed, ids_of, one_connection
from tests.sources.stepping import SteppingClock


def posts(items: Sequence[object]) -> list[Post]:
    """The versions captured, in order."""
    return [item.event.post for item in items if isinstance(item, Captured) and not isinstance(item.event, Deleted)]


class TestNews:
    async def test_what_was_there_already_is_not_news(self) -> None:
        old = [entry(f"o{number}", -60 * (number + 1)) for number in range(5)]
        async with serving(*reversed(old), entry("new", 90)) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        assert ids_of(items) == [post_id("new")]

    async def test_begun_late_what_says_it_is_from_since_then_is_news(self) -> None:
        """The publisher's dates are all there is to go by at the first visit. One from the future is no date."""
        entries = [
            entry("before", -600),
            entry("after", 30),
            entry("absurd", -300, claimed="Thu, 05 Mar 2099 19:00:00 GMT"),
            entry("undated", -200, claimed=""),
        ]
        async with serving(*entries) as server:
            server.clock.begin()
            await server.clock.sleep_until(EVENING + timedelta(minutes=5))
            source = RssSource(spec(server.url), SELECTION)
            items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
        assert ids_of(items) == [post_id("after")]
        assert isinstance(items[0], Connected)
        assert items[0].replays

    async def test_observed_is_when_it_was_seen_whatever_it_claims(self) -> None:
        new = entry("new", 90, claimed="Mon, 01 Jan 1996 00:00:00 GMT")
        async with serving(entry("old", -60), new) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        (post,) = posts(items)
        assert post.observed_at >= EVENING + timedelta(seconds=90)
        assert post.claimed_at is not None
        assert post.claimed_at.year == 1996

    async def test_an_old_entry_that_comes_up_again_at_the_end_is_not_news(self) -> None:
        ancient = entry("ancient", -90_000)
        deleted = entry("deleted", -7_200, gone_at=EVENING + timedelta(seconds=50))
        entries = [ancient, deleted, entry("old", -3_600), entry("new", 200)]
        async with serving(*entries, shown=2) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        assert ids_of(items) == [post_id("new")]

    async def test_an_edit_is_a_version_and_so_is_going_back_to_what_it_was(self) -> None:
        said = ["#SaltmarshTC one", "two", "#SaltmarshTC one", "three"]
        entries = [entry("e", -60, "before"), *(entry("e", 100 * (n + 1), html) for n, html in enumerate(said))]
        async with serving(*entries) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=4)
        events = [item.event for item in items if isinstance(item, Captured)]
        assert [type(event) for event in events] == [Edited] * 4
        assert [post.text for post in posts(items)] == said
        assert len({post.version for post in posts(items)}) == 4

    async def test_what_was_held_before_a_restart_stays_followed(self) -> None:
        async with serving(entry("held", -600, "no tag"), entry("held", 90, "still none")) as server:
            held = [PostKey("rss", post_id("held")), PostKey("bluesky", post_id("x"))]
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION, held=held), server.clock, until=2)
        assert [post.text for post in posts(items)] == ["no tag", "still none"]

    async def test_an_entry_that_is_given_a_new_name_every_time_is_taken_once(self) -> None:
        text = "#SaltmarshTC <a href='https://gazette.example/p/7'>7</a>"
        renamed = [
            entry(f"n{number}", 90 + 60 * number, text, gone_at=EVENING + timedelta(seconds=150 + 60 * number))
            for number in range(4)
        ]
        async with serving(entry("old", -60), *renamed, entry("new", 400, "#SaltmarshTC new")) as server:
            server.link = "https://gazette.example/always-this"
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=2)
        assert ids_of(items)[-1] == post_id("new")
        assert len(ids_of(items)) == 2

    async def test_several_at_once_come_in_the_order_they_were_written(self) -> None:
        entries = [entry("old", -60), *(entry(f"n{number}", 61 + number) for number in range(5))]
        async with serving(*entries) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=5)
        assert ids_of(items) == [post_id(f"n{number}") for number in range(5)]

    async def test_atom_is_followed_alike(self) -> None:
        async with serving(entry("old", -60), entry("new", 90, author="N"), atom=True) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        assert [post.author.handle for post in posts(items)] == ["n@127.0.0.1"]

    async def test_more_than_it_shows_at_once_is_a_hole_on_record(self) -> None:
        entries = [entry("old", -60), *(entry(f"n{number}", 70 + number) for number in range(9))]
        async with serving(*entries, shown=3, rate=600) as server:
            source = RssSource(spec(server.url), SELECTION)
            items: list[SourceItem] = []
            async with asyncio.timeout(5), aclosing(follow(source, None, server.clock, Random(1))) as following:
                async for item in following:
                    items.append(item)
                    if len(ids_of(items)) == 3:
                        break
        gaps = [item for item in items if isinstance(item, Gap)]
        assert [gap.filled for gap in gaps] == [False]
        assert "more was published" in gaps[0].why


class TestWhose:
    async def test_a_feed_or_a_name_on_a_site_is_an_account(self) -> None:
        """A feed's address as id: all in it is that member's. A name at a host as handle: what that name signs."""
        entries = [
            entry("old", -60),
            entry("a", 90, "By the council", author="A Reporter"),
            entry("b", 190, "My column", author="Priya  Sandhu"),
        ]
        async with serving(*entries) as server:
            meeting = rostered("https://marchbanks.example/feed")
            source = RssSource(spec(server.url), Selection.of([meeting]))
            items, _ = await one_connection(source, server.clock, until=1)
            owned = rostered(server.url)
            source = RssSource(spec(server.url), Selection.of([owned]))
            all_items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=2)
        (column,) = posts(items)
        assert column.author.handle == "priya-sandhu@127.0.0.1"
        assert column.author.name == "Priya Sandhu"
        assert MeetingIndex([meeting]).meetings_for(column) == ("saltmarsh",)
        assert [post.id for post in posts(all_items)] == [post_id("a"), post_id("b")]

    async def test_the_same_name_on_another_site_is_someone_else(self) -> None:
        async with serving(
            entry("old", -60), entry("b", 90, "x", author="Helen Marchbanks"), entry("c", 190)
        ) as server:
            meeting = rostered("https://marchbanks.example/feed")
            tagged = Selection(hashtags=SELECTION.hashtags, author_ids=Selection.of([meeting]).author_ids)
            items, _ = await one_connection(RssSource(spec(server.url), tagged), server.clock, until=1)
        assert ids_of(items) == [post_id("c")]

    async def test_a_category_is_a_hashtag(self) -> None:
        async with serving(entry("old", -60), entry("b", 90, "x", categories=("Saltmarsh TC",))) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        assert ids_of(items) == [post_id("b")]


class TestManners:
    async def test_unchanged_feeds_are_asked_conditionally_and_never_sooner_than_a_minute(self) -> None:
        async with serving(entry("old", -60), entry("new", 200)) as server:
            await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        asked = [headers.get("if-none-match") for _, headers in server.visits]
        assert asked[0] is None
        assert asked[1] is not None
        assert all("if-modified-since" in headers for _, headers in server.visits[1:])
        assert all(later - earlier == timedelta(seconds=60) for (earlier, _), (later, _) in pairwise(server.visits))
        assert all(headers["user-agent"].startswith("feedmon/") for _, headers in server.visits)

    async def test_what_was_not_taken_in_is_asked_for_again(self) -> None:
        """A connection closed as soon as it stands must not leave a 304 for the next one."""
        async with serving(entry("old", -60), entry("new", 0)) as server:
            source = RssSource(spec(server.url), SELECTION)
            async with aclosing(source.connect(source.cursor_at(EVENING), server.clock)) as connection:
                assert isinstance(await anext(connection), Connected)
            items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
        assert ids_of(items) == [post_id("new")]

    async def test_trying_again_is_no_way_round_the_minute(self) -> None:
        plan = FaultPlan({1: [Fault.DROP], 2: [Fault.DROP]})
        async with serving(entry("old", -60), entry("a", 90), entry("b", 200), plan=plan, rate=300) as server:
            await followed(RssSource(spec(server.url), SELECTION), server.clock, 2)
        assert all(later - earlier >= timedelta(seconds=50) for (earlier, _), (later, _) in pairwise(server.visits))

    @pytest.mark.parametrize(
        ("control", "apart"),
        [
            ("max-age=180", 180),
            ("max-age=99999", 600),
            ("no-cache, max-age=300", 60),
            ("private", 60),
            ("max-age=5", 60),
        ],
    )
    async def test_a_feeds_word_that_it_stays_as_it_is_is_taken_for_ten_minutes_at_most(
        self, control: str, apart: float
    ) -> None:
        async with serving(
            entry("old", -60), *(entry(f"n{n}", 90 * n + 50) for n in range(12)), headers={"Cache-Control": control}
        ) as server:
            await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=2)
        (first, _), (second, _) = server.visits[:2]
        assert (second - first).total_seconds() == apart

    @pytest.mark.parametrize("status", [429, 503])
    async def test_how_long_to_stay_away_is_heard_as_seconds_or_as_a_date(self, status: int) -> None:
        for said in ("240", format_datetime(EVENING + timedelta(seconds=240), usegmt=True)):
            plan = FaultPlan(answers=[status])
            async with serving(entry("a", 90), plan=plan, headers={"Retry-After": said}) as server:
                _, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
            assert isinstance(end, SourceLost)
            assert end.retry_after == 240

    async def test_gone_is_gone_for_good(self) -> None:
        async with serving(plan=FaultPlan(answers=[410])) as server:
            _, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceRefused)
        assert "gone for good" in end.why

    async def test_not_found_is_a_wrong_address_unless_it_was_there_before(self) -> None:
        async with serving(entry("a", -90), plan=FaultPlan(answers=[404])) as server:
            source = RssSource(spec(server.url), SELECTION)
            _, end = await one_connection(source, server.clock)
            assert isinstance(end, SourceRefused)
            server.plan = FaultPlan()
            source = RssSource(spec(server.url), SELECTION)
            async with asyncio.timeout(3), aclosing(source.connect(None, server.clock)) as connection:
                async for item in connection:
                    if isinstance(item, CursorMoved):
                        break
                server.plan = FaultPlan(answers=[404])
                with pytest.raises(SourceLost):
                    await anext(connection)


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "what"),
        [
            (Fault.GARBAGE, "not a feed"),
            (Fault.TRUNCATED, "cut short"),
            (Fault.BAD_UTF8, "not a feed"),
            (Fault.OVERSIZED, "too large"),
        ],
    )
    async def test_one_bad_document_is_passed_over_and_counted(self, fault: Fault, what: str) -> None:
        plan = FaultPlan({1: [fault]}, size=5_100_000)
        async with serving(entry("old", -60), entry("new", 90), plan=plan) as server:
            items, _ = await one_connection(RssSource(spec(server.url), SELECTION), server.clock, until=1)
        assert FeedFault(source="gazette", what=what, count=1) in items
        assert ids_of(items) == [post_id("new")]
        assert plan.left == 0

    async def test_nothing_but_bad_documents_is_a_loss(self) -> None:
        async with serving(entry("old", -60)) as server:
            server.instead = lambda: web.Response(text="<html>maintenance</html>", content_type="text/html")
            items, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceLost)
        assert "no feed" in end.why
        assert not any(isinstance(item, Connected) for item in items)

    async def test_a_small_answer_that_unpacks_to_a_huge_one_is_too_large(self) -> None:
        bomb = gzip.compress(b" " * 50_000_000)
        async with serving(entry("old", -60)) as server:
            server.instead = lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
            items, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceLost)
        assert FeedFault(source="gazette", what="too large", count=1) in items

    async def test_every_fault_of_the_list_and_nothing_lost_or_doubled(self) -> None:
        entries = [entry("old", -60), *(entry(f"n{number}", 100 * (number + 1)) for number in range(12))]
        plan = FaultPlan.scattered(7, len(entries), 30)
        plan.silence, plan.size = 0.01, 5_100_000
        async with serving(*entries, plan=plan, rate=2_000) as server:
            items = await followed(RssSource(spec(server.url), SELECTION), server.clock, 12)
        assert sorted(ids_of(items)) == sorted(post_id(f"n{number}") for number in range(12))
        assert plan.left == 0

    async def test_a_server_that_takes_too_long_is_a_loss(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching, "PATIENCE", 0.1)
        plan = FaultPlan({0: [Fault.SILENT]}, silence=0.5)
        async with serving(entry("old", -60), plan=plan) as server:
            _, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceLost)
        assert "no answer within" in end.why

    async def test_a_host_that_is_not_there(self) -> None:
        source = RssSource(spec("http://no-such-host.invalid/feed"), SELECTION)
        _, end = await one_connection(source, RehearsalClock(EVENING))
        assert isinstance(end, SourceLost)
        assert "looked up" in end.why

    async def test_a_clock_that_is_wrong_loses_nothing_that_comes_later(self) -> None:
        """Ours is two hours ahead of the publisher's: new entries are news by being new, not by their dates."""
        async with serving(entry("old", -60), entry("new", 90), rate=600) as server:
            ahead = RehearsalClock(EVENING + timedelta(hours=2), 600)
            source = RssSource(spec(server.url), SELECTION)
            items, _ = await one_connection(source, ahead, source.cursor_at(ahead.now()), until=1)
        assert ids_of(items) == [post_id("new")]


class TestRedirects:
    async def test_a_few_are_followed_and_a_loop_is_refused(self) -> None:
        async with serving(entry("old", -60), entry("new", 90)) as server:
            server.redirects = {"/old": "/older", "/older": "/feed", "/round": "/about", "/about": "/round"}
            base = server.url.removesuffix("/feed")
            items, _ = await one_connection(RssSource(spec(f"{base}/old"), SELECTION), server.clock, until=1)
            _, end = await one_connection(RssSource(spec(f"{base}/round"), SELECTION), server.clock)
        assert ids_of(items) == [post_id("new")]
        assert isinstance(end, SourceRefused)
        assert "more than 5 times" in end.why

    @pytest.mark.parametrize(
        ("leads", "why"),
        [
            ("file:///etc/passwd", "no web address"),
            ("javascript:alert(1)", "no web address"),
            ("http://[bad", "no web address"),
        ],
    )
    async def test_redirects_to_what_is_no_web_address_are_refused(self, leads: str, why: str) -> None:
        async with serving() as server:
            server.redirects = {"/feed": leads}
            _, end = await one_connection(RssSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceRefused)
        assert why in end.why

    @pytest.mark.parametrize("where", ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
    async def test_a_public_feed_cannot_lead_us_inside(self, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first address is taken for a public one here; the one it leads to is looked at as it is."""
        looked, public = rss_fetch._look_up, rss_fetch._is_public
        async with serving(entry("secret", 0)) as server:
            port = server.url.rpartition(":")[2].removesuffix("/feed")
            server.redirects = {"/out": f"http://{where}:{port}/feed"}
            asked = 0

            async def look_up(url: str) -> tuple[IPv4Address | IPv6Address, ...]:
                nonlocal asked
                asked += 1
                return await looked(url)

            monkeypatch.setattr(rss_fetch, "_look_up", look_up)
            monkeypatch.setattr(rss_fetch, "_is_public", lambda address: asked == 1 or public(address))
            source = RssSource(spec(server.url.replace("/feed", "/out")), SELECTION)
            _, end = await one_connection(source, server.clock)
        assert isinstance(end, SourceRefused)
        assert "private network" in end.why
        assert not server.visits

    @pytest.mark.parametrize(
        "inside",
        ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
         "fe80::1", "fd00::1", "::ffff:10.0.0.1", "2002:7f00:1::", "::"],
    )  # fmt: skip
    def test_addresses_that_are_not_of_the_open_internet(self, inside: str) -> None:
        assert not _is_public(ip_address(inside))

    def test_addresses_that_are(self) -> None:
        assert _is_public(ip_address("93.184.215.14"))
        assert _is_public(ip_address("2606:4700::1"))

    def test_behind_a_proxy_names_are_judged_by_their_looks(self) -> None:
        assert _may_be_public("http://gazette.example/feed")
        for inside in ("http://127.0.0.1/", "http://[::1]/", "http://intranet/", "http://printer.local/"):
            assert not _may_be_public(inside)


@pytest.mark.parametrize("url", ["", "wss://x.example", "https://", "https://[::bad", "https://x.example:99999/"])
def test_an_address_that_cannot_be_one_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match="source “gazette”, url"):
        RssSource(spec(url), SELECTION)


def test_the_registry_opens_it() -> None:
    assert open_source(spec("https://gazette.example/feed"), SELECTION).name == "gazette"


async def test_it_can_be_asked_whether_it_would_work() -> None:
    async with serving(entry("a", -60), entry("b", -30)) as server:
        clock = server.clock
        assert await RssSource(spec(server.url), SELECTION).check(clock) == "it shows 2 entries"
        server.instead = lambda: web.Response(text="<html>hello</html>", content_type="text/html")
        with pytest.raises(SourceLost, match="no feed"):
            await RssSource(spec(server.url), SELECTION).check(clock)


async def test_a_visit_much_too_late_is_a_loss_and_what_it_shows_is_taken_in_then() -> None:
    """The machine was asleep: what was shown and taken away meanwhile nobody saw, so that is a hole to be told."""
    async with serving(entry("a", 30), entry("b", 100)) as server:
        source = RssSource(spec(server.url), SELECTION)
        assert isinstance(server.clock, SteppingClock)
        async with aclosing(source.connect(None, server.clock)) as connection:
            while not isinstance(await anext(connection), Captured):
                pass
            await anext(connection)
            server.clock.jump(300)
            with pytest.raises(SourceLost, match="4 minutes late") as lost:
                await anext(connection)
        assert lost.value.clean
        items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
    assert items[0] == Connected(replays=True)
    assert ids_of(items) == [post_id("b")]
