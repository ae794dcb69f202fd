"""A desk without a screen: it hears what a desk hears over the same socket, and acts by the same requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import aiohttp
import msgspec

from feedmon.model.timeline import Mark, Timeline
from feedmon.service.app import Running
from feedmon.wire import (
    ChairLink,
    ChairSaw,
    Decision,
    DecisionMade,
    DecisionRequest,
    Done,
    FlagCleared,
    FlagRaised,
    FlagView,
    FollowingEnded,
    MarkMade,
    MarkRequest,
    Message,
    Refusal,
    Snapshot,
    decode,
)

_Answer = TypeVar("_Answer")


class DemoFailed(Exception):
    """A stage of the demo did not work. Says which, and how."""


class DemoDesk:
    """One meeting as heard from the service. Use it as an async context manager, and run :meth:`listen` inside.

    ``say`` is called with each flag that is new, and with each that no longer holds.
    """

    def __init__(self, running: Running, meeting: str, say: Callable[[FlagView], None] = lambda _: None) -> None:
        self.flags: dict[str, FlagView] = {}
        self.marks: dict[str, Mark] = {}
        self.decisions: list[Decision] = []
        self.seen_by_chair: set[str] = set()
        self.over = asyncio.Event()
        self._running = running
        self._base = f"{running.url}/api/v1/meetings/{meeting}"
        self._say = say
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> DemoDesk:
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self._running.token}"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def timeline(self) -> Timeline:
        """The meeting's timeline as marked so far, here or at another desk."""
        return Timeline(self.marks.values())

    def standing(self) -> tuple[FlagView, ...]:
        """The flags that stand."""
        return tuple(view for view in self.flags.values() if view.cleared is None)

    async def listen(self) -> None:
        """Hear everything until the service stops."""
        async with self._session.ws_connect(f"{self._base}/live") as socket:
            async for frame in socket:
                message = decode(frame.data)
                if message is not None:
                    async with self._changed:
                        self._take(message)
                        self._changed.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once something holds of what was heard."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def mark(self, request: MarkRequest) -> Done:
        """Make a mark. Raises DemoFailed when it is refused."""
        return await self._act("marks", msgspec.json.encode(request), Done)

    async def decide(self, request: DecisionRequest) -> Done:
        """Make a decision. Raises DemoFailed when it is refused."""
        return await self._act("decisions", msgspec.json.encode(request), Done)

    async def chair_link(self) -> str:
        """A new link to the chair's page."""
        return (await self._act("chair-link", b"", ChairLink)).url

    async def _act(self, what: str, body: bytes, answer: type[_Answer]) -> _Answer:
        async with self._session.post(f"{self._base}/{what}", data=body) as response:
            content = await response.read()
        if response.status != 200:
            raise DemoFailed(f"{what} were refused: {msgspec.json.decode(content, type=Refusal).error}")
        return msgspec.json.decode(content, type=answer)

    def _take(self, message: Message) -> None:
        match message:
            case Snapshot(flags=flags, marks=marks):
                self.marks = {mark.id: mark for mark in marks}
                for view in flags:
                    self._raise(view)
            case FlagRaised(view=view):
                self._raise(view)
            case FlagCleared(flag=flag_id, why=why):
                self.flags[flag_id] = msgspec.structs.replace(self.flags[flag_id], cleared=why)
                self._say(self.flags[flag_id])
            case MarkMade(mark=mark):
                self.marks[mark.id] = mark
            case DecisionMade(decision=decision):
                self.decisions.append(decision)
            case ChairSaw(flag=flag_id):
                self.seen_by_chair.add(flag_id)
            case FollowingEnded():
                self.over.set()

    def _raise(self, view: FlagView) -> None:
        known = self.flags.get(view.flag.id)
        self.flags[view.flag.id] = view
        if known is None or known.cleared is not None:
            self._say(view)
