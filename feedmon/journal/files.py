"""Opening a journal's file: who may write, who may read, and whether it is a journal at all."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from feedmon.journal import schema
from feedmon.journal.faults import SQLITE_ERRORS, kind_of, unusable
from feedmon.journal.write_ahead_log import beside, lost_pages
from feedmon.model.problems import BadInput, Problem

_PATIENCE_SECONDS = 5.0

_log = logging.getLogger(__name__)


def connect(path: Path, mode: str) -> Database:
    """A connection in one of SQLite's own modes: ``rwc``, ``rw``, ``ro``, or ``immutable`` for media nobody writes.

    Raises one of SQLITE_ERRORS.
    """
    query = "immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}", uri=True, timeout=_PATIENCE_SECONDS, check_same_thread=False
    )
    try:
        db = Database(connection, execute_plugins=False)
        # a file may come from anywhere: its views and triggers get to call nothing that reaches outside
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA foreign_keys = ON")
        return db
    except BaseException:
        connection.close()
        raise


def connect_to_read(path: Path, may_be_empty: bool = False) -> Database:
    """A connection that cannot write, in one read transaction: what it sees does not change while it is open.

    Raises BadInput when the file is missing, no journal, or newer than this program.
    """
    if not path.is_file():
        raise BadInput(Problem(str(path), "there is no such file.", "Name the journal's own file."))
    # Opened to read and write, a journal at rest is left as it was found; opened to read only, two helper files would
    # stay behind. What a killed program left in its write-ahead log is not to be folded in by a reader, though.
    at_rest = not _has_content(beside(path))
    try:
        return _begin_reading(path, "rw" if at_rest else "ro", may_be_empty)
    except SQLITE_ERRORS as error:
        if not at_rest or kind_of(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise unusable(path, error) from error
    try:
        return _begin_reading(path, "immutable", may_be_empty)
    except SQLITE_ERRORS as error:
        raise unusable(path, error) from error


def connect_to_write(path: Path) -> Database:
    """The writer's connection: made or migrated as needed, every commit durable when it returns.

    Raises BadInput when that is not possible. The caller holds the writer's lock (:func:`lock_out_writers`).
    """
    try:
        db = connect(path, "rwc")
    except SQLITE_ERRORS as error:
        raise unusable(path, error) from error
    try:
        _refuse_strangers(path, db, may_be_empty=True)
        db.enable_wal()
        if db.journal_mode != "wal":
            raise BadInput(
                Problem(str(path), "this disk cannot hold a write-ahead log.", "Put the journal on a local disk.")
            )
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        if lost := unread_pages(path, db):
            # with the next commit SQLite forgets that they ever were
            _log.error("%s is damaged, pages lost at its end: %d. Entries may be missing.", beside(path), lost)
        schema.migrate(db)
        # the file by itself is a journal from here on, and no rest of a killed program's log stands in the new one
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return db
    except SQLITE_ERRORS as error:
        db.close()
        raise unusable(path, error) from error
    except BaseException:
        db.close()
        raise


def unread_pages(path: Path, db: Database) -> int:
    """How many pages of a journal's write-ahead log are lost (see :func:`lost_pages`). ``db`` is open on it.

    Raises BadInput when the log cannot be read at all, or one of SQLITE_ERRORS.
    """
    try:
        return lost_pages(beside(path), db.execute("PRAGMA page_size").fetchone()[0])
    except OSError as error:
        raise unusable(path, error) from error


def lock_out_writers(path: Path) -> sqlite3.Connection:
    """The right to be the one writer of a journal, held for as long as the connection returned is open.

    It is a lock on an empty file beside the journal, which the operating system lets go of when the program ends,
    however it ends. (A lock on the journal itself would shut out readers.) Raises BadInput when another holds it.
    """
    if not path.parent.is_dir():
        raise BadInput(Problem(str(path), f"there is no folder “{path.parent}”.", "Make it, or name another place."))
    if path.exists():
        with closing(connect_to_read(path, may_be_empty=True)):
            pass  # a file that is no journal is told so before anything is made beside it
    try:
        lock = sqlite3.connect(
            path.with_name(path.name + "-writer"), timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            lock.execute("PRAGMA journal_mode = MEMORY")
            lock.execute("BEGIN EXCLUSIVE")
        except BaseException:
            lock.close()
            raise
    except SQLITE_ERRORS as error:
        if kind_of(error) == sqlite3.SQLITE_BUSY:
            raise BadInput(
                Problem(
                    str(path),
                    "another feedmon is writing in this journal.",
                    "Stop that one, or name another file. Reading it (report, verify) is fine meanwhile.",
                )
            ) from error
        raise unusable(path, error) from error
    return lock


def _begin_reading(path: Path, mode: str, may_be_empty: bool) -> Database:
    db = connect(path, mode)
    try:
        db.execute("PRAGMA query_only = ON")
        db.begin()
        _refuse_strangers(path, db, may_be_empty)
        return db
    except BaseException:
        db.close()
        raise


def _refuse_strangers(path: Path, db: Database, may_be_empty: bool) -> None:
    """Raise BadInput for a database that is none of ours, or newer than we are."""
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    if mark != schema.APPLICATION_ID:
        if may_be_empty and mark == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return
        raise BadInput(
            Problem(
                str(path),
                "this SQLite database is not a feedmon journal.",
                "Name the journal's own file; a copy needs the “-wal” file that stood beside it, too.",
            )
        )
    newer = set(schema.applied(db)) - set(schema.names())
    if newer:
        raise BadInput(
            Problem(
                str(path),
                f"this journal was written by a newer feedmon (it has had “{min(newer)}”).",
                "Use that feedmon, or a later one.",
            )
        )


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
