"""The bottom of the desk: what the last act came to, and the keys that make sense now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

from tui.keys import ACTS, Act, Group, Situation
from tui.signs import Sign
from tui.text import line
from tui.widgets.still import Still


class Say(Still):
    """One line that tells what the last act came to, until the next."""

    def say(self, sign: Sign, words: str) -> None:
        """Tell this."""
        self.put(Content.assemble((f"{sign.glyph} ", sign.style), line(words, 300)))

    def hush(self) -> None:
        """Tell nothing."""
        self.put(Content())


class Foot(Still):
    """The keys of the flag and of the room, a line each, all read from the one table. They can be clicked."""

    auto_links = False  # a key looks like a key, not like a link

    _now: Situation | None = None

    def show(self, now: Situation) -> None:
        """Draw the keys for this situation."""
        self._now = now
        self._draw()

    def on_resize(self) -> None:
        """Fit the keys to the new width."""
        self._draw()

    def _draw(self) -> None:
        if self._now is None or not self.size.width:
            return
        flag, room, desk = (_keys(group, self._now) for group in (Group.FLAG, Group.ROOM, Group.DESK))
        if self._now.narrow:
            rows = [_Row(Group.FLAG, flag, []), _Row(Group.ROOM, room, []), _Row(Group.DESK, desk, [])]
        else:
            rows = [_Row(Group.FLAG, flag, desk[2:]), _Row(Group.ROOM, room, desk[:2])]
        width = self.size.width
        named = all(row.length(named=True) <= width for row in rows)
        self.put(Content("\n").join([row.drawn(width, named) for row in rows]))


class _Row(NamedTuple):
    """One line: the group's name where every row has room for it, its keys, and a tail at the right edge."""

    group: Group
    keys: Sequence[Content]
    tail: Sequence[Content]

    def length(self, *, named: bool) -> int:
        """Cells it takes, with a gap before the tail."""
        return self._left(named).cell_length + (self._right.cell_length + 3 if self.tail else 0)

    def drawn(self, width: int, named: bool) -> Content:
        """The line, exactly so wide."""
        left, right = self._left(named), self._right
        room = max(width - right.cell_length, 0)
        return Content.assemble(left.truncate(room).extend_right(max(room - left.cell_length, 0)), right)

    def _left(self, named: bool) -> Content:
        name = [Content.styled(f"{self.group:<4}", "$quiet")] if named else []
        return Content("  ").join([*name, *self.keys])

    @property
    def _right(self) -> Content:
        return Content("  ").join(self.tail)


def _keys(group: Group, now: Situation) -> list[Content]:
    """The group's keys that make sense now."""
    return [_key(act, now) for act in ACTS if act.group is group and not act.hindrance(now)]


def _key(act: Act, now: Situation) -> Content:
    pressed = f"@click=screen.act('{act.id}')"
    return Content.assemble((act.shown, f"$primary bold {pressed}"), (f" {act.label(now)}", pressed))
