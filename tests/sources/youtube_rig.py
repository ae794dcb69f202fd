"""A live chat to follow: the rehearsal server with invented evenings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import Deleted, Post
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.youtube_server import ChatItem, YouTubeServer
from feedmon.sources import Selection
from feedmon.sources.base import Captured, Source, Tap
from feedmon.sources.youtube import YouTubeSource
from tests.sources.bluesky_frames import EVENING, MEETING
from tests.sources.source_conformance import Rig, Trouble
from tests.sources.stepping import SteppingClock

APART = 16
FAULTS = {
    Trouble.CUT: [Fault.DROP],
    Trouble.CLEAN_CLOSE: [Fault.GOING_AWAY, Fault.GOING_AWAY],  # the HTTP client asks once more by itself
    Trouble.GARBAGE: [Fault.GARBAGE],
    Trouble.DUPLICATE: [Fault.DUPLICATE],
}
SELECTION = Selection.of([MEETING])


def clock_for(rate: float | None) -> RehearsalClock:
    """A time that passes step by step, or (``rate``) by the wall's."""
    return SteppingClock(EVENING) if rate is None else RehearsalClock(EVENING, rate, held=True)


def spec(url: str) -> SourceSpec:
    """A source of the meeting's, at this address."""
    return SourceSpec(kind="youtube", name="webcast", url=url)


def said(message_id: str, seconds: float, text: str = "hello", **more: Any) -> ChatItem:
    """A message so many seconds after the evening began."""
    return ChatItem(id=message_id, at=EVENING + timedelta(seconds=seconds), text=text, **more)


def event(kind: str, seconds: float, **details: Any) -> ChatItem:
    """An item that is no message."""
    return ChatItem(
        id=f"{kind}-{seconds}", at=EVENING + timedelta(seconds=seconds), kind=kind, channel="UCmod", details=details
    )


def told(items: Sequence[object]) -> list[str]:
    """What was captured: the ids of posts, and of deletions with a minus."""
    events = [item.event for item in items if isinstance(item, Captured)]
    return [f"-{one.key.id}" if isinstance(one, Deleted) else one.post.id for one in events]


def posts(items: Sequence[object]) -> list[Post]:
    """The posts captured, in order."""
    return [item.event.post for item in items if isinstance(item, Captured) and not isinstance(item.event, Deleted)]


class YouTubeServing:
    def __init__(self, server: YouTubeServer, ids: Sequence[str]) -> None:
        self.server = server
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        return self.server.connections

    def source(self, tap: Tap | None = None) -> Source:
        return YouTubeSource(spec(self.server.url), SELECTION, tap=tap)


class YouTubeRig(Rig):
    replays = True

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[YouTubeServing]:
        items = []
        for number in range(posts):
            items.append(event("newSponsorEvent", (2 * number + 1) * APART, newSponsorDetails={"isUpgrade": False}))
            items.append(said(f"p{number}", (2 * number + 2) * APART))
        faults = {2 * place + 1: FAULTS[what] for place, what in (trouble or {}).items()}
        clock = clock_for(self.rate)
        async with YouTubeServer(items, clock, plan=FaultPlan(faults, answers=answers)) as server:
            yield YouTubeServing(server, [f"p{number}" for number in range(posts)])


@asynccontextmanager
async def serving(
    *items: ChatItem, rate: float | None = None, plan: FaultPlan | None = None, **more: Any
) -> AsyncIterator[YouTubeServer]:
    """A webcast whose chat has these items, in a time that passes step by step or (``rate``) by the wall's."""
    async with YouTubeServer(items, clock_for(rate), plan=plan, **more) as server:
        yield server
