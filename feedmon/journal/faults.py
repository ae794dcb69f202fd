"""What can go wrong with the journal's file, in words for a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from feedmon.model.problems import BadInput, Problem

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What using a file may raise: SQLite's errors, or Python's failure to read SQLite's words about damaged text."""


class JournalFault(Exception):
    """The journal could not take an append while running. Nothing of that append was written.

    ``message`` says what is wrong and ``mend`` what to do. The journal stays open: the same append may be tried
    again, and succeeds once the cause is gone.
    """

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message} {mend}")
        self.message = message
        self.mend = mend


class FileMoved(Exception):
    """The journal's file is no longer where it was opened."""


_WORDS = {
    sqlite3.SQLITE_FULL: ("the disk is full.", "Make room on it, or put the journal on another disk."),
    sqlite3.SQLITE_IOERR: ("the disk did not take what was written.", "Check the disk and the room left on it."),
    sqlite3.SQLITE_READONLY: ("the file or its folder cannot be written.", "Give this user leave to write there."),
    sqlite3.SQLITE_PERM: ("the file may not be opened by this user.", "Give this user leave to read and write it."),
    sqlite3.SQLITE_CANTOPEN: (
        "the file cannot be opened.",
        "Check that its folder exists and that this user may read and write there.",
    ),
    sqlite3.SQLITE_BUSY: ("another program is writing in the journal.", "Close that program."),
    sqlite3.SQLITE_NOTADB: (
        "this is not a feedmon journal: it is not an SQLite database, or its first bytes are damaged.",
        "Name the journal's own file; if this is it, fetch its backup, with the “-wal” file that belongs to it.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the file is damaged.",
        "Keep it as it is, with the “-wal” file beside it if there is one; go on in a new file, or in its backup.",
    ),
}


def words_for(error: Exception) -> tuple[str, str]:
    """What is wrong, and the mend, for an error of SQLite or of the file system."""
    if isinstance(error, FileMoved):
        return "its file was moved or deleted while in use.", "Put the file back where it was, or start again."
    unknown = f"it cannot be used ({error}).", "Check the disk, and that this user may read and write the file."
    return _WORDS.get(kind_of(error), unknown)


def kind_of(error: Exception) -> int:
    """SQLite's primary result code; 0 for an error that has none (sqlite3's own, about text that is no UTF-8)."""
    # the low byte is the kind of error; the rest only tells which system call met it
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def unusable(path: Path, error: Exception) -> BadInput:
    """The BadInput for a journal that cannot be opened or read."""
    return BadInput(Problem(str(path), *words_for(error)))
