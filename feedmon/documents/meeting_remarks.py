"""What is worth a clerk's second look in a meeting that can be used as it is, and what keeps one from being followed.

Each is a Problem without being a mistake. Positions in the Meeting are those in its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from feedmon.documents.fields import is_in_the_clear
from feedmon.documents.files import shown
from feedmon.documents.wording import KeyPath
from feedmon.model.meeting import Account, Meeting
from feedmon.model.problems import Problem, did_you_mean

_RESOLVE = "https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle?handle="
_HONORIFICS = ("cllr", "cllr.", "councillor", "coun", "coun.")


def remarks_on(meeting: Meeting, place: Callable[[KeyPath], str]) -> tuple[Problem, ...]:
    """Everything worth a second look: items, members, accounts, feeds."""
    return tuple(
        Problem(place(path), message, mend)
        for part in (_on_items, _on_members, _on_accounts, _on_sources)
        for path, message, mend in part(meeting)
    )


def hindrances_to_following(meeting: Meeting, place: str) -> tuple[Problem, ...]:
    """Why there would be nothing to follow; empty when there is something."""
    hindrances = []
    if not meeting.sources:
        hindrances.append(Problem(place, "names no feed, so nothing can be followed.", "Add a [[source]]."))
    if not meeting.hashtags and not any(_can_be_followed(account) for _, _, account in _accounts(meeting)):
        message = "has neither a hashtag nor an account that can be followed."
        hindrances.append(Problem(place, message, 'Add hashtags = ["#…"] to [meeting], or accounts to the members.'))
    return tuple(hindrances)


def _can_be_followed(account: Account) -> bool:
    return account.network != "bluesky" or account.id is not None


def _accounts(meeting: Meeting) -> Iterator[tuple[KeyPath, str, Account]]:
    for index, account in enumerate(meeting.council.accounts):
        yield ("council", "accounts", index), meeting.council.name, account
    for number, member in enumerate(meeting.members):
        for index, account in enumerate(member.accounts):
            yield ("member", number, "accounts", index), member.name, account


_Remarks = Iterator[tuple[KeyPath, str, str]]


def _on_items(meeting: Meeting) -> _Remarks:
    if not meeting.items:
        yield ("item",), "is not there, so no post can be compared with the agenda.", "Add an [[item]] for each item."
    elif not any(item.report for item in meeting.items):
        message = "no item has a report, and titles alone say little about what is on the topic."
        yield ("item",), message, 'Add report = "FILE.txt" where there is an open paper.'
    for index, item in enumerate(meeting.items):
        if item.closed and item.report:
            message = f"item {item.number} is marked closed and has a report, which is treated as public."
            yield ("item", index), message, "If it is the closed paper, take it out and use “feedmon seal”."
        if item.closed and item.reason is None:
            message = f"item {item.number} is marked closed without its reason."
            yield ("item", index, "closed"), message, 'Add reason = "…" as the agenda cites it.'


def _on_members(meeting: Meeting) -> _Remarks:
    if not meeting.members:
        yield ("member",), "is not there, so nobody's conduct is looked at.", "Add a [[member]] for each councillor."
    by_name: dict[str, int] = {}
    for index, member in enumerate(meeting.members):
        if member.name.split()[0].lower() in _HONORIFICS:
            message = f"“{shown(member.name)}” begins with a title."
            yield ("member", index, "name"), message, "Write the name alone, or posts that name them are missed."
        if by_name.setdefault(member.name.casefold(), index) != index:
            message = f"two members are called {shown(member.name)}."
            yield ("member", index, "name"), message, "Their ids tell them apart; posts that name them do not."
        if not member.accounts:
            message = f"{shown(member.name)} has no account here, so none of their posts is known as theirs."
            yield ("member", index), message, ""


_NETWORKS = {"pds": "bluesky"}  # of sources not called by their network's name


def _on_accounts(meeting: Meeting) -> _Remarks:
    kinds = {_NETWORKS.get(source.kind, source.kind) for source in meeting.sources}
    for path, whose, account in _accounts(meeting):
        if kinds and account.network not in kinds:
            near = did_you_mean(account.network, kinds)
            message = f"no [[source]] follows “{account.network}”, so {shown(whose)}'s account there is not seen."
            yield (*path, "network"), message, near if near.startswith("Did you mean") else ""
        elif not _can_be_followed(account):
            message = f"{shown(whose)}'s account {shown(account.handle)} cannot be followed until its id is given."
            mend = f'Open {_RESOLVE}{shown(account.handle, 300)} and write what it shows as id = "did:plc:…".'
            yield path, message, mend


def _on_sources(meeting: Meeting) -> _Remarks:
    for index, source in enumerate(meeting.sources):
        if is_in_the_clear(source.url):
            secure = "wss" if source.url.startswith("ws:") else "https"
            yield ("source", index, "url"), "is not encrypted on its way.", f"Use {secure}:// if the feed offers it."
