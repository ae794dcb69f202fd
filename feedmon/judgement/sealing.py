"""Closed papers as keyed fingerprints: enough to notice a leak, too little to read.

A paper's text is cut into runs of :data:`RUN` folded words; each run, and each distinctive figure, is digested with
BLAKE2b under the meeting's own key. Whoever has the digests but not the key can neither read nor guess the paper. What
an open paper of the meeting also says is left out before digesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from itertools import pairwise

import msgspec

from feedmon.judgement.stems import STOPWORDS
from feedmon.judgement.text import Reading, Token, TokenKind, tokens_of
from feedmon.model.flags import Span
from feedmon.model.meeting import Meeting
from feedmon.model.seals import Seal

RUN = 5
"""Words in one fingerprinted run. Longer matches are runs that follow on from each other."""

_LEAST_PAPER = 3 * RUN
_SHORTEST_NAME = 4
_DISTINCTIVE = re.compile(r"[£$€]?\d+(?:[.:]\d+)*")


class LeakKind(Enum):
    """What of a paper leaked."""

    RUN = "run"
    FIGURE = "figure"
    NAME = "name"


class Leak(msgspec.Struct, frozen=True):
    """A stretch of a post that a sealed paper also says: ``words`` in a row, or one figure or name (``words`` 0)."""

    item: str
    kind: LeakKind
    words: int
    span: Span


def open_texts(meeting: Meeting) -> tuple[str, ...]:
    """What everyone may know of a meeting: its council, its agenda's titles and reasons, its open reports."""
    council = meeting.council
    known = [meeting.title, council.name, *council.places, *council.contacts]
    for item in meeting.items:
        known += [item.title, item.reason or "", item.report]
    return tuple(text for text in known if text)


def seal(text: str, item: str, key: bytes, at: datetime, open_texts: Iterable[str] = ()) -> Seal:
    """The fingerprints of a closed paper on agenda item ``item``, made at ``at`` (UTC).

    Raises ValueError when the paper is too short to tell from ordinary words.
    """
    words = _words(tokens_of(text))
    open_words = [_words(tokens_of(open_text)) for open_text in open_texts]
    known_runs = {run for each in open_words for _, run in _runs(each)}
    known_figures = {figure for each in open_words for _, figure in _figures(each)}
    known_words = {token.text for each in open_words for token in each}
    if len(words) < _LEAST_PAPER:
        raise ValueError(f"the paper has only {len(words)} words; at least {_LEAST_PAPER} are needed to tell it apart")
    return Seal(
        item=item,
        runs=frozenset(_digest(key, run) for _, run in _runs(words) if run not in known_runs),
        figures=frozenset(_digest(key, figure) for _, figure in _figures(words) if figure not in known_figures),
        names=frozenset(_digest(key, name) for name in _names(tokens_of(text)) if name not in known_words),
        sealed_at=at,
        words=len(words),
    )


class Fingerprints:
    """The seals of a meeting, ready to be compared with posts. Without the key nothing ever matches."""

    def __init__(self, seals: Sequence[Seal], key: bytes | None) -> None:
        self._key = key
        self._runs: dict[str, set[str]] = {}
        self._figures: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        for one in seals if key is not None else ():
            for digest in one.runs:
                self._runs.setdefault(digest, set()).add(one.item)
            for digest in one.figures:
                self._figures.setdefault(digest, set()).add(one.item)
            for digest in one.names:
                self._names.setdefault(digest, set()).add(one.item)

    def __bool__(self) -> bool:
        return bool(self._runs)

    def leaks(self, reading: Reading) -> tuple[Leak, ...]:
        """Every stretch the sealed papers also say, longest first; figures and names after runs."""
        if self._key is None or not self._runs:
            return ()
        words = _words(reading.tokens)
        found: list[Leak] = []
        open_runs: dict[str, tuple[int, int]] = {}
        for index, run in _runs(words):
            items = self._runs.get(_digest(self._key, run), set())
            for item in items:
                first, last = open_runs.get(item, (index, index - 1))
                if last < index - 1:
                    found.append(_leak(words, item, first, last + RUN))
                    first = index
                open_runs[item] = (first, index)
        found += [_leak(words, item, first, last + RUN) for item, (first, last) in open_runs.items()]
        figures = [
            Leak(item, LeakKind.FIGURE, 0, Span(token.start, token.end, "figure in the sealed paper"))
            for token, figure in _figures(words)
            for item in sorted(self._figures.get(_digest(self._key, figure), ()))
        ]
        names = [
            Leak(item, LeakKind.NAME, 0, Span(token.start, token.end, "name in the sealed paper"))
            for token in words
            if token.kind is TokenKind.WORD and len(token.text) >= _SHORTEST_NAME
            for item in sorted(self._names.get(_digest(self._key, token.text), ()))
        ]
        return (*sorted(found, key=lambda leak: -leak.words), *figures, *names)


def _leak(words: Sequence[Token], item: str, first: int, stop: int) -> Leak:
    span = Span(words[first].start, words[stop - 1].end, "words of the sealed paper")
    return Leak(item, LeakKind.RUN, stop - first, span)


def _words(tokens: Iterable[Token]) -> list[Token]:
    return [token for token in tokens if token.kind in (TokenKind.WORD, TokenKind.NUMBER)]


def _runs(words: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for index in range(len(words) - RUN + 1):
        yield index, " ".join(token.text.lstrip("£$€") for token in words[index : index + RUN])


def _figures(words: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Figures that hardly turn up by chance: money, or four digits and more that are no year."""
    for token in words:
        if token.kind is TokenKind.NUMBER and _DISTINCTIVE.fullmatch(token.text):
            digits = token.text.lstrip("£$€")
            whole = digits.split(".")[0]
            year = len(whole) == 4 and whole[:2] in ("19", "20") and digits == token.text
            if len(whole) >= 4 and not year and ":" not in digits:
                yield token, digits


def _names(tokens: Sequence[Token]) -> Iterator[str]:
    """Words written with a capital every time, and not only because a sentence begins with them."""
    plain = {token.text for token in tokens if not token.capital}
    for earlier, token in pairwise(tokens):
        begins = earlier.kind is TokenKind.STOP
        if token.capital and not begins and token.text not in plain | STOPWORDS and len(token.text) >= _SHORTEST_NAME:
            yield token.text


def _digest(key: bytes, text: str) -> str:
    return blake2b(text.encode(), key=key, digest_size=8, person=b"feedmon seal").hexdigest()
