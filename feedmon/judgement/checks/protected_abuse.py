"""A slur, or a demeaning generalisation, on a protected ground (Ventnor 5.9, 9.5; NEDDC 4.8; Dover 6.1(e), 7.2(b)).

Words for people's identities are never enough; nor is a slur reported, condemned or quoted. The flag says “possible”
and never “unlawful”.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import excuse_for_a_word
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis

_CLEAR_ENOUGH = 0.5


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``slurs``: the lexicon, its groups labelled by ground."""

    slurs: str = "protected"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the strongest demeaning word or generalisation that is the author's own."""
    hits = case.hits.of(parameters.slurs)
    if not trail.holds("it has demeaning words on a protected ground", hits, case.said(*hits)):
        return None
    meant = []
    for hit in hits:
        why_not = excuse_for_a_word(case, hit)
        if trail.holds(f"{case.said(hit)} is meant as it stands", why_not is None, why_not or ""):
            meant.append(hit)
    if not meant:
        return None
    worst = max(meant, key=lambda hit: hit.sense.strength)
    if not trail.holds("it is strong enough", worst.sense.strength >= _CLEAR_ENOUGH, f"{worst.sense.strength:.2f}"):
        return None
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"{case.said(worst)}: {worst.sense.label}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in meant})),
    )
