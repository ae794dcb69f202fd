"""A status's JSON, as a post a reader sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Media, MediaKind, Post, Target
from feedmon.sources.mastodon_status import NotAStatus, NotPublic, People, decode_page, decode_status, read_status
from tests.sources.bluesky_frames import EVENING
from tests.sources.mastodon_rig import DOMAIN, MEMBER, MEMBER_URI, RESIDENT, SANDHU, status

PEOPLE = People(DOMAIN, [MEMBER_URI], {MEMBER_URI: "@Renfrew@estuary.example"})


def read(one: dict[str, Any], people: People = PEOPLE, uri_of: dict[str, str] | None = None) -> Post:
    decoded = decode_status(msgspec.json.encode(one))
    return read_status(
        decoded, people, observed_at=EVENING, received_at=EVENING, source="mastodon", uri_of=uri_of or {}
    )


def test_a_whole_status() -> None:
    content = '<p>Budget at last <a href="x" class="mention hashtag">#<span>SaltmarshTC</span></a><br>two</p>'
    one = status(
        7,
        content,
        edited=60,
        spoiler_text="local politics",
        language="cy",
        media_attachments=[
            {"type": "image", "description": "A full gallery"},
            {"type": "gifv", "description": None},
            {"type": "unknown"},
            17,
        ],
        card={"url": "https://estuarygazette.example/a"},
        poll={"options": [{"title": "Yes"}, {"title": "No"}]},
    )
    post = read(one)
    assert post.text == "CW: local politics\n\nBudget at last #SaltmarshTC\ntwo\n\n○ Yes\n○ No"
    assert (post.network, post.id) == ("mastodon", one["uri"])
    assert post.version == "2026-03-05T19:01:00.000+00:00"
    assert post.claimed_at == EVENING + timedelta(minutes=1)
    assert post.author.handle == f"resident@{DOMAIN}"
    assert post.author.id == RESIDENT["uri"]
    assert post.links == ("https://estuarygazette.example/a",)
    assert post.media == (Media(MediaKind.IMAGE, "A full gallery"), Media(MediaKind.GIF, ""))
    assert post.langs == ("cy",)
    assert post.hashtags == ("SaltmarshTC",)


def test_a_member_is_known_by_the_name_the_roster_has_whatever_the_server_calls_them() -> None:
    """The clerk may have copied either address; the handle shown is the roster's own."""
    assert read(status(1, by=MEMBER)).author.handle == "@Renfrew@estuary.example"
    page_address = "https://Estuary.example/@renfrew/"
    by_page = People(DOMAIN, [page_address], {page_address: "renfrew@estuary.example"})
    assert read(status(1, by=MEMBER), by_page).author.id == page_address
    older = {name: value for name, value in MEMBER.items() if name != "uri"}
    assert read({**status(1, by=MEMBER), "account": older}, by_page).author.id == page_address


def test_whom_a_status_answers_is_told_by_its_mentions_and_by_what_was_seen() -> None:
    mention = {"id": MEMBER["id"], "acct": MEMBER["acct"], "url": MEMBER["uri"], "username": "renfrew"}
    one = status(2, in_reply_to_id="99", in_reply_to_account_id=MEMBER["id"], mentions=[mention, "nonsense"])
    post = read(one, uri_of={"99": "https://estuary.example/99"})
    assert post.reply_to == Target("@Renfrew@estuary.example", MEMBER_URI, "https://estuary.example/99")
    assert [target.id for target in post.mentions] == [MEMBER_URI]
    to_self = read(status(3, in_reply_to_id="98", in_reply_to_account_id=RESIDENT["id"]))
    assert to_self.reply_to == Target(f"resident@{DOMAIN}", RESIDENT["uri"])
    assert read(status(3, in_reply_to_id="98", in_reply_to_account_id="5")).reply_to is None


def test_a_boost_shows_the_words_it_passes_on() -> None:
    subject = status(1, "<p>Words</p>", by=MEMBER)
    post = read(status(2, "", by=SANDHU, reblog=subject, tags=[]))
    assert post.text == "Words"
    assert post.repost_of == Target("@Renfrew@estuary.example", MEMBER_URI, subject["uri"])
    assert post.author.handle == f"sandhu@{DOMAIN}"


def test_a_quoted_post_is_named() -> None:
    quoted = status(1, by=MEMBER)
    post = read(status(2, "<p>No.</p>", quote={"state": "accepted", "quoted_status": quoted}))
    assert post.quote == Target("@Renfrew@estuary.example", MEMBER_URI, quoted["uri"])
    assert read(status(2, quote={"state": "revoked", "quoted_status": None})).quote is None


def test_a_link_to_a_live_broadcast_is_media() -> None:
    post = read(status(1, '<p><a href="https://www.youtube.com/live/abc">youtube.com/live/abc</a></p>'))
    assert Media(MediaKind.LIVE) in post.media


@pytest.mark.parametrize("visibility", ["unlisted", "private", "direct", "limited", ""])
def test_what_is_not_public_is_none_of_ours(visibility: str) -> None:
    with pytest.raises(NotPublic):
        read(status(1, visibility=visibility))


def test_a_boost_of_something_private_is_none_of_ours() -> None:
    with pytest.raises(NotPublic):
        read(status(2, reblog=status(1, visibility="private")))


@pytest.mark.parametrize("edited", ["yesterday", "0001-01-01T00:00:00+14:00", 5, [], "2026-03-05T19:00:00"])
def test_a_time_that_is_none_costs_only_itself(edited: object) -> None:
    post = read(status(1) | {"edited_at": edited, "created_at": edited})
    assert (post.version, post.claimed_at, post.text) == ("", None, "Words")


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b'{"id":5}', b"null", b"\xff", b"[" * 10_000, b'{"id":"1","uri":"","visibility":"public"}'],
)
def test_what_is_no_status_is_said_so(raw: bytes) -> None:
    with pytest.raises(NotAStatus):
        decode_status(raw)


def test_a_page_keeps_what_can_be_read() -> None:
    page = decode_page(msgspec.json.encode([status(1), {"id": "x"}, 5, status(2)]))
    assert [one.uri for one, _ in page.statuses] == [status(1)["uri"], status(2)["uri"]]
    assert page.unreadable == 2
    with pytest.raises(NotAStatus):
        decode_page(b'{"error":"no"}')


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
LESSER = [
    "created_at", "edited_at", "language", "tags", "mentions", "media_attachments", "in_reply_to_id",
    "in_reply_to_account_id", "card", "poll", "quote", "reblog",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(LESSER), ANYTHING))
def test_lesser_parts_may_be_anything_and_the_words_are_kept(parts: dict[str, Any]) -> None:
    assert read(status(1) | parts).text.startswith("Words")


def test_times_are_told_in_utc() -> None:
    decoded = decode_status(msgspec.json.encode(status(1) | {"created_at": "2026-03-05T20:00:00+01:00"}))
    assert decoded.created == EVENING
    assert decoded.created.tzinfo is UTC
    assert isinstance(decoded.created, datetime)
