"""Bluesky records as posts: what a reader sees, whatever the author's program wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Media, MediaKind, Post, Target
from feedmon.sources.bluesky_records import NotAPost, read_record
from tests.sources.bluesky_frames import EVENING, MARCHBANKS, RENFREW, RESIDENT, STRANGER, facet, record, uri

HANDLES = {MARCHBANKS: "marchbanks.example", RENFREW: "renfrew.example"}


def read(content: Any, collection: str = "app.bsky.feed.post") -> Post:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_record(
        raw,
        did=RESIDENT,
        collection=collection,
        rkey="3mgkey",
        version="bafy1",
        observed_at=EVENING,
        received_at=None,
        handle_of=HANDLES.get,
        source="bluesky",
    )


def test_a_plain_post() -> None:
    post = read(record("The kettle is on", langs=["en-GB", "cy"]))
    assert (post.id, post.version, post.network) == (uri(RESIDENT, "3mgkey"), "bafy1", "bluesky")
    assert (post.author.handle, post.author.id) == (RESIDENT, RESIDENT)
    assert (post.text, post.langs, post.claimed_at) == ("The kettle is on", ("en-GB", "cy"), EVENING)
    assert (post.hashtags, post.links, post.mentions, post.media) == ((), (), (), ())


def test_hashtags_come_from_facets_tags_and_text_each_once() -> None:
    text = "🏛️ Café open: #SaltmarshTC #Budget"
    post = read(record(text, facets=[facet(text, "#Budget", tag="budget")], tags=["SALTMARSHTC", "#precept", " "]))
    assert post.hashtags == ("budget", "SALTMARSHTC", "precept")


@pytest.mark.parametrize(
    ("start", "end"),
    [(-1, 4), (0, 0), (4, 2), (0, 99), (99, 120), (1, 4), (0, 2), (2**70, 2**71)],
    ids=["negative", "empty", "backwards", "too far", "beyond", "starts in a character", "ends in one", "huge"],
)
def test_a_facet_whose_bytes_are_not_whole_characters_is_left_out(start: int, end: int) -> None:
    bad = {
        "index": {"byteStart": start, "byteEnd": end},
        "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "Wrong"}],
    }
    text = "🏛️ open"
    post = read(record(text, facets=[bad, facet(text, "open", tag="Right")]))
    assert (post.text, post.hashtags) == (text, ("Right",))


def test_of_overlapping_facets_the_first_in_the_text_counts() -> None:
    text = "the meeting"
    post = read(record(text, facets=[facet(text, "meeting", tag="second"), facet(text, "the meet", tag="first")]))
    assert post.hashtags == ("first",)


def test_mentions_by_facet_and_by_handle_in_the_text() -> None:
    text = "@marchbanks.example and @Sandhu.Example, who is @someone"
    post = read(record(text, facets=[facet(text, "@marchbanks.example", did=MARCHBANKS)]))
    assert post.mentions == (Target(handle="marchbanks.example", id=MARCHBANKS), Target(handle="sandhu.example"))


def test_replies_know_whom_they_answer_and_who_began() -> None:
    answered, began = uri(MARCHBANKS, "3a"), uri(STRANGER, "3b")
    post = read(record("No.", reply={"parent": {"uri": answered, "cid": "x"}, "root": {"uri": began, "cid": "y"}}))
    assert post.reply_to == Target(handle="marchbanks.example", id=MARCHBANKS, post=answered)
    assert post.thread == Target(id=STRANGER, post=began)
    alone = read(record("No.", reply={"parent": {"uri": answered}, "root": {"uri": answered}}))
    assert alone.reply_to == post.reply_to
    assert alone.thread is None


def test_a_reference_by_handle_is_one_too() -> None:
    post = read(record("No.", reply={"parent": {"uri": "at://Renfrew.Example/app.bsky.feed.post/3a"}}))
    assert post.reply_to == Target(handle="renfrew.example", post="at://Renfrew.Example/app.bsky.feed.post/3a")


def test_quotes_with_and_without_media() -> None:
    quoted = uri(RENFREW, "3q")
    plain = {"$type": "app.bsky.embed.record", "record": {"uri": quoted, "cid": "x"}}
    images = {"$type": "app.bsky.embed.images", "images": [{"alt": "the empty gallery", "image": {}}, {"image": {}}]}
    both = {"$type": "app.bsky.embed.recordWithMedia", "record": plain, "media": images}
    target = Target(handle="renfrew.example", id=RENFREW, post=quoted)
    assert read(record("See", embed=plain)).quote == target
    post = read(record("See", embed=both))
    assert post.quote == target
    assert post.media == (Media(MediaKind.IMAGE, "the empty gallery"), Media(MediaKind.IMAGE))


def test_showing_a_list_is_not_quoting_a_post() -> None:
    listed = uri(RENFREW, "3q", "app.bsky.graph.list")
    assert read(record("See", embed={"$type": "app.bsky.embed.record", "record": {"uri": listed}})).quote is None


@pytest.mark.parametrize(
    ("embed", "media"),
    [
        ({"$type": "app.bsky.embed.video", "alt": "the vote", "video": {}}, (Media(MediaKind.VIDEO, "the vote"),)),
        ({"$type": "app.bsky.embed.video", "presentation": "gif"}, (Media(MediaKind.GIF),)),
        (
            {
                "$type": "app.bsky.embed.external",
                "external": {"uri": "https://media.tenor.com/a/b.gif", "title": "t", "description": "a yawn"},
            },
            (Media(MediaKind.GIF, "a yawn"),),
        ),
        (
            {"$type": "app.bsky.embed.external", "external": {"uri": "https://www.youtube.com/live/aB3", "title": ""}},
            (Media(MediaKind.LIVE),),
        ),
        (
            {"$type": "app.bsky.embed.external", "external": {"uri": "https://news.example/a", "title": "News"}},
            (),
        ),
        ({"$type": "app.example.embed.hologram", "images": [{"alt": "?"}]}, ()),
    ],
)
def test_media(embed: dict[str, Any], media: tuple[Media, ...]) -> None:
    assert read(record("Look", embed=embed)).media == media


@pytest.mark.parametrize(
    ("link", "live"),
    [
        ("https://www.twitch.tv/saltmarshtoby", True),
        ("https://twitch.tv/videos/123", False),
        ("https://www.facebook.com/saltmarsh.example/live", True),
        ("https://m.facebook.com/saltmarsh/live_videos", True),
        ("https://www.facebook.com/saltmarsh/delivery", False),
        ("https://x.com/i/broadcasts/1abc", True),
        ("https://www.youtube.com/watch?v=abc", False),
        ("https://example.org/youtube.com/live/x", False),
        ("https://www.tiktok.com/@toby.renfrew/live", True),
    ],
)
def test_live_broadcasts_are_known_by_their_address(link: str, live: bool) -> None:
    post = read(record(f"Watch {link} now"))
    assert post.links == (link,)
    assert post.media == ((Media(MediaKind.LIVE),) if live else ())


def test_links_are_web_addresses_only_from_facets_cards_and_text() -> None:
    text = "papers, evil, https://saltmarsh-tc.example/agenda."
    post = read(
        record(
            text,
            facets=[
                facet(text, "papers", uri="https://saltmarsh-tc.example/papers"),
                facet(text, "evil", uri="javascript:alert(1)"),
            ],
            embed={"$type": "app.bsky.embed.external", "external": {"uri": "http://[::broken", "title": ""}},
        )
    )
    assert post.links == ("https://saltmarsh-tc.example/papers", "https://saltmarsh-tc.example/agenda")


def test_a_repost_points_at_its_subject() -> None:
    post = read({"subject": {"uri": uri(RENFREW, "3r"), "cid": "x"}, "createdAt": "bad"}, "app.bsky.feed.repost")
    assert post.text == ""
    assert post.repost_of == Target(handle="renfrew.example", id=RENFREW, post=uri(RENFREW, "3r"))
    assert post.id == uri(RESIDENT, "3mgkey", "app.bsky.feed.repost")


@pytest.mark.parametrize(
    "part",
    [
        {"facets": "many"},
        {"facets": [7, {"index": {}}]},
        {"embed": [1]},
        {"reply": {"parent": "at://x"}},
        {"langs": [1]},
        {"tags": {"a": 1}},
        {"createdAt": 12},
    ],
)
def test_a_part_that_is_malformed_costs_only_itself(part: dict[str, Any]) -> None:
    post = read(record("Still said #SaltmarshTC", **part))
    assert (post.text, post.hashtags) == ("Still said #SaltmarshTC", ("SaltmarshTC",))


def test_a_good_facet_among_bad_ones_is_kept() -> None:
    text = "off to #SaltmarshTC"
    post = read(record(text, facets=[None, facet(text, "off", did=MARCHBANKS)]))
    assert post.mentions == (Target(handle="marchbanks.example", id=MARCHBANKS),)


@pytest.mark.parametrize(
    "claim", ["", "yesterday", "0000-01-01T00:00:00Z", "2026-03-05T19:00:00", "0001-01-01T00:00:00+05:00", "9" * 999]
)
def test_an_absurd_claimed_time_is_no_claim(claim: str) -> None:
    assert read(record("x", createdAt=claim)).claimed_at is None


@pytest.mark.parametrize(
    ("content", "collection"),
    [
        (b"", "app.bsky.feed.post"),
        (b"null", "app.bsky.feed.post"),
        (b'{"text":"\xff"}', "app.bsky.feed.post"),
        (b'{"text":5}', "app.bsky.feed.post"),
        (b'{"text":"' + b"x" * 10_001 + b'"}', "app.bsky.feed.post"),
        (b"[" * 100_000, "app.bsky.feed.post"),
        (b'{"x":' * 100_000, "app.bsky.feed.post"),
        (b"{}", "app.bsky.feed.repost"),
        (b'{"subject":{"uri":"https://x"}}', "app.bsky.feed.repost"),
    ],
)
def test_what_is_no_post_is_said_so_without_quoting_it(content: bytes, collection: str) -> None:
    with pytest.raises(NotAPost) as said:
        read(content, collection)
    assert len(str(said.value)) < 50


texts = st.text(max_size=40)
facets = st.lists(
    st.fixed_dictionaries(
        {
            "index": st.fixed_dictionaries({"byteStart": st.integers(-5, 60), "byteEnd": st.integers(-5, 60)}),
            "features": st.just([{"$type": "app.bsky.richtext.facet#mention", "did": MARCHBANKS}]),
        }
    ),
    max_size=5,
)


@given(texts, facets)
def test_a_mention_counts_exactly_when_its_bytes_spell_whole_characters(text: str, ranges: list[Any]) -> None:
    """The plain reading of the rule: some facet's slice is not empty, in range and decodes."""

    def spells(one: Any) -> bool:
        start, end = one["index"]["byteStart"], one["index"]["byteEnd"]
        raw = text.encode("utf-8")
        if not 0 <= start < end <= len(raw):
            return False
        try:
            return bool((raw[:start].decode(), raw[start:end].decode(), raw[end:].decode()))
        except UnicodeDecodeError:
            return False

    post = read(record(text, facets=ranges))
    assert (Target(handle="marchbanks.example", id=MARCHBANKS) in post.mentions) == any(map(spells, ranges))
    assert post.text == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["text", "facets", "reply", "embed", "langs", "tags", "createdAt", "subject"]), json_values
    ),
    st.sampled_from(["app.bsky.feed.post", "app.bsky.feed.repost"]),
)
def test_any_json_object_is_a_post_or_said_to_be_none(content: dict[str, Any], collection: str) -> None:
    try:
        post = read(content, collection)
    except NotAPost:
        return
    assert isinstance(post.text, str)
