"""The posts of one meeting held in memory while it lasts, in all their versions."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from feedmon.model.posts import Post, PostKey
from feedmon.model.timeline import Moment

PUBLIC_HELD = 20_000
"""How many unflagged posts of the public are held at once. Beyond that the oldest is let go (it stays counted)."""

_AWAITED_TOMBSTONES = 10_000
"""How many deletions of posts not seen (yet) are remembered."""


@dataclass(eq=False)
class Held:
    """One version of a post: whose it is, whether it is written down, and what judging it last came to.

    ``wordless`` says that it was written down without the words it passes on (see :func:`without_borrowed_words`).
    ``member`` is None for anyone who is not on the roster. ``moment`` is the one it was last judged in, None when
    that is not known (after a restart). ``standing`` are the ids of the flags it then raised.
    """

    post: Post
    member: str | None
    edited: bool = False
    written: bool = False
    wordless: bool = False
    moment: Moment | None = None
    standing: frozenset[str] = frozenset()

    @property
    def order(self) -> tuple[datetime, str]:
        """What versions of a post are in order by."""
        return self.post.observed_at, self.post.version


def without_borrowed_words(post: Post) -> Post:
    """A post as it is put on record while nothing flags it: of a repost, that it was made, and not another's words."""
    if post.repost_of is None:
        return post
    return msgspec.structs.replace(post, text="", links=(), hashtags=(), media=(), mentions=(), langs=())


class HeldPosts:
    """Posts by key, versions oldest first whatever order they came in; and which posts their authors deleted."""

    def __init__(self) -> None:
        self._versions: dict[PostKey, list[Held]] = {}
        self._unwritten: dict[PostKey, None] = {}
        self._deleted: dict[PostKey, datetime] = {}

    def __iter__(self) -> Iterator[Held]:
        for versions in self._versions.values():
            yield from versions

    def __contains__(self, key: object) -> bool:
        return key in self._versions

    def knows(self, post: Post) -> bool:
        """Whether this very version is held already."""
        return self.version(post.key, post.version) is not None

    def version(self, key: PostKey, version: str) -> Held | None:
        """One version of a post, if it is held."""
        return next((held for held in self._versions.get(key, ()) if held.post.version == version), None)

    def versions(self, key: PostKey) -> tuple[Held, ...]:
        """Every version held of a post, oldest first."""
        return tuple(self._versions.get(key, ()))

    def any_written(self, key: PostKey) -> bool:
        """Whether some version of a post is written down."""
        return any(held.written for held in self._versions.get(key, ()))

    def add(self, held: Held) -> None:
        """Hold a version. One not :meth:`kept` may be let go when too many are held."""
        key = held.post.key
        insort(self._versions.setdefault(key, []), held, key=lambda version: version.order)
        if not self.any_written(key):
            self._unwritten[key] = None
            if len(self._unwritten) > PUBLIC_HELD:
                oldest = next(iter(self._unwritten))
                del self._unwritten[oldest], self._versions[oldest]

    def kept(self, held: Held) -> None:
        """Note that this version is written down: it is held for as long as the meeting is."""
        held.written = True
        self._unwritten.pop(held.post.key, None)

    def edited_at(self, held: Held) -> datetime | None:
        """When the next version of the post appeared, None for the newest."""
        later = [version for version in self._versions.get(held.post.key, ()) if version.order > held.order]
        return later[0].post.observed_at if later else None

    def delete(self, key: PostKey, at: datetime) -> bool:
        """Note a deletion, also of a post that has not come yet. False when nothing new: the earliest one stands."""
        known = self._deleted.get(key)
        if known is not None and known <= at:
            return False
        self._deleted[key] = at
        if len(self._deleted) > _AWAITED_TOMBSTONES + len(self._versions):
            awaited = next((one for one in self._deleted if one not in self._versions), None)
            if awaited is not None:
                del self._deleted[awaited]
        return True

    def deleted_at(self, key: PostKey) -> datetime | None:
        """When the author deleted the post, None while it stands."""
        return self._deleted.get(key)
