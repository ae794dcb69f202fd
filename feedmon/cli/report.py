"""``feedmon report DB``: the review log of a journal's meetings."""

from __future__ import annotations

from pathlib import Path

import click

from feedmon.journal import open_readonly, verify
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.review import FORMATS, Chain, Review, build, render


@click.command()
@click.argument("db", type=click.Path(path_type=Path))
@click.option("--meeting", metavar="ID", help="Only this meeting; else all in the journal.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), help="By default what --out's name says, else html."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
def report(db: Path, meeting: str | None, form: str | None, out: Path | None) -> None:
    """Make the review log of the meetings in the journal DB: per clause, the flags and what was decided about them.

    The journal is checked on the way, and the review says whether its chain held. It may be being written meanwhile.
    """
    review = review_of(db, meeting)
    named = out.suffix.lstrip(".").lower() if out else ""
    text = render(review, form or (named if named in FORMATS else "html"))
    if out is None:
        click.echo(text, nl=False)
    else:
        write_review(text, out, db)
        click.echo(f"The review is in {out}.", err=True)
    if not review.chain.whole:
        click.echo(f"The journal is not whole: run “feedmon verify {db}”.", err=True)


def review_of(db: Path, meeting: str | None = None) -> Review:
    """The review of a journal's meetings, or of one. Raises BadInput when journal or meeting cannot be read."""
    checked = verify(db)
    chain = Chain(entries=checked.head.seq, head=checked.head.digest, erased=checked.erased, problems=checked.problems)
    with open_readonly(db) as reader:
        known = reader.meetings()
        if meeting is not None and meeting not in known:
            mend = did_you_mean(meeting, known) or "It holds no meeting yet."
            raise BadInput(Problem(str(db), f"there is no meeting “{meeting}” in this journal.", mend))
        # what was written since the chain was checked is for the next review
        return build((each for each in reader.history(meeting) if each.seq <= checked.head.seq), chain)


def write_review(text: str, out: Path, db: Path) -> None:
    """Write a review to a file. Raises BadInput when it cannot be written, or would overwrite the journal."""
    if out.exists() and out.samefile(db):
        raise BadInput(Problem(str(out), "this is the journal itself.", "Name another file for the review."))
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(
            Problem(str(out), f"the review cannot be written ({error.strerror}).", "Name another file.")
        ) from error
