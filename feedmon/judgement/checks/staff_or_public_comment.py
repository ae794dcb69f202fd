"""A personal remark on an officer, a contractor or one of the public (Dover 6.3).

They did not seek public life. Thanking them, or reporting what an officer said in public, is no remark on the person;
nor is calling an answer not good enough.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import OFFICE_HOLDER, aim, excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis

_CLEAR_ENOUGH = 0.45


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``remarks``, and ``people`` (see :func:`feedmon.judgement.aim.people_named`)."""

    remarks: str = "remarks"
    people: str = "people"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the surest personal remark on someone who holds no seat."""
    hits = case.hits.of(parameters.remarks)
    if not trail.holds("it has words about a person's life, health or fitness for the job", hits, case.said(*hits)):
        return None
    for hit in sorted(hits, key=lambda each: -each.sense.strength):
        why_not = excuse(case, hit)
        if not trail.holds(f"{case.said(hit)} is meant as it stands", why_not is None, why_not or ""):
            continue
        at = aim(case, hit, parameters.people)
        elected = at is not None and (at.person.member is not None or at.person.id == OFFICE_HOLDER)
        if not trail.holds(
            f"{case.said(hit)} is said of an officer or one of the public", at and not elected, at.how if at else ""
        ) or at is None:  # fmt: skip
            continue
        score = round(hit.sense.strength * at.sureness, 2)
        if trail.holds(f"it is clear enough (at least {_CLEAR_ENOUGH})", score >= _CLEAR_ENOUGH, f"{score:.2f}"):
            return Finding(
                basis=Basis.READING,
                score=score,
                reason=f"A personal remark on {at.person.name}: {case.said(hit)} ({hit.sense.label}), {at.how}.",
                spans=(case.hits.span(hit),),
                target=at.person.name,
            )
    return None
