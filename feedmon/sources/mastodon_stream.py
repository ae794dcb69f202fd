"""What a Mastodon server shows us, and what of it is for us. Pure: a fold, whichever way a status reached us.

The streaming server keeps no order: a deletion, which needs no check, overtakes the post it deletes, and an edit the
version before it. It names posts by numbers of its own. So :class:`MastodonStream` remembers which versions it has
handed on, which posts they belong to (*held*), and which numbers were deleted. All of its memory is bounded.

**When** a post was seen decides which moment of the meeting it is judged by. Its own server's word for that is a
claim. What comes through the stream is therefore dated by our receipt. What is found later, by asking, was shown at
some time between the last moment at which we would have seen it and now: the claim is believed within these bounds.
Of two versions the older is never dated after the newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from feedmon.model.posts import Deleted, Edited, PostKey, Seen, SourceEvent
from feedmon.sources.mastodon_status import NETWORK, People, StatusEntity, read_status
from feedmon.sources.memory import Memory
from feedmon.sources.select import Selection

_MOST_HELD = 50_000
_MOST_NUMBERS = 50_000
_MOST_DELETED = 20_000


class _Held:
    """A post that was handed on: its number on this server when known, and when each of its versions was seen."""

    def __init__(self, number: str | None) -> None:
        self.number = number
        self.versions: dict[str, datetime] = {}
        self.checked: datetime | None = None
        self.gone = False


class MastodonStream:
    """The sieve of one server: statuses and deletions in, events about posts that may belong to a meeting out, once.

    ``held`` are posts captured before this process began, by their lasting names.
    """

    def __init__(self, selection: Selection, source: str, people: People, held: Iterable[str] = ()) -> None:
        self.people = people
        self._selection = selection
        self._source = source
        self._held: Memory[str, _Held] = Memory(_MOST_HELD)
        self._uri_of: Memory[str, str] = Memory(_MOST_NUMBERS)
        self._deleted: Memory[str, datetime] = Memory(_MOST_DELETED)
        for uri in held:
            self._held.keep(uri, _Held(None))

    def live(self, status: StatusEntity, now: datetime) -> tuple[SourceEvent, ...]:
        """What a status means that came through the stream at ``now``. Raises NotPublic."""
        return self._take(status, now, now)

    def found(self, status: StatusEntity, unseen_since: datetime | None, now: datetime) -> tuple[SourceEvent, ...]:
        """What a status means that was found by asking. Raises NotPublic.

        Before ``unseen_since`` we would have seen it; None when that cannot be known, for this process has not yet
        seen anything.
        """
        claim = status.claim or now
        return self._take(status, min(max(claim, unseen_since or claim), now), now)

    def gone(self, number: str, now: datetime) -> tuple[SourceEvent, ...]:
        """What it means that the server's post of this number is no more."""
        if number in self._deleted:
            return ()
        self._deleted.keep(number, now)
        uri = self._uri_of.get(number) or next(self._held_numbered(number), "")
        held = self._held.get(uri)
        if held is None or held.gone:
            return ()
        held.gone = True
        return (self._deletion(uri, now),)

    def to_check(self, most: int) -> list[tuple[str, datetime | None]]:
        """The numbers of held posts whose turn it is to be asked for again, with when each was last known to stand.

        They are then last in turn.
        """
        turn: list[tuple[str, datetime | None]] = []
        for uri, held in list(self._held.items()):
            if len(turn) == most:
                break
            number = held.number or self._number_in(uri)
            if held.gone or number is None:
                continue
            self._uri_of.keep(number, uri)
            turn.append((number, held.checked or max(held.versions.values(), default=None)))
            self._held.keep(uri, held)
        return turn

    def checked(self, numbers: Iterable[str], at: datetime) -> None:
        """Note that what became of these posts was learnt by a question asked at ``at``."""
        for number in numbers:
            held = self._held.get(self._uri_of.get(number, ""))
            if held is not None:
                held.checked = at

    def _take(self, status: StatusEntity, at: datetime, now: datetime) -> tuple[SourceEvent, ...]:
        self._uri_of.keep(status.id, status.uri)
        held = self._held.get(status.uri)
        if held is not None:
            held.number = status.id
            if status.version in held.versions:
                return ()
            older = [seen for version, seen in held.versions.items() if version < status.version]
            newer = [seen for version, seen in held.versions.items() if version > status.version]
            at = min([max([at, *older]), *newer])
        deleted_at = self._deleted.get(status.id)
        if deleted_at is not None:
            at = min(at, deleted_at)
        post = read_status(
            status, self.people, observed_at=at, received_at=now, source=self._source, uri_of=self._uri_of
        )
        if held is None:
            wanted = self._selection.follows(post.author) or (post.repost_of is None and self._selection.wants(post))
            if not wanted:
                return ()
            held = _Held(status.id)
        held.versions[status.version] = at
        event = Edited(post) if post.version else Seen(post)
        if status.uri not in self._held:
            self._held.keep(status.uri, held)
        if deleted_at is None:
            return (event,)
        held.gone = True
        return (event, self._deletion(status.uri, deleted_at))

    def _deletion(self, uri: str, at: datetime) -> Deleted:
        return Deleted(PostKey(NETWORK, uri), at, self._source)

    def _held_numbered(self, number: str) -> Iterator[str]:
        """The local post of this number among those held from before this process began."""
        return (uri for uri, held in self._held.items() if held.number is None and self._number_in(uri) == number)

    def _number_in(self, uri: str) -> str | None:
        """The number that a local post's lasting name ends in, None for posts of other servers."""
        host, _, path = uri.partition("://")[2].partition("/")
        number = path.rpartition("/")[2]
        return (
            number if host in (self.people.host, self.people.domain) and number.isascii() and number.isalnum() else None
        )
