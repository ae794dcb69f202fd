"""Jetstream's first protocol: a frame's bytes → what it says. Pure, and never raises whatever the bytes are.

Written from the public description of ``/subscribe``. A frame is one JSON object::

    {"did": …, "time_us": …, "kind": "commit", "commit": {"rev", "operation", "collection", "rkey", "record", "cid"}}
    {"did": …, "time_us": …, "kind": "identity", "identity": {"did", "handle"?, "seq", "time"}}
    {"did": …, "time_us": …, "kind": "account", "account": {"active", "did", "seq", "time", "status"?}}

``time_us`` is when Jetstream saw it, in microseconds of Unix time. Keys may be added, and kinds too.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Annotated

import msgspec

from feedmon.sources.bluesky_socket import LARGEST
from feedmon.sources.bluesky_stream import Commit, Message, Unusable, committed, lives, named

_Micros = Annotated[int, msgspec.Meta(ge=10**15, lt=10**16)]  # 2001 to 2286; less is another kind of cursor


class _Identity(msgspec.Struct):
    handle: str | None = None


class _Frame(msgspec.Struct):
    did: str
    time_us: _Micros
    kind: str
    commit: Commit | None = None
    identity: _Identity | None = None


_decode = msgspec.json.Decoder(_Frame).decode


def read(frame: bytes) -> Message:
    """What a frame says; :class:`Unusable` when it says nothing we could read."""
    if len(frame) > LARGEST:
        return Unusable("too large")
    try:
        said = _decode(frame)
    except msgspec.ValidationError:
        return Unusable("not an event")
    except UnicodeDecodeError:
        return Unusable("not UTF-8")
    except (ValueError, RecursionError):
        return Unusable("not JSON")
    match said.kind:
        case "identity":
            return named(said.did, said.time_us, said.identity.handle if said.identity else None)
        case "commit":
            return committed(said.did, said.time_us, said.commit) if said.commit else Unusable("not an event")
        case _:
            return lives(said.did, said.time_us)


# A created post or repost, exactly as Jetstream writes it. Values hold no escaped character, so that what matches
# is what a decoder would say too.
_CREATED = re.compile(
    rb'\{"did":"(did:[a-z]+:[A-Za-z0-9._:%-]+)","time_us":([1-9]\d{15}),(?:"cursor":\d+,)?"kind":"commit","commit":'
    rb'\{"rev":"[^"\\]*","operation":"create","collection":"app\.bsky\.feed\.(re)?post",'
    rb'"rkey":"[A-Za-z0-9._:~-]+","record":\{'
)
_AUTHORITY = re.compile(rb'at://([^/"\\]+)')


def skim(frame: bytes, authors: Set[bytes], addressed: Set[bytes]) -> int | None:
    """The ``time_us`` of a frame that certainly belongs to no meeting, found without decoding it; None if it may.

    ``authors`` are those whose every record matters; ``addressed`` the ids and handles (lower case) that matter when
    a record names them. A frame is let pass when it has anything that could be a hashtag (``#`` in ASCII or full
    width, or a list of tags), a handle or a mention, when it refers to someone addressed, when it holds escapes that
    could hide such, or when it is not plainly a created post or repost. Sound, not complete: what is skimmed off, a
    full reading would not have selected.
    """
    created = _CREATED.match(frame)
    if created is None or frame[-2:] != b"}}" or len(frame) > LARGEST:
        return None
    author, micros, repost = created.groups()
    return int(micros) if author not in authors and (repost or names_nobody(frame, addressed)) else None


def names_nobody(frame: bytes, addressed: Set[bytes]) -> bool:
    """Whether a frame with a created post has nothing that could be a hashtag, and names nobody ``addressed``."""
    # A single byte is looked for first: that is several times as fast as the sequence it begins.
    if b"#" in frame or b"@" in frame or b'"tags"' in frame:
        return False
    if b"\\" in frame and (b"\\u" in frame or b"\\/" in frame):
        return False
    if b"\xef" in frame and b"\xef\xbc\x83" in frame:
        return False
    return b"at://" not in frame or not any(who.lower() in addressed for who in _AUTHORITY.findall(frame))
