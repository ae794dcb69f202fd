"""The agenda panel: where the meeting is, what is out of the ordinary in the room, and times taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from feedmon.wire import Moment, Phase
from tui import words
from tui.model.agenda import Place, Row
from tui.signs import ADJOURNED, CLOSED, NOT_OPENED, PLACE, SITTING
from tui.text import line
from tui.widgets.header import room_signs
from tui.widgets.still import Still

_PHASE = {
    Phase.NOT_STARTED: NOT_OPENED,
    Phase.IN_SESSION: SITTING,
    Phase.ADJOURNED: ADJOURNED,
    Phase.ENDED: CLOSED,
}

_EMPTY = "This meeting's file has no agenda items.\nWithout them, posts are not judged by the item being taken."


class Agenda(VerticalScroll):
    """Shows the agenda rows and keeps the item being taken in view."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._at = -1

    def compose(self) -> ComposeResult:
        yield Still(id="room")
        yield Still(id="items")

    def show(self, moment: Moment, rows: Sequence[Row], zone: tzinfo) -> None:
        """Draw this state."""
        self.query_one("#room", Still).put(_room(moment, zone))
        width = max((len(line(row.item.number, 10)) for row in rows), default=0)
        lines = [_line(row, width) for row in rows]
        self.query_one("#items", Still).put(Content("\n").join(lines) if lines else Content.styled(_EMPTY, "$quiet"))
        at = next((index for index, row in enumerate(rows) if row.place in (Place.NOW, Place.BROKEN_OFF)), -1)
        if at != self._at:
            self._at = at
            self.call_after_refresh(self._keep_in_view)

    def on_resize(self) -> None:
        """Keep the item in view in the new size; a hidden panel has none."""
        self._keep_in_view()

    def _keep_in_view(self) -> None:
        items = self.query_one("#items")
        height = self.scrollable_content_region.height
        if height < 2:
            return
        line_of = items.virtual_region.y + max(self._at, 0)
        if not self.scroll_offset.y <= line_of < self.scroll_offset.y + height - 1:
            self.scroll_to(y=max(line_of - height // 3, 0), animate=False)


def _room(moment: Moment, zone: tzinfo) -> Content:
    since = {
        "public excluded": moment.excluded_since,
        "recording suspended": moment.suspended_since,
        "asked not to post": moment.asked_since,
    }
    lines = [_state(_PHASE[moment.phase].content, moment.phase_since, zone)]
    lines += [_state(sign.content, since[sign.word], zone) for so, sign in room_signs(moment) if so]
    return Content("\n").join(lines)


def _state(sign: Content, since: datetime | None, zone: tzinfo) -> Content:
    return Content.assemble(sign, (f" since {words.hour(since, zone)}" if since else "", "$quiet"))


def _line(row: Row, width: int) -> Content:
    sign = PLACE[row.place]
    taken = words.taken(row.taken) if row.taken or row.place is Place.NOW else ""
    closed = Content.styled("closed: ", "$sev-warning") if words.prints_closed(row.item) else Content()
    style = sign.style if row.place is not Place.TO_COME else ""
    return Content.assemble(
        (f"{sign.glyph} {taken:>7}  ", style),
        (f"{line(row.item.number, 10):<{width}}  ", style),
        closed,
        (line(row.item.title, 120), style),
    )
