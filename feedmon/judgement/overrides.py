"""A council's own adjustments to a pack, in a small file that extends it without copying it.

A council may switch a rule off or make it quiet, change its severity or parameters, add words to a lexicon and allow
others; each with its reason, which stands in the coverage and on record. It cannot add a duty: that takes an adopted
clause, and so a pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from feedmon.judgement.packs import Clause, Group, Lexicon, PackFile, RuleEntry, Status
from feedmon.model.flags import Severity
from feedmon.model.problems import Problem, did_you_mean


class LocalStatus(StrEnum):
    """What becomes of a rule here."""

    LIVE = "live"
    QUIET = "quiet"
    OFF = "off"


class RuleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[rule]]``: what is different about one of the pack's rules, and why."""

    id: str
    why: str
    status: LocalStatus | None = None
    severity: Severity | None = None
    parameters: dict[str, Any] = {}


class WordsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[words]]``: words added to one group of a lexicon, and phrases in which its words are harmless here."""

    lexicon: str
    group: str
    why: str
    add: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


class LocalFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A local rules file: the pack it extends, its own id, and the changes."""

    id: str
    extends: str
    title: str
    rule: tuple[RuleChange, ...] = ()
    words: tuple[WordsChange, ...] = ()


class Extended(msgspec.Struct, frozen=True):
    """A pack's file and the lexicons as changed; ``problems`` are changes to what is not there."""

    pack: PackFile
    lexicons: tuple[Lexicon, ...]
    problems: tuple[Problem, ...]


def extended(pack: PackFile, lexicons: Sequence[Lexicon], local: LocalFile, place: str) -> Extended:
    """The pack with a council's own changes. The pack's hash will name the changed text."""
    problems: list[Problem] = []
    rules = {entry.id: entry for entry in pack.rule}
    off: dict[str, str] = {}
    for change in local.rule:
        if change.id not in rules:
            mend = did_you_mean(change.id, rules)
            problems.append(Problem(f"{place}: rule {change.id}", f"the pack {pack.id} has no such rule.", mend))
        elif change.status is LocalStatus.OFF:
            off[change.id] = change.why
        else:
            rules[change.id] = _changed(rules[change.id], change)
    changed = {lexicon.id: lexicon for lexicon in lexicons}
    for words in local.words:
        lexicon = changed.get(words.lexicon)
        if lexicon is None or words.group not in (group.label for group in lexicon.group):
            known = [group.label for group in lexicon.group] if lexicon else list(changed)
            mend = did_you_mean(words.group if lexicon else words.lexicon, known)
            problems.append(Problem(f"{place}: words {words.lexicon}/{words.group}", "are not there to change.", mend))
        else:
            changed[words.lexicon] = _with(lexicon, words)
    standing = tuple(entry for entry in rules.values() if entry.id not in off)
    served = {clause for entry in standing for clause in entry.clauses}
    return Extended(
        msgspec.structs.replace(
            pack,
            id=local.id,
            title=local.title,
            rule=standing,
            clause=tuple(_without(clause, pack, off, served) for clause in pack.clause),
        ),
        tuple(changed.values()),
        tuple(problems),
    )


def _changed(entry: RuleEntry, change: RuleChange) -> RuleEntry:
    return msgspec.structs.replace(
        entry,
        status=Status(change.status.value) if change.status else entry.status,
        severity=change.severity or entry.severity,
        parameters={**entry.parameters, **change.parameters},
    )


def _with(lexicon: Lexicon, words: WordsChange) -> Lexicon:
    def grown(group: Group) -> Group:
        if group.label != words.group:
            return group
        return msgspec.structs.replace(group, words=group.words + words.add, allow=group.allow + words.allow)

    return msgspec.structs.replace(lexicon, group=tuple(map(grown, lexicon.group)))


def _without(clause: Clause, pack: PackFile, off: dict[str, str], served: set[str]) -> Clause:
    """A clause whose every rule was switched off is for a person now, for the reason given."""
    reasons = [off[entry.id] for entry in pack.rule if entry.id in off and clause.id in entry.clauses]
    if not reasons or clause.id in served:
        return clause
    return msgspec.structs.replace(clause, person=f"Switched off here: {' '.join(dict.fromkeys(reasons))}")
