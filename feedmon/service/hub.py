"""Telling desks: every message numbered, remembered for a while, and sent once as text to however many listen.

Each desk has a short queue of its own. A desk that reads too slowly holds nobody up: what it has not read is thrown
away and it is given a fresh snapshot instead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from feedmon.service.board import Board
from feedmon.wire import Message, encode

REMEMBERED = 2_000
"""How many messages a desk that dropped out may have missed and still be sent one by one."""

WAITING = 500
"""How many messages may wait for one desk before it is given a snapshot instead."""


class Listener:
    """One desk's place in the line: frames to send, oldest first, each the text of one message."""

    def __init__(self, snapshot: Callable[[], str], frames: Iterable[str]) -> None:
        self._snapshot = snapshot
        self._frames: deque[str] = deque(frames)
        self._afresh = False
        self._closed = False
        self._news = asyncio.Event()
        self._news.set()

    def put(self, frame: str) -> None:
        """Queue a frame; when too many wait already, forget them all: a snapshot will stand for them."""
        if len(self._frames) >= WAITING:
            self.afresh()
        elif not self._afresh:
            self._frames.append(frame)
            self._news.set()

    def afresh(self) -> None:
        """Send a snapshot next, made when it is its turn, in place of all that waits."""
        self._frames.clear()
        self._afresh = True
        self._news.set()

    def close(self) -> None:
        """Nothing more will come: what waits is still sent."""
        self._closed = True
        self._news.set()

    async def frames(self) -> AsyncGenerator[str, None]:
        """Frames as they come, until the hub closes."""
        while True:
            await self._news.wait()
            if self._afresh:
                self._afresh = False
                yield self._snapshot()
            elif self._frames:
                yield self._frames.popleft()
            elif self._closed:
                return
            else:
                self._news.clear()


class Channel:
    """One meeting's messages. ``first_seq`` must be beyond any number an earlier run of the service gave out."""

    def __init__(self, board: Board, now: Callable[[], datetime], first_seq: int) -> None:
        self.board = board
        self._now = now
        self._seq = first_seq
        self._past: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._listeners: set[Listener] = set()
        self._watchers: set[Callable[[], None]] = set()
        self._ended = False

    def publish(self, messages: Iterable[Message]) -> None:
        """Number and send messages that are durable by now."""
        for message in messages:
            self._seq += 1
            numbered = msgspec.structs.replace(message, seq=self._seq)
            self.board.take(numbered)
            frame = encode(numbered)
            self._past.append((self._seq, frame))
            for listener in self._listeners:
                listener.put(frame)
        for watcher in self._watchers:
            watcher()

    def start_following(self) -> None:
        """Following began: every desk is shown the meeting afresh, also one that comes back later."""
        self.board.following = True
        self._seq += 1
        self._past.clear()
        for listener in self._listeners:
            listener.afresh()

    def close(self) -> None:
        """Nothing more will come: every desk's line ends once it has been sent what waits."""
        self._ended = True
        for listener in self._listeners:
            listener.close()
        for watcher in self._watchers:
            watcher()

    @property
    def over(self) -> bool:
        """Whether the service is stopping."""
        return self._ended

    def snapshot(self) -> str:
        """The text frame of a snapshot as of now."""
        return encode(self.board.snapshot(self._seq, self._now()))

    @contextmanager
    def listening(self, after: int | None) -> Iterator[Listener]:
        """A new listener: sent what it missed since message ``after`` if that is remembered, else a snapshot."""
        listener = Listener(self.snapshot, self._missed(after) or ())
        if self._missed(after) is None:
            listener.afresh()
        if self._ended:
            listener.close()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @contextmanager
    def watching(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Call ``watcher`` whenever something was published (for pages made from the board, such as the chair's)."""
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.discard(watcher)

    def _missed(self, after: int | None) -> list[str] | None:
        if after is None or after > self._seq:
            return None
        first_known = self._past[0][0] if self._past else self._seq + 1
        if after + 1 < first_known:
            return None
        return [frame for seq, frame in self._past if seq > after]
