"""The meeting file: one TOML file in which a clerk prepares a meeting, and the Meeting it makes.

Its format is in ``feedmon/docs/formats.md``. What is *wrong* in it is told all at once and stops the reading; what is
only *remarkable* (an account that cannot be followed, a closed item without its reason) goes with the meeting as
remarks; and what keeps it from being followed live, though it may well be judged by, stands apart.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from feedmon.documents import fields
from feedmon.documents.files import place_of, read_text, shown
from feedmon.documents.located import Mistakes, Unfit
from feedmon.documents.meeting_remarks import hindrances_to_following, remarks_on
from feedmon.documents.meeting_tables import (
    DEFAULT_TIME_ZONE,
    TABLES,
    AccountTable,
    CouncilTable,
    ItemTable,
    MeetingTable,
    MemberTable,
    OfficerTable,
    RetentionTable,
    SourceTable,
    WindowTable,
    homes,
    written,
)
from feedmon.documents.toml_lines import read_toml
from feedmon.documents.wording import KeyPath
from feedmon.model.meeting import (
    Account,
    AgendaItem,
    Council,
    Meeting,
    Member,
    Officer,
    Retention,
    SourceSpec,
    Window,
)
from feedmon.model.problems import BadInput, Problem, did_you_mean

TableT = TypeVar("TableT", bound=msgspec.Struct)

LONGEST_WINDOW: Final = timedelta(hours=24)
_NEEDED: Final = ("meeting", "council", "window")
_DID: Final = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")


class MeetingPaper(msgspec.Struct, frozen=True):
    """A meeting as read from its file, what is remarkable in it, and what keeps it from being followed live."""

    meeting: Meeting
    remarks: tuple[Problem, ...]
    hindrances: tuple[Problem, ...]


def load_meeting(path: Path, *, to_follow: bool = False) -> Meeting:
    """The meeting prepared in a file.

    Raises BadInput with every mistake in it; with ``to_follow`` also when there would be nothing to follow.
    """
    paper = read_meeting(path)
    if to_follow and paper.hindrances:
        raise BadInput(paper.hindrances)
    return paper.meeting


def read_meeting(path: Path) -> MeetingPaper:
    """The meeting prepared in a file, with what is to be said about it. Raises BadInput with every mistake in it."""
    data, mistakes = read_toml(path, homes())
    meeting = _Reading(data, mistakes, path.parent).meeting()
    return MeetingPaper(meeting, remarks_on(meeting, mistakes.place), hindrances_to_following(meeting, place_of(path)))


class _Once:
    """Takes down a second use of something that must be used once."""

    def __init__(self, mistakes: Mistakes, message: str, mend: str) -> None:
        self._mistakes, self._message, self._mend = mistakes, message, mend
        self._users: dict[str, str] = {}

    def use(self, what: str, path: KeyPath, user: str) -> None:
        """Note that ``user`` uses ``what``. The message may name both the thing and its first ``{user}``."""
        first = self._users.get(what.casefold())
        if first is None:
            self._users[what.casefold()] = user
        else:
            self._mistakes.add(path, self._message.format(what=shown(what), user=shown(first)), self._mend)


class _Reading:
    """One reading of one file: its tables, the checks across them, and the Meeting they make."""

    def __init__(self, data: dict[str, Any], mistakes: Mistakes, folder: Path) -> None:
        self._data, self._mistakes, self._folder = data, mistakes, folder
        self._account_names = _Once(mistakes, "“{what}” is already an account of {user}.", "Each belongs to one.")
        self._account_ids = _Once(mistakes, "“{what}” is already the id of an account of {user}.", "Copy it anew.")

    def meeting(self) -> Meeting:
        """The meeting. Raises BadInput with every mistake."""
        data, mistakes = self._data, self._mistakes
        meant = mistakes.check_keys(data, TABLES)
        for name in _NEEDED:
            if name not in data and name not in meant:
                mistakes.add((name,), "is missing.", f"Add the table {written(name)}.")
        about = self._one("meeting", MeetingTable)
        council = self._council(self._one("council", CouncilTable))
        window = self._window(self._one("window", WindowTable), about)
        items = self._items(mistakes.read_each(data.get("item"), ItemTable, ("item",)))
        members = self._members(mistakes.read_each(data.get("member"), MemberTable, ("member",)))
        officers = mistakes.read_each(data.get("officer"), OfficerTable, ("officer",))
        sources = self._sources(mistakes.read_each(data.get("source"), SourceTable, ("source",)))
        retention = self._one("retention", RetentionTable) or RetentionTable()
        if about is not None and not about.packs and "packs" in data["meeting"]:
            mistakes.add(("meeting", "packs"), "names no pack, so no rule would be in force.", "Name at least one.")
        mistakes.refuse()
        if about is None or council is None or window is None:
            raise AssertionError("a table that is needed was lost without a word")
        return Meeting(
            id=about.id,
            title=about.title,
            council=council,
            packs=_once_each(
                tuple(str(self._folder / pack) if pack.endswith(".toml") else pack for pack in about.packs)
            ),
            window=window,
            timezone=about.timezone,
            hashtags=_once_each(about.hashtags),
            items=items,
            members=members,
            officers=tuple(Officer(**msgspec.structs.asdict(officer)) for _, officer in officers),
            sources=sources,
            retention=Retention(**msgspec.structs.asdict(retention)),
        )

    def _one(self, name: str, kind: type[TableT]) -> TableT | None:
        return self._mistakes.read(self._data[name], kind, (name,)) if name in self._data else None

    def _window(self, table: WindowTable | None, about: MeetingTable | None) -> Window | None:
        try:
            zone = fields.zone_of(about.timezone if about else DEFAULT_TIME_ZONE)
        except Unfit as unfit:
            self._mistakes.add(("meeting", "timezone"), str(unfit), unfit.mend)
            return None
        if table is None:
            return None
        ends = []
        for key, at in (("starts", table.starts), ("stops", table.stops)):
            try:
                ends.append(fields.in_utc(at, zone))
            except Unfit as unfit:
                self._mistakes.add(("window", key), str(unfit), unfit.mend)
        if len(ends) < 2:
            return None
        starts, stops = ends
        if stops <= starts:
            late = stops + timedelta(days=1)
            local = late.astimezone(zone).replace(tzinfo=None).isoformat()
            mend = f"If the meeting runs past midnight, write {local}." if starts < late else ""
            self._mistakes.add(("window", "stops"), "is not after the window starts.", mend)
            return None
        if stops - starts > LONGEST_WINDOW:
            hours = (stops - starts) / timedelta(hours=1)
            message = f"comes {hours:.0f} hours after the window starts; 24 is the most."
            self._mistakes.add(("window", "stops"), message, "Check both dates. Each sitting has its own file.")
            return None
        return Window(starts, stops)

    def _council(self, table: CouncilTable | None) -> Council | None:
        if table is None:
            return None
        return Council(
            name=table.name,
            places=table.places,
            contacts=table.contacts,
            monitoring_officer=table.monitoring_officer,
            accounts=self._accounts(table.accounts, ("council",), "the council"),
        )

    def _items(self, tables: list[tuple[KeyPath, ItemTable]]) -> tuple[AgendaItem, ...]:
        numbers = _Once(self._mistakes, "“{what}” is already the number of “{user}”.", "Marks name items by number.")
        items = []
        for path, table in tables:
            numbers.use(table.number, (*path, "number"), table.title)
            items.append(
                AgendaItem(
                    number=table.number,
                    title=table.title,
                    report=self._report(table, path),
                    closed=table.closed,
                    reason=table.reason,
                    quasi_judicial=table.quasi_judicial,
                )
            )
        return tuple(items)

    def _report(self, table: ItemTable, path: KeyPath) -> str:
        if table.report is not None and table.report_text is not None:
            message = "gives the item a second report, beside report."
            self._mistakes.add(
                (*path, "report_text"), message, "Keep report (a file) or report_text (the text itself)."
            )
        if table.report is None:
            return table.report_text or ""
        file = self._folder / table.report.replace("\\", "/")
        try:
            return fields.prose(read_text(file))
        except BadInput as bad:
            for problem in bad.problems:
                line = problem.place.removeprefix(place_of(file)).removeprefix(":")
                message = f"“{shown(table.report)}”{f', line {line},' if line else ''} {problem.message}"
                self._mistakes.add((*path, "report"), message, _near_file(file) or problem.mend)
            return ""

    def _members(self, tables: list[tuple[KeyPath, MemberTable]]) -> tuple[Member, ...]:
        twice = 'Take one out; or, if they are two people, give each an id = "…".'
        ids = _Once(self._mistakes, "“{what}” is already the id of {user}.", twice)
        members = []
        for path, table in tables:
            member_id = table.id or fields.slug(table.name)
            if not member_id:
                message = "is a name from which no id can be made."
                self._mistakes.add((*path, "name"), message, 'Add id = "…" in letters a to z and digits.')
            else:
                ids.use(member_id, (*path, "id" if table.id else "name"), table.name)
            members.append(
                Member(
                    id=member_id,
                    name=table.name,
                    offices=table.offices,
                    also_known_as=table.also_known_as,
                    party=table.party,
                    ward=table.ward,
                    present=table.present,
                    spokesperson=table.spokesperson,
                    accounts=self._accounts(table.accounts, path, table.name),
                )
            )
        return tuple(members)

    def _accounts(self, tables: tuple[AccountTable, ...], owner: KeyPath, whose: str) -> tuple[Account, ...]:
        accounts = []
        for index, table in enumerate(tables):
            path = (*owner, "accounts", index)
            handle = table.handle
            if table.network == "bluesky":
                handle = handle.lower()
                if "." not in handle:
                    message = f"“{shown(handle)}” is not a whole Bluesky handle."
                    self._mistakes.add((*path, "handle"), message, f'Perhaps "{shown(handle)}.bsky.social"?')
                if table.id is not None and not _DID.fullmatch(table.id):
                    message = f"“{shown(table.id)}” is not a Bluesky id."
                    self._mistakes.add((*path, "id"), message, "It begins with did:plc: or did:web:.")
            self._account_names.use(f"{handle} ({table.network})", (*path, "handle"), whose)
            if table.id is not None:
                self._account_ids.use(table.id, (*path, "id"), whose)
            accounts.append(
                Account(network=table.network, handle=handle, id=table.id, role=table.role, confirmed=table.confirmed)
            )
        return tuple(accounts)

    def _sources(self, tables: list[tuple[KeyPath, SourceTable]]) -> tuple[SourceSpec, ...]:
        names = _Once(
            self._mistakes, "“{what}” is already the name of another source.", 'Give each its own name = "…".'
        )
        sources = []
        for path, table in tables:
            name = table.name or table.kind
            names.use(name, (*path, "name"), table.url)
            sources.append(SourceSpec(kind=table.kind, name=name, url=table.url, cap=table.cap))
        return tuple(sources)


def _once_each(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words in order, without those that differ from an earlier one by nothing or by case alone."""
    seen: dict[str, str] = {}
    for word in words:
        seen.setdefault(word.casefold(), word)
    return tuple(seen.values())


def _near_file(file: Path) -> str:
    """A hint at a file of nearly the same name, when there is one in the same folder."""
    try:
        names = [other.name for other in file.parent.iterdir()] if not file.exists() else []
    except (OSError, ValueError):
        return ""
    hint = did_you_mean(file.name, names)
    return hint if hint.startswith("Did you mean") else ""
