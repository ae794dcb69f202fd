"""Which posts are anybody's business: the ones under a meeting's hashtags, by its accounts, or addressed to them.

:class:`Selection` is the early sieve a source uses: of all that a network says, what might belong to some meeting.
:class:`MeetingIndex` then says which meetings a captured post belongs to. Both are exact about accounts (an id, or a
handle) and kind about hashtags: letter case, width, compatibility forms and accents make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from feedmon.model.meeting import Account, Meeting
from feedmon.model.posts import Author, Post, Target

_COMBINING = re.compile("[\u0300-\u036f]+")
_TAG_IN_TEXT = re.compile(r"(?<![\w/&#])#(\w+)")
_HANDLE_IN_TEXT = re.compile(r"(?<![\w.@/])@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)")


def hashtag_key(tag: str) -> str:
    """A hashtag as it is compared: without its sign (``#`` or the full-width ``＃``), folded, accents gone."""
    folded = unicodedata.normalize("NFKC", tag.strip()).removeprefix("#").casefold()
    return unicodedata.normalize("NFC", _COMBINING.sub("", unicodedata.normalize("NFD", folded)))


def handle_key(handle: str) -> str:
    """A handle as it is compared: lower case, without its ``@``."""
    return handle.strip().removeprefix("@").lower()


def hashtags_in(text: str) -> tuple[str, ...]:
    """The hashtags written in a text, without their sign, in order. Numbers alone (``#4``) are not hashtags."""
    if "#" not in text and "＃" not in text:
        return ()
    found = _TAG_IN_TEXT.findall(unicodedata.normalize("NFKC", text))
    return tuple(tag for tag in found if not tag.isdigit())


def handles_in(text: str) -> tuple[str, ...]:
    """The full handles (``name.example``, lower case) addressed with ``@`` in a text, in order."""
    return tuple(handle.lower() for handle in _HANDLE_IN_TEXT.findall(text)) if "@" in text else ()


def accounts_of(meeting: Meeting) -> Iterator[Account]:
    """Every account a meeting follows: its council's and its members'."""
    yield from meeting.council.accounts
    for member in meeting.members:
        yield from member.accounts


def hashtags_of(post: Post) -> tuple[str, ...]:
    """A post's hashtags: those the network tells of, or, when it tells of none, those in the text."""
    return post.hashtags or hashtags_in(post.text)


def people_of(post: Post) -> Iterator[Author | Target]:
    """The author, and everyone a post answers, quotes or mentions. Not whom it merely reposts."""
    yield post.author
    yield from post.mentions
    yield from (target for target in (post.reply_to, post.thread, post.quote) if target is not None)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for on a network, for all meetings together.

    ``hashtags`` and ``handles`` are keys (:func:`hashtag_key`, :func:`handle_key`), ``tags_as_written`` the hashtags
    as the meeting file has them, for networks that tell accents apart; ``handle_of`` gives, for an account's id, the
    handle the roster knows it by.
    """

    hashtags: frozenset[str] = frozenset()
    tags_as_written: frozenset[str] = frozenset()
    author_ids: frozenset[str] = frozenset()
    handles: frozenset[str] = frozenset()
    handle_of: dict[str, str] = {}

    @classmethod
    def of(cls, meetings: Iterable[Meeting], network: str | None = None) -> Selection:
        """What these meetings follow, on one network or (None) on any."""
        meetings = tuple(meetings)
        accounts = [
            account
            for meeting in meetings
            for account in accounts_of(meeting)
            if network is None or account.network == network
        ]
        return cls(
            hashtags=frozenset(hashtag_key(tag) for meeting in meetings for tag in meeting.hashtags) - {""},
            tags_as_written=frozenset(tag for meeting in meetings for tag in meeting.hashtags),
            author_ids=frozenset(account.id for account in accounts if account.id),
            handles=frozenset(handle_key(account.handle) for account in accounts) - {""},
            handle_of={account.id: account.handle for account in accounts if account.id and account.handle},
        )

    def follows(self, who: Author | Target) -> bool:
        """Whether this is one of the accounts followed."""
        return who.id in self.author_ids or (who.handle is not None and handle_key(who.handle) in self.handles)

    def wants(self, post: Post) -> bool:
        """Whether a post may belong to one of the meetings."""
        return any(hashtag_key(tag) in self.hashtags for tag in hashtags_of(post)) or any(
            self.follows(who) for who in people_of(post)
        )


class MeetingIndex:
    """Which of many meetings a post belongs to. Its cost grows with the post, not with the number of meetings."""

    def __init__(self, meetings: Iterable[Meeting]) -> None:
        self._places: dict[str, int] = {}
        self._index: dict[tuple[str, str], set[str]] = {}
        for meeting in meetings:
            self._places[meeting.id] = len(self._places)
            for tag in meeting.hashtags:
                self._add("#", hashtag_key(tag), meeting.id)
            for account in accounts_of(meeting):
                self._add(f"id {account.network}", account.id or "", meeting.id)
                self._add(f"handle {account.network}", handle_key(account.handle), meeting.id)

    def meetings_for(self, post: Post) -> tuple[str, ...]:
        """The ids of the meetings a post belongs to, in the order they were given.

        By hashtag, author, or whom it answers, quotes or mentions; whether the meeting's window is open is not
        asked here.
        """
        found: set[str] = set()
        for tag in hashtags_of(post):
            found |= self._index.get(("#", hashtag_key(tag)), set())
        for who in people_of(post):
            found |= self._index.get((f"id {post.network}", who.id or ""), set())
            found |= self._index.get((f"handle {post.network}", handle_key(who.handle or "")), set())
        return tuple(sorted(found, key=self._places.__getitem__))

    def _add(self, kind: str, key: str, meeting_id: str) -> None:
        if key:
            self._index.setdefault((kind, key), set()).add(meeting_id)
