"""The journal's one writer: a thread that owns one connection and commits whatever waits in one transaction."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType, TracebackType
from typing import Self

import msgspec
from sqlite_utils import Database

from feedmon.journal import chain
from feedmon.journal.faults import FileMoved, JournalFault, words_for
from feedmon.journal.files import connect_to_write, lock_out_writers
from feedmon.journal.reader import Reader, decoder, head_of, open_readonly
from feedmon.model.entries import Entry, Recorded
from feedmon.model.instants import Clock

_ROOM = 256  # appends under way; a further one waits its turn, for evidence is never dropped
_GROUP = 256  # appends committed together at most
_FOLD_ROWS, _FOLD_SECONDS = 1_000, 60.0  # written, or passed since, before the write-ahead log is folded into the file
_FOLD_AGAIN_SECONDS = 1.0  # and how long until what could not be folded is tried again

_NO_CURSORS: Mapping[str, str] = MappingProxyType({})

_log = logging.getLogger(__name__)


class _Row(msgspec.Struct, frozen=True):
    """An entry ready to be written: all but its place in the chain."""

    meeting: str
    kind: str
    recorded_at: str
    nonce: bytes
    body: str
    content_digest: str


class _Waiting(msgspec.Struct, frozen=True):
    """An append handed to the writer; ``done`` gets its last entry's number."""

    rows: tuple[_Row, ...]
    cursors: dict[str, str]
    done: Future[int]


class Journal:
    """A journal open for writing. What :meth:`append` has returned from survives a kill or a power cut.

    Use it as an async context manager, or call :meth:`close`. The file can be read meanwhile, by this and any
    other program; a second writer is refused.
    """

    def __init__(self, path: Path, clock: Clock, db: Database, lock: sqlite3.Connection) -> None:
        self._path = path
        self._clock = clock
        self._db = db
        self._lock = lock
        self._file = _identity(path)
        self._unfolded = 0
        self._fold_at = 0.0
        self._fold_how = "PASSIVE"
        self._fault: JournalFault | None = None
        self._room = asyncio.Semaphore(_ROOM)
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closing: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Open the journal at ``path``, making it if it is not there. ``clock`` stamps what is recorded.

        Raises BadInput when it cannot be written: another feedmon writes in it, it is no journal, it is newer than
        this program, or the disk does not allow it.
        """
        lock = lock_out_writers(path)
        try:
            return cls(path, clock, connect_to_write(path), lock)
        except BaseException:
            lock.close()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def fault(self) -> JournalFault | None:
        """What went wrong with the last append; None when it went well."""
        return self._fault

    async def append(self, entries: Sequence[tuple[str, Entry]], cursors: Mapping[str, str] = _NO_CURSORS) -> int:
        """Write entries, each with its meeting's id, and how far their sources have now been read; all or nothing.

        Durable when it returns, with the number of the last entry (the entries are numbered without gap up to it).
        With no entries, only the cursors are written, and the journal's last number comes back. Appends waiting
        together are committed together, in the order they were called. Once begun an append is carried through,
        even if nobody waits for it any more.

        Raises JournalFault when it could not be written: then none of it was, and it may be tried again. Raises
        ValueError or msgspec.ValidationError for what the journal could not give back: a meeting's id or a source's
        name that is empty or has a line break, text that is no Unicode, an instant without its zone.
        """
        if self._closing is not None:
            raise JournalFault("the journal is closed.", "Start feedmon again.")
        now = chain.instant_text(self._clock.now())
        waiting = _Waiting(tuple(_row(meeting, entry, now) for meeting, entry in entries), dict(cursors), Future())
        for name in (*(meeting for meeting, _ in entries), *cursors):
            if not chain.is_one_line(name):
                raise ValueError(f"not a name the journal can hold: {name!r}")
        await self._room.acquire()
        self._queue.put(waiting)
        done = asyncio.wrap_future(waiting.done)
        done.add_done_callback(lambda _: self._room.release())
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Write what was handed over, then let go of the file. Safe twice; afterwards :meth:`append` refuses."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._drain())
        await asyncio.shield(self._closing)

    def history(self, meeting: str) -> Iterator[Recorded]:
        """The entries of one meeting in the order they were written, as of now."""
        with self._reader() as reader:
            yield from reader.history(meeting)

    def cursor(self, source: str) -> str | None:
        """How far a source has been read; None when it never was."""
        with self._reader() as reader:
            return reader.cursor(source)

    def meetings(self) -> tuple[str, ...]:
        """The ids of the meetings in this journal, in the order of their first entries."""
        with self._reader() as reader:
            return reader.meetings()

    def head(self) -> chain.Head:
        """How many entries there are, and the digest of the last."""
        with self._reader() as reader:
            return reader.head()

    def _reader(self) -> Reader:
        return open_readonly(self._path)

    async def _drain(self) -> None:
        # places are given in the order they were asked for: whoever has them all is behind everyone
        for _ in range(_ROOM):
            await self._room.acquire()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _write(self) -> None:
        """The writer thread: until told to stop, take all that waits, commit it, tell those who wait."""
        with closing(self._lock), closing(self._db):
            stopping = False
            while not stopping:
                group, stopping = self._take()
                if group:
                    self._commit(group)
                if self._unfolded and (stopping or self._until_fold() <= 0):
                    self._fold()

    def _take(self) -> tuple[list[_Waiting], bool]:
        """What waits, and whether that is the last; nothing when it is time to fold first."""
        group: list[_Waiting] = []
        try:
            waiting = self._queue.get(timeout=self._until_fold() if self._unfolded else None)
            while waiting is not None:
                group.append(waiting)
                if len(group) == _GROUP:
                    return group, False
                waiting = self._queue.get_nowait()
        except Empty:
            return group, False
        return group, True

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            last_numbers = self._transaction(group)
        except Exception as error:  # whatever it was, those who wait must hear of it, and the thread live on
            fault = JournalFault("The journal was not written: " + (words := words_for(error))[0], words[1])
            if self._fault is None:
                _log.error("%s", fault)
            self._fault = fault
            for waiting in group:
                waiting.done.set_exception(fault)
        else:
            if self._fault is not None:
                _log.info("The journal is being written again.")
                # what the failed commit left behind in the log would look like damage to a later reader
                self._fold_at, self._fold_how = 0.0, "TRUNCATE"
            self._fault = None
            for waiting, number in zip(group, last_numbers, strict=True):
                waiting.done.set_result(number)

    def _transaction(self, group: Sequence[_Waiting]) -> list[int]:
        """Write a group's appends in one transaction; the number each came to end at."""
        if _identity(self._path) != self._file:
            raise FileMoved
        self._db.execute("BEGIN IMMEDIATE")
        try:
            head = head_of(self._db)
            seq, digest = head.seq, head.digest
            entries: list[tuple[int, str, str, str, str, str]] = []
            contents: list[tuple[int, bytes, str]] = []
            cursors: list[tuple[str, str, int, str]] = []
            last_numbers: list[int] = []
            for waiting in group:
                for row in waiting.rows:
                    seq += 1
                    digest = chain.link(digest, seq, row.meeting, row.kind, row.recorded_at, row.content_digest)
                    entries.append((seq, row.meeting, row.kind, row.recorded_at, row.content_digest, digest))
                    contents.append((seq, row.nonce, row.body))
                for source, value in waiting.cursors.items():
                    cursors.append((source, value, seq, chain.cursor_digest(source, seq, digest, value)))
                last_numbers.append(seq)
            connection = self._db.conn
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", entries)
            connection.executemany("INSERT INTO contents VALUES (?, ?, ?)", contents)
            connection.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?)", cursors)
            self._db.commit()
        finally:
            self._db.rollback()  # does nothing once committed
        if not self._unfolded:
            self._fold_at = time.monotonic() + _FOLD_SECONDS
        self._unfolded += len(entries) + len(cursors)
        return last_numbers

    def _until_fold(self) -> float:
        """Seconds until the write-ahead log is to be folded into the file; only asked when something is in it."""
        return 0.0 if self._unfolded >= _FOLD_ROWS else max(0.0, self._fold_at - time.monotonic())

    def _fold(self) -> None:
        """Fold the write-ahead log into the file, between commits and after their answers.

        Readers are not waited for (but once, after a failed commit). What one still needs, or the disk does not take,
        stays in the log and is safe there. It is soon tried again, for a file folded in halfway makes sense only
        together with its log.
        """
        how, self._fold_how = self._fold_how, "PASSIVE"
        again = _FOLD_AGAIN_SECONDS
        try:
            ((busy, in_log, folded),) = self._db.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
        except sqlite3.Error as error:  # the next commit will say what ails the disk
            _log.warning("The journal's write-ahead log could not be folded in: %s", error)
            busy, in_log, folded, again = 1, 0, 0, _FOLD_SECONDS
        self._unfolded = int(bool(busy) or folded < in_log)
        self._fold_at = time.monotonic() + again


def _row(meeting: str, entry: Entry, recorded_at: str) -> _Row:
    nonce = secrets.token_bytes(chain.NONCE_BYTES)
    body = msgspec.json.encode(entry).decode()
    decoder.decode(body)  # what could not be read back (an instant without its zone, say) is not let in
    kind = str(entry.__struct_config__.tag)
    return _Row(meeting, kind, recorded_at, nonce, body, chain.content_digest(nonce, body))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise FileMoved from error
    return status.st_dev, status.st_ino
