"""``feedmon capture`` as a program, against a real service."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from feedmon.wire import FlagRaised
from tests.service.evening import Evening, evening
from tests.service.rooms import THREAT, at


async def capture(
    held: Evening, *arguments: object, given: str = "", token_file: Path | None = None, **variables: str
) -> tuple[int | None, str, str]:
    where = ("--service", held.running.url, "--token-file", token_file or held.running.token_file)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "feedmon", "capture", *map(str, (*where, *arguments))),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **variables},
    )
    async with asyncio.timeout(60):
        out, err = await program.communicate(given.encode())
    return program.returncode, out.decode(), err.decode()


async def test_a_post_goes_from_the_command_line_to_the_desk(tmp_path: Path) -> None:
    when = ("--when", at(30).isoformat())
    async with evening(tmp_path, rate=1) as held, held.desk() as desk:
        code, out, err = await capture(
            held, "--who", "Gull Watcher", "--where", "Facebook", "--text", "-", *when, given=f"{THREAT}\n"
        )
        assert (code, err) == (0, "")
        assert out.startswith("In the journal at entry")
        flag = await desk.until(FlagRaised)
        assert flag.view.post.network == "facebook"
        assert flag.view.post.text == THREAT
        assert flag.view.post.captured_by
        code, out, err = await capture(held, *when, "--by", "Deputy", given="linkedin\nA Resident\nNice lights.\n")
        assert code == 0
        assert "Taken in." in out
        assert "not written down" in err


async def test_what_is_wrong_is_said_with_how_to_mend_it(tmp_path: Path) -> None:
    post = ("--who", "G", "--where", "facebook", "--text", "x")
    async with evening(tmp_path, rate=1) as held:
        wrong_file = tmp_path / "wrong"
        wrong_file.write_text("x" * 43)
        said = await asyncio.gather(
            capture(held, *post, token_file=wrong_file),
            capture(held, *post, token_file=tmp_path / "nowhere"),
            capture(held, *post, "--when", "yesterday"),
            capture(held, *post, "--meeting", "exampel"),
            capture(held, *post, "--member", "nobody-here"),
            capture(held, *post, "--service", "http://127.0.0.1:1"),
        )
    assert [code for code, _, _ in said] == [2] * 6
    for (_, _, err), words in zip(
        said,
        [
            "token is missing or wrong",
            "cannot be read",
            "is no time",
            "Did you mean",
            "no member",
            "no feedmon answers",
        ],
        strict=True,
    ):
        assert words in err


async def test_the_form_is_opened_in_a_browser_by_a_link_that_opens_once(tmp_path: Path) -> None:
    async with evening(tmp_path, rate=1) as held, held.session("") as session:
        code, out, _ = await capture(held, "--browser", BROWSER="true %s", PATH=str(tmp_path))
        assert code == 0
        link = out.removeprefix("capture: ").partition("  ")[0]
        assert link.startswith(f"{held.running.url}/capture/")
        for status in (303, 404):
            async with session.get(link, allow_redirects=False) as answer:
                assert answer.status == status


@pytest.mark.parametrize("text", ["19:42", "2026-03-05T19:42", "2026-03-05T19:42+00:00"])
def test_times_are_read_as_people_write_them(text: str) -> None:
    from feedmon.cli.capture import _instant

    assert _instant(text).tzinfo is not None
