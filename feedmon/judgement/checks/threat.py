"""A threat towards a member, from anyone; or from a member, towards anyone.

(NEDDC 4.5, 4.13; Ventnor 7.2; Dover 6.1(d).)

This protects people: from a member of the public it is the one thing feedmon looks for. The text alone never makes
it critical; the clerk's own hand may.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import aim_of_a_threat, excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.text import TokenKind
from feedmon.model.flags import Basis

AT_THE_POLLS = "at the polls"
"""The label of the lexicon's group of words for being voted out, which anyone may look forward to aloud."""

_CLEAR_ENOUGH = 0.5


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``threats``, and ``people`` for what may be fought (closures, plans)."""

    threats: str = "threats"
    people: str = "people"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the strongest threat; from the public only one aimed at a member or officer."""
    polls = case.hits.of(parameters.threats, AT_THE_POLLS)
    hits = [hit for hit in case.hits.of(parameters.threats) if hit not in polls]
    if not trail.holds("it has words of threat", hits, case.said(*hits)):
        return None
    if not trail.holds("it is not about being voted out", not polls, case.said(*polls)):
        return None
    best: Finding | None = None
    for hit in hits:
        why_not = excuse(case, hit)
        if not trail.holds(f"{case.said(hit)} is meant as it stands", why_not is None, why_not or ""):
            continue
        at = aim_of_a_threat(case, hit, parameters.people)
        if at is not None and case.member is None and at.person.member is None and at.person.officer is None:
            at = None  # what the public say to each other is not ours to read
        reached = at or (case.member is not None and _says_you(case))
        if not trail.holds(f"{case.said(hit)} is aimed at a person", reached, at.how if at else ""):
            continue
        score = round(hit.sense.strength * (at.sureness if at else 0.7), 2)
        if not trail.holds("it is strong enough", score >= _CLEAR_ENOUGH, f"{score:.2f}"):
            continue
        whom = at.person.name if at else "someone it speaks to"
        finding = Finding(
            basis=Basis.READING,
            score=score,
            reason=f"Possible threat towards {whom}: {case.said(hit)}" + (f", {at.how}." if at else "."),
            spans=(case.hits.span(hit),),
            target=at.person.name if at else None,
        )
        if best is None or finding.score > best.score:
            best = finding
    return best


def _says_you(case: Case) -> bool:
    return any(token.kind is TokenKind.WORD and token.text in {"you", "your"} for token in case.reading.tokens)
