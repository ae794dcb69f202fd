"""``feedmon record``, as a person runs it: from a real server, while the meeting's window is open."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.model.instants import to_micros
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from tests.sources.bluesky_frames import MARCHBANKS, RESIDENT, STRANGER, T0, post

SECOND = 1_000_000


def meeting_file(folder: Path, url: str, starts: datetime, stops: datetime, more: str = "") -> Path:
    path = folder / "meeting.toml"
    path.write_text(
        f"""
[meeting]
id = "saltmarsh"
title = "Full Council"
packs = ["ventnor"]
hashtags = ["#SaltmarshTC"]

[council]
name = "Saltmarsh Town Council"

[window]
starts = {starts.isoformat()}
stops = {stops.isoformat()}

[[item]]
number = "1"
title = "Apologies"

[[member]]
name = "Helen Marchbanks"
accounts = [{{ network = "bluesky", handle = "marchbanks.example", id = "{MARCHBANKS}" }}]

[[source]]
kind = "bluesky"
name = "bluesky"
url = "{url}"
{more}
"""
    )
    return path


async def record(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command; its exit code, results and remarks."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "feedmon", "record", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    results, remarks = await asyncio.wait_for(program.communicate(), 20)
    assert program.returncode is not None
    return program.returncode, results.decode(), remarks.decode()


@pytest.mark.parametrize("everything", [False, True])
async def test_only_the_meetings_messages_are_kept_unless_everything_is_asked_for(
    tmp_path: Path, everything: bool
) -> None:
    """Through a cut, and as they came; the recording can be rehearsed."""
    now = datetime.now(UTC).replace(microsecond=0)
    offset = to_micros(now) - T0
    ours = [post(RESIDENT, f"3p{n}", "é #SaltmarshTC", offset + n) for n in range(3)]
    other = [post(STRANGER, f"3s{n}", "elsewhere", offset + n) for n in range(3)]
    lines = [line for pair in zip(ours, other, strict=True) for line in pair]
    plan = FaultPlan({3: [Fault.CLOSED], 4: [Fault.GARBAGE]})
    async with JetstreamServer(recording_of(lines, "r"), RehearsalClock(now), faults=plan, pulse=60) as server:
        meeting = meeting_file(tmp_path, server.url, now - timedelta(seconds=3), now + timedelta(hours=1))
        out = tmp_path / "out.jsonl"
        options = ["--minutes", "0.05", *(["--everything"] if everything else [])]
        code, results, remarks = await record(meeting, "--out", out, *options)
    assert code == 0, remarks
    kept = out.read_bytes().splitlines()
    if everything:
        assert set(kept) == set(lines)
    else:
        assert kept == ours
    assert f"{len(kept)} messages in {out}" in results
    assert "bluesky: live" in remarks
    assert "bluesky: lost: the network closed the connection (1000)" in remarks
    assert "1 unusable: not JSON" in remarks
    assert [line.raw for line in recording_of(kept, "r").lines] == kept


async def test_a_source_that_refuses_us_is_said_so(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with JetstreamServer(
        recording_of([post(RESIDENT, "3a", "x")], "r"), RehearsalClock(now), faults=FaultPlan(answers=[403])
    ) as server:
        meeting = meeting_file(tmp_path, server.url, now - timedelta(hours=1), now + timedelta(hours=1))
        code, _, remarks = await record(meeting, "--out", tmp_path / "out.jsonl")
    assert code == 2
    assert "source “bluesky”: refused: it answered 403" in remarks


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("ws://127.0.0.1:9", ["--source", "blue"], "the meeting has no source “blue”. Did you mean “bluesky”?"),
        ("http://127.0.0.1:9", [], "is no WebSocket address"),
    ],
)
def test_what_cannot_be_recorded_is_said_so(tmp_path: Path, source: str, options: list[str], words: str) -> None:
    now = datetime.now(UTC)
    meeting = meeting_file(tmp_path, source, now - timedelta(hours=1), now + timedelta(hours=1))
    result = CliRunner().invoke(cli, ["record", str(meeting), "--out", str(tmp_path / "o"), *options])
    assert result.exit_code == 2
    assert words in result.stderr


def test_nothing_is_recorded_after_the_window_or_over_another_file(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    meeting = meeting_file(tmp_path, "ws://127.0.0.1:9", now - timedelta(hours=2), now - timedelta(hours=1))
    out = tmp_path / "out.jsonl"
    result = CliRunner().invoke(cli, ["record", str(meeting), "--out", str(out)])
    assert result.exit_code == 2
    assert "window closed" in result.stderr
    assert not out.exists()
    out.write_text("precious")
    meeting = meeting_file(tmp_path, "ws://127.0.0.1:9", now - timedelta(hours=2), now + timedelta(hours=1))
    result = CliRunner().invoke(cli, ["record", str(meeting), "--out", str(out)])
    assert result.exit_code == 2
    assert "never overwrites" in result.stderr
    assert out.read_text() == "precious"


def test_with_several_sources_one_must_be_named(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    more = '[[source]]\nkind = "bluesky"\nname = "other"\nurl = "ws://127.0.0.1:9"\n'
    meeting = meeting_file(tmp_path, "ws://127.0.0.1:9", now - timedelta(hours=2), now + timedelta(hours=1), more)
    result = CliRunner().invoke(cli, ["record", str(meeting), "--out", str(tmp_path / "o")])
    assert result.exit_code == 2
    assert "has 2 sources: bluesky, other. Say which one with --source." in result.stderr
