"""What ``run`` and ``demo`` share: a meeting made ready, a clock, logs, signals, and a desk in the same terminal."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec

import feedmon
from feedmon.documents.files import place_of
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.packs import load_packs
from feedmon.documents.seals import load_seals
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import Rehearsal
from feedmon.service.app import Preparation, Running

LOG_FILE = "feedmon.log"

_PACKAGES = Path(feedmon.__file__).resolve().parent.parent


def prepare(meeting_files: Iterable[Path]) -> tuple[Preparation, ...]:
    """Meetings ready to be followed. Raises BadInput with every mistake in any of their files."""
    ready: list[Preparation] = []
    problems: list[Problem] = []
    for path in meeting_files:
        try:
            ready.append(_prepared(path))
        except BadInput as bad:
            problems += bad.problems
    if problems:
        raise BadInput(problems)
    return tuple(ready)


def _prepared(path: Path) -> Preparation:
    meeting = load_meeting(path, to_follow=True)
    seals, key = load_seals(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Preparation(meeting, load_packs(meeting.packs), seals, key, digest)


async def clock_of(rehearsal: str) -> RehearsalClock:
    """The clock of the rehearsal at this address. Raises BadInput when there is none."""
    place = f"--rehearsal {rehearsal}"
    address = urlsplit(rehearsal)
    if address.scheme not in ("ws", "wss") or not address.hostname:
        raise BadInput(Problem(place, "is no address of a rehearsal.", "It looks like ws://127.0.0.1:8765."))
    url = f"{'https' if address.scheme == 'wss' else 'http'}://{address.netloc}/rehearsal"
    mend = "Start one with “feedmon rehearse RECORDING”, and use the address it prints."
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            told = msgspec.json.decode(await answer.read(), type=Rehearsal)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise BadInput(Problem(place, "nothing answers there.", mend)) from error
    except msgspec.DecodeError as error:
        raise BadInput(Problem(place, "what answers there is no rehearsal.", mend)) from error
    return RehearsalClock(told.now, told.rate)


def log_to(folder: Path | None) -> None:
    """Send the service's log to the terminal (stderr) or, where a desk has the terminal, to a file in ``folder``."""
    handler: logging.Handler = logging.StreamHandler()
    if folder is not None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handler = logging.FileHandler(folder / LOG_FILE, encoding="utf-8")
        except OSError as error:
            raise BadInput(Problem(place_of(folder), f"cannot be written in: {error.strerror}.")) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it tells of every connection


@contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """An event that is set when the program is asked to stop: Ctrl+C, or a polite kill."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def ask(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {one: signal.signal(one, ask) for one in caught}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


async def desk_in_this_terminal(running: Running, meeting: str, stop: asyncio.Event) -> int:
    """Open a desk in this terminal; its exit code once it is closed. When ``stop`` comes first, the desk is ended.

    The token goes by the environment, which other users of the machine cannot read.
    """
    paths = [str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "FEEDMON_TOKEN": running.token,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONSAFEPATH": "1",  # a folder called tui where the clerk happens to be is not the desk
    }
    desk = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "--url", running.url, "--meeting", meeting, "--stops-service"), env=environment
    )
    async with asyncio.TaskGroup() as tasks:
        closed = tasks.create_task(desk.wait())
        stopped = tasks.create_task(stop.wait())
        await asyncio.wait((closed, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not closed.done():
            with suppress(ProcessLookupError):
                desk.terminate()
            await closed
        stopped.cancel()
    return closed.result()
