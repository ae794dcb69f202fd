"""Closed papers as keyed fingerprints: enough to notice a leak, too little to read.

A paper's text is cut into runs of :data:`RUN` folded words; each run, and each distinctive figure, is digested with
BLAKE2b under the meeting's own key. Whoever has the digests but not the key can neither read nor guess the paper. What
an open paper of the meeting also says is left out before digesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

from feedmon.judgement.text import Reading, Token, TokenKind, tokens_of
from feedmon.model.flags import Span
from feedmon.model.seals import Seal

RUN = 5
"""Words in one fingerprinted run. Longer matches are runs that follow on from each other."""

_LEAST_PAPER = 3 * RUN
_DISTINCTIVE = re.compile(r"[£$€]?\d+(?:[.:]\d+)*")


class Leak(msgspec.Struct, frozen=True):
    """A stretch of a post that a sealed paper also says: ``words`` in a row, or one figure (``words`` 0)."""

    item: str
    words: int
    span: Span


def seal(text: str, item: str, key: bytes, at: datetime, open_texts: Iterable[str] = ()) -> Seal:
    """The fingerprints of a closed paper on agenda item ``item``, made at ``at`` (UTC).

    Raises ValueError when the paper is too short to tell from ordinary words.
    """
    words = _words(tokens_of(text))
    open_words = [_words(tokens_of(open_text)) for open_text in open_texts]
    known_runs = {run for each in open_words for _, run in _runs(each)}
    known_figures = {figure for each in open_words for _, figure in _figures(each)}
    if len(words) < _LEAST_PAPER:
        raise ValueError(f"the paper has only {len(words)} words; at least {_LEAST_PAPER} are needed to tell it apart")
    return Seal(
        item=item,
        runs=frozenset(_digest(key, run) for _, run in _runs(words) if run not in known_runs),
        figures=frozenset(_digest(key, figure) for _, figure in _figures(words) if figure not in known_figures),
        sealed_at=at,
        words=len(words),
    )


class Fingerprints:
    """The seals of a meeting, ready to be compared with posts. Without the key nothing ever matches."""

    def __init__(self, seals: Sequence[Seal], key: bytes | None) -> None:
        self._key = key
        self._runs: dict[str, set[str]] = {}
        self._figures: dict[str, set[str]] = {}
        for one in seals if key is not None else ():
            for digest in one.runs:
                self._runs.setdefault(digest, set()).add(one.item)
            for digest in one.figures:
                self._figures.setdefault(digest, set()).add(one.item)

    def __bool__(self) -> bool:
        return bool(self._runs)

    def leaks(self, reading: Reading) -> tuple[Leak, ...]:
        """Every stretch the sealed papers also say, longest first; figures after runs."""
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
            Leak(item, 0, Span(token.start, token.end, "figure in the sealed paper"))
            for token, figure in _figures(words)
            for item in sorted(self._figures.get(_digest(self._key, figure), ()))
        ]
        return tuple(sorted(found, key=lambda leak: -leak.words)) + tuple(figures)


def _leak(words: Sequence[Token], item: str, first: int, stop: int) -> Leak:
    span = Span(words[first].start, words[stop - 1].end, "words of the sealed paper")
    return Leak(item, stop - first, span)


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


def _digest(key: bytes, text: str) -> str:
    return blake2b(text.encode(), key=key, digest_size=8, person=b"feedmon seal").hexdigest()
