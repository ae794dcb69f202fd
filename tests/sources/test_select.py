"""Which posts belong to a meeting: by hashtag, by account, by whom they address."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmon.model.meeting import Account, Council, Meeting
from feedmon.model.posts import Author, Post, Target
from feedmon.sources.select import MeetingIndex, Selection, handles_in, hashtag_key, hashtags_in
from tests.sources.bluesky_frames import EVENING, MARCHBANKS, MEETING, RENFREW, STRANGER

SELECTION = Selection.of([MEETING])
WORDS = st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=12)


def said(text: str = "Good evening", **more: object) -> Post:
    fields = {"network": "bluesky", "id": "p1", "author": Author("stranger.example", STRANGER), "observed_at": EVENING}
    return Post(text=text, **{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("#FullCouncil", "fullcouncil"),
        ("＃ＦｕｌｌＣｏｕｎｃｉｌ", "FullCouncil"),
        ("Llanfaïr", "llanfair"),
        ("Llanfai\u0308r", "LLANFAÏR"),
        ("straße", "STRASSE"),
        ("Tŷ", "ty"),
    ],
)
def test_hashtags_are_the_same_whatever_their_case_width_or_accents(written: str, same: str) -> None:
    assert hashtag_key(written) == hashtag_key(same)


@pytest.mark.parametrize(("one", "other"), [("FullCouncil", "FullCouncils"), ("ठु", "ठ"), ("item4", "item5")])
def test_different_hashtags_stay_different(one: str, other: str) -> None:
    assert hashtag_key(one) != hashtag_key(other)


@given(WORDS)
def test_a_hashtag_is_found_in_text_under_the_key_it_is_followed_by(word: str) -> None:
    """Whatever form the letters are in, the tag in a text and the tag in a meeting file meet."""
    composed = unicodedata.normalize("NFKC", word)
    assume(composed.isalnum() and not composed.isdigit())
    for form in ("NFC", "NFD", "NFKC"):
        found = hashtags_in(f"at the ({unicodedata.normalize(form, '#' + word)}) tonight")
        assert [hashtag_key(tag) for tag in found] == [hashtag_key(word)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("off to #SaltmarshTC, late", ("SaltmarshTC",)),
        ("＃SaltmarshTC だ", ("SaltmarshTC",)),
        ("item #4 of #SaltmarshTC#again", ("SaltmarshTC",)),
        ("see https://saltmarsh.example/page#SaltmarshTC", ()),
        ("it&#39;s on", ()),
        ("no#tag here", ()),
        ("", ()),
    ],
)
def test_hashtags_in_text(text: str, found: tuple[str, ...]) -> None:
    assert hashtags_in(text) == found


def test_only_full_handles_are_read_from_text() -> None:
    assert handles_in("@Marchbanks.Example and clerk@saltmarsh-tc.example, @toby") == ("marchbanks.example",)


@pytest.mark.parametrize(
    "post",
    [
        said(hashtags=("saltmarshtc",)),
        said("so #SaltmarshTC then"),
        said(author=Author("new-handle.example", MARCHBANKS)),
        said(author=Author("Renfrew.example")),
        said(mentions=(Target(id=RENFREW),)),
        said(mentions=(Target(handle="sandhu.example"),)),
        said(reply_to=Target(id=MARCHBANKS, post="at://x")),
        said(thread=Target(id=MARCHBANKS, post="at://x")),
        said(quote=Target(id=MARCHBANKS, post="at://x")),
    ],
)
def test_posts_of_a_meeting_are_wanted(post: Post) -> None:
    assert SELECTION.wants(post)
    assert MeetingIndex([MEETING]).meetings_for(post) == ("saltmarsh",)


@pytest.mark.parametrize(
    "post",
    [
        said(),
        said("Helen Marchbanks is on the radio"),
        said(hashtags=("saltmarsh",)),
        said(repost_of=Target(id=MARCHBANKS)),
        said("#SaltmarshTC", hashtags=("elsewhere",)),
    ],
)
def test_other_peoples_posts_are_not(post: Post) -> None:
    assert not SELECTION.wants(post)
    assert MeetingIndex([MEETING]).meetings_for(post) == ()


def test_a_handle_is_an_account_of_its_own_network_only() -> None:
    """The same handle on two networks may be two people; the index tells them apart."""
    post = said(network="x", author=Author("renfrew.example"))
    assert MeetingIndex([MEETING]).meetings_for(post) == ()
    assert Selection.of([MEETING], network="x").handles == frozenset()


accounts = st.sampled_from(["a.example", "b.example", "c.example"])
tags = st.sampled_from(["one", "two", "three"])
meetings = st.builds(
    lambda number, hashtags, handles: replace(
        MEETING,
        id=f"m{number}",
        hashtags=tuple(hashtags),
        members=(),
        council=Council(name="C", accounts=tuple(Account(network="bluesky", handle=handle) for handle in handles)),
    ),
    st.integers(0, 9),
    st.sets(tags),
    st.sets(accounts),
)


@given(st.lists(meetings, max_size=5, unique_by=lambda meeting: meeting.id), tags, accounts, accounts)
def test_the_index_of_many_meetings_agrees_with_asking_each(
    many: list[Meeting], tag: str, author: str, mentioned: str
) -> None:
    post = said(hashtags=(tag,), author=Author(author), mentions=(Target(handle=mentioned),))
    each = tuple(meeting.id for meeting in many if Selection.of([meeting]).wants(post))
    assert MeetingIndex(many).meetings_for(post) == each
    assert Selection.of(many).wants(post) == bool(each)
