"""One post put before the rules: what was posted, by whom, when in the meeting, and a trail of what was asked of it."""

from __future__ import annotations

import msgspec

from feedmon.judgement.phrasebook import Hit, Hits
from feedmon.judgement.room import Author, Room
from feedmon.judgement.text import Reading
from feedmon.model.flags import Basis, Severity, Span, Step
from feedmon.model.meeting import Member
from feedmon.model.posts import Post
from feedmon.model.timeline import Moment


class Case(msgspec.Struct, frozen=True):
    """A post as a check sees it. ``present`` is None for anyone who is not a member."""

    post: Post
    reading: Reading
    hits: Hits
    moment: Moment
    author: Author
    present: bool | None
    room: Room

    @property
    def member(self) -> Member | None:
        """The member whose post it is, if it is one's."""
        return self.author.member

    def said(self, *hits: Hit) -> str:
        """The post's own words for some hits, as folded for reading, so that they are safe to show anywhere."""
        tokens = self.reading.tokens
        found = (" ".join(token.text for token in tokens[hit.first : hit.last + 1]) for hit in hits)
        return ", ".join(f"“{words}”" for words in dict.fromkeys(found))

    @property
    def bare_repost(self) -> bool:
        """Whether it repeats another's post without a word of its own."""
        return self.post.repost_of is not None and not self.post.text.strip()


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
