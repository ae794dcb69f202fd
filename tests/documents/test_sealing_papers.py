"""Sealing closed papers: the fingerprints are kept, whole and private; the paper is not, anywhere."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from feedmon.cli import cli
from feedmon.documents.seals import key_file, load_seals, seal_paper, seals_file
from feedmon.judgement.sealing import Fingerprints
from feedmon.judgement.text import read
from tests.documents.papers import example_meeting, problems_of

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX systems")


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    return example_meeting(tmp_path)


@pytest.fixture
def paper(meeting: Path) -> Path:
    return meeting.parent / "closed" / "item-9.txt"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["seal", *map(str, arguments)])


def another(meeting: Path, number: int) -> Path:
    file = meeting.parent / f"paper-{number}.txt"
    chance = random.Random(number)
    file.write_text(" ".join("".join(chance.choices("abcdefgh", k=5)) for _ in range(40)), encoding="utf-8")
    return file


def test_the_command_keeps_fingerprints_that_find_a_leak_and_says_what_it_kept(meeting: Path, paper: Path) -> None:
    result = run(meeting, "9", paper)
    assert result.exit_code == 0, result.output
    ((seal,), key) = load_seals(meeting)
    assert result.stdout.split("\n") == [
        f"Sealed for item 9 “Lease of the harbour kiosk”: {seal.words} words.",
        f"Kept      {seals_file(meeting)}: {len(seal.runs)} fingerprints of words, {len(seal.figures)} of figures, "
        f"{len(seal.names)} of names.",
        f"Key       {key_file(meeting)}: made now; readable by you alone. Keep it with the meeting file.",
        f"Not kept  the paper's words. {paper} was read, and neither copied nor changed.",
        "",
    ]
    prints = Fingerprints([seal], key)
    assert prints.leaks(read("hear the Gannet Coffee Company offered £11,750 a year"))
    assert not prints.leaks(read("Item 9 now: the lease of the harbour kiosk, in private"))


def test_no_word_of_the_paper_is_left_in_any_file_or_message(meeting: Path, paper: Path) -> None:
    before = {file: file.read_bytes() for file in meeting.parent.rglob("*") if file.is_file()}
    output = run(meeting, "9", paper).output
    left = {file: file.read_bytes() for file in meeting.parent.rglob("*") if file.is_file()}
    assert {file.name for file in left.keys() - before.keys()} == {"meeting.seals.json", "meeting.seal-key"}
    assert {file: data for file, data in left.items() if file in before} == before
    said = output + "".join(left[file].decode() for file in left.keys() - before.keys())
    for word in ("Gannet", "Driftwood", "11,750", "11750", "asbestos", "arrears"):
        assert word not in said


@posix
def test_both_files_are_the_owners_alone_and_an_open_key_is_refused(meeting: Path, paper: Path) -> None:
    run(meeting, "9", paper)
    key = key_file(meeting)
    assert [file.stat().st_mode & 0o777 for file in (key, seals_file(meeting))] == [0o600, 0o600]
    key.chmod(0o640)
    result = run(meeting, "9", paper)
    assert result.exit_code == 2
    assert result.stderr == (
        f"{key}: may be read by others, who could then test guesses at the closed papers. "
        f"Make it yours alone: chmod 600 {key}\n"
    )
    assert load_seals(meeting)[1] is not None
    key.write_text(f"# published\n{key.read_text()}", encoding="utf-8")
    assert run(meeting, "9", paper).exit_code == 0


def test_sealing_again_changes_nothing_another_paper_adds_and_replace_stands_alone(meeting: Path, paper: Path) -> None:
    first = seal_paper(meeting, "9", paper, NOW)
    again = seal_paper(meeting, " 9. ", paper, NOW)
    assert (first.papers, first.was_there, first.key_made) == (1, False, True)
    assert (again.papers, again.was_there, again.key_made) == (1, True, False)
    assert load_seals(meeting)[0] == (first.seal,)
    assert seal_paper(meeting, "9", another(meeting, 1), NOW).papers == 2
    result = run(meeting, "9", another(meeting, 2))
    assert "This item now has 3 sealed papers" in result.stderr
    assert run(meeting, "9", another(meeting, 2), "--replace").exit_code == 0
    assert [seal.words for seal in load_seals(meeting)[0]] == [40]


def test_what_cannot_be_sealed_is_refused_and_leaves_nothing_behind(meeting: Path, paper: Path) -> None:
    (meeting.parent / "short.txt").write_text("Too few words.", encoding="utf-8")
    (meeting.parent / "paper.docx").write_bytes(b"PK\x03\x04")
    (meeting.parent / "paper.txt").write_bytes(b"PK\x03\x04")
    (meeting.parent / "latin.txt").write_bytes("Caf\xe9 Gannet".encode("latin-1"))
    folder = meeting.parent
    for item, file, words in [
        ("4", paper, "item 4 “Budget and precept 2026-27” is not marked closed"),
        ("44", paper, "has no item “44”. Its closed items: 9 “Lease of the harbour kiosk”."),
        ("9", folder / "none.txt", "is not there."),
        ("9", folder / "none.pdf", "is not there."),
        ("9", folder / "short.txt", "cannot be sealed: the paper has only 3 words"),
        ("9", folder / "paper.docx", "ends in “.docx”; papers are read as .txt or .md. Save the paper as plain text"),
        ("9", folder / "paper.txt", "is a word processor's file or an archive."),
        ("9", folder / "latin.txt", "is not in UTF-8 from this line on."),
        ("9", folder / "reports" / "item-4.txt", "so there is nothing to seal."),
    ]:
        result = run(meeting, item, file)
        assert result.exit_code == 2
        assert words in result.stderr
        assert "Gannet" not in result.output
    assert not key_file(meeting).exists()
    assert load_seals(meeting) == ((), None)


def test_seals_and_key_that_cannot_be_used_are_told_with_the_mend(meeting: Path, paper: Path) -> None:
    seal_paper(meeting, "9", paper, NOW)
    digits, seals = key_file(meeting).read_text(encoding="utf-8"), seals_file(meeting).read_bytes()
    key_file(meeting).unlink()
    assert "without it the seals cannot be compared" in problems_of(lambda: load_seals(meeting))[0]
    assert "without it the seals cannot be compared" in run(meeting, "9", paper).stderr
    assert not key_file(meeting).exists()
    for spoilt in ("", digits[:-2], "zz" * 32, digits + digits):
        key_file(meeting).write_text(spoilt, encoding="utf-8")
        (problem,) = problems_of(lambda: load_seals(meeting))
        assert "is not a key: 64 hexadecimal digits" in problem
        assert digits.strip()[:20] not in problem
    key_file(meeting).write_text(digits, encoding="utf-8")
    for torn in (b"", b"{}", seals[:-40], b'[{"item": "9"}]', b"[" * 100_000):
        seals_file(meeting).write_bytes(torn)
        assert "is not a list of seals" in problems_of(lambda: load_seals(meeting))[0]


def test_files_that_cannot_be_written_are_told_so(meeting: Path, paper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run(meeting, "9", paper)
    assert result.exit_code == 2
    assert "cannot be written: no space left on device." in result.stderr
    assert not [file for file in meeting.parent.iterdir() if "seal" in file.name]


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    script = f"import sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n\
from feedmon.documents.seals import seal_paper\nmeeting = Path(sys.argv[1])\n{code}"
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@posix
def test_two_who_seal_at_the_same_moment_lose_nothing(meeting: Path) -> None:
    papers = [another(meeting, number) for number in range(12)]
    code = "for paper in sys.argv[2:]: seal_paper(meeting, '9', Path(paper), datetime.now(UTC))"
    both = [child(code, meeting, *papers[:6]), child(code, meeting, *papers[6:])]
    assert [each.wait() for each in both] == [0, 0]
    for each in both:
        each.communicate()
    assert len(load_seals(meeting)[0]) == 12


@pytest.mark.fault
@posix
def test_being_killed_at_any_moment_loses_no_seal_that_was_acknowledged(meeting: Path) -> None:
    papers = [another(meeting, number) for number in range(200)]
    code = (
        "for paper in sys.argv[2:]:\n"
        "    seal_paper(meeting, '9', Path(paper), datetime.now(UTC), alone=False)\n"
        "    print(paper, flush=True)"
    )
    done = 0
    for turn in range(6):
        process = child(code, meeting, *papers[done:])
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(turn).uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        done += 1 + len(process.communicate()[0].splitlines())
        assert len(load_seals(meeting)[0]) >= done
    for left in meeting.parent.glob(".meeting.seals.json.new"):
        assert left.stat().st_mode & 0o777 == 0o600
