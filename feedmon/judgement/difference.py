"""What differs between two packs, said as a person would compare them: by what is judged, not by file."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from feedmon.judgement.packs import Pack, Rule

_COMPARED = ("title", "clauses", "severity", "status", "binds", "when", "parameters")


class Difference(msgspec.Struct, frozen=True):
    """One rule, or one lexicon, and what is different about it."""

    rule: str
    what: tuple[str, ...]


def differences(left: Pack, right: Pack) -> tuple[Difference, ...]:
    """Every difference between two packs' rules and words. Rules are matched by their id, less the pack's name."""
    ours, theirs = _by_name(left), _by_name(right)
    found: list[Difference] = []
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            found.append(Difference(name, (f"- only in {left.id}: clause {', '.join(ours[name].clauses)}",)))
        elif name not in ours:
            found.append(Difference(name, (f"+ only in {right.id}: clause {', '.join(theirs[name].clauses)}",)))
        elif what := tuple(_changes(ours[name], theirs[name])):
            found.append(Difference(name, what))
    return tuple(found + list(_words(left, right)))


def _by_name(pack: Pack) -> dict[str, Rule]:
    return {rule.id.partition(".")[2] or rule.id: rule for rule in pack.rules}


def _changes(left: Rule, right: Rule) -> Iterator[str]:
    for field in _COMPARED:
        before, after = getattr(left, field), getattr(right, field)
        if before != after:
            yield f"{field}: - {_shown(before)}  + {_shown(after)}"


def _shown(value: object) -> str:
    if isinstance(value, msgspec.Struct):
        settings = msgspec.structs.asdict(value).items()
        return ", ".join(f"{key} = {setting}" for key, setting in settings if setting is not None) or "any"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _words(left: Pack, right: Pack) -> Iterator[Difference]:
    ours = {(lex.id, group.label): group for lex in left.lexicons for group in lex.group}
    theirs = {(lex.id, group.label): group for lex in right.lexicons for group in lex.group}
    for key in sorted(ours.keys() | theirs.keys()):
        before, after = ours.get(key), theirs.get(key)
        if before == after:
            continue
        gone = sorted(set(before.words if before else ()) - set(after.words if after else ()))
        new = sorted(set(after.words if after else ()) - set(before.words if before else ()))
        allowed = sorted(set(after.allow if after else ()) - set(before.allow if before else ()))
        what = [f"- {word}" for word in gone] + [f"+ {word}" for word in new] + [f"+ allow {word}" for word in allowed]
        yield Difference(f"words {key[0]}, {key[1]}", tuple(what))
