"""Verify says whole only of a journal that is as it was written, and names the first entry that is not."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.journal import Journal, Verification, open_readonly, verify
from feedmon.model.entries import FollowingStopped
from feedmon.model.problems import BadInput
from tests.journal.samples import TestClock, captured

ENTRIES = 60


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal at rest: sixty entries of two meetings, some of them long, and two cursors."""
    path = tmp_path_factory.mktemp("original") / "a.db"

    async def write() -> None:
        async with Journal.open(path, TestClock()) as journal:
            for number in range(1, ENTRIES + 1):
                entry = captured(number, text="Item 4 next. " * (number % 7) * 40 + f"({number})")
                meeting = "june" if number % 3 else "july"
                await journal.append([(meeting, entry)], {"bluesky": str(number)} if number % 5 == 0 else {})
            await journal.append([], {"rss": "tag:2026"})

    asyncio.run(write())
    return path


@pytest.fixture
def journal_file(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "a.db"))


def tamper(path: Path, *acts: str) -> None:
    """Do what someone does who knows SQLite: take the safeguards off, change rows, put the safeguards back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for act in acts:
            db.execute(act)
        for _, sql in triggers:
            db.execute(sql)


def test_an_untouched_journal_is_whole(original: Path) -> None:
    found = verify(original)
    assert found.whole
    assert found.head.seq == ENTRIES
    assert found.erased == 0


def test_erasing_a_content_leaves_the_chain_whole_and_is_counted(journal_file: Path) -> None:
    before = verify(journal_file).head
    with closing(sqlite3.connect(journal_file, isolation_level=None)) as db:
        db.execute("DELETE FROM contents WHERE seq IN (7, 8, 60)")
        assert [seq for (seq,) in db.execute("SELECT seq FROM contents_erased")] == [7, 8, 60]
    assert verify(journal_file) == Verification(head=before, erased=3)
    with open_readonly(journal_file) as reader:
        assert [recorded.seq for recorded in reader.history() if recorded.entry is None] == [7, 8, 60]


async def test_a_journal_goes_on_after_an_erasure(journal_file: Path) -> None:
    with closing(sqlite3.connect(journal_file, isolation_level=None)) as db:
        db.execute("DELETE FROM contents")
    async with Journal.open(journal_file, TestClock()) as journal:
        assert await journal.append([("june", captured(61))]) == 61
    found = verify(journal_file)
    assert found.whole
    assert found.erased == 60


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("UPDATE entries SET meeting = 'july' WHERE seq = 10", "Entry 10 .*does not follow from the one before"),
        ("UPDATE entries SET kind = 'marked' WHERE seq = 10", "Entry 10 .*does not follow"),
        (
            "UPDATE entries SET recorded_at = '2026-03-05T12:00:00.000000Z' WHERE seq = 10",
            "Entry 10 .*does not follow from the one before it: its number, meeting, kind, time",
        ),
        ("UPDATE entries SET digest = (SELECT digest FROM entries WHERE seq = 9) WHERE seq = 10", "Entry 10 .*follow"),
        ("UPDATE entries SET content_digest = digest WHERE seq = 10", "Entry 10 .*does not follow"),
        (
            "UPDATE contents SET body = replace(body, 'Post', 'post') || ' ' WHERE seq = 10",
            "Entry 10 .*its content was",
        ),
        ("UPDATE contents SET nonce = randomblob(16) WHERE seq = 10", "Entry 10 .*its content was changed"),
        (
            "UPDATE contents SET body = (SELECT body FROM contents WHERE seq = 11) WHERE seq = 10",
            "Entry 10 .*its content was changed or swapped",
        ),
        ("DELETE FROM entries WHERE seq = 10", "Entry 11 .*follows entry 9: entries between them were removed"),
        ("DELETE FROM entries WHERE seq = 1", "Entry 2 .*follows entry 0: entries between them were removed"),
        ("UPDATE entries SET seq = 0 WHERE seq = 10", "Entry 0 .*follows entry 0"),
        ("DELETE FROM entries WHERE seq > 50", "cursor of source “bluesky” does not belong to entry 60"),
        ("UPDATE cursors SET value = '59' WHERE source = 'bluesky'", "cursor of source “bluesky”"),
        ("UPDATE cursors SET seq = 3 WHERE source = 'rss'", "cursor of source “rss” does not belong to entry 3"),
        ("UPDATE cursors SET source = 'x' || char(27) || '[2J' WHERE source = 'rss'", r"source “x\?\[2J”"),
        ("CREATE TRIGGER t INSERT ON entries BEGIN DELETE FROM cursors; END", "trigger t was added"),
        ("DROP VIEW decisions_made", "view decisions_made is missing"),
        ("DROP INDEX entries_of_a_meeting", "index entries_of_a_meeting is missing"),
        ("DELETE FROM _sqlite_migrations WHERE name LIKE '0001%'", "record of migrations is not in order"),
    ],
)
def test_any_tampering_is_told_in_plain_words(journal_file: Path, act: str, says: str) -> None:
    tamper(journal_file, "PRAGMA foreign_keys = OFF", act)
    found = verify(journal_file)
    assert not found.whole
    with pytest.raises(AssertionError, match=says):
        raise AssertionError("\n".join(found.problems))


def test_swapped_entries_are_found(journal_file: Path) -> None:
    swap = ((10, 99), (11, 10), (99, 11))
    tamper(
        journal_file,
        *(f"UPDATE contents SET seq = {new} WHERE seq = {old}" for old, new in swap),
        *(f"UPDATE entries SET seq = {new} WHERE seq = {old}" for old, new in swap),
    )
    assert "Entry 10 " in verify(journal_file).problems[0]


def test_one_changed_entry_is_named_and_the_others_are_not_blamed(journal_file: Path) -> None:
    tamper(journal_file, "UPDATE contents SET body = '{}' WHERE seq IN (20, 30, 40)")
    found = verify(journal_file)
    assert found.problems[0].startswith("Entry 20 (post_captured, meeting june, recorded 2026-03-05T12:00:20.000000Z)")
    assert found.problems[1] == "2 more entries after it fail as well."
    assert len(found.problems) == 2


def test_a_safeguard_taken_off_is_found(journal_file: Path) -> None:
    with closing(sqlite3.connect(journal_file, isolation_level=None)) as db:
        db.execute("DROP TRIGGER entries_are_never_changed")
    assert "trigger entries_are_never_changed is missing" in verify(journal_file).problems[0]


def test_a_cut_off_end_shows_by_the_digest_noted_before(journal_file: Path) -> None:
    """Without cursors after the cut the chain alone cannot tell; the digest in the minutes can."""
    with open_readonly(journal_file) as reader:
        noted = reader.head().digest
    found = verify(journal_file, noted)
    assert (found.whole, found.noted_at) == (True, 60)
    tamper(
        journal_file,
        "DELETE FROM contents WHERE seq > 50",
        "DELETE FROM entries WHERE seq > 50",
        "DELETE FROM cursors",
    )
    assert verify(journal_file).whole
    cut = verify(journal_file, noted)
    assert not cut.whole
    assert "No entry has the digest that was noted" in cut.problems[0]


async def test_a_noted_digest_is_found_however_far_the_journal_went_on(journal_file: Path) -> None:
    with open_readonly(journal_file) as reader:
        noted = reader.head().digest
    async with Journal.open(journal_file, TestClock()) as journal:
        await journal.append([("june", FollowingStopped(why="the window is over"))] * 3)
        assert verify(journal_file, noted).noted_at == 60
    assert verify(journal_file, f" {noted[:8]}-{noted[8:16].upper()} ").noted_at == 60
    for no_digest in ("", "abc", "x" * 64, noted + "0"):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            verify(journal_file, no_digest)


def logical_content(path: Path) -> list[Any]:
    """All that the journal says, read without believing any of its indexes; sqlite-utils' own notes left out."""
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        return [
            db.execute("SELECT *, typeof(digest) FROM entries NOT INDEXED ORDER BY seq").fetchall(),
            db.execute("SELECT *, typeof(body) FROM contents ORDER BY seq").fetchall(),
            db.execute("SELECT * FROM cursors NOT INDEXED ORDER BY rowid").fetchall(),
            db.execute("SELECT name FROM _sqlite_migrations NOT INDEXED ORDER BY rowid").fetchall(),
            db.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT GLOB '_sqlite*'").fetchall(),
        ]


def flip(path: Path, content: bytes, offset: int, bit: int) -> None:
    damaged = bytearray(content)
    damaged[offset] ^= 1 << bit
    path.write_bytes(damaged)


def verdict(path: Path) -> Verification | None:
    try:
        return verify(path)
    except BadInput:
        return None


def test_a_flipped_bit_anywhere_is_found_or_has_changed_nothing(original: Path, tmp_path: Path) -> None:
    """At random places all over the file. What verify still calls whole must say exactly what it said before."""
    content, dice, path = original.read_bytes(), random.Random(1972), tmp_path / "a.db"
    before = logical_content(original)
    found = 0
    for _ in range(600):
        flip(path, content, dice.randrange(len(content)), dice.randrange(8))
        verified = verdict(path)
        if verified and verified.whole:
            assert logical_content(path) == before
        else:
            found += 1
    assert found > 300


def test_a_flipped_bit_in_the_evidence_is_always_found(original: Path, tmp_path: Path) -> None:
    """In each kind of thing an entry consists of, wherever it stands in the file."""
    content, dice, path = original.read_bytes(), random.Random(6), tmp_path / "a.db"
    with closing(sqlite3.connect(original)) as db:
        values = db.execute("SELECT meeting, kind, recorded_at, content_digest, digest, nonce, body FROM entries"
                            " JOIN contents USING (seq) WHERE seq % 4 = 1").fetchall()  # fmt: skip
        cursors = db.execute("SELECT value, digest FROM cursors").fetchall()
    for value in [value for row in values + cursors for value in row]:
        needle = (value if isinstance(value, bytes) else value.encode())[:300]
        offset = content.rindex(needle) + dice.randrange(len(needle))
        flip(path, content, offset, dice.randrange(8))
        verified = verdict(path)
        assert verified is None or not verified.whole, (offset, value)


@pytest.mark.parametrize(
    ("prepare", "code", "says"),
    [
        (lambda path: None, 0, "Whole: 60 entries"),
        (lambda path: tamper(path, "UPDATE contents SET body = '{}' WHERE seq = 9"), 1, "NOT WHOLE.*Entry 9 "),
        (lambda path: tamper(path, "DELETE FROM contents WHERE seq = 9"), 0, "Contents lawfully erased: 1"),
        (lambda path: path.write_text("minutes"), 2, "not a feedmon journal"),
        (lambda path: path.unlink(), 2, "there is no such file"),
    ],
)
def test_the_command_says_it_and_ends_with_the_right_code(
    journal_file: Path, prepare: Callable[[Path], None], code: int, says: str
) -> None:
    prepare(journal_file)
    done = CliRunner().invoke(cli, ["verify", str(journal_file)])
    assert done.exit_code == code
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(done.output.replace("\n", " "))


def test_the_command_prints_the_head_and_takes_it_back(journal_file: Path) -> None:
    printed = CliRunner().invoke(cli, ["verify", str(journal_file)])
    digest = printed.stdout.split("Head: entry 60 digest ")[1].strip()
    again = CliRunner().invoke(cli, ["verify", str(journal_file), "--head", digest])
    assert (again.exit_code, "found at entry 60; 0 written since" in again.stdout) == (0, True)
    other = CliRunner().invoke(cli, ["verify", str(journal_file), "--head", "0" * 64])
    assert (other.exit_code, "No entry has the digest" in other.stdout) == (1, True)
    assert CliRunner().invoke(cli, ["verify", str(journal_file), "--head", "minutes"]).exit_code == 2
