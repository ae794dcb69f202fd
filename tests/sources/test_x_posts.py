"""X's posts as a reader sees them, the rules that ask for them, and what they cost. Pure."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Media, MediaKind, Target
from feedmon.rehearsal.x_query import Told, matcher
from feedmon.sources.select import Selection
from feedmon.sources.x_posts import NotAPost, Read, User, id_at, instant_of, read_post
from feedmon.sources.x_rules import LONGEST_QUERY, LONGEST_RULE, TAG, Rule, changes, wanted
from feedmon.sources.x_spend import Spend
from tests.sources import x_frames
from tests.sources.x_frames import COUNCIL, EVENING, RESIDENT, SELECTION

USERS = {RESIDENT: User(RESIDENT, "gullwatcher", "Gull Watcher")}


def read(text: str = "Hello #SaltmarshTC", **more: Any) -> Read:
    post = x_frames.data(RESIDENT, 2, text, **more)
    return read_post(json.dumps(post).encode(), USERS, EVENING, "x")


def test_an_id_is_the_networks_clock() -> None:
    assert instant_of("1346889436626259968") == datetime(2021, 1, 6, 18, 40, 40, 344000, UTC)
    assert instant_of(str(id_at(EVENING))) == EVENING
    assert id_at(datetime(2001, 1, 1, tzinfo=UTC)) == 0


@given(st.integers(0, 10**11).map(lambda ms: EVENING + timedelta(milliseconds=ms)))
def test_ids_and_instants_go_over_into_each_other(at: datetime) -> None:
    assert instant_of(str(id_at(at))) == at
    assert instant_of(str(id_at(at) - 1)) < at


def test_a_plain_post() -> None:
    post = read("Fish &amp; chips &lt;3 at #SaltmarshTC, @SaltmarshTC &amp;lt;").post
    assert post.text == "Fish & chips <3 at #SaltmarshTC, @SaltmarshTC &lt;"
    assert post.author.handle == "gullwatcher"
    assert post.author.id == RESIDENT
    assert post.hashtags == ("SaltmarshTC",)
    assert post.mentions == (Target(handle="saltmarshtc", id=COUNCIL),)
    assert post.observed_at == EVENING + timedelta(seconds=2)
    assert (post.network, post.langs, post.id == post.version) == ("x", ("en",), True)


def test_a_long_post_is_read_whole_with_its_own_tags() -> None:
    note = {"text": "x" * 400 + " &amp; the end #SaltmarshTC", "entities": {"hashtags": [{"tag": "SaltmarshTC"}]}}
    post = read("x" * 200 + "…", note_tweet=note).post
    assert post.text.endswith("& the end #SaltmarshTC")
    assert post.hashtags == ("SaltmarshTC",)


def test_links_are_shown_as_readers_see_them_and_those_of_attachments_not_at_all() -> None:
    urls = [
        {
            "url": "https://t.co/aaa",
            "expanded_url": "https://saltmarsh.example/papers/9",
            "display_url": "saltmarsh.example/papers/9",
        },
        {
            "url": "https://t.co/bbb",
            "expanded_url": "https://x.com/gullwatcher/status/77/photo/1",
            "display_url": "pic",
        },
        {"url": "https://t.co/ccc", "expanded_url": "https://x.com/CllrMarchbanks/status/55", "display_url": "x.com/…"},
    ]
    post = read(
        "See https://t.co/aaa https://t.co/bbb https://t.co/ccc",
        entities={"urls": urls},
        referenced_tweets=[{"type": "quoted", "id": "55"}],
        attachments={"media_keys": ["3_77", "16_1", "7_1", "nonsense"]},
    ).post
    assert post.text == "See saltmarsh.example/papers/9"
    assert post.links == ("https://saltmarsh.example/papers/9",)
    assert post.quote == Target(handle="cllrmarchbanks", post="55")
    kinds = [MediaKind.IMAGE, MediaKind.GIF, MediaKind.VIDEO, MediaKind.IMAGE]
    assert post.media == tuple(map(Media, kinds))


def test_an_answer_says_whom_and_where_it_began() -> None:
    post = read(
        "@SaltmarshTC when?",
        referenced_tweets=[{"type": "replied_to", "id": "55"}],
        in_reply_to_user_id=COUNCIL,
        conversation_id="44",
    ).post
    assert post.reply_to == Target(handle="saltmarshtc", id=COUNCIL, post="55")
    assert post.thread == Target(post="44")


def test_a_live_broadcast_is_media() -> None:
    urls = [{"url": "https://t.co/a", "expanded_url": "https://x.com/i/broadcasts/1abc", "display_url": "x.com/i/…"}]
    assert Media(MediaKind.LIVE) in read("Live https://t.co/a", entities={"urls": urls}).post.media


def test_an_unknown_author_is_known_by_number() -> None:
    assert read_post(json.dumps(x_frames.data("42", 2, "x")).encode(), {}, None, "x").post.author.handle == "42"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b'{"id":"x","text":"a"}', b'{"id":"1","text":5}', b"[" * 5000, b'{"id":1}']
)
def test_what_is_no_post_is_said_so(data: bytes) -> None:
    with pytest.raises(NotAPost):
        read_post(data, {}, None, "x")


def test_a_text_longer_than_any_is_no_post() -> None:
    with pytest.raises(NotAPost, match="longer"):
        read("x" * 30_001)


KEYS = st.sampled_from(["hashtags", "urls", "mentions", "tag", "text", "id", "type"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(KEYS, one, max_size=4),
    max_leaves=8,
)
PARTS = ["author_id", "created_at", "edit_history_tweet_ids", "entities", "note_tweet", "referenced_tweets", "lang",
         "attachments", "conversation_id", "in_reply_to_user_id"]  # fmt: skip


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(PARTS), JSON))
def test_a_malformed_part_costs_only_itself(text: str, parts: dict[str, Any]) -> None:
    data = json.dumps({**x_frames.data(RESIDENT, 2, text), **parts}).encode()
    post = read_post(data, USERS, None, "x").post
    assert post.network == "x"
    assert post.version == x_frames.id_at(2)


HANDLES = st.from_regex(r"[a-z0-9_]{1,15}", fullmatch=True)
TAGS = st.from_regex(r"[a-zâïŵ]{1,40}", fullmatch=True)


@given(st.frozensets(HANDLES, max_size=120), st.frozensets(TAGS, max_size=40), st.sampled_from([512, 1024]))
def test_rules_fit_and_between_them_ask_for_everything_once(
    handles: frozenset[str], tags: frozenset[str], longest: int
) -> None:
    selection = Selection(handles=handles, tags_as_written=tags, hashtags=tags)
    rules = wanted(selection, longest)
    assert all(len(rule) <= longest for rule in rules)
    assert len(rules) == len(set(rules))
    matchers = [matcher(rule) for rule in rules]

    def asked(repost: bool, **told: frozenset[str]) -> bool:
        nothing: dict[str, frozenset[str]] = {"hashtags": frozenset(), "mentions": frozenset(), "author": frozenset()}
        return any(one(Told(**{**nothing, **told}, repost=repost)) for one in matchers)

    for handle in handles:
        assert asked(False, mentions=frozenset({handle}))
        assert asked(True, author=frozenset({handle}))
    for tag in tags:
        assert asked(False, hashtags=frozenset({tag}))
        assert not asked(True, hashtags=frozenset({tag}))


def test_rules_know_accounts_by_id_where_there_is_one_and_tags_with_and_without_accents() -> None:
    assert wanted(SELECTION, LONGEST_RULE) == (
        "(#llanfair OR #llanfaïr OR #saltmarshtc OR @cllrmarchbanks OR @saltmarshtc) -is:retweet",
        f"from:{COUNCIL} OR from:cllrmarchbanks",
    )
    assert wanted(SELECTION, LONGEST_QUERY) == wanted(SELECTION, LONGEST_RULE)


def test_the_handles_of_other_networks_are_not_asked_for() -> None:
    selection = Selection(
        handles=frozenset({"name.bsky.social", "name@server.example"}), author_ids=frozenset({"did:plc:a"})
    )
    assert wanted(selection, LONGEST_RULE) == ()


def test_changes_touch_only_our_own_rules() -> None:
    rules = [Rule("1", "#a", TAG), Rule("2", "#old", TAG), Rule("3", "#old", "theirs"), Rule("4", "#a", TAG)]
    made = changes(rules, ["#a", "#b"])
    assert made.add == ("#b",)
    assert made.delete == ("2", "4")


def test_spending_counts_once_a_day_and_knows_what_is_left() -> None:
    spend, today = Spend(0.05), date(2026, 3, 5)
    for _ in range(3):
        spend.read(today, ["1", "2"], ["7"])
    assert (spend.spent, spend.posts, spend.affordable) == (20, 2, 2)
    assert str(spend) == "$0.02 of $0.05 spent at most"
    spend.read(date(2026, 3, 6), ["1"], ["7"])
    assert (spend.spent, spend.affordable) == (35, 1)
    spend.resume(60)
    assert spend.affordable == 0
    spend.resume(10)
    assert spend.spent == 60
