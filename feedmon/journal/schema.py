"""The journal's tables, named migration by named migration. Each is applied and recorded in one transaction.

Whatever an older program could not read needs a migration, if only an empty one (a new kind of entry does): that is
how a program knows a journal newer than itself. Plain SQL, so that the text SQLite keeps of it is ours to the letter:
:func:`feedmon.journal.verification.verify` compares it.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from feedmon.journal.views import VIEWS

APPLICATION_ID = 0x666D6F6E
"""SQLite's mark in the file's header of whose file it is: “fmon”."""

MIGRATIONS = Migrations("feedmon.journal")


@MIGRATIONS(name="0001_entries_contents_cursors")
def _tables(db: Database) -> None:
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("""
        CREATE TABLE entries (
            seq INTEGER PRIMARY KEY,
            meeting TEXT NOT NULL CHECK (typeof(meeting) = 'text'),
            kind TEXT NOT NULL CHECK (typeof(kind) = 'text'),
            recorded_at TEXT NOT NULL CHECK (typeof(recorded_at) = 'text'),
            content_digest TEXT NOT NULL CHECK (typeof(content_digest) = 'text'),
            digest TEXT NOT NULL CHECK (typeof(digest) = 'text')
        )""")
    db.execute("CREATE INDEX entries_of_a_meeting ON entries (meeting)")
    db.execute("""
        CREATE TABLE contents (
            seq INTEGER PRIMARY KEY REFERENCES entries (seq),
            nonce BLOB NOT NULL CHECK (typeof(nonce) = 'blob' AND length(nonce) = 16),
            body TEXT NOT NULL CHECK (typeof(body) = 'text')
        )""")
    db.execute("""
        CREATE TABLE cursors (
            source TEXT PRIMARY KEY NOT NULL CHECK (typeof(source) = 'text'),
            value TEXT NOT NULL CHECK (typeof(value) = 'text'),
            seq INTEGER NOT NULL CHECK (typeof(seq) = 'integer'),
            digest TEXT NOT NULL CHECK (typeof(digest) = 'text')
        )""")


@MIGRATIONS(name="0002_append_only")
def _triggers(db: Database) -> None:
    # BEFORE INSERT is asked even by INSERT OR REPLACE, which else would slip past a trigger on DELETE
    for name, event, when in (
        ("entries_are_numbered_on", "INSERT ON entries", "NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)"),
        ("entries_are_never_changed", "UPDATE ON entries", "1"),
        ("entries_are_never_removed", "DELETE ON entries", "1"),
        ("contents_come_with_their_entry", "INSERT ON contents", "NEW.seq <= (SELECT max(seq) FROM contents)"),
        ("contents_are_never_changed", "UPDATE ON contents", "1"),
    ):
        says = name.replace("_", " ")
        db.execute(
            f"CREATE TRIGGER {name} BEFORE {event} WHEN {when} BEGIN SELECT RAISE(ABORT, 'the journal: {says}'); END"
        )


@MIGRATIONS(name="0003_views")
def _views(db: Database) -> None:
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")


def names() -> tuple[str, ...]:
    """The names of all migrations this program knows, in order."""
    return tuple(migration.name for migration in MIGRATIONS.pending(Database(memory=True)))


def applied(db: Database) -> tuple[str, ...]:
    """The names of the migrations a journal has had, in order. Raises SQLite's errors only, whatever is damaged."""
    table = Migrations.migrations_table
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
        return ()
    rows = db.execute(f"SELECT name FROM {table} WHERE migration_set = ? ORDER BY rowid", [MIGRATIONS.name])  # noqa: S608
    return tuple(name for (name,) in rows)


def migrate(db: Database) -> None:
    """Bring a journal, or an empty database, to the newest schema; all of it or nothing."""
    if applied(db) != names():
        with db.atomic():
            MIGRATIONS.apply(db)


def objects(db: Database) -> dict[str, str]:
    """The SQL of every table, index, trigger and view, by type and name; SQLite's and sqlite-utils' own left out."""
    rows = db.execute(
        "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND tbl_name <> ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        [Migrations.migrations_table],
    )
    return dict(rows.fetchall())


def objects_after(migrations: tuple[str, ...]) -> dict[str, str]:
    """What :func:`objects` says of an untouched journal that has had exactly these, the first, migrations."""
    db = Database(memory=True)
    try:
        MIGRATIONS.apply(db, stop_before=names()[len(migrations) :] or None)
        return objects(db)
    finally:
        db.close()
