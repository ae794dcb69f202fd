"""Programs that fault tests start, kill or starve. Each talks back over a pipe."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from feedmon.journal import Journal, JournalFault, writer
from tests.journal.samples import TestClock, captured

SOURCES = ("bluesky", "mastodon", "rss")
FOLD_SECONDS = 0.3

Start = Callable[[Callable[[Path, Connection], None], Path], tuple[BaseProcess, Connection]]


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


def append_and_wait(path: Path, pipe: Connection) -> None:
    """Append one post after the other, each in a commit of its own, and stay, neither closing nor writing on."""

    async def main() -> None:
        async with Journal.open(path, TestClock()) as journal:
            for number in range(1, 142):
                await journal.append([("m", captured(number))])
            pipe.send(journal.head())
            await asyncio.Event().wait()

    asyncio.run(main())


def append_and_fold_soon(path: Path, pipe: Connection) -> None:
    """Append three posts and say so, in a journal that folds its log far sooner than in earnest."""
    writer._FOLD_SECONDS = FOLD_SECONDS

    async def main() -> None:
        async with Journal.open(path, TestClock()) as journal:
            pipe.send(0)
            for number in range(1, 4):
                await journal.append([("m", captured(number))])
            pipe.send(3)
            await asyncio.Event().wait()

    asyncio.run(main())


def fail_large_then_append_small(path: Path, pipe: Connection) -> None:
    """An append too large for the disk fails halfway; there is room again, and another, small one goes in."""

    async def main() -> None:
        async with Journal.open(path, TestClock()) as journal:
            await journal.append([("m", captured(1))])
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            try:
                await journal.append([("m", captured(2, text="x" * 400_000))])
            except JournalFault as fault:
                pipe.send(fault.message)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            pipe.send(await journal.append([("m", captured(2))]))
            await asyncio.Event().wait()

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
                    await journal.append([("m", entry)], {"s": str(number + 1)})
                except JournalFault as fault:
                    pipe.send((number, fault.message, fault.mend))
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            number = await journal.append([("m", entry)], {"s": str(number + 1)})
            pipe.send((number, str(journal.fault), ""))

    asyncio.run(main())
