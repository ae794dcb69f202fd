"""A claim that a person lied, cheated or broke the law (Ventnor 5.7, 9.2; NEDDC 4.1, 4.8; Dover 7.2(a)).

Whether it is true is not in the feed, and nobody here judges it: the flag says only that a factual allegation about a
named person was made. A question, a quotation, a report of what was said in open session are not allegations, and a
party, a policy or the council cannot be slandered.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import aim, asks, excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis

_CLEAR_ENOUGH = 0.45


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``allegations``, and ``people`` (see :func:`feedmon.judgement.aim.people_named`)."""

    allegations: str = "allegations"
    people: str = "people"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the surest allegation aimed at a person."""
    hits = case.hits.of(parameters.allegations)
    if not trail.holds("it has words of accusation", hits, case.said(*hits)):
        return None
    best: Finding | None = None
    for hit in hits:
        why_not = excuse(case, hit) or ("it is a question" if asks(case, hit) else None)
        if not trail.holds(f"{case.said(hit)} is claimed as a fact", why_not is None, why_not or ""):
            continue
        at = aim(case, hit, parameters.people)
        if not trail.holds(f"{case.said(hit)} is said of a person we know", at, at.how if at else "") or at is None:
            continue
        score = round(hit.sense.strength * at.sureness, 2)
        if not trail.holds(f"it is clear enough (at least {_CLEAR_ENOUGH})", score >= _CLEAR_ENOUGH, f"{score:.2f}"):
            continue
        if best is None or score > best.score:
            best = Finding(
                basis=Basis.READING,
                score=score,
                reason=f"A factual allegation about {at.person.name}: {case.said(hit)} ({hit.sense.label}), {at.how}.",
                spans=(case.hits.span(hit),),
                target=at.person.name,
            )
    return best
