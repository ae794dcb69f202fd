"""How far a Bluesky stream was read, so that the next connection, or the next process, can go on from there.

Servers number what they send, and one server's numbers (``seq``) mean nothing to another. Times mean the same to all
of them, but two things may happen in one microsecond and frames may come slightly out of order. So a cursor holds a
time always, and a server's number, a little further back, when there is one. Written out: ``1772737201000000``, or
``1772737201000000+31527015470@jetstream.example``.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import timedelta

import msgspec

REWIND = timedelta(seconds=5)
"""How far before the point reached a new connection to the same server begins."""

FAILOVER = timedelta(seconds=10)
"""How far before it a connection to another server begins: they are not equally quick."""

_WRITTEN = re.compile(r"([1-9][0-9]{15})(?:\+([0-9]{1,18})@([^\s@]{1,300}))?")
_REWIND = REWIND // timedelta(microseconds=1)
_SPACING = 250_000  # microseconds between two numbers remembered


class Cursor(msgspec.Struct, frozen=True):
    """The instant reached, in microseconds of Unix time; and a number of ``host``'s, :data:`REWIND` before it."""

    micros: int
    seq: int | None = None
    host: str = ""

    @classmethod
    def parse(cls, written: str) -> Cursor | None:
        """The cursor that was written out as this; None when it is none of a Bluesky stream."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            return None
        micros, seq, host = found.groups()
        return cls(int(micros), int(seq) if seq else None, host or "")

    def __str__(self) -> str:
        return f"{self.micros}" if self.seq is None else f"{self.micros}+{self.seq}@{self.host}"


class Trail:
    """The numbers of one connection's last seconds, to find the one that lies :data:`REWIND` back."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int]] = deque()

    def add(self, reached: int, seq: int) -> None:
        """Note that the frame with this number brought us to ``reached`` (which never goes back)."""
        marks = self._marks
        if not marks or reached - marks[-1][0] >= _SPACING:
            marks.append((reached, seq))
        while len(marks) > 1 and marks[1][0] <= reached - _REWIND:
            marks.popleft()

    def before(self, reached: int) -> int | None:
        """A number :data:`REWIND` or more before ``reached``; None when the connection does not go back so far."""
        return self._marks[0][1] if self._marks and self._marks[0][0] <= reached - _REWIND else None
