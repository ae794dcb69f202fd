"""Files that are not what they should be: one plain word, never a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feedmon.documents.bundled import pack_ids, rules_dir
from feedmon.documents.files import read_text, shown
from tests.documents.papers import problems_of


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("title".encode("utf-16"), "is in UTF-16, not UTF-8."),
        ("a title".encode("utf-16-be"), "holds zero bytes"),
        (b"ok\nna\xefve", "2: is not in UTF-8 from this line on."),
        (b"\x00\xff\x01", "is not text."),
        (b"PK\x03\x04....", "is a word processor's file or an archive."),
        (b"{\\rtf1 text}", "is rich text."),
        (b"\xd0\xcf\x11\xe0....", "is an old word processor's file."),
        (b"x" * 101, "is larger than 0.0001 MB"),
    ],
)
def test_what_is_not_plain_text_in_utf8_is_refused_with_the_mend(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "paper.txt"
    file.write_bytes(data)
    (problem,) = problems_of(lambda: read_text(file, most=100))
    assert words in problem


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "paper.txt"
    file.write_text("words", encoding="utf-8-sig")
    assert read_text(file) == "words"


def test_a_path_that_leads_to_no_file_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "meeting.toml").touch()
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    assert problems_of(lambda: read_text(tmp_path / "none")) == [
        f"{tmp_path / 'none'}: is not there. Check the name and the folder."
    ]
    assert f"Did you mean “{tmp_path / 'meeting.toml'}”?" in problems_of(lambda: read_text(tmp_path))[0]
    assert "leads back to itself" in problems_of(lambda: read_text(tmp_path / "ring"))[0]
    assert "cannot be read" in problems_of(lambda: read_text(Path("a\0b")))[0]
    assert "cannot be read" in problems_of(lambda: read_text(tmp_path / ("x" * 5000)))[0]
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        assert "not an ordinary file" in problems_of(lambda: read_text(tmp_path / "pipe"))[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "paper.txt"
    file.touch(mode=0o200)
    assert "may not be read by you" in problems_of(lambda: read_text(file))[0]


def test_other_peoples_words_are_shown_on_one_line_with_nothing_invisible() -> None:
    assert shown("a\x1b[2J\nb\u202ec\u2028d\ud800") == "a�[2J�b�c�d�"
    assert shown("x" * 200) == "x" * 79 + "…"


def test_feedmons_own_data_is_found_wherever_it_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"ventnor", "neddc", "dover"} <= set(pack_ids())
    wheel = tmp_path / "site-packages" / "feedmon"
    (wheel / "_bundled" / "rules").mkdir(parents=True)
    monkeypatch.setattr("feedmon.documents.bundled._PACKAGE", wheel)
    assert rules_dir() == wheel / "_bundled" / "rules"
    monkeypatch.setattr("feedmon.documents.bundled._PACKAGE", tmp_path / "lost" / "feedmon")
    assert "Install feedmon anew." in problems_of(rules_dir)[0]
