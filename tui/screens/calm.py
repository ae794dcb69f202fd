"""A screen that shows nothing of the evening: the word CLEAR, the time, and no flag, no name, no title."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen

from tui.model.glance import Word
from tui.widgets.bigword import big
from tui.widgets.still import Still

_NOTHING = "Nothing waits for you."


class Calm(Screen[None]):
    """Looks like a desk on which nothing has happened, until a key is pressed. ``time`` tells the meeting's own."""

    CSS_PATH = "desk.tcss"

    def __init__(self, time: Callable[[], str]) -> None:
        super().__init__()
        self._time = time

    def compose(self) -> ComposeResult:
        with Horizontal(id="header"):
            yield Still(id="glance", classes=f"-{Word.CLEAR}")
            yield Still(id="count")
            yield Still(id="title")
        yield Still(id="calm")

    def on_mount(self) -> None:
        """Draw it, and let the time go on."""
        self.query_one("#glance", Still).put(big(Word.CLEAR))
        self.query_one("#calm", Still).put(Content("Press any key to go on."))
        self._tick()
        self.set_interval(1.0, self._tick)

    def on_key(self, event: events.Key) -> None:
        """Back to the desk; the key does nothing else."""
        event.stop()
        self.dismiss(None)

    def _tick(self) -> None:
        time = Content.styled(self._time(), "bold")
        narrow = self.has_class("-narrow")
        self.query_one("#count", Still).put(Content.assemble(f"{_NOTHING}\n", time) if narrow else Content(_NOTHING))
        self.query_one("#title", Still).put(time)
