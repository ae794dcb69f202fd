"""Talking to YouTube's Data API (v3): the two requests a live chat needs, what its refusals mean, and what they cost.

The key goes in a header, never in an address. ``videos.list`` costs one unit of the key's daily quota,
``liveChatMessages.list`` five; the day begins at midnight in California. Of an error only its ``reason`` is used.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from feedmon.model.instants import Instant
from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.fetching import Answer, get, retry_after

DAILY_UNITS = 10_000
"""What a key may use in a day, unless Google has granted its project more."""

LOOKING_UP, READING = 1, 5
"""Units of one request for the video, and of one for a page of its chat."""

MOST_A_PAGE = 2_000

_CALIFORNIA, _UK = ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/London")
_BUSY = 60.0
_OVER_QUOTA = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "userRequestsExceedRateLimit"})
_BAD_KEY = frozenset({"keyInvalid", "API_KEY_INVALID", "keyExpired", "API_KEY_EXPIRED"})
_NOT_ENABLED = frozenset(
    {
        *("accessNotConfigured", "SERVICE_DISABLED", "ipRefererBlocked"),
        *("API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED"),
    }
)
_WORD = re.compile(r"[A-Za-z_]{1,60}")


class ChatOver(Exception):
    """The chat cannot be read any longer, or not at all; ``why`` says which."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class PlaceLost(Exception):
    """The API no longer knows the page token it was given."""


class Unreadable(Exception):
    """An answer that is not what the API answers."""


class Webcast(msgspec.Struct, rename="camel"):
    """The live side of a video."""

    active_live_chat_id: str = ""
    actual_start_time: Instant | None = None
    actual_end_time: Instant | None = None

    @property
    def chatless_because(self) -> str:
        """Why there is no chat to read."""
        if self.actual_end_time is not None:
            return "the webcast is over, and its chat with it"
        if self.actual_start_time is None:
            return "the webcast has not begun, and its chat is not open yet"
        return TURNED_OFF


TURNED_OFF = "the webcast's chat is turned off"
"""What is said of a chat that its channel does not want."""


class Page(msgspec.Struct, rename="camel"):
    """A page of the chat, oldest item first."""

    items: list[msgspec.Raw] = []
    next_page_token: str = ""
    polling_interval_millis: float = 0.0


class _Video(msgspec.Struct, rename="camel"):
    live_streaming_details: Webcast | None = None


class _Videos(msgspec.Struct):
    items: list[_Video]


class _Reason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    errors: list[_Reason] = []
    details: list[_Reason] = []


class _Refusal(msgspec.Struct):
    error: _Error


class Quota:
    """Counts the units used since midnight in California, so that we stop before YouTube stops us.

    Only what this process used is known: other programs may share the key, and YouTube's own word goes before ours.
    """

    def __init__(self, units: int = DAILY_UNITS) -> None:
        self._units = units
        self._day = date.min
        self.used = 0

    def spend(self, units: int, now: datetime) -> None:
        """Account for a request about to be made. Raises SourceRefused when there is nothing left for it."""
        day = now.astimezone(_CALIFORNIA).date()
        if day != self._day:
            self._day, self.used = day, 0
        if self.used + units > self._units:
            raise out_of_quota(f"feedmon has used the day's {self._units:,} units of YouTube's quota", now)
        self.used += units

    @property
    def told(self) -> str:
        """How much is used, in whole percents."""
        return f"{100 * self.used // self._units} % of the day's YouTube quota used by feedmon"


def out_of_quota(why: str, now: datetime) -> SourceRefused:
    """The refusal that says when the quota begins anew."""
    tomorrow = now.astimezone(_CALIFORNIA).date() + timedelta(days=1)
    reset = datetime.combine(tomorrow, time(), _CALIFORNIA).astimezone(_UK)
    mend = f"It begins anew at {reset:%H:%M} UK time on {reset.day} {reset:%B}; start feedmon again then."
    return SourceRefused(f"{why}.", f"{mend} Google grants more on request.")


class Calls:
    """The requests, over one session. ``key`` is the API key, sent in a header and nowhere else."""

    def __init__(self, session: aiohttp.ClientSession, api: str, key: str, quota: Quota) -> None:
        self._session = session
        self._api = api
        self._headers = {"X-goog-api-key": key, "Accept": "application/json"}
        self._quota = quota

    async def webcast(self, video: str, now: datetime) -> Webcast:
        """The live side of a video. Raises SourceLost, SourceRefused, TooLarge and Unreadable."""
        answer = await self._ask("videos", {"part": "liveStreamingDetails", "id": video}, LOOKING_UP, now)
        try:
            videos = msgspec.json.decode(answer.body, type=_Videos).items
        except (ValueError, RecursionError) as error:
            raise Unreadable from error
        if not videos:
            raise SourceRefused("YouTube knows no such video, or it is private.", _CHECK_URL)
        if videos[0].live_streaming_details is None:
            raise SourceRefused("this video is no live broadcast, so it has no live chat.", _CHECK_URL)
        return videos[0].live_streaming_details

    async def messages(self, chat: str, page_token: str, now: datetime) -> Page:
        """The next page of a chat, without a token what there is of its history. Raises ChatOver and PlaceLost too."""
        params = {"liveChatId": chat, "part": "id,snippet,authorDetails", "maxResults": str(MOST_A_PAGE)}
        if page_token:
            params["pageToken"] = page_token
        answer = await self._ask("liveChat/messages", params, READING, now)
        try:
            return msgspec.json.decode(answer.body, type=Page)
        except (ValueError, RecursionError) as error:
            raise Unreadable from error

    async def _ask(self, what: str, params: dict[str, str], units: int, now: datetime) -> Answer:
        self._quota.spend(units, now)
        answer = await get(self._session, f"{self._api}/{what}", headers=self._headers, params=params)
        if answer.status != 200:
            raise _refusal(answer, "pageToken" in params, now)
        return answer


_CHECK_URL = "Check the source's url in the meeting file: it is the webcast's own page."
_CHECK_KEY = "Check the key in Google's console, and give it to feedmon again."


def _refusal(answer: Answer, had_token: bool, now: datetime) -> Exception:
    """What an answer that is no success means."""
    reasons = _reasons(answer.body)
    word = next(iter(reasons), "")
    said = f"YouTube answered {answer.status}" + (f" ({word})" if word else "")
    wait = retry_after(answer, now)
    if reasons & _OVER_QUOTA:
        return out_of_quota("the key's quota for the day is used up", now)
    if reasons & _TOO_FAST or answer.status in (408, 425, 429):
        return SourceLost(said, retry_after=wait or _BUSY)
    if "liveChatEnded" in reasons:
        return ChatOver("the webcast's chat has ended")
    if "liveChatDisabled" in reasons:
        return ChatOver(TURNED_OFF)
    if "liveChatNotFound" in reasons:
        return ChatOver("the webcast's chat is not there any longer")
    if reasons & _BAD_KEY:
        return SourceRefused(f"{said}: the key is not valid.", _CHECK_KEY)
    if reasons & _NOT_ENABLED:
        return SourceRefused(
            f"{said}: the key may not be used for this, or not from here.",
            "In Google's console, enable “YouTube Data API v3” for its project and look at the key's restrictions.",
        )
    if answer.status == 400 and had_token:
        return PlaceLost()
    if answer.status >= 500 or 300 <= answer.status < 400:
        return SourceLost(said, retry_after=wait)
    return SourceRefused(f"{said}.", _CHECK_KEY if answer.status in (401, 403) else _CHECK_URL)


def _reasons(body: bytes) -> set[str]:
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (ValueError, RecursionError):
        return set()
    return {one.reason for one in (*error.errors, *error.details) if _WORD.fullmatch(one.reason)}
