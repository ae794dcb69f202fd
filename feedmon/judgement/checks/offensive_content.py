"""Sexual or obscene matter, beyond swearing (Ventnor 9.1, 9.2)."""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import excuse_for_a_word, own_words
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``obscene``: the lexicon."""

    obscene: str = "obscene"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag obscene matter that is the author's own."""
    own = own_words(case, parameters.obscene, trail, "it has sexual or obscene matter", excuse_for_a_word)
    if not own:
        return None
    worst = max(own, key=lambda hit: hit.sense.strength)
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"Obscene: {case.said(worst)} ({worst.sense.label}).",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )
