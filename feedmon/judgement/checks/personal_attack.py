"""An insult, or teasing, aimed at a person (Ventnor 5.1, 5.8, 9.1, 9.5; NEDDC 4.8, 6.1; Dover 5.1, 6.1, 7.2).

Only words said *of a person we know* count: a member, a named officer. A policy, a decision, a party, the council are
fair game, whatever the heat (ECHR article 10). An officer, who has not sought public life, counts one step sooner.
"""

from __future__ import annotations

from math import prod

import msgspec

from feedmon.judgement.aim import OFFICE_HOLDER, Aim, aim, at_someone_unnamed, excuse_for_a_word
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.phrasebook import Hit
from feedmon.judgement.room import Person
from feedmon.model.flags import Basis, Severity

_CLEAR_ENOUGH = 0.45
_PLAIN = 0.6


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``insults``, ``teasing``, and ``people`` (whose “institution” group names what may be criticised)."""

    insults: str = "insults"
    teasing: str = "teasing"
    people: str = "people"


class _Aimed(msgspec.Struct, frozen=True):
    """A word of insult or teasing, and whom it is aimed at; ``sureness`` is 0…1."""

    hit: Hit
    at: Aim
    teasing: bool

    @property
    def sureness(self) -> float:
        return self.hit.sense.strength * self.at.sureness


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the surest insult aimed at a person, else the surest teasing of a member."""
    insults, teasing = case.hits.of(parameters.insults), case.hits.of(parameters.teasing)
    phrases = case.said(*insults, *teasing)
    if not trail.holds("it has words of insult or teasing", phrases, phrases):
        return None
    aimed: list[_Aimed] = []
    unnamed: list[Hit] = []
    for hit in (*insults, *teasing):
        why_not = excuse_for_a_word(case, hit)
        if not trail.holds(f"{case.said(hit)} is meant as it stands", why_not is None, why_not or ""):
            continue
        at = aim(case, hit, parameters.people)
        if hit in teasing and at is not None and not _is_elected(at.person):
            at = None
        if trail.holds(f"{case.said(hit)} is aimed at a person we know", at, at.how if at else "") and at is not None:
            aimed.append(_Aimed(hit, at, hit in teasing))
        elif hit in teasing and at_someone_unnamed(case, hit):
            unnamed.append(hit)
    if aimed:
        return _found(case, aimed, trail)
    if unnamed and trail.holds("its own words are of a “he” or “she” whom the room may know", case.present):
        return Finding(
            basis=Basis.READING,
            score=0.3,
            reason=f"May tease someone in the room whom it does not name: {case.said(unnamed[0])}.",
            spans=tuple(sorted({case.hits.span(hit) for hit in unnamed})),
            severity=Severity.INFO,
        )
    return None


def _found(case: Case, aimed: list[_Aimed], trail: Trail) -> Finding | None:
    best = max([one for one in aimed if not one.teasing] or aimed, key=lambda one: one.sureness)
    person = best.at.person
    same = [one for one in aimed if one.at.person == person]
    by_phrase = {one.hit.phrase: min(one.sureness, 1.0) for one in same}
    sureness = 1 - prod(1 - each for each in by_phrase.values()) if best.teasing else best.sureness
    if not trail.holds(f"it is clear enough (at least {_CLEAR_ENOUGH})", sureness >= _CLEAR_ENOUGH, f"{sureness:.2f}"):
        return None
    mild = best.teasing or (sureness < _PLAIN and _is_elected(person))
    verb = "Teases" if best.teasing else "Insults"
    return Finding(
        basis=Basis.READING,
        score=round(min(sureness, 1.0), 2),
        reason=f"{verb} {person.name}: {case.said(best.hit)} ({best.hit.sense.label}), {best.at.how}.",
        spans=tuple(sorted({case.hits.span(one.hit) for one in same})),
        target=person.name,
        severity=Severity.NOTICE if mild else None,
    )


def _is_elected(person: Person) -> bool:
    """Whether it is a member, named or meant by seat or office; all others count one step sooner."""
    return person.member is not None or person.id == OFFICE_HOLDER
