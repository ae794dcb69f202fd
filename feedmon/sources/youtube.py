"""The live chat of a webcast on YouTube, asked for every few seconds.

Everything said in the council's own chat is about its meeting, so all of it belongs to every meeting that names the
webcast. The cursor is Unix time in microseconds. Where we are in a chat its page token says, which only lives as long
as this source does; without one YouTube sends what history it likes to, and what was handed on is not handed on again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from feedmon.model.instants import Clock, from_micros, to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import PostKey
from feedmon.model.problems import BadInput, Problem
from feedmon.model.sourcestate import FeedFault
from feedmon.sources.base import Captured, Connected, ConnectionItem, CursorMoved, SourceLost, Tap
from feedmon.sources.credentials import token_for
from feedmon.sources.fetching import TooLarge, is_local, session_for
from feedmon.sources.select import Selection
from feedmon.sources.youtube_calls import Calls, ChatOver, Page, PlaceLost, Quota, Unreadable
from feedmon.sources.youtube_chat import NETWORK, NotAMessage, YouTubeChat

EVERY = timedelta(seconds=8)
"""How long we wait at least between two requests: at this pace a day's quota lasts for more than four hours."""

LONGEST_WAIT = timedelta(minutes=5)
"""How long at most YouTube may have us wait, and how often a webcast without a chat is looked at again."""

REWIND = timedelta(seconds=60)
"""How much later than it was written a message may be listed."""

_SURELY_WHOLE = 50  # items; YouTube sends all of a short history, and does not say what is short
_LOOK_AGAIN = timedelta(seconds=60)
_API = "https://www.googleapis.com/youtube/v3"
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_IN_PATH = re.compile(r"/(?:live|embed|v|e|shorts|video)/([^/]+)(?:/.*)?")
_HOSTS = ("youtube.com", "youtube-nocookie.com", "youtu.be")
_EXAMPLE = "https://www.youtube.com/watch?v=…"


class YouTubeSource:
    """The chat of one webcast, followed through the Data API.

    ``held`` are posts captured before this process began; ``tap`` sees every item of the chat. A webcast at an address
    of this machine is a rehearsal's, whose API is there too.

    Raises BadInput when the source's url is not that of one video.
    """

    def __init__(
        self,
        spec: SourceSpec,
        selection: Selection,
        *,
        held: Iterable[PostKey] = (),
        tap: Tap | None = None,
        quota: Quota | None = None,
    ) -> None:
        self._name = spec.name
        self._video = video_of(spec)
        parts = urlsplit(spec.url)
        self._api = f"{parts.scheme}://{parts.netloc}/youtube/v3" if is_local(spec.url) else _API
        self._chat = YouTubeChat(selection, spec.name, [key.id for key in held if key.network == NETWORK])
        self._tap = tap
        self._quota = quota or Quota()
        self._chat_id = ""
        self._page_token = ""
        self._next_call: datetime | None = None
        self._unreadable = False
        self._faults: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """What the meeting file calls it."""
        return self._name

    def cursor_at(self, at: datetime) -> str:
        """The cursor from which everything since ``at`` would be sent, as far as YouTube keeps it."""
        return str(to_micros(at))

    def time_of(self, cursor: str) -> datetime | None:
        """The instant a cursor stands for, None when it is not one of a chat's."""
        return from_micros(int(cursor)) if len(cursor) == 16 and cursor.isascii() and cursor.isdecimal() else None

    async def connect(self, cursor: str | None, clock: Clock) -> AsyncGenerator[ConnectionItem, None]:
        """Requests, one after the other, until one fails; see :meth:`feedmon.sources.base.Source.connect`."""
        came_to = self.time_of(cursor) if cursor else None
        since = came_to - REWIND if came_to else clock.now()
        reached = came_to or since
        connected = False
        key = await token_for(self._name)
        async with session_for(self._api) as session:
            calls = Calls(session, self._api, key, self._quota)
            while True:
                if self._next_call is not None:
                    await clock.sleep_until(self._next_call)
                asked = clock.now()
                self._next_call = asked + EVERY
                resumed = bool(self._page_token)
                try:
                    page, remark = await self._next_page(calls, asked)
                except (Unreadable, TooLarge) as error:
                    yield self._fault("too large" if isinstance(error, TooLarge) else "not an answer of YouTube's")
                    continue
                self._unreadable = False
                if not connected:
                    yield Connected(replays=resumed or self._reaches_back(page, came_to))
                    connected = True
                skipped = 0
                received = clock.now()
                for raw in page.items:
                    try:
                        heard = self._chat.take(raw, received, since)
                    except NotAMessage:
                        yield self._count("not a message")
                        continue
                    if self._tap:
                        self._tap(bytes(raw), bool(heard.events))
                    if heard.at is not None:  # never back, nor beyond the present
                        reached = max(reached, min(heard.at, received))
                    for event in heard.events:
                        yield Captured(event, self.cursor_at(reached), ours=True)
                    skipped += not heard.events
                    if heard.over:
                        self._leave()
                        remark = "the webcast's chat has ended"
                if self._chat_id:
                    wait = timedelta(milliseconds=max(0.0, min(page.polling_interval_millis, 1e9)))
                    self._next_call = asked + max(EVERY, min(wait, LONGEST_WAIT))
                else:
                    self._next_call = asked + _LOOK_AGAIN
                reached = max(reached, asked - REWIND)
                yield CursorMoved(self.cursor_at(reached), asked, skipped, remark=remark)

    async def check(self, clock: Clock) -> str:
        """How the webcast's chat is, for one unit of quota. Raises SourceLost or SourceRefused."""
        key = await token_for(self._name)
        async with session_for(self._api) as session:
            try:
                webcast = await Calls(session, self._api, key, self._quota).webcast(self._video, clock.now())
            except (Unreadable, TooLarge, ChatOver):
                raise SourceLost("what answers is not YouTube as it should be") from None
        return "its chat is open" if webcast.active_live_chat_id else webcast.chatless_because

    async def _next_page(self, calls: Calls, now: datetime) -> tuple[Page, str]:
        """What came since, and what a person should know; an empty page while there is no chat to read."""
        if not self._chat_id:
            webcast = await calls.webcast(self._video, now)
            self._chat_id = webcast.active_live_chat_id
            if not self._chat_id:
                return Page(), f"{webcast.chatless_because}; feedmon goes on looking for it"
        try:
            page = await calls.messages(self._chat_id, self._page_token, now)
        except ChatOver as over:
            self._leave()
            return Page(), f"{over.why}; feedmon goes on looking for it"
        except PlaceLost:
            self._page_token = ""
            raise SourceLost("YouTube no longer knows where we had come to in the chat", clean=True) from None
        self._page_token = page.next_page_token
        return page, self._quota.told

    def _leave(self) -> None:
        self._chat_id = self._page_token = ""

    @staticmethod
    def _reaches_back(page: Page, since: datetime | None) -> bool:
        """Whether a chat's history begins before what we have seen, or is so short that it must be all there is."""
        times = [at for at in _times(page) if at is not None]
        return since is not None and (len(page.items) < _SURELY_WHOLE or (bool(times) and min(times) <= since))

    def _fault(self, what: str) -> FeedFault:
        """An answer that could not be used: passed over once, a loss when nothing else comes."""
        again, self._unreadable = self._unreadable, True
        fault = self._count(what)
        if again:
            self._page_token = ""
            raise SourceLost(f"what answers is not YouTube as it should be ({what})")
        return fault

    def _count(self, what: str) -> FeedFault:
        self._faults[what] += 1
        return FeedFault(source=self._name, what=what, count=self._faults[what])


def _times(page: Page) -> Iterator[datetime | None]:
    for raw in page.items:
        try:
            yield YouTubeChat.time_of(raw)
        except NotAMessage:
            continue


def video_of(spec: SourceSpec) -> str:
    """The id of the video a source's url names, in any of the forms YouTube gives out. Raises BadInput."""
    place = f"source “{spec.name}”, url"
    try:
        parts = urlsplit(spec.url)
        host = (parts.hostname or "").removeprefix("www.")
        asked = parse_qs(parts.query)
    except ValueError:
        raise BadInput(Problem(place, "is no web address.", f"It looks like {_EXAMPLE}.")) from None
    known = is_local(spec.url) or any(host == one or host.endswith(f".{one}") for one in _HOSTS)
    if parts.scheme not in ("http", "https") or not known:
        raise BadInput(Problem(place, "is not an address of YouTube's.", f"It looks like {_EXAMPLE}."))
    in_path = _IN_PATH.fullmatch(parts.path)
    candidates = [asked.get("v", [""])[0], in_path[1] if in_path else ""]
    if host == "youtu.be":
        candidates.insert(0, parts.path.strip("/").partition("/")[0])
    for candidate in candidates:
        if _VIDEO.fullmatch(candidate):
            return candidate
    if parts.path.startswith(("/@", "/channel/", "/c/", "/user/")):
        mend = "Open the webcast itself (it may be announced already) and copy the address of its page."
        raise BadInput(Problem(place, "is a channel's, and a channel has many videos.", mend))
    raise BadInput(Problem(place, "does not say which video.", f"It looks like {_EXAMPLE}."))
