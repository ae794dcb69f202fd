"""The top of the desk: the glance word, what it counts, where the meeting is, and the meeting's own time."""

from __future__ import annotations

from datetime import datetime, tzinfo

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from feedmon.wire import Moment, Phase, Severity
from tui import words
from tui.model.desk import Desk
from tui.model.glance import Glance, Word
from tui.signs import ADJOURNED, ASKED, CLOSED, EXCLUDED, NOT_OPENED, SEVERITY, SUSPENDED, Sign
from tui.text import line
from tui.widgets.bigword import big
from tui.widgets.still import Still


class Header(Horizontal):
    """Shows the glance state; three rows high, five where there is room."""

    def compose(self) -> ComposeResult:
        yield Still(id="glance")
        yield Still(id="count")
        yield Still(id="title")

    def show(self, glance: Glance, desk: Desk, now: datetime, zone: tzinfo, narrow: bool) -> None:
        """Draw this state."""
        word = self.query_one("#glance", Still)
        word.put(big(glance.word))
        for other in Word:
            word.set_class(other is glance.word, f"-{other}")
        where = _where(desk, desk.moment(now), now)
        clock = Content.styled(words.second(now, zone), "bold")
        rows = [_counts(glance, now), where]
        if narrow:
            rows.append(Content.assemble(clock, f"  {line(f'{desk.meeting.title}, {desk.meeting.council.name}', 60)}"))
        else:
            rows.insert(1, _rest(glance, desk))
            whose = f"{line(desk.meeting.title, 40)}\n{line(desk.meeting.council.name, 40)}\n"
            self.query_one("#title", Still).put(Content.assemble(whose, f"{words.day(now, zone)}  ", clock))
        self.query_one("#count", Still).put(Content("\n").join(rows))


def _counts(glance: Glance, now: datetime) -> Content:
    total = sum(glance.new.values())
    if not total:
        return Content(f"{words.first_up(glance.why)}." if glance.why else "Nothing waits for you.")
    kinds = [
        Content.styled(
            f"{SEVERITY[kind].glyph} {glance.new[kind]} {_many(kind, glance.new[kind])}", SEVERITY[kind].style
        )
        for kind in reversed(Severity)
        if glance.new.get(kind)
    ]
    oldest = f"   oldest {words.age(now - glance.oldest)}" if glance.oldest else ""
    return Content.assemble(Content("  ").join(kinds), oldest)


def _many(kind: Severity, count: int) -> str:
    word = SEVERITY[kind].word
    return f"{word}s" if count > 1 and kind in (Severity.NOTICE, Severity.WARNING) else word


def _rest(glance: Glance, desk: Desk) -> Content:
    seen = desk.counts
    parts = [
        f"{glance.kept} kept for later" if glance.kept else "",
        f"{glance.handled} handled" if glance.handled else "",
        f"{seen.members_posts + seen.public_posts} posts, {seen.members_posts} by members",
    ]
    text = " · ".join(filter(None, parts))
    return Content.styled(text, "$quiet")


def _where(desk: Desk, moment: Moment, now: datetime) -> Content:
    """Where the meeting is; what is out of the ordinary comes first, so that a narrow screen cannot cut it."""
    signs = [sign for so, sign in room_signs(moment) if so]
    match moment.phase:
        case Phase.NOT_STARTED:
            place = NOT_OPENED.content
        case Phase.ENDED:
            place = Content.styled(f"{CLOSED.glyph} meeting closed", CLOSED.style)
        case Phase.ADJOURNED:
            since = f" {words.taken(now - moment.phase_since)}" if moment.phase_since else ""
            place = Content.styled(f"{ADJOURNED.glyph} adjourned{since}", ADJOURNED.style)
        case Phase.IN_SESSION if moment.item is None:
            place = Content("Sitting, between items")
        case _:
            item = words.first_up(words.item(moment.item, desk.meeting))
            place = Content.assemble((words.taken(desk.timeline.time_on(moment.item or "", now)), "bold"), f"  {item}")
    return Content("   ").join([*(sign.content for sign in signs), place])


def room_signs(moment: Moment) -> tuple[tuple[bool, Sign], ...]:
    """What may be out of the ordinary in the room, and whether it is."""
    return (
        (moment.closed_session, EXCLUDED),
        (moment.recording_suspended, SUSPENDED),
        (moment.asked_not_to_post, ASKED),
    )
