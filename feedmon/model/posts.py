"""One post as captured, and the three things a feed can say about posts."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from feedmon.model.instants import Instant


class MediaKind(StrEnum):
    """What is attached. ``live`` is a link to a live broadcast."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    LIVE = "live"
    GIF = "gif"


class Media(msgspec.Struct, frozen=True):
    """One attachment, with the description its author gave."""

    kind: MediaKind
    alt: str = ""


class Author(msgspec.Struct, frozen=True):
    """Who posted: the handle a reader sees, the network's stable id when known, and the shown name."""

    handle: str
    id: str | None = None
    name: str = ""


class Target(msgspec.Struct, frozen=True):
    """Whom or what a post replies to, quotes, reposts or mentions; each part only when the network tells it."""

    handle: str | None = None
    id: str | None = None
    post: str | None = None


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one post, as a reader sees it.

    ``id`` is the network's stable id of the post, the same across edits; ``version`` tells edits apart (empty for
    the first when the network gives none). Times: ``observed_at`` is when the network says it saw it (trusted),
    ``claimed_at`` what the author's client says (shown, never trusted), ``received_at`` when we got it.
    ``reply_to`` is the post answered; ``thread`` the one that began the conversation, when that is another one.
    ``captured_by`` is who entered it by hand; empty for what a feed brought.
    """

    network: str
    id: str
    author: Author
    text: str
    observed_at: Instant
    version: str = ""
    received_at: Instant | None = None
    claimed_at: Instant | None = None
    links: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    mentions: tuple[Target, ...] = ()
    reply_to: Target | None = None
    thread: Target | None = None
    quote: Target | None = None
    repost_of: Target | None = None
    langs: tuple[str, ...] = ()
    source: str = ""
    captured_by: str = ""

    @property
    def key(self) -> PostKey:
        """What makes this post, in all its versions, the same post."""
        return PostKey(self.network, self.id)


class PostKey(msgspec.Struct, frozen=True, order=True):
    """A post's identity: the network and its stable id there."""

    network: str
    id: str


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """The feed showed a post for the first time."""

    post: Post


class Edited(msgspec.Struct, frozen=True, tag="edited"):
    """The feed showed a new version of a post; the whole of it."""

    post: Post


class Deleted(msgspec.Struct, frozen=True, tag="deleted"):
    """The feed said that a post was deleted by its author. May come before the post itself."""

    key: PostKey
    observed_at: Instant
    source: str = ""


SourceEvent = Seen | Edited | Deleted
