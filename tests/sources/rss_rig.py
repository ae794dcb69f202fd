"""A feed to follow: the rehearsal server with invented evenings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from feedmon.model.meeting import Account, AccountRole, Council, Meeting, Member, SourceSpec
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.rss_server import FeedEntry, RssServer
from feedmon.sources import Selection
from feedmon.sources.base import Source, Tap
from feedmon.sources.rss import RssSource
from tests.sources.bluesky_frames import EVENING, MEETING
from tests.sources.source_conformance import Rig, Trouble
from tests.sources.stepping import SteppingClock

APART = 150
HOST = "127.0.0.1"
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
    return SourceSpec(kind="rss", name="gazette", url=url)


def entry(guid: str, seconds: float, html: str = "#SaltmarshTC", **more: Any) -> FeedEntry:
    """An entry published so many seconds after the evening began (before it, when negative)."""
    return FeedEntry(guid=guid, at=EVENING + timedelta(seconds=seconds), html=html, **more)


def post_id(guid: str) -> str:
    """What an entry of the rehearsed feed is to us."""
    return f"{HOST} {guid}"


def rostered(feed: str) -> Meeting:
    """A meeting one of whose members has this feed, and another a column of her own in whatever feed of this host."""
    return Meeting(
        id="saltmarsh",
        title="Full Council",
        council=Council(name="Saltmarsh Town Council"),
        packs=("ventnor",),
        window=MEETING.window,
        members=(
            Member(
                id="helen-marchbanks",
                name="Helen Marchbanks",
                accounts=(Account(network="rss", handle="marchbanks.example", id=feed, role=AccountRole.COUNCILLOR),),
            ),
            Member(
                id="priya-sandhu",
                name="Priya Sandhu",
                accounts=(Account(network="rss", handle=f"priya-sandhu@{HOST}"),),
            ),
        ),
    )


class RssServing:
    def __init__(self, server: RssServer, ids: Sequence[str]) -> None:
        self.server = server
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        return self.server.connections

    def source(self, tap: Tap | None = None) -> Source:
        return RssSource(spec(self.server.url), SELECTION, tap=tap)


class RssRig(Rig):
    replays = True

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[RssServing]:
        entries = [entry("old", -3600, "old news")]
        for number in range(posts):
            entries.append(entry(f"s{number}", (2 * number + 1) * APART, "elsewhere"))
            entries.append(entry(f"p{number}", (2 * number + 2) * APART, f"{number} #SaltmarshTC"))
        faults = {2 * place + 2: FAULTS[what] for place, what in (trouble or {}).items()}
        clock = clock_for(self.rate)
        async with RssServer(entries, clock, plan=FaultPlan(faults, answers=answers)) as server:
            yield RssServing(server, [post_id(f"p{number}") for number in range(posts)])


@asynccontextmanager
async def serving(
    *entries: FeedEntry, rate: float | None = None, plan: FaultPlan | None = None, **more: Any
) -> AsyncIterator[RssServer]:
    """A feed with these entries, in a time that passes step by step or (``rate``) by the wall's."""
    async with RssServer(entries, clock_for(rate), plan=plan, **more) as server:
        yield server
