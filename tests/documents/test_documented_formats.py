"""What feedmon/docs/formats.md shows is true: its examples are read, and it names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import feedmon
from feedmon.documents.meeting_file import load_meeting, read_meeting
from feedmon.documents.meeting_tables import TABLES, AccountTable
from feedmon.documents.neutral import read_marks, read_posts
from feedmon.model.posts import Post
from feedmon.model.timeline import Mark, MarkKind

PAGE = (Path(feedmon.__file__).parent / "docs" / "formats.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_meeting_files_shown_can_be_followed_and_leave_no_key_out(tmp_path: Path) -> None:
    shortest, whole = blocks("toml")
    file = tmp_path / "meeting.toml"
    for text in (shortest, whole):
        file.write_text(text, encoding="utf-8")
        assert load_meeting(file, to_follow=True)
    assert read_meeting(file).remarks == ()
    written = set(re.findall(r"(\w+) = ", whole))
    for table in (*TABLES.values(), AccountTable):
        keys = {field.encode_name for field in msgspec.structs.fields(table)} - {"report"}
        assert keys <= written


@pytest.mark.parametrize(("kind", "read", "word"), [("posts", read_posts, Post), ("marks", read_marks, Mark)])
def test_the_lines_shown_are_read_and_every_key_is_described(
    tmp_path: Path, kind: str, read: object, word: type[msgspec.Struct]
) -> None:
    (text,) = blocks(f"jsonl {kind}")
    file = tmp_path / "lines.jsonl"
    file.write_text(text, encoding="utf-8")
    assert callable(read)
    assert len(read(file)) == text.count("\n")
    for name in (*word.__struct_fields__, *(MarkKind if word is Mark else ())):
        assert f"`{name}`" in PAGE
