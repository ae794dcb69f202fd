"""``feedmon verify DB``: whether a journal is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from feedmon.journal import verify as walk
from feedmon.model.problems import BadInput, Problem


@click.command()
@click.argument("db", type=click.Path(path_type=Path))
@click.option(
    "--head", metavar="DIGEST", help="A digest noted earlier (its first 16 digits will do) that must be there."
)
@click.pass_context
def verify(ctx: click.Context, db: Path, head: str | None) -> None:
    """Walk the journal DB entry by entry and say whether anything in it was changed, removed or moved.

    Entries cut off at the end cannot be seen from the journal alone: note the digest this prints in the minutes, and
    give it later with --head.

    Ends with 0 when the journal is whole, 1 when it is not, 2 when the file cannot be used at all.
    """
    try:
        found = walk(db, head)
    except ValueError as error:
        raise BadInput(Problem("--head", f"{error}.", "Copy it from an earlier “feedmon verify” or review.")) from error
    entries = f"{found.head.seq:,} {'entry' if found.head.seq == 1 else 'entries'}"
    if found.whole:
        click.echo(
            f"Whole: {entries}, each follows from the one before it and has the content it was recorded with."
            if found.head.seq
            else "Whole: a journal without entries."
        )
    else:
        click.echo(f"NOT WHOLE: {entries} looked at.")
        for problem in found.problems:
            click.echo(f"  {problem}")
    if found.erased:
        click.echo(f"Contents lawfully erased: {found.erased:,}. The chain holds without them.")
    if found.noted_at is not None:
        since = found.head.seq - found.noted_at
        click.echo(f"Noted digest: found at entry {found.noted_at:,}; {since:,} written since.")
    click.echo(f"Head: entry {found.head.seq} digest {found.head.digest}")
    if found.whole and head is None and found.head.seq:
        click.echo("Note the head in the minutes: with --head it shows later that no end was cut off.", err=True)
    ctx.exit(0 if found.whole else 1)
