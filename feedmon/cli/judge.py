"""``feedmon judge``: judge a file of posts offline, in the light of a file of marks (a back-test)."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.neutral import read_marks
from feedmon.documents.packs import load_packs
from feedmon.documents.seals import load_seals
from feedmon.judgement.judge import Judge
from feedmon.model.flags import Flag, Severity, Span
from feedmon.model.posts import Post
from feedmon.model.timeline import Timeline


class FlagLine(msgspec.Struct, frozen=True):
    """A flag in ``--json`` output."""

    rule: str
    kind: str
    clause: str
    clauses: tuple[str, ...]
    severity: Severity
    basis: str
    score: float
    spans: tuple[Span, ...]
    reason: str
    target: str | None
    quiet: bool


class PostLine(msgspec.Struct, frozen=True):
    """One post's line in ``--json`` output. ``member`` is the roster id, null for anyone else."""

    id: str
    version: str
    member: str | None
    flags: tuple[FlagLine, ...]


@click.command()
@click.argument("meeting", type=click.Path(path_type=Path))
@click.option("--posts", required=True, type=click.Path(path_type=Path, allow_dash=True),
              help="Posts, one JSON object a line (neutral format, or a recording); - for standard input.")  # fmt: skip
@click.option("--marks", type=click.Path(path_type=Path), help="The clerk's marks, one JSON object a line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per post, flagged or not.")
def judge(meeting: Path, posts: Path, marks: Path | None, as_json: bool) -> None:
    """Judge the posts in a file as if they had come while MEETING was live.

    Posts outside the meeting's window are judged too: this is a back-test. The formats are in feedmon/docs/formats.md.
    """
    sitting = load_meeting(meeting)
    seals, key = load_seals(meeting)
    judge = Judge(sitting, load_packs(sitting.packs), seals, key)
    timeline = Timeline(read_marks(marks) if marks else ())
    judged = flagged = 0
    for post in posts_in(posts, sitting.members and sitting):
        result = judge.judge(post, timeline.moment(post.observed_at), post.observed_at)
        judged += 1
        flagged += bool(result.flags)
        if as_json:
            line = PostLine(
                post.id,
                post.version,
                result.member.id if result.member else None,
                tuple(_line(flag) for flag in result.flags),
            )
            click.echo(msgspec.json.encode(line).decode())
        else:
            for flag in result.flags:
                click.echo(_sentence(flag, post))
    click.echo(f"{judged} posts judged, {flagged} with flags.", err=True)
