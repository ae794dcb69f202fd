"""``feedmon-desk`` as a program: what it says when it cannot start, and what it leaves in the terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from feedmon.wire import PROTOCOL
from tests.desk.driving import PATIENCE, served_beside
from tests.desk.evening import snapshot
from tests.desk.wire_service import TOKEN, WireService, serving
from tui.__main__ import main

ENTER_OTHER_SCREEN, LEAVE_OTHER_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


def said(*arguments: str, token: str | None = TOKEN) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of one run."""
    result = CliRunner().invoke(main, arguments, env={"FEEDMON_TOKEN": token})
    return result.exit_code, result.stdout, result.stderr


def refused(*arguments: str, token: str | None = TOKEN) -> str:
    """The one line said by a desk that cannot start."""
    code, out, err = said(*arguments, token=token)
    assert (code, out) == (2, "")
    assert err.startswith("feedmon-desk: ")
    assert err.count("\n") == 1
    return err


class TestCannotStart:
    """One clear line, and exit code 2."""

    def test_each_hindrance_is_named_with_its_mend(self, tmp_path: Path) -> None:
        """Address, token, meeting, protocol: each has its own line."""
        empty, torn, none = tmp_path / "empty", tmp_path / "torn", tmp_path / "none"
        empty.write_text("\n")
        torn.write_bytes(b"\xff\xfe")
        with served_beside(snapshot()) as (service, do):
            url = str(service.address.url)
            assert "Write it like http://127.0.0.1:8642" in refused("--url", "127.0.0.1:8642")
            assert "put the service's token in FEEDMON_TOKEN" in refused("--url", url, token=None)
            assert "refused the token" in refused("--url", url, token="wrong")
            assert "It has: saltmarsh" in refused("--url", url, "--meeting", "nowhere")
            for file, told in ((none, "No such file"), (empty, "is empty"), (torn, "it is not text")):
                assert told in refused("--url", url, "--token-file", str(file), token=None)
            service.snapshot = msgspec.structs.replace(service.snapshot, protocol=PROTOCOL + 1)
            assert "Update feedmon where the desk runs" in refused("--url", url)
            do(service.stop())
            assert "Nothing answers at" in refused("--url", url)

    async def test_as_a_program_of_its_own(self) -> None:
        """The same from a shell: one line on standard error, exit code 2."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui", "--url", "nowhere", stderr=asyncio.subprocess.PIPE, env={"FEEDMON_TOKEN": "x"}
        )
        _, err = await process.communicate()
        assert process.returncode == 2
        assert err.decode().startswith("feedmon-desk: “nowhere” is not the address of a service.")

    def test_the_token_is_never_an_argument(self) -> None:
        """Arguments are seen by everyone on the machine, so there is no option for the token itself."""
        code, out, _ = said("--help")
        assert code == 0
        assert "--token-file" in out
        assert re.search(r"--token\b(?!-file)", out) is None


class Terminal:
    """A program in a terminal of its own, whose every byte is kept."""

    def __init__(self, service: WireService, *command: str) -> None:
        self._service, self._command = service, command
        self.shown = ""

    async def __aenter__(self) -> Terminal:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            "--url",
            str(self._service.address.url),
            env={**os.environ, "FEEDMON_TOKEN": TOKEN, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # the program is gone, and its end of the terminal with it
            asyncio.get_running_loop().remove_reader(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(2 * PATIENCE):
            while not so():  # noqa: ASYNC110 (what it waits for is plain state, with no event of its own)
                await asyncio.sleep(0.02)


class TestTerminal:
    """In a real terminal."""

    async def test_nothing_of_the_feed_stays_in_the_scrollback(self) -> None:
        """Everything is drawn on the terminal's other screen; the title tells the glance; leaving leaves nothing."""
        async with serving(snapshot()) as service, Terminal(service, "-m", "tui") as terminal:
            await terminal.until(lambda: "all Quayside" in terminal.shown)
            await terminal.until(lambda: "\x1b]2;▲ LOOK 3 · feedmon\x07" in terminal.shown)
            assert "\x1b[22;2t" in terminal.shown
            terminal.type("n")
            await terminal.until(lambda: len(service.marks) == 1)
            terminal.type("q")
            await terminal.until(lambda: "Leave the desk?" in terminal.shown)
            terminal.type("q")
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE) == 0
            assert terminal.shown.rstrip().rfind("\x1b[23;2t") > terminal.shown.rfind("\x1b]2;")
            before, _, rest = terminal.shown.partition(ENTER_OTHER_SCREEN)
            _, _, after = rest.rpartition(LEAVE_OTHER_SCREEN)
            for outside in (before, after):
                assert re.sub(r"\x1b\[[?>=<0-9;]*[a-zA-Z]|\x1b[\]][^\x07]*\x07|\x1b[=>]", "", outside).strip() == ""

    async def test_a_polite_kill_gives_the_terminal_back(self) -> None:
        """Asked to stop, as by the service it was opened with, the desk leaves the terminal as it found it."""
        async with serving(snapshot()) as service, Terminal(service, "-m", "tui") as terminal:
            await terminal.until(lambda: "all Quayside" in terminal.shown)
            terminal.process.terminate()
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE) == 0
            await terminal.until(lambda: LEAVE_OTHER_SCREEN in terminal.shown)

    @pytest.mark.fault
    async def test_a_fault_of_the_desk_leaves_no_post_behind(self) -> None:
        """Should the desk itself break, its last words are ours; no post is printed with them."""
        breaks = (
            "import tui.screens.desk as desk\n"
            "from tui.__main__ import main\n"
            "def broken(self, *_):\n"
            "    posts = [view.post.text for view in self.desk.flags()]\n"
            "    raise RuntimeError(posts[0])\n"
            "desk.DeskScreen.do_down = broken\n"
            "main()\n"
        )
        async with serving(snapshot()) as service, Terminal(service, "-c", breaks) as terminal:
            await terminal.until(lambda: "all Quayside" in terminal.shown)
            terminal.type("j")
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE) == 1
            await terminal.until(lambda: "open the desk again" in terminal.shown)
            _, _, after = terminal.shown.rpartition(LEAVE_OTHER_SCREEN)
            assert "the desk stopped by a fault of its own (RuntimeError in <string>, line 5)" in after
            assert "Quayside" not in after
