"""The form for a post from where no feed reaches: seen on Facebook, shown on a telephone. Nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from feedmon.wire import MediaKind, Meeting
from tui import words
from tui.model.capture import Draft
from tui.screens.questions import Question, keys
from tui.screens.wordings import Wording
from tui.signs import REFUSED, WAITING, Sign
from tui.text import line


class Capture(Question[Draft]):
    """Asks for one post. ``give`` is called with what stands there, and answers by :meth:`say` or by closing the form.

    Backing out gives what was typed, so that it can be there again next time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "give", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]

    def __init__(self, meeting: Meeting, draft: Draft, give: Callable[[Capture, Draft], None]) -> None:
        super().__init__("Capture a post by hand")
        self._meeting, self._draft, self._give = meeting, draft, give

    def inside(self) -> ComposeResult:
        draft = self._draft
        roster = [(Content(line(member.name, 60)), member.id) for member in self._meeting.members]
        kinds = [(Content(said), kind) for kind, said in words.MEDIA.items()]
        yield _row(
            "Where", _input("where", draft.where, "facebook"), "Who", _input("who", draft.who, "name shown there")
        )
        yield _row(
            "When", _input("when", draft.when, "now, or 19:42"), "Link", _input("link", draft.url, "if it has one")
        )
        yield _row(
            "Member",
            _select("member", roster, draft.member, "not a member's account"),
            "With",
            _select("media", kinds, draft.media, "text alone"),
        )
        yield Wording(draft.text, placeholder=Content("What it says"))
        yield Static(id="answer", markup=False)
        yield keys(("Tab", "next field"), ("Ctrl+S", "capture it (in the text, Enter does)"), ("Esc", "not now"))

    def on_mount(self) -> None:
        """Begin where the first thing is lacking."""
        for field in self.query(Input):
            field.cursor_blink = False
        text = self.query_one(Wording)
        text.cursor_blink = False
        text.move_cursor(text.document.end)
        if self._draft.where:
            (self.query_one("#who") if not self._draft.who else text).focus()

    @property
    def typed(self) -> Draft:
        """What stands in the form."""
        values = {field.id: field.value for field in self.query(Input)}
        return Draft(
            where=values["where"],
            who=values["who"],
            when=values["when"],
            url=values["link"],
            text=self.query_one(Wording).text,
            member=_chosen(self.query_one("#member", Select)),
            media=MediaKind(kind) if (kind := _chosen(self.query_one("#media", Select))) else None,
        )

    def say(self, sign: Sign, told: str) -> None:
        """Tell what became of it; everything typed stays."""
        if self.is_attached:
            self.query_one("#answer", Static).update(
                Content.assemble((f"{sign.glyph} ", sign.style), line(told, 300)), layout=True
            )

    def refused(self, why: str) -> None:
        """It was not taken, and why."""
        self.say(REFUSED, why)

    def waiting(self, what: str) -> None:
        """It is on its way."""
        self.say(WAITING, what)

    def taken(self, draft: Draft) -> None:
        """It is in the journal: the form has done its work, unless something else stands in it by now."""
        if self.is_attached and self.typed == draft:
            self.dismiss(None)

    def on_input_submitted(self) -> None:
        """On to the next field."""
        self.focus_next()

    def on_wording_given(self) -> None:
        """Enter in the text gives the post."""
        self.action_give()

    def action_give(self) -> None:
        """Give the post."""
        self._give(self, self.typed)

    def action_back(self) -> None:
        """Leave; what was typed is kept."""
        self.dismiss(self.typed)


def _row(first: str, one: Widget, second: str, other: Widget) -> Horizontal:
    labels = (Static(Content(f"{name:<8}"), classes="name", markup=False) for name in (first, second))
    return Horizontal(next(labels), one, next(labels), other, classes="fields")


def _input(id: str, value: str, placeholder: str) -> Input:
    return Input(value, placeholder, id=id, compact=True, select_on_focus=False, max_length=4000)


def _select(id: str, options: Iterable[tuple[Content, str]], value: str | None, prompt: str) -> Select[str]:
    known = list(options)
    start = value if value in {option for _, option in known} else Select.NULL
    return Select(known, prompt=prompt, value=start, id=id, compact=True)


def _chosen(select: Select[str]) -> str | None:
    return select.value if isinstance(select.value, str) else None
