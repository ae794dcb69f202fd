"""A service in a process of its own, to be killed without warning."""

from __future__ import annotations

import asyncio
import logging
from multiprocessing.connection import Connection
from pathlib import Path

from feedmon.cli.preparing import clock_of
from feedmon.service.app import Preparation, Settings, serving
from tests.service.evening import HASTY, followed
from tests.service.rooms import packs


def serve(data: Path, rehearsal: str, pipe: Connection) -> None:
    """Follow the rehearsal until killed; say where desks find the service."""

    async def main() -> None:
        clock = await clock_of(rehearsal)
        settings = Settings(data, port=0, rehearsal=rehearsal, rate=clock.rate, policy=HASTY)
        async with serving([Preparation(followed(), packs())], settings, clock) as running:
            pipe.send((running.url, running.token))
            await asyncio.Event().wait()

    logging.disable()
    asyncio.run(main())
