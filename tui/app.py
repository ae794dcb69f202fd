"""The application: joins the link, the desk's screen and the terminal, and does nothing else."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from traceback import extract_tb
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from feedmon.wire import Snapshot
from tui import keys, themes
from tui.clock import Ticks, ticks
from tui.link import Link
from tui.model.discretion import Discretion
from tui.screens.calm import Calm
from tui.screens.desk import DeskScreen


class DeskApp(App[None]):
    """The desk of one meeting. ``stops_service`` says that the service ends when this desk does.

    ``fault`` names the kind and place of an error of the desk's own, once one has closed it; never what it was about.
    """

    TITLE = "feedmon"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-normal"), (150, "-wide")]  # noqa: RUF012 (as Textual types it)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, "blank", show=False, priority=True)
        for key in keys.act("blank").keys.split(",")
        if key.startswith("ctrl+")
    ]

    def __init__(
        self,
        snapshot: Snapshot,
        link: Link,
        *,
        ticks: Ticks = ticks,
        light: bool = False,
        stops_service: bool = False,
        discreet: bool = True,
    ) -> None:
        super().__init__()
        self.fault = ""
        self._desk = DeskScreen(snapshot, link, ticks, stops_service, Discretion(discreet))
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self.theme = themes.LIGHT.name if light else themes.DARK.name

    def on_mount(self) -> None:
        """The desk is all there is. The terminal is asked to remember its title."""
        self._tell_terminal("\x1b[22;2t")
        self._leave_when_asked()
        self.push_screen(self._desk)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours, for Textual's other themes."""
        return themes.defaults(self.current_theme.dark)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every act that makes sense now, and the choice of theme."""
        if screen is self._desk:
            now = self._desk.situation()
            for act in keys.ACTS:
                if act.group is not keys.Group.MOVE and not act.hindrance(now):
                    title = f"{act.group}: {act.label(now)} ({act.shown})"
                    yield SystemCommand(title, act.help, lambda act_id=act.id: self._desk.action_act(act_id))
        yield SystemCommand("Desk: theme", "Choose dark, light or another theme.", self.action_change_theme)

    def action_blank(self) -> None:
        """Calm at once, whatever lies over the desk; or back from it."""
        if isinstance(self.screen, Calm):
            self.screen.dismiss(None)
        else:
            self._desk.action_act("blank")

    def action_command_palette(self) -> None:
        """The palette; from a blanked screen, as any key does, back to the desk."""
        if isinstance(self.screen, Calm):
            self.screen.dismiss(None)
        else:
            super().action_command_palette()

    async def action_quit(self) -> None:
        """Ctrl+Q asks as q does."""
        if isinstance(self.screen, Calm):
            self.screen.dismiss(None)
        elif self.screen is self._desk:
            self._desk.action_act("quit")

    def action_help_quit(self) -> None:
        """Ctrl+C asks as q does."""
        if isinstance(self.screen, Calm):
            self.screen.dismiss(None)
        elif self.screen is self._desk:
            self._desk.action_act("quit")

    def watch_title(self, title: str) -> None:
        """The terminal's own title carries the glance word too, for when the desk is behind another window."""
        if self.is_running:
            self._tell_terminal(f"\x1b]2;{title} · feedmon\x07")

    def on_unmount(self) -> None:
        """Give the terminal its own title back."""
        self._tell_terminal("\x1b[23;2t")

    def _leave_when_asked(self) -> None:
        """A polite kill, or a closed window, gives the terminal back as leaving does."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for asked in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
                with suppress(NotImplementedError):  # on Windows, where neither is sent
                    loop.add_signal_handler(asked, self.exit)

    def _tell_terminal(self, sequence: str) -> None:
        """Textual has no word for titles; it writes whole frames to this same stream, so this stays between them."""
        if not self.is_headless and not self.is_web and sys.__stderr__ is not None:
            sys.__stderr__.write(sequence)
            sys.__stderr__.flush()

    def _fatal_error(self) -> None:
        """Close after a fault of the desk's own, without what Textual would print: posts, among the local variables."""
        kind, _, trace = sys.exc_info()
        if kind is not None and trace is not None:
            where = extract_tb(trace)[-1]
            self.fault = f"{kind.__name__} in {Path(where.filename).name}, line {where.lineno}"
        self._close_messages_no_wait()
