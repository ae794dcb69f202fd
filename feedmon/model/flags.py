"""A flag: a suggestion for a person, with everything that led to it. Never a finding."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from feedmon.model.instants import Instant
from feedmon.model.posts import PostKey
from feedmon.model.timeline import Moment


class Severity(StrEnum):
    """How soon a person should look. Ordered: see :attr:`rank`."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 3 for critical."""
        return _RANK[self]

    @property
    def one_lower(self) -> Severity:
        """The next severity down; info stays info."""
        return list(Severity)[max(0, self.rank - 1)]

    def capped(self, most: Severity) -> Severity:
        """This severity, but no higher than ``most``."""
        return self if self.rank <= most.rank else most


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Basis(StrEnum):
    """What a flag rests on: a fact (marks, roster, profile, pattern) or a reading of the text."""

    FACT = "fact"
    READING = "reading"


class Span(msgspec.Struct, frozen=True, order=True):
    """Characters ``start`` up to, not including, ``end`` of the post's original text, and what they matched."""

    start: int
    end: int
    label: str = ""


class Step(msgspec.Struct, frozen=True):
    """One condition of a rule, whether it held, and what it was held against. Steps in order are the explanation."""

    condition: str
    held: bool
    detail: str = ""


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Rule + post + moment + what matched. Reads “possible, clause N, for review”, always.

    ``id`` is made from the meeting, the post's version and the rule, so judging again names the same flag.
    ``clauses`` are the pack's clause ids (``5.1.d``); ``score`` is 0…1, and 1 for a fact. ``passes_if`` says what
    would have made the post pass. ``chair_words`` are words the chair could read out that name nobody.
    """

    id: str
    rule: str
    kind: str
    pack: str
    pack_hash: str
    clauses: tuple[str, ...]
    title: str
    severity: Severity
    basis: Basis
    score: float
    reason: str
    post: PostKey
    version: str
    moment: Moment
    raised_at: Instant
    member: str | None = None
    target: str | None = None
    spans: tuple[Span, ...] = ()
    steps: tuple[Step, ...] = ()
    passes_if: str = ""
    chair_words: str = ""
    quiet: bool = False
