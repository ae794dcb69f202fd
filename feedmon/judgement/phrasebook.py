"""All phrases of all rules, found in one pass over a reading."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from ahocorasick_rs import AhoCorasick

from feedmon.judgement.packs import Lexicon, Use
from feedmon.judgement.phrases import Phrase, compiled, phrase
from feedmon.judgement.text import Reading, TokenKind, read
from feedmon.model.flags import Span


class Sense(msgspec.Struct, frozen=True):
    """What a phrase means where it stands: its lexicon, its group's label and use, and how strong it is."""

    lexicon: str
    label: str
    strength: float = 1.0
    use: Use = Use.ANY


class Hit(msgspec.Struct, frozen=True):
    """A phrase found: tokens ``first`` to ``last`` of the reading, the phrase as the lexicon has it, its sense."""

    first: int
    last: int
    phrase: str
    sense: Sense


T = TypeVar("T")

MOST_HITS = 60
"""Hits of one lexicon that are looked at in one post; a post with more repeats itself."""


class Hits:
    """Everything found in one reading, by lexicon; of each lexicon the first :data:`MOST_HITS`."""

    def __init__(self, reading: Reading, found: Iterable[Hit]) -> None:
        self._reading = reading
        self._by_lexicon: dict[str, list[Hit]] = {}
        self._worked_out: dict[str, Any] = {}
        for hit in found:
            hits = self._by_lexicon.setdefault(hit.sense.lexicon, [])
            if len(hits) < MOST_HITS:
                hits.append(hit)

    def of(self, lexicon: str, *labels: str) -> tuple[Hit, ...]:
        """The hits of one lexicon (of the groups labelled so, if any are named), in order."""
        found = self._by_lexicon.get(lexicon, ())
        return tuple(hit for hit in found if not labels or hit.sense.label in labels)

    def once(self, what: str, work_out: Callable[[], T]) -> T:
        """What ``work_out`` gives, worked out the first time only: several rules ask the same of one reading."""
        if what not in self._worked_out:
            self._worked_out[what] = work_out()
        result: T = self._worked_out[what]
        return result

    def span(self, hit: Hit) -> Span:
        """Where a hit stands in the original text."""
        tokens = self._reading.tokens
        return Span(tokens[hit.first].start, tokens[hit.last].end, hit.sense.label)


class Phrasebook:
    """A finder for the phrases of many lexicons, and for names given as ``extra`` (sense → phrases).

    ``vocabulary`` is every folded word of all of them. Raises ValueError for a phrase that cannot be read.
    """

    def __init__(self, lexicons: Sequence[Lexicon], extra: Mapping[Sense, Iterable[str]] | None = None) -> None:
        self._entries: list[tuple[Phrase, Sense | None, str]] = []
        for lexicon in lexicons:
            for group in lexicon.group:
                sense = Sense(lexicon.id, group.label, group.strength, group.use)
                self._add(group.words, sense, lexicon.id)
                self._add(group.allow, None, lexicon.id)
        for sense, phrases in (extra or {}).items():
            self._add(phrases, sense, sense.lexicon)
        anchored: dict[str, list[int]] = {}
        for index, (entry, _, _) in enumerate(self._entries):
            for anchor in entry.anchors:
                anchored.setdefault(anchor, []).append(index)
        self._anchored = list(anchored.values())
        self._finder = AhoCorasick(list(anchored)) if anchored else None
        self.vocabulary = frozenset(word for entry, _, _ in self._entries for word in entry.words)
        starred = {lexicon.id for lexicon in lexicons if lexicon.often_starred}
        words = {word for entry, _, lexicon in self._entries if lexicon in starred for word in entry.words}
        self._starred: dict[int, list[str]] = {}
        for word in sorted(words):
            if word.isalpha():
                self._starred.setdefault(len(word), []).append(word)

    def _add(self, written: Iterable[str], sense: Sense | None, lexicon: str) -> None:
        self._entries += [(entry, sense, lexicon) for each in written if (entry := phrase(each)) is not None]

    def read(self, text: str) -> Reading:
        """Read a text with this book's words known."""
        return read(text, self._unstar)

    def find(self, reading: Reading) -> Hits:
        """Every hit in every form of a reading, each once, leftmost first; hits inside an allowed phrase left out."""
        found: dict[tuple[int, int, str, str], Hit] = {}
        allowed: list[tuple[int, int, str]] = []
        for form in reading.forms:
            for index, start, stop in self._matches(form.string):
                entry, sense, lexicon = self._entries[index]
                first = form.spans[bisect_right(form.starts, start) - 1][0]
                last = form.spans[bisect_right(form.starts, stop - 1) - 1][1]
                if any(token.kind is TokenKind.STOP for token in reading.tokens[first : last + 1]):
                    continue
                if sense is None:
                    allowed.append((first, last, lexicon))
                else:
                    found.setdefault((first, last, lexicon, sense.label), Hit(first, last, entry.written, sense))
        kept = (
            hit
            for _, hit in sorted(found.items())
            if not any(a <= hit.first and hit.last <= b and hit.sense.lexicon == lex for a, b, lex in allowed)
        )
        return Hits(reading, kept)

    def _matches(self, string: str) -> Iterator[tuple[int, int, int]]:
        """Every entry that a form says, with the characters from its first word to the end of its last."""
        if self._finder is None:
            return
        confirmed: set[int] = set()
        for anchor, start, stop in self._finder.find_matches_as_indexes(string, overlapping=True):
            for index in self._anchored[anchor]:
                pattern = self._entries[index][0].pattern
                if pattern is None:
                    open_ended = string[stop - 1] != " "
                    yield index, start + 1, (string.index(" ", stop) if open_ended else stop - 1)
                elif index not in confirmed:
                    confirmed.add(index)
                    for match in compiled(pattern).finditer(string):
                        yield index, match.start(), match.end() - 1

    def _unstar(self, word: str) -> str | None:
        """The one known word that a starred-out spelling can be: as long, with the letters left where they are."""
        pattern = re.compile("".join("[a-z]" if letter == "*" else re.escape(letter) for letter in word))
        return next((known for known in self._starred.get(len(word), ()) if pattern.fullmatch(known)), None)
