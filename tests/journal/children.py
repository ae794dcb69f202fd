"""Programs that fault tests start, kill or starve. Each talks back over a pipe."""

from __future__ import annotations

import asyncio
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from feedmon.journal import Journal, JournalFault
from tests.journal.samples import TestClock, captured

SOURCES = ("bluesky", "mastodon", "rss")


def append_for_ever(path: Path, pipe: Connection) -> None:
    """Three sources append side by side, one post and its cursor at a time, and say each one that is acknowledged."""

    async def follow(journal: Journal, source: str) -> None:
        number = int(journal.cursor(source) or 0)
        while True:
            number += 1
            await journal.append([("m", captured(number, network=source))], {source: str(number)})
            pipe.send((source, number))

    async def main() -> None:
        async with Journal.open(path, TestClock()) as journal, asyncio.TaskGroup() as group:
            for source in SOURCES:
                group.create_task(follow(journal, source))

    asyncio.run(main())


def append_until_full_then_make_room(path: Path, pipe: Connection) -> None:
    """Append against a limit on file sizes, as on a full disk; then lift it and try the same append again."""

    async def main() -> None:
        async with Journal.open(path, TestClock()) as journal:
            number = await journal.append([("m", captured(1))], {"s": "1"})
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            while journal.fault is None:
                entry = captured(number + 1, text="x" * 3000)
                try:
                    number = await journal.append([("m", entry)], {"s": str(number + 1)})
                except JournalFault as fault:
                    pipe.send((number, fault.message, fault.mend))
            for _ in range(3):
                try:
                    await journal.append([("m", entry)])
                except JournalFault as fault:
                    pipe.send((number, fault.message, fault.mend))
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            number = await journal.append([("m", entry)], {"s": str(number + 1)})
            pipe.send((number, str(journal.fault), ""))

    asyncio.run(main())
