"""What of a Mastodon server has to be asked for: what came while we were away, what its stream leaves out, what the
members' accounts posted, and what became of the posts held.

Every question here is answered with :class:`Found` statuses; what they mean is for
:class:`~feedmon.sources.mastodon_stream.MastodonStream` to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import msgspec

from feedmon.sources.mastodon_rest import AskFailed, MastodonRest, NotAllowed, NotThere
from feedmon.sources.mastodon_status import (
    AccountEntity,
    NotAStatus,
    Page,
    People,
    StatusEntity,
    address_key,
    decode_page,
    decode_status,
)
from feedmon.sources.select import Selection

OVERLAP = timedelta(minutes=15)
"""How far before the last sign of life asking begins: what comes from other servers is filed under its own time."""

CHECKED_AT_ONCE = 20
"""How many posts may be asked for by number in one question."""

_PAGE = 40
_ROSTER_PAGE = 20
_MOST_PAGES = 25
_SOUGHT_EVERY = timedelta(minutes=10)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_T = TypeVar("_T")

UNKNOWN_ACCOUNT = "a followed account is not known to this server"
MOVED_ACCOUNT = "a followed account has moved elsewhere: check the roster"
SHUT_ACCOUNT = "a followed account is not shown to us"
NO_TIMELINE = "the server has no page for a hashtag"
UNCHECKED = "a post held could not be looked at again"


class Found(msgspec.Struct, frozen=True):
    """A status the server showed when asked, with its JSON; before ``unseen_since`` we would have seen it."""

    status: StatusEntity
    raw: bytes
    unseen_since: datetime | None

    @property
    def claim(self) -> datetime | None:
        """When its own server says that this version appeared."""
        return self.status.claim


class Refilled(msgspec.Struct, frozen=True):
    """What was found, oldest first, and whether that is everything: ``failed`` says why not, if it may be tried again.

    ``whole`` False without it: there was more than we may ask for.
    """

    found: tuple[Found, ...]
    whole: bool = True
    failed: AskFailed | None = None


class Followed(msgspec.Struct):
    """One account of the roster: its handle, its lasting name if known, and this server's number for it once known.

    ``sought`` is when that was last asked for, ``polled`` when its posts were.
    """

    handle: str
    id: str | None = None
    number: str | None = None
    sought: datetime | None = None
    polled: datetime | None = None


def roster_of(selection: Selection) -> list[Followed]:
    """The accounts to follow on networks whose handles are ``name@server``."""
    named = [Followed(handle, one) for one, handle in sorted(selection.handle_of.items()) if _is_fediverse(handle, one)]
    known = {one.handle.strip().removeprefix("@").lower() for one in named}
    return named + [Followed(handle) for handle in sorted(selection.handles) if "@" in handle and handle not in known]


class _Account(AccountEntity):
    moved: AccountEntity | None = None


class _Search(msgspec.Struct):
    accounts: list[_Account] = []


class Asking:
    """The questions to one server. ``faults`` counts what could not be used, by what was wrong with it."""

    def __init__(
        self,
        rest: MastodonRest,
        hashtags: Iterable[str],
        roster: list[Followed],
        people: People,
        faults: Counter[str],
    ) -> None:
        self._rest = rest
        self._hashtags = sorted(hashtags)
        self.roster = roster
        self._people = people
        self._faults = faults
        self._batches = True  # whether the server can be asked for many posts at once

    async def refill(self, begins: datetime, unseen_since: datetime | None, now: datetime) -> Refilled:
        """Everything under the hashtags and by the roster since ``begins``, by the claims of the posts' own servers.

        Raises NotAllowed.
        """
        found: list[Found] = []
        whole = True
        try:
            for hashtag in self._hashtags:
                whole &= await self._under(hashtag, begins, unseen_since, found)
            for account in self.roster:
                whole &= await self._posts_of(account, begins, now, found)
        except AskFailed as error:
            return Refilled(_oldest_first(found), whole=False, failed=error)
        return Refilled(_oldest_first(found), whole)

    async def newest(self, begins: datetime, unseen_since: datetime) -> tuple[Found, ...]:
        """The newest posts under the hashtags, one page of each. Raises AskFailed or NotAllowed."""
        found: list[Found] = []
        for hashtag in self._hashtags:
            await self._under(hashtag, begins, unseen_since, found, most_pages=1)
        return _oldest_first(found)

    async def newest_of(self, account: Followed, begins: datetime, now: datetime) -> tuple[Found, ...]:
        """What an account posted since it was last asked for. Raises AskFailed or NotAllowed."""
        found: list[Found] = []
        await self._posts_of(account, begins, now, found)
        return _oldest_first(found)

    async def check(self, turn: list[tuple[str, datetime | None]]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
        """What became of these posts (number, when last seen): those there are, and the numbers of those deleted.

        One that is missing in the answer is asked for once more by itself. Raises AskFailed or NotAllowed.
        """
        since = dict(turn)
        found: list[Found] = []
        if self._batches:
            try:
                page = await self._page("/api/v1/statuses", [("id[]", number) for number in since])
                found += [Found(status, raw, since.get(status.id)) for status, raw in page.statuses]
            except NotThere:
                self._batches = False
        there = {one.status.id for one in found}
        gone: list[str] = []
        for number in since:
            if number in there:
                continue
            try:
                raw = await self._rest.get(f"/api/v1/statuses/{quote(number, safe='')}")
                found.append(Found(decode_status(raw), raw, since[number]))
            except NotThere:
                gone.append(number)
            except (NotAStatus, NotAllowed):
                self._faults[UNCHECKED] += 1
        return tuple(found), tuple(gone)

    async def _under(
        self,
        hashtag: str,
        begins: datetime,
        unseen_since: datetime | None,
        found: list[Found],
        most_pages: int = _MOST_PAGES,
    ) -> bool:
        """Add what was posted under a hashtag; whether that is everything."""
        try:
            return await self._page_back(_timeline(hashtag), _PAGE, begins, unseen_since, found, most_pages)
        except NotThere:
            self._faults[NO_TIMELINE] += 1
            return False

    async def _posts_of(self, account: Followed, begins: datetime, now: datetime, found: list[Found]) -> bool:
        """Add what an account posted. True when that is everything, and when it cannot be followed at all."""
        try:
            if account.number is None and (account.sought is None or now - account.sought >= _SOUGHT_EVERY):
                await self._resolve(account)
                account.sought = now
            if account.number is None:
                return True
            path = f"/api/v1/accounts/{quote(account.number, safe='')}/statuses"
            whole = await self._page_back(path, _ROSTER_PAGE, begins, account.polled, found)
        except (NotThere, NotAllowed):
            account.number = None
            self._faults[SHUT_ACCOUNT] += 1
            return True
        account.polled = now
        return whole

    async def _page_back(
        self,
        path: str,
        size: int,
        begins: datetime,
        unseen_since: datetime | None,
        found: list[Found],
        most_pages: int = _MOST_PAGES,
    ) -> bool:
        """Add what a list holds since ``begins``, newest page first, then back; whether that is everything."""
        asked = {"limit": str(size)}
        for number in range(most_pages):
            page = await self._page(path, asked, paged=number > 0)
            for status, raw in page.statuses:
                if (status.claim or begins) >= begins:
                    found.append(Found(status, raw, unseen_since))
            last = page.last
            if last is None or last.id == asked.get("max_id") or ((at := last.created) is not None and at < begins):
                return True
            asked["max_id"] = last.id
        return False

    async def _page(self, path: str, params: dict[str, str] | list[tuple[str, str]], *, paged: bool = False) -> Page:
        try:
            page = decode_page(await self._rest.get(path, params, paged=paged))
        except NotAStatus as error:
            raise AskFailed("its answer was not a page of posts") from error
        if page.unreadable:
            self._faults["not a status"] += page.unreadable
        return page

    async def _resolve(self, account: Followed) -> None:
        """Find the number this server has for an account: by its handle, and if that is now another's, by its id."""
        found = await self._looked_up(account) or await self._searched(account)
        if found is None:
            self._faults[UNKNOWN_ACCOUNT] += 1
            return
        if found.moved is not None:
            self._faults[MOVED_ACCOUNT] += 1
        account.number = found.id
        if account.id is not None:
            self._people.learn(found, account.id, account.handle)

    async def _looked_up(self, account: Followed) -> _Account | None:
        try:
            handle = account.handle.strip().removeprefix("@")
            found = _read(await self._rest.get("/api/v1/accounts/lookup", {"acct": handle}), _Account)
        except (NotThere, NotAllowed):
            return None
        if found is None or account.id is None or not found.uri:  # then there is nothing to tell them apart by
            return found
        return found if _bears_name(found, account) else None

    async def _searched(self, account: Followed) -> _Account | None:
        asked = {"q": account.id or account.handle, "type": "accounts", "resolve": "true", "limit": "5"}
        try:
            answer = _read(await self._rest.get("/api/v2/search", asked), _Search)
        except (NotThere, NotAllowed):
            return None
        handle = self._people.handle(account.handle)
        for found in answer.accounts if answer else ():
            by_handle = self._people.handle(found.acct) == handle and (account.id is None or not found.uri)
            if by_handle or _bears_name(found, account):
                return found
        return None


def _timeline(hashtag: str) -> str:
    return f"/api/v1/timelines/tag/{quote(hashtag, safe='')}"


def _oldest_first(found: Iterable[Found]) -> tuple[Found, ...]:
    by_version = {(one.status.uri, one.status.version): one for one in found}
    return tuple(sorted(by_version.values(), key=lambda one: one.claim or _LONG_AGO))


def _is_fediverse(handle: str, account_id: str) -> bool:
    return "@" in handle.strip().removeprefix("@") and account_id.startswith(("https://", "http://"))


def _bears_name(found: AccountEntity, account: Followed) -> bool:
    """Whether an account has the lasting name that the roster gives."""
    addresses = {address_key(address) for address in (found.uri, found.url) if address}
    return account.id is not None and address_key(account.id) in addresses


def _read(answer: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(answer, type=kind)
    except (ValueError, RecursionError):
        return None
