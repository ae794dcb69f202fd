"""A webcast's chat that is not there, is refused, or comes in pieces; and the addresses of webcasts."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.meeting import SourceSpec
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import FeedFault
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.youtube_server import CHAT, KEY, VIDEO, YouTubeServer
from feedmon.sources import open_source
from feedmon.sources.base import Captured, CursorMoved, SourceLost, SourceRefused
from feedmon.sources.youtube import YouTubeSource, video_of
from feedmon.sources.youtube_chat import NotAMessage, YouTubeChat
from tests.sources.bluesky_frames import EVENING
from tests.sources.source_conformance import followed, ids_of, one_connection
from tests.sources.youtube_rig import SELECTION, event, posts, said, serving, spec, told


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_WEBCAST", KEY)


END = said("end", 60)
KEYS = st.sampled_from(["id", "snippet", "type", "publishedAt", "textMessageDetails", "messageText"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


class TestWithoutAChat:
    async def remarks(self, server: YouTubeServer, source: YouTubeSource, most: int) -> list[str]:
        """What is said of the feed, sign by sign."""
        found: list[str] = []
        async with asyncio.timeout(5), aclosing(source.connect(None, server.clock)) as items:
            async for item in items:
                if isinstance(item, CursorMoved):
                    found.append(item.remark or "")
                    if len(found) >= most:
                        break
        return found

    async def test_a_chat_that_is_turned_off_is_said_so_and_does_not_fail(self) -> None:
        async with serving() as server:
            del server.webcast["activeLiveChatId"]
            found = await self.remarks(server, YouTubeSource(spec(server.url), SELECTION), 2)
            assert all("turned off" in remark for remark in found)
            assert {path for _, path, _, _ in server.calls} == {"/youtube/v3/videos"}
            server.webcast["activeLiveChatId"] = CHAT
            server.refusals = [(403, "liveChatDisabled")]
            found = await self.remarks(server, YouTubeSource(spec(server.url), SELECTION), 1)
            assert "turned off" in found[0]

    async def test_a_webcast_that_has_not_begun_is_waited_for(self) -> None:
        async with serving(said("a", 200)) as server:
            server.webcast = {"scheduledStartTime": "2026-03-05T19:00:00Z"}
            source = YouTubeSource(spec(server.url), SELECTION)
            items = []
            async with asyncio.timeout(5), aclosing(source.connect(None, server.clock)) as connection:
                async for item in connection:
                    items.append(item)
                    if isinstance(item, CursorMoved) and len(items) == 2:
                        server.webcast = {"activeLiveChatId": CHAT, "actualStartTime": "2026-03-05T19:02:00Z"}
                    if told(items):
                        break
        first = next(item for item in items if isinstance(item, CursorMoved))
        assert first.remark is not None
        assert "has not begun" in first.remark
        assert told(items) == ["a"]

    @pytest.mark.parametrize("by_event", [True, False])
    async def test_a_chat_that_ends_is_over_and_no_failure(self, by_event: bool) -> None:
        ended = event("chatEndedEvent", 20)
        ends = EVENING + timedelta(seconds=25)
        async with serving(said("a", 10), *([ended] if by_event else []), ends=ends) as server:
            found = await self.remarks(server, YouTubeSource(spec(server.url), SELECTION), 7)
        assert any("ended" in remark for remark in found)
        assert "is over" in found[-1]

    async def test_a_video_that_is_no_broadcast_and_one_that_is_not_there_are_refused(self) -> None:
        async with serving() as server:
            server.webcast = {}
            _, end = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock)
            assert isinstance(end, SourceRefused)
            assert "no live broadcast" in end.why
            url = server.url.replace(VIDEO, "nosuchvideo")
            _, end = await one_connection(YouTubeSource(spec(url), SELECTION), server.clock)
            assert isinstance(end, SourceRefused)
            assert "no such video" in end.why


class TestRefusals:
    async def test_without_a_key_it_says_how_to_give_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FEEDMON_TOKEN_WEBCAST", "")
        monkeypatch.setattr("feedmon.sources.credentials.credential", lambda _: None)
        async with serving() as server:
            _, end = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceRefused)
        assert "FEEDMON_TOKEN_WEBCAST" in end.mend
        assert not server.calls

    async def test_a_wrong_key_is_for_a_person_to_mend_and_is_not_quoted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FEEDMON_TOKEN_WEBCAST", "secret-but-wrong")
        async with serving() as server:
            _, end = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock)
        assert isinstance(end, SourceRefused)
        assert "key is not valid" in end.why
        assert "secret" not in str(end)

    @pytest.mark.parametrize(
        ("status", "reason", "kind", "words"),
        [
            (403, "rateLimitExceeded", SourceLost, "rateLimitExceeded"),
            (403, "dailyLimitExceeded", SourceRefused, "used up"),
            (403, "accessNotConfigured", SourceRefused, "enable"),
            (403, "forbidden", SourceRefused, "403"),
            (500, "backendError", SourceLost, "500"),
            (503, "", SourceLost, "503"),
            (302, "", SourceLost, "302"),
            (400, "invalidValue", SourceRefused, "400"),
        ],
    )
    async def test_errors_by_their_reason(self, status: int, reason: str, kind: type, words: str) -> None:
        async with serving() as server:
            server.refusals = [(status, reason)]
            _, end = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock)
        assert type(end) is kind
        assert words in str(end) + getattr(end, "mend", "")

    async def test_a_chat_that_is_not_found_is_looked_for_again(self) -> None:
        async with serving(said("a", 10), END) as server:
            server.refusals = [(404, "liveChatNotFound")]
            items, _ = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=2)
        assert told(items) == ["a", "end"]


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "what"),
        [
            (Fault.GARBAGE, "not an answer of YouTube's"),
            (Fault.TRUNCATED, "not an answer of YouTube's"),
            (Fault.BAD_UTF8, "not a message"),
            (Fault.OVERSIZED, "too large"),
        ],
    )
    async def test_one_bad_answer_is_passed_over_and_counted(self, fault: Fault, what: str) -> None:
        plan = FaultPlan({0: [fault]}, size=5_100_000)
        async with serving(said("a", 10), END, plan=plan) as server:
            items, _ = await one_connection(YouTubeSource(spec(server.url), SELECTION), server.clock, until=2)
        assert FeedFault(source="webcast", what=what, count=1) in items
        assert told(items) == ["a", "end"]

    async def test_nothing_but_bad_answers_is_a_loss(self) -> None:
        plan = FaultPlan({0: [Fault.GARBAGE] * 2})
        async with serving(said("a", 10), plan=plan) as server:
            source = YouTubeSource(spec(server.url), SELECTION)
            _, end = await one_connection(source, server.clock)
            assert isinstance(end, SourceLost)
            items, _ = await one_connection(source, server.clock, source.cursor_at(EVENING), until=1)
        assert told(items) == ["a"]

    async def test_every_fault_of_the_list_and_nothing_lost_or_doubled(self) -> None:
        messages = [said(f"m{number}", 10 * (number + 1)) for number in range(40)]
        plan = FaultPlan.scattered(11, len(messages), 60)
        plan.silence, plan.size = 0.01, 5_100_000
        async with serving(*messages, plan=plan, rate=1_000) as server:
            items = await followed(YouTubeSource(spec(server.url), SELECTION), server.clock, 40)
        assert sorted(ids_of(items)) == sorted(message.id for message in messages)
        assert plan.left == 0

    @pytest.mark.parametrize("ahead", [timedelta(minutes=-20), timedelta(minutes=20)])
    async def test_a_clock_that_is_wrong_loses_nothing(self, ahead: timedelta) -> None:
        """YouTube's time stands, whatever ours is; the cursor is never beyond our present."""
        skewed = [said("a", 10, claimed=EVENING - ahead), said("b", 30, claimed=EVENING - ahead)]
        async with serving(*skewed, END) as server:
            source = YouTubeSource(spec(server.url), SELECTION)
            early = source.cursor_at(EVENING - timedelta(hours=1))
            items, _ = await one_connection(source, server.clock, early, until=2)
        assert posts(items)[0].observed_at == EVENING - ahead
        for item in items:
            if isinstance(item, Captured) and item.cursor is not None:
                at = source.time_of(item.cursor)
                assert at is not None
                assert at <= server.clock.now()

    @given(ANYTHING)
    def test_any_item_at_all_is_a_message_or_not(self, value: object) -> None:
        chat = YouTubeChat(SELECTION, "webcast")
        with suppress(NotAMessage):
            chat.take(msgspec.json.encode(value), EVENING, None)


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://www.youtube.com/watch?v=aB3_-xyz012",
            "https://www.youtube.com/watch?app=desktop&v=aB3_-xyz012&t=42s",
            "https://m.youtube.com/watch?v=aB3_-xyz012",
            "https://youtu.be/aB3_-xyz012?si=abc",
            "https://www.youtube.com/live/aB3_-xyz012?feature=shared",
            "https://www.youtube.com/embed/aB3_-xyz012",
            "https://www.youtube-nocookie.com/embed/aB3_-xyz012?rel=0",
            "https://www.youtube.com/live_chat?is_popout=1&v=aB3_-xyz012",
            "https://studio.youtube.com/video/aB3_-xyz012/livestreaming",
        ],
    )
    def test_all_forms_of_a_videos_address_are_known(self, url: str) -> None:
        assert video_of(spec(url)) == "aB3_-xyz012"

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("https://www.youtube.com/@SaltmarshTC/live", "a channel's"),
            ("https://www.youtube.com/channel/UC0123456789/live", "a channel's"),
            ("https://www.youtube.com/watch?v=short", "which video"),
            ("https://youtube.com.evil.example/watch?v=aB3_-xyz012", "not an address of YouTube's"),
            ("https://notyoutube.com/watch?v=aB3_-xyz012", "not an address of YouTube's"),
            ("wss://www.youtube.com/watch?v=aB3_-xyz012", "not an address of YouTube's"),
            ("https://[bad", "no web address"),
        ],
    )
    def test_others_are_said_to_be_wrong(self, url: str, words: str) -> None:
        with pytest.raises(BadInput, match=words):
            video_of(spec(url))

    def test_the_registry_opens_it(self) -> None:
        source = open_source(SourceSpec(kind="youtube", name="webcast", url="https://youtu.be/aB3_-xyz012"), SELECTION)
        assert source.name == "webcast"
        clock = RehearsalClock(EVENING)
        assert source.time_of(str(source.cursor_at(clock.starts))) == EVENING
