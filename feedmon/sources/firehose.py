"""The stream of a personal data server: for a council or community that runs its own part of Bluesky's network.

``com.atproto.sync.subscribeRepos``, over a WebSocket. Such a server may be silent all evening, sends no pings, and
drops connections without a word when it stops; so it is we who ask whether it is there. Its cursor is a number of its
own, and exclusive: it is asked for the number before, so that it begins with one we know, and else is not believed.
It cannot be asked for a time: then it is asked for all it keeps, and what is older is let go.

What it says is read in :mod:`feedmon.sources.firehose_frames`; what of it is for us, as with all of Bluesky, is decided
in :mod:`feedmon.sources.bluesky_stream`.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit, urlunsplit

from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey
from feedmon.model.problems import BadInput, Problem
from feedmon.sources.base import Tap
from feedmon.sources.bluesky_cursor import Cursor
from feedmon.sources.bluesky_records import NETWORK
from feedmon.sources.bluesky_source import BlueskySource, Dialect, Said
from feedmon.sources.bluesky_stream import BlueskyStream
from feedmon.sources.select import Selection
from feedmon.sources.wording import printable

PATH = "/xrpc/com.atproto.sync.subscribeRepos"

_EXAMPLE = "wss://pds.council.example"
_MEND = f"Check the source's url in the meeting file: it looks like {_EXAMPLE}."


class PdsSource(BlueskySource):
    """A personal data server, followed for all posts and reposts; what a :class:`Selection` wants is handed on.

    ``held`` are posts captured before this process began; ``tap`` sees every change of a post or name, as Jetstream
    would tell it.

    Raises BadInput when the source's url is none of such a server.
    """

    def __init__(
        self, spec: SourceSpec, selection: Selection, *, held: Iterable[PostKey] = (), tap: Tap | None = None
    ) -> None:
        stream = BlueskyStream(selection, spec.name, [key.id for key in held if key.network == NETWORK])
        super().__init__(spec.name, [_address(spec)], _Firehose(), stream, tap, None)


class _Firehose(Dialect):
    """``com.atproto.sync.subscribeRepos``."""

    numbers_only = True
    keeps = None
    mend = _MEND

    def __init__(self) -> None:
        try:  # its libraries take a while, and few meetings need them
            from feedmon.sources import firehose_frames
        except ImportError as error:
            mend = 'Install them: pip install "feedmon[pds]"'
            raise BadInput(Problem("kind “pds”", "needs libraries that are not here.", mend)) from error
        self.as_line = firehose_frames.as_line
        self._read = firehose_frames.read

    def address(self, server: str, asked: Cursor | None) -> str:
        if asked is None:
            return server
        query = urlencode({"cursor": max((asked.seq or 0) - 1, 0)})
        return urlunsplit(urlsplit(server)._replace(query=query))

    def skim(self, frame: bytes, stream: BlueskyStream) -> Said | None:  # all of it is decoded
        return None

    def read(self, frame: bytes) -> Said:
        return self._read(frame)


def _address(spec: SourceSpec) -> str:
    place = f"source “{spec.name}”, url"
    try:
        parts = urlsplit(spec.url)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        message = f"“{printable(spec.url)}” is no WebSocket address."
        raise BadInput(Problem(place, message, f"It looks like {_EXAMPLE}."))
    if parts.path not in ("", "/", PATH):
        raise BadInput(Problem(place, "is for another protocol than this source's.", f"It looks like {_EXAMPLE}."))
    return urlunsplit(parts._replace(path=PATH, query="", fragment=""))
