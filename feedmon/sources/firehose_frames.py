"""A personal data server's own stream: a frame's bytes → what it says. Never raises whatever the bytes are.

Written from the public description of ``com.atproto.sync.subscribeRepos``. A frame is two DAG-CBOR values, a header
``{"op": 1, "t": "#commit"}`` and a body; an error has ``{"op": -1}``. A commit holds up to 200 changes of one
repository, and the records they wrote as blocks of a CAR file. Its changes are told oldest first, as Jetstream would.

This alone uses ``atproto``, and is imported when a server is followed, not before.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from atproto_core.car import CAR
from atproto_core.cbor import decode_dag_multi
from atproto_core.cid import CID
from atproto_core.exceptions import AtProtocolError

from feedmon.model.instants import Instant, to_micros
from feedmon.sources.bluesky_socket import LARGEST
from feedmon.sources.bluesky_source import Said
from feedmon.sources.bluesky_stream import (
    COLLECTIONS,
    Commit,
    Gone,
    Message,
    Named,
    Unusable,
    Written,
    committed,
    lives,
    named,
)

LARGEST_FRAME = 3 * LARGEST
"""Bytes of a frame beyond which it is not read: its blocks may hold two megabytes, and there is more around them."""

_EARLIEST, _LATEST = 10**15, 10**16  # microseconds of Unix time that a cursor can stand for
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError, AtProtocolError)


class _Header(msgspec.Struct):
    op: int
    t: str = ""


class _Op(msgspec.Struct):
    action: str
    path: str
    cid: bytes | None = None


class _Body(msgspec.Struct, rename="camel"):
    seq: Annotated[int, msgspec.Meta(ge=0, lt=10**18)]
    time: Instant
    did: str = ""
    repo: str = ""
    rev: str = ""
    ops: list[_Op] = []
    blocks: bytes = b""
    too_big: bool = False
    handle: str | None = None


class _Notice(msgspec.Struct):
    """An ``#info``, or an error."""

    name: str = ""
    error: str = ""
    message: str = ""


def read(frame: bytes) -> Said:
    """What a frame says; its message is :class:`Unusable` when it says nothing we could read."""
    if len(frame) > LARGEST_FRAME:
        return _unusable("too large")
    try:
        header, body = decode_dag_multi(frame)
        head = msgspec.convert(header, _Header)
        if head.op == -1 or head.t == "#info":
            notice = msgspec.convert(body, _Notice)
            if head.op == -1:
                return Said(error=notice.error or "no reason given", why=notice.message)
            return Said(outdated=notice.name == "OutdatedCursor")
        told = msgspec.convert(body, _Body)
        micros = to_micros(told.time)
    except _UNREADABLE:
        return _unusable("not an event")
    if head.op != 1 or not _EARLIEST <= micros < _LATEST:
        return _unusable("not an event")
    return Said(micros, told.seq, tuple(_messages(head.t, told, micros)))


def _messages(kind: str, told: _Body, micros: int) -> list[Message]:
    match kind:
        case "#commit" if told.too_big:
            return [Unusable("too large")]
        case "#commit":
            return _changes(told, micros) or [lives(told.repo, micros)]
        case "#identity":
            return [named(told.did, micros, told.handle)]
        case _:
            return [lives(told.did or told.repo, micros)]


def _changes(told: _Body, micros: int) -> list[Message]:
    """The changes of a commit that are about posts."""
    ops = [op for op in told.ops if op.path.partition("/")[0] in COLLECTIONS]
    blocks: dict[CID, Any] = {}
    if any(op.cid is not None for op in ops):
        try:
            blocks = dict(CAR.from_bytes(told.blocks).blocks)
        except _UNREADABLE:
            return [Unusable("no record")]
    return [_change(told, op, blocks, micros) for op in ops]


def _change(told: _Body, op: _Op, blocks: dict[CID, Any], micros: int) -> Message:
    collection, _, rkey = op.path.partition("/")
    commit = Commit(op.action, collection, rkey, told.rev)
    if op.cid is not None:
        try:
            cid = CID.from_decoded_bytes(op.cid)
            commit.cid = cid.encode()
            commit.record = msgspec.Raw(msgspec.json.encode(blocks[cid]))
        except _UNREADABLE:
            return Unusable("no record")
    return committed(told.repo, micros, commit)


def _unusable(what: str) -> Said:
    return Said(messages=(Unusable(what),))


def as_line(message: Message) -> bytes | None:
    """A message as Jetstream's first protocol tells it; None for one that says nothing of posts or names."""
    match message:
        case Written():
            operation = "update" if message.edited else "create"
            commit = {"rev": message.rev, "operation": operation, "collection": message.collection}
            told: dict[str, Any] = {
                "commit": {**commit, "rkey": message.rkey, "record": msgspec.Raw(message.record), "cid": message.cid}
            }
        case Gone(rev=rev, collection=collection, rkey=rkey):
            told = {"commit": {"rev": rev, "operation": "delete", "collection": collection, "rkey": rkey}}
        case Named():
            told = {"identity": {"did": message.did, "handle": message.handle}}
        case _:
            return None
    kind = next(iter(told))
    return msgspec.json.encode({"did": message.did, "time_us": message.micros, "kind": kind, **told})
