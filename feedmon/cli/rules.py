"""``feedmon rules``: the packs read aloud: which rules there are, whether they hold, what each clause got."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from feedmon.documents.bundled import pack_ids
from feedmon.documents.packs import example_judge, read_packs
from feedmon.judgement.coverage import Covered, coverage
from feedmon.judgement.difference import differences
from feedmon.judgement.examples import broken
from feedmon.judgement.lint import lint
from feedmon.judgement.packs import Pack, Rule, When
from feedmon.model.problems import BadInput, Problem, did_you_mean

_folder = click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another rules folder than feedmon's own.",
)
_packs = click.option("--pack", "ids", multiple=True, help="Only this pack; may be given again. [default: all]")
_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def rules() -> None:
    """The rules as data: list them, show one, test their examples, see what every clause got."""


@rules.command("list")
@_packs
@_folder
@_json
def list_(ids: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Every rule of every pack, a line each."""
    packs = _read(ids, folder)
    if as_json:
        return _dump([_summary(rule) for pack in packs for rule in pack.rules])
    for pack in packs:
        click.echo(f"{pack.title}  [{pack.id} {pack.hash}]")
        for rule in pack.rules:
            mark = "" if rule.status == "live" else f"  ({rule.status.value})"
            click.echo(f"  {rule.id:<36} {rule.severity.value:<8} clause {', '.join(rule.clauses)}{mark}")
    return None


@rules.command()
@click.argument("rule_id")
@_folder
@_json
def show(rule_id: str, folder: Path | None, as_json: bool) -> None:
    """All there is to know of one rule (or of every rule of one kind)."""
    packs = _read((), folder)
    found = [(pack, rule) for pack in packs for rule in pack.rules if rule_id in (rule.id, rule.kind)]
    if not found:
        known = {rule.id for pack in packs for rule in pack.rules} | {
            rule.kind for pack in packs for rule in pack.rules
        }
        raise BadInput(Problem("RULE_ID", f"there is no rule “{rule_id}”.", did_you_mean(rule_id, known)))
    if as_json:
        return _dump([rule for _, rule in found])
    for pack, rule in found:
        click.echo("\n".join(_described(pack, rule)) + "\n")
    return None


@rules.command()
@_packs
@_folder
def test(ids: tuple[str, ...], folder: Path | None) -> None:
    """Judge every rule's own examples; exit 1 when one does not hold."""
    packs = _read(ids, folder)
    judge = example_judge(packs, folder)
    failed = 0
    for pack in packs:
        problems = broken(pack, judge, pack.id)
        count = sum(len(rule.flags) + len(rule.passes) for rule in pack.rules)
        for problem in problems:
            click.echo(str(problem), err=True)
        click.echo(f"{pack.id}: {len(pack.rules)} rules, {count} examples, {len(problems)} do not hold")
        failed += len(problems)
    if failed:
        raise SystemExit(1)


@rules.command("lint")
@_packs
@_folder
def lint_(ids: tuple[str, ...], folder: Path | None) -> None:
    """Look for what loads but should not stand: exit 1 when anything is found."""
    packs = _read(ids, folder)
    found = [problem for pack in packs for problem in lint(pack)]
    for problem in found:
        click.echo(str(problem), err=True)
    click.echo(f"{len(packs)} packs, {len(found)} remarks")
    if found:
        raise SystemExit(1)


@rules.command("coverage")
@_packs
@_folder
@_json
def coverage_(ids: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """What every clause of every policy got: a rule, an aid, or the reason a person must judge it."""
    packs = _read(ids, folder)
    rows = {pack.id: coverage(pack) for pack in packs}
    if as_json:
        return _dump(rows)
    for pack in packs:
        click.echo(f"{pack.title}")
        for row in rows[pack.id]:
            click.echo(f"  {row.clause:<10} {row.answer:<7} {row.how}")
        click.echo(f"  {_totals(rows[pack.id])}\n")
    click.echo(f"All packs: {_totals([row for each in rows.values() for row in each])}")
    return None


@rules.command("diff")
@click.argument("one")
@click.argument("other")
@_folder
@_json
def diff_(one: str, other: str, folder: Path | None, as_json: bool) -> None:
    """What differs between two packs, or between a pack and a file of local rules: kind by kind, rule by rule."""
    left, right = read_packs([one, other], folder) if one != other else read_packs([one], folder) * 2
    rows = differences(left, right)
    if as_json:
        return _dump(rows)
    click.echo(f"- {left.title}\n+ {right.title}\n")
    for row in rows:
        click.echo(f"{row.rule}\n" + "".join(f"  {what}\n" for what in row.what), nl=False)
    if not rows:
        click.echo("The same rules, with the same words, weights and settings.")
    return None


def _totals(rows: Sequence[Covered]) -> str:
    counts = {answer: sum(row.answer == answer for row in rows) for answer in ("rule", "aid", "person")}
    local = sum(row.local for row in rows)
    return (
        f"{len(rows) - local} clauses: {counts['rule'] - local} by rule, {counts['aid']} by an aid, "
        f"{counts['person']} by a person" + (f"; and {local} local" if local else "")
    )


def _read(ids: Sequence[str], folder: Path | None) -> tuple[Pack, ...]:
    if not ids and folder is not None:
        ids = sorted(file.stem for file in (folder / "packs").glob("*.toml"))
    return read_packs(ids or pack_ids(), folder)


def _dump(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())


def _summary(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "pack": rule.pack,
        "kind": rule.kind,
        "clauses": rule.clauses,
        "title": rule.title,
        "severity": rule.severity,
        "status": rule.status,
    }


def _described(pack: Pack, rule: Rule) -> list[str]:
    lines = [
        f"{rule.id}: {rule.title}",
        f"  {pack.title}",
        *(f"  clause {clause}: {pack.clause(clause).gist}" for clause in rule.clauses),
        f"  {rule.paraphrase}",
        f"  kind {rule.kind}, binds {rule.binds.value.replace('_', ' ')}, {rule.severity.value}, {rule.status.value}",
    ]
    lines += [f"  when {words}" for words in _when(rule.when)]
    lines.append(f"  passes if: {rule.passes_if}")
    lines.append(f"  words for the chair: {rule.chair_words or '(none: not for the chair during the meeting)'}")
    lines += [f"  known to fool it: {known}" for known in rule.false_alarms]
    lines += [f"  must flag: “{example.text}”" for example in rule.flags]
    lines += [f"  must pass: “{example.text}”{f' ({example.why})' if example.why else ''}" for example in rule.passes]
    return lines


def _when(when: When) -> list[str]:
    return [
        f"{field.replace('_', ' ')} is {', '.join(value) if isinstance(value, tuple) else str(value).lower()}"
        for field, value in msgspec.structs.asdict(when).items()
        if value is not None
    ]
