"""What is wrong with something a person gave us, said so that they can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where it is, what is wrong, and how to mend it (empty when the message already says it)."""

    place: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.mend}" if self.mend else "")


class BadInput(Exception):
    """Something given to feedmon cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the known words: the nearest one when there is one, else the choices when they are few."""
    choices = sorted(set(known))
    near = get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"Did you mean “{near[0]}”?"
    return f"Use one of: {', '.join(choices)}." if 0 < len(choices) <= 16 else ""
