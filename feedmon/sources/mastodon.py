"""Mastodon, GoToSocial and their kin: one streaming socket for all hashtags, and asking for what it does not bring.

The stream has no memory: no cursor, no replay, no word that a subscription took. So the cursor here is the instant, in
microseconds of Unix time, up to which everything was seen, and each connection asks for what came since
(:mod:`feedmon.sources.mastodon_connection`). What a status says is read in
:mod:`feedmon.sources.mastodon_status`, what of it is for us decided in :mod:`feedmon.sources.mastodon_stream`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey
from feedmon.model.problems import BadInput, Problem
from feedmon.sources.base import ConnectionItem, SourceRefused, Tap
from feedmon.sources.credentials import token_for
from feedmon.sources.mastodon_asking import Asking, roster_of
from feedmon.sources.mastodon_connection import Connection, Pace, Progress
from feedmon.sources.mastodon_intake import Intake
from feedmon.sources.mastodon_rest import (
    AskFailed,
    Instance,
    Limits,
    MastodonRest,
    NotAllowed,
    on_this_machine,
)
from feedmon.sources.mastodon_socket import HOW_TO_BE_LET_IN, open_socket
from feedmon.sources.mastodon_status import NETWORK, People
from feedmon.sources.mastodon_stream import MastodonStream
from feedmon.sources.select import Selection
from feedmon.sources.wording import printable

_EXAMPLE = "https://mastodon.example"
_ANOTHER = "Follow the meeting from another server."


class MastodonSource:
    """The hashtags and fediverse accounts of a :class:`Selection`, followed from one server.

    ``held`` are posts captured before this process began; ``tap`` sees every message of the stream, and every status
    found by asking in the same form, under the stream ``asked``. Raises BadInput when the url is no server's.
    """

    def __init__(
        self,
        spec: SourceSpec,
        selection: Selection,
        *,
        held: Iterable[PostKey] = (),
        tap: Tap | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._name = spec.name
        self._base = _base(spec)
        self._hashtags = _spellings(selection)
        self._roster = roster_of(selection)
        self._people = People(urlsplit(self._base).hostname or "", selection.author_ids, selection.handle_of)
        held_here = [key.id for key in held if key.network == NETWORK]
        self._intake = Intake(spec.name, MastodonStream(selection, spec.name, self._people, held_here), tap)
        self._progress = Progress()
        self._limits = Limits()
        self._pace = pace or Pace()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` is asked for."""
        return str(to_micros(at))

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of ours."""
        return from_micros(int(cursor)) if len(cursor) == 16 and cursor.isascii() and cursor.isdecimal() else None

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """One connection's life; see :meth:`feedmon.sources.base.Source.connect`."""
        token = await token_for(self._name)
        came_to = self.time_of(cursor) if cursor else None
        async with MastodonRest(self._base, token, self._limits) as rest:
            url = self._streaming(await self._instance(rest))
            asking = Asking(rest, self._hashtags, self._roster, self._people, self._intake.faults)
            socket = await open_socket(url, token)
            connection = Connection(socket, asking, self._intake, self._progress, clock, self._pace, came_to)
            try:
                async with aclosing(connection.items(self._hashtags)) as items:
                    async for item in items:
                        yield item
            finally:
                await connection.close()

    async def _instance(self, rest: MastodonRest) -> Instance:
        """What the server says of itself; whose its handles are is known from then on."""
        try:
            instance = await rest.instance()
        except AskFailed as error:
            raise error.as_lost() from error
        except NotAllowed as error:
            raise error.as_refused(HOW_TO_BE_LET_IN) from error
        if self._hashtags and not instance.shows_hashtags:
            raise SourceRefused("this server shows hashtags to nobody.", _ANOTHER)
        self._people.domain = instance.domain.lower() or self._people.domain
        return instance

    def _streaming(self, instance: Instance) -> str:
        """Where the server streams. Raises SourceRefused for no address, or one that would have the token in clear."""
        try:
            parts = urlsplit(instance.configuration.urls.streaming or self._base)
            usable = bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise SourceRefused("what it says it streams from is no address.", "Ask whoever runs it.")
        secure = parts.scheme in ("wss", "https")
        if not secure and not on_this_machine(parts.geturl()):
            raise SourceRefused("it would have the token sent unencrypted.", _ANOTHER)
        return urlunsplit(("wss" if secure else "ws", parts.netloc, "/api/v1/streaming", "", ""))


def _spellings(selection: Selection) -> frozenset[str]:
    """The hashtags to ask for: folded as we compare them, and as the meeting writes them, for servers that do not."""
    written = {tag.strip().lstrip("#＃").lower() for tag in selection.tags_as_written}
    return frozenset(written | selection.hashtags) - {""}


def _base(spec: SourceSpec) -> str:
    """The server's own address. Raises BadInput when the one given cannot be it."""
    place = f"source “{spec.name}”, url"
    try:
        parts = urlsplit(spec.url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.path not in ("", "/"):
        message = f"“{printable(spec.url)}” is no address of a server."
        raise BadInput(Problem(place, message, f"It is the server's alone, like {_EXAMPLE}."))
    if parts.scheme == "http" and not on_this_machine(spec.url):
        raise BadInput(Problem(place, "would have your token sent unencrypted.", f"Write it like {_EXAMPLE}."))
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))
