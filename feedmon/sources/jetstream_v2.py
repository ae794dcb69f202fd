"""Jetstream's second protocol: a frame's bytes → what it says. Pure, and never raises whatever the bytes are.

Written from the public description of ``network.bsky.jetstream.subscribeEvents``. A frame is one JSON object::

    {"$type": "message", "payload": {"$type": "network.bsky.jetstream.subscribeEvents#commit", "seq", "did", "time",
     "rev", "operation", "collection", "rkey", "cid", "record"}}
    {"$type": "message", "payload": {"$type": "…#identity", "seq", "did", "time", "identity": {"did", "handle"?, …}}}
    {"$type": "message", "payload": {"$type": "…#info", "name": "OutdatedCursor", "message"}}
    {"$type": "error", "error": "ConsumerTooSlow", "message"}

also ``#account`` and ``#sync``. ``time`` is when Jetstream saw it, ``seq`` this server's own number. Keys may be
added, and kinds too.
"""

from __future__ import annotations

import re
from collections.abc import Set
from datetime import datetime
from typing import Annotated

import msgspec

from feedmon.model.instants import Instant, to_micros
from feedmon.sources.bluesky_socket import LARGEST
from feedmon.sources.bluesky_source import Said
from feedmon.sources.bluesky_stream import Commit, Message, Unusable, committed, lives, named
from feedmon.sources.jetstream_v1 import names_nobody

METHOD = "network.bsky.jetstream.subscribeEvents"

_COMMIT, _IDENTITY, _INFO = f"{METHOD}#commit", f"{METHOD}#identity", f"{METHOD}#info"

_Number = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]  # more is another kind of cursor


class _Identity(msgspec.Struct):
    handle: str | None = None


class _Payload(msgspec.Struct):
    kind: str = msgspec.field(name="$type", default="")
    seq: _Number | None = None
    did: str = ""
    time: Instant | None = None
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    rev: str | None = None
    cid: str | None = None
    record: msgspec.Raw = msgspec.Raw()
    identity: _Identity | None = None
    name: str = ""


class _Frame(msgspec.Struct):
    kind: str = msgspec.field(name="$type", default="")
    payload: _Payload | None = None
    error: str = ""
    message: str = ""


_decode = msgspec.json.Decoder(_Frame).decode


def read(frame: bytes) -> Said:
    """What a frame says; its message is :class:`Unusable` when it says nothing we could read."""
    if len(frame) > LARGEST:
        return _unusable("too large")
    try:
        said = _decode(frame)
    except msgspec.ValidationError:
        return _unusable("not an event")
    except UnicodeDecodeError:
        return _unusable("not UTF-8")
    except (ValueError, RecursionError):
        return _unusable("not JSON")
    if said.kind == "error":
        return Said(error=said.error or "no reason given", why=said.message)
    payload = said.payload
    if said.kind != "message" or payload is None:
        return _unusable("not an event")
    if payload.kind == _INFO:
        return Said(outdated=payload.name == "OutdatedCursor")
    if payload.time is None or payload.seq is None or not _FIRST < payload.time < _LAST:
        return _unusable("not an event")
    micros = to_micros(payload.time)
    message = _message(payload, micros)
    return Said(None if isinstance(message, Unusable) else micros, payload.seq, (message,))


def _message(payload: _Payload, micros: int) -> Message:
    match payload.kind:
        case kind if kind == _COMMIT:
            change = Commit(
                payload.operation, payload.collection, payload.rkey, payload.rev, payload.cid, payload.record
            )
            return committed(payload.did, micros, change)
        case kind if kind == _IDENTITY:
            return named(payload.did, micros, payload.identity.handle if payload.identity else None)
        case _:
            return lives(payload.did, micros)


def _unusable(what: str) -> Said:
    return Said(messages=(Unusable(what),))


_FIRST, _LAST = datetime.fromisoformat("2001-09-10T00:00:00Z"), datetime.fromisoformat("2286-11-20T00:00:00Z")

# A created post or repost, exactly as Jetstream writes it. Values hold no escaped character, so that what matches
# is what a decoder would say too.
_CREATED = re.compile(
    rb'\{"\$type":"message","payload":\{"\$type":"network\.bsky\.jetstream\.subscribeEvents#commit",'
    rb'"seq":(0|[1-9]\d{0,14}),"did":"(did:[a-z]+:[A-Za-z0-9._:%-]+)","time":"(20[0-9T:.-]{17,25}Z)",'
    rb'"rev":"[^"\\]*","operation":"create","collection":"app\.bsky\.feed\.(re)?post",'
    rb'"rkey":"[A-Za-z0-9._:~-]+","cid":"[^"\\]*","record":\{'
)


def skim(frame: bytes, authors: Set[bytes], addressed: Set[bytes]) -> Said | None:
    """The time and number of a frame that certainly belongs to no meeting, found without decoding it; None if it may.

    As :func:`feedmon.sources.jetstream_v1.skim`: sound, not complete.
    """
    created = _CREATED.match(frame)
    if created is None or frame[-3:] != b"}}}" or len(frame) > LARGEST:
        return None
    seq, author, time, repost = created.groups()
    if author in authors or not (repost or names_nobody(frame[created.end() :], addressed)):
        return None
    try:
        at = datetime.fromisoformat(time.decode())
    except ValueError:
        return None
    return Said(to_micros(at), int(seq)) if at > _FIRST else None
