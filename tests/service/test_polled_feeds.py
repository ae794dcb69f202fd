"""A webcast's chat and a newspaper's feed, through the whole service: from a real server to the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from feedmon.model.meeting import Account, Meeting, SourceSpec
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.rss_server import FeedEntry, RssServer
from feedmon.rehearsal.youtube_server import KEY, ChatItem, YouTubeServer
from feedmon.service.app import Preparation, Settings, serving
from feedmon.wire import FlagRaised, PostDeleted, SourceChanged
from tests.service import rooms
from tests.service.evening import HASTY, Desk, Evening

THREAT = rooms.THREAT.removesuffix(" #SaltmarshTC")
START = rooms.at(60)


@asynccontextmanager
async def following(data: Path, clock: RehearsalClock, meeting: Meeting) -> AsyncIterator[Desk]:
    settings = Settings(data, port=0, rate=clock.rate, policy=HASTY)
    async with serving([Preparation(meeting, rooms.packs())], settings, clock) as running:
        held = Evening(running, clock, data, meeting)
        async with held.desk() as desk:
            yield desk


def followed(kind: str, url: str, **changes: object) -> Meeting:
    source = SourceSpec(kind=kind, name=kind, url=url)
    return msgspec.structs.replace(rooms.meeting(), sources=(source,), **changes)


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


async def test_what_is_said_in_the_councils_own_chat_is_judged_without_any_hashtag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_YOUTUBE", KEY)
    items = [
        ChatItem(id="m1", at=START + later(20), text="Evening all, can everybody hear this?"),
        ChatItem(id="m2", at=START + later(40), text=THREAT, name="@gullwatcher", channel="UCgull"),
        ChatItem(
            id="e1",
            at=START + later(120),
            kind="messageDeletedEvent",
            details={"messageDeletedDetails": {"deletedMessageId": "m2"}},
        ),
    ]
    clock = RehearsalClock(START, 60)
    async with (
        YouTubeServer(items, clock) as server,
        following(tmp_path, clock, followed("youtube", server.url)) as desk,
    ):
        flag = await desk.until(FlagRaised)
        assert (flag.view.post.network, flag.view.post.id, flag.view.post.text) == ("youtube", "m2", THREAT)
        assert flag.view.post.observed_at == START + later(40)
        gone = await desk.until(PostDeleted)
        assert gone.post == flag.view.post.key
        state = await desk.until(SourceChanged, lambda message: message.state.name == "youtube")
    assert "quota" in state.state.why
    assert state.counts.public_posts == 2


async def test_an_article_of_a_members_own_feed_is_theirs_and_its_edit_is_judged_too(tmp_path: Path) -> None:
    entries = [
        FeedEntry(guid="old", at=START - later(7_200), title="Old", html=THREAT),
        FeedEntry(guid="new", at=START + later(30), title="From the chamber", html="<p>A long evening.</p>"),
        FeedEntry(guid="new", at=START + later(150), title="From the chamber", html=f"<p>{THREAT}</p>"),
    ]
    clock = RehearsalClock(START, 300)
    async with RssServer(entries, clock) as server:
        account = Account(network="rss", handle="oldroyd.example", id=server.url)
        members = tuple(
            msgspec.structs.replace(one, accounts=(account,)) if one.name == "Graham Oldroyd" else one
            for one in rooms.meeting().members
        )
        async with following(tmp_path, clock, followed("rss", server.url, members=members)) as desk:
            flag = await desk.until(FlagRaised, lambda message: message.view.post.network == "rss")
            state = await desk.until(SourceChanged, lambda message: message.counts.members_posts > 0)
    assert flag.view.post.id == "127.0.0.1 new"
    assert flag.view.post.text.startswith("From the chamber")
    assert state.counts.members_posts == 1
