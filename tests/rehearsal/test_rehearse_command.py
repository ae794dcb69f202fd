"""``feedmon rehearse``, as a person runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from websockets.sync.client import connect

from feedmon.cli import cli
from tests.sources.bluesky_frames import RESIDENT, T0, post

SECOND = 1_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "bluesky.jsonl"
    path.write_bytes(b"\n".join(post(RESIDENT, f"3{minute}", "x", minute * 60 * SECOND) for minute in range(10)))
    return path


def rehearse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["rehearse", *map(str, arguments)])


@pytest.mark.parametrize("by_folder", [False, True])
def test_it_serves_says_what_to_run_next_and_ends_with_an_interrupt(recording: Path, by_folder: bool) -> None:
    what = recording.parent if by_folder else recording
    command = [sys.executable, "-m", "feedmon", "rehearse", str(what), "--speed", "100", "--starts-at", "19:05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = "".join(program.stdout.readline() for _ in range(3))
        assert "10 messages, 05 March 2026 19:05:00 to 19:09:00, at 100 times real time" in told
        found = re.search(r"  feedmon run MEETING\.toml --rehearsal (ws://127\.0\.0\.1:\d+)\n", told)
        assert found, told
        with connect(f"{found[1]}/subscribe?cursor={T0 + 5 * 60 * SECOND}") as connection:
            assert connection.recv(timeout=5) == post(RESIDENT, "35", "x", 5 * 60 * SECOND).decode()
        program.send_signal(signal.SIGINT)
        _, remarks = program.communicate(timeout=10)
    assert program.returncode == 0
    assert "Traceback" not in remarks


def test_a_recording_beside_a_meeting_file_names_it_in_the_command(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "rules" / "example_meeting" / "meeting.toml"
    folder = tmp_path / "my meeting"
    folder.mkdir()
    (folder / "meeting.toml").write_text(re.sub(r"^report = .*$", "", sample.read_text(), flags=re.MULTILINE))
    (folder / "bluesky.jsonl").write_bytes(post(RESIDENT, "3a", "x"))
    command = [sys.executable, "-m", "feedmon", "rehearse", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = "".join(program.stdout.readline() for _ in range(3))
        assert f"feedmon run '{folder}/meeting.toml' --rehearsal ws://127.0.0.1:" in told
        program.send_signal(signal.SIGINT)
        program.wait(timeout=10)


def test_what_is_neither_file_nor_sample_is_said_so() -> None:
    result = rehearse("porthwen-town-council")
    assert result.exit_code == 2
    assert "is neither a file nor the name of a sample meeting" in result.stderr


def test_a_missing_file_a_bad_line_and_an_empty_folder(tmp_path: Path) -> None:
    assert "is not there" in rehearse(tmp_path / "none.jsonl").stderr
    assert "bluesky.jsonl: is not there" in rehearse(tmp_path).stderr
    (tmp_path / "bad.jsonl").write_text("{}\n")
    result = rehearse(tmp_path / "bad.jsonl")
    assert result.exit_code == 2
    assert "bad.jsonl:1: is no Jetstream message" in result.stderr


@pytest.mark.parametrize(
    ("time", "words"), [("noon", "is no time"), ("25:00", "is no time"), ("19:10", "the recording is over at 19:09")]
)
def test_a_start_that_cannot_be(recording: Path, time: str, words: str) -> None:
    result = rehearse(recording, "--starts-at", time)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_port_in_use_is_said_so(recording: Path) -> None:
    command = [sys.executable, "-m", "feedmon", "rehearse", str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = "".join(program.stdout.readline() for _ in range(3))
        port = re.findall(r"127\.0\.0\.1:(\d+)", told)[0]
        result = rehearse(recording, "--port", port)
        program.send_signal(signal.SIGINT)
        program.wait(timeout=10)
    assert result.exit_code == 2
    assert f"port {port}: is in use" in result.stderr
