"""Pages written to SQLite's write-ahead log that SQLite cannot read back, and silently passes over.

After a crash SQLite reads the log from its beginning to the first frame that is damaged, goes back to the last commit
before it, and takes that for the end; whatever stands behind is dropped without a word. Here it is counted instead.

The log beside a database, ``…-wal``, is told of in https://www.sqlite.org/fileformat2.html (section 4):

- A header of 32 bytes, eight big-endian 32-bit numbers: magic (``0x377f0682`` or ``0x377f0683``), format (3007000),
  page size, checkpoint sequence, salt 1, salt 2, and the two checksums of the first 24 bytes.
- Then frames, each a header of 24 bytes and one page. A frame's header is six such numbers: page number, the size of
  the database in pages when the frame ends a commit (else 0), salt 1, salt 2, and two checksums.
- The checksums are two running 32-bit sums over 32-bit words taken in pairs (big-endian words when the magic is odd,
  little-endian when it is even): ``first += even + second``, then ``second += odd + first``. They begin at nought with
  the header and run on from frame to frame, over the first 8 bytes of a frame's header and over its page.
- A frame counts when its salts are the header's, its checksums hold, and so it was with all frames before it. Nothing
  counts behind the last commit.
- Once all is folded into the database the log may begin anew from its header, with salt 1 one higher and salt 2
  random. So frames of older generations, which bear neither salt, stand behind the newest rightly: they are no damage.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_HEADER = struct.Struct(">8L")
_FRAME_HEADER = struct.Struct(">6L")
_LITTLE_ENDIAN, _BIG_ENDIAN = 0x377F0682, 0x377F0683
_FORMAT = 3007000

_PAUSE_SECONDS = 0.2  # far more than a writer needs to finish the frame it is in


class _Found(NamedTuple):
    """Where the readable part of the log ends (its generation's salts, its last commit), and how much is lost."""

    salts: tuple[int, int] = (0, 0)
    committed: int = 0
    lost: int = 0


def beside(path: Path) -> Path:
    """Where the write-ahead log of the database at ``path`` stands while there is one."""
    return path.with_name(path.name + "-wal")


def lost_pages(log: Path, page_size: int) -> int:
    """How many pages at the end of the log were written in its present generation and cannot be read; 0 when whole.

    The database may be being written: a frame seen half written is looked at again. A commit that was cut off between
    two frames is not counted, as nobody was told of it; one cut off inside a frame cannot be told from damage, and is.
    Raises OSError when the log is there and cannot be read.
    """
    found = _look(log, page_size)
    while found.lost:
        time.sleep(_PAUSE_SECONDS)
        before, found = found, _look(log, page_size)
        if found[:2] == before[:2]:  # a writer at work would have come further
            break
    return found.lost


def _look(log: Path, page_size: int) -> _Found:
    try:
        with log.open("rb") as file:
            header = file.read(_HEADER.size)
            return _walk(header, _frames(file, page_size), page_size) if len(header) == _HEADER.size else _Found()
    except FileNotFoundError:
        return _Found()


def _frames(file: BinaryIO, page_size: int) -> Iterator[bytes]:
    """The complete frames; what is cut off by the end of the file was never part of a finished write."""
    size = _FRAME_HEADER.size + page_size
    while len(frame := file.read(size)) == size:
        yield frame


def _walk(header: bytes, frames: Iterator[bytes], page_size: int) -> _Found:
    magic, form, size, _, salt_1, salt_2, *sums_told = _HEADER.unpack(header)
    order = ">" if magic == _BIG_ENDIAN else "<"
    sums = _sums(order, header[:24], (0, 0))
    follows = magic in (_LITTLE_ENDIAN, _BIG_ENDIAN) and (form, size, *sums_told) == (_FORMAT, page_size, *sums)
    salts = (salt_1, salt_2) if follows else None
    committed = last = 0
    for number, frame in enumerate(frames, 1):
        page, size_after, *its_salts, first, second = _FRAME_HEADER.unpack_from(frame)
        # when the header cannot be believed, the first frame's salts are next best
        salts = salts or (its_salts[0], its_salts[1])
        if follows:
            sums = _sums(order, frame[:8] + frame[_FRAME_HEADER.size :], sums)
            follows = page > 0 and (*its_salts, first, second) == (*salts, *sums)
        if follows:
            committed = number if size_after else committed
        elif its_salts[0] == salts[0] or its_salts[1] == salts[1]:  # either will do: the other may be what is damaged
            last = number
    return _Found(salts or (0, 0), committed, last - committed if last else 0)


def _sums(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for even, odd in struct.iter_unpack(f"{order}2L", data):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
