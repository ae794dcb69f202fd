"""The tables of a meeting file, as the clerk writes them. Field names are the keys.

What may be left out has a default. The checks on single values stand here beside them; those across several values
are in ``meeting_file``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

import msgspec

from feedmon.documents import fields
from feedmon.documents.located import Like, Turned
from feedmon.model.meeting import AccountRole, Retention

DEFAULT_TIME_ZONE: Final = "Europe/London"

Line = Annotated[str, Turned(fields.line)]
OptionalLine = Annotated[str, Turned(fields.optional_line)]
LineOrNothing = Annotated[str | None, Turned(fields.line_or_nothing)]
Prose = Annotated[str, Turned(fields.prose)]
Id = Annotated[str, Turned(fields.name_of)]
Word = Annotated[str, Turned(fields.word)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]
Dollars = Annotated[float, msgspec.Meta(ge=0, le=10_000)]


class AccountTable(msgspec.Struct, frozen=True, kw_only=True):
    """One of ``accounts``: a handle on a network. ``id`` is the network's own lasting name for it."""

    network: Annotated[Word, Like('network = "bluesky"')]
    handle: Annotated[str, Turned(fields.handle), Like('handle = "name.bsky.social"')]
    id: LineOrNothing = None
    role: AccountRole = AccountRole.COUNCILLOR
    confirmed: date | None = None


class MeetingTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[meeting]``."""

    id: Annotated[Id, Like('id = "full-council-2026-03-05"')]
    title: Annotated[Line, Like('title = "Full Council"')]
    packs: Annotated[tuple[Annotated[str, Turned(fields.pack)], ...], Like('packs = ["ventnor"]')]
    hashtags: tuple[Annotated[str, Turned(fields.hashtag)], ...] = ()
    timezone: Annotated[str, Turned(fields.time_zone)] = DEFAULT_TIME_ZONE


class CouncilTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[council]``."""

    name: Annotated[Line, Like('name = "Saltmarsh Town Council"')]
    places: tuple[Line, ...] = ()
    contacts: tuple[Line, ...] = ()
    monitoring_officer: OptionalLine = ""
    accounts: tuple[AccountTable, ...] = ()


class WindowTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[window]``: dates with times; without an offset they are local to the meeting's time zone."""

    starts: Annotated[datetime, Like("starts = 2026-03-05T18:30:00")]
    stops: Annotated[datetime, Like("stops = 2026-03-05T22:00:00")]


class ItemTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[[item]]``: one agenda item. ``report`` names the file of its open paper, or ``report_text`` is its text."""

    number: Annotated[Line, Like('number = "4"')]
    title: Annotated[Line, Like('title = "Budget and precept"')]
    report: LineOrNothing = None
    report_text: Prose | None = None
    closed: bool = False
    reason: LineOrNothing = None
    quasi_judicial: bool = False


class MemberTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[[member]]``: one councillor or co-opted member."""

    name: Annotated[Line, Like('name = "Helen Marchbanks"')]
    id: Id | None = None
    offices: tuple[Line, ...] = ()
    also_known_as: tuple[Line, ...] = ()
    party: LineOrNothing = None
    ward: LineOrNothing = None
    present: bool = True
    spokesperson: bool = False
    accounts: tuple[AccountTable, ...] = ()


class OfficerTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[[officer]]``: one officer or contractor who may be named in posts."""

    name: Annotated[Line, Like('name = "Simon Alder"')]
    post: OptionalLine = ""
    also_known_as: tuple[Line, ...] = ()


class SourceTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[[source]]``: one feed. ``name`` is what we call it; its kind, when left out. ``cap`` is in US dollars."""

    kind: Annotated[Word, Like('kind = "bluesky"')]
    name: Id | None = None
    url: Annotated[str, Turned(fields.feed_url), Like('url = "wss://jetstream2.us-east.bsky.network/subscribe"')]
    cap: Dollars | None = None


class RetentionTable(msgspec.Struct, frozen=True, kw_only=True):
    """``[retention]``: days for which each purpose keeps its copies."""

    unflagged_days: Days = Retention().unflagged_days
    dismissed_days: Days = Retention().dismissed_days


TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "meeting": MeetingTable,
    "council": CouncilTable,
    "window": WindowTable,
    "item": ItemTable,
    "member": MemberTable,
    "officer": OfficerTable,
    "source": SourceTable,
    "retention": RetentionTable,
}
"""Every table a meeting file can have."""

MANY: Final = ("item", "member", "officer", "source")
"""Those that stand once for each, in two pairs of brackets."""


def written(table: str) -> str:
    """A table's name as it stands in the file: ``[window]``, ``[[item]]``."""
    return f"[[{table}]]" if table in MANY else f"[{table}]"


def homes() -> dict[str, str]:
    """Of each key that only one table has, that table; for keys that strayed."""
    tables_of: dict[str, list[str]] = {}
    for name, table in TABLES.items():
        for field in msgspec.structs.fields(table):
            tables_of.setdefault(field.encode_name, []).append(name)
    return {key: written(tables[0]) for key, tables in tables_of.items() if len(tables) == 1}
