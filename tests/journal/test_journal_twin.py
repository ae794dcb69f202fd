"""Random acts on a real journal and on a plain list; after each, the two must agree and the journal verify."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from feedmon.journal import Journal, open_readonly, verify
from feedmon.model.entries import Entry
from tests.journal.samples import TestClock
from tests.journal.strategies import entries

meetings = st.sampled_from(["june", "july", "ä-1.x_2"])
batches = st.lists(st.tuples(meetings, entries), max_size=3)
cursors = st.dictionaries(st.sampled_from(["bluesky", "rss"]), st.text(st.characters(exclude_categories=["Cs"])))


class JournalAndTwin(RuleBasedStateMachine):
    """The twin is a list of (meeting, entry or None once erased), a dictionary of cursors, and heads noted earlier."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "a.db"
        self.loop = asyncio.new_event_loop()
        self.clock = TestClock()
        self.journal = Journal.open(self.path, self.clock)
        self.kept: list[tuple[str, Entry | None]] = []
        self.cursors: dict[str, str] = {}
        self.noted: list[tuple[int, str]] = []

    @rule(appends=st.lists(st.tuples(batches, cursors), min_size=1, max_size=4))
    def append(self, appends: Sequence[tuple[list[tuple[str, Entry]], dict[str, str]]]) -> None:
        """Several appends at once, each answered with the number of its last entry."""

        async def at_once() -> list[int]:
            return await asyncio.gather(*(self.journal.append(batch, moved) for batch, moved in appends))

        numbers = self.loop.run_until_complete(at_once())
        for (batch, moved), number in zip(appends, numbers, strict=True):
            self.kept.extend(batch)
            self.cursors.update(moved)
            assert number == len(self.kept)

    @rule()
    def note_the_head(self) -> None:
        head = self.journal.head()
        if head.seq:
            self.noted.append((head.seq, head.digest))

    @rule(which=st.integers(0, 10))
    def erase(self, which: int) -> None:
        """What a later retention does: the one change that is allowed."""
        if which < len(self.kept):
            with closing(sqlite3.connect(self.path, isolation_level=None)) as outsider:
                outsider.execute("DELETE FROM contents WHERE seq = ?", [which + 1])
            self.kept[which] = (self.kept[which][0], None)

    @rule()
    def close_and_open(self) -> None:
        self.loop.run_until_complete(self.journal.close())
        self.journal = Journal.open(self.path, self.clock)

    @invariant()
    def agree(self) -> None:
        with open_readonly(self.path) as reader:
            recorded = list(reader.history())
            assert [(each.meeting, each.entry) for each in recorded] == self.kept
            assert [each.seq for each in recorded] == list(range(1, len(self.kept) + 1))
            assert reader.meetings() == tuple(dict.fromkeys(meeting for meeting, _ in self.kept))
            for meeting in reader.meetings():
                assert list(reader.history(meeting)) == [each for each in recorded if each.meeting == meeting]
            assert {name: value for name in ("bluesky", "rss") if (value := reader.cursor(name)) is not None} == (
                self.cursors
            )
        found = verify(self.path)
        assert found.whole, found.problems
        assert found.erased == sum(entry is None for _, entry in self.kept)
        for number, digest in self.noted:
            assert verify(self.path, digest).noted_at == number

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.loop.run_until_complete(self.journal.close())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.folder)


TestJournalAndTwin = JournalAndTwin.TestCase
TestJournalAndTwin.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
