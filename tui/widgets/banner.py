"""A line under the header that is there while what the screen shows may not be the whole truth."""

from __future__ import annotations

from datetime import datetime, tzinfo

from textual.content import Content

from tui import words
from tui.link import Condition, LinkState
from tui.model.desk import Desk
from tui.text import line
from tui.widgets.still import Still


class Banner(Still):
    """Says that the link is lost, that it is refused, or that following has ended; otherwise it is not there."""

    def show(self, link: LinkState, since: datetime | None, unsent: int, desk: Desk, zone: tzinfo) -> None:
        """Draw this state. ``since`` is when the link went, by the meeting's time."""
        text = _words(link, since, unsent, desk, zone)
        self.display = bool(text)
        self.set_class(link.condition is Condition.REFUSED, "-refused")
        self.set_class(link.condition is Condition.LIVE, "-ended")
        self.put(Content(text))


def _words(link: LinkState, since: datetime | None, unsent: int, desk: Desk, zone: tzinfo) -> str:
    at = f" at {words.second(since, zone)}" if since else ""
    waiting = f" {_acts(unsent)} kept and sent then." if unsent else ""
    if link.condition is Condition.REFUSED:
        return f"✕ The link is refused. {link.why} Press q to leave."
    if link.condition is Condition.LOST and desk.ended:
        why = line(desk.ended.why).rstrip(".") or "it said goodbye"
        return f"✕ The service has stopped{at}: {why}. The desk joins again if it comes back.{waiting}"
    if link.condition is Condition.LOST:
        return f"✕ Link lost{at} ({link.why}). You see what was so then. Joining again by itself.{waiting}"
    if desk.ended:
        when, why = words.hour(desk.ended.at, zone), line(desk.ended.why).rstrip(".")
        return f"– Following ended at {when}{f': {why}' if why else ''}. You can still decide."
    return ""


def _acts(count: int) -> str:
    return "1 act of yours is" if count == 1 else f"{count} acts of yours are"
