"""Short questions, asked on a sheet that rises from the bottom so that the post stays in sight. Escape backs out."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from feedmon.wire import DismissReason, Meeting
from tui import words
from tui.signs import REASONS
from tui.text import line

T = TypeVar("T")


class Question(ModalScreen[T | None], Generic[T]):
    """A question with a title and a sheet; answered by ``dismiss``, with None when the clerk backs out."""

    CSS_PATH = "questions.tcss"
    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield Static(Content(self._title), classes="title", markup=False)
            yield from self.inside()

    def inside(self) -> ComposeResult:
        """What the sheet holds under its title."""
        yield from ()

    def action_back(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


def keys(*pairs: tuple[str, str]) -> Static:
    """A line of keys and what they do, for the foot of a sheet."""
    parts = [Content.assemble((key, "$primary bold"), f" {what}") for key, what in pairs]
    return Static(Content("   ").join(parts), classes="keys", markup=False)


class Confirm(Question[bool]):
    """A yes or no about something that has no undo. The key that asked says yes too."""

    def __init__(self, title: str, why: str, key: str, yes: str) -> None:
        super().__init__(title)
        self._why, self._key, self._yes = why, key, yes

    def inside(self) -> ComposeResult:
        yield Static(Content(self._why), markup=False)
        yield keys((self._key, self._yes), ("Enter", self._yes), ("Esc", "not now"))

    def on_key(self, event: events.Key) -> None:
        """Take the answer."""
        if event.character == self._key or event.key in ("enter", "y"):
            event.stop()
            self.dismiss(True)
        elif event.key == "n":
            event.stop()
            self.dismiss(None)


class Reason(Question[DismissReason]):
    """Why a flag is dismissed: one letter."""

    def __init__(self) -> None:
        super().__init__("Dismiss: why?")

    def inside(self) -> ComposeResult:
        rows = [Content.assemble((f" {key} ", "$primary bold"), f" {said}") for key, said in REASONS.values()]
        yield Static(Content("\n").join(rows), markup=False)
        yield keys(("Esc", "do not dismiss"))

    def on_key(self, event: events.Key) -> None:
        """Take the reason its letter names."""
        for reason, (key, _) in REASONS.items():
            if event.character == key:
                event.stop()
                self.dismiss(reason)


def item_options(meeting: Meeting) -> list[Option]:
    """The agenda's items as options; those without a number cannot be marked and are left out."""
    width = max((len(line(item.number, 10)) for item in meeting.items), default=0)
    return [
        Option(Content(f"{line(item.number, 10):<{width}}  {words.title(item)}"), id=str(index))
        for index, item in enumerate(meeting.items)
        if item.number
    ]


class PickItem(Question[str]):
    """Which item begins."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "app.simulate_key('down')", show=False),
        Binding("k", "app.simulate_key('up')", show=False),
    ]

    def __init__(self, meeting: Meeting, current: str | None) -> None:
        super().__init__("Which item begins?")
        self._meeting, self._current = meeting, current

    def inside(self) -> ComposeResult:
        yield OptionList(*item_options(self._meeting), markup=False, compact=True)
        yield keys(("↑ ↓", "choose"), ("Enter", "it begins now"), ("Esc", "not now"))

    def on_mount(self) -> None:
        """Begin at the item being taken."""
        options = self.query_one(OptionList)
        numbers = [item.number for item in self._meeting.items if item.number]
        options.highlighted = numbers.index(self._current) if self._current in numbers else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The clerk chose."""
        self.dismiss(self._meeting.items[int(event.option.id or 0)].number)
