"""Reading recordings: JSON lines, each a message just as the network sent it. Mistakes are told by file and line."""

from __future__ import annotations

import codecs
import errno
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from feedmon.model.instants import from_micros
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.jetstream_frames import Event, in_first

_MOST_TOLD = 20
_LONGEST_LINE = 2_000_000
_LARGEST_FILE = 2_000_000_000


class Line(msgspec.Struct, frozen=True):
    """One message: ``raw`` as the first protocol sends it, and what it is.

    ``due`` is when it is played, in microseconds: its time, or that of a later one recorded before it.
    """

    raw: bytes
    event: Event
    due: int

    @property
    def micros(self) -> int:
        """Its time."""
        return self.event.micros


class Recording(msgspec.Struct, frozen=True):
    """What a Jetstream sent, in the order it was received. Never empty."""

    name: str
    lines: tuple[Line, ...]

    @property
    def starts(self) -> datetime:
        """When the first message is played."""
        return from_micros(self.lines[0].due)

    @property
    def ends(self) -> datetime:
        """When the last message is played."""
        return from_micros(self.lines[-1].due)

    def first_due(self, micros: int) -> int:
        """The place of the first message played at ``micros`` or later (which may be behind the last one's)."""
        return bisect_left(self.lines, micros, key=lambda line: line.due)


def read_recording(path: Path) -> Recording:
    """The recording in a file. Raises BadInput when it cannot be read, with every bad line up to a sensible number."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BadInput(Problem(str(path), "is larger than 2 GB.", "Record or cut out less."))
        raw_lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise BadInput(_unreadable(path, error)) from error
    return recording_of(raw_lines, str(path))


def recording_of(raw_lines: Sequence[bytes], name: str) -> Recording:
    """The recording these lines make; blank ones are passed over. Raises BadInput as :func:`read_recording` does."""
    lines: list[Line] = []
    problems: list[Problem] = []
    due = 0
    for number, raw in enumerate(raw_lines, start=1):
        if not raw.strip():
            continue
        try:
            first, event = in_first(_checked(raw))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(f"{name}:{number}", f"is no Jetstream message: {_told(error)}."))
            continue
        due = max(due, event.micros)
        lines.append(Line(first, event, due))
    if len(problems) > _MOST_TOLD:
        more = len(problems) - _MOST_TOLD
        problems = [*problems[:_MOST_TOLD], Problem(name, f"has {more} more lines that are no Jetstream messages.")]
    if not lines and not problems:
        problems.append(Problem(name, "holds no messages.", "Make a recording with “feedmon record”."))
    if problems:
        raise BadInput(problems)
    return Recording(name, tuple(lines))


def _checked(raw: bytes) -> bytes:
    if len(raw) > _LONGEST_LINE:
        raise ValueError("it is longer than any message can be")
    raw.decode("utf-8")
    return raw


def _told(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return str(error)


def _unreadable(path: Path, error: OSError) -> Problem:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Problem(str(path), "is not there.", "Check the name and the folder.")
        case errno.EISDIR:
            return Problem(str(path), "is a folder, not a recording.")
        case _:
            return Problem(str(path), f"cannot be read: {error.strerror}.")
