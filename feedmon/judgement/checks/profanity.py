"""A member swears (Ventnor 9.1). Swearing at a body or an event is no insult, so this is never more than a notice."""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``words``: the lexicon; ``least_strength``: milder words than this pass."""

    words: str = "profanity"
    least_strength: float = 0.6


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the strongest swear word that is not quoted."""
    hits = case.hits.of(parameters.words)
    if not trail.holds("it has swear words", hits, case.said(*hits)):
        return None
    strong = [hit for hit in hits if hit.sense.strength >= parameters.least_strength]
    if not trail.holds(f"one is strong (at least {parameters.least_strength})", strong):
        return None
    tokens = case.reading.tokens
    own = [hit for hit in strong if not all(token.quoted for token in tokens[hit.first : hit.last + 1])]
    if not trail.holds("it is not only quoted", own):
        return None
    worst = max(own, key=lambda hit: hit.sense.strength)
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"Swears ({worst.sense.label}).",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )
