"""Who meets, about what, who sits, and which accounts are theirs."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from feedmon.model.instants import Instant


class AccountRole(StrEnum):
    """In which capacity an account is used; policies treat the four differently (Ventnor 5.3, 5.6; Dover 3, 4)."""

    PERSONAL = "personal"
    COUNCILLOR = "councillor"
    PARTY = "party"
    CORPORATE = "corporate"


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One handle on one network. ``id`` is the network's stable name for it (a Bluesky DID), when known."""

    network: str
    handle: str
    id: str | None = None
    role: AccountRole = AccountRole.COUNCILLOR
    confirmed: date | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A councillor or co-opted member. ``present`` is as the meeting began; arrivals and departures are marks."""

    id: str
    name: str
    offices: tuple[str, ...] = ()
    also_known_as: tuple[str, ...] = ()
    party: str | None = None
    ward: str | None = None
    present: bool = True
    spokesperson: bool = False
    accounts: tuple[Account, ...] = ()


class Officer(msgspec.Struct, frozen=True, kw_only=True):
    """A named officer or contractor of the council, who has not sought public life (Dover 6.3)."""

    name: str
    post: str = ""
    also_known_as: tuple[str, ...] = ()


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item. ``number`` is as printed (``6. a)``, ``73``, ``STA/24``); ``report`` is its open paper's text.

    ``closed`` is what the agenda prints, with ``reason`` as cited. It never says that the room *is* closed:
    only the clerk's marks do.
    """

    number: str
    title: str
    report: str = ""
    closed: bool = False
    reason: str | None = None
    quasi_judicial: bool = False


class Council(msgspec.Struct, frozen=True, kw_only=True):
    """The body that meets, and the contacts it publishes itself (never personal data)."""

    name: str
    places: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    monitoring_officer: str = ""
    accounts: tuple[Account, ...] = ()


class Window(msgspec.Struct, frozen=True):
    """When following starts and stops. Outside it nothing is followed, judged or kept."""

    starts: Instant
    stops: Instant

    def __post_init__(self) -> None:
        if self.stops <= self.starts:
            raise ValueError("the window must stop after it starts")

    def __contains__(self, at: object) -> bool:
        return isinstance(at, datetime) and self.starts <= at < self.stops


class SourceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One feed to follow: its kind (the registered name), our name for it, and where it is.

    ``cap`` is the most that following it may cost in one meeting, in US dollars, where the network charges.
    """

    kind: str
    name: str
    url: str
    cap: float | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How many days each purpose keeps its copies (NEDDC 7): unflagged members' posts, dismissed flags."""

    unflagged_days: int = 1
    dismissed_days: int = 28


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """One sitting, as the clerk prepared it."""

    id: str
    title: str
    council: Council
    packs: tuple[str, ...]
    window: Window
    timezone: str = "Europe/London"
    hashtags: tuple[str, ...] = ()
    items: tuple[AgendaItem, ...] = ()
    members: tuple[Member, ...] = ()
    officers: tuple[Officer, ...] = ()
    sources: tuple[SourceSpec, ...] = ()
    retention: Retention = Retention()

    def item(self, number: str | None) -> AgendaItem | None:
        """The agenda item printed with this number, if there is one."""
        return next((item for item in self.items if item.number == number), None)

    def member(self, member_id: str | None) -> Member | None:
        """The member with this id, if there is one."""
        return next((member for member in self.members if member.id == member_id), None)
