"""Jetstream's first format: frames read, frames skimmed off unread, and nothing that can make either fail."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Deleted
from feedmon.sources.bluesky_records import NotAPost
from feedmon.sources.bluesky_stream import BlueskyStream, Gone, Life, Named, Unusable, Written
from feedmon.sources.jetstream_v1 import LARGEST, read, skim
from feedmon.sources.select import Selection
from tests.sources.bluesky_frames import (
    EVENING,
    MARCHBANKS,
    MEETING,
    RENFREW,
    RESIDENT,
    STRANGER,
    T0,
    account,
    facet,
    gone,
    identity,
    post,
    record,
    repost,
    uri,
    written,
)

SELECTION = Selection.of([MEETING])


def test_a_record_written() -> None:
    said = read(written(RESIDENT, "3k", record("Hello"), 5, operation="update", rev="r2", cid="c2"))
    assert isinstance(said, Written)
    assert (said.did, said.micros, said.rkey, said.cid, said.rev, said.edited) == (
        RESIDENT,
        T0 + 5,
        "3k",
        "c2",
        "r2",
        True,
    )
    assert json.loads(said.record)["text"] == "Hello"


def test_a_record_deleted() -> None:
    assert read(gone(RESIDENT, "3k", 7, rev="r3")) == Gone(RESIDENT, T0 + 7, "app.bsky.feed.post", "3k", "r3")


def test_identity_with_a_handle_without_one_and_with_an_invalid_one() -> None:
    assert read(identity(RENFREW, "Renfrew-New.example", 1)) == Named(RENFREW, T0 + 1, "renfrew-new.example")
    assert read(identity(RENFREW, None, 1)) == Life(T0 + 1)
    assert read(identity(RENFREW, "handle.invalid", 1)) == Life(T0 + 1)


def test_account_events_and_kinds_added_later_are_signs_of_life() -> None:
    assert read(account(RENFREW, 3, active=False)) == Life(T0 + 3)
    assert read(b'{"did":"did:plc:x","time_us":%d,"kind":"sync","sync":{}}' % T0) == Life(T0)


def test_keys_added_later_are_passed_over() -> None:
    frame = post(RESIDENT, "3k", "Hello").replace(b',"kind"', b',"cursor":31527015470,"kind"', 1)
    assert isinstance(read(frame), Written)
    assert skim(frame, set(), set()) == T0


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not an event"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"did":"\xff\xfe"}', "not UTF-8"),
        (b"[]", "not an event"),
        (b"{}", "not an event"),
        (b'{"did":"did:plc:x","time_us":12,"kind":"commit"}', "not an event"),
        (b'{"did":"did:plc:x","time_us":1e300,"kind":"commit"}', "not an event"),
        (b'{"did":"did:plc:x","time_us":%d,"kind":"commit"}' % T0, "not an event"),
        (b'{"did":"robert","time_us":%d,"kind":"account"}' % T0, "no author"),
        (post("did:plc:x", "../../etc", "x"), "not an event"),
        (post("did:plc:x", "3k", "x").replace(b'"record":', b'"recorded":'), "no record"),
        (post("did:plc:x", "3k", "x" * LARGEST), "too large"),
        (post("did:plc:x", "3k", "cut")[:-9], "not JSON"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_of_ours(frame: bytes, what: str) -> None:
    assert read(frame) == Unusable(what)
    assert skim(frame, set(), set()) is None


sound_frames = st.sampled_from(
    [
        post(RESIDENT, "3k", "Hello #SaltmarshTC é🏛️", facets=[facet("Hello #S", "#S", tag="S")]),
        written(RESIDENT, "3k", record("again"), operation="update"),
        gone(RESIDENT, "3k"),
        identity(RENFREW, "renfrew.example"),
        repost(MARCHBANKS, "3r", uri(RESIDENT, "3k")),
    ]
)


@given(sound_frames, st.integers(0, 600), st.integers(0, 40), st.binary(max_size=12), st.booleans())
def test_damaged_frames_are_read_or_refused_but_never_raise(
    frame: bytes, place: int, cut: int, put: bytes, twice: bool
) -> None:
    damaged = frame[:place] + put + frame[place + cut :]
    damaged = damaged * 2 if twice else damaged
    said = read(damaged)
    skim(damaged, {RESIDENT.encode()}, {b"x"})
    stream = BlueskyStream(SELECTION, "bluesky")
    if not isinstance(said, Unusable):
        with suppress(NotAPost):
            stream.take(said, EVENING)


@given(st.binary(max_size=300))
def test_noise_is_unusable(noise: bytes) -> None:
    assert isinstance(read(noise), Unusable)


authors = st.sampled_from([MARCHBANKS, RENFREW, RESIDENT, STRANGER, "did:web:clerk.example", "did:plc:sandhu"])
TELLING = ["#SaltmarshTC", "＃saltmarshtc", "#other", "@sandhu.example", "@", MARCHBANKS, uri(RENFREW, "3z"), "at://"]
words = st.lists(st.sampled_from([*TELLING, "\\u0023", "\n", "é", "\u2028", "plain"]), max_size=4).map(" ".join)
optional_parts = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(["SALTMARSHTC", "other"]), max_size=2),
        "reply": st.builds(
            lambda parent, root: {"parent": {"uri": uri(parent, "3p")}, "root": {"uri": uri(root, "3q")}},
            authors,
            st.one_of(authors, st.just("Sandhu.Example")),
        ),
        "embed": st.builds(
            lambda quoted: {"$type": "app.bsky.embed.record", "record": {"uri": uri(quoted, "3e")}}, authors
        ),
        "facets": authors.map(
            lambda did: [
                {
                    "index": {"byteStart": 0, "byteEnd": 1},
                    "features": [{"$type": "app.bsky.richtext.facet#mention", "did": did}],
                }
            ]
        ),
    },
)
frames = st.one_of(
    st.builds(
        lambda did, key, text, more, operation: written(did, key, record("x" + text, **more), operation=operation),
        authors,
        st.sampled_from(["3k", "3m"]),
        words,
        optional_parts,
        st.sampled_from(["create", "create", "create", "update"]),
    ),
    st.builds(lambda did, of: repost(did, "3r", uri(of, "3k")), authors, authors),
    st.builds(gone, authors, st.sampled_from(["3k", "3m"])),
    st.builds(identity, authors, st.sampled_from([None, "sandhu.example", "other.example"])),
)


@given(st.lists(st.tuples(frames, st.booleans()), min_size=1, max_size=8))
def test_what_is_skimmed_off_a_full_reading_would_not_have_selected(sent: list[tuple[bytes, bool]]) -> None:
    """The gate's decision is the full decoder's, frame by frame, along any history of the stream."""
    stream = BlueskyStream(SELECTION, "bluesky")
    for number, (sound, escaped) in enumerate(sent):
        frame = sound.replace(b'"3mg', b'"3mg%d' % number)
        if escaped:
            frame = json.dumps(json.loads(frame), separators=(",", ":")).replace("/", "\\/").encode()
        skimmed = skim(frame, stream.authors, stream.addressed)
        said = read(frame)
        assert not isinstance(said, Unusable)
        events = stream.take(said, EVENING)
        if skimmed is not None:
            assert events == ()
            assert skimmed == said.micros


def test_most_of_the_network_is_skimmed_off() -> None:
    frames = [
        post(STRANGER, "3a", "Good morning, world"),
        post(STRANGER, "3b", "Yes", reply={"parent": {"uri": uri(RESIDENT, "3x")}}),
        repost(STRANGER, "3c", uri(MARCHBANKS, "3y")),
    ]
    stream = BlueskyStream(SELECTION, "bluesky")
    assert [skim(frame, stream.authors, stream.addressed) for frame in frames] == [T0, T0, T0]


def test_edits_and_deletions_by_authors_of_held_posts_are_let_pass() -> None:
    stream = BlueskyStream(SELECTION, "bluesky")
    first = read(post(RESIDENT, "3k", "see #SaltmarshTC"))
    assert not isinstance(first, Unusable)
    stream.take(first, EVENING)
    later = gone(RESIDENT, "3k", 10)
    assert skim(later, stream.authors, stream.addressed) is None
    said = read(later)
    assert not isinstance(said, Unusable)
    assert [type(event) for event in stream.take(said, EVENING)] == [Deleted]
