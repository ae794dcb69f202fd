"""All phrases of all rules, found in one pass over a reading."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec
from ahocorasick_rs import AhoCorasick

from feedmon.judgement.packs import Lexicon, Use
from feedmon.judgement.text import Reading, TokenKind, folded, read
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


class Hits:
    """Everything found in one reading, by lexicon."""

    def __init__(self, reading: Reading, found: Iterable[Hit]) -> None:
        self._reading = reading
        self._by_lexicon: dict[str, list[Hit]] = {}
        for hit in found:
            self._by_lexicon.setdefault(hit.sense.lexicon, []).append(hit)

    def of(self, lexicon: str, *labels: str) -> tuple[Hit, ...]:
        """The hits of one lexicon (of the groups labelled so, if any are named), in order."""
        found = self._by_lexicon.get(lexicon, ())
        return tuple(hit for hit in found if not labels or hit.sense.label in labels)

    def span(self, hit: Hit) -> Span:
        """Where a hit stands in the original text."""
        tokens = self._reading.tokens
        return Span(tokens[hit.first].start, tokens[hit.last].end, hit.sense.label)


_BRACES = re.compile(r"\{([^{}]*)\}")


def expand(phrase: str) -> list[str]:
    """Every phrase a lexicon entry stands for: ``{very|so|} thick`` → three."""
    match = _BRACES.search(phrase)
    if match is None:
        return [" ".join(phrase.split())]
    before, after = phrase[: match.start()], phrase[match.end() :]
    return [done for choice in match.group(1).split("|") for done in expand(f"{before}{choice}{after}")]


class Phrasebook:
    """A finder for the phrases of many lexicons, and for names given as ``extra`` (sense → phrases)."""

    def __init__(self, lexicons: Sequence[Lexicon], extra: Mapping[Sense, Iterable[str]] | None = None) -> None:
        meanings: dict[str, set[tuple[str, Sense]]] = {}
        allowed: dict[str, set[str]] = {}

        def add(table: dict[str, set[Hashable]], phrase: str, value: Hashable) -> None:
            for choice in expand(phrase):
                any_ending = choice.endswith("*")
                fold = folded(choice.rstrip("*"))
                if fold:
                    table.setdefault(f" {fold}" if any_ending else f" {fold} ", set()).add(value)

        for lexicon in lexicons:
            for group in lexicon.group:
                sense = Sense(lexicon.id, group.label, group.strength, group.use)
                for word in group.words:
                    add(meanings, word, (word, sense))  # type: ignore[arg-type]  # one helper, two tables
                for phrase in group.allow:
                    add(allowed, phrase, lexicon.id)  # type: ignore[arg-type]  # one helper, two tables
        for sense, phrases in (extra or {}).items():
            for phrase in phrases:
                add(meanings, phrase, (phrase, sense))  # type: ignore[arg-type]  # one helper, two tables
        self._patterns = sorted(meanings.keys() | allowed.keys())
        self._meanings = [tuple(meanings.get(pattern, ())) for pattern in self._patterns]
        self._allows = [frozenset(allowed.get(pattern, ())) for pattern in self._patterns]
        self._finder = AhoCorasick(self._patterns) if self._patterns else None
        self._starred: dict[int, list[str]] = {}
        for pattern in self._patterns:
            word = pattern.strip()
            if " " not in word and word.isalpha():
                self._starred.setdefault(len(word), []).append(word)

    def read(self, text: str) -> Reading:
        """Read a text with this book's words known."""
        return read(text, self._unstar)

    def find(self, reading: Reading) -> Hits:
        """Every hit in every form of a reading, each once, leftmost first; hits inside an allowed phrase left out."""
        found: dict[tuple[int, int, str, str], Hit] = {}
        allowed: list[tuple[int, int, frozenset[str]]] = []
        if self._finder is None:
            return Hits(reading, ())
        for form in reading.forms:
            for index, start, end in self._finder.find_matches_as_indexes(form.string, overlapping=True):
                first = form.spans[bisect_right(form.starts, start + 1) - 1][0]
                last = form.spans[bisect_right(form.starts, end - 1 - (form.string[end - 1] == " ")) - 1][1]
                if any(token.kind is TokenKind.STOP for token in reading.tokens[first : last + 1]):
                    continue
                for phrase, sense in self._meanings[index]:
                    found.setdefault((first, last, sense.lexicon, sense.label), Hit(first, last, phrase, sense))
                if self._allows[index]:
                    allowed.append((first, last, self._allows[index]))
        kept = (
            hit
            for _, hit in sorted(found.items())
            if not any(a <= hit.first and hit.last <= b and hit.sense.lexicon in ids for a, b, ids in allowed)
        )
        return Hits(reading, kept)

    def _unstar(self, word: str) -> str | None:
        """The one known word that a starred-out spelling can be: as long, with the letters left where they are."""
        pattern = re.compile("".join("[a-z]" if letter == "*" else re.escape(letter) for letter in word))
        return next((known for known in self._starred.get(len(word), ()) if pattern.fullmatch(known)), None)
