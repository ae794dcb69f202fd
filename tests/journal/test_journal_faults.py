"""What is acknowledged survives: programs really killed, disks really full, files really taken away."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from feedmon.journal import Journal, JournalFault, open_readonly, verify
from feedmon.journal import files as journal_files
from tests.journal.children import SOURCES, Start, append_for_ever, append_until_full_then_make_room
from tests.journal.samples import TestClock, captured

pytestmark = pytest.mark.fault


def drain(pipe: Connection) -> list[Any]:
    """All that a child said before it was gone."""
    said = []
    try:
        while True:
            said.append(pipe.recv())
    except (EOFError, OSError):
        return said


def test_killed_at_any_moment_nothing_acknowledged_is_missing(tmp_path: Path, start: Start) -> None:
    """Twenty-five kills, one journal: after each, every acknowledged post is there once, in order, and the chain holds.

    A cursor is never ahead of its posts nor behind them, and the next program goes on from it.
    """
    path, dice = tmp_path / "a.db", random.Random(20260305)
    acknowledged = dict.fromkeys(SOURCES, 0)
    for _ in range(25):
        process, pipe = start(append_for_ever, path)
        pipe.poll(10)
        time.sleep(dice.uniform(0, 0.06))
        process.kill()
        process.join()
        for source, number in drain(pipe):
            acknowledged[source] = max(acknowledged[source], number)
        found = verify(path)
        assert found.whole, found.problems
        with open_readonly(path) as reader:
            kept: dict[str, list[str]] = {source: [] for source in SOURCES}
            for recorded in reader.history("m"):
                kept[recorded.entry.post.network].append(recorded.entry.post.id)  # type: ignore[union-attr]
            for source in SOURCES:
                count = len(kept[source])
                assert kept[source] == [captured(number).post.id for number in range(1, count + 1)]
                assert count >= acknowledged[source]
                assert reader.cursor(source) == (str(count) if count else None)
    assert min(acknowledged.values()) > 25


def test_a_full_disk_is_told_loses_nothing_and_is_recovered_from(tmp_path: Path, start: Start) -> None:
    """Each append against the limit fails in words; the one that failed goes in once there is room."""
    process, pipe = start(append_until_full_then_make_room, tmp_path / "a.db")
    said = drain(pipe)
    process.join()
    assert process.exitcode == 0
    *faults, recovered = said
    assert len(faults) == 4
    acknowledged = faults[0][0]
    assert acknowledged > 5
    for number, message, mend in faults:
        assert number == acknowledged
        assert message.startswith("The journal was not written: the disk ")
        assert "room" in mend
    assert recovered == (acknowledged + 1, "None", "")
    assert verify(tmp_path / "a.db").whole
    with open_readonly(tmp_path / "a.db") as reader:
        posts = [recorded.entry.post.id for recorded in reader.history("m")]  # type: ignore[union-attr]
        assert posts == [captured(number).post.id for number in range(1, acknowledged + 2)]
        assert reader.cursor("s") == str(acknowledged + 1)


async def test_a_journal_taken_away_is_told_instead_of_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite would go on writing in a file that nobody can find any more. The failure is logged once, and its end."""
    caplog.set_level("INFO")
    path, elsewhere = tmp_path / "a.db", tmp_path / "b.db"
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1))])
        path.rename(elsewhere)
        for _ in range(2):
            with pytest.raises(JournalFault, match="moved or deleted") as raised:
                await journal.append([("m", captured(2))])
        assert journal.fault is raised.value
        elsewhere.rename(path)
        assert await journal.append([("m", captured(2))]) == 2
        assert journal.fault is None
    assert verify(path).head.seq == 2
    assert [record.levelname for record in caplog.records if record.name.startswith("feedmon")] == ["ERROR", "INFO"]


async def test_a_locked_journal_is_waited_for_and_then_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_files, "_PATIENCE_SECONDS", 0.2)
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock()) as journal:
        with closing(sqlite3.connect(path, isolation_level=None)) as outsider:
            outsider.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalFault, match="another program is writing"):
                await journal.append([("m", captured(1))])
            appending = asyncio.create_task(journal.append([("m", captured(1))]))
            await asyncio.sleep(0.05)
            outsider.execute("ROLLBACK")
            assert await appending == 1
