"""``feedmon sources``: tokens into the keyring and out of it, and an honest word on every feed beforehand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result

from feedmon.cli import cli
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.x_server import XServer
from feedmon.sources import REGISTRY
from feedmon.sources.checking import ABOUT
from tests.sources.test_credentials import SECRET, MemoryKeyring
from tests.sources.x_frames import EVENING, TOKEN


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    monkeypatch.delenv("FEEDMON_TOKEN_X", raising=False)
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def feedmon(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), input=given)


@contextmanager
def x_on_this_machine(**how: object) -> Iterator[XServer]:
    """A rehearsed X in a thread of its own, for a command that has a loop of its own."""
    up, down = threading.Event(), asyncio.Event()
    server: list[XServer] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with XServer([], RehearsalClock(EVENING, 1), **how) as one:  # type: ignore[arg-type]  # passed on
            server.append(one)
            loops.append(asyncio.get_running_loop())
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(10)
    try:
        yield server[0]
    finally:
        loops[0].call_soon_threadsafe(down.set)
        thread.join()


def meeting_file(folder: Path, *sources: str) -> Path:
    file = folder / "meeting.toml"
    head = """
    [meeting]
    id = "m"
    title = "Full Council"
    packs = ["ventnor"]
    hashtags = ["SaltmarshTC"]
    [council]
    name = "Saltmarsh Town Council"
    [window]
    starts = 2026-03-05T18:30:00
    stops = 2026-03-05T22:00:00
    """
    file.write_text("\n".join([head, *sources]), encoding="utf-8")
    return file


def test_a_token_is_kept_without_being_shown_and_taken_out_again(ring: MemoryKeyring) -> None:
    kept = feedmon("sources", "token", "x", given=f"{SECRET}\n")
    assert kept.exit_code == 0
    assert ring.kept == {("feedmon", "x"): SECRET}
    assert SECRET not in kept.output
    assert "taken out" in feedmon("sources", "token", "x", "--remove").output
    assert "no token" in feedmon("sources", "token", "x", "--remove").output
    assert not ring.kept


def test_every_kind_of_source_is_spoken_of() -> None:
    assert set(REGISTRY) == set(ABOUT)


def test_a_feed_that_works_and_one_that_does_not(tmp_path: Path, ring: MemoryKeyring) -> None:
    ring.kept["feedmon", "x"] = TOKEN
    with x_on_this_machine() as server:
        x = f'[[source]]\nkind = "x"\nurl = "{server.url}"\ncap = 2.5'
        bluesky = '[[source]]\nkind = "bluesky"\nurl = "ws://127.0.0.1:1/subscribe"'
        both = feedmon("sources", "check", meeting_file(tmp_path, x, bluesky))
        alone = feedmon("sources", "check", meeting_file(tmp_path, x))
        ring.kept["feedmon", "x"] = "another"
        wrong = feedmon("sources", "check", meeting_file(tmp_path, x))
        ring.kept.clear()
        none = feedmon("sources", "check", meeting_file(tmp_path, x))
    assert (both.exit_code, alone.exit_code, wrong.exit_code, none.exit_code) == (1, 0, 1, 1)
    assert "x (x) works now: by the stream." in alone.output
    assert "at most $2.50 in this meeting" in alone.output
    assert "cannot see: deletions" in alone.output
    assert "bluesky (bluesky) DOES NOT WORK" in both.output
    assert "token is not valid" in wrong.output
    assert "feedmon sources token x" in none.output
    assert TOKEN not in "".join(result.output for result in (both, alone, wrong, none))


def test_a_url_that_is_none_of_the_networks_is_said(tmp_path: Path, ring: MemoryKeyring) -> None:
    said = feedmon(
        "sources", "check", meeting_file(tmp_path, '[[source]]\nkind = "x"\nurl = "https://x.com/saltmarsh"')
    )
    assert said.exit_code == 1
    assert "It is https://api.x.com." in said.output
