"""What X says, and what of it is for us. Pure: a fold over posts, whether the stream brought them or a search did."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

import msgspec

from feedmon.model.posts import Author, Edited, Post, PostKey, Seen, SourceEvent
from feedmon.sources.select import Selection
from feedmon.sources.x_posts import NETWORK, User, read_post
from feedmon.sources.x_spend import Spend

_MOST_HELD = 50_000


class _Recent:
    """A set that forgets the oldest beyond a bound."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._those: set[str] = set()

    def __contains__(self, one: object) -> bool:
        return one in self._those

    def add(self, one: str) -> None:
        if one not in self._those:
            self._those.add(one)
            self._order.append(one)
            if len(self._order) > _MOST_HELD:
                self._those.discard(self._order.popleft())


class _Named(msgspec.Struct):
    id: str = ""
    author_id: str = ""


class XIntake:
    """The sieve: posts in, events about those that may belong to a meeting out, each version once; all are paid for.

    ``held`` are posts captured before this process began, so that their edits are known for what they are.
    """

    def __init__(self, selection: Selection, source: str, spend: Spend, held: Iterable[PostKey] = ()) -> None:
        self._selection = selection
        self._source = source
        self._spend = spend
        self._handed_on = _Recent()
        self._held = _Recent()
        for key in held:
            if key.network == NETWORK:
                self._held.add(key.id)

    def take(self, data: bytes, users: dict[str, User], received_at: datetime) -> SourceEvent | None:
        """What a post means for us; None when nothing, or nothing new. Raises NotAPost for what cannot be read."""
        self._spend.read(received_at.date(), [id_in(data)], users)
        read = read_post(data, users, received_at, self._source)
        post = self._with_handle(read.post)
        if post.version in self._handed_on:
            return None
        if not any(one in self._held for one in read.versions) and not self._wants(post):
            return None
        self._handed_on.add(post.version)
        self._held.add(post.id)
        return Edited(post) if read.edited else Seen(post)

    def _wants(self, post: Post) -> bool:
        return self._selection.follows(post.author) or (post.repost_of is None and self._selection.wants(post))

    def _with_handle(self, post: Post) -> Post:
        """The post under the handle the roster knows its author by, when X told only the id."""
        if post.author.id is None or post.author.handle != post.author.id:
            return post
        handle = self._selection.handle_of.get(post.author.id)
        return msgspec.structs.replace(post, author=Author(handle=handle, id=post.author.id)) if handle else post


def id_in(data: bytes) -> str:
    """The id of a post; when it has none that can be read, the whole of what stands there."""
    return _named(data).id or data.decode("utf-8", "replace")


def author_in(data: bytes) -> str:
    """The id of a post's author, empty when there is none that can be read."""
    return _named(data).author_id


def _named(data: bytes) -> _Named:
    try:
        return msgspec.json.decode(data, type=_Named)
    except (ValueError, RecursionError):
        return _Named()
