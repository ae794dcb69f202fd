"""A member gives away their own home or whereabouts (Ventnor 7.1; NEDDC 4.12). A welfare hint, never a fault."""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``exposure``: the lexicon of telling where one lives or is, or that a home is empty."""

    exposure: str = "exposure"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """List a post from which a stranger could tell where to find its author."""
    hits = case.hits.of(parameters.exposure)
    if not trail.holds("it tells where its author lives or is, or that a home is empty", hits, case.said(*hits)):
        return None
    tokens = case.reading.tokens
    own = [hit for hit in hits if not all(token.quoted for token in tokens[hit.first : hit.last + 1])]
    if not trail.holds("it is not quoted", own):
        return None
    return Finding(
        basis=Basis.READING,
        score=max(hit.sense.strength for hit in own),
        reason=f"May tell strangers where its author is to be found: {case.said(*own)}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )
