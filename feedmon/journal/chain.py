"""The chain's recipe, exactly as ``feedmon/docs/journal.md`` tells it to outsiders. Pure.

Every digest is SHA-256, written as 64 lower-case hexadecimal digits. A text's bytes are its UTF-8; bytes that are no
UTF-8 (only a damaged file has them) travel as surrogate escapes, so that they too are digested as they stand.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import msgspec

GENESIS = sha256(b"feedmon journal, chain recipe 1").hexdigest()
"""What stands before the first entry."""

NONCE_BYTES = 16
"""The size of the random bytes that stand beside each content, and go when it goes."""


class Head(msgspec.Struct, frozen=True):
    """Where a chain has got to: how many entries, and the digest of the last, which fixes them all."""

    seq: int
    digest: str


def content_digest(nonce: bytes, body: str) -> str:
    """The digest of a content. Without the nonce not even a guessed content can be held against it."""
    return sha256(nonce + _utf8(body)).hexdigest()


def link(previous: str, seq: int, meeting: str, kind: str, recorded_at: str, content: str) -> str:
    """The digest of entry ``seq``, given the one before it and the digest of its content."""
    return _digest(previous, str(seq), meeting, kind, recorded_at, content)


def cursor_digest(source: str, seq: int, at_entry: str, value: str) -> str:
    """What binds a source's cursor to the last entry (number and digest) that was there when it was written."""
    return _digest(source, str(seq), at_entry, value)


def is_one_line(text: str) -> bool:
    """Whether ``text`` may stand as a line of a digest: not empty, no line feed, and real Unicode."""
    return bool(text) and "\n" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def instant_text(at: datetime) -> str:
    """An instant as entries hold it, always in UTC to the microsecond: ``2026-03-05T19:02:00.000000Z``."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _digest(*lines: str) -> str:
    return sha256(_utf8("\n".join(lines))).hexdigest()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
