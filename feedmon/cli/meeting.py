"""``feedmon meeting``: a starting file for a meeting, and whether a meeting file can be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from zoneinfo import ZoneInfo

import click
import msgspec

from feedmon.documents.files import place_of
from feedmon.documents.meeting_file import read_meeting
from feedmon.documents.new_meeting import write_starting_file
from feedmon.documents.seals import key_lies_open, load_seals, seals_file
from feedmon.model.meeting import AgendaItem, Meeting, Member
from feedmon.model.problems import BadInput, Problem
from feedmon.model.seals import Seal
from feedmon.sources import open_source
from feedmon.sources.select import Selection


@click.group()
def meeting() -> None:
    """Prepare a meeting: write a starting file, check one."""


@meeting.command()
@click.argument("file", type=click.Path(path_type=Path), default="meeting.toml")
@click.option("--council", default="Our Town Council", metavar="NAME", help="The council's name.")
@click.option(
    "--date", "on", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="The day; today if left out."
)
@click.option("--force", is_flag=True, help="Write over the file if it is there.")
def new(file: Path, council: str, on: datetime | None, force: bool) -> None:
    """Write a commented starting file to FILE (meeting.toml) for you to fill in."""
    write_starting_file(file, council, (on or datetime.now().astimezone()).date(), force=force)
    place = place_of(file)
    click.echo(f"Wrote {place}. Fill it in, then: feedmon meeting check {place}")


@meeting.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
@click.pass_context
def check(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Say what FILE prepares, or every mistake in it.

    Ends with 0 when the meeting can be followed (remarks are worth a look), with 2 when something must be mended.
    """
    try:
        paper = read_meeting(file)
        seals, _ = load_seals(file)
        hindrances = [*paper.hindrances, *_on_sources(file, paper.meeting)]
        if hindrances:
            raise BadInput(hindrances)
    except BadInput as bad:
        if not as_json:
            raise
        click.echo(msgspec.json.encode({"ok": False, "problems": bad.problems}))
        ctx.exit(2)
    remarks = [*paper.remarks, *_on_seals(file, paper.meeting, seals), *_on_time(file, paper.meeting)]
    if as_json:
        sealed = [{"item": seal.item, "words": seal.words, "sealed_at": seal.sealed_at} for seal in seals]
        said = {"ok": True, "meeting": paper.meeting, "seals": sealed, "remarks": remarks}
        click.echo(msgspec.json.encode(said))
        return
    for line in _summary(paper.meeting, seals):
        click.echo(line)
    if remarks:
        click.echo(f"\nWorth a look ({len(remarks)}):", err=True)
    for remark in remarks:
        click.echo(f"  {remark}", err=True)


def _on_sources(file: Path, meeting: Meeting) -> Iterator[Problem]:
    """What keeps a source from being opened: a kind there is no feed for, an address that cannot be one."""
    for source in meeting.sources:
        try:
            open_source(source, Selection.of([meeting]))
        except BadInput as bad:
            for problem in bad.problems:
                yield Problem(f"{place_of(file)}: {problem.place}", problem.message, problem.mend)


def _on_seals(file: Path, meeting: Meeting, seals: Sequence[Seal]) -> Iterator[Problem]:
    sealed = {seal.item for seal in seals}
    for item in meeting.items:
        if item.closed and item.number not in sealed:
            message = f"nothing is sealed for closed item {item.number}, so a leak of its paper cannot be noticed."
            yield Problem(
                place_of(file), message, f"feedmon seal {quote(place_of(file))} {quote(item.number)} PAPER.txt"
            )
    for number in sorted(sealed):
        sealed_item = meeting.item(number)
        if sealed_item is None or not sealed_item.closed:
            what = "is not on the agenda" if sealed_item is None else "is not marked closed"
            yield Problem(place_of(seals_file(file)), f"has a paper of item {number}, which {what}.")
    open_key = key_lies_open(file)
    if open_key is not None:
        yield open_key


def _on_time(file: Path, meeting: Meeting) -> Iterator[Problem]:
    if meeting.window.stops <= datetime.now(UTC):
        yield Problem(place_of(file), "the window is over: followed live, nothing would come.", "Check the dates.")


def _summary(meeting: Meeting, seals: Sequence[Seal]) -> Iterator[str]:
    zone = ZoneInfo(meeting.timezone)
    starts, stops = meeting.window.starts.astimezone(zone), meeting.window.stops.astimezone(zone)
    until = f"{stops:%H:%M}" if starts.date() == stops.date() else f"{stops:%A} {stops.day} {stops:%B, %H:%M}"
    sealed = {item.number: sum(seal.item == item.number for seal in seals) for item in meeting.items}
    yield f"{meeting.title}, {meeting.council.name} ({meeting.id})"
    yield f"  {starts:%A} {starts.day} {starts:%B %Y}, {starts:%H:%M} to {until}, {meeting.timezone}"
    yield ""
    yield f"Hashtags  {', '.join(f'#{tag}' for tag in meeting.hashtags) or 'none'}"
    yield f"Packs     {', '.join(meeting.packs)}"
    for source in meeting.sources:
        yield f"Feed      {source.name}: {source.url}"
    yield f"Kept      unflagged posts {_many(meeting.retention.unflagged_days, 'day')}, dismissed flags " + _many(
        meeting.retention.dismissed_days, "day"
    )
    yield ""
    yield f"Agenda    {_many(len(meeting.items), 'item')}"
    width = max((len(item.number) for item in meeting.items), default=0)
    for item in meeting.items:
        notes = "; ".join(_notes_on(item, sealed[item.number]))
        yield f"  {item.number:>{width}}  {item.title}" + (f"  [{notes}]" if notes else "")
    yield ""
    absent = sum(not member.present for member in meeting.members)
    yield f"Roster    {_many(len(meeting.members), 'member')}" + (f", {absent} absent" if absent else "")
    for member in meeting.members:
        yield f"  {_described(member)}"
    if meeting.officers:
        yield ""
        yield f"Officers  {_many(len(meeting.officers), 'name')}"
        for officer in meeting.officers:
            yield f"  {officer.name}" + (f" ({officer.post})" if officer.post else "")


def _notes_on(item: AgendaItem, papers: int) -> Iterator[str]:
    if item.closed:
        yield "closed"
        yield f"{_many(papers, 'paper')} sealed" if papers else "nothing sealed"
    if item.quasi_judicial:
        yield "quasi-judicial"
    if item.report:
        yield f"report of {_many(len(item.report.split()), 'word')}"


def _described(member: Member) -> str:
    about = ", ".join(filter(None, (*member.offices, member.party, member.ward, "" if member.present else "absent")))
    accounts = ", ".join(f"{account.handle} ({account.network}, {account.role})" for account in member.accounts)
    return f"{member.name}{f' ({about})' if about else ''}: {accounts or 'no account'}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
