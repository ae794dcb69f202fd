"""The help page: every key, from the one table, and what the signs mean, from the other."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.keys import ACTS, Group
from tui.model.glance import Word
from tui.screens.questions import Question, keys
from tui.signs import CONDITION, GLANCE, SEVERITY

_WHAT = (
    "feedmon reads the posts of the meeting's members while it sits and raises flags. A flag is a suggestion, never a "
    "finding: “possible, clause N, for review”. You look, and you decide; everything you do can be taken back."
)

_GLANCE = {
    Word.CLEAR: "nothing waits for you",
    Word.LOOK: "something is worth a look when you have a moment, or a source is not received",
    Word.ACT: "a fact stands behind a flag that may need the chair now",
    Word.LOST: "the desk has lost the service and cannot say",
    Word.OFF: "nothing is being followed",
}

_TITLES = {
    Group.FLAG: "The flag under the cursor",
    Group.ROOM: "The room: mark what happens, as it happens",
    Group.DESK: "The desk",
    Group.MOVE: "Moving about",
}


class Help(Question[None]):
    """Shows all keys and signs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1,enter", "back", show=False),
        Binding("j", "app.simulate_key('down')", show=False),
        Binding("k", "app.simulate_key('up')", show=False),
        Binding("space", "app.simulate_key('pagedown')", show=False),
        Binding("b", "app.simulate_key('pageup')", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("How the desk works")

    def inside(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Content(_WHAT), markup=False)
            for group, title in _TITLES.items():
                yield Static(_table(title, [(a.shown, "$primary bold", a.help) for a in ACTS if a.group is group]))
            yield Static(_table("The word at the top", [(GLANCE[w].word, "bold", said) for w, said in _GLANCE.items()]))
            signs = Content("   ").join([sign.content for sign in SEVERITY.values()])
            conditions = Content("   ").join([sign.content for sign in CONDITION.values()])
            yield Static(_section("How soon to look, least first", signs))
            yield Static(_section("How a source is doing", conditions))
        yield keys(("↑ ↓", "read on"), ("Esc", "back to the meeting"))


def _section(title: str, inside: Content) -> Content:
    return Content.assemble("\n", (title, "bold"), "\n", inside)


def _table(title: str, rows: list[tuple[str, str, str]]) -> Content:
    lines = [Content.assemble((f"{key:<7}", style), text) for key, style, text in rows]
    return _section(title, Content("\n").join(lines))
