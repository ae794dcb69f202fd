"""``feedmon run`` as a program: what it says, how it stops, and that it says plainly why it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.documents.bundled import sample_feeds_dir
from feedmon.documents.packs import read_packs
from feedmon.journal import open_readonly, verify
from feedmon.model.entries import FollowingStarted, FollowingStopped, PostCaptured
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import read_recording

SAMPLE = sample_feeds_dir() / "porthwenn-town-council"
MEETING = SAMPLE / "meeting.toml"


async def feedmon(*arguments: object, cwd: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-m", "feedmon", *map(str, arguments)),
        cwd=cwd,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


async def said(*arguments: object, cwd: Path) -> tuple[int | None, str, str]:
    """A program run to its end: exit code, what it printed, what it remarked."""
    program = await feedmon(*arguments, cwd=cwd)
    async with asyncio.timeout(60):
        out, err = await program.communicate()
    return program.returncode, out.decode(), err.decode()


@asynccontextmanager
async def running(*arguments: object, cwd: Path) -> AsyncIterator[tuple[Process, dict[str, str]]]:
    """A service up as a program, and what it said of itself."""
    program = await feedmon("run", *arguments, cwd=cwd)
    assert program.stdout is not None
    told: dict[str, str] = {}
    try:
        async with asyncio.timeout(60):
            while "desk" not in told:
                name, _, value = (await program.stdout.readline()).decode().partition(": ")
                assert name, (await program.communicate())[1].decode()
                told[name] = value.strip()
        yield program, told
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate()


async def test_it_follows_a_rehearsal_says_where_it_is_and_stops_in_good_order(tmp_path: Path) -> None:
    """Address, token file, journal, chair's link and desk; asked to stop, it ends the record and exits 0."""
    recording = read_recording(SAMPLE / "bluesky.jsonl")
    async with JetstreamServer(recording, RehearsalClock(recording.starts, 200, held=True)) as server:
        options = ("--port", 0, "--rehearsal", server.url, "--data", "here")
        async with running(MEETING, *options, cwd=tmp_path) as (program, told):
            token = (tmp_path / told["token"]).read_text().strip()
            assert token not in "".join(told.values())
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(told["service"], headers=headers) as session:
                async with session.get("/api/v1/meetings") as answer:
                    (listed,) = await answer.json()
                async with session.ws_connect(f"/api/v1/meetings/{listed['id']}/live") as desk:
                    async with asyncio.timeout(30):
                        while '"flag_raised"' not in (await desk.receive()).data:
                            pass
                    program.send_signal(signal.SIGTERM)
                    last = [frame.data async for frame in desk][-1]
                assert "following_ended" in last
            async with asyncio.timeout(20):
                assert await program.wait() == 0
            assert program.stderr is not None
            assert token not in (await program.stderr.read()).decode()
    journal = tmp_path / told["journal"]
    assert verify(journal).whole
    with open_readonly(journal) as reader:
        entries = [one.entry for one in reader.history(listed["id"])]
    assert sum(isinstance(entry, FollowingStarted) for entry in entries) == 1
    assert sum(isinstance(entry, FollowingStopped) for entry in entries) == 1
    assert any(isinstance(entry, PostCaptured) for entry in entries)


async def test_a_port_in_use_is_one_clear_message_and_exit_2(tmp_path: Path) -> None:
    """Nothing on stdout, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = await said("run", MEETING, "--port", taken.getsockname()[1], cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "is in use. Is feedmon running already?" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["wrong.toml"], "wrong.toml"),
        (["missing.toml"], "missing.toml"),
        (["one.toml", "two.toml", "--desk"], "shows one meeting"),
        ([str(MEETING), "--rehearsal", "somewhere"], "no address of a rehearsal"),
        ([str(MEETING), "--rehearsal", "ws://127.0.0.1:1"], "nothing answers there"),
        ([str(MEETING), "--port", "0", "--data", "bad"], "is not a feedmon journal"),
        ([str(MEETING), "--port", "0", "--data", "wrong.toml"], "cannot be a folder"),
    ],
)
def test_whatever_else_keeps_it_from_starting_is_said_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    """Every mistake of a person's is told with where it is, and ends with 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("feedmon.cli.preparing.load_packs", read_packs)  # their examples hold, or other tests fail
    monkeypatch.setattr("feedmon.cli.run.log_to", lambda _: None)
    Path("wrong.toml").write_text("[meeting]\nid = 7\ncolour = 'red'\n")
    Path("bad").mkdir()
    Path("bad", "journal.db").write_text("This is no database. " * 100)
    result = CliRunner().invoke(cli, ["run", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr


async def test_a_meeting_that_is_over_is_served_and_said_to_be_over(tmp_path: Path) -> None:
    """The clerk can still go through the flags; nothing is followed."""
    over = tmp_path / "meeting.toml"
    text = MEETING.read_text("utf-8").replace("2026-09-17T19", "2020-09-17T19")
    over.write_text("\n".join(line for line in text.splitlines() if not line.startswith("report = ")), "utf-8")
    async with running(over, "--port", 0, cwd=tmp_path) as (program, told):
        async with aiohttp.ClientSession(told["service"]) as session, session.get("/readyz") as answer:
            assert "following is over" in await answer.text()
        program.send_signal(signal.SIGINT)
        assert program.stderr is not None
        assert "its window closed 17 September 2020" in (await program.stderr.read()).decode()
        assert await program.wait() == 0
