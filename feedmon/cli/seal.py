"""``feedmon seal MEETING ITEM FILE``: a closed paper's fingerprints, and not the paper."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from feedmon.documents.files import place_of
from feedmon.documents.seals import key_file, seal_paper, seals_file


@click.command()
@click.argument("meeting", type=click.Path(path_type=Path))
@click.argument("item")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Keep this paper alone for the item, in place of those sealed before.")
def seal(meeting: Path, item: str, file: Path, replace: bool) -> None:
    """Turn the closed paper in FILE into fingerprints of agenda item ITEM of MEETING, so that a leak can be noticed.

    The paper's words are not kept. FILE is plain text (.txt or .md); it is read once, and neither copied nor changed.
    """
    done = seal_paper(meeting, item, file, datetime.now(UTC), alone=replace)
    made = done.seal
    kept = f"{len(made.runs):,} fingerprints of words, {len(made.figures):,} of figures, {len(made.names):,} of names"
    again = " (this paper was sealed before)" if done.was_there else ""
    click.echo(f"Sealed for item {done.item.number} “{done.item.title}”: {made.words:,} words{again}.")
    click.echo(f"Kept      {place_of(seals_file(meeting))}: {kept}.")
    click.echo(
        f"Key       {place_of(key_file(meeting))}: "
        + ("made now; readable by you alone. Keep it with the meeting file." if done.key_made else "as it was.")
    )
    click.echo(f"Not kept  the paper's words. {place_of(file)} was read, and neither copied nor changed.")
    if done.papers > 1:
        click.echo(
            f"This item now has {done.papers} sealed papers; --replace would have kept this one alone.", err=True
        )
