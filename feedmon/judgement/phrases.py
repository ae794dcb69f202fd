"""A lexicon's phrase as written, made findable: ``{very|so|} thick {as|like} mince*``.

Braces hold alternatives, any of which may be empty; a trailing ``*`` stands for any ending; a ``~`` between words
stands for one to three words, whatever they are (``give ~ a medal``). A phrase with choices is not written out in all
its combinations (there can be millions): it has a few *anchors*, words of which one is always there, and a pattern
that confirms the rest. The pattern repeats nothing but letters within a word and, three times at most, a word: it
cannot backtrack badly whatever the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby, product

import msgspec

from feedmon.judgement.text import folded

_CHUNK = re.compile(r"(?:\{[^{}]*\}|[^\s{}])+")
_BRACES = re.compile(r"\{([^{}]*)\}")
_GAP = "~"
_FEW_WORDS = r"(?:(?!\. )[^ ]+ ){1,3}?"  # as few as will do; a full stop is the end of a sentence


class Phrase(msgspec.Struct, frozen=True):
    """One phrase, folded as texts are.

    ``anchors`` are stretches of words, with the spaces around them, of which one stands in every text that says the
    phrase. ``pattern`` confirms it, from its first word to the space after its last; None when the anchor is all of it.
    """

    written: str
    anchors: tuple[str, ...]
    pattern: str | None
    words: frozenset[str]


@lru_cache(maxsize=65536)
def phrase(written: str) -> Phrase | None:
    """The phrase a lexicon entry stands for; None when it folds to nothing.

    Raises ValueError for braces that do not match, for a gap (``~``) that does not stand by itself between words, or
    when all of it may be left out.
    """
    if "{" in _BRACES.sub("", written) or "}" in _BRACES.sub("", written):
        raise ValueError(f"the braces in “{written}” do not match, or stand in one another")
    slots = [slot for chunk in _CHUNK.findall(written) if (slot := _slot(chunk)) != ("",)]
    if not slots:
        return None
    if written.count(_GAP) != slots.count((_GAP,)) or (_GAP,) in (slots[0], slots[-1]):
        raise ValueError(f"a “{_GAP}” in “{written}” must stand by itself, with words before and after it")
    words = frozenset(word.rstrip("*") for slot in slots for choice in slot for word in choice.split()) - {_GAP}
    fixed = [" ".join(slot[0] for slot in group) for one, group in groupby(slots, _is_fixed) if one]
    if all(_is_fixed(slot) for slot in slots) and "*" not in fixed[0][:-1]:
        return Phrase(written, (_anchor(fixed[0]),), None, words)
    needed = [(stretch,) for stretch in fixed] + [slot for slot in slots if len(slot) > 1 and "" not in slot]
    if not needed:
        raise ValueError(f"all of “{written}” may be left out; take one of the empty choices away")
    best = max(needed, key=lambda choices: (min(map(len, choices)), -len(choices)))
    return Phrase(written, tuple(sorted({_anchor(choice) for choice in best})), _pattern(slots), words)


def _is_fixed(slot: tuple[str, ...]) -> bool:
    return len(slot) == 1 and slot != (_GAP,)


def _slot(chunk: str) -> tuple[str, ...]:
    """The folded choices for one chunk: one for a plain word, several for braces (with whatever is stuck to them)."""
    if chunk == _GAP:
        return (_GAP,)
    parts = [match.split("|") for match in _parts(chunk)]
    return tuple(dict.fromkeys(_folded("".join(choice)) for choice in product(*parts)))


def _parts(chunk: str) -> list[str]:
    return [part for index, part in enumerate(_BRACES.split(chunk)) if index % 2 or part]


def _folded(choice: str) -> str:
    stem = choice.rstrip("*")
    fold = folded(stem)
    return f"{fold}*" if fold and stem != choice else fold


def _anchor(words: str) -> str:
    """The words as they stand in a form, up to the first open ending."""
    before, star, _ = words.partition("*")
    return f" {before}" if star else f" {before} "


@lru_cache(maxsize=65536)
def compiled(pattern: str) -> re.Pattern[str]:
    """A phrase's pattern ready for use: made only for the few thousandths of all phrases that posts come near."""
    return re.compile(pattern)


def _pattern(slots: list[tuple[str, ...]]) -> str:
    return "(?<= )" + "".join(f"(?:{'|'.join(map(_choice, slot))})" for slot in slots)


def _choice(words: str) -> str:
    if words == _GAP:
        return _FEW_WORDS
    return "".join(re.escape(word.rstrip("*")) + ("[^ ]* " if word.endswith("*") else " ") for word in words.split())
