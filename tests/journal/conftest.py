"""Starting the programs that tests kill."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.journal.children import Start


@pytest.fixture(scope="session")
def start() -> Start:
    """Start a child program quickly: forked from a server that has the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["feedmon.journal"])

    def run(target: Callable[[Path, Connection], None], path: Path) -> tuple[BaseProcess, Connection]:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=target, args=(path, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, ours

    return run


@pytest.fixture
def program(start: Start) -> Iterator[Start]:
    """The same; whatever a test has not ended itself is killed when it is over."""
    started: list[BaseProcess] = []

    def run(target: Callable[[Path, Connection], None], path: Path) -> tuple[BaseProcess, Connection]:
        process, pipe = start(target, path)
        started.append(process)
        return process, pipe

    yield run
    for process in started:
        process.kill()
        process.join()
