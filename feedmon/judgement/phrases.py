"""A lexicon's phrase as written, made findable: ``{very|so|} thick {as|like} mince*``.

Braces hold alternatives, any of which may be empty; a trailing ``*`` stands for any ending. A phrase with choices is
not written out in all its combinations (there can be millions): it has a few *anchors*, words of which one is always
there, and a pattern that confirms the rest. The pattern has no repetition but within one word, so it cannot backtrack
badly whatever the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby, product

import msgspec

from feedmon.judgement.text import folded

_CHUNK = re.compile(r"(?:\{[^{}]*\}|[^\s{}])+")
_BRACES = re.compile(r"\{([^{}]*)\}")


class Phrase(msgspec.Struct, frozen=True):
    """One phrase, folded as texts are.

    ``anchors`` are stretches of words, with the spaces around them, of which one stands in every text that says the
    phrase. ``pattern`` confirms it, from its first word to the space after its last; None when the anchor is all of it.
    """

    written: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str] | None
    words: frozenset[str]


@lru_cache(maxsize=65536)
def phrase(written: str) -> Phrase | None:
    """The phrase a lexicon entry stands for; None when it folds to nothing.

    Raises ValueError for braces that do not match, or when all of it may be left out.
    """
    if "{" in _BRACES.sub("", written) or "}" in _BRACES.sub("", written):
        raise ValueError(f"the braces in “{written}” do not match, or stand in one another")
    slots = [slot for chunk in _CHUNK.findall(written) if (slot := _slot(chunk)) != ("",)]
    if not slots:
        return None
    words = frozenset(word.rstrip("*") for slot in slots for choice in slot for word in choice.split())
    fixed = [" ".join(slot[0] for slot in group) for one, group in groupby(slots, lambda s: len(s) == 1) if one]
    if all(len(slot) == 1 for slot in slots) and "*" not in fixed[0][:-1]:
        return Phrase(written, (_anchor(fixed[0]),), None, words)
    needed = [(stretch,) for stretch in fixed] + [slot for slot in slots if len(slot) > 1 and "" not in slot]
    if not needed:
        raise ValueError(f"all of “{written}” may be left out; take one of the empty choices away")
    best = max(needed, key=lambda choices: (min(map(len, choices)), -len(choices)))
    return Phrase(written, tuple(sorted({_anchor(choice) for choice in best})), _pattern(slots), words)


def _slot(chunk: str) -> tuple[str, ...]:
    """The folded choices for one chunk: one for a plain word, several for braces (with whatever is stuck to them)."""
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


def _pattern(slots: list[tuple[str, ...]]) -> re.Pattern[str]:
    return re.compile("(?<= )" + "".join(f"(?:{'|'.join(map(_choice, slot))})" for slot in slots))


def _choice(words: str) -> str:
    return "".join(re.escape(word.rstrip("*")) + ("[^ ]* " if word.endswith("*") else " ") for word in words.split())
