"""``feedmon demo`` as a newcomer runs it, without a terminal: every stage works, and the exit code says so."""

from __future__ import annotations

import re
from pathlib import Path

from feedmon.journal import open_readonly, verify
from feedmon.model.decisions import DecisionKind, in_force
from feedmon.model.entries import ChairSaw, Decided
from tests.service.test_run import said


async def test_the_demo_runs_headless_and_leaves_journal_and_review_log_where_it_says(tmp_path: Path) -> None:
    """Each flag is a line; one is dismissed, one told to the chair, who sees it; what must stand stands; exit 0."""
    code, out, err = await said("demo", "--speed", 200, cwd=tmp_path)
    assert (code, err) == (0, "")
    flags = re.findall(r"^19:\d\d:\d\d  (notice|warning|critical) +.+\(possible .+\): .+: “.+”$", out, re.MULTILINE)
    assert len(flags) >= 11
    assert "1 dismissed, 1 told to the chair and 1 seen by the chair" in out
    journal, review = (tmp_path / name for name in re.findall(r"^(?:Journal|Review log): (\S+)", out, re.MULTILINE))
    assert "possible" in review.read_text("utf-8")
    assert verify(journal).whole
    with open_readonly(journal) as reader:
        entries = [one.entry for one in reader.history()]
    decisions = in_force(entry.decision for entry in entries if isinstance(entry, Decided))
    assert {decision.kind for decision in decisions} == {DecisionKind.DISMISS, DecisionKind.TELL_CHAIR}
    assert sum(isinstance(entry, ChairSaw) for entry in entries) == 1


async def test_the_demo_overwrites_nothing(tmp_path: Path) -> None:
    """A folder that is there already is refused, in one line."""
    code, out, err = await said("demo", "--headless", "--out", tmp_path, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "is there already" in err
