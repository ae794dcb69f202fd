"""Following a webcast's chat: what is taken of it, what removes it again, what it costs, and when it is refused."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from msgspec.structs import replace

from feedmon.model.meeting import Account, Member
from feedmon.model.posts import Deleted, PostKey
from feedmon.model.sourcestate import FeedFault, SourceCondition, SourceState
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.youtube_server import CHAT, KEY, VIDEO, ChatItem
from feedmon.sources import Selection, follow
from feedmon.sources.base import Captured, Connected, SourceLost, SourceRefused
from feedmon.sources.youtube import YouTubeSource
from feedmon.sources.youtube_calls import Quota
from tests.sources.bluesky_frames import EVENING, MEETING
from tests.sources.source_conformance import followed, ids_of, one_connection
from tests.sources.youtube_rig import SELECTION, event, posts, said, serving, spec, told


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_WEBCAST", KEY)


def deleted(message: str, seconds: float) -> ChatItem:
    """A moderator's deletion."""
    return event("messageDeletedEvent", seconds, messageDeletedDetails={"deletedMessageId": message})


def banned(channel: str, seconds: float) -> ChatItem:
    """A moderator's removal of a person."""
    details = {"bannedUserDetails": {"channelId": channel, "displayName": "x"}, "banType": "permanent"}
    return event("userBannedEvent", seconds, userBannedDetails=details)


END = said("end", 60)


class TestTaken:
    async def test_everything_said_belongs_to_the_meeting_at_youtubes_own_time(self) -> None:
        async with serving(said("a", 10, "no hashtag at all"), END) as server:
            items, _ = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=2)
        assert all(item.ours for item in items if isinstance(item, Captured))
        post = posts(items)[0]
        assert (post.network, post.id, post.text, post.source) == ("youtube", "a", "no hashtag at all", "webcast")
        assert post.observed_at == EVENING + timedelta(seconds=10)
        assert (post.author.id, post.author.name) == ("UCresident", "A Resident")

    async def test_paid_messages_and_polls_have_words_too_and_stickers_and_new_members_have_none(self) -> None:
        items = [
            event("superChatEvent", 10, superChatDetails={"userComment": "well said", "amountMicros": "5000000"}),
            event("memberMilestoneChatEvent", 11, memberMilestoneChatDetails={"userComment": "a year!"}),
            event("pollEvent", 12, pollDetails={"metadata": {"questionText": "Should it?", "options": []}}),
            event("superStickerEvent", 13, superStickerDetails={"tier": 1}),
            event("newSponsorEvent", 14, newSponsorDetails={}),
            event("somethingNewEvent", 15),
            END,
        ]
        async with serving(*items) as server:
            taken, _ = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=4)
        assert [post.text for post in posts(taken)] == ["well said", "a year!", "Should it?", "hello"]
        assert not [item for item in taken if isinstance(item, FeedFault)]

    async def test_deletions_retractions_and_bans(self) -> None:
        items = [
            *(said(one, 10) for one in ("a", "b", "c")),
            *(said(one, 11, channel="UCrude") for one in ("r1", "r2")),
            deleted("a", 30),
            event("messageRetractedEvent", 31, messageRetractedDetails={"retractedMessageId": "b"}),
            banned("UCrude", 32),
            deleted("never seen", 33),
            deleted("a", 34),
            banned("UCnobody", 35),
            END,
        ]
        async with serving(*items) as server:
            taken, _ = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=6)
        assert told(taken) == ["a", "b", "c", "r1", "r2", "-a", "-b", "-r1", "-r2", "-never seen", "end"]
        gone = next(item.event for item in taken if isinstance(item, Captured) and isinstance(item.event, Deleted))
        assert gone.observed_at == EVENING + timedelta(seconds=30)

    async def test_after_a_restart_bans_and_tombstones_still_find_what_was_held(self) -> None:
        items = [
            said("a", 10, gone_at=EVENING + timedelta(seconds=30)),
            said("b", 11, channel="UCrude"),
            said("unseen", 12, gone_at=EVENING + timedelta(seconds=30)),
            banned("UCrude", 50),
            END,
        ]
        async with serving(*items) as server:
            server.clock.begin()
            await server.clock.sleep_until(EVENING + timedelta(seconds=40))
            held = [PostKey("youtube", one) for one in ("a", "b")]
            source = YouTubeSource(spec(server.url), SELECTION, held=held)
            cursor = source.cursor_at(EVENING + timedelta(seconds=20))
            taken, _ = await one_connection(source, server.clock, cursor, until=2)
        assert told(taken) == ["-a", "b", "-b", "end"]

    async def test_history_from_before_following_began_is_no_news(self) -> None:
        items = [said("old", -3_600), said("new", 20)]
        async with serving(*items) as server:
            source = YouTubeSource(spec(server.url), SELECTION)
            taken, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
        assert told(taken) == ["new"]
        assert isinstance(taken[0], Connected)
        assert taken[0].replays

    async def test_history_that_does_not_reach_back_is_said_not_to(self) -> None:
        async with serving(*(said(f"m{number}", 10 + number / 4) for number in range(100)), history=60) as server:
            server.clock.begin()
            await server.clock.sleep_until(EVENING + timedelta(seconds=40))
            source = YouTubeSource(spec(server.url), SELECTION)
            taken, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=60)
        assert isinstance(taken[0], Connected)
        assert not taken[0].replays

    async def test_a_shown_name_is_a_handle_only_when_it_can_be_one(self) -> None:
        """A stranger who calls themselves by a councillor's handle does not become the councillor."""
        account = Account(network="youtube", handle="HelenMarchbanks", id="UChelen")
        member = Member(id="helen", name="Helen Marchbanks", accounts=(account,))
        selection = Selection.of([replace(MEETING, members=(member,))])
        items = [
            said("a", 10, name="@HelenMarchbanks", channel="UChelen"),
            said("b", 11, name="@helenmarchbanks", channel="UCfake"),
            said("c", 12, name="@someone-else"),
            said("d", 13, name="Someone Else"),
        ]
        async with serving(*items) as server:
            taken, _ = await one_connection(YouTubeSource(spec(server.url), selection), server.clock, until=4)
        assert [post.author.handle for post in posts(taken)] == [
            "HelenMarchbanks",
            "UCfake",
            "someone-else",
            "UCresident",
        ]
        assert posts(taken)[1].author.name == "@helenmarchbanks"


class TestManners:
    @pytest.mark.parametrize(("interval", "at_least"), [(1_000, 8), (20_000, 20), (10**12, 300), (-5, 8)])
    async def test_youtubes_pace_is_kept_and_eight_seconds_at_least(self, interval: int, at_least: float) -> None:
        items = [said(f"m{number}", number * at_least + 1) for number in range(3)]
        async with serving(*items, interval=interval) as server:
            await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=3)
        asked = [at for at, path, _, _ in server.calls if path.endswith("messages")]
        apart = [(later - earlier).total_seconds() for earlier, later in pairwise(asked)]
        assert set(apart) == {at_least}

    async def test_the_key_goes_in_a_header_and_nowhere_else(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with serving(said("a", 10), plan=FaultPlan({0: [Fault.DROP]}), rate=240) as server:
            items = await followed(YouTubeSource(spec(server.url), SELECTION), server.clock, 1)
        assert all(headers["x-goog-api-key"] == KEY for _, _, _, headers in server.calls)
        assert not any(KEY in str(query) + path for _, path, query, _ in server.calls)
        assert KEY not in caplog.text
        assert KEY not in repr(items)
        assert server.calls[0][2] == {"part": "liveStreamingDetails", "id": VIDEO}
        assert server.calls[1][2]["liveChatId"] == CHAT

    async def test_page_tokens_are_carried_on_over_reconnections(self) -> None:
        async with serving(said("a", 10), said("b", 30), END, plan=FaultPlan({1: [Fault.DROP]}), rate=240) as server:
            items = await followed(YouTubeSource(spec(server.url), SELECTION), server.clock, 3)
        assert ids_of(items) == ["a", "b", "end"]
        tokens = [query.get("pageToken") for _, path, query, _ in server.calls if path.endswith("messages")]
        assert tokens[0] is None
        assert None not in tokens[1:]

    async def test_a_page_token_it_no_longer_knows_is_let_go_and_nothing_is_doubled(self) -> None:
        async with serving(said("a", 10), said("b", 30), END) as server:
            source = YouTubeSource(spec(server.url), SELECTION)
            first, _ = await one_connection(source, server.clock, until=1)
            source._page_token = "unheard-of"
            second, end = await one_connection(source, server.clock)
            assert isinstance(end, SourceLost)
            third, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=2)
        assert told([*first, *second, *third]) == ["a", "b", "end"]


class TestCost:
    async def test_what_was_used_is_shown_while_all_is_well(self) -> None:
        async with serving(said("a", 10), said("b", 60), rate=240) as server:
            source = YouTubeSource(spec(server.url), SELECTION, quota=Quota(100))
            states = []
            async with asyncio.timeout(5), aclosing(follow(source, None, server.clock, Random(1))) as following:
                async for item in following:
                    if isinstance(item, SourceState):
                        states.append(item)
                    if told([item]) == ["b"]:
                        break
        live = [state.why for state in states if state.condition is SourceCondition.LIVE]
        assert live[0] == "6 % of the day's YouTube quota used by feedmon"
        assert int(live[-1].partition(" ")[0]) > 6

    async def test_a_spent_quota_is_refused_before_youtube_has_to_and_says_when_it_begins_anew(self) -> None:
        async with serving(said("a", 10)) as server:
            source = YouTubeSource(spec(server.url), SELECTION, quota=Quota(31))
            _, end = await one_connection(source, server.clock)
        assert isinstance(end, SourceRefused)
        assert "31 units" in end.why
        assert "08:00 UK time on 6 March" in end.mend
        assert len(server.calls) == 7

    async def test_youtubes_own_word_goes_before_ours(self) -> None:
        async with serving(said("a", 10), quota=11) as server:
            _, end = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceRefused)
        assert "used up" in end.why
        assert "UK time" in end.mend

    def test_the_quotas_day_begins_at_midnight_in_california(self) -> None:
        quota = Quota(10)
        evening = datetime(2026, 3, 6, 7, 59, tzinfo=UTC)
        quota.spend(10, evening)
        with pytest.raises(SourceRefused):
            quota.spend(1, evening)
        quota.spend(1, evening + timedelta(minutes=1))
        assert quota.used == 1


async def test_it_can_be_asked_whether_it_would_work_for_one_unit() -> None:
    async with serving(quota=2) as server:
        assert await YouTubeSource(spec(server.url), SELECTION).check(server.clock) == "its chat is open"
        del server.webcast["activeLiveChatId"]
        assert "turned off" in await YouTubeSource(spec(server.url), SELECTION).check(server.clock)
        with pytest.raises(SourceRefused, match="used up"):
            await YouTubeSource(spec(server.url), SELECTION).check(server.clock)
