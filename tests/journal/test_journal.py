"""The journal through its own door: what is appended comes back, and what cannot be is said plainly."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.journal import Journal, JournalFault, open_readonly, verify
from feedmon.journal.chain import GENESIS
from feedmon.model.entries import Entry, FollowingStarted, Recorded
from feedmon.model.problems import BadInput
from tests.journal.samples import NOON, TestClock, captured
from tests.journal.strategies import entries


def everything_in(path: Path) -> list[Recorded]:
    with open_readonly(path) as reader:
        return list(reader.history())


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def open_handles() -> int:
    """How many files this program has open; 0 where the system does not tell."""
    handles = Path("/proc/self/fd")
    return len(list(handles.iterdir())) if handles.is_dir() else 0


async def test_an_append_is_numbered_stamped_and_read_back(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        assert await journal.append([("june", captured(1)), ("july", FollowingStarted())], {"bluesky": "77"}) == 2
        assert await journal.append([("june", captured(2))]) == 3
        june = list(journal.history("june"))
        assert [recorded.seq for recorded in june] == [1, 3]
        assert [recorded.entry for recorded in june] == [captured(1), captured(2)]
        assert NOON < june[0].recorded_at < june[1].recorded_at
        assert journal.cursor("bluesky") == "77"
        assert journal.cursor("mastodon") is None
        assert journal.meetings() == ("june", "july")
        assert journal.head().seq == 3


async def test_a_new_journal_is_empty_and_whole(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        assert (journal.head().seq, journal.head().digest) == (0, GENESIS)
        assert journal.meetings() == ()
        assert await journal.append([], {"bluesky": "5"}) == 0
        assert journal.cursor("bluesky") == "5"
    assert verify(tmp_path / "a.db").whole


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), entries), max_size=12))
def test_whatever_goes_in_comes_back_equal(given_entries: list[tuple[str, Entry]]) -> None:
    """Any entry that can exist, nasty text included, in its order and under its meeting."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")

        async def write() -> None:
            async with Journal.open(path, TestClock()) as journal:
                await journal.append(given_entries)

        asyncio.run(write())
        recorded = everything_in(path)
        assert [(each.meeting, each.entry) for each in recorded] == given_entries
        assert verify(path).whole


async def test_appends_waiting_together_keep_their_order_and_share_a_commit(tmp_path: Path) -> None:
    """A hundred appends that had to wait grow the write-ahead log far less than a hundred one by one."""
    log = tmp_path / "a.db-wal"
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        start = log.stat().st_size
        for number in range(100):
            assert await journal.append([("m", captured(number))], {"s": str(number)}) == number + 1
        one_by_one = log.stat().st_size - start
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as outsider:
            outsider.execute("BEGIN IMMEDIATE")
            tasks = [
                asyncio.create_task(journal.append([("m", captured(number))], {"s": str(number)}))
                for number in range(100, 200)
            ]
            await asyncio.sleep(0.05)
            outsider.execute("ROLLBACK")
        assert await asyncio.gather(*tasks) == list(range(101, 201))
        together = log.stat().st_size - start - one_by_one
        assert [recorded.entry for recorded in journal.history("m")] == [captured(number) for number in range(200)]
        assert journal.cursor("s") == "199"
    assert together * 4 < one_by_one


async def test_an_append_nobody_waits_for_any_more_is_written_all_the_same(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        task = asyncio.create_task(journal.append([("m", captured(1))]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [recorded.entry for recorded in everything_in(tmp_path / "a.db")] == [captured(1)]


async def test_closing_writes_what_was_handed_over_is_safe_twice_and_then_refuses(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "a.db", TestClock())
    tasks = [asyncio.create_task(journal.append([("m", captured(number))])) for number in range(600)]
    await asyncio.sleep(0)
    await asyncio.gather(journal.close(), journal.close())
    await journal.close()
    assert await asyncio.gather(*tasks) == list(range(1, 601))
    with pytest.raises(JournalFault, match="closed"):
        await journal.append([("m", captured(1))])
    assert len(everything_in(tmp_path / "a.db")) == 600


async def test_a_long_write_ahead_log_is_folded_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock()) as journal:
        before = path.stat().st_size
        await journal.append([("m", captured(number, text="ü" * 5000)) for number in range(1000)])
        await journal.append([])
        assert path.stat().st_size > before + 4_000_000


async def test_opening_and_closing_often_leaves_nothing_behind(tmp_path: Path) -> None:
    """No thread and no file handle stays, and no helper file but the writer's lock."""
    handles = []
    for _ in range(25):
        async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
            await journal.append([("m", captured(1))])
            next(journal.history("m"))
        handles.append(open_handles())
    assert handles[-1] <= handles[2]  # the first rounds warm up whatever the interpreter keeps
    assert not [thread for thread in threading.enumerate() if thread.name == "journal"]
    assert names_in(tmp_path) == ["a.db", "a.db-writer"]


@pytest.mark.parametrize("meeting", ["", "two\nlines", "\ud800"])
async def test_a_meeting_without_a_proper_id_is_not_let_in(tmp_path: Path, meeting: str) -> None:
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        with pytest.raises(ValueError, match="not a name"):
            await journal.append([(meeting, captured(1))])
        assert await journal.append([("m", captured(1))]) == 1


async def test_what_could_not_be_read_back_is_not_let_in(tmp_path: Path) -> None:
    """An instant without its zone, and text that is no Unicode: refused at once, and nothing beside them suffers."""
    zoneless = msgspec.structs.replace(captured(1).post, observed_at=datetime(2026, 3, 5, 12))  # noqa: DTZ001
    async with Journal.open(tmp_path / "a.db", TestClock()) as journal:
        with pytest.raises(msgspec.ValidationError):
            await journal.append([("m", msgspec.structs.replace(captured(1), post=zoneless))])
        with pytest.raises(ValueError, match="surrogates"):
            await journal.append([("m", captured(1, text="\udc80"))])
        assert await journal.append([("m", captured(1))]) == 1


async def test_the_tables_refuse_to_be_changed(tmp_path: Path) -> None:
    """Whatever tool is used: no update, no removal of an entry, no replacing; only a content may be removed."""
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1)), ("m", captured(2))], {"s": "2"})
    with closing(sqlite3.connect(path, isolation_level=None)) as outsider:
        for act in (
            "UPDATE entries SET meeting = 'x' WHERE seq = 1",
            "DELETE FROM entries WHERE seq = 2",
            "INSERT OR REPLACE INTO entries SELECT seq, 'x', kind, recorded_at, content_digest, digest FROM entries",
            "INSERT INTO entries SELECT seq + 10, meeting, kind, recorded_at, content_digest, digest FROM entries",
            "UPDATE contents SET body = '{}'",
            "INSERT OR REPLACE INTO contents SELECT seq, nonce, '{}' FROM contents",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="the journal: "):
                outsider.execute(act)
        outsider.execute("DELETE FROM contents WHERE seq = 1")
    assert verify(path).erased == 1
    assert [recorded.entry for recorded in everything_in(path)] == [None, captured(2)]


async def test_a_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    """In this program and in another one."""
    path = tmp_path / "a.db"
    second = (
        "import sys, pathlib, feedmon.journal as j\n"
        "with j.open_readonly(pathlib.Path(sys.argv[1])) as reader: print(reader.head().seq)\n"
        "try: j.Journal.open(pathlib.Path(sys.argv[1]), None)\n"
        "except Exception as error: print(error)\n"
    )
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1))])
        with pytest.raises(BadInput, match="another feedmon is writing"):
            Journal.open(path, TestClock())
        other = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", second, str(path)], capture_output=True, text=True, check=True
        )
        assert other.stdout.startswith("1\n")
        assert "another feedmon is writing" in other.stdout
        assert await journal.append([("m", captured(2))]) == 2
    async with Journal.open(path, TestClock()) as journal:
        assert await journal.append([("m", captured(3))]) == 3


async def test_a_reader_sees_one_unchanging_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1))])
        with open_readonly(path) as reader:
            await journal.append([("m", captured(2))], {"s": "2"})
            assert [recorded.entry for recorded in reader.history("m")] == [captured(1)]
            assert reader.cursor("s") is None
            assert verify(path).head.seq == 2


async def test_reading_a_journal_at_rest_leaves_it_exactly_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1))])
    before = (names_in(tmp_path), path.read_bytes(), path.stat().st_mtime_ns)
    assert verify(path).whole
    assert len(everything_in(path)) == 1
    assert (names_in(tmp_path), path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.fixture
def as_a_plain_user() -> Iterator[None]:
    """Root may write anywhere; this test must not."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder with a journal of one entry that everyone may read and nobody write, as on a read-only stick."""

    async def write(path: Path) -> None:
        async with Journal.open(path, TestClock()) as journal:
            await journal.append([("m", captured(1))])

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        asyncio.run(write(folder / "a.db"))
        (folder / "a.db-writer").unlink()
        (folder / "a.db").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions of another system")
def test_a_folder_that_cannot_be_written_can_still_be_read(locked_folder: Path, as_a_plain_user: None) -> None:
    """It verifies and is read; writing in it is refused with the mend."""
    assert verify(locked_folder / "a.db").whole
    assert len(everything_in(locked_folder / "a.db")) == 1
    with pytest.raises(BadInput, match=r"cannot be (opened|written)"):
        Journal.open(locked_folder / "a.db", TestClock())
    with pytest.raises(BadInput, match=r"cannot be (opened|written)"):
        Journal.open(locked_folder / "new.db", TestClock())
    assert names_in(locked_folder) == ["a.db"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("no database at all, but long enough to look at\n" * 9), "not a feedmon journal"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE notes (a)").connection.close(), "not a feedmon"),
        (lambda path: path.mkdir(), "there is no such file"),
        (lambda path: path.parent.rmdir(), "there is no folder"),
    ],
    ids=["text", "other database", "folder", "no folder"],
)
def test_what_is_no_journal_is_refused_untouched(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "there" / "a.db"
    path.parent.mkdir()
    make(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(BadInput, match=says):
        Journal.open(path, TestClock())
    with pytest.raises(BadInput):
        open_readonly(path)
    assert before == (path.read_bytes() if path.is_file() else None)


async def test_a_journal_of_a_newer_feedmon_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await Journal.open(path, TestClock()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as outsider:
        outsider.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('feedmon.journal', '0099_x', '')"
        )
    for use in (lambda: Journal.open(path, TestClock()), lambda: open_readonly(path), lambda: verify(path)):
        with pytest.raises(BadInput, match=r"newer feedmon .*0099_x"):
            use()


def test_an_empty_file_is_a_new_journal_to_a_writer_and_none_to_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    with pytest.raises(BadInput, match="not a feedmon journal"):
        verify(path)

    async def write() -> None:
        async with Journal.open(path, TestClock()) as journal:
            await journal.append([("m", captured(1))])

    asyncio.run(write())
    assert verify(path).whole
