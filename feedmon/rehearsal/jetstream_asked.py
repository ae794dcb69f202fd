"""What a subscriber asked a Jetstream for, in either of its two protocols, and which messages that means."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs

import msgspec

from feedmon.rehearsal.jetstream_frames import METHOD, Event

FIRST_PATH = "/subscribe"
SECOND_PATH = f"/xrpc/{METHOD}"

_MOST_COLLECTIONS = 100
_MOST_DIDS = 10_000
_KINDS = frozenset({"commit", "identity", "account", "sync"})
_NSID = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9-]*){2,}")
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")


class _Words(NamedTuple):
    """What a protocol calls its parameters, and what it does not know or a rehearsal does not do."""

    collections: str
    dids: str
    refused: tuple[str, ...]


_WORDS = {
    FIRST_PATH: _Words("wantedCollections", "wantedDids", ()),
    SECOND_PATH: _Words(
        "collections", "dids", ("wantedCollections", "wantedDids", "compress", "requireHello", "zstdDictionary")
    ),
}


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber asked for. Nothing asked for in a set means everything."""

    second: bool = False
    kinds: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    dids: frozenset[str] = frozenset()
    largest: int = 0
    cursor: int | None = None

    @classmethod
    def parse(cls, path: str, query: str) -> Subscription:
        """Read a request for one of the two paths. Raises ValueError, saying what is wrong, as Jetstream would."""
        asked, words = parse_qs(query), _WORDS[path]
        wanted, dids = frozenset(asked.get(words.collections, ())), frozenset(asked.get(words.dids, ()))
        names = frozenset(name for name in wanted if not name.endswith(".*"))
        for name in names:
            if not _NSID.fullmatch(name):
                raise ValueError(f"invalid collection: {name}")
        for did in dids:
            if not _DID.fullmatch(did):
                raise ValueError(f"invalid DID: {did}")
        if len(wanted) > _MOST_COLLECTIONS:
            raise ValueError(f"too many wanted collections: {len(wanted)} > {_MOST_COLLECTIONS}")
        if len(dids) > _MOST_DIDS:
            raise ValueError(f"too many wanted DIDs: {len(dids)} > {_MOST_DIDS}")
        for option in ("compress", "requireHello"):
            if asked.get(option, [""])[0] == "true" and path == FIRST_PATH:
                raise ValueError(f"{option} is not part of a rehearsal")
        for name in words.refused:
            if name in asked:
                raise ValueError(f"unknown parameter: {name}")
        kinds = frozenset(asked.get("kinds", ())) if path == SECOND_PATH else frozenset[str]()
        if kinds - _KINDS:
            raise ValueError(f"unknown kind: {min(kinds - _KINDS)}")
        cursor = asked.get("cursor", [""])[0]
        if cursor and not re.fullmatch(r"-?[0-9]{1,18}", cursor):
            raise ValueError(f"invalid cursor: {cursor}")
        largest = asked.get("maxMessageSizeBytes", [""])[0]
        return cls(
            second=path == SECOND_PATH,
            kinds=kinds,
            collections=names,
            prefixes=tuple(name.removesuffix("*") for name in wanted - names),
            dids=dids,
            largest=int(largest) if re.fullmatch(r"[0-9]{1,9}", largest) else 0,
            cursor=int(cursor) if cursor else None,
        )

    def wants(self, event: Event, size: int) -> bool:
        """Whether a message of so many bytes is sent to this subscriber."""
        if (self.dids and event.did not in self.dids) or (self.largest and size > self.largest):
            return False
        if self.kinds and event.kind not in self.kinds:
            return False
        if event.kind != "commit" or not (self.collections or self.prefixes):
            return True
        return event.collection in self.collections or event.collection.startswith(self.prefixes)
