"""``feedmon demo``: half an hour of an invented town council, followed live and faster than life."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from feedmon.cli.demo_desk import DemoDesk, DemoFailed
from feedmon.cli.demo_script import dismiss_one, mark_the_agenda, tell_the_chair_of_one
from feedmon.cli.preparing import desk_in_this_terminal, log_to, prepare, stop_signal
from feedmon.cli.report import review_of, write_review
from feedmon.documents.bundled import sample_feeds_dir
from feedmon.documents.files import place_of, shown
from feedmon.documents.neutral import read_marks
from feedmon.journal import verify
from feedmon.model.problems import BadInput, Problem
from feedmon.model.timeline import Mark
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import Recording, read_recording
from feedmon.review import render
from feedmon.service.app import JOURNAL_FILE, Preparation, Running, Settings, serving
from feedmon.wire import DecisionKind, FlagView, Meeting, Severity

SAMPLE = "porthwenn-town-council"
REVIEW_FILE = "review.html"

_WITH_A_DESK, _HEADLESS = 10.0, 50.0
"""Times real time: half an hour in three minutes to watch and act in, or in forty seconds."""

_GIVE_UP_AFTER = 20.0
"""Seconds after the end of the recording by which everything must have come through."""


class _ExpectedFlag(msgspec.Struct):
    kind: str


class _Expected(msgspec.Struct):
    """A line of ``expected.jsonl``: a post that must be flagged, and as what."""

    post: str
    flags: list[_ExpectedFlag]


@dataclass
class _Sample:
    """The bundled meeting, read."""

    preparation: Preparation
    recording: Recording
    marks: tuple[Mark, ...]
    expected: frozenset[tuple[str, str]]

    @property
    def meeting(self) -> Meeting:
        return self.preparation.meeting


@dataclass
class _Outcome:
    """What the demo came to, in numbers. ``failures`` are stages that did not work, in words."""

    marks: int = 0
    flags: int = 0
    dismissed: int = 0
    told: int = 0
    seen: int = 0
    failures: list[str] = field(default_factory=list)


@click.command()
@click.option("--headless", is_flag=True, help="Without a desk: print each flag, act by script, end by itself.")
@click.option(
    "--speed", type=click.FloatRange(1, 200), help="Times real time: 10 with a desk, 50 without, if left out."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder for journal and review log.")
def demo(headless: bool, speed: float | None, out: Path | None) -> None:
    """Follow half an hour of an invented town council: a live feed, the rules, the desk, the review log.

    Needs nothing and sends nothing anywhere. Without a terminal it runs headless.
    """
    headless = headless or not (sys.stdin.isatty() and sys.stdout.isatty())
    sample = _read_sample()
    folder = _fresh(out)
    log_to(folder)
    began = time.monotonic()
    rate = speed or (_HEADLESS if headless else _WITH_A_DESK)
    outcome = asyncio.run(_headless(sample, folder, rate) if headless else _with_desk(sample, folder, rate))
    _conclude(outcome, folder, time.monotonic() - began)
    sys.exit(1 if outcome.failures else 0)


def _read_sample() -> _Sample:
    folder = sample_feeds_dir() / SAMPLE
    (preparation,) = prepare([folder / "meeting.toml"])
    lines = (folder / "expected.jsonl").read_bytes().splitlines()
    expected = [msgspec.json.decode(line, type=_Expected) for line in lines if line.strip()]
    return _Sample(
        preparation,
        read_recording(folder / "bluesky.jsonl"),
        read_marks(folder / "marks.jsonl", preparation.meeting),
        frozenset((one.post, flag.kind) for one in expected for flag in one.flags),
    )


def _fresh(out: Path | None) -> Path:
    """The new folder to write in. Raises BadInput when the one asked for is there already, or cannot be made."""
    now = f"demo-{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005  (a name for people, in their own time)
    wanted = out or Path("feedmon-data") / now
    try:
        wanted.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise BadInput(Problem(place_of(wanted), "is there already.", "Name a new folder with --out.")) from None
    except OSError as error:
        if out is not None:
            raise BadInput(Problem(place_of(out), f"cannot be made: {error.strerror}.", "Name another.")) from error
        return Path(tempfile.mkdtemp(prefix=f"feedmon-{now}-"))
    return wanted


@asynccontextmanager
async def _stage(sample: _Sample, folder: Path, rate: float) -> AsyncIterator[tuple[Running, RehearsalClock]]:
    """The rehearsed network and the service that follows it, and the clock of both, not yet set going."""
    clock = RehearsalClock(sample.recording.starts, rate, held=True)
    async with JetstreamServer(sample.recording, clock) as server:
        settings = Settings(folder, port=0, rehearsal=server.url, rate=rate)
        async with serving([sample.preparation], settings, clock) as running:
            yield running, clock


async def _headless(sample: _Sample, folder: Path, rate: float) -> _Outcome:
    """Everything by script: marks, one dismissal, one word to the chair. Ends when following does."""
    meeting, outcome = sample.meeting, _Outcome()
    click.echo(f"{meeting.council.name}: {meeting.title}, at {rate:g} times real time. All of it is invented.")
    click.echo("Every flag is a suggestion for a person, never a finding.\n")
    with stop_signal() as stop:
        try:
            async with _stage(sample, folder, rate) as (running, clock):
                desk = DemoDesk(running, meeting.id, _saying(meeting))
                async with desk, asyncio.TaskGroup() as tasks:
                    around = [tasks.create_task(desk.listen()), tasks.create_task(_fail_when(stop))]
                    clock.begin()
                    ends = (meeting.window.stops - clock.now()).total_seconds() / rate
                    async with asyncio.timeout(ends + _GIVE_UP_AFTER), asyncio.TaskGroup() as acts:
                        acts.create_task(mark_the_agenda(sample.marks, desk, clock))
                        acts.create_task(dismiss_one(desk))
                        acts.create_task(tell_the_chair_of_one(desk))
                        acts.create_task(desk.over.wait())
                    for task in around:
                        task.cancel()
                _count(desk, outcome)
                _compare(desk, sample, outcome)
        except* DemoFailed as failed:
            outcome.failures += _sentences(failed)
        except* TimeoutError:
            outcome.failures.append("not everything that should happen happened in time")
    return outcome


async def _with_desk(sample: _Sample, folder: Path, rate: float) -> _Outcome:
    """A desk in this terminal; the script marks the agenda, the person does the rest. Ends when the desk is closed."""
    outcome = _Outcome()
    with stop_signal() as stop:
        async with _stage(sample, folder, rate) as (running, clock):
            desk = DemoDesk(running, sample.meeting.id)
            async with desk, asyncio.TaskGroup() as tasks:
                around = [
                    tasks.create_task(desk.listen()),
                    tasks.create_task(mark_the_agenda(sample.marks, desk, clock)),
                ]
                clock.begin()
                code = await desk_in_this_terminal(running, sample.meeting.id, stop)
                for task in around:
                    task.cancel()
            _count(desk, outcome)
            if code and not stop.is_set():
                outcome.failures.append(f"the desk ended with {code}")
    return outcome


async def _fail_when(stop: asyncio.Event) -> None:
    await stop.wait()
    raise DemoFailed("it was stopped before the end")


def _sentences(group: BaseExceptionGroup[DemoFailed]) -> list[str]:
    return [
        sentence
        for one in group.exceptions
        for sentence in (_sentences(one) if isinstance(one, BaseExceptionGroup) else [str(one)])
    ]


def _saying(meeting: Meeting) -> Callable[[FlagView], None]:
    """Print a flag as one line, when it is raised and when it no longer holds."""
    zone = ZoneInfo(meeting.timezone)

    def say(view: FlagView) -> None:
        flag = view.flag
        at = f"{view.post.observed_at.astimezone(zone):%H:%M:%S}"
        if view.cleared is not None:
            click.echo(f"{at}  cleared   {flag.title}: {view.cleared}")
            return
        member = meeting.member(flag.member)
        who = member.name if member else "a member of the public"
        text = shown(" ".join(view.post.text.split()), 60)
        possible = f"{flag.title} (possible {', '.join(flag.clauses)})"
        click.echo(f"{at}  {flag.severity:<8}  {possible}: {who}: “{text}”")

    return say


def _count(desk: DemoDesk, outcome: _Outcome) -> None:
    kinds = Counter(decision.kind for decision in desk.decisions)
    outcome.marks, outcome.flags = len(desk.marks), len(desk.standing())
    outcome.dismissed, outcome.told = kinds[DecisionKind.DISMISS], kinds[DecisionKind.TELL_CHAIR]
    outcome.seen = len(desk.seen_by_chair)


def _compare(desk: DemoDesk, sample: _Sample, outcome: _Outcome) -> None:
    """Whether exactly the flags stand that the sample says must (info aside, which only lists)."""
    views = [view for view in desk.standing() if view.flag.severity is not Severity.INFO]
    standing = {(view.post.id, view.flag.kind) for view in views}
    outcome.failures += [f"{kind} was not raised on {post}" for post, kind in sorted(sample.expected - standing)]
    outcome.failures += [f"{kind} was raised on {post}" for post, kind in sorted(standing - sample.expected)]
    missing = {mark.id for mark in sample.marks} - desk.marks.keys()
    outcome.failures += [f"the mark {mark} is missing" for mark in sorted(missing)]


def _conclude(outcome: _Outcome, folder: Path, seconds: float) -> None:
    """Check the journal, write the review log, and say what there is and where."""
    journal, review = folder / JOURNAL_FILE, folder / REVIEW_FILE
    checked = verify(journal)
    outcome.failures += [f"the journal is not whole: {problem}" for problem in checked.problems]
    log = review_of(journal)
    write_review(render(log, "html"), review, journal)
    (meeting,) = log.meetings
    click.echo(
        f"\n{meeting.members_posts} posts of members and {meeting.public_posts} of the public, "
        f"{outcome.marks} marks. Flags: {outcome.flags} standing, of which {outcome.dismissed} dismissed, "
        f"{outcome.told} told to the chair and {outcome.seen} seen by the chair. {seconds:.0f} seconds."
    )
    click.echo(f"Journal: {place_of(journal)} ({checked.head.seq} entries{', whole' if checked.whole else ''})")
    click.echo(f"Review log: {place_of(review)}")
    for failure in outcome.failures:
        click.echo(f"Did not work: {failure}", err=True)
