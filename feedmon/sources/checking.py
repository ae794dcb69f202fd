"""Whether a feed would work now, what it would cost, and what it cannot see: to be asked before the meeting."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Protocol, runtime_checkable

import msgspec

from feedmon.model.instants import Clock
from feedmon.model.meeting import SourceSpec
from feedmon.sources.base import Source, SourceLost, SourceRefused
from feedmon.sources.x_spend import CAP

_WITHIN = 30.0


class About(msgspec.Struct, frozen=True):
    """What a person should know of a kind of source. ``{cap}`` in ``costs`` stands for the most it may cost."""

    costs: str
    cannot_see: str


ABOUT: dict[str, About] = {
    "bluesky": About(
        "nothing, and needs no account",
        "what pictures and videos show; posts older than about 36 hours; other networks",
    ),
    "pds": About(
        "nothing, and needs no account",
        "anything but the posts of the accounts on this one server",
    ),
    "mastodon": About(
        "nothing; needs a token of a bot account",
        "what its server never received: posts from servers it does not know, and posts that are not public",
    ),
    "rss": About(
        "nothing, and needs no account",
        "what the publisher leaves out; deletions; anything sooner than the next look, a minute or more later",
    ),
    "x": About(
        "$0.005 for each post and $0.01 for each author read, at most ${cap:.2f} in this meeting",
        "deletions; answers and quotes that neither mention an account nor have a hashtag; private accounts; "
        "more than seven days back",
    ),
    "youtube": About(
        "nothing; needs an API key and uses its daily quota of 10,000 units, a few for each look at the chat",
        "comments under the video; the chat of a broadcast that is over, or that has none",
    ),
}
"""Every kind that :data:`feedmon.sources.REGISTRY` knows."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether a source works now, and what it said; ``mend`` is what to do when it does not."""

    works: bool
    said: str = ""
    mend: str = ""


@runtime_checkable
class Checkable(Protocol):
    """A source that can be asked whether it would work, without following it."""

    async def check(self, clock: Clock) -> str:
        """In a few words how it would be followed. Raises SourceLost or SourceRefused when it would not work."""
        ...


def costs_of(spec: SourceSpec) -> str:
    """What following a source costs."""
    return ABOUT[spec.kind].costs.format(cap=CAP if spec.cap is None else spec.cap)


async def checked(source: Source, clock: Clock) -> Verdict:
    """Try a source: ask it, if it can be asked, else connect and hang up again at once."""
    try:
        async with asyncio.timeout(_WITHIN):
            if isinstance(source, Checkable):
                return Verdict(True, await source.check(clock))
            async with aclosing(source.connect(None, clock)) as connection:
                await anext(connection)
            return Verdict(True)
    except SourceRefused as refused:
        return Verdict(False, refused.why, refused.mend)
    except SourceLost as lost:
        return Verdict(False, lost.why, "Try again in a while; feedmon itself would go on trying.")
    except TimeoutError:
        return Verdict(False, f"nothing came within {_WITHIN:g} seconds", "Check this machine's connection.")
