"""``feedmon sources``: the tokens feeds need, and whether each feed of a meeting would work."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from feedmon.documents.meeting_file import load_meeting
from feedmon.model.meeting import Meeting, SourceSpec
from feedmon.model.problems import BadInput
from feedmon.service.clock import WallClock
from feedmon.sources import open_source, selection_for
from feedmon.sources.checking import ABOUT, Verdict, checked, costs_of
from feedmon.sources.credentials import remove, store, variable


@click.group()
def sources() -> None:
    """Tokens that feeds need, and whether a meeting's feeds would work."""


@sources.command()
@click.argument("name")
@click.option("--remove", "removing", is_flag=True, help="Take the token out of the keyring.")
def token(name: str, removing: bool) -> None:
    """Keep the token of the source called NAME in this computer's keyring.

    It is asked for without being shown, or read from standard input. Where there is no keyring, the environment
    variable FEEDMON_TOKEN_NAME serves instead.
    """
    if removing:
        was_there = remove(name)
        click.echo(f"{name}: the token was taken out of the keyring." if was_there else f"{name}: there was no token.")
        return
    given = click.prompt(f"Token for {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    store(name, given)
    click.echo(f"{name}: the token is in the keyring. {variable(name)} in the environment would come before it.")


@sources.command()
@click.argument("meeting", type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, meeting: Path) -> None:
    """Say of each source of MEETING whether it works now, what it costs, and what it cannot see.

    Ends with 0 when all work, with 1 when one does not.
    """
    prepared = load_meeting(meeting, to_follow=True)
    verdicts = asyncio.run(_verdicts(prepared))
    for spec, verdict in zip(prepared.sources, verdicts, strict=True):
        for text in _told(spec, verdict):
            click.echo(text)
    ctx.exit(0 if all(verdict.works for verdict in verdicts) else 1)


async def _verdicts(meeting: Meeting) -> list[Verdict]:
    return await asyncio.gather(*(_verdict(spec, meeting) for spec in meeting.sources))


async def _verdict(spec: SourceSpec, meeting: Meeting) -> Verdict:
    try:
        source = open_source(spec, selection_for(spec, [meeting]))
    except BadInput as bad:
        problem = bad.problems[0]
        return Verdict(False, f"{problem.place}: {problem.message}", problem.mend)
    return await checked(source, WallClock())


def _told(spec: SourceSpec, verdict: Verdict) -> Iterator[str]:
    said = f": {verdict.said.rstrip('.')}." if verdict.said else "."
    yield f"{spec.name} ({spec.kind}) {'works now' if verdict.works else 'DOES NOT WORK'}{said}"
    if verdict.mend:
        yield f"  to do: {verdict.mend}"
    if spec.kind in ABOUT:
        yield f"  costs: {costs_of(spec)}."
        yield f"  cannot see: {ABOUT[spec.kind].cannot_see}."
