"""How a source is doing. “Connected” is never taken for “receiving”."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from feedmon.model.instants import Instant


class SourceCondition(StrEnum):
    """``quiet``: alive, but nothing for this meeting lately. ``refused``: only a person can mend it."""

    STARTING = "starting"
    LIVE = "live"
    QUIET = "quiet"
    BEHIND = "behind"
    LOST = "lost"
    REFUSED = "refused"
    STOPPED = "stopped"


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """One source's condition, since when, its last post for us, its last sign of life, and a plain word of why."""

    name: str
    condition: SourceCondition
    since: Instant
    last_post: Instant | None = None
    last_sign: Instant | None = None
    why: str = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which a source could not be seen; ``filled`` once the network has replayed it."""

    source: str
    start: Instant
    end: Instant
    filled: bool
    why: str = ""


class FeedFault(msgspec.Struct, frozen=True, kw_only=True):
    """A feed message that could not be used, counted by what was wrong with it."""

    source: str
    what: str
    count: int
