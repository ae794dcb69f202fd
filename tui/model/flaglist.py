"""Which flags the list shows, in which order, and where the cursor is. Plain values; the widget only draws them.

The clerk's eye is on a row while messages arrive, so messages never move it: what is new goes below, what another
desk handled or a corrected mark cleared stays where it is until the clerk next chooses what to show. Only the
clerk's own acts take rows away or bring them back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from feedmon.wire import FlagView
from tui.model.desk import Desk


class Showing(StrEnum):
    """Which flags the list shows."""

    STANDING = "standing"
    HANDLED = "handled"
    ALL = "all"

    @property
    def following(self) -> Showing:
        """The next choice round."""
        order = list(Showing)
        return order[(order.index(self) + 1) % len(order)]


class FlagList:
    """The shown rows (flag ids, oldest first), the cursor, and which rows the clerk has not had on screen yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.rows: list[str] = []
        self.cursor: str | None = None
        self.unseen: set[str] = set()
        self.showing = Showing.STANDING
        self.show(Showing.STANDING)

    @property
    def index(self) -> int:
        """The cursor's row, or -1 when nothing is shown."""
        return self.rows.index(self.cursor) if self.cursor is not None else -1

    def show(self, showing: Showing) -> None:
        """Show these flags, in order; the cursor stays on its flag when that is still shown."""
        self.showing = showing
        before = self.index
        self.rows = [view.flag.id for view in sorted(self._desk.flags(), key=_raised) if self._fits(view)]
        self.unseen.intersection_update(self.rows)
        if self.cursor not in self.rows:
            self._land(before)

    def follow(self) -> None:
        """Bring the rows up to what the desk now knows, without moving what the clerk is looking at."""
        views = {view.flag.id: view for view in self._desk.flags()}
        before = self.index
        self.rows = [row for row in self.rows if row in views and not self._done_with(views[row])]
        self.unseen.intersection_update(self.rows)
        shown = set(self.rows)
        for view in sorted((v for v in views.values() if v.flag.id not in shown and self._fits(v)), key=_raised):
            if self._by_own_hand(view):
                self._put_back(view, views)
            else:
                self.rows.append(view.flag.id)
                self.unseen.add(view.flag.id)
        if self.cursor not in self.rows:
            self._land(before)

    def move(self, by: int) -> None:
        """Move the cursor by so many rows, as far as there are any."""
        if self.rows:
            self.cursor = self.rows[min(max(self.index + by, 0), len(self.rows) - 1)]

    def select(self, row: int) -> None:
        """Put the cursor on a row."""
        if 0 <= row < len(self.rows):
            self.cursor = self.rows[row]

    def seen(self, rows: Iterable[str]) -> bool:
        """These rows have been on screen. Whether that was news."""
        before = len(self.unseen)
        self.unseen.difference_update(rows)
        return len(self.unseen) != before

    def select_unseen(self) -> None:
        """Put the cursor on the first row that has not been on screen yet."""
        self.select(next((index for index, row in enumerate(self.rows) if row in self.unseen), -1))

    def _fits(self, view: FlagView) -> bool:
        if self.showing is Showing.ALL:
            return True
        return not view.flag.quiet and self._desk.stands(view) == (self.showing is Showing.STANDING)

    def _done_with(self, view: FlagView) -> bool:
        return view.cleared is None and not self._fits(view) and self._by_own_hand(view)

    def _by_own_hand(self, view: FlagView) -> bool:
        said = self._desk.last_said(view.flag.id)
        return said is not None and said.id.startswith(self._desk.own)

    def _put_back(self, view: FlagView, views: dict[str, FlagView]) -> None:
        """A flag the clerk has just brought back goes to its own place, and the cursor to it."""
        before = (i for i, row in enumerate(self.rows) if _raised(views[row]) > _raised(view))
        self.rows.insert(next(before, len(self.rows)), view.flag.id)
        self.cursor = view.flag.id

    def _land(self, index: int) -> None:
        """The cursor's row went: what stands in its place has it now, or the last row."""
        self.cursor = self.rows[min(max(index, 0), len(self.rows) - 1)] if self.rows else None


def _raised(view: FlagView) -> tuple[datetime, str]:
    return view.flag.raised_at, view.flag.id
