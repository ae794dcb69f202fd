"""Jetstream's messages in either of its two formats, made from one another. What a record says is not looked at.

The two differ in their envelope and in how they tell the time: ``time_us``, microseconds of Unix time, or ``time``,
written out. The second has each message numbered by the server that sends it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from feedmon.model.instants import Instant, from_micros, to_micros

METHOD = "network.bsky.jetstream.subscribeEvents"

_Micros = Annotated[int, msgspec.Meta(ge=10**15, lt=10**16)]
_FIRST_ORDER = ("rev", "operation", "collection", "rkey", "record", "cid")
_SECOND_ORDER = ("rev", "operation", "collection", "rkey", "cid", "record")


class Event(msgspec.Struct, frozen=True):
    """What a message is: whose, when the network saw it (microseconds), its kind, and its collection if a commit."""

    did: str
    micros: int
    kind: str
    collection: str = ""


class _Commit(msgspec.Struct):
    collection: str = ""


class _First(msgspec.Struct):
    did: str
    time_us: _Micros
    kind: str
    commit: _Commit | None = None


class _Payload(msgspec.Struct):
    type: Annotated[str, msgspec.Meta(pattern=f"^{METHOD}#")] = msgspec.field(name="$type")
    did: str
    time: Instant
    collection: str = ""


class _Second(msgspec.Struct):
    payload: _Payload


class _Parts(msgspec.Struct):
    payload: dict[str, msgspec.Raw]


_decode_first = msgspec.json.Decoder(_First).decode
_decode_second = msgspec.json.Decoder(_Second).decode
_decode_payload = msgspec.json.Decoder(_Parts).decode
_decode_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def in_first(raw: bytes) -> tuple[bytes, Event]:
    """A message of either format as the first protocol sends it, and what it is. One of the first stays as it is.

    Raises ValueError or RecursionError when it is in neither format.
    """
    if not raw.startswith(b'{"$type":'):
        frame = _decode_first(raw)
        return raw, Event(frame.did, frame.time_us, frame.kind, frame.commit.collection if frame.commit else "")
    payload = _decode_second(raw).payload
    micros, kind = to_micros(payload.time), payload.type.partition("#")[2]
    if not 10**15 <= micros < 10**16:
        raise ValueError("its time is none a cursor can stand for")
    parts = _decode_payload(raw).payload
    first: dict[str, Any] = {"did": payload.did, "time_us": micros, "kind": kind}
    if kind == "commit":
        first[kind] = {name: parts[name] for name in _FIRST_ORDER if name in parts}
    elif kind in parts:
        first[kind] = parts[kind]
    return msgspec.json.encode(first), Event(payload.did, micros, kind, payload.collection)


def in_second(first: bytes, event: Event, seq: int) -> bytes:
    """A message of the first format as the second protocol sends it, numbered ``seq``."""
    payload: dict[str, Any] = {"seq": seq, "did": event.did, "time": written_out(from_micros(event.micros))}
    parts = _decode_parts(first)
    if event.kind == "commit":
        change = _decode_parts(parts.get("commit", b"{}"))
        payload |= {name: change[name] for name in _SECOND_ORDER if name in change}
    elif event.kind in parts:
        payload[event.kind] = parts[event.kind]
    return message(event.kind, payload)


def message(kind: str, payload: dict[str, Any]) -> bytes:
    """A payload of the second protocol in its envelope."""
    return msgspec.json.encode({"$type": "message", "payload": {"$type": f"{METHOD}#{kind}", **payload}})


def written_out(at: datetime) -> str:
    """An instant as the second protocol tells it."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
