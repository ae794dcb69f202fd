"""The named views show what a person looks for, and are all told of in the journal's page."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.journal import Journal, verify
from feedmon.journal.views import VIEWS
from feedmon.model.decisions import Decision, DecisionKind, DismissReason
from feedmon.model.entries import (
    ChairSaw,
    Decided,
    Entry,
    FlagCleared,
    FlagRaised,
    GapRecorded,
    Marked,
    MeetingPrepared,
    PostCaptured,
    PostRemoved,
    SourceReported,
)
from feedmon.model.flags import Basis, Flag, Severity
from feedmon.model.meeting import Council, Meeting, Window
from feedmon.model.sourcestate import Gap, SourceCondition, SourceState
from feedmon.model.timeline import Mark, MarkKind, Moment, Timeline
from tests.journal.samples import NOON, TestClock, captured


def journal_of(path: Path, *entries: Entry, meeting: str = "june") -> None:
    async def write() -> None:
        async with Journal.open(path, TestClock()) as journal:
            await journal.append([(meeting, entry) for entry in entries])

    asyncio.run(write())


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def flag(identity: str, post: PostCaptured, severity: Severity = Severity.NOTICE) -> Flag:
    return Flag(
        id=identity,
        rule="ventnor.off-topic",
        kind="off_topic",
        pack="ventnor",
        pack_hash="cafe",
        clauses=("5.1.d",),
        title="Posts should be about the business of the meeting",
        severity=severity,
        basis=Basis.READING,
        score=0.8,
        reason="Nothing in it is about an item of this agenda.",
        post=post.post.key,
        version="",
        moment=Moment(at=NOON),
        raised_at=NOON,
        member="tobias-renfrew",
    )


def test_flags_decisions_and_what_the_chair_was_told(tmp_path: Path) -> None:
    path, first, second = tmp_path / "a.db", captured(1), captured(2)
    told = Decision(id="d2", flag="f2", kind=DecisionKind.TELL_CHAIR, at=NOON, words="Please keep to the item.")
    dismissed = Decision(
        id="d1", flag="f1", kind=DecisionKind.DISMISS, at=NOON, reason=DismissReason.HUMOUR, by="deputy"
    )
    journal_of(
        path,
        first,
        FlagRaised(flag("f1", first)),
        second,
        FlagRaised(flag("f2", second)),
        Decided(dismissed),
        Decided(told),
        FlagRaised(flag("f2", second, Severity.WARNING)),
        ChairSaw(flag="f2", at=NOON + timedelta(seconds=9)),
        FlagCleared(flag="f1", why="the item was already being taken"),
        PostRemoved(key=second.post.key, observed_at=NOON),
    )
    assert rows(path, "SELECT flag, severity FROM flags_raised") == [
        ("f1", "notice"), ("f2", "notice"), ("f2", "warning")]  # fmt: skip
    assert rows(path, "SELECT flag, severity, post FROM flags_standing") == [("f2", "warning", second.post.id)]
    assert rows(path, "SELECT flag, why FROM flags_cleared") == [("f1", "the item was already being taken")]
    assert rows(path, "SELECT decision, flag, decision_kind, decided_by, reason FROM decisions_made") == [
        ("d1", "f1", "dismiss", "deputy", "humour"), ("d2", "f2", "tell_chair", "clerk", None)]  # fmt: skip
    assert rows(path, "SELECT flag, title, words, seen_at FROM what_the_chair_was_told") == [
        ("f2", "Posts should be about the business of the meeting", told.words, "2026-03-05T12:00:09Z")]  # fmt: skip
    assert rows(path, "SELECT author, member, text FROM posts_kept WHERE post = '" + first.post.id + "'") == [
        ("renfrew.example", "tobias-renfrew", first.post.text)]  # fmt: skip
    assert rows(path, "SELECT post FROM posts_kept NATURAL JOIN (SELECT network, post FROM posts_deleted)") == [
        (second.post.id,)]  # fmt: skip


def test_sources_gaps_and_the_meeting(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    meeting = Meeting(
        id="june",
        title="Full Council",
        council=Council(name="Saltmarsh Town Council"),
        packs=("ventnor",),
        window=Window(NOON, NOON + timedelta(hours=2)),
    )
    lost = Gap(source="bluesky", start=NOON, end=NOON + timedelta(minutes=1), filled=False, why="the network was gone")
    journal_of(
        path,
        MeetingPrepared(meeting=meeting, packs=(), program="feedmon 0.1.0", digest="beef"),
        SourceReported(SourceState(name="bluesky", condition=SourceCondition.LIVE, since=NOON)),
        SourceReported(SourceState(name="bluesky", condition=SourceCondition.LOST, since=NOON, why="no answer")),
        GapRecorded(lost),
        GapRecorded(Gap(source="rss", start=NOON, end=NOON, filled=False)),
        GapRecorded(Gap(source="bluesky", start=NOON, end=lost.end, filled=True, why="replayed")),
    )
    assert rows(path, "SELECT council, title, packs, meeting_file_digest FROM meetings_prepared") == [
        ("Saltmarsh Town Council", "Full Council", '["ventnor"]', "beef")]  # fmt: skip
    assert rows(path, "SELECT source, condition, why FROM sources_followed") == [("bluesky", "lost", "no answer")]
    assert rows(path, "SELECT source, filled, why FROM gaps") == [("rss", 0, ""), ("bluesky", 1, "replayed")]


@st.composite
def corrected_marks(draw: st.DrawFn) -> list[Mark]:
    """Marks of which some correct earlier ones, two may correct the same one, and one may correct an unknown one."""
    made: list[Mark] = []
    for number in range(draw(st.integers(1, 8))):
        supersedes = draw(st.none() | st.sampled_from([mark.id for mark in made] + ["unknown"]))
        kind = draw(st.sampled_from([MarkKind.OPENED, MarkKind.ADJOURNED] + [MarkKind.WITHDRAWN] * bool(supersedes)))
        at = NOON + timedelta(seconds=draw(st.integers(0, 5)))
        said = NOON + timedelta(seconds=draw(st.integers(0, 5)))
        made.append(Mark(id=f"m{number}", kind=kind, at=at, entered_at=said, supersedes=supersedes))
    return made


@settings(max_examples=30, deadline=None)
@given(corrected_marks())
def test_marks_in_force_agree_with_the_timeline(marks: list[Mark]) -> None:
    """However marks correct each other, the view and the program see the same ones in the same order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        journal_of(path, *map(Marked, marks))
        journal_of(path, Marked(marks[0]), meeting="july")
        in_force = [mark for (mark,) in rows(path, "SELECT mark FROM marks_in_force WHERE meeting = 'june'")]
    assert in_force == [mark.id for mark in Timeline(marks).marks]


PAGE = (resources.files("feedmon") / "docs" / "journal.md").read_text("utf-8")


def test_every_view_table_and_column_of_the_tables_is_told_of_in_the_page(tmp_path: Path) -> None:
    journal_of(tmp_path / "a.db", captured(1))
    for view in VIEWS:
        assert f"`{view}`" in PAGE, view
    for table in ("entries", "contents", "cursors"):
        assert f"`{table}`" in PAGE
        for _, column, *_ in rows(tmp_path / "a.db", f"PRAGMA table_info({table})"):
            assert f"`{column}`" in PAGE, column


def test_the_queries_of_the_page_run(tmp_path: Path) -> None:
    journal_of(tmp_path / "a.db", captured(1), FlagRaised(flag("f1", captured(1))))
    queries = [query for block in re.findall("```sql\n(.*?)```", PAGE, re.S) for query in block.split(";")[:-1]]
    assert len(queries) == 4
    assert rows(tmp_path / "a.db", queries[0]) == [
        (captured(1).post.text, "notice", "Nothing in it is about an item of this agenda.", None)]  # fmt: skip
    for query in queries:
        rows(tmp_path / "a.db", query)


def test_an_outsider_can_check_the_chain_with_the_recipe_of_the_page_alone(tmp_path: Path) -> None:
    """The page's own program agrees about the head, and stumbles where something was changed."""
    path = tmp_path / "a.db"

    async def write() -> None:
        async with Journal.open(path, TestClock()) as journal:
            await journal.append([("june", captured(1)), ("july", captured(2))], {"bluesky": "2"})
            await journal.append([("june", captured(3))], {"rss": "x\ny"})

    asyncio.run(write())
    (program,) = re.findall("```python\n(.*?)```", PAGE, re.S)
    check = [sys.executable, "-c", program, str(path)]
    head = verify(path).head
    assert subprocess.run(check, capture_output=True, text=True).stdout == f"{head.seq} {head.digest}\n"
    rows(path, "DELETE FROM contents WHERE seq = 2")
    assert subprocess.run(check, capture_output=True).returncode == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE cursors SET value = 'x' WHERE source = 'rss'")
    assert b"the cursor of rss was changed" in subprocess.run(check, capture_output=True).stderr
