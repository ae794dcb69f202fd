"""What loads but should not stand in a pack: small families of checks, each a function from a pack to its remarks."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

from feedmon.judgement.packs import Pack
from feedmon.judgement.text import folded
from feedmon.model.problems import Problem

_SHORTEST = 2


def lint(pack: Pack) -> tuple[Problem, ...]:
    """Every remark on a pack, in the order of the checks."""
    return tuple(problem for check in CHECKS for problem in check(pack))


def chair_words_name_nobody(pack: Pack) -> Iterator[Problem]:
    """Words for the chair are read out: they accuse nobody."""
    for rule in pack.rules:
        if "councillor " in rule.chair_words.casefold() or "cllr " in rule.chair_words.casefold():
            yield Problem(f"{pack.id}: rule {rule.id}.chair_words", "seem to name someone.", "Speak to all members.")


def examples_say_why(pack: Pack) -> Iterator[Problem]:
    """A near-miss teaches only when it says why it must pass."""
    for rule in pack.rules:
        for example in rule.passes:
            if not example.why:
                yield Problem(
                    f"{pack.id}: rule {rule.id}.passes", f"“{example.text[:50]}” does not say why.", "Add why."
                )


def words_can_match(pack: Pack) -> Iterator[Problem]:
    """A word that folds to nothing, or to one letter, matches nothing or everything."""
    for lexicon in pack.lexicons:
        for group in lexicon.group:
            for word in group.words:
                fold = folded(word.strip("*"))
                if not fold or (len(fold) < _SHORTEST and fold.isascii()):
                    place = f"lexicon {lexicon.id}: {group.label}"
                    yield Problem(place, f"“{word}” is too short to mean anything.", "Take it out.")


def nothing_invisible(pack: Pack) -> Iterator[Problem]:
    """Invisible characters in a rule file mislead its reader."""
    texts = [(f"clause {clause.id}", clause.gist) for clause in pack.clauses]
    texts += [(f"rule {rule.id}", f"{rule.title} {rule.paraphrase} {rule.chair_words}") for rule in pack.rules]
    for place, text in texts:
        if any(unicodedata.category(character) in ("Cf", "Cc") for character in text):
            yield Problem(f"{pack.id}: {place}", "holds an invisible character.", "Delete it.")


CHECKS: tuple[Callable[[Pack], Iterator[Problem]], ...] = (
    chair_words_name_nobody,
    examples_say_why,
    words_can_match,
    nothing_invisible,
)
