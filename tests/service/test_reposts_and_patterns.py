"""Reposts, whose words are somebody else's, and rules that look at more than one post."""

from __future__ import annotations

import msgspec

from feedmon.model import entries
from feedmon.model.posts import Seen, Target
from feedmon.model.timeline import MarkKind
from tests.service.rooms import INSULT, at, fresh, mark, post, seen, settle


def kinds(effects_entries: list[entries.Entry]) -> list[str]:
    return [type(entry).__name__ for entry in effects_entries]


def test_a_post_that_comes_late_makes_the_pattern_it_belongs_to() -> None:
    """The third attack on one member in an hour is a pattern, in whatever order the three reach us."""
    state = fresh()
    for number, minute in ((3, 50), (1, 36), (2, 44)):
        state.on_event(seen(number, minute, INSULT), at(55))
    settle(state, at(55))
    (pattern,) = [view for view in state.shown() if view.flag.kind == "repeat_target"]
    assert pattern.post.id.endswith("/3")
    assert pattern.flag.target == "Graham Oldroyd"


def test_a_members_repost_does_not_put_a_residents_words_on_record_unless_flagged() -> None:
    """That it was made is on record; the words are a stranger's, and kept only when the repost is flagged."""
    words = "The lamps by the slipway were out again, says everyone"
    original = Target("gullwatcher.example", "did:plc:gullwatcher", "at://did:plc:gullwatcher/app.bsky.feed.post/9")
    repost = msgspec.structs.replace(post(1, 35, words), repost_of=original)
    state = fresh()
    state.on_mark(mark("m1", MarkKind.OPENED, 30), at(30))
    entered = state.on_event(Seen(repost), at(35)).entries
    assert words not in str(entered)
    assert kinds(entered) == ["PostCaptured"]

    state.on_mark(mark("m2", MarkKind.PUBLIC_EXCLUDED, 33), at(36))
    later = settle(state, at(37)).entries
    assert kinds(later) == ["PostCaptured", "FlagRaised"]
    assert words in str(later[0])

    recovered = fresh()
    for entry in [*entered, *later]:
        recovered.recover(entry)
    (view,) = recovered.shown()
    assert view.post.text == words
