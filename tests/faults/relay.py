"""The stretch of network between feedmon and a feed: it can be slow, cut, half open, or lead to a host that is down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

_HOST = "127.0.0.1"


@dataclass(eq=False)
class _Pair:
    """One connection: our end of it and the far one's. ``lost`` says that what either sends goes nowhere."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    streaming: bool = False
    lost: bool = False

    def abort(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


@dataclass
class Relay:
    """An async context manager: inside it :attr:`port` leads to the port ``to`` of this machine.

    ``delay`` are seconds of the wall clock by which all that passes is held back; ``happened`` counts what befell
    single connections, by kind.
    """

    to: int
    delay: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _down: bool = False
    _pairs: set[_Pair] = field(default_factory=set)
    _working: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(lambda *ends: self._work(self._take(*ends)), _HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working)
        self._abort_all()

    def cut(self) -> None:
        """Cut every connection, with no word of farewell."""
        self.happened["drop"] += len(self._pairs)
        self._abort_all()

    async def half_open(self) -> None:
        """Let the streams there are (waiting for one) stay open and bring nothing more, in either direction."""
        async with asyncio.timeout(10):
            while not (streams := [pair for pair in self._pairs if pair.streaming and not pair.lost]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for pair in streams:
            pair.lost = True
            self.happened["half-open"] += 1

    def go_down(self) -> None:
        """The host is gone: every connection is cut, and so is every new one until :meth:`come_back`."""
        self._down = True
        self.happened["host down"] += 1
        self._abort_all()

    def come_back(self) -> None:
        """The host is there again."""
        self._down = False

    def _abort_all(self) -> None:
        for pair in tuple(self._pairs):
            pair.abort()

    def _work(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(_HOST, self.to)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, far_writer, pair))
                tasks.create_task(self._pass(far_reader, writer, pair))
        finally:
            self._pairs.discard(pair)
            pair.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair) -> None:
        """Hand on what comes from one side, and how it ends: in good order, or by a cut."""
        with suppress(OSError):
            while data := await reader.read(65_536):
                pair.streaming |= b"upgrade: websocket" in data[:2_000].lower()
                if pair.lost:
                    continue
                if self.delay:
                    self.happened["slow"] += 1
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
            if not pair.lost:
                writer.close()
                await writer.wait_closed()
                return
        pair.abort()
