"""Sitting at a desk in a test: the real application in a headless terminal, its keys pressed, its panels read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import repeat
from threading import Event, Thread
from time import process_time

from textual import events
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from feedmon.wire import Snapshot
from tests.desk.wire_service import WireService, serving
from tui.app import DeskApp
from tui.link import Address, Condition, Link
from tui.screens.desk import DeskScreen

PATIENCE = 5.0
"""Seconds a test waits for something before it fails."""


def quickly(wait: float = 0.02) -> Iterator[float]:
    """Waits short enough for a test."""
    return repeat(wait)


def calmly() -> Iterator[float]:
    """Waits long enough that the desk is idle between two tries."""
    return quickly(0.2)


def link_to(address: Address, snapshot: Snapshot, waits: Callable[[], Iterator[float]] = quickly) -> Link:
    """A link that tries again quickly."""
    return Link(address, snapshot.meeting.id, snapshot.seq, waits=waits)


def frozen() -> float:
    """Time that stands still."""
    return 0.0


def desk_app(service: WireService, **options: bool) -> DeskApp:
    """A desk on this service, in time that stands still."""
    return DeskApp(service.snapshot, link_to(service.address, service.snapshot, calmly), ticks=frozen, **options)


@dataclass
class Seat:
    """A desk that is open, and who sits at it."""

    app: DeskApp
    pilot: Pilot[None]
    service: WireService

    @property
    def desk(self) -> DeskScreen:
        """The desk's screen, whatever lies over it."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, DeskScreen))

    async def press(self, *keys: str) -> None:
        """Press keys, and let what they lead to be drawn."""
        for key in keys:
            self.app.post_message(events.Key(key, " " if key == "space" else None))
            await self.calm()

    async def calm(self) -> None:
        """Wait until the desk has nothing left to do, as a person sees it."""
        for _ in range(100):
            spent = process_time()
            await asyncio.sleep(0.008)
            if process_time() - spent < 0.0015:
                return

    async def until(self, so: Callable[[], bool], what: str = "") -> None:
        """Wait until something is so."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while loop.time() < end:
            await asyncio.sleep(0.01)
            if so():
                await self.calm()
                return
        raise AssertionError(what or f"never came true; the desk says: {self.said!r}")

    async def joined(self) -> None:
        """Wait until the link is live."""
        await self.until(lambda: self.desk.link.state.condition is Condition.LIVE, "the link never came up")

    async def until_said(self, words: str) -> None:
        """Wait until the line above the keys says this."""
        await self.until(lambda: words in self.said, f"never said {words!r}")

    def text(self, selector: str) -> str:
        """What a panel shows, as lines of text."""
        return read(self.desk.query_one(selector))

    def prose(self, selector: str) -> str:
        """What a panel shows, without its line breaks."""
        return " ".join(self.text(selector).split())

    @property
    def said(self) -> str:
        """What the line above the keys says."""
        return self.text("#say").strip()


def read(widget: Widget) -> str:
    """The text a widget shows on the screen, its children's included."""
    if widget.children:
        return "\n".join(read(child) for child in widget.children if child.display)
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(Region(0, 0, *widget.outer_size)))


@asynccontextmanager
async def seated(
    snapshot: Snapshot, size: tuple[int, int] = (116, 32), remembers: int = 1000, **options: bool
) -> AsyncIterator[Seat]:
    """A desk on a service of its own, joined."""
    async with serving(snapshot, remembers=remembers) as service:
        app = desk_app(service, **options)
        async with app.run_test(size=size) as pilot:
            seat = Seat(app, pilot, service)
            await seat.joined()
            await seat.calm()
            yield seat


@contextmanager
def served_beside(snapshot: Snapshot) -> Iterator[tuple[WireService, Callable[[object], None]]]:
    """A service in a thread of its own, for tests whose application brings its own loop.

    Gives the service, and a function that runs one of its coroutines there and waits for it.
    """
    loop = asyncio.new_event_loop()
    ready, service = Event(), WireService(snapshot)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(service.start())
        ready.set()
        loop.run_forever()

    thread = Thread(target=run)
    thread.start()
    ready.wait(PATIENCE)

    def do(coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE)  # type: ignore[arg-type]

    try:
        yield service, do
    finally:
        do(service.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
