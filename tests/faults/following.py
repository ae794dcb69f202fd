"""A service in a process of its own, following three networks, to be stopped, starved and killed."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from feedmon.cli.preparing import clock_of
from feedmon.model.meeting import Meeting
from feedmon.rehearsal.mastodon_server import TOKEN
from feedmon.service.app import Preparation, Settings, serving
from feedmon.sources import REGISTRY, Policy
from feedmon.sources.jetstream import JetstreamSource
from feedmon.sources.mastodon import MastodonSource
from feedmon.sources.mastodon_connection import Pace
from tests.service.rooms import packs

UP, FULL, ROOM = "up", "full", "room"
"""What is told through the pipe: the service runs; its journal could not be written; it can be again."""

_POLICY = Policy(first_wait=1, longest_wait=20, told_every=60, behind_after=60)
_PACE = Pace(probe=120, check=30, poll=240, between=30, again=10, ping=0.5, pong=1.5, hold=5)
_IDLE_AFTER = 1.5  # waits by the wall's clock are as short as the evening is


class _Tell(logging.Handler):
    """Tells through a pipe when the journal is in trouble and when no longer."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(logging.INFO)
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("The journal was not written"):
            self._pipe.send(FULL)
        elif message.startswith("The journal is being written again"):
            self._pipe.send(ROOM)


def serve(data: Path, meeting: bytes, clock_at: str, pipe: Connection) -> None:
    """Follow the meeting (as JSON) by the clock of the rehearsal at this address, until killed."""
    os.environ["FEEDMON_TOKEN_MASTODON"] = TOKEN
    REGISTRY["bluesky"] = partial(JetstreamSource, idle_after=_IDLE_AFTER)
    REGISTRY["mastodon"] = partial(MastodonSource, pace=_PACE)
    followed = msgspec.json.decode(meeting, type=Meeting)
    log = logging.getLogger("feedmon")
    log.propagate = False
    writer = logging.getLogger("feedmon.journal.writer")
    writer.setLevel(logging.INFO)
    writer.addHandler(_Tell(pipe))
    writer.propagate = False
    logging.getLogger().setLevel(logging.CRITICAL)
    logging.lastResort = None

    async def main() -> None:
        clock = await clock_of(clock_at)
        settings = Settings(data, port=0, rate=clock.rate, policy=_POLICY)
        async with serving([Preparation(followed, packs())], settings, clock):
            pipe.send(UP)
            await asyncio.Event().wait()

    asyncio.run(main())
