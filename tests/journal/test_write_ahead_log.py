"""The write-ahead log: folded in time, and what cannot be read of it is told instead of passed over."""

from __future__ import annotations

import asyncio
import random
import shutil
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.journal import Head, Journal, open_readonly, verify, write_ahead_log, writer
from feedmon.journal.write_ahead_log import lost_pages
from feedmon.model.problems import BadInput
from tests.journal.children import Start, append_and_fold_soon, append_and_wait, fail_large_then_append_small
from tests.journal.samples import TestClock, captured

PAGE = 4096
FRAME = 24 + PAGE
SALTS = slice(16, 24)


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes in these files: there is nothing to wait for before looking again."""
    monkeypatch.setattr(write_ahead_log, "_PAUSE_SECONDS", 0.0)


def copied(path: Path, to: Path, log: bytes | None = None) -> Path:
    """A journal copied to a new folder, as one copies files: with this log beside it, or by itself."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    shutil.copy(path, to / path.name)
    if log is not None:
        log_of(to / path.name).write_bytes(log)
    return to / path.name


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def flipped(log: bytes, offset: int, bit: int = 0) -> bytes:
    return log[:offset] + bytes([log[offset] ^ 1 << bit]) + log[offset + 1 :]


def frames(log: bytes) -> list[bytes]:
    """The frames of the present generation, however they are."""
    found = [log[offset : offset + FRAME] for offset in range(32, len(log), FRAME)]
    return [frame for frame in found if frame[8:16] == log[SALTS]]


def ends_commit(frame: bytes) -> bool:
    return frame[4:8] != bytes(4)


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something another program or thread does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def entries_in_a_copy_by_itself(path: Path, to: Path) -> int | None:
    """How many entries there are in the file alone; None when that is no whole journal."""
    try:
        found = verify(copied(path, to))
    except BadInput:
        return None
    return found.head.seq if found.whole else None


@pytest.fixture(scope="module")
def killed(start: Start, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Head]:
    """A journal whose program was killed after 141 appends: the file, its log, and the head it had."""
    path = tmp_path_factory.mktemp("killed") / "journal.db"
    process, pipe = start(append_and_wait, path)
    head = pipe.recv()
    process.kill()
    process.join()
    return path, log_of(path).read_bytes(), head


@pytest.mark.fault
def test_a_killed_programs_journal_is_whole_to_its_last_entry(killed: tuple[Path, bytes, Head], tmp_path: Path) -> None:
    path, log, head = killed
    found = verify(copied(path, tmp_path / "copy", log))
    assert (found.whole, found.head, head.seq) == (True, head, 141)


@pytest.mark.fault
@pytest.mark.usefixtures("without_pauses")
def test_whatever_bit_flips_in_a_killed_programs_log_no_entry_goes_missing_unsaid(
    killed: tuple[Path, bytes, Head], tmp_path: Path
) -> None:
    """In its header, in frames' headers, in pages: all of the log's bits are under its checksums."""
    path, log, head = killed
    dice = random.Random(1141)
    anywhere = [dice.randrange(len(log)) for _ in range(40)]
    in_frame_headers = [32 + dice.randrange(len(frames(log))) * FRAME + dice.randrange(24) for _ in range(20)]
    last_frame = [len(log) - FRAME + offset for offset in (*range(24), 24, FRAME - 1)]  # with nothing after it to tell
    cut = 0
    for offset in [*range(32), *in_frame_headers, *last_frame, *anywhere]:
        copy = copied(path, tmp_path / "copy", flipped(log, offset, dice.randrange(8)))
        found = verify(copy)
        assert not found.whole, offset
        assert "written before a crash cannot be read from “journal.db-wal”" in found.problems[0]
        assert found.head.seq <= head.seq
        cut += found.head.seq < head.seq
    assert cut > 90


@pytest.mark.fault
@pytest.mark.usefixtures("without_pauses")
def test_the_lost_pages_are_counted_from_the_last_commit_that_can_be_read(
    killed: tuple[Path, bytes, Head], tmp_path: Path
) -> None:
    """SQLite keeps what was committed before the damaged frame, to the entry, and all else counts as lost."""
    path, log, _ = killed
    all_frames, dice = frames(log), random.Random(81)
    assert len(all_frames) == (len(log) - 32) // FRAME
    commits = [number for number, frame in enumerate(all_frames, 1) if ends_commit(frame)]
    assert len(commits) == 141
    for damaged in dice.sample(range(1, len(all_frames) + 1), 20):
        copy = copied(path, tmp_path / "copy", flipped(log, 32 + (damaged - 1) * FRAME + 24 + dice.randrange(PAGE)))
        readable = [number for number in commits if number < damaged]
        lost = len(all_frames) - max(readable, default=0)
        assert lost_pages(log_of(copy), PAGE) == lost
        with open_readonly(copy) as reader:
            assert reader.head().seq == len(readable)
        assert ("The last page " if lost == 1 else f"The last {lost:,} pages ") in verify(copy).problems[0]


@pytest.mark.fault
def test_the_command_says_what_cannot_be_read_and_ends_with_1(killed: tuple[Path, bytes, Head], tmp_path: Path) -> None:
    """The chain is whole as far as it goes: it is the log that tells."""
    path, log, _ = killed
    copy = copied(path, tmp_path / "copy", flipped(log, len(log) * 4 // 7))
    done = CliRunner().invoke(cli, ["verify", str(copy)])
    assert done.exit_code == 1
    assert done.output.startswith("NOT WHOLE: ")
    assert "pages written before a crash cannot be read" in done.output
    assert "entries may be missing" in done.output
    assert "feedmon verify" not in done.output


@pytest.mark.fault
@pytest.mark.usefixtures("without_pauses")
async def test_the_next_program_says_so_too_and_begins_a_clean_log(
    killed: tuple[Path, bytes, Head], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its first commit SQLite forgets what it could not read, so this is the last time it can be told."""
    path, log, head = killed
    copy = copied(path, tmp_path / "copy", flipped(log, len(log) // 2))
    async with Journal.open(copy, TestClock()) as journal:
        kept = journal.head().seq
        assert kept < head.seq
        assert log_of(copy).stat().st_size == 0
        assert await journal.append([("m", captured(kept + 1))]) == kept + 1
        assert verify(copy).whole
    (said,) = [record for record in caplog.records if record.name.startswith("feedmon")]
    assert said.levelname == "ERROR"
    assert "journal.db-wal is damaged" in said.message


def big_endian(log: bytes) -> bytes:
    """The same log as a big-endian machine writes it: another magic, and sums over big-endian words."""

    def summed(data: bytes, first: int, second: int) -> tuple[int, int]:
        words = struct.unpack(f">{len(data) // 4}I", data)
        for place in range(0, len(words), 2):
            first = (first + words[place] + second) % 2**32
            second = (second + words[place + 1] + first) % 2**32
        return first, second

    header = struct.pack(">I", 0x377F0683) + log[4:24]
    sums = summed(header, 0, 0)
    written = [header, struct.pack(">II", *sums)]
    for frame in frames(log):
        sums = summed(frame[:8] + frame[24:], *sums)
        written += [frame[:16], struct.pack(">II", *sums), frame[24:]]
    return b"".join(written)


@pytest.mark.fault
@pytest.mark.usefixtures("without_pauses")
def test_a_log_from_a_machine_of_the_other_byte_order_is_read_as_well(
    killed: tuple[Path, bytes, Head], tmp_path: Path
) -> None:
    path, log, head = killed
    other = big_endian(log)
    assert other != log
    found = verify(copied(path, tmp_path / "copy", other))
    assert (found.whole, found.head) == (True, head)
    assert not verify(copied(path, tmp_path / "copy", flipped(other, len(other) // 3))).whole


@pytest.mark.usefixtures("without_pauses")
async def test_frames_of_older_generations_are_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once folded the log begins anew; what stands behind its end from before may be damaged, and nobody minds."""
    monkeypatch.setattr(writer, "_FOLD_ROWS", 20)
    path, dice = tmp_path / "journal.db", random.Random(20)
    async with Journal.open(path, TestClock()) as journal:
        for number in range(1, 44):
            await journal.append([("m", captured(number))])
        content, log, head = path.read_bytes(), log_of(path).read_bytes(), journal.head()
    path.write_bytes(content)
    here = len(frames(log))
    everywhere = (len(log) - 32) // FRAME
    assert 0 < here < everywhere - 10
    for _ in range(15):
        behind = 32 + dice.randrange(here, everywhere) * FRAME + 24 + dice.randrange(PAGE)
        found = verify(copied(path, tmp_path / "copy", flipped(log, behind)))
        assert (found.whole, found.head) == (True, head)
        within = 32 + dice.randrange(here) * FRAME + dice.randrange(FRAME)
        assert not verify(copied(path, tmp_path / "copy", flipped(log, within))).whole


@pytest.mark.parametrize("rest", [b"", b"\x37\x7f\x06\x82", bytes(31)], ids=["empty", "four bytes", "nearly a header"])
def test_a_log_without_a_whole_header_holds_nothing_to_lose(tmp_path: Path, rest: bytes) -> None:
    log = tmp_path / "journal.db-wal"
    assert lost_pages(log, PAGE) == 0
    log.write_bytes(rest)
    assert lost_pages(log, PAGE) == 0


@pytest.mark.fault
@pytest.mark.parametrize("short", [1, PAGE, FRAME - 1, FRAME])
def test_a_write_that_the_end_of_the_file_cut_off_is_no_damage(
    killed: tuple[Path, bytes, Head], tmp_path: Path, short: int
) -> None:
    """That is how a program killed in the middle of a commit leaves it: nobody was told of that commit."""
    path, log, head = killed
    found = verify(copied(path, tmp_path / "copy", log[:-short]))
    assert found.whole
    assert found.head.seq == head.seq - 1


def test_a_frame_seen_half_written_is_looked_at_again(
    killed: tuple[Path, bytes, Head], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer puts down a frame's header first and then its page, over what stood there from before."""
    _, log, _ = killed
    beside = tmp_path / "journal.db-wal"
    beside.write_bytes(log[:-PAGE] + bytes(PAGE))
    monkeypatch.setattr(time, "sleep", lambda _: beside.write_bytes(log))
    assert lost_pages(beside, PAGE) == 0


async def test_a_journal_being_written_never_looks_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verified again and again while a writer commits, folds and begins its log anew beneath."""
    monkeypatch.setattr(writer, "_FOLD_ROWS", 40)
    path, over, looked = tmp_path / "journal.db", threading.Event(), list[int]()

    def look() -> None:
        while not over.is_set():
            found = verify(path)
            assert found.whole, found.problems
            looked.append(found.head.seq)

    async with Journal.open(path, TestClock()) as journal:
        looking = asyncio.create_task(asyncio.to_thread(look))
        for number in range(1, 401):
            await journal.append([("m", captured(number))])
        over.set()
        await looking
    assert looked == sorted(looked)
    assert len(set(looked)) > 3


async def test_a_new_journals_file_is_a_journal_by_itself_at_once(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "journal.db", TestClock()):
        assert entries_in_a_copy_by_itself(tmp_path / "journal.db", tmp_path / "copy") == 0


@pytest.mark.fault
def test_a_journal_at_rest_in_a_running_program_is_soon_whole_by_itself(tmp_path: Path, program: Start) -> None:
    """The log is folded in when its time has come, without any further append; a kill then loses no copy anything."""
    path = tmp_path / "journal.db"
    process, pipe = program(append_and_fold_soon, path)
    assert pipe.recv() == 0
    assert pipe.recv() == 3
    until(lambda: entries_in_a_copy_by_itself(path, tmp_path / "copy") == 3)
    process.kill()
    process.join()
    assert entries_in_a_copy_by_itself(path, tmp_path / "copy") == 3
    assert verify(path).whole


@pytest.mark.fault
def test_what_a_refused_append_left_in_the_log_is_cleared_away(tmp_path: Path, program: Start) -> None:
    """Its pages bear the generation's salts and follow from nothing: after a kill they would look like damage."""
    path = tmp_path / "journal.db"
    process, pipe = program(fail_large_then_append_small, path)
    assert pipe.recv().startswith("The journal was not written: the disk ")
    assert pipe.recv() == 2
    until(lambda: log_of(path).stat().st_size == 0)
    process.kill()
    process.join()
    found = verify(path)
    assert (found.whole, found.head.seq) == (True, 2)


async def test_what_a_reader_holds_back_is_folded_in_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold waits for nobody and no append waits for a reader."""
    monkeypatch.setattr(writer, "_FOLD_SECONDS", 0.1)
    monkeypatch.setattr(writer, "_FOLD_AGAIN_SECONDS", 0.1)
    path, copy = tmp_path / "journal.db", tmp_path / "copy"
    async with Journal.open(path, TestClock()) as journal:
        await journal.append([("m", captured(1))])
        with open_readonly(path):
            await journal.append([("m", captured(2))])
            await asyncio.sleep(0.4)
            assert await journal.append([("m", captured(3))]) == 3
            await asyncio.sleep(0.4)
            assert entries_in_a_copy_by_itself(path, copy) not in (2, 3)
        await asyncio.to_thread(until, lambda: entries_in_a_copy_by_itself(path, copy) == 3)


async def test_closed_while_a_reader_looks_on_the_file_is_whole_by_itself(tmp_path: Path) -> None:
    """SQLite itself folds the log only when the last one closes."""
    path = tmp_path / "journal.db"
    journal = Journal.open(path, TestClock())
    await journal.append([("m", captured(1)), ("m", captured(2))])
    with open_readonly(path):
        await journal.close()
        assert entries_in_a_copy_by_itself(path, tmp_path / "copy") == 2
