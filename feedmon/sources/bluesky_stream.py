"""What a Bluesky stream says, and what of it is for us. Pure: a fold over messages, whichever protocol brought them.

A stream tells of whole repositories: records written and deleted, and handles changed. A delete carries no record, an
update may have dropped the hashtag, and either may come before what it is about; so :class:`BlueskyStream` remembers
which posts it has handed on (*held*), which were deleted lately, and who goes by which handle. All of its memory is
bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from feedmon.model.instants import from_micros
from feedmon.model.posts import Deleted, Edited, Post, PostKey, Seen, SourceEvent
from feedmon.sources.bluesky_records import NETWORK, POST, REPOST, post_uri, read_record
from feedmon.sources.memory import Memory
from feedmon.sources.select import Selection, handle_key

COLLECTIONS = (POST, REPOST)
"""The kinds of record that are posts to us."""

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,2040}")
_RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
_HANDLE = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")

_MOST_HELD = 50_000
_MOST_DELETED = 20_000
_MOST_HANDLES = 20_000


class Written(msgspec.Struct, frozen=True):
    """A record was created, or (``edited``) replaced.

    ``micros`` is when the network saw it, in microseconds of Unix time; ``rev`` names the act and grows per author.
    """

    did: str
    micros: int
    collection: str
    rkey: str
    cid: str
    rev: str
    edited: bool
    record: bytes


class Gone(msgspec.Struct, frozen=True):
    """A record was deleted by its author."""

    did: str
    micros: int
    collection: str
    rkey: str
    rev: str


class Named(msgspec.Struct, frozen=True):
    """An account goes by this handle from now on."""

    did: str
    micros: int
    handle: str


class Life(msgspec.Struct, frozen=True):
    """A sign of life that is no news of a post: other records, account events, kinds added later."""

    micros: int


class Unusable(msgspec.Struct, frozen=True):
    """A message that says nothing we could read, and in a few words of ours what is wrong with it."""

    what: str


Message = Written | Gone | Named | Life | Unusable


class Commit(msgspec.Struct):
    """One change of a repository, in the words all of Bluesky's streams have for it; ``record`` is JSON."""

    operation: str
    collection: str
    rkey: str
    rev: str | None = None
    cid: str | None = None
    record: msgspec.Raw = msgspec.Raw()


def committed(did: str, micros: int, commit: Commit) -> Message:
    """What a change of ``did``'s repository says."""
    if not _DID.fullmatch(did):
        return Unusable("no author")
    if not _RKEY.fullmatch(commit.rkey):
        return Unusable("not an event")
    rev, cid = commit.rev or "", commit.cid or ""
    match commit.operation:
        case "create" | "update":
            record, edited = bytes(commit.record), commit.operation == "update"
            if not record:
                return Unusable("no record")
            return Written(did, micros, commit.collection, commit.rkey, cid, rev, edited, record)
        case "delete":
            return Gone(did, micros, commit.collection, commit.rkey, rev)
    return Life(micros)


def named(did: str, micros: int, handle: str | None) -> Message:
    """What an identity event says; often no handle is told, or that it is not valid."""
    if _DID.fullmatch(did) and handle and _HANDLE.fullmatch(handle) and handle != "handle.invalid":
        return Named(did, micros, handle.lower())
    return lives(did, micros)


def lives(did: str, micros: int) -> Message:
    """What any other event of an account says."""
    return Life(micros) if _DID.fullmatch(did) else Unusable("no author")


class BlueskyStream:
    """The sieve of one stream: messages in, events about posts that may belong to a meeting out, each once.

    ``held`` are ids of posts captured before this process began, so that their edits and deletions are not missed.
    """

    def __init__(self, selection: Selection, source: str, held: Iterable[str] = ()) -> None:
        self._selection = selection
        self._source = source
        self._handed_on: Memory[tuple[str, str], None] = Memory(_MOST_HELD)
        self._held: Memory[str, Post | None] = Memory(_MOST_HELD)
        self._deleted: Memory[str, Gone] = Memory(_MOST_DELETED)
        self._handles: Memory[str, str] = Memory(_MOST_HANDLES)
        self._followed = set(selection.author_ids)
        self._by_handle_alone = selection.handles - {handle_key(handle) for handle in selection.handle_of.values()}
        self._adopted: dict[str, str] = {}
        self.authors = {did.encode() for did in selection.author_ids}
        """Whose every record matters: those followed, and those of whom a post is held. For a gate before decoding."""
        self.addressed = {who.lower().encode() for who in selection.author_ids | selection.handles}
        """Whom a record may address to matter, lower case. For a gate before decoding."""
        for post_id in held:
            self._hold(post_id, None)

    def handle_of(self, did: str) -> str | None:
        """The handle the stream told of last, else the one on the roster, else None.

        Whoever is on the roster by handle alone keeps that handle: nothing else ties the account to it.
        """
        return self._adopted.get(did) or self._handles.get(did) or self._selection.handle_of.get(did)

    def take(self, message: Message, received_at: datetime) -> tuple[SourceEvent, ...]:
        """What a message means for us, oldest first; most mean nothing.

        Raises NotAPost for a record that cannot be shown as a post.
        """
        match message:
            case Written(collection=collection) if collection in COLLECTIONS:
                return self._written(message, received_at)
            case Gone(collection=collection) if collection in COLLECTIONS:
                return self._gone(message)
            case Named():
                self._named(message)
        return ()

    def _written(self, message: Written, received_at: datetime) -> tuple[SourceEvent, ...]:
        post_id = post_uri(message.did, message.collection, message.rkey)
        version = (post_id, message.rev or message.cid)
        if version in self._handed_on:
            return ()
        post = read_record(
            message.record,
            did=message.did,
            collection=message.collection,
            rkey=message.rkey,
            version=message.cid,
            observed_at=from_micros(message.micros),
            received_at=received_at,
            handle_of=self.handle_of,
            source=self._source,
        )
        if post_id not in self._held and not self._wants(post):
            return ()
        if post.repost_of is not None:
            post = self._with_words(post)
        self._handed_on.keep(version, None)
        event = Edited(post) if message.edited else Seen(post)
        deletion = self._deleted.get(post_id)
        if deletion is not None and message.rev < deletion.rev:
            return (event, self._deletion(post_id, deletion))
        self._hold(post_id, post)
        return (event,)

    def _gone(self, message: Gone) -> tuple[SourceEvent, ...]:
        post_id = post_uri(message.did, message.collection, message.rkey)
        earlier = self._deleted.get(post_id)
        if earlier is not None and earlier.rev >= message.rev:
            return ()
        self._deleted.keep(post_id, message)
        if post_id not in self._held and message.did not in self._followed:
            return ()
        self._held.pop(post_id, None)
        return (self._deletion(post_id, message),)

    def _named(self, message: Named) -> None:
        key = handle_key(message.handle)
        if key in self._adopted.values():
            # The first to be named so is meant. Later ones are not: a handle that was given up can be had by anybody.
            return
        self._handles.keep(message.did, message.handle)
        if key in self._by_handle_alone and message.did not in self._followed:
            self._adopted[message.did] = key
            self._followed.add(message.did)
            self.authors.add(message.did.encode())
            self.addressed.add(message.did.lower().encode())

    def _wants(self, post: Post) -> bool:
        return post.author.id in self._followed or (post.repost_of is None and self._selection.wants(post))

    def _with_words(self, repost: Post) -> Post:
        """A repost as a reader sees it: showing the post it passes on, when that is one we hold."""
        subject = self._held.get(repost.repost_of.post or "") if repost.repost_of else None
        if subject is None:
            return repost
        return msgspec.structs.replace(
            repost,
            text=subject.text,
            links=subject.links,
            hashtags=subject.hashtags,
            media=subject.media,
            mentions=subject.mentions,
            langs=subject.langs,
        )

    def _deletion(self, post_id: str, message: Gone) -> Deleted:
        return Deleted(PostKey(NETWORK, post_id), from_micros(message.micros), self._source)

    def _hold(self, post_id: str, post: Post | None) -> None:
        self._held.keep(post_id, post)
        self.authors.add(post_id.removeprefix("at://").partition("/")[0].encode())
