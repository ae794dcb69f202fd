"""RSS and Atom: a feed that is asked once a minute what it shows.

A feed shows what it likes and says nothing of what it took away, so this is a comparison: what is shown now with what
was shown before. The dates in it are its publisher's word; *observed* is when we first saw an entry, or its change.
The cursor is Unix time in microseconds: everything shown before it was taken in.
"""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urldefrag, urlsplit

import msgspec

from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import Author, Edited, Post, PostKey, Seen, SourceEvent
from feedmon.model.problems import BadInput, Problem
from feedmon.model.sourcestate import FeedFault
from feedmon.sources.base import Captured, Connected, ConnectionItem, CursorMoved, SourceLost, SourceRefused, Tap
from feedmon.sources.fetching import Answer, TooLarge, retry_after
from feedmon.sources.rss_entries import Entry, Unreadable, read
from feedmon.sources.rss_fetch import CHECK_URL, fetch
from feedmon.sources.select import Selection

log = logging.getLogger(__name__)

NETWORK = "rss"
"""What the meeting file calls this network, for sources and for accounts."""

EVERY = timedelta(seconds=60)
"""How long we wait at least between two visits."""

LONGEST_FRESH = timedelta(minutes=10)
"""How long at most a feed's word that it stays as it is (``Cache-Control``) is taken: a meeting is short."""

_LATE = timedelta(minutes=2)  # by which a visit may be late before it counts as a hole: this machine was asleep
_SKEW = timedelta(minutes=10)  # how far a publisher's clock may be from ours
_MOST_KNOWN = 20_000
_OUR_FAULT = "not understood by feedmon"
_TRY_AGAIN = frozenset({408, 425, 429})
_MAX_AGE = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.I)
_EXAMPLE = "https://gazette.example/council/feed.xml"


class _Visit(msgspec.Struct, frozen=True):
    """What a feed showed: its entries (None: the same as before), when that was, and how late."""

    at: datetime
    late: timedelta
    raw: bytes = b""
    entries: tuple[Entry, ...] | None = None
    etag: str = ""
    last_modified: str = ""


class RssSource:
    """One feed, followed for what is new or changed in it and wanted by a :class:`Selection`.

    ``held`` are posts captured before this process began; ``tap`` sees every document that could be read.

    Raises BadInput when the source's url is no web address.
    """

    def __init__(
        self, spec: SourceSpec, selection: Selection, *, held: Iterable[PostKey] = (), tap: Tap | None = None
    ) -> None:
        self._name = spec.name
        self._url = _address(spec)
        self._selection = selection
        self._tap = tap
        self._held = {key.id for key in held if key.network == NETWORK}
        self._known: dict[str, list[str]] = {}  # by post id, the digests of all its versions so far
        self._digests: dict[str, None] = {}  # of all those versions: some feeds give an entry a new name every time
        self._shown: frozenset[str] = frozenset()  # what the last document showed
        self._etag = self._last_modified = ""
        self._next_visit: datetime | None = None
        self._begun = False
        self._waiting: _Visit | None = None
        self._unreadable = False
        self._faults: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` would be sent."""
        return str(to_micros(at))

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of a feed's."""
        return from_micros(int(cursor)) if len(cursor) == 16 and cursor.isascii() and cursor.isdecimal() else None

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """Visits, one after the other, until one fails; see :meth:`feedmon.sources.base.Source.connect`."""
        reached = (self.time_of(cursor) if cursor else None) or clock.now()
        connected = False
        while True:
            waiting, self._waiting = self._waiting, None
            visit = waiting or await self._visit(clock)
            if isinstance(visit, FeedFault):
                yield visit
                continue
            overlaps = self._overlaps(visit, reached)
            if not connected:
                yield Connected(replays=overlaps)
                connected = True
            elif visit.late > _LATE:
                self._waiting = visit
                minutes = visit.late.total_seconds() / 60
                raise SourceLost(f"it was visited {minutes:.0f} minutes late (was this machine asleep?)", clean=True)
            elif not overlaps:
                self._waiting = visit
                raise SourceLost("between two visits more was published than it shows at once", clean=True)
            events = tuple(self._events(visit, reached))
            if self._tap and visit.entries is not None:
                self._tap(visit.raw, bool(events))
            if events:  # the sign of life came with the visit, however long it takes to hand on what that showed
                yield CursorMoved(heard=visit.at)
            for event in events:
                yield Captured(event, self.cursor_at(reached))
            reached = max(reached, visit.at)
            skipped = 0 if visit.entries is None else len(visit.entries) - len(events)
            yield CursorMoved(self.cursor_at(reached), visit.at, skipped, visit.at)

    async def check(self, clock: Clock) -> str:
        """What the feed shows now. Raises SourceLost or SourceRefused when it could not be followed."""
        visit = await self._visit(clock)
        if isinstance(visit, FeedFault):
            raise SourceLost(f"what it sends is no feed ({visit.what})")
        count = len(visit.entries or ())
        return "it shows one entry" if count == 1 else f"it shows {count} entries"

    async def _visit(self, clock: Clock) -> _Visit | FeedFault:
        """One visit, when it is time for it. Raises SourceLost and SourceRefused."""
        if self._next_visit is not None:
            await clock.sleep_until(self._next_visit)
        now = clock.now()
        late = now - (self._next_visit or now)
        self._next_visit = now + EVERY
        try:
            came_from, answer = await fetch(self._url, self._etag, self._last_modified)
            self._check(answer, now)
            if answer.status == 304:
                self._unreadable = False
                return _Visit(now, late)
            content_type = answer.headers.get("content-type", "")
            entries = await asyncio.to_thread(read, answer.body, content_type, came_from)
        except TooLarge:
            return self._fault("too large")
        except Unreadable as error:
            return self._fault(str(error))
        except (SourceLost, SourceRefused):
            raise
        except Exception:  # a fault of ours must not stop the feed, nor fill the log
            if not self._faults[_OUR_FAULT]:
                log.exception("%s: a document feedmon cannot take", self._name)
            return self._fault(_OUR_FAULT)
        self._unreadable = False
        etag, last_modified = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
        return _Visit(now, late, answer.body, entries, etag, last_modified)

    def _check(self, answer: Answer, now: datetime) -> None:
        """What a status means that is no document; else note how long the document is fresh."""
        status = answer.status
        said = f"it answered {status}"
        if status == 410:
            raise SourceRefused(f"{said}: the feed is gone for good.", CHECK_URL)
        if status in (401, 403):
            raise SourceRefused(f"{said}.", "Ask whoever runs it to let feedmon in.")
        if status in _TRY_AGAIN or status >= 500 or (status == 404 and self._begun):
            raise SourceLost(said, retry_after=retry_after(answer, now))
        if status not in (200, 304):
            raise SourceRefused(f"{said}.", CHECK_URL)
        self._next_visit = now + max(EVERY, _fresh_for(answer))

    def _fault(self, what: str) -> FeedFault:
        """A document that could not be used: passed over once, a loss when nothing else comes."""
        again, self._unreadable = self._unreadable, True
        self._etag = self._last_modified = ""
        self._faults[what] += 1
        if again:
            raise SourceLost(f"what it sends is no feed ({what})")
        return FeedFault(source=self._name, what=what, count=self._faults[what])

    def _overlaps(self, visit: _Visit, since: datetime) -> bool:
        """Whether a document reaches back to what was known already, so that nothing between was missed."""
        if visit.entries is None or not visit.entries:
            return True
        if not self._begun:
            return any(entry.claimed_at is not None and entry.claimed_at < since for entry in visit.entries)
        return not self._shown or any(
            self._id(entry) in self._known or entry.digest in self._digests for entry in visit.entries
        )

    def _events(self, visit: _Visit, since: datetime) -> Iterator[SourceEvent]:
        """What a document means for us, in the order in which it is likely to have been written."""
        if visit.entries is None:
            return
        self._etag, self._last_modified = visit.etag, visit.last_modified  # not sooner: now it is taken in
        first, self._begun = not self._begun, True
        ids = [self._id(entry) for entry in visit.entries]
        below = max((place for place, one in enumerate(ids) if one in self._known), default=len(ids))
        news: list[SourceEvent] = []
        for place, (post_id, entry) in enumerate(zip(ids, visit.entries, strict=True)):
            versions = self._known.get(post_id)
            if versions is None:
                old = entry.claimed_at is not None and entry.claimed_at < since - _SKEW
                known_before = post_id in self._held
                renamed = bool(entry.links) and entry.digest in self._digests
                self._known[post_id] = [entry.digest]
                is_news = _dated_since(entry, since, visit.at) if first else not (renamed or (old and place > below))
                if known_before or is_news:
                    post = self._post(post_id, entry, entry.digest, visit.at)
                    if known_before or self._selection.wants(post):
                        news.append(Edited(post) if known_before else Seen(post))
                        self._held.add(post_id)
            elif versions[-1] != entry.digest:
                version = entry.digest if entry.digest not in versions else f"{entry.digest}-{len(versions)}"
                versions.append(entry.digest)
                post = self._post(post_id, entry, version, visit.at)
                if post_id in self._held or self._selection.wants(post):
                    news.append(Edited(post))
                    self._held.add(post_id)
            self._digests[entry.digest] = None
        self._shown = frozenset(ids)
        self._forget()
        news.reverse()  # most feeds show the newest first
        yield from sorted(news, key=_claim)

    def _forget(self) -> None:
        """Forget the oldest of what is shown no longer, when there is too much of it."""
        surplus = len(self._known) - _MOST_KNOWN
        if surplus > 0:
            gone = [one for one in self._known if one not in self._shown][:surplus]
            for one in gone:
                del self._known[one]
        for digest in list(self._digests)[: max(0, len(self._digests) - _MOST_KNOWN)]:
            del self._digests[digest]

    def _id(self, entry: Entry) -> str:
        return f"{urlsplit(self._url).hostname} {entry.key}"

    def _post(self, post_id: str, entry: Entry, version: str, at: datetime) -> Post:
        host = urlsplit(self._url).hostname or ""
        name = _slug(entry.author)
        return Post(
            network=NETWORK,
            id=post_id,
            version=version,
            author=Author(handle=f"{name}@{host}" if name else host, id=self._url, name=entry.author),
            text=entry.text,
            observed_at=at,
            received_at=at,
            claimed_at=entry.claimed_at,
            links=entry.links,
            hashtags=entry.hashtags,
            media=entry.media,
            langs=entry.langs,
            source=self._name,
        )


def _claim(event: SourceEvent) -> float:
    """What news of one visit are in order by: the publisher's dates, where there are any."""
    claimed = None if not isinstance(event, Seen | Edited) else event.post.claimed_at
    return claimed.timestamp() if claimed else float("inf")


def _dated_since(entry: Entry, since: datetime, now: datetime) -> bool:
    """Whether an entry found at the first visit says that it was published since; one from the future does not."""
    since = since.replace(microsecond=0)  # most dates are in whole seconds
    return entry.claimed_at is not None and since <= entry.claimed_at <= now + _SKEW


def _fresh_for(answer: Answer) -> timedelta:
    """How long a document stays as it is, by its server's word."""
    control = answer.headers.get("cache-control", "")
    ages = [int(age) for age in _MAX_AGE.findall(control)]
    if not ages or "no-cache" in control.lower() or "no-store" in control.lower():
        return timedelta(0)
    age = answer.headers.get("age", "")
    already = int(age[:9]) if age.isascii() and age.isdecimal() else 0
    return min(timedelta(seconds=max(0, min(ages) - already)), LONGEST_FRESH)


def _slug(name: str) -> str:
    """A name as it stands in a handle: “Siân O'Neill” → ``siân-oneill``."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("'", "").replace("’", "")
    return "-".join(re.findall(r"\w+", folded))[:80]


def _address(spec: SourceSpec) -> str:
    """The url to visit. Raises BadInput when the one given cannot be it."""
    try:
        parts = urlsplit(spec.url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        place = f"source “{spec.name}”, url"
        shown = "".join(character if character.isprintable() else "�" for character in spec.url[:100])
        raise BadInput(Problem(place, f"“{shown}” is no web address.", f"It looks like {_EXAMPLE}."))
    return urldefrag(spec.url).url
