"""The sources panel: how each feed is doing, when it last gave a sign of life, and where there are gaps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from feedmon.wire import Gap, SourceState
from tui import words
from tui.model.desk import Desk
from tui.signs import CONDITION
from tui.text import line
from tui.widgets.still import Still

_EMPTY = "No source has reported yet. Each feed appears here as soon as the service turns to it."


class Sources(VerticalScroll):
    """Shows every source, its gaps and its faults."""

    def compose(self) -> ComposeResult:
        yield Still(id="feeds")

    def show(self, desk: Desk, now: datetime, zone: tzinfo) -> None:
        """Draw this state."""
        lines = [text for state in desk.sources.values() for text in _source(state, desk, now, zone)]
        if not lines:
            lines = [Content.styled(_EMPTY, "$quiet")]
        if desk.counts.skipped:
            lines.append(Content.styled(f"{desk.counts.skipped} posts skipped: outside the window", "$quiet"))
        self.query_one("#feeds", Still).put(Content("\n").join(lines))


def _source(state: SourceState, desk: Desk, now: datetime, zone: tzinfo) -> Iterable[Content]:
    sign = CONDITION[state.condition]
    yield Content.assemble(sign.content, f"  {line(state.name, 40)}")
    if state.why:
        yield _note(line(state.why, 120))
    if state.last_sign is not None:
        yield _note(f"last sign {words.age(now - state.last_sign)} ago")
    if state.last_post is not None:
        yield _note(f"last post for us {words.age(now - state.last_post)} ago")
    for gap in desk.gaps.values():
        if gap.source == state.name:
            yield _gap(gap, zone)
    for fault in desk.faults.values():
        if fault.source == state.name:
            yield _note(f"{fault.count} unusable: {line(fault.what, 60)}")


def _note(text: str) -> Content:
    return Content.styled(f"  {text}", "$quiet")


def _gap(gap: Gap, zone: tzinfo) -> Content:
    stretch = f"{words.second(gap.start, zone)}–{words.second(gap.end, zone)}"
    if gap.filled:
        return _note(f"gap {stretch}, replayed since")
    return Content.styled(f"  ✕ gap {stretch}, not seen", "$sev-warning")
