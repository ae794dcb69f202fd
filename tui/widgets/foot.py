"""The bottom of the desk: what the last act came to, and the keys that make sense now."""

from __future__ import annotations

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
        always = [_key(act, self._now) for act in ACTS if act.always_shown]
        first = _fit(Group.FLAG, self._now, self.size.width, always)
        second = _fit(Group.ROOM, self._now, self.size.width, [_key(a, self._now) for a in _desk_acts(self._now)])
        self.put(Content("\n").join([first, second]))


def _desk_acts(now: Situation) -> list[Act]:
    return [act for act in ACTS if act.group is Group.DESK and not act.always_shown and not act.hindrance(now)]


def _fit(group: Group, now: Situation, width: int, tail: list[Content]) -> Content:
    """The group's name, as many of its keys as fit, and the tail at the right edge."""
    end = Content("  ").join(tail)
    fitted = Content.styled(f"{group:<4} ", "$quiet")
    for act in ACTS:
        if act.group is not group or act.hindrance(now):
            continue
        key = Content.assemble(" ", _key(act, now), " ")
        if fitted.cell_length + key.cell_length + end.cell_length + 1 > width:
            break
        fitted = fitted + key
    return Content.assemble(fitted.extend_right(max(width - fitted.cell_length - end.cell_length, 0)), end)


def _key(act: Act, now: Situation) -> Content:
    pressed = f"@click=screen.act('{act.id}')"
    return Content.assemble((act.shown, f"$primary bold {pressed}"), (f" {act.label(now)}", pressed))
