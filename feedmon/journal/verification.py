"""Whether a journal is as it was written: chain, contents, cursors, schema, SQLite's own structure and its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
from sqlite_utils import Database

from feedmon.journal import chain, schema
from feedmon.journal.faults import SQLITE_ERRORS
from feedmon.journal.files import connect_to_read, unread_pages
from feedmon.journal.reader import decoder
from feedmon.journal.write_ahead_log import beside

_ENTRIES = """
    SELECT seq, meeting, kind, recorded_at, content_digest, digest, nonce, body
    FROM entries LEFT JOIN contents USING (seq) ORDER BY seq"""
_SHORTEST_NOTE = 16


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk through a journal found. ``problems`` are in plain words, the first entry that fails first.

    ``erased`` entries have had their content lawfully removed; the chain holds without it. ``noted_at`` is the entry
    whose digest is the one asked about (None when none was asked about, or it is not there).
    """

    head: chain.Head
    erased: int = 0
    problems: tuple[str, ...] = ()
    noted_at: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the journal is as it was written, as far as it goes. A clean cut shows only by a noted digest."""
        return not self.problems


def verify(path: Path, noted: str | None = None) -> Verification:
    """Walk the journal at ``path`` from the first entry to the last, as it stands now (it may be being written).

    ``noted`` is a digest noted down earlier (the first 16 of its digits are enough): if no entry has it, the end was
    cut off or rewritten, and that is a problem. Raises BadInput when the file is no journal, or newer than this
    program, and ValueError when ``noted`` is no digest.
    """
    wanted = _digits(noted) if noted is not None else None
    with closing(connect_to_read(path)) as db:
        # bytes that are no UTF-8 must be walked over and told about, not trip the reading
        db.conn.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        walk = _Walk(db, wanted)
        problems = list(_log_beside(path, db))
        try:
            problems += [*_structure(db), *walk.problems()]
        except SQLITE_ERRORS as error:
            problems += [f"SQLite cannot read on after entry {walk.head.seq} ({_shown(error)}): the file is damaged."]
    if wanted is not None and walk.noted_at is None:
        problems.append(
            "No entry has the digest that was noted: entries at the end were removed or rewritten since it was noted,"
            " or it is another journal's."
        )
    head = chain.Head(walk.head.seq, _shown(walk.head.digest))
    return Verification(head=head, erased=walk.erased, problems=tuple(problems), noted_at=walk.noted_at)


def _digits(noted: str) -> str:
    digits = "".join(noted.replace("-", " ").split()).lower()
    if not _SHORTEST_NOTE <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise ValueError(f"a digest has 64 hexadecimal digits, of which the first {_SHORTEST_NOTE} are enough")
    return digits


def _log_beside(path: Path, db: Database) -> Iterator[str]:
    """What is wrong with the write-ahead log of a journal in use, or of one whose program was killed."""
    if lost := unread_pages(path, db):
        pages = "page" if lost == 1 else f"{lost:,} pages"
        yield (
            f"The last {pages} written before a crash cannot be read from “{beside(path).name}”, which belongs to the"
            " journal: entries may be missing at the end."
        )


def _structure(db: Database) -> Iterator[str]:
    """What is wrong with the file as an SQLite database, and with the tables, triggers and views in it."""
    for (finding,) in db.execute("PRAGMA integrity_check(3)").fetchall():
        if finding != "ok":
            yield f"SQLite finds the file damaged: {finding}."
    had = schema.applied(db)
    if had != schema.names()[: len(had)]:
        yield f"The record of migrations is not in order: {', '.join(had)}."
    found, expected = schema.objects(db), schema.objects_after(had)
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            did = "was added" if name not in expected else "is missing" if name not in found else "was changed"
            yield f"The {name} {did}: someone altered the journal's tables or the safeguards on them."


class _Walk:
    """One pass over all entries, keeping what has been proved so far."""

    def __init__(self, db: Database, wanted: str | None) -> None:
        self._db = db
        self._wanted = wanted
        self.head = chain.Head(0, chain.GENESIS)
        self.erased = 0
        self.noted_at: int | None = None

    def problems(self) -> Iterator[str]:
        cursors = self._db.execute("SELECT source, value, seq, digest FROM cursors ORDER BY source").fetchall()
        digests = {seq: "" for _, _, seq, _ in cursors} | {0: chain.GENESIS}
        failures: list[str] = []
        for row in self._db.execute(_ENTRIES):
            failure = self._entry(*row)
            if failure:
                failures.append(failure)
            if self.head.seq in digests:
                digests[self.head.seq] = self.head.digest
            if self._wanted is not None and self.head.digest.startswith(self._wanted):
                self.noted_at = self.head.seq
        if failures:
            yield failures[0]
            if len(failures) > 1:
                yield f"{len(failures) - 1} more entries after it fail as well."
        orphans = self._db.execute("SELECT count(*) FROM contents WHERE seq NOT IN (SELECT seq FROM entries)")
        for count in orphans.fetchone():
            if count:
                yield f"There are {count} contents whose entries are not there: entries were removed."
        for source, value, seq, digest in cursors:
            if not _cursor_holds(source, value, seq, digest, digests.get(seq)):
                yield (
                    f"The cursor of source “{_shown(source)}” does not belong to entry {seq} of this chain: it was"
                    " changed, or entries at the end were removed."
                )

    def _entry(
        self,
        seq: object,
        meeting: object,
        kind: object,
        recorded_at: object,
        content: object,
        digest: object,
        nonce: object,
        body: object,
    ) -> str | None:
        """Go on to the next entry; what is wrong with it, if anything. The chain is then followed from what it says."""
        if not isinstance(seq, int):
            return f"After entry {self.head.seq} comes an entry without a number: the file is damaged."
        before, self.head = self.head, chain.Head(seq, str(digest))
        which = f"Entry {seq} ({_shown(kind)}, meeting {_shown(meeting)}, recorded {_shown(recorded_at)})"
        if seq != before.seq + 1:
            return f"{which} follows entry {before.seq}: entries between them were removed, or this one was renumbered."
        if not all(isinstance(value, str) for value in (meeting, kind, recorded_at, content, digest)):
            return f"{which} has a part that is not text: it was changed after it was recorded."
        if digest != chain.link(before.digest, seq, str(meeting), str(kind), str(recorded_at), str(content)):
            return (
                f"{which} does not follow from the one before it: its number, meeting, kind, time or place in the"
                " order was changed after it was recorded, or the entry before it was replaced."
            )
        if body is None and nonce is None:
            self.erased += 1
            return None
        if not isinstance(nonce, bytes) or not isinstance(body, str) or chain.content_digest(nonce, body) != content:
            return f"{which} has not the content it was recorded with: its content was changed or swapped afterwards."
        try:
            entry = decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return f"{which} has a content that no feedmon wrote ({error})."
        if entry.__struct_config__.tag != kind:
            return f"{which} has the content of another kind of entry."
        return None


def _cursor_holds(source: object, value: object, seq: object, digest: object, at_entry: str | None) -> bool:
    if not (isinstance(source, str) and isinstance(value, str) and isinstance(seq, int) and at_entry):
        return False
    return digest == chain.cursor_digest(source, seq, at_entry, value)


def _shown(value: object) -> str:
    """A value from a possibly damaged file, fit for a terminal."""
    text = str(value).encode("ascii", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)[:80]
