"""The desk itself: it hears the service, keeps the state, and lays the panels out. It draws and decides nothing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Iterator
from datetime import datetime
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from feedmon.wire import FlagRaised, FlagView, MarkMade, Message, Snapshot, SourceChanged
from tui import keys, words
from tui.acts import Acts, own_prefix
from tui.clock import MeetingClock, Ticks, zone_of
from tui.link import Condition, Link, LinkState
from tui.model import agenda
from tui.model.desk import Desk
from tui.model.discretion import Discretion
from tui.model.flaglist import FlagList, Showing
from tui.model.glance import Glance, Word, glance
from tui.screens.calm import Calm
from tui.screens.questions import Question
from tui.signs import GLANCE, HINT, Sign
from tui.widgets.agenda import Agenda
from tui.widgets.banner import Banner
from tui.widgets.detail import Detail
from tui.widgets.flags import Face, FlagTable
from tui.widgets.foot import Foot, Say
from tui.widgets.header import Header
from tui.widgets.sources import Sources

T = TypeVar("T")

_COALESCE = 0.1
"""Seconds within which messages share one drawing."""

_VIEWS = ("detail", "agenda", "sources")
"""What a small screen shows below the list, one at a time."""


class DeskScreen(Screen[None]):
    """One meeting at one desk."""

    CSS_PATH = "desk.tcss"
    AUTO_FOCUS = "#flags"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(act.keys, f"act('{act.id}')", act.help, id=act.id, show=False) for act in keys.ACTS
    ]

    def __init__(
        self, snapshot: Snapshot, link: Link, ticks: Ticks, stops_service: bool, discretion: Discretion
    ) -> None:
        super().__init__()
        self.desk = Desk(snapshot, own_prefix(), discretion)
        self.flags = FlagList(self.desk)
        self.link = link
        self._clock = MeetingClock(snapshot.now, snapshot.rate, ticks)
        self.zone = zone_of(snapshot.meeting.timezone)
        self._acts = Acts(self, stops_service)
        self._lost_at: datetime | None = None
        self._faces: dict[str, Face] = {}
        self._drawn_at = 0.0
        self._drawing: asyncio.TimerHandle | None = None
        self._word: str | None = None
        self._titles: dict[Widget, str] = {}
        self._in_view = asyncio.Event()
        self._in_view.set()

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield Banner(id="banner")
        with Grid(id="body"):
            yield FlagTable(id="flags")
            yield Detail(id="detail")
            yield Agenda(id="agenda")
            yield Sources(id="sources")
        yield Say(id="say")
        yield Foot(id="foot")

    def on_mount(self) -> None:
        """Begin to listen, and to tick."""
        self.query_one("#agenda").border_title = "Agenda"
        self.query_one("#sources").border_title = "Sources"
        self.add_class("-view-detail")
        self.set_interval(1.0, self.repaint)
        self.run_worker(self.link.run(self._hear, self._link_changed), name="link")

    def on_screen_resume(self) -> None:
        """A question was answered: what it covered is drawn again."""
        self.repaint()

    def on_resize(self) -> None:
        """The breakpoints have just been settled; draw what depends on them."""
        self.call_after_refresh(self.repaint)

    # What the acts need (tui.acts.Hands)

    def now(self) -> datetime:
        """The meeting's present instant."""
        return self._clock.now()

    def say(self, sign: Sign, words: str) -> None:
        """Tell the clerk what an act came to."""
        if self._open:
            self.query_one(Say).say(sign, words)

    async def ask(self, question: Question[T]) -> T | None:
        """Put a question to the clerk; None when they back out."""
        await self.in_view()
        return await self.app.push_screen_wait(question)

    async def in_view(self) -> None:
        """Wait while the screen shows nothing but calm."""
        await self._in_view.wait()

    def go_on(self, doing: Coroutine[None, None, None]) -> None:
        """Do something that outlives the question it was begun in."""
        self.run_worker(doing, group="acts")

    async def leave(self) -> None:
        """Close the desk."""
        self.app.exit()

    # What the keys do

    def situation(self) -> keys.Situation:
        """What decides which acts make sense now."""
        desk, cursor, now = self.desk, self.flags.cursor, self.now()
        return keys.Situation(
            moment=desk.moment(now),
            flag=desk.flag(cursor),
            state=desk.state(cursor) if cursor is not None else None,
            undo=desk.undoable(cursor),
            undo_mark=desk.undoable_mark(),
            next_item=agenda.next_item(desk, now),
            has_items=any(item.number for item in desk.meeting.items),
            showing=self.flags.showing,
            unseen=len(self.flags.unseen),
            narrow=self.has_class("-narrow"),
            covered=desk.has_covered(cursor),
            lifted=desk.discretion.lifted,
        )

    def action_act(self, act_id: str) -> None:
        """Do an act, or say why it makes no sense now."""
        if hindrance := keys.act(act_id).hindrance(self.situation()):
            self.say(HINT, hindrance)
            return
        doing = getattr(self, f"do_{act_id}", None) or getattr(self._acts, act_id)
        if inspect.isawaitable(result := doing()):
            self.run_worker(result, name=act_id, group="acts")

    def do_up(self) -> None:
        """The flag before."""
        self._move(-1)

    def do_down(self) -> None:
        """The next flag."""
        self._move(1)

    def do_first(self) -> None:
        """The first flag."""
        self._move(-len(self.flags.rows))

    def do_last(self) -> None:
        """The last flag."""
        self._move(len(self.flags.rows))

    def do_unseen(self) -> None:
        """The first flag not yet on screen."""
        self.flags.select_unseen()
        self._read_from_top()

    def do_filter(self) -> None:
        """The next choice of which flags to show."""
        self.flags.show(self.flags.showing.following)
        self._read_from_top()

    def do_unveil(self) -> None:
        """Show what is covered, or cover it again."""
        self.desk.discretion.ask(self.flags.cursor)
        self.repaint()

    def do_blank(self) -> None:
        """Show nothing but calm until a key is pressed."""
        if not self.desk.discretion.blank:
            self.run_worker(self._stay_calm(), group="calm")

    async def _stay_calm(self) -> None:
        self.desk.discretion.blank = True
        self._in_view.clear()
        self.repaint()
        await self.app.push_screen_wait(Calm(lambda: words.second(self.now(), self.zone)))
        self.desk.discretion.blank = False
        self._in_view.set()
        self.repaint()

    def do_page_down(self) -> None:
        """Read on."""
        self.query_one(Detail).scroll_page_down(animate=False)

    def do_page_up(self) -> None:
        """Read back."""
        self.query_one(Detail).scroll_page_up(animate=False)

    def do_read(self) -> None:
        """Give the flag the arrows, and on a small screen the room."""
        self._view("detail")
        self.add_class("-reading")
        self.query_one(Detail).focus()

    def do_back(self) -> None:
        """Back to the list."""
        self.query_one(Say).hush()
        self.remove_class("-reading")
        self._view("detail")
        self.query_one(FlagTable).focus()

    def do_view(self) -> None:
        """The next thing to show below the list."""
        shown = next(view for view in _VIEWS if self.has_class(f"-view-{view}"))
        self._view(_VIEWS[(_VIEWS.index(shown) + 1) % len(_VIEWS)])
        self.repaint()

    def on_flag_table_picked(self, event: FlagTable.Picked) -> None:
        """A row was clicked."""
        self.flags.select(event.row)
        self._read_from_top()

    def on_flag_table_scrolled(self) -> None:
        """Rows came into view: they are no longer unseen."""
        if self._note_seen():
            self.repaint()

    def _view(self, chosen: str) -> None:
        for view in _VIEWS:
            self.set_class(view == chosen, f"-view-{view}")

    def _move(self, by: int) -> None:
        self.flags.move(by)
        self._read_from_top()

    def _read_from_top(self) -> None:
        self.query_one(Detail).scroll_home(animate=False)
        self.repaint()

    # What the service says

    def _hear(self, message: Message) -> None:
        if isinstance(message, Snapshot):
            self._clock.set(message.now, message.rate)
            self.zone = zone_of(message.meeting.timezone)
        for instant in _instants(message):
            self._clock.heard(instant)
        self.desk.apply(message)
        self._repaint_soon()

    def _link_changed(self, state: LinkState) -> None:
        if state.condition is Condition.LIVE:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = self.now()
        self._repaint_soon()

    # Drawing

    @property
    def _open(self) -> bool:
        """Whether there is a screen to draw on: an answer may still come while the desk is closing."""
        return self.is_mounted and self.is_attached and self.app.is_running

    def _repaint_soon(self) -> None:
        """Draw at once after a calm, else together with what else arrives in the next moment."""
        if self._drawing is None:
            loop = asyncio.get_running_loop()
            wait = max(self._drawn_at + _COALESCE - loop.time(), 0.0)
            self._drawing = loop.call_later(wait, lambda: self.call_next(self.repaint))

    def repaint(self) -> None:
        """Draw what is so now."""
        if not self._open:
            return
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None
        self._drawn_at = asyncio.get_running_loop().time()
        desk, now, zone, narrow = self.desk, self.now(), self.zone, self.has_class("-narrow")
        moment = desk.moment(now)
        at_a_glance = glance(desk, self.link.state.condition in (Condition.LIVE, Condition.JOINING))
        self.flags.follow()
        desk.discretion.settle(self.flags.cursor)
        self.query_one(Header).show(at_a_glance, desk, now, zone, narrow)
        self.query_one(Banner).show(self.link.state, self._lost_at, self.link.unsent, desk, zone)
        table = self.query_one(FlagTable)
        table.show([self._face(flag_id) for flag_id in self.flags.rows], self.flags.index, self._why_empty())
        self._note_seen()
        unseen = f"  [$sev-notice bold]+{len(self.flags.unseen)} new below[/]" if self.flags.unseen else ""
        self._entitle(table, f"Flags: {self.flags.showing} {len(self.flags.rows)}{unseen}")
        detail = self.query_one(Detail)
        detail.show(desk.shown(self.flags.cursor), desk, zone)
        place = f" {self.flags.index + 1} of {len(self.flags.rows)}" if self.flags.rows else ""
        self._entitle(detail, f"Flag{place}")
        self.query_one(Agenda).show(moment, agenda.rows(desk, now), zone)
        self.query_one(Sources).show(desk, now, zone)
        self.query_one(Foot).show(self.situation())
        self._title(at_a_glance)

    def _entitle(self, panel: Widget, title: str) -> None:
        """Give a panel its heading; setting one draws the panel anew, so only when it is another."""
        if self._titles.get(panel) != title:
            self._titles[panel] = panel.border_title = title

    def _title(self, now: Glance) -> None:
        blank = self.desk.discretion.blank
        sign, count = (GLANCE[Word.CLEAR], 0) if blank else (GLANCE[now.word], sum(now.new.values()))
        title = f"{sign.glyph} {sign.word}{f' {count}' if count else ''}"
        if title != self._word:
            self._word = self.title = self.app.title = title

    def _note_seen(self) -> bool:
        rows = self.flags.rows
        return self.flags.seen(rows[row] for row in self.query_one(FlagTable).rows_in_view if row < len(rows))

    def _face(self, flag_id: str) -> Face:
        view, state = self.desk.shown(flag_id), self.desk.state(flag_id)
        if view is None:
            raise KeyError(flag_id)
        sending = any(self.desk.is_pending(made.id) for made in view.decisions)
        known = self._faces.get(flag_id)
        if known is None or known.view != view or known.state is not state or known.sending is not sending:
            who = words.author(view.post, self.desk.meeting, view.flag.member, 40)
            seen = words.hour(view.seen_by_chair_at, self.zone) if view.seen_by_chair_at else ""
            known = Face(view, state, who, words.hour(view.post.observed_at, self.zone), sending, seen)
            self._faces[flag_id] = known
        return known

    def _why_empty(self) -> Content:
        if self.flags.showing is Showing.HANDLED:
            text = "Nothing handled yet.\n\nFlags you dismiss, confirm or tell the chair of are kept here. f shows all."
        elif self.flags.showing is Showing.ALL:
            text = "No flag tonight.\n\nEvery flag, handled or not, will be here."
        elif any(True for _ in self.desk.flags()):
            text = "Nothing waits for you.\n\nNew flags appear here by themselves. f shows the handled ones."
        else:
            text = (
                "No flag so far.\n\nA flag appears here when a member's post may touch a clause. Until then, mark the "
                "meeting as it goes: n when the next item begins. Posts are judged by what is so in the room."
            )
        return Content.styled(text, "$quiet")


def _instants(message: Message) -> Iterator[datetime]:
    """Instants that a message speaks of as past."""
    match message:
        case FlagRaised(view=FlagView(flag=flag)):
            yield flag.raised_at
        case MarkMade(mark=mark):
            yield mark.said_at
        case SourceChanged(state=state):
            yield state.last_sign or state.since
