"""Reading a journal back, beside the writer or long after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from sqlite_utils import Database

from feedmon.journal.chain import GENESIS, Head
from feedmon.journal.faults import SQLITE_ERRORS, unusable
from feedmon.journal.files import connect_to_read
from feedmon.model.entries import Entry, Recorded
from feedmon.model.problems import BadInput, Problem

decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
"""Reads a content's body back into the entry it was. Raises msgspec.DecodeError."""


def head_of(db: Database) -> Head:
    """Where the chain has got to. Raises one of SQLITE_ERRORS."""
    row = db.execute("SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, GENESIS)


class Reader:
    """One journal as it stood when this was opened, however much is written meanwhile. Use it in one thread at a time.

    Every method raises BadInput when the file proves damaged.
    """

    def __init__(self, path: Path, db: Database) -> None:
        self._path = path
        self._db = db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Safe twice."""
        self._db.close()

    def head(self) -> Head:
        """How many entries there are, and the digest of the last."""
        try:
            return head_of(self._db)
        except SQLITE_ERRORS as error:
            raise unusable(self._path, error) from error

    def meetings(self) -> tuple[str, ...]:
        """The ids of the meetings in this journal, in the order of their first entries."""
        return tuple(meeting for (meeting,) in self._rows("SELECT meeting FROM entries GROUP BY 1 ORDER BY min(seq)"))

    def cursor(self, source: str) -> str | None:
        """How far a source had been read when the last entries from it were written; None when it never was."""
        for (value,) in self._rows("SELECT value FROM cursors WHERE source = ?", source):
            return str(value)
        return None

    def history(self, meeting: str | None = None) -> Iterator[Recorded]:
        """The entries of one meeting, or of all, in the order they were written."""
        which, values = ("WHERE meeting = ?", [meeting]) if meeting is not None else ("", [])
        rows = self._rows(
            f"SELECT seq, meeting, recorded_at, body FROM entries LEFT JOIN contents USING (seq) {which} ORDER BY seq",  # noqa: S608
            *values,
        )
        for seq, of_meeting, recorded_at, body in rows:
            try:
                entry = None if body is None else decoder.decode(body)
                yield Recorded(seq, of_meeting, datetime.fromisoformat(recorded_at), entry)
            except (msgspec.MsgspecError, ValueError, TypeError) as error:
                raise BadInput(
                    Problem(
                        f"{self._path}, entry {seq}", f"it cannot be read ({error}).", "Run “feedmon verify” on it."
                    )
                ) from error

    def _rows(self, sql: str, *values: str) -> Iterator[tuple]:  # type: ignore[type-arg]  # SQLite's rows are of any types
        try:
            # a generator left half read must not close its cursor after the file is closed, as “yield from” would
            for row in self._db.execute(sql, values):  # noqa: UP028
                yield row
        except SQLITE_ERRORS as error:
            raise unusable(self._path, error) from error


def open_readonly(path: Path) -> Reader:
    """A reader of the journal at ``path``. The journal may be open for writing meanwhile, here or elsewhere.

    Raises BadInput when the file is missing, is no journal, or was written by a newer feedmon.
    """
    return Reader(path, connect_to_read(path))
