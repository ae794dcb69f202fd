"""Posts and marks from plain files: what outsiders write is read, and every mistake is told with its line."""

from __future__ import annotations

import io
import os
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.documents.bundled import rules_dir
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.neutral import read_marks, read_posts
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.model.problems import BadInput
from feedmon.model.timeline import Mark, MarkKind
from tests.documents.papers import problems_of

LEAST = '"observed_at": "2026-03-05T19:02:00Z", "network": "bluesky", "author": "a.example", "text": "hello"'
AT = datetime(2026, 3, 5, 19, 2, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "posts.jsonl"


def told(file: Path, *lines: str) -> list[str]:
    file.write_text("\n".join(lines), encoding="utf-8")
    return [problem.removeprefix(f"{file}:") for problem in problems_of(lambda: read_posts(file))]


def test_the_least_a_post_can_say_is_enough(file: Path) -> None:
    file.write_text(f'\n  \n{{"id": "1", {LEAST}}}\n\n', encoding="utf-8")
    assert read_posts(file) == (
        Post(network="bluesky", id="1", author=Author("a.example"), text="hello", observed_at=AT),
    )


def test_short_forms_stand_for_long_ones(file: Path) -> None:
    file.write_text(
        '{"id": "1", "observed_at": "2026-03-05T20:02:00+01:00", "network": "bluesky", "author": "did:plc:a", '
        '"text": "", "reply_to": "@b.example", "quote": "at://did:plc:b/app.bsky.feed.post/1", "thread": null, '
        '"mentions": ["did:plc:c", {"handle": "d.example", "post": "2"}], "media": ["image", {"kind": "gif"}], '
        '"hashtags": ["#Saltmarsh"], "likes": 7, "reposts": null}',
        encoding="utf-8",
    )
    (post,) = read_posts(file)
    assert post == Post(
        network="bluesky",
        id="1",
        author=Author("did:plc:a", "did:plc:a"),
        text="",
        observed_at=AT,
        reply_to=Target("b.example"),
        quote=Target(post="at://did:plc:b/app.bsky.feed.post/1"),
        mentions=(Target(id="did:plc:c"), Target("d.example", post="2")),
        media=(Media(MediaKind.IMAGE), Media(MediaKind.GIF)),
        hashtags=("Saltmarsh",),
    )


def test_every_mistake_in_every_line_is_told_at_once(file: Path) -> None:
    assert told(
        file,
        f'{{"id": "1", {LEAST}}}',
        '{"id": 2, "observed_at": "2026-03-05T19:02:00", "network": "bluesky", "author": {"name": "x"}, '
        '"replyTo": "x"}',
        "",
        f'{{"id": "1", {LEAST.replace("hello", "goodbye")}, "media": ["imag"], "quote": {{}}}}',
        f'{{"id": "4", {LEAST},',
        f'{{"id": "5", {LEAST.replace("a.example", "@")}, "links": "http://x", "mentions": [3, []], "hashtag": ["a"]}}',
        "3",
    ) == [
        "2: replyTo: is not a key known here. Did you mean “reply_to”?",
        '2: id: should be text in quotes, not the number 2. Put it in quotes: "2".',
        "2: author.handle: is missing.",
        '2: text: is missing. For instance: "text": "Item 4 now."',
        "2: observed_at: does not say its time zone. Add Z for UTC, or an offset: "
        "2026-03-05T19:02:00Z or 2026-03-05T19:02:00+01:00.",
        "4: media[1]: “imag” is not one of its choices. Did you mean “image”?",
        "4: quote: Names nobody; give its handle, id or post.",
        "4: id: this id is that of another post on line 1. "
        'If it is an edit of that one, give it a "version" of its own.',
        "5: is not JSON: Input data was truncated. Each line is one object: {…}.",
        "6: hashtag: is not a key known here. Did you mean “hashtags”?",
        "6: author: must not be empty.",
        '6: links: should be a list, not the text “http://x”. Put it in square brackets: ["http://x"].',
        '6: mentions[1]: should be text in quotes, not the number 3. Put it in quotes: "3".',
        "6: mentions[2]: should be text in quotes or an object, not a list.",
        "7: should be an object, not the number 3.",
    ]


def test_json_that_is_not_one_object_a_line_is_recognised(file: Path) -> None:
    assert told(file, "[", f'  {{"id": "1", {LEAST}}}', "]") == [
        "1: begins JSON that goes over several lines. Write one object on each line."
    ]
    assert told(file, f'[{{"id": "1", {LEAST}}}]') == [
        "1: is one list of everything. Write each of its objects on a line of its own."
    ]
    assert "nested too deep" in told(file, "[" * 100_000)[0]
    assert len(told(file, *["x"] * 1000)) == 51


def test_posts_come_from_standard_input_and_from_pipes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f'{{"id": "1", {LEAST}}}\n'.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line + b"{}")))
    assert problems_of(lambda: read_posts(Path("-")))[0].startswith("standard input:2: id: is missing.")
    if os.name == "posix":
        os.mkfifo(file)
        writer = threading.Thread(target=file.write_bytes, args=(line,))
        writer.start()
        assert len(read_posts(file)) == 1
        writer.join()


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abc.-", min_size=1, max_size=8)
targets = st.builds(Target, names, st.none() | words, st.none() | words)
instants = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]),
)
posts = st.builds(
    Post,
    network=names,
    id=names,
    author=st.builds(Author, names, st.none() | words, words),
    text=words,
    observed_at=instants,
    version=words,
    received_at=st.none() | instants,
    links=st.lists(words, max_size=2).map(tuple),
    media=st.lists(st.builds(Media, st.sampled_from(MediaKind), words), max_size=2).map(tuple),
    mentions=st.lists(targets, max_size=2).map(tuple),
    reply_to=st.none() | targets,
    thread=st.none() | targets,
    source=words,
)


@given(st.lists(posts, max_size=4, unique_by=lambda post: (post.network, post.id, post.version)))
def test_any_post_written_out_in_full_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, many: list[Post]
) -> None:
    file = tmp_path_factory.getbasetemp() / "all.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, many)))
    assert read_posts(file) == tuple(many)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words | st.just("2026-03-05T19:02:00Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Post.__struct_fields__, *Mark.__struct_fields__, "handle"]), inner, max_size=8
        )
    ),
    max_leaves=20,
)


@given(st.lists(json_values.map(msgspec.json.encode) | st.binary(max_size=20), max_size=4))
def test_any_lines_are_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    file.write_bytes(b"\n".join(lines))
    for read in (read_posts, read_marks):
        try:
            read(file)
        except BadInput as bad:
            assert all(str(problem).isprintable() for problem in bad.problems)  # noqa: PT017


def test_marks_go_by_their_lines_and_may_correct_each_other(file: Path) -> None:
    file.write_text(
        '{"kind": "opened", "at": "2026-03-05T19:02:00Z"}\n\n'
        '{"id": "x", "kind": "item_started", "item": "4", "at": "2026-03-05T20:02:00+01:00", "by": "deputy"}\n'
        '{"kind": "withdrawn", "at": "2026-03-05T19:02:00Z", "supersedes": "1", "note": null}\n',
        encoding="utf-8",
    )
    assert read_marks(file) == (
        Mark(id="1", kind=MarkKind.OPENED, at=AT),
        Mark(id="x", kind=MarkKind.ITEM_STARTED, item="4", at=AT, by="deputy"),
        Mark(id="4", kind=MarkKind.WITHDRAWN, at=AT, supersedes="1"),
    )


def test_every_mistake_in_marks_is_told_at_once(file: Path) -> None:
    meeting = load_meeting(rules_dir() / "example_meeting" / "meeting.toml")
    file.write_text(
        "\n".join([
            '{"kind": "item_start", "at": "2026-03-05T19:02:00Z"}',
            '{"kind": "item_started", "at": "2026-03-05T19:02:00Z"}',
            '{"id": "5", "kind": "item_started", "item": "44", "at": "2026-03-05T19:02:00Z", "lkes": 1}',
            '{"kind": "member_left", "member": "priya-sandu", "at": "2026-03-05T19:02"}',
            '{"kind": "member_left", "member": "priya-sandu", "at": "2026-03-05T19:02Z"}',
            '{"id": "m6", "kind": "closed", "at": "2026-03-05T21:02Z", "supersedes": "m7"}',
        ]),
        encoding="utf-8",
    )  # fmt: skip
    assert [problem.removeprefix(f"{file}:") for problem in problems_of(lambda: read_marks(file, meeting))] == [
        "1: kind: “item_start” is not one of its choices. Did you mean “item_started”?",
        "2: a mark “item_started” needs the item it is about.",
        "3: lkes: is not a key known here. Use one of: at, by, entered_at, id, item, kind, member, note, supersedes.",
        "3: item: the agenda has no item “44”. Did you mean “4”?",
        "4: at: does not say its time zone. Add Z for UTC, or an offset: "
        "2026-03-05T19:02:00Z or 2026-03-05T19:02:00+01:00.",
        "5: id: “5” is the mark on line 3 already.",
        "5: member: the roster has no member “priya-sandu”. Did you mean “priya-sandhu”?",
        "6: supersedes: there is no mark “m7” in this file. Use one of: 5, m6.",
    ]
