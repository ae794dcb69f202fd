"""``feedmon judge``: judge a file of posts offline, in the light of a file of marks (a back-test)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from feedmon.documents.files import shown
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.neutral import read_marks, read_posts
from feedmon.documents.packs import load_packs
from feedmon.documents.seals import load_seals
from feedmon.judgement.judge import Judge
from feedmon.judgement.noting import LONGEST_MEMORY
from feedmon.model.flags import Flag, Severity, Span
from feedmon.model.instants import from_micros
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Edited, Post, Seen
from feedmon.model.timeline import Timeline
from feedmon.rehearsal.recording import read_recording
from feedmon.sources.bluesky_stream import BlueskyStream
from feedmon.sources.jetstream_v1 import read
from feedmon.sources.select import Selection


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
    timeline = Timeline(read_marks(marks, sitting) if marks else ())
    judged = flagged = 0
    read = list(_posts(posts, sitting))
    earlier = sorted(note for post in read if (note := judge.noted(post)) is not None)
    for post in read:
        stop = bisect_left(earlier, post.observed_at, key=lambda note: note.at)
        start = bisect_left(earlier, post.observed_at - LONGEST_MEMORY, key=lambda note: note.at)
        result = judge.judge(post, timeline.moment(post.observed_at), post.observed_at, earlier[start:stop])
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


def _posts(path: Path, meeting: Meeting) -> Iterator[Post]:
    """The posts in a file: neutral ones as they stand; of a recording, those that belong to the meeting."""
    if not _is_recording(path):
        yield from read_posts(path)
        return
    stream = BlueskyStream(Selection.of([meeting], "bluesky"), path.stem)
    for line in read_recording(path).lines:
        for event in stream.take(read(line.raw), from_micros(line.micros)):
            if isinstance(event, Seen | Edited):
                yield event.post


def _is_recording(path: Path) -> bool:
    """Whether a file's first line is a network's own message, not a neutral post."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(1_000_000)
    return b'"time_us"' in first or first.startswith(b'{"$type":')


def _line(flag: Flag) -> FlagLine:
    return FlagLine(
        rule=flag.rule,
        kind=flag.kind,
        clause=flag.clauses[0],
        clauses=flag.clauses,
        severity=flag.severity,
        basis=flag.basis.value,
        score=flag.score,
        spans=flag.spans,
        reason=flag.reason,
        target=flag.target,
        quiet=flag.quiet,
    )


def _sentence(flag: Flag, post: Post) -> str:
    when, who = f"{post.observed_at:%H:%M:%S}Z", shown(post.author.handle, 40)
    return (
        f"{flag.severity.value:<8} {when}  {who}: “{shown(' '.join(post.text.split()), 100)}”\n"
        f"         possible, clause {', '.join(flag.clauses)} [{flag.rule}]: {flag.reason}"
    )
