"""The sieve of a Bluesky stream: each thing once, whatever order, repetition or handle it comes in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Deleted, Edited, Seen, SourceEvent
from feedmon.sources import bluesky_stream
from feedmon.sources.bluesky_stream import BlueskyStream, Unusable
from feedmon.sources.jetstream_v1 import read
from feedmon.sources.memory import Memory
from feedmon.sources.select import MeetingIndex, Selection
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    MEETING,
    RESIDENT,
    STRANGER,
    account,
    gone,
    identity,
    post,
    record,
    repost,
    uri,
    written,
)

TAG = "see #SaltmarshTC"
SANDHU = "did:plc:sandhu000000000000000000"


def new_stream(held: Sequence[str] = ()) -> BlueskyStream:
    return BlueskyStream(Selection.of([MEETING]), "bluesky", held)


def take(stream: BlueskyStream, *frames: bytes) -> list[SourceEvent]:
    events: list[SourceEvent] = []
    for frame in frames:
        said = read(frame)
        assert not isinstance(said, Unusable)
        events.extend(stream.take(said, EVENING))
    return events


def told(events: Sequence[SourceEvent]) -> list[tuple[str, str]]:
    """Each event's kind and the record key it is about."""
    return [
        (type(event).__name__, (event.key if isinstance(event, Deleted) else event.post.key).id.rsplit("/", 1)[1])
        for event in events
    ]


def test_a_post_replayed_is_handed_on_once() -> None:
    frame = post(RESIDENT, "3a", TAG)
    assert told(take(new_stream(), frame, frame)) == [("Seen", "3a")]


def test_an_edit_that_drops_the_hashtag_is_still_handed_on() -> None:
    edit = written(RESIDENT, "3a", record("never mind"), 9, operation="update")
    events = take(new_stream(), post(RESIDENT, "3a", TAG), edit, edit)
    assert told(events) == [("Seen", "3a"), ("Edited", "3a")]
    assert isinstance(events[1], Edited)
    assert events[1].post.text == "never mind"
    assert events[1].post.version != events[0].post.version  # type: ignore[union-attr]


def test_an_edit_that_adds_the_hashtag_is_handed_on() -> None:
    edit = written(RESIDENT, "3a", record(TAG), 9, operation="update")
    assert told(take(new_stream(), post(RESIDENT, "3a", "hello"), edit)) == [("Edited", "3a")]


def test_an_edit_back_to_the_first_words_is_a_third_version() -> None:
    frames = [
        written(RESIDENT, "3a", record(TAG), at, operation=operation, cid=cid)
        for at, operation, cid in ((1, "create", "c1"), (2, "update", "c2"), (3, "update", "c1"))
    ]
    assert told(take(new_stream(), *frames)) == [("Seen", "3a"), ("Edited", "3a"), ("Edited", "3a")]


def test_deletions_are_handed_on_for_held_posts_and_followed_authors_only() -> None:
    events = take(
        new_stream(),
        post(RESIDENT, "3a", TAG),
        gone(RESIDENT, "3b", 5),
        gone(RESIDENT, "3a", 6),
        gone(MARCHBANKS, "3c", 7),
    )
    assert told(events) == [("Seen", "3a"), ("Deleted", "3a"), ("Deleted", "3c")]


def test_a_deletion_replayed_is_handed_on_once() -> None:
    deletion = gone(MARCHBANKS, "3c", 7)
    assert told(take(new_stream(), deletion, deletion)) == [("Deleted", "3c")]


def test_a_deletion_that_comes_before_its_post_follows_it() -> None:
    """The post was public, so it is shown; and it is not left standing."""
    events = take(new_stream(), gone(RESIDENT, "3a", 9), post(RESIDENT, "3a", TAG, 3))
    assert told(events) == [("Seen", "3a"), ("Deleted", "3a")]


def test_a_post_written_anew_after_a_deletion_stands() -> None:
    frames = [post(MARCHBANKS, "3a", "one", 1), gone(MARCHBANKS, "3a", 2), post(MARCHBANKS, "3a", "two", 3)]
    assert told(take(new_stream(), *frames)) == [("Seen", "3a"), ("Deleted", "3a"), ("Seen", "3a")]


def test_posts_held_from_before_keep_their_edits_and_deletions() -> None:
    stream = new_stream([uri(RESIDENT, "3old")])
    edit = written(RESIDENT, "3old", record("changed"), 4, operation="update")
    assert told(take(stream, edit, gone(RESIDENT, "3old", 5))) == [("Edited", "3old"), ("Deleted", "3old")]


def test_other_records_and_account_events_mean_nothing() -> None:
    like = written(MARCHBANKS, "3l", {"$type": "app.bsky.feed.like"}, collection="app.bsky.feed.like")
    assert take(new_stream(), like, account(MARCHBANKS, active=False)) == []


def test_handles_come_from_the_stream_then_from_the_roster_then_not_at_all() -> None:
    stream = new_stream()
    take(stream, identity(RESIDENT, "resident.example"))
    events = take(stream, post(MARCHBANKS, "3a", "x"), post(RESIDENT, "3b", TAG), post(STRANGER, "3c", TAG))
    assert [event.post.author.handle for event in events if isinstance(event, Seen)] == [
        "marchbanks.example",
        "resident.example",
        STRANGER,
    ]


def test_a_change_of_handle_keeps_the_member_and_shows_the_new_one() -> None:
    stream = new_stream()
    before = take(stream, post(MARCHBANKS, "3a", "x"))
    take(stream, identity(MARCHBANKS, "cllr-marchbanks.example"))
    posts = [event.post for event in (*before, *take(stream, post(MARCHBANKS, "3b", "y"))) if isinstance(event, Seen)]
    assert [post.author.handle for post in posts] == ["marchbanks.example", "cllr-marchbanks.example"]
    assert [MeetingIndex([MEETING]).meetings_for(post) for post in posts] == [("saltmarsh",), ("saltmarsh",)]


def test_a_handle_of_the_roster_that_somebody_else_takes_later_is_not_theirs() -> None:
    """By handle alone the first to be named so is meant, and keeps that handle here whatever they are called later."""
    stream = new_stream()
    take(stream, identity(SANDHU, "sandhu.example"), identity(SANDHU, "renamed.example"))
    take(stream, identity(STRANGER, "sandhu.example"))
    events = take(stream, post(SANDHU, "3a", "x"), post(STRANGER, "3b", "y"))
    assert told(events) == [("Seen", "3a")]
    assert [event.post.author.handle for event in events if isinstance(event, Seen)] == ["sandhu.example"]


def test_a_member_known_by_handle_alone_is_followed_once_the_stream_names_them() -> None:
    stream = new_stream()
    assert take(stream, post(SANDHU, "3a", "x")) == []
    take(stream, identity(SANDHU, "Sandhu.example"))
    reply = post(STRANGER, "3b", "no", reply={"parent": {"uri": uri(SANDHU, "3a")}})
    events = take(stream, post(SANDHU, "3c", "y"), reply)
    assert told(events) == [("Seen", "3c"), ("Seen", "3b")]
    take(stream, identity(SANDHU, "renamed.example"))
    assert told(take(stream, post(SANDHU, "3d", "z"))) == [("Seen", "3d")]


def test_reposts_count_by_who_reposts_and_show_what_is_held() -> None:
    stream = new_stream()
    events = take(
        stream,
        post(RESIDENT, "3a", TAG),
        repost(MARCHBANKS, "3r", uri(RESIDENT, "3a")),
        repost(MARCHBANKS, "3s", uri(STRANGER, "3unknown")),
        repost(STRANGER, "3t", uri(MARCHBANKS, "3x")),
        gone(MARCHBANKS, "3r", 9, collection="app.bsky.feed.repost"),
    )
    assert told(events) == [("Seen", "3a"), ("Seen", "3r"), ("Seen", "3s"), ("Deleted", "3r")]
    shown = [event.post.text for event in events if isinstance(event, Seen)]
    assert shown == [TAG, TAG, ""]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood makes the stream forget the oldest, never grow."""
    for name in ("_MOST_HELD", "_MOST_DELETED", "_MOST_HANDLES"):
        monkeypatch.setattr(bluesky_stream, name, 10)
    stream = new_stream()
    for number in range(50):
        take(stream, post(RESIDENT, f"3{number}", TAG, number), gone(STRANGER, f"3{number}", number))
        take(stream, identity(f"did:plc:{number}", f"h{number}.example"))
    memories = [value for value in vars(stream).values() if isinstance(value, Memory)]
    assert [len(memory) for memory in memories] == [10, 10, 10, 10]


@given(st.permutations(range(4)), st.integers(0, 3), st.booleans())
def test_whatever_the_order_a_deleted_post_ends_deleted_and_a_standing_one_stands(
    order: list[int], repeated: int, deleted: bool
) -> None:
    """Create, two edits and perhaps a deletion, shuffled, one of them twice."""
    frames = [
        post(MARCHBANKS, "3a", "one", 1),
        written(MARCHBANKS, "3a", record("two"), 2, operation="update"),
        written(MARCHBANKS, "3a", record("three"), 3, operation="update"),
    ]
    if deleted:
        frames.append(gone(MARCHBANKS, "3a", 4))
    shuffled = [frames[place] for place in order if place < len(frames)]
    events = take(new_stream(), *shuffled, frames[repeated % len(frames)])
    versions = [event.post.version for event in events if not isinstance(event, Deleted)]
    assert sorted(versions) == sorted(set(versions))
    assert len(versions) == 3
    assert isinstance(events[-1], Deleted) is deleted
