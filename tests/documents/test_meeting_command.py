"""``feedmon meeting new`` and ``check``, as a clerk uses them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from feedmon.cli import cli
from feedmon.documents.bundled import rules_dir
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.new_meeting import write_starting_file
from feedmon.model.problems import BadInput
from tests.documents.papers import SHORTEST, example_meeting


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["meeting", *map(str, arguments)])


def test_a_starting_file_passes_the_check_and_is_never_written_over_unasked(tmp_path: Path) -> None:
    file = tmp_path / "meeting.toml"
    first = run("new", file, "--council", 'Ventnor "Bay" Town Council', "--date", "2096-07-09")
    assert (first.exit_code, first.stdout) == (
        0, f"Wrote {file}. Fill it in, then: feedmon meeting check {file}\n",
    )  # fmt: skip
    checked = run("check", file)
    assert checked.exit_code == 0
    assert checked.stdout.startswith(
        'Full Council, Ventnor "Bay" Town Council (ventnor-bay-town-council-2096-07-09)\n'
        "  Monday 9 July 2096, 18:30 to 22:00, Europe/London\n\nHashtags  #VentnorBayTownCouncil\nPacks     ventnor\n"
    )
    assert checked.stderr.startswith(f"\nWorth a look (1):\n  {file}: nothing is sealed for closed item 4, so ")
    again = run("new", file)
    assert (again.exit_code, again.stderr) == (
        2, f"{file}: is there already. Choose another name, or give --force.\n",
    )  # fmt: skip
    assert load_meeting(file).council.name == 'Ventnor "Bay" Town Council'
    assert run("new", file, "--force", "--council", "Dover District Council").exit_code == 0
    assert load_meeting(file).packs == ("dover",)


@given(council=st.text(max_size=20), day=st.dates())
def test_whatever_the_council_is_called_its_starting_file_can_be_followed(
    tmp_path_factory: pytest.TempPathFactory, council: str, day: object
) -> None:
    file = tmp_path_factory.getbasetemp() / "new.toml"
    try:
        write_starting_file(file, council, day, force=True)  # type: ignore[arg-type]  # dates are what st.dates() gives
    except BadInput as bad:
        assert bad.problems[0].place in ("--council", "--date")  # noqa: PT017
    else:
        assert load_meeting(file, to_follow=True).council.name == council.strip()


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    result = run("new", tmp_path / "nowhere" / "meeting.toml")
    assert (result.exit_code, "cannot be written: no such file or directory." in result.stderr) == (2, True)


def test_the_check_shows_what_the_example_prepares(tmp_path: Path) -> None:
    file = example_meeting(tmp_path)
    CliRunner().invoke(cli, ["seal", str(file), "9", str(file.parent / "closed" / "item-9.txt")])
    result = run("check", file)
    assert result.exit_code == 0
    for line in (
        "  6  Planning application 26/00117/FUL: twelve flats at the old cannery  "
        "[quasi-judicial; report of 107 words]",
        "  9  Lease of the harbour kiosk  [closed; 1 paper sealed]",
        "Roster    7 members, 1 absent",
        "  Dick Penhallow (Independent, Marsh Lane): dickpenhallow.example (bluesky, personal)",
        "  Simon Alder (Town Clerk)",
    ):
        assert line in result.stdout.split("\n")
    assert result.stderr == (
        f"\nWorth a look (1):\n  {file}: the window is over: followed live, nothing would come. Check the dates.\n"
    )


def test_the_check_remarks_on_seals_that_fit_no_closed_item(tmp_path: Path) -> None:
    file = example_meeting(tmp_path)
    CliRunner().invoke(cli, ["seal", str(file), "9", str(file.parent / "closed" / "item-9.txt")])
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('number = "9"', 'number = "10"'), encoding="utf-8")
    assert "has a paper of item 9, which is not on the agenda." in run("check", file).stderr
    file.write_text(text.replace("closed = true", "closed = false"), encoding="utf-8")
    assert "has a paper of item 9, which is not marked closed." in run("check", file).stderr
    file.with_name("meeting.seal-key").chmod(0o644)
    assert "chmod 600" in run("check", file).stderr


def test_the_check_says_the_same_as_json(tmp_path: Path) -> None:
    good = run("check", rules_dir() / "example_meeting" / "meeting.toml", "--json")
    said = json.loads(good.stdout)
    assert (good.exit_code, good.stderr, said["ok"], said["meeting"]["id"]) == (0, "", True, "example")
    assert {"place", "message", "mend"} == set(said["remarks"][0])
    file = tmp_path / "m.toml"
    file.write_text(SHORTEST.replace("title", "titel"), encoding="utf-8")
    bad = run("check", file, "--json")
    assert bad.exit_code == 2
    assert json.loads(bad.stdout) == {
        "ok": False,
        "problems": [
            {
                "place": f"{file}:3: meeting.titel",
                "message": "is not a key known here.",
                "mend": "Did you mean “title”?",
            },
            {
                "place": f"{file}:13: item[1].titel",
                "message": "is not a key known here.",
                "mend": "Did you mean “title”?",
            },
        ],
    }


def test_a_meeting_that_cannot_be_followed_does_not_pass_the_check(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(SHORTEST.split("[[source]]")[0], encoding="utf-8")
    result = run("check", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{file}: names no feed, so nothing can be followed. Add a [[source]].\n"


def test_the_program_itself_tells_mistakes_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(SHORTEST.replace("ventnor", "ventor").replace("[window]", "[windw]"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "feedmon", "meeting", "check", file], capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"{file}:4: meeting.packs[1]: “ventor” is no pack of rules. Did you mean “ventnor”?",
        f"{file}:8: windw: is not a key known here. Did you mean “window”?",
    ]
