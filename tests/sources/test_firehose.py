"""A personal data server's own stream, followed from a server on this machine that behaves as the real one was seen to.

With the real one: ``pytest -m real_network``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from feedmon.model.instants import to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import Edited, Seen
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import Gap, SourceCondition, SourceState
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.recording import recording_of
from feedmon.sources import bluesky_source, open_source
from feedmon.sources.base import Captured, SourceItem, SourceLost
from feedmon.sources.bluesky_cursor import Cursor
from feedmon.sources.bluesky_source import Said
from feedmon.sources.bluesky_stream import Gone, Life, Named, Unusable, Written
from feedmon.sources.firehose import PdsSource
from feedmon.sources.firehose_frames import LARGEST_FRAME, as_line, read
from feedmon.sources.jetstream_v1 import read as read_line
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import EVENING, MARCHBANKS, RENFREW, RESIDENT, T0, record, uri
from tests.sources.firehose_rig import POST, FirehoseRig, account, cbor, commit, event, failure
from tests.sources.jetstream_rig import SECOND, SELECTION
from tests.sources.source_conformance import BRISK, Rig, SourceConformance, Trouble, followed, ids_of, one_connection

TIME = "2026-03-05T19:00:00.000Z"


class TestFirehoseConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return FirehoseRig()


def test_every_change_of_posts_in_a_commit_is_told_in_order_and_no_other() -> None:
    frame = commit(
        RESIDENT,
        7,
        TIME,
        [
            ("create", f"{POST}/3a", record("one é🏛️")),
            ("create", "app.bsky.feed.like/3l", {"$type": "app.bsky.feed.like"}),
            ("update", f"{POST}/3b", record("two")),
            ("delete", f"{POST}/3c", None),
        ],
    )
    said = read(frame)
    assert (said.micros, said.seq) == (T0, 7)
    assert [(type(message).__name__, getattr(message, "rkey", "")) for message in said.messages] == [
        ("Written", "3a"),
        ("Written", "3b"),
        ("Gone", "3c"),
    ]
    first = said.messages[0]
    assert isinstance(first, Written)
    assert "one é🏛️" in first.record.decode()
    assert first.cid.startswith("bafyrei")


def test_what_else_a_server_says() -> None:
    named = event("#identity", {"did": RENFREW, "seq": 8, "time": TIME, "handle": "Renfrew-New.example"})
    assert read(named) == Said(T0, 8, (Named(RENFREW, T0, "renfrew-new.example"),))
    assert read(event("#identity", {"did": RENFREW, "seq": 8, "time": TIME})).messages == (Life(T0),)
    assert read(account(RENFREW, 9, TIME, active=False)).messages == (Life(T0),)
    assert read(event("#added-later", {"did": RENFREW, "seq": 9, "time": TIME})).messages == (Life(T0),)
    assert read(event("#info", {"name": "OutdatedCursor", "message": "x"})) == Said(outdated=True)
    assert read(failure("FutureCursor", "no")) == Said(error="FutureCursor", why="no")
    assert read(commit(RESIDENT, 10, TIME, [])).messages == (Life(T0),)


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "not an event"),
        (b"\xff", "not an event"),
        (cbor({"op": 1, "t": "#commit"}), "not an event"),
        (b"\x81" * 100_000 + b"\x01", "not an event"),
        (event("#commit", {"repo": RESIDENT, "seq": -4, "time": TIME}), "not an event"),
        (event("#commit", {"repo": RESIDENT, "seq": 4, "time": "1971-01-01T00:00:00Z"}), "not an event"),
        (event("#commit", {"repo": RESIDENT, "seq": 4, "time": TIME, "tooBig": True}), "too large"),
        (event("#account", {"did": "robert", "seq": 4, "time": TIME}), "no author"),
        (b"x" * (LARGEST_FRAME + 1), "too large"),
        (
            event(
                "#commit",
                {
                    "repo": RESIDENT,
                    "seq": 4,
                    "time": TIME,
                    "blocks": b"",
                    "ops": [{"action": "create", "path": f"{POST}/3a", "cid": b"\x01"}],
                },
            ),
            "no record",
        ),
    ],
    ids=range(10),
)
def test_what_cannot_be_read_is_said_in_words_of_ours(frame: bytes, what: str) -> None:
    assert [message for message in read(frame).messages if isinstance(message, Unusable)] == [Unusable(what)]


SOUND = commit(RESIDENT, 7, TIME, [("create", f"{POST}/3a", record("#SaltmarshTC")), ("delete", f"{POST}/3c", None)])


@given(st.integers(0, len(SOUND)), st.integers(0, 40), st.binary(max_size=12))
def test_damaged_frames_are_read_or_refused_but_never_raise(place: int, cut: int, put: bytes) -> None:
    read(SOUND[:place] + put + SOUND[place + cut :])


def test_a_recording_holds_what_jetstream_would_have_said() -> None:
    frames = [SOUND, event("#identity", {"did": RENFREW, "seq": 8, "time": TIME, "handle": "renfrew.example"})]
    messages = [message for frame in frames for message in read(frame).messages]
    lines = [line for message in messages if (line := as_line(message)) is not None]
    assert [read_line(line.raw) for line in recording_of(lines, "test").lines] == messages
    assert [type(message) for message in messages] == [Written, Gone, Named]


async def test_two_hundred_changes_in_one_frame_move_the_cursor_only_at_the_last() -> None:
    """Else a service that stops in the middle of them would not be sent the rest again."""
    changes = [("create", f"{POST}/3p{number}", record("#SaltmarshTC")) for number in range(200)]
    async with hostile(commit(RESIDENT, 5, TIME, changes)) as url:
        items, _ = await one_connection(pds(url), RehearsalClock(EVENING, 1000), until=200)
    captured = [item for item in items if isinstance(item, Captured)]
    assert len(captured) == 200
    assert [item.cursor is not None for item in captured] == [False] * 199 + [True]


async def test_what_is_older_than_asked_for_is_let_go_but_teaches_handles() -> None:
    frames = [
        event("#identity", {"did": RESIDENT, "seq": 1, "time": "2026-03-05T10:00:00Z", "handle": "resident.example"}),
        commit(RESIDENT, 2, "2026-03-05T10:00:00Z", [("create", f"{POST}/3old", record("#SaltmarshTC"))]),
        commit(RESIDENT, 3, "2026-03-05T19:00:01Z", [("create", f"{POST}/3new", record("#SaltmarshTC"))]),
    ]
    async with hostile(*frames) as url:
        source = pds(url)
        items, _ = await one_connection(source, RehearsalClock(EVENING, 10), source.cursor_at(EVENING), until=1)
    [seen] = [item.event for item in items if isinstance(item, Captured)]
    assert isinstance(seen, Seen)
    assert (seen.post.id, seen.post.author.handle) == (uri(RESIDENT, "3new"), "resident.example")


async def test_a_server_that_lost_its_numbers_is_asked_by_time_and_nothing_is_missed() -> None:
    """Whether our number is one it has not reached, or that of another message by now."""
    async with FirehoseRig().serve(6) as serving:
        await one_connection(serving.source(), serving.clock, until=6)
        host = serving.url.removeprefix("ws://")
        for seq in (10**9, 8):
            cursor = str(Cursor(T0, seq, host))
            assert ids_of(await followed(serving.source(), serving.clock, 6, cursor)) == list(serving.ids)


async def test_what_a_server_no_longer_keeps_stays_a_gap() -> None:
    async with FirehoseRig().serve(6) as serving:
        await one_connection(serving.source(), serving.clock, until=6)
        serving.log[:4], serving.first = [], 5
        serving._places.clear()
        source = serving.source()
        items: list[SourceItem] = []
        cursor = str(Cursor(T0, 2, serving.url.removeprefix("ws://")))
        async with asyncio.timeout(5), aclosing(follow(source, cursor, serving.clock, Random(1), BRISK)) as following:
            async for item in following:
                items.append(item)
                if isinstance(item, Gap) and item.filled:
                    break
    gaps = [item for item in items if isinstance(item, Gap)]
    assert [(gap.filled, gap.start == EVENING) for gap in gaps] == [(False, True), (False, False), (True, False)]
    assert ids_of(items) == list(serving.ids[2:])


async def test_a_silent_server_that_answers_is_alive_and_one_that_does_not_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody posts for hours: an answered ping is the sign of life, and tells that nothing is left to be replayed."""
    monkeypatch.setattr(bluesky_source, "_STILL", 0.1)
    monkeypatch.setattr(bluesky_source, "_TOLD_WITHIN", 0.05)
    async with hostile() as url:
        source, items = pds(url), list[SourceItem]()
        clock = RehearsalClock(EVENING, 50)
        async with (
            asyncio.timeout(5),
            aclosing(follow(source, source.cursor_at(EVENING), clock, Random(1), BRISK)) as following,
        ):
            async for item in following:
                items.append(item)
                if isinstance(item, Gap) and item.filled:
                    break
    assert any(isinstance(item, SourceState) and item.condition is SourceCondition.LIVE for item in items)


async def test_an_error_that_ends_the_connection_is_told() -> None:
    async with hostile(failure("ConsumerTooSlow", "too \x1b slow")) as url:
        _, end = await one_connection(pds(url), RehearsalClock(EVENING))
    assert isinstance(end, SourceLost)
    assert end.why == "the network ended the connection (ConsumerTooSlow: too � slow)"


@pytest.mark.fault
@pytest.mark.parametrize("trouble", list(Trouble))
async def test_trouble_at_every_post_loses_and_doubles_nothing(trouble: Trouble) -> None:
    async with FirehoseRig().serve(10, dict.fromkeys(range(10), trouble)) as serving:
        items = await followed(serving.source(), serving.clock, 10)
    assert ids_of(items) == list(serving.ids)
    assert not serving._trouble


@pytest.mark.parametrize("url", ["", "https://x.example", "ws://", "wss://[::bad", "wss://x.example:99999"])
def test_an_address_that_cannot_be_one_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match="source “pds”, url"):
        pds(url)


def test_the_address_of_another_protocol_is_said_so() -> None:
    with pytest.raises(BadInput, match="another protocol"):
        pds("wss://jetstream.us-east.bsky.network/subscribe")


async def test_edits_and_deletions_are_told_as_such() -> None:
    frames = [
        commit(MARCHBANKS, 1, "2026-03-05T19:00:01Z", [("create", f"{POST}/3a", record("one"))]),
        commit(MARCHBANKS, 2, "2026-03-05T19:00:02Z", [("update", f"{POST}/3a", record("two"))]),
        commit(MARCHBANKS, 3, "2026-03-05T19:00:03Z", [("delete", f"{POST}/3a", None)]),
        commit(MARCHBANKS, 4, "2026-03-05T19:00:04Z", [("create", f"{POST}/3b", record("end"))]),
    ]
    async with hostile(*frames) as url:
        items, _ = await one_connection(pds(url), RehearsalClock(EVENING, 100), until=3)
    events = [item.event for item in items if isinstance(item, Captured)]
    assert [type(event).__name__ for event in events] == ["Seen", "Edited", "Deleted", "Seen"]
    assert isinstance(events[1], Edited)
    assert to_micros(events[1].post.observed_at) == T0 + 2 * SECOND


def pds(url: str) -> PdsSource:
    source = open_source(SourceSpec(kind="pds", name="pds", url=url), SELECTION)
    assert isinstance(source, PdsSource)
    return source


@asynccontextmanager
async def hostile(*frames: bytes) -> AsyncIterator[str]:
    """A server that sends these frames as they are, then nothing; yields its url."""

    async def send(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, close_timeout=0.2) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
