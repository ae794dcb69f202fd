"""Mastodon, followed from a real server on this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from random import Random

import msgspec
import pytest

from feedmon.model.instants import Clock
from feedmon.model.meeting import Account
from feedmon.model.posts import Deleted, Edited, Seen
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import FeedFault, Gap
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.mastodon_recording import Act, mastodon_recording_of
from feedmon.rehearsal.mastodon_server import TOKEN, MastodonServer
from feedmon.sources import open_source, selection_for
from feedmon.sources.base import (
    Captured,
    Connected,
    ConnectionItem,
    CursorMoved,
    Source,
    SourceItem,
    SourceLost,
    SourceRefused,
)
from feedmon.sources.mastodon import MastodonSource
from feedmon.sources.mastodon_connection import LEFT_OUT, UNANSWERED
from feedmon.sources.mastodon_rest import AskFailed, Limits, MastodonRest
from feedmon.sources.select import Selection
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import EVENING
from tests.sources.mastodon_rig import (
    DOMAIN,
    MEETING,
    MEMBER,
    QUICK,
    RATE,
    SANDHU,
    TAGS_ONLY,
    MastodonRig,
    at,
    deleted,
    posted,
    recording,
    source_for,
    spec,
    status,
)
from tests.sources.source_conformance import BRISK, Rig, SourceConformance, ids_of, one_connection


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_MASTODON", TOKEN)


class TestMastodonConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return MastodonRig()


class TestGoToSocialConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return MastodonRig(gotosocial=True)


def serving(*acts: Act, rate: float = RATE, held: bool = True, **more: object) -> MastodonServer:
    clock = RehearsalClock(EVENING, rate, held=held)
    return MastodonServer(recording(*acts), clock, domain=DOMAIN, **more)  # type: ignore[arg-type]


def events_of(items: list[ConnectionItem]) -> list[tuple[type, str]]:
    return [
        (type(item.event), item.event.key.id if isinstance(item.event, Deleted) else item.event.post.text)
        for item in items
        if isinstance(item, Captured)
    ]


def faults_of(items: list[ConnectionItem]) -> dict[str, int]:
    return {item.what: item.count for item in items if isinstance(item, FeedFault)}


async def until(
    source: Source, clock: Clock, enough: Callable[[list[ConnectionItem]], bool]
) -> tuple[list[ConnectionItem], SourceLost | SourceRefused | None]:
    """What one connection yields until it is enough."""
    items: list[ConnectionItem] = []
    async with asyncio.timeout(10), aclosing(source.connect(None, clock)) as connection:
        try:
            async for item in connection:
                items.append(item)
                if enough(items):
                    return items, None
        except (SourceLost, SourceRefused) as end:
            return items, end
    raise AssertionError("a connection must end by saying why")


async def _end_of(connection: AsyncGenerator[ConnectionItem, None]) -> SourceLost | SourceRefused | None:
    try:
        async for _ in connection:
            pass
    except (SourceLost, SourceRefused) as end:
        return end
    return None


# Being let in


async def test_without_a_token_it_is_said_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEEDMON_TOKEN_MASTODON")
    async with serving() as server:
        _, end = await one_connection(source_for(server), server.clock)
    assert isinstance(end, SourceRefused)
    assert "FEEDMON_TOKEN_MASTODON" in end.mend


async def test_an_apps_own_token_is_refused_with_the_servers_reason() -> None:
    async with serving(tokens={TOKEN: "app"}) as server:
        _, end = await one_connection(source_for(server), server.clock)
    assert isinstance(end, SourceRefused)
    assert "401: Invalid access token" in end.why
    assert "scope “read”" in end.mend


@pytest.mark.parametrize("hashtag_feeds", ["public", "authenticated"])
async def test_a_token_without_the_scope_is_refused_though_the_socket_opens_and_stays(hashtag_feeds: str) -> None:
    async with serving(tokens={TOKEN: "write"}) as server:
        server.hashtag_feeds = hashtag_feeds
        _, end = await one_connection(source_for(server), server.clock)
    assert isinstance(end, SourceRefused)
    assert "required scopes" in end.why
    assert "scope “read”" in end.mend


async def test_a_token_revoked_during_the_meeting_reads_as_a_clean_close_and_is_then_refused() -> None:
    async with serving(posted(status(1, seconds=4))) as server:
        source = source_for(server)
        async with aclosing(source.connect(None, server.clock)) as connection:
            assert isinstance(await anext(connection), Connected)
            await server.revoke(TOKEN)
            lost = await _end_of(connection)
        _, end = await one_connection(source, server.clock)
    assert isinstance(lost, SourceLost)
    assert lost.clean
    assert isinstance(end, SourceRefused)


async def test_a_server_that_shows_hashtags_to_nobody_is_refused() -> None:
    async with serving() as server:
        server.hashtag_feeds = "disabled"
        _, end = await one_connection(source_for(server), server.clock)
    assert isinstance(end, SourceRefused)
    assert "another server" in end.mend


async def test_the_token_stands_in_no_address_and_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "feedmon")
    secret = "s3cret-t0ken"
    monkeypatch.setenv("FEEDMON_TOKEN_MASTODON", secret)
    async with serving(posted(status(1, seconds=4)), tokens={secret: "read"}) as server:
        source = source_for(server, MEETING)
        await one_connection(source, server.clock, until=1)
        await server.revoke(secret)
        _, end = await one_connection(source, server.clock)
    assert server.requests
    assert not [request for request in server.requests if secret in request]
    assert secret not in caplog.text
    assert secret not in str(end)


@pytest.mark.parametrize(
    "url",
    ["", "wss://x.example", "https://", "https://[bad", "https://x.example/@council", "https://x.example:99999",
     "http://x.example", "https://x.example?a=b"],
)  # fmt: skip
def test_an_address_that_is_no_servers_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match="source “mastodon”, url"):
        MastodonSource(spec(url), Selection())


def test_the_registry_knows_it() -> None:
    assert isinstance(open_source(spec("https://mastodon.example"), Selection()), MastodonSource)


# What the stream does not bring


async def test_an_open_but_silent_stream_is_found_out_and_what_it_kept_back_is_captured() -> None:
    async with serving(posted(status(1, "<p>kept back</p>", 6)), silent=True) as server:
        items, end = await one_connection(source_for(server), server.clock)
    assert events_of(items) == [(Seen, "kept back")]
    assert isinstance(end, SourceLost)
    assert "open but silent" in end.why
    assert not end.clean


async def test_an_evening_on_which_nobody_posts_is_no_silent_stream() -> None:
    async with serving() as server, aclosing(source_for(server).connect(None, server.clock)) as connection:
        async for item in connection:
            if isinstance(item, CursorMoved) and item.at is not None and item.at > at(20):
                break
    assert server.asked["/api/v1/timelines/tag/saltmarshtc"] >= 3


async def test_what_a_working_stream_leaves_out_is_found_and_counted() -> None:
    acts = [posted(status(1, seconds=4)), posted(status(2, seconds=6), streamed=False)]
    async with serving(*acts) as server:
        items, _ = await until(source_for(server), server.clock, lambda items: LEFT_OUT in faults_of(items))
    assert sorted(ids_of(items)) == sorted(act.status["uri"] for act in acts if act.status)
    assert faults_of(items) == {LEFT_OUT: 1}


async def test_what_came_while_away_is_found_though_it_is_filed_under_an_earlier_time() -> None:
    """A post from another server comes late and lies, by its own time, before the gap: it is dated into the gap."""
    late = status(2, "<p>late</p>", seconds=-300)
    async with serving(posted(status(1, seconds=4)), posted(late, 30), posted(status(3, seconds=31))) as server:
        source = source_for(server)
        first, _ = await one_connection(source, server.clock, until=1)
        gap_begins = server.clock.now()
        await server.clock.sleep_until(at(40))
        second, _ = await one_connection(source, server.clock, source.cursor_at(gap_begins), until=2)
    assert ids_of(first) == [status(1, seconds=4)["uri"]]
    captured = [item.event for item in second if isinstance(item, Captured)]
    assert [event.post.text for event in captured if isinstance(event, Seen)] == ["late", "Words"]
    assert isinstance(captured[0], Seen)
    assert captured[0].post.observed_at == gap_begins
    assert captured[0].post.claimed_at == at(-300)


async def test_more_than_a_page_came_while_away() -> None:
    posts = [status(nth, seconds=nth / 10) for nth in range(130)]
    async with serving(before=posts, held=False) as server:
        await server.clock.sleep_until(at(15))
        source = source_for(server)
        items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=130)
    assert items[0] == Connected(replays=True)
    assert ids_of(items) == [post["uri"] for post in posts]


async def test_while_asking_fails_the_stream_goes_on_and_the_refill_is_tried_again() -> None:
    missed = status(1, "<p>missed</p>", -60)
    acts = (posted(status(2, "<p>live</p>", 3)), posted(status(3, "<p>later</p>", 50)))
    async with serving(*acts, before=[missed], rest_answers=[503]) as server:
        source = source_for(server)
        items, _ = await one_connection(source, server.clock, source.cursor_at(at(-120)), until=3)
    assert items[0] == Connected(replays=False)
    assert [text for _, text in events_of(items)] == ["live", "missed", "later"]
    cursors = {
        item.event.post.text: item.cursor
        for item in items
        if isinstance(item, Captured) and isinstance(item.event, Seen)
    }
    assert cursors["live"] is None
    assert cursors["later"] is not None
    assert faults_of(items) == {UNANSWERED: 1}


async def test_members_are_followed_by_asking_whatever_they_write_about() -> None:
    rain = status(1, "<p>Rain</p>", 3, by=MEMBER, tags=[])
    edit = {**rain, "content": "<p>More rain</p>", "edited_at": status(1, edited=40)["edited_at"]}
    boost = status(3, "", 70, by=SANDHU, tags=[], reblog=status(2, "<p>passed on</p>"))
    accounts = [MEMBER, SANDHU]
    async with serving(posted(rain), posted(edit), posted(boost), accounts=accounts) as server:
        items, _ = await one_connection(source_for(server, MEETING), server.clock, until=3)
    assert events_of(items) == [(Seen, "Rain"), (Edited, "More rain"), (Seen, "passed on")]
    posts = [item.event.post for item in items if isinstance(item, Captured) and not isinstance(item.event, Deleted)]
    assert [post.observed_at for post in posts] == [at(3), at(40), at(70)]
    assert posts[0].author.id == MEMBER["uri"]
    assert "a followed account is not known to this server" in faults_of(items)  # the council's own is not here


@pytest.mark.parametrize("gotosocial", [False, True])
async def test_posts_held_are_asked_for_again_for_edits_and_deletions_the_stream_does_not_bring(
    gotosocial: bool,
) -> None:
    post = status(1, "<p>tagged</p>", 4)
    other = status(2, "<p>other</p>", 4)
    untagged = {**post, "tags": [], "content": "<p>no tag</p>", "edited_at": status(1, edited=20)["edited_at"]}
    acts = (posted(post), posted(other), posted(untagged), deleted(post, 50))
    async with serving(*acts, gotosocial=gotosocial) as server:
        items, _ = await until(source_for(server), server.clock, lambda items: len(events_of(items)) == 4)
    assert events_of(items) == [(Seen, "tagged"), (Seen, "other"), (Edited, "no tag"), (Deleted, post["uri"])]


async def test_a_held_post_that_is_gone_after_a_restart_is_told_as_deleted() -> None:
    local = f"https://{DOMAIN}/users/resident/statuses/115"
    async with serving() as server:
        source = source_for(server, held=[local])
        items, _ = await until(source, server.clock, lambda items: bool(events_of(items)))
    assert events_of(items) == [(Deleted, local)]


# The connection


async def test_a_server_that_stops_answering_is_given_up() -> None:
    async with serving(posted(status(1, seconds=4))) as server:
        source = source_for(server, pace=msgspec.structs.replace(QUICK, pong=0.2))
        async with aclosing(source.connect(None, server.clock)) as connection:
            assert isinstance(await anext(connection), Connected)
            server.freeze()
            lost = await _end_of(connection)
    assert isinstance(lost, SourceLost)
    assert lost.why == "it stopped answering"


async def test_a_message_too_large_ends_the_connection_and_costs_no_post() -> None:
    plan = FaultPlan({0: [Fault.OVERSIZED]})
    async with serving(posted(status(1, seconds=4)), faults=plan) as server:
        source = source_for(server)
        items, end = await one_connection(source, server.clock)
        assert isinstance(end, SourceLost)
        assert "too large" in end.why
        if not ids_of(items):  # else asking found it before the socket was done closing
            items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
    assert ids_of(items) == [status(1, seconds=4)["uri"]]


async def test_a_recording_of_it_can_be_played() -> None:
    """What was streamed and what was found by asking, each as an envelope."""
    kept: list[bytes] = []
    acts = (posted(status(1, seconds=4)), posted(status(2, seconds=6), streamed=False), posted(status(3, seconds=30)))
    async with serving(*acts) as server:
        source = source_for(server, tap=lambda message, wanted: kept.append(message) if wanted else None)
        await one_connection(source, server.clock, until=3)
    played = mastodon_recording_of(kept, "kept")
    assert [(act.number, act.streamed) for act in played.acts] == [(act.number, act.streamed) for act in acts]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_wrong_every_post_comes_once_and_no_gap_is_left_open(seed: int) -> None:
    posts = [status(nth, f"<p>{nth}</p>", 2 + 2 * nth) for nth in range(40)]
    kinds = [kind for kind in Fault if kind not in (Fault.REORDER, Fault.SILENT)]
    plan = FaultPlan.scattered(seed, 40, 25, kinds)
    async with serving(*map(posted, posts), faults=plan, rate=100) as server:
        items = await _all_of(source_for(server), server.clock, 40)
    assert plan.left == 0
    assert sum(plan.happened.values()) == 25
    assert sorted(ids_of(items)) == sorted(post["uri"] for post in posts)
    gaps = {(gap.start, gap.end): gap.filled for gap in items if isinstance(gap, Gap)}
    assert gaps
    assert all(gaps.values())


async def _all_of(source: Source, clock: Clock, posts: int) -> list[SourceItem]:
    items: list[SourceItem] = []
    async with aclosing(follow(source, None, clock, Random(1), BRISK)) as following:
        async for item in following:
            items.append(item)
            gaps = {(gap.start, gap.end): gap.filled for gap in items if isinstance(gap, Gap)}
            if len(ids_of(items)) >= posts and all(gaps.values()):
                return items
    raise AssertionError("following ended by itself")


# Questions


async def test_a_handle_that_is_now_anothers_does_not_lead_to_them() -> None:
    """The roster's lasting name counts: the account is then looked for by that."""
    impostor = {**SANDHU, "uri": f"https://{DOMAIN}/users/1", "url": f"https://{DOMAIN}/@sandhu", "id": "1"}
    moved = {
        **SANDHU,
        "acct": "priya",
        "uri": f"https://{DOMAIN}/users/2",
        "url": f"https://{DOMAIN}/@priya",
        "id": "2",
    }
    theirs, hers = status(1, "<p>theirs</p>", 3, by=impostor, tags=[]), status(2, "<p>hers</p>", 4, by=moved, tags=[])
    member = msgspec.structs.replace(
        MEETING.members[1], accounts=(Account(network="mastodon", handle=f"sandhu@{DOMAIN}", id=moved["uri"]),)
    )
    meeting = msgspec.structs.replace(MEETING, members=(member,), council=TAGS_ONLY.council)
    async with serving(posted(theirs), posted(hers), accounts=[impostor, moved]) as server:
        source = MastodonSource(spec(server.url), selection_for(spec(server.url), [meeting]), pace=QUICK)
        items, _ = await one_connection(source, server.clock, until=1)
    assert events_of(items) == [(Seen, "hers")]
    assert next(item.event.post.author for item in items if isinstance(item, Captured)).handle == f"sandhu@{DOMAIN}"  # type: ignore[union-attr]


async def test_an_account_this_server_does_not_know_is_not_asked_for_all_the_time() -> None:
    async with (
        serving(posted(status(1, seconds=20))) as server,
        aclosing(source_for(server, MEETING).connect(None, server.clock)) as connection,
    ):
        async for item in connection:
            if isinstance(item, Captured):
                break
    assert server.asked["/api/v1/accounts/lookup"] == 3


async def test_a_members_account_is_looked_for_again_at_once_when_the_server_did_not_answer() -> None:
    meeting = msgspec.structs.replace(MEETING, hashtags=(), council=TAGS_ONLY.council)
    rain = status(1, "<p>Rain</p>", 10, by=MEMBER, tags=[])
    async with serving(posted(rain), accounts=[MEMBER], rest_answers=[503], held=False) as server:
        items, _ = await one_connection(source_for(server, meeting), server.clock, until=1)
    assert items[0] == Connected(replays=False)
    assert events_of(items) == [(Seen, "Rain")]


async def test_a_post_that_is_not_public_is_neither_captured_nor_a_fault() -> None:
    hidden = status(1, "<p>hidden</p>", 3, by=MEMBER, tags=[], visibility="unlisted")
    shown = status(2, "<p>shown</p>", 12, by=MEMBER, tags=[])
    async with serving(posted(hidden), posted(shown), accounts=[MEMBER, SANDHU]) as server:
        items, _ = await one_connection(source_for(server, MEETING), server.clock, until=1)
    assert events_of(items) == [(Seen, "shown")]
    assert not [what for what in faults_of(items) if "public" in what]


@pytest.mark.parametrize(
    ("streaming", "word"),
    [("ws://streaming.example", "unencrypted"), ("http://x.example", "unencrypted"), ("wss://", "no address")],
)
async def test_the_token_is_not_sent_where_it_could_be_read(
    streaming: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as server:
        monkeypatch.setattr(server, "streams_at", streaming)
        _, end = await one_connection(source_for(server), server.clock)
    assert isinstance(end, SourceRefused)
    assert word in end.why


# Asking within the limits


async def test_a_limit_that_is_used_up_is_waited_for() -> None:
    limits = Limits()
    async with serving(limit=1) as server, MastodonRest(server.url, TOKEN, limits) as rest:
        await rest.get("/api/v1/timelines/tag/a")
        left = limits.left(paged=False)
        assert 290 < left <= 301
    limits = Limits()
    async with serving(limit=0) as server, MastodonRest(server.url, TOKEN, limits) as rest:
        with pytest.raises(AskFailed, match="429: Too many requests") as failed:
            await rest.get("/api/v1/timelines/tag/a")
    assert failed.value.retry_after is not None
    assert 290 < failed.value.retry_after <= 301


async def test_paging_keeps_to_a_limit_of_its_own() -> None:
    limits = Limits()
    for _ in range(250):
        await limits.turn(paged=True)
    assert limits.left(paged=False) <= 0
    assert limits.left(paged=True) > 890


async def test_no_redirection_is_followed() -> None:
    async with serving(rest_answers=[302]) as server, MastodonRest(server.url, TOKEN, Limits()) as rest:
        with pytest.raises(AskFailed, match="elsewhere"):
            await rest.get("/api/v1/timelines/tag/a")


def test_a_cursor_is_an_instant() -> None:
    source = MastodonSource(spec("https://mastodon.example"), Selection())
    moment = datetime.fromisoformat("2026-03-05T19:00:00.123456+00:00")
    assert source.time_of(source.cursor_at(moment)) == moment
