"""What a YouTube live chat says, and what of it is for us. Pure: a fold over items, as the Data API (v3) lists them.

An item is one JSON object: ``id``, ``snippet`` (``type``, ``publishedAt``, and details by its type) and
``authorDetails``. Messages are never edited. What is removed is told by items of their own: a moderator's deletion,
the author's retraction, the removal of a person (all they said goes with them), or a *tombstone* in a message's place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from feedmon.model.instants import Instant
from feedmon.model.posts import Author, Deleted, Post, PostKey, Seen, SourceEvent
from feedmon.sources.select import Selection, handle_key

NETWORK = "youtube"
"""What the meeting file calls this network, for sources and for accounts."""

LONGEST_TEXT = 5_000
"""Characters of a message that are kept; YouTube allows a few hundred."""

_MOST_HELD = 50_000
_HANDLE = re.compile(r"@[\w.·-]{3,30}")


class NotAMessage(Exception):
    """An item that says nothing we could read."""


class _Text(msgspec.Struct):
    message: str = msgspec.field(name="messageText", default="")


class _Comment(msgspec.Struct):
    comment: str = msgspec.field(name="userComment", default="")


class _Removed(msgspec.Struct, rename="camel"):
    deleted_message_id: str = ""
    retracted_message_id: str = ""


class _Person(msgspec.Struct, rename="camel"):
    channel_id: str = ""
    display_name: str = ""


class _Banned(msgspec.Struct, rename="camel"):
    banned_user_details: _Person = msgspec.field(default_factory=_Person)


class _Question(msgspec.Struct, rename="camel"):
    question_text: str = ""


class _Poll(msgspec.Struct):
    metadata: _Question = msgspec.field(default_factory=_Question)


class _Snippet(msgspec.Struct, rename="camel"):
    type: str
    published_at: Instant | None = None
    author_channel_id: str = ""
    text_message_details: _Text | None = None
    super_chat_details: _Comment | None = None
    fan_funding_event_details: _Comment | None = None
    member_milestone_chat_details: _Comment | None = None
    poll_details: _Poll | None = None
    message_deleted_details: _Removed | None = None
    message_retracted_details: _Removed | None = None
    user_banned_details: _Banned | None = None

    @property
    def words(self) -> str:
        """What its author wrote, nothing when nothing was written."""
        for said in (self.super_chat_details, self.fan_funding_event_details, self.member_milestone_chat_details):
            if said is not None and said.comment:
                return said.comment
        if self.poll_details is not None:
            return self.poll_details.metadata.question_text
        return self.text_message_details.message if self.text_message_details else ""


class _Item(msgspec.Struct, rename="camel"):
    id: str
    snippet: _Snippet
    author_details: _Person = msgspec.field(default_factory=_Person)


_decode = msgspec.json.Decoder(_Item).decode


def _read(raw: bytes) -> _Item:
    try:
        return _decode(raw)
    except (ValueError, RecursionError) as error:
        raise NotAMessage from error


class Heard(msgspec.Struct, frozen=True):
    """What one item came to: the network's time of it, what it means for us, and whether the chat is over."""

    at: datetime | None = None
    events: tuple[SourceEvent, ...] = ()
    over: bool = False


class YouTubeChat:
    """The fold over one chat: items in, events out, each once. Everything in the chat belongs to the meeting.

    ``held`` are ids of messages captured before this process began. Memory is bounded.
    """

    def __init__(self, selection: Selection, source: str, held: Iterable[str] = ()) -> None:
        self._source = source
        self._accounts = selection.author_ids
        self._confirmed = {handle_key(handle) for handle in selection.handle_of.values()}
        self._authors: dict[str, str] = dict.fromkeys(held, "")  # of each message handed on, whose it is
        self._handed_on: set[str] = set()
        self._removed: dict[str, None] = {}

    @staticmethod
    def time_of(raw: bytes) -> datetime | None:
        """When an item was published, None when it does not say. Raises NotAMessage."""
        return _read(raw).snippet.published_at

    def take(self, raw: bytes, received_at: datetime, since: datetime | None) -> Heard:
        """Take one item in; messages published before ``since`` are no news. Raises NotAMessage."""
        item = _read(raw)
        at = item.snippet.published_at
        if item.snippet.type == "chatEndedEvent":
            return Heard(at, over=True)
        return Heard(at, tuple(self._events(item, received_at, since)))

    def _events(self, item: _Item, received_at: datetime, since: datetime | None) -> Iterator[SourceEvent]:
        snippet = item.snippet
        at = snippet.published_at or received_at
        match snippet.type:
            case "messageDeletedEvent" if snippet.message_deleted_details:
                yield from self._gone(snippet.message_deleted_details.deleted_message_id, at)
            case "messageRetractedEvent" if snippet.message_retracted_details:
                yield from self._gone(snippet.message_retracted_details.retracted_message_id, at)
            case "userBannedEvent" if snippet.user_banned_details:
                banned = snippet.user_banned_details.banned_user_details.channel_id
                for message, author in list(self._authors.items()):
                    if banned and author == banned:
                        yield from self._gone(message, at)
            case "tombstone" if item.id in self._authors:
                yield from self._gone(item.id, received_at)  # its own time is that of the message it replaces
            case _ if snippet.words and item.id and item.id not in self._handed_on:
                yield from self._said(item, at, received_at, since)

    def _said(self, item: _Item, at: datetime, received_at: datetime, since: datetime | None) -> Iterator[SourceEvent]:
        channel = item.snippet.author_channel_id or item.author_details.channel_id
        known = item.id in self._authors
        self._authors[item.id] = channel
        if since is not None and at < since and not known:
            del self._authors[item.id]
            return
        self._handed_on.add(item.id)
        yield Seen(
            Post(
                network=NETWORK,
                id=item.id,
                author=self._author(channel, item.author_details.display_name),
                text=item.snippet.words[:LONGEST_TEXT],
                observed_at=at,
                received_at=received_at,
                source=self._source,
            )
        )
        if len(self._authors) > _MOST_HELD:
            oldest = next(iter(self._authors))
            del self._authors[oldest]
            self._handed_on.discard(oldest)

    def _gone(self, message: str, at: datetime) -> Iterator[SourceEvent]:
        if not message or message in self._removed:
            return
        self._removed[message] = None
        self._authors.pop(message, None)
        if len(self._removed) > _MOST_HELD:
            del self._removed[next(iter(self._removed))]
        yield Deleted(PostKey(NETWORK, message), at, self._source)

    def _author(self, channel: str, name: str) -> Author:
        """Who wrote it. A shown name that is no handle, or that of an account known to be another's, is only a name."""
        is_handle = _HANDLE.fullmatch(name) and (handle_key(name) not in self._confirmed or channel in self._accounts)
        return Author(handle=name.removeprefix("@") if is_handle else channel, id=channel or None, name=name[:200])
