"""The list of flags, two lines each. It draws only the rows on screen, however many it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from feedmon.wire import FlagState, FlagView
from tui.signs import DELETED, SEVERITY, state_sign
from tui.text import preview

LINES = 2
"""How many lines a flag takes."""


class Face(NamedTuple):
    """What a row shows of a flag: equal faces look the same. ``seen`` is when the chair saw the last telling."""

    view: FlagView
    state: FlagState
    who: str
    time: str
    sending: bool
    seen: str = ""


class FlagTable(ScrollView, can_focus=True):
    """Shows faces, one under the cursor. Says :class:`Picked` when a row is clicked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"flags--row", "flags--cursor"}

    @dataclass
    class Picked(Message):
        """A row was clicked."""

        row: int

    class Scrolled(Message):
        """Other rows are on screen now."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._faces: Sequence[Face] = ()
        self._cursor = -1
        self._empty = Content()
        self._drawn: dict[tuple[int, bool, int], tuple[Face, list[Strip]]] = {}

    def show(self, faces: Sequence[Face], cursor: int, empty: Content) -> None:
        """Draw these faces, the cursor on row ``cursor`` (-1 for none); ``empty`` says why there are none."""
        if faces == self._faces and cursor == self._cursor and empty.is_same(self._empty):
            return
        moved = cursor != self._cursor or len(faces) != len(self._faces)
        self._faces, self._cursor, self._empty = faces, cursor, empty
        self._measure()
        if moved:
            self._keep_in_view()
        self.refresh()

    @property
    def rows_in_view(self) -> range:
        """The rows wholly on screen."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        return range(min(-(-top // LINES), len(self._faces)), min((top + height) // LINES, len(self._faces)))

    def render_line(self, y: int) -> Strip:
        """One line of the screen, padded to the width. Part of Textual's line interface."""
        width = self.scrollable_content_region.width
        base = self.get_visual_style("flags--row")
        if not self._faces:
            margin = Strip.blank(2, base.rich_style)
            lines = Visual.to_strips(self, self._empty, max(width - 4, 1), None, base, pad=True)
            return Strip.join([margin, lines[y], margin]) if y < len(lines) else Strip.blank(width, base.rich_style)
        row, part = divmod(y + self.scroll_offset.y, LINES)
        if row >= len(self._faces) or width < 1:
            return Strip.blank(width, base.rich_style)
        return self._row(row, width)[part]

    def notify_style_update(self) -> None:
        """The theme changed: what was drawn has the old colours."""
        super().notify_style_update()
        self._drawn.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell who asked which rows are on screen."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled())

    def on_resize(self) -> None:
        """Keep the cursor on screen in the new size."""
        self._measure()
        self._keep_in_view()
        self.post_message(self.Scrolled())

    def on_click(self, event: events.Click) -> None:
        """Say which row was clicked."""
        inside = event.get_content_offset(self)
        if inside is not None and (row := (inside.y + self.scroll_offset.y) // LINES) < len(self._faces):
            self.post_message(self.Picked(row))

    def _measure(self) -> None:
        """Take up the faces' height, with a spare line where that lets the view begin at a whole row."""
        width, height = self.scrollable_content_region.size
        self.virtual_size = Size(width, len(self._faces) * LINES + (height % LINES if self._faces else 0))

    def _keep_in_view(self) -> None:
        height = self.scrollable_content_region.height
        if self._cursor < 0 or height < LINES:
            return
        top = self._cursor * LINES
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif top + LINES > self.scroll_offset.y + height:
            self.scroll_to(y=-(-(top + LINES - height) // LINES) * LINES, animate=False)

    def _row(self, row: int, width: int) -> list[Strip]:
        face, chosen = self._faces[row], row == self._cursor
        key = (row, chosen, width)
        known = self._drawn.get(key)
        if known is not None and known[0] == face:
            return known[1]
        style = self.get_visual_style("flags--row", *(("flags--cursor",) if chosen else ()))
        content = Content("\n").join(_lines(face, chosen, width))
        strips = Visual.to_strips(self, content, width, LINES, style, pad=True)
        if len(self._drawn) > 4 * max(self.size.height, 50):
            self._drawn.clear()
        self._drawn[key] = face, strips
        return strips


def _lines(face: Face, chosen: bool, width: int) -> tuple[Content, Content]:
    """A flag's two lines, each exactly ``width`` cells or less."""
    flag, new = face.view.flag, face.state is FlagState.NEW and face.view.cleared is None
    sign = (
        SEVERITY[flag.severity] if new or face.state is FlagState.KEPT else SEVERITY[flag.severity]._replace(style="")
    )
    bar = ("▌", "$primary bold") if chosen else " "
    clause = f"  {', '.join(flag.clauses[:2])}{'…' if len(flag.clauses) > 2 else ''}"
    right = Content.assemble((clause, "$quiet"), f"  {face.time} ")
    left = Content.assemble(
        bar, Content.styled(f"{sign.glyph} {sign.word:<8}", sign.style), "  ", (face.who, "bold" if new else "")
    )
    room = max(width - right.cell_length, 0)
    first = Content.assemble(left.truncate(room, ellipsis=True).extend_right(max(room - left.cell_length, 0)), right)
    second = Content.assemble(bar, "  ", _note(face), preview(face.view.post.text, flag.spans).stylize_before("$quiet"))
    if not new and face.state is not FlagState.KEPT:
        first = first.stylize_before("$quiet")
    return first.truncate(width), second.truncate(width, ellipsis=True)


def _note(face: Face) -> Content:
    """What is to be known of the flag before its text: where it stands, that its post is gone, that we still send."""
    notes = []
    if face.sending:
        notes.append(Content.styled("… sending", "$sev-notice"))
    if face.state is not FlagState.NEW or face.view.cleared is not None:
        notes.append(state_sign(face.view, face.state).content)
    if face.seen:
        notes.append(Content.styled(f"✓ seen {face.seen}", "$good"))
    if face.view.edited_at is not None:
        notes.append(Content.styled("edited since", "$sev-notice"))
    if face.view.deleted_at is not None:
        notes.append(Content.styled(f"{DELETED.glyph} deleted", DELETED.style))
    return Content.assemble(Content(", ").join(notes), "  ") if notes else Content()
