"""Bluesky's public stream, Jetstream: where it is, how it is asked, and which of its two protocols an address means.

What a frame says is read in :mod:`feedmon.sources.jetstream_v1` and :mod:`~feedmon.sources.jetstream_v2`, what of it
is for us is decided in :mod:`~feedmon.sources.bluesky_stream`, and a connection's life is in
:mod:`~feedmon.sources.bluesky_source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey
from feedmon.model.problems import BadInput, Problem
from feedmon.sources import jetstream_v1, jetstream_v2
from feedmon.sources.base import Tap
from feedmon.sources.bluesky_cursor import Cursor
from feedmon.sources.bluesky_records import NETWORK
from feedmon.sources.bluesky_socket import LARGEST
from feedmon.sources.bluesky_source import BlueskySource, Dialect, Said
from feedmon.sources.bluesky_stream import COLLECTIONS, BlueskyStream, Unusable
from feedmon.sources.select import Selection, handle_key
from feedmon.sources.wording import printable

KEPT_BY_NETWORK = timedelta(hours=36)
"""How far back Jetstream's first protocol can replay; an older cursor it moves forward without a word."""

MOST_NAMED = 100
"""How many accounts are asked for by name at most: their ids must fit into one line of HTTP."""

_SECOND_PATH = f"/xrpc/{jetstream_v2.METHOD}"
_FIRST_HOSTS = tuple(f"jetstream{number}.{coast}.bsky.network" for coast in ("us-east", "us-west") for number in "21")
_SECOND_HOSTS = tuple(f"jetstream.{coast}.bsky.network" for coast in ("us-east", "us-west"))
_EXAMPLE = f"wss://{_SECOND_HOSTS[0]}{_SECOND_PATH}"
_MEND = f"Check the source's url in the meeting file: it looks like {_EXAMPLE}."


class JetstreamSource(BlueskySource):
    """Jetstream, followed for all posts and reposts, of which what a :class:`Selection` wants is handed on.

    When accounts are all there is to look for, and each is known by its id, only theirs is asked for; silence is then
    normal. ``held`` are posts captured before this process began; ``tap`` sees every frame that says something.
    ``idle_after`` is how many seconds of the wall clock without any frame of everybody's mean that the connection is
    dead: the network is never silent so long.

    Raises BadInput when the source's url is not one of a Jetstream.
    """

    def __init__(
        self,
        spec: SourceSpec,
        selection: Selection,
        *,
        held: Iterable[PostKey] = (),
        tap: Tap | None = None,
        idle_after: float = 15.0,
    ) -> None:
        servers = addresses(spec)
        dids = only_these(selection)
        dialect = _Second(dids) if _is_second(servers[0]) else _First(dids)
        stream = BlueskyStream(selection, spec.name, [key.id for key in held if key.network == NETWORK])
        super().__init__(spec.name, servers, dialect, stream, tap, None if dids else idle_after)


def addresses(spec: SourceSpec) -> tuple[str, ...]:
    """Where to subscribe: the urls given, with commas between; for one of Bluesky's own, its other hosts too.

    Raises BadInput for what cannot be such an address, and for addresses of different protocols.
    """
    given = [_address(spec, url) for url in re.split(r"\s*,\s*", spec.url)]
    if len({_is_second(url) for url in given}) > 1:
        message = "mixes Jetstream's two protocols."
        raise BadInput(Problem(f"source “{spec.name}”, url", message, f"Give addresses that all look like {_EXAMPLE}."))
    if len(given) == 1:
        parts = urlsplit(given[0])
        for family in (_FIRST_HOSTS, _SECOND_HOSTS):
            if parts.netloc in family:
                given += [urlunsplit(parts._replace(netloc=host)) for host in family]
    return tuple(dict.fromkeys(given))


def only_these(selection: Selection) -> tuple[str, ...]:
    """The accounts to ask for by name, in order; none when everybody's posts are needed.

    They are when there is a hashtag to look for, or somebody whose id is not known.
    """
    dids = sorted(id_ for id_ in selection.author_ids if id_.startswith("did:"))
    by_id = {handle_key(handle) for handle in selection.handle_of.values()}
    return () if selection.hashtags or selection.handles - by_id or len(dids) > MOST_NAMED else tuple(dids)


class _First(Dialect):
    """The first protocol, ``/subscribe``."""

    numbers_only = False
    keeps = KEPT_BY_NETWORK
    as_line = None
    mend = _MEND

    def __init__(self, dids: Sequence[str]) -> None:
        self._wanted = [("wantedCollections", name) for name in COLLECTIONS] + [("wantedDids", did) for did in dids]

    def address(self, server: str, asked: Cursor | None) -> str:
        return _asking(server, self._wanted, asked.micros if asked else None)

    def skim(self, frame: bytes, stream: BlueskyStream) -> Said | None:
        micros = jetstream_v1.skim(frame, stream.authors, stream.addressed)
        return None if micros is None else Said(micros)

    def read(self, frame: bytes) -> Said:
        message = jetstream_v1.read(frame)
        return Said(None if isinstance(message, Unusable) else message.micros, None, (message,))


class _Second(Dialect):
    """The second protocol, ``network.bsky.jetstream.subscribeEvents``."""

    numbers_only = False
    keeps = None
    as_line = None
    mend = _MEND

    def __init__(self, dids: Sequence[str]) -> None:
        self._wanted = [("kinds", kind) for kind in ("commit", "identity", "account")]
        self._wanted += [("collections", name) for name in COLLECTIONS] + [("dids", did) for did in dids]

    def address(self, server: str, asked: Cursor | None) -> str:
        if asked is None:
            return _asking(server, self._wanted, None)
        return _asking(server, self._wanted, asked.micros if asked.seq is None else asked.seq)

    def skim(self, frame: bytes, stream: BlueskyStream) -> Said | None:
        return jetstream_v2.skim(frame, stream.authors, stream.addressed)

    def read(self, frame: bytes) -> Said:
        return jetstream_v2.read(frame)


def _asking(server: str, wanted: Sequence[tuple[str, str]], cursor: int | None) -> str:
    parts = urlsplit(server)
    query = [*parse_qsl(parts.query), *wanted, ("maxMessageSizeBytes", str(LARGEST))]
    if cursor is not None:
        query.append(("cursor", str(cursor)))
    return urlunsplit(parts._replace(query=urlencode(query)))


def _is_second(url: str) -> bool:
    return urlsplit(url).path == _SECOND_PATH


def _address(spec: SourceSpec, url: str) -> str:
    """The url to subscribe at. Raises BadInput when the one given cannot be it."""
    place = f"source “{spec.name}”, url"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise BadInput(Problem(place, f"“{printable(url)}” is no WebSocket address.", f"It looks like {_EXAMPLE}."))
    if parts.path.startswith("/xrpc/") and parts.path != _SECOND_PATH:
        raise BadInput(Problem(place, "is for another protocol than this source's.", f"It looks like {_EXAMPLE}."))
    path = parts.path
    if path in ("", "/"):
        path = _SECOND_PATH if parts.netloc in _SECOND_HOSTS else "/subscribe"
    return urlunsplit(parts._replace(path=path, fragment=""))
