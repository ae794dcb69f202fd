"""What a rehearsed Mastodon server knows: statuses, and what its REST answers say of them. No I/O.

Lists are in order of the server's numbers, newest first, which for a post from another server come from the time that
one claims: such a post lies below newer ones however late it came.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Status = dict[str, Any]
"""A status as its JSON says."""

MOST_AT_ONCE = 20
"""How many statuses may be asked for by number in one question."""

_MOST_IN_PAGE = 40
_NOT_OF_A_TAG = re.compile(r"[^\w·]")


def tag_key(tag: str) -> str:
    """A hashtag as the server compares it: NFKC, lower case, folded to ASCII where it can be, other signs gone."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", tag).lower())
    return _NOT_OF_A_TAG.sub("", "".join(sign for sign in folded if not unicodedata.combining(sign)))


def tags_of(status: Mapping[str, Any]) -> frozenset[str]:
    """The keys of a status's hashtags."""
    return frozenset(tag_key(tag["name"]) for tag in status.get("tags", ()))


class MastodonStore:
    """The statuses of one server that anyone may see, and who wrote them."""

    def __init__(self, domain: str, accounts: Iterable[Mapping[str, Any]] = ()) -> None:
        self.domain = domain
        self._statuses: dict[str, Status] = {}
        self._accounts = {account["id"]: dict(account) for account in accounts}

    def put(self, status: Status) -> None:
        """Add a status, or replace it by a newer version."""
        self._statuses[status["id"]] = status
        self._accounts.setdefault(status["account"]["id"], status["account"])

    def take(self, number: str) -> Status | None:
        """Delete a status; what it was."""
        return self._statuses.pop(number, None)

    def status(self, number: str) -> Status | None:
        """One status."""
        return self._statuses.get(number)

    def statuses(self, numbers: Sequence[str]) -> list[Status]:
        """Those of these that there are."""
        return [self._statuses[number] for number in dict.fromkeys(numbers) if number in self._statuses]

    def timeline(self, tag: str, asked: Mapping[str, list[str]]) -> list[Status]:
        """A page of a hashtag's public posts."""
        key = tag_key(tag)
        return self._page((one for one in self._statuses.values() if key in tags_of(one) and _public(one)), asked, 20)

    def posts_of(self, account: str, asked: Mapping[str, list[str]]) -> list[Status] | None:
        """A page of an account's posts and boosts, None when there is no such account."""
        if account not in self._accounts:
            return None
        return self._page((one for one in self._statuses.values() if one["account"]["id"] == account), asked, 20)

    def account(self, acct: str) -> dict[str, Any] | None:
        """The account of a handle, with or without this server's own name behind it."""
        wanted = acct.lower().removeprefix("@").removesuffix(f"@{self.domain}")
        return next((one for one in self._accounts.values() if one["acct"].lower() == wanted), None)

    def search(self, words: str) -> list[dict[str, Any]]:
        """The accounts a search for a handle or an account's address finds."""
        by_address = [one for one in self._accounts.values() if words in (one.get("uri"), one.get("url"))]
        by_handle = self.account(words)
        return by_address or ([by_handle] if by_handle else [])

    @staticmethod
    def _page(statuses: Iterable[Status], asked: Mapping[str, list[str]], usual: int) -> list[Status]:
        given = {name: values[0] for name, values in asked.items() if values}
        limit = given.get("limit", "")
        size = max(1, min(int(limit) if limit.isdecimal() else usual, _MOST_IN_PAGE))
        below, above = given.get("max_id"), given.get("min_id") or given.get("since_id")
        found = sorted(statuses, key=lambda one: _rank(one["id"]), reverse=True)
        found = [one for one in found if below is None or _rank(one["id"]) < _rank(below)]
        found = [one for one in found if above is None or _rank(one["id"]) > _rank(above)]
        return found[-size:] if "min_id" in given else found[:size]


def _rank(number: str) -> tuple[int, str]:
    """What numbers are in order by: Mastodon's grow longer, GoToSocial's are all of one length."""
    return len(number), number


def _public(status: Status) -> bool:
    return status.get("visibility") == "public" and status.get("reblog") is None
