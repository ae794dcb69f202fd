"""An insult, or teasing, aimed at a person (Ventnor 5.1, 5.8, 9.1, 9.5; NEDDC 4.8, 6.1; Dover 5.1, 6.1, 7.2).

Only words said *of a person we know* count: a member, a named officer. A policy, a decision, a party, the council are
fair game, whatever the heat (ECHR article 10). An officer, who has not sought public life, counts one step sooner.
"""

from __future__ import annotations

from math import prod

import msgspec

from feedmon.judgement.aim import Aim, aim, excuse
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.phrasebook import Hit
from feedmon.model.flags import Basis, Severity

_SURE_ENOUGH = 0.45
_INSULT, _TEASE = "insult", "teasing"


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``insults``, ``teasing``, and ``people`` (whose “institution” group names what may be criticised)."""

    insults: str = "insults"
    teasing: str = "teasing"
    people: str = "people"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the surest insult aimed at a person, else the surest teasing of a member."""
    insults, teasing = case.hits.of(parameters.insults), case.hits.of(parameters.teasing)
    if not trail.holds(
        "it has words of insult or teasing", insults or teasing, ", ".join(hit.phrase for hit in (*insults, *teasing))
    ):
        return None
    aimed: list[tuple[float, str, Hit, Aim]] = []
    for kind, hits in ((_INSULT, insults), (_TEASE, teasing)):
        for hit in hits:
            why_not = excuse(case, hit)
            if not trail.holds(f"“{hit.phrase}” is meant as it stands", why_not is None, why_not or ""):
                continue
            at = aim(case, hit, parameters.people)
            if kind == _TEASE and at is not None and at.person.member is None:
                at = None
            if trail.holds(f"“{hit.phrase}” is aimed at a person we know", at, at.how if at else "") and at is not None:
                aimed.append((hit.sense.strength * at.sureness, kind, hit, at))
    if not aimed:
        return None
    insulted = [one for one in aimed if one[1] == _INSULT]
    score, kind, hit, at = max(insulted or aimed, key=lambda one: one[0])
    if kind == _TEASE:
        score = max(score, 1 - prod(1 - one[0] for one in aimed if one[3].person == at.person))
    if not trail.holds(f"it is sure enough (at least {_SURE_ENOUGH})", score >= _SURE_ENOUGH, f"{score:.2f}"):
        return None
    spans = tuple(sorted({case.hits.span(one[2]) for one in aimed if one[3].person == at.person}))
    elected = at.person.member is not None
    mild = kind == _TEASE or (score < 0.6 and elected)
    word = "Teases" if kind == _TEASE else "Insults"
    return Finding(
        basis=Basis.READING,
        score=round(min(score, 1.0), 2),
        reason=f"{word} {at.person.name}: “{hit.phrase}” ({hit.sense.label}), {at.how}.",
        spans=spans,
        target=at.person.name,
        severity=Severity.NOTICE if mild else None,
    )
