"""The journal of a meeting beside the model of what was offered: each function says one thing that must hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from feedmon.model.entries import Entry, PostCaptured, PostRemoved
from feedmon.model.posts import Post
from feedmon.model.sourcestate import Gap
from tests.faults.evening import LAST_TOOT, LASTS, Offered, Version, at

_SLACK = 90.0  # seconds by which what is told of an outage may be off: a visit's distance, and a slow machine


@dataclass(frozen=True)
class Outage:
    """A stretch in which a feed could not be seen, as it really was; in seconds of the meeting."""

    source: str
    start: float
    end: float


def nothing_twice_and_nothing_else(posts: Sequence[Post], offered: Offered) -> None:
    """Each version is written down once, as it was offered, and what nobody should write down is not."""
    assert len({(post.key, post.version) for post in posts}) == len(posts)
    assert len({(post.key, post.text) for post in posts}) == len(posts)
    keep = {(one.network, one.id, one.text): one for one in offered.versions if one.kept}
    for post in posts:
        version = keep[post.network, post.id, post.text]
        assert version.claimed in (None, post.claimed_at)
        assert post.received_at is not None
        assert post.observed_at <= max(post.received_at, at(version.since))


def everything_or_a_hole(posts: Iterable[Post], gaps: Iterable[Gap], offered: Offered) -> None:
    """What a network still offered is there; all else that is missing lies in a hole that is told and was not filled.

    Of what was replaced or deleted before anyone could see it there is no word anywhere, where a network cannot replay.
    """
    got = {(post.network, post.id, post.text) for post in posts}
    missing = [one for one in offered.versions if one.kept and (one.network, one.id, one.text) not in got]
    assert not [one for one in missing if one.network == "bluesky"], "Jetstream sends everything again"
    standing = [one for one in missing if one.until is None]
    assert not [one for one in standing if one.network == "rss" and one.id in offered.shown_last]
    assert not [one for one in standing if one.network == "mastodon" and one.since <= LAST_TOOT]
    holes = [(gap.source, gap.start, gap.end) for gap in gaps if not gap.filled]
    unexplained = [one for one in standing if not any(_lies_in(one, hole) for hole in holes)]
    assert not unexplained
    assert {one.network for one in standing} == {"mastodon", "rss"}, "there was something that could not be had"


def in_order(posts: Iterable[Post], offered: Offered) -> None:
    """In order of ``observed_at`` the posts come as they were offered, and the versions of each one too.

    Not so among Mastodon's posts: one found by asking is dated by its server's claim, one streamed by when it came.
    """
    seen = {(post.network, post.id, post.text): post.observed_at for post in posts}
    kept = [one for one in offered.versions if (one.network, one.id, one.text) in seen]
    when = {one: seen[one.network, one.id, one.text] for one in kept}
    for one in kept:
        assert one.network != "bluesky" or when[one] == at(one.since)
    letters = sorted((one for one in kept if one.network == "rss"), key=lambda one: one.since)
    for one, two in pairwise(letters):
        assert when[one] <= when[two]
    for one, two in pairwise(sorted(kept, key=lambda one: (one.network, one.id, one.since))):
        if (one.network, one.id) == (two.network, two.id):
            assert when[one] <= when[two]


def deletions_are_respected(entries: Iterable[Entry], offered: Offered) -> None:
    """Whatever was written down and then deleted is noted as deleted, once; and nothing else is."""
    entries = list(entries)
    written = {one.post.id for one in entries if isinstance(one, PostCaptured)}
    removed = [one.key.id for one in entries if isinstance(one, PostRemoved)]
    assert len(removed) == len(set(removed))
    assert set(removed) == written & offered.deleted.keys()
    assert len(removed) > 30


def holes_are_on_record(
    gaps: Sequence[Gap], outages: Iterable[Outage], asleep: Iterable[Outage], kills: Sequence[float]
) -> None:
    """Every stretch in which a feed could not be seen is told; and what was replayed is told as filled."""
    unknown = [outage for outage in outages if not _is_told(outage, gaps)]
    assert not unknown
    # what was under way as the machine fell asleep is only taken in when it wakes, and then seems to be a sign of life
    assert any(_is_told(outage, gaps) for outage in asleep)
    for gap in gaps:
        if gap.source == "bluesky" and not gap.filled:
            # the one that was being filled when the service was killed: the next service asks again, under another gap
            assert any(_seconds(gap.end) <= kill + _SLACK for kill in kills), gap
    last = [gap for gap in gaps if gap.source == "mastodon" and _seconds(gap.end) > LASTS - _SLACK]
    assert last
    assert not any(gap.filled for gap in last)


def _is_told(outage: Outage, gaps: Iterable[Gap]) -> bool:
    covered = outage.start + _SLACK
    for gap in sorted((one for one in gaps if one.source == outage.source), key=lambda gap: gap.start):
        if _seconds(gap.start) <= covered:
            covered = max(covered, _seconds(gap.end))
    return covered >= outage.end - _SLACK / 3


def _lies_in(version: Version, hole: tuple[str, datetime, datetime]) -> bool:
    source, start, end = hole
    return source == version.network and _seconds(start) - _SLACK <= version.since <= _seconds(end) + _SLACK


def _seconds(instant: datetime) -> float:
    return (instant - at(0)).total_seconds()
