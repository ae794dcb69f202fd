"""What a feed is, to the rest of the house: one connection's life, as a stream of items.

A source knows its network's protocol and nothing of retrying: :meth:`Source.connect` lives as long as one
connection does and then raises :class:`SourceLost` (try again) or :class:`SourceRefused` (only a person can mend
it). Reconnecting, waiting, measuring gaps and telling how the feed does is one policy for all of them, in
:mod:`feedmon.sources.supervisor`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Protocol

import msgspec

from feedmon.model.instants import Clock
from feedmon.model.posts import SourceEvent
from feedmon.model.sourcestate import FeedFault, Gap, SourceState


class Connected(msgspec.Struct, frozen=True):
    """The connection stands; nothing has come through it yet.

    ``replays`` says whether the network undertakes to send everything again from the cursor it was given.
    """

    replays: bool


class Captured(msgspec.Struct, frozen=True):
    """Something about a post that may belong to a meeting. Once it is safe, so is everything up to ``cursor``.

    ``ours`` says that it belongs to every meeting that follows this source, whatever is in it: what is said in the
    chat of a council's own webcast is about its meeting.
    """

    event: SourceEvent
    cursor: str | None = None
    ours: bool = False


class CursorMoved(msgspec.Struct, frozen=True):
    """A sign of life: the feed has come as far as ``cursor``, which is the network's instant ``at``, if it tells one.

    ``skipped`` messages since the item before belonged to no meeting. ``heard`` is when the sign came, if it is handed
    on later than at once. ``remark`` is what a person should know of the feed while all is well (what it has cost, how
    it is followed); None leaves the one before as it is.
    """

    cursor: str | None = None
    at: datetime | None = None
    skipped: int = 0
    heard: datetime | None = None
    remark: str | None = None


class NotKept(msgspec.Struct, frozen=True):
    """The network has nothing any more from before ``until``, though it was asked for it. Comes before what it has."""

    until: datetime


ConnectionItem = Connected | NotKept | Captured | CursorMoved | FeedFault
"""What one connection yields: :class:`Connected` first. A FeedFault's ``count`` is the total so far of its kind."""

SourceItem = Captured | CursorMoved | SourceState | Gap | FeedFault
"""What following a source yields, over all its connections."""

Tap = Callable[[bytes, bool], None]
"""Shown every message that could be read, as it came, and whether anything was captured from it. For recordings."""


class SourceLost(Exception):
    """The connection is over; another may be tried.

    ``clean`` says that the network closed it in good order, ``retry_after`` how many seconds it asked us to wait.
    ``poisoned`` says that what broke the connection would break it again if it were replayed, so that the next one
    must begin at the present and the gap stays open.
    """

    def __init__(
        self, why: str, *, clean: bool = False, retry_after: float | None = None, poisoned: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.clean = clean
        self.retry_after = retry_after
        self.poisoned = poisoned


class SourceRefused(Exception):
    """The network will not have us as we are; trying again is no use until a person has done what ``mend`` says."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(f"{why} {mend}")
        self.why = why
        self.mend = mend


class Source(Protocol):
    """One feed. It lives as long as it is followed, so it remembers across connections what it has handed on."""

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        ...

    def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """One connection's life, from ``cursor`` on (None: from the present on).

        Whatever overlap the network needs so that nothing is missed is taken here, and what was handed on before
        is not handed on again. Closing the iterator closes the connection.

        Raises SourceLost or SourceRefused at its end; it never just ends.
        """
        ...

    def cursor_at(self, at: datetime) -> str | None:
        """The cursor from which everything since ``at`` would be sent, None when this network has no such thing."""
        ...

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it stands for none or is not one of this network's."""
        ...
