"""What each clause of a policy got from its pack."""

from __future__ import annotations

import msgspec

from feedmon.judgement.packs import Pack


class Covered(msgspec.Struct, frozen=True):
    """One clause: ``answer`` is “rule”, “aid” or “person”; ``how`` says which rules, what aid, or why a person."""

    clause: str
    gist: str
    binds: str
    answer: str
    how: str
    local: bool


def coverage(pack: Pack) -> tuple[Covered, ...]:
    """Every clause of the pack in its own order. Each has exactly one answer: a pack does not assemble otherwise."""
    rows = []
    for clause in pack.clauses:
        rules = [rule.id for rule in pack.rules if clause.id in rule.clauses]
        if rules:
            answer, how = "rule", ", ".join(rules)
        elif clause.aid is not None:
            answer, how = "aid", clause.aid
        else:
            answer, how = "person", clause.person or ""
        rows.append(Covered(clause.id, clause.gist, clause.binds, answer, how, clause.local))
    return tuple(rows)
