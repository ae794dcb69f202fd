"""``feedmon report`` on a real journal, while it is written and afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from feedmon.cli import cli
from feedmon.cli.report import review_of
from feedmon.journal import Journal, verify
from feedmon.review import Review
from tests.journal.samples import TestClock
from tests.review.evening import EVENING, MEETING, PREPARED


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """The journal of the evening, and of a meeting in July that was only prepared."""
    path = tmp_path / "a.db"
    july = msgspec.structs.replace(PREPARED, meeting=msgspec.structs.replace(MEETING, id="july", title="July"))

    async def write() -> None:
        async with Journal.open(path, TestClock(MEETING.window.starts)) as journal:
            await journal.append([(MEETING.id, entry) for _, entry in EVENING])
            await journal.append([("july", july)])

    asyncio.run(write())
    return path


def test_it_prints_a_page_with_the_head_that_verify_names(db: Path) -> None:
    done = run(db)
    assert done.exit_code == 0
    assert done.stdout.startswith("<!doctype html>")
    assert verify(db).head.digest in done.stdout
    assert "The chain verified." in done.stdout


def test_the_form_is_what_is_asked_for_or_what_the_files_name_says(db: Path, tmp_path: Path) -> None:
    assert run(db, "--format", "md").stdout.startswith("# Saltmarsh Town Council: Full Council")
    for name, start in (("a.md", "# "), ("a.JSON", "{"), ("a.html", "<!doctype"), ("a.txt", "<!doctype")):
        done = run(db, "--out", tmp_path / name)
        assert (done.exit_code, done.stdout) == (0, "")
        assert (tmp_path / name).read_text("utf-8").startswith(start)
    assert run(db, "--format", "pdf").exit_code == 2


def test_all_meetings_or_one(db: Path) -> None:
    both = msgspec.json.decode(run(db, "--format", "json").stdout, type=Review)
    assert [each.meeting.id for each in both.meetings] == [MEETING.id, "july"]
    one = msgspec.json.decode(run(db, "--format", "json", "--meeting", "july").stdout, type=Review)
    assert [each.meeting.id for each in one.meetings] == ["july"]
    none = run(db, "--meeting", "jully")
    assert none.exit_code == 2
    assert "no meeting “jully” in this journal. Did you mean “july”?" in none.stderr


def test_a_review_never_overwrites_the_journal(db: Path, tmp_path: Path) -> None:
    before = db.read_bytes()
    done = run(db, "--out", db)
    assert (done.exit_code, "this is the journal itself" in done.stderr) == (2, True)
    assert db.read_bytes() == before
    done = run(db, "--out", tmp_path / "nowhere" / "review.html")
    assert (done.exit_code, "the review cannot be written" in done.stderr) == (2, True)


def test_a_journal_that_is_not_whole_is_still_told_of_but_says_so(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as outsider:
        outsider.execute("DROP TRIGGER contents_are_never_changed")
        outsider.execute("UPDATE contents SET body = replace(body, 'clown', 'saint')")
    done = run(db)
    assert done.exit_code == 0
    assert "The chain did not verify" in done.stdout
    assert "is not whole" in done.stderr


def test_what_is_no_journal_gets_one_clear_line(tmp_path: Path) -> None:
    for name in ("missing.db", "."):
        done = run(tmp_path / name)
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert "there is no such file" in done.stderr


async def test_it_can_be_made_while_the_journal_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock(MEETING.window.starts)) as journal:
        for done, (_, entry) in enumerate(EVENING, 1):
            await journal.append([(MEETING.id, entry)])
            if done % 10 == 0:
                review = review_of(path)
                assert (review.chain.entries, review.chain.whole) == (done, True)
