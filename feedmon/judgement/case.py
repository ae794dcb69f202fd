"""One post put before the rules: what was posted, by whom, when in the meeting, and a trail of what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from feedmon.judgement.phrasebook import Hit, Hits
from feedmon.judgement.room import Author, Room
from feedmon.judgement.text import Reading
from feedmon.model.flags import Basis, Severity, Span, Step
from feedmon.model.instants import Instant
from feedmon.model.meeting import Member
from feedmon.model.posts import Post, PostKey
from feedmon.model.timeline import Moment


class Earlier(msgspec.Struct, frozen=True):
    """What an earlier post by a member tells a later one's rules: when, whose, towards whom, and whom it went for.

    ``member``, ``toward`` and ``attacked`` are members' ids. It is made from the post alone, so that marks and the
    order of arrival change nothing in it. They are in order of time; what two versions seen at once leave behind may
    differ in its last fields alone, or in nothing.
    """

    at: Instant
    post: PostKey
    member: str
    toward: str | None = None
    attacked: str | None = None

    def __lt__(self, other: Earlier) -> bool:
        return self._place < other._place

    @property
    def _place(self) -> tuple[datetime, PostKey, str, str, str]:
        return self.at, self.post, self.member, self.toward or "", self.attacked or ""


class Case(msgspec.Struct, frozen=True):
    """A post as a check sees it. ``present`` is None for anyone who is not a member.

    ``earlier`` are the members' earlier posts, in order of time; ``own`` is what this one will be to later ones.
    """

    post: Post
    reading: Reading
    hits: Hits
    moment: Moment
    author: Author
    present: bool | None
    room: Room
    earlier: tuple[Earlier, ...] = ()
    own: Earlier | None = None

    @property
    def member(self) -> Member | None:
        """The member whose post it is, if it is one's."""
        return self.author.member

    def said(self, *hits: Hit) -> str:
        """The post's own words for some hits, as folded for reading, so that they are safe to show anywhere."""
        tokens = self.reading.tokens
        found = (" ".join(token.text for token in tokens[hit.first : hit.last + 1]) for hit in hits)
        return ", ".join(f"“{words}”" for words in dict.fromkeys(found))

    def before(self, minutes: float) -> Iterator[Earlier]:
        """The other posts of members in the last ``minutes``, each once whatever its versions."""
        seen = {self.post.key}
        start = self.post.observed_at - timedelta(minutes=minutes)
        for earlier in self.earlier:
            if start <= earlier.at < self.post.observed_at and earlier.post not in seen:
                seen.add(earlier.post)
                yield earlier

    @property
    def bare_repost(self) -> bool:
        """Whether it repeats another's post without a word of its own (one that adds words is a quote)."""
        return self.post.repost_of is not None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: the ground for a flag.

    The severity is the rule's own unless ``severity`` sets another; ``lower`` takes it that many steps down.
    """

    basis: Basis
    score: float
    reason: str
    spans: tuple[Span, ...] = ()
    target: str | None = None
    severity: Severity | None = None
    lower: int = 0


class Trail:
    """The conditions a rule went through, in order. The last one that failed says why there is no flag."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def holds(self, condition: str, held: object, detail: str = "") -> bool:
        """Note a condition and whether it held; returns just that."""
        self._steps.append(Step(condition, bool(held), detail))
        return bool(held)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every condition so far."""
        return tuple(self._steps)
