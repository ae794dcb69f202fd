"""What a Mastodon server shows, folded into events: whatever order it comes in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Deleted, Edited, Seen, SourceEvent
from feedmon.sources.mastodon_status import People, StatusEntity, decode_status
from feedmon.sources.mastodon_stream import MastodonStream
from feedmon.sources.select import Selection
from tests.sources.mastodon_rig import DOMAIN, MEETING, MEMBER, SANDHU, STRANGER, at, status

SELECTION = Selection.of([MEETING])


def stream(held: tuple[str, ...] = ()) -> MastodonStream:
    return MastodonStream(SELECTION, "mastodon", People(DOMAIN, SELECTION.author_ids, SELECTION.handle_of), held)


def entity(one: dict[str, Any]) -> StatusEntity:
    return decode_status(msgspec.json.encode(one))


def observed(events: tuple[SourceEvent, ...]) -> list[datetime]:
    return [event.observed_at if isinstance(event, Deleted) else event.post.observed_at for event in events]


POST = status(1, "<p>first</p>", 1, by=STRANGER)
EDIT = {**status(1, "<p>second</p>", 1, by=STRANGER, edited=20), "id": POST["id"]}


def test_a_version_is_handed_on_once_whichever_way_it_comes() -> None:
    fold = stream()
    assert len(fold.live(entity(POST), at(2))) == 1
    assert fold.live(entity(POST), at(3)) == ()
    assert fold.found(entity(POST), at(2), at(4)) == ()
    (edited,) = fold.found(entity(EDIT), at(10), at(60))
    assert isinstance(edited, Edited)
    assert observed((edited,)) == [at(20)]


def test_an_edit_that_drops_the_tag_is_handed_on_and_one_that_adds_it_is_too() -> None:
    fold = stream()
    fold.live(entity(POST), at(2))
    assert len(fold.live(entity({**EDIT, "tags": []}), at(21))) == 1
    fold = stream()
    assert fold.live(entity({**POST, "tags": [], "content": "<p>x</p>"}), at(2)) == ()
    assert len(fold.live(entity(EDIT), at(21))) == 1


def test_a_deletion_that_comes_first_is_told_with_the_post() -> None:
    fold = stream()
    assert fold.gone(POST["id"], at(2)) == ()
    seen, deletion = fold.live(entity(POST), at(3))
    assert isinstance(seen, Seen)
    assert isinstance(deletion, Deleted)
    assert deletion.key == seen.post.key
    assert observed((seen, deletion)) == [at(2), at(2)]
    assert fold.gone(POST["id"], at(4)) == ()
    assert fold.live(entity(POST), at(5)) == ()


def test_deletions_of_what_is_none_of_ours_are_not_told() -> None:
    fold = stream()
    fold.live(entity({**POST, "tags": []}), at(2))
    assert fold.gone(POST["id"], at(3)) == ()


def test_posts_held_from_before_are_known_by_their_lasting_names() -> None:
    """A local one by the number its name ends in; one from elsewhere once the server has shown it."""
    local = f"https://{DOMAIN}/users/resident/statuses/115"
    fold = stream((local, "https://elsewhere.example/users/x/statuses/7"))
    assert fold.to_check(20) == [("115", None)]
    (deletion,) = fold.gone("115", at(2))
    assert isinstance(deletion, Deleted)
    assert deletion.key.id == local
    assert fold.to_check(20) == []


def test_boosts_are_taken_from_those_followed_only() -> None:
    fold = stream()
    boosted = status(1)
    assert len(fold.live(entity(status(2, by=SANDHU, reblog=boosted, tags=[])), at(2))) == 1
    assert fold.live(entity(status(3, by=STRANGER, reblog=boosted, tags=["saltmarshtc"])), at(2)) == ()


def test_a_member_is_followed_whatever_they_write_about() -> None:
    assert len(stream().live(entity(status(1, "<p>Rain again</p>", by=MEMBER, tags=[])), at(2))) == 1


def test_hashtags_are_the_same_whatever_their_accents() -> None:
    for tag in ("llanfair", "Llanfaïr", "ＬＬＡＮＦＡＩＲ"):
        assert len(stream().live(entity(status(1, by=STRANGER, tags=[tag])), at(2))) == 1


def test_what_is_found_later_is_dated_by_its_claim_within_what_can_be_true() -> None:
    def dated(claimed: float, unseen_since: float | None) -> list[datetime]:
        one = entity(status(1, seconds=claimed))
        return observed(stream().found(one, None if unseen_since is None else at(unseen_since), at(100)))

    assert dated(50, 40) == [at(50)]
    assert dated(-5_000, 40) == [at(40)]
    assert dated(90_000, 40) == [at(100)]
    assert dated(10, None) == [at(10)]


def test_what_streams_is_dated_by_our_receipt() -> None:
    assert observed(stream().live(entity(status(1, seconds=-90_000)), at(7))) == [at(7)]


def test_posts_take_turns_in_being_checked() -> None:
    fold = stream()
    posts = [status(nth, seconds=nth) for nth in range(3)]
    for post in posts:
        fold.live(entity(post), at(5))
    first = fold.to_check(2)
    assert first == [(posts[0]["id"], at(5)), (posts[1]["id"], at(5))]
    fold.checked([number for number, _ in first], at(6))
    assert fold.to_check(2) == [(posts[2]["id"], at(5)), (posts[0]["id"], at(6))]


@given(st.permutations(["first", "second", "third", "delete"]), st.lists(st.sampled_from(range(4)), max_size=4))
def test_any_order_comes_to_the_same(order: list[str], doubled: list[int]) -> None:
    """Whatever the order and whatever comes twice: each version once, in its own order, and the post deleted."""
    versions = {
        "first": POST,
        "second": EDIT,
        "third": {**EDIT, "edited_at": "2026-03-05T19:00:40.000Z", "content": "<p>third</p>"},
    }
    arrivals = list(order)
    for place in doubled:
        arrivals.append(order[place])
    fold = stream()
    events: list[SourceEvent] = []
    for seconds, what in enumerate(arrivals):
        now = at(100) + timedelta(seconds=seconds)
        events += fold.gone(POST["id"], now) if what == "delete" else fold.live(entity(versions[what]), now)
    posts = [event.post for event in events if not isinstance(event, Deleted)]
    assert sorted(post.text for post in posts) == ["first", "second", "third"]
    in_order = sorted(posts, key=lambda post: (post.observed_at, post.version))
    assert [post.text for post in in_order] == ["first", "second", "third"]
    assert any(isinstance(event, Deleted) for event in events)
