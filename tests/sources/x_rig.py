"""An X to follow: the rehearsal server with invented evenings, under the conformance suite's orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.x_server import XServer
from feedmon.sources import open_source
from feedmon.sources.base import Source, Tap
from tests.sources.source_conformance import Rig, Trouble
from tests.sources.x_frames import EVENING, RESIDENT, SELECTION, STRANGER, id_at, line, spec

FAULTS = {
    Trouble.CUT: Fault.DROP,
    Trouble.CLEAN_CLOSE: Fault.CLOSED,
    Trouble.GARBAGE: Fault.GARBAGE,
    Trouble.DUPLICATE: Fault.DUPLICATE,
}


class XServing:
    """Posts of the meeting's and of another program's rule in turn, two seconds of meeting time apart."""

    def __init__(self, server: XServer, ids: Sequence[str]) -> None:
        self.server = server
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        return self.server.connections

    def source(self, tap: Tap | None = None) -> Source:
        return open_source(spec(self.server.url), SELECTION, tap=tap)


class XRig(Rig):
    replays = True

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[XServing]:
        lines: list[bytes] = []
        for number in range(posts):
            lines.append(line(STRANGER, 4 * number + 2, "look #kittens"))
            lines.append(line(RESIDENT, 4 * number + 4, f"{number} #SaltmarshTC"))
        if list(answers) == [403]:
            answers = [403, 403]  # the rules' and the search's
        plan = FaultPlan({2 * place + 1: [FAULTS[what]] for place, what in (trouble or {}).items()}, answers=answers)
        clock = RehearsalClock(EVENING, 40, held=True)
        async with XServer(lines, clock, faults=plan, pulse=0.02) as server:
            server.add_rule("#kittens", "somebody else's")
            yield XServing(server, [id_at(4 * number + 4) for number in range(posts)])
