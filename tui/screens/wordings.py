"""Questions whose answer is words: what the chair is told, what the council resolved. And the chair's link."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from feedmon.wire import FlagView, Meeting
from tui import words
from tui.screens.questions import Question, item_options, keys
from tui.signs import SEVERITY
from tui.text import line


class Wording(TextArea):
    """A few lines of words; enter gives them."""

    class Given(Message):
        """The clerk pressed enter."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Given())
            return
        await super()._on_key(event)


class Tell(Question[str]):
    """The words the chair is given, ready to be changed."""

    def __init__(self, view: FlagView) -> None:
        super().__init__("Tell the chair")
        self._view = view

    def inside(self) -> ComposeResult:
        flag, sign = self._view.flag, SEVERITY[self._view.flag.severity]
        yield Static(Content.assemble(sign.content, f"  {line(flag.title, 90)}: {words.standing(flag)}"), markup=False)
        yield Static(
            Content("The chair sees that line, the clause, and these words, which should name nobody:"),
            classes="label",
            markup=False,
        )
        yield Wording(flag.chair_words, placeholder=Content("Words the chair could read out"))
        yield Static(id="lacking", markup=False)
        yield keys(("Enter", "tell the chair"), ("Esc", "not now"))

    def on_mount(self) -> None:
        """Write on at the end of the ready words."""
        wording = self.query_one(Wording)
        wording.cursor_blink = False
        wording.move_cursor(wording.document.end)

    def on_wording_given(self) -> None:
        """Give the words, if there are any."""
        said = self.query_one(Wording).text.strip()
        if said:
            self.dismiss(said)
        else:
            self.query_one("#lacking", Static).update(Content("Write at least a word, or press Esc."))


class Resolution(NamedTuple):
    """What the council resolved: for which item (None: no single one), in which words."""

    item: str | None
    words: str


class Exclude(Question[Resolution]):
    """For which item the public are excluded, and the words of the resolution."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("shift+tab", "app.focus_previous", show=False)]

    def __init__(self, meeting: Meeting, current: str | None) -> None:
        super().__init__("The public are excluded: for which item, and in what words?")
        self._meeting, self._current = meeting, current
        self._numbers: list[str | None] = [None, *(item.number for item in meeting.items if item.number)]

    def inside(self) -> ComposeResult:
        yield OptionList(Option(Content("no single item")), *item_options(self._meeting), markup=False, compact=True)
        yield Static(Content("Words of the resolution, for the record (may stay empty)"), classes="label", markup=False)
        yield Input(max_length=1000, compact=True, select_on_focus=False)
        yield keys(("↑ ↓", "choose the item"), ("Enter", "go on to the words, then done"), ("Esc", "not now"))

    def on_mount(self) -> None:
        """Begin at the item most likely meant: the next that the agenda prints as closed, or else the current one."""
        items = self._meeting.items
        at = next((index for index, item in enumerate(items) if item.number == self._current), 0)
        likely = next((item.number for item in items[at:] if item.closed and item.number), self._current)
        self.query_one(Input).cursor_blink = False
        self.query_one(OptionList).highlighted = self._numbers.index(likely) if likely in self._numbers else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Offer the reason the agenda cites for this item."""
        item = self._meeting.item(self._numbers[event.option_index])
        self.query_one(Input).value = line(item.reason or "", 1000) if item else ""

    def on_option_list_option_selected(self) -> None:
        """On to the words."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Both are given."""
        chosen = self.query_one(OptionList).highlighted or 0
        self.dismiss(Resolution(self._numbers[chosen], event.value.strip()))


_HERE_ALONE = (
    "The service listens on this computer alone, so the link opens here and nowhere else. For a tablet or a telephone "
    "the service is to be started with --host and this computer's address on your network."
)


def reached_from_here_alone(url: str) -> bool:
    """Whether an address leads to the computer it is opened on, whichever that is."""
    with suppress(ValueError):
        host = urlsplit(url).hostname or ""
        with suppress(ValueError):
            return ip_address(host).is_loopback
        return host == "localhost"
    return False


class LinkShown(Question[None]):
    """The chair's link, to be opened on the chair's device."""

    def __init__(self, url: str) -> None:
        super().__init__("The chair's page")
        self._url = url

    def inside(self) -> ComposeResult:
        yield Static(
            Content("Open this on the chair's device. It opens once; a new link stops this one if it was not opened."),
            markup=False,
        )
        yield Static(Content(line(self._url, 2000)), id="url", markup=False)
        if reached_from_here_alone(self._url):
            yield Static(Content(_HERE_ALONE), id="here", markup=False)
        yield keys(("c", "copy"), ("Esc", "done"))

    def on_key(self, event: events.Key) -> None:
        """Copy, where the terminal allows it, or close."""
        if event.key == "c":
            self.app.copy_to_clipboard(self._url)
        elif event.key == "enter":
            self.dismiss(None)
