"""The desk's link to the service: a socket that listens, and requests that act. The only I/O the desk has.

The socket comes back by itself: it waits a little, asks for what it missed since the last message it took in, and is
given that, or everything anew. A message that leaves a gap, or cannot be understood, is answered by asking for
everything anew.

An act is sent until it is answered. It carries its own id and its own time from the start, so that sending it again
after a lost answer changes nothing, and a mark made while the link was down holds from when the clerk made it. Acts
are sent one at a time, in the order they were made.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import msgspec
from yarl import URL

from feedmon.wire import (
    PROTOCOL,
    CaptureRequest,
    ChairLink,
    DecisionRequest,
    Done,
    MarkRequest,
    Message,
    Refusal,
    Snapshot,
    decode,
)

Outcome = Done | ChairLink | Refusal
"""What became of an act."""

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
_HEARTBEAT = 6.0
_STEADY = 5.0
_LARGEST = 64 * 1024 * 1024
_FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


class Unwelcome(Exception):
    """The service cannot be used by this desk, and only a person can mend it. Says why, and the mend."""


class _Missed(Exception):
    """A message did not follow on the last."""


class Condition(StrEnum):
    """How the link is doing. ``refused`` does not mend itself."""

    JOINING = "joining"
    LIVE = "live"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class LinkState:
    """The link's condition, why in plain words, and how often in a row it has been tried."""

    condition: Condition
    why: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the service is, and the token it asks for."""

    url: URL
    token: str

    @classmethod
    def of(cls, url: str, token: str) -> Address:
        """The address a person wrote. Raises Unwelcome when it cannot be one."""
        try:
            parsed = URL(url)
        except ValueError:
            parsed = URL()
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise Unwelcome(f"“{url}” is not the address of a service. Write it like http://127.0.0.1:8642.")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Unwelcome("The token has characters that no token has. Copy it again, without spaces or line breaks.")
        return cls(parsed, token)

    def session(self) -> aiohttp.ClientSession:
        """A session that shows the token with every request."""
        return aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.token}"}, timeout=_TIMEOUT)

    def meetings(self, *parts: str) -> URL:
        """The address of something under ``/api/v1/meetings``."""
        return self.url.joinpath("api", "v1", "meetings", *parts)


def waits(ceiling: float = 5.0) -> Iterator[float]:
    """Seconds to wait before each try: the first nearly at once, later ones longer, all of them jittered."""
    wait = 0.25
    while True:
        yield wait * random.uniform(0.5, 1.5)  # noqa: S311 (it spreads load, it keeps no secret)
        wait = min(wait * 1.7, ceiling)


class _Listed(msgspec.Struct):
    """A meeting as the service lists it; the desk needs only its id here."""

    id: str


async def first_word(address: Address, meeting: str | None) -> Snapshot:
    """Everything about a meeting, to begin with: the named one, or the only one the service has.

    Raises Unwelcome, in one plain line, for anything that stands in the way.
    """
    async with address.session() as session:
        try:
            chosen = await _choose(session, address, meeting)
            async with session.ws_connect(
                address.meetings(chosen, "live"), max_msg_size=_LARGEST, timeout=_closing()
            ) as socket:
                frame = await socket.receive(timeout=_TIMEOUT.total)
        except aiohttp.WSServerHandshakeError as error:
            raise Unwelcome(_final(error.status) or f"The service answered {error.status}. Try again.") from error
        except _FAILURES as error:
            raise Unwelcome(
                f"Nothing answers at {address.url}. Is the service running? It is started with: feedmon run MEETING"
            ) from error
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise Unwelcome("The service hung up at once. Try again; if it stays so, look at what the service prints.")
    try:
        _, message = understand(frame.data)
    except msgspec.DecodeError as error:
        raise Unwelcome(_NOT_FEEDMON.format(address.url)) from error
    if not isinstance(message, Snapshot):
        raise Unwelcome(_NOT_FEEDMON.format(address.url))
    return message


async def _choose(session: aiohttp.ClientSession, address: Address, meeting: str | None) -> str:
    async with session.get(address.meetings(), allow_redirects=False) as answer:
        if final := _final(answer.status) if answer.status != 404 else "":
            raise Unwelcome(final)
        try:
            listed = msgspec.json.decode(await answer.read(), type=list[_Listed])
        except msgspec.DecodeError as error:
            raise Unwelcome(_NOT_FEEDMON.format(address.url)) from error
    ids = [one.id for one in listed]
    names = ", ".join(sorted(ids))
    if meeting is not None and meeting not in ids:
        raise Unwelcome(f"The service has no meeting “{meeting}”. It has: {names or 'none'}.")
    if meeting is None and len(ids) != 1:
        raise Unwelcome(f"Say which meeting with --meeting: {names}." if ids else "The service has no meeting.")
    return meeting if meeting is not None else ids[0]


_NOT_FEEDMON = "What answers at {} is not a feedmon service. Look at the address again."


def _final(status: int) -> str:
    """What a refused connection means, when trying again cannot help; empty when it may."""
    if status in (401, 403):
        return "The service refused the token. Give the one it was started with, in FEEDMON_TOKEN or --token-file."
    if status == 404:
        return "The service no longer has this meeting."
    return ""


class _Envelope(msgspec.Struct):
    """The least that every message has, whatever its protocol."""

    seq: int
    protocol: int = 0


_envelope = msgspec.json.Decoder(_Envelope)


def understand(frame: str) -> tuple[int, Message | None]:
    """The number and the message in a frame; None for a kind this desk does not know.

    Raises Unwelcome when the service speaks a later protocol, msgspec.DecodeError when it is no message.
    """
    least = _envelope.decode(frame)
    if least.protocol > PROTOCOL:
        raise Unwelcome(
            f"The service speaks protocol {least.protocol} and this desk only {PROTOCOL}. "
            "Update feedmon where the desk runs."
        )
    return least.seq, decode(frame)


def _closing() -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Parcel:
    """An act on its way."""

    url: URL
    body: bytes
    answer: type[Done] | type[ChairLink]
    outcome: asyncio.Future[Outcome]


class Link:
    """One desk's link to one meeting. ``hear`` is given each message, ``changed`` each change of the link's state.

    ``after`` is the number of the last message already known.
    """

    def __init__(
        self,
        address: Address,
        meeting: str,
        after: int,
        *,
        waits: Callable[[], Iterator[float]] = waits,
    ) -> None:
        self.state = LinkState(Condition.JOINING)
        self._address = address
        self._meeting = meeting
        self._after: int | None = after
        self._waits = waits
        self._outbox: asyncio.Queue[_Parcel] = asyncio.Queue()
        self._live = asyncio.Event()
        self.unsent = 0

    async def run(self, hear: Callable[[Message], None], changed: Callable[[LinkState], None]) -> None:
        """Listen and send until cancelled."""
        self._hear, self._changed = hear, changed
        async with self._address.session() as session, asyncio.TaskGroup() as group:
            group.create_task(self._listen(session), name="listen")
            group.create_task(self._send_all(session), name="send")

    def mark(self, request: MarkRequest) -> Awaitable[Outcome]:
        """Make a mark. It is on its way at once, and answered by the service however long the link is down."""
        return self._send("marks", msgspec.json.encode(request), Done)

    def decide(self, request: DecisionRequest) -> Awaitable[Outcome]:
        """Make a decision. It is on its way at once, and answered by the service however long the link is down."""
        return self._send("decisions", msgspec.json.encode(request), Done)

    def capture(self, request: CaptureRequest) -> Awaitable[Outcome]:
        """Enter a post by hand. It is on its way at once, and answered by the service however long the link is down."""
        return self._send("captures", msgspec.json.encode(request), Done)

    def chair_link(self) -> Awaitable[Outcome]:
        """Ask for a new link for the chair's page; an earlier one that was not opened stops working."""
        return self._send("chair-link", b"", ChairLink)

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        pauses = self._waits()
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            try:
                why = await self._hold(session)
            except aiohttp.WSServerHandshakeError as error:
                if final := _final(error.status):
                    return self._turn(Condition.REFUSED, final)
                why = f"the service answered {error.status}"
            except Unwelcome as error:
                return self._turn(Condition.REFUSED, str(error))
            except _Missed:
                self._after, why = None, "some messages were missed"
            except msgspec.DecodeError:
                self._after, why = None, "a message could not be understood"
            except _FAILURES:
                why = "nothing answers"
            if loop.time() - since > _STEADY:
                pauses = self._waits()
            self._turn(Condition.LOST, why)
            await asyncio.sleep(next(pauses))

    async def _hold(self, session: aiohttp.ClientSession) -> str:
        """Listen on one socket until it ends; returns why it did."""
        where = self._address.meetings(self._meeting, "live")
        async with session.ws_connect(
            where if self._after is None else where.with_query(after=self._after),
            heartbeat=_HEARTBEAT,
            max_msg_size=_LARGEST,
            timeout=_closing(),
        ) as socket:
            if self._after is not None:
                self._turn(Condition.LIVE)
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
        return "the service hung up" if socket.close_code is not None else "the line went dead"

    def _take(self, frame: str) -> None:
        seq, message = understand(frame)
        if not isinstance(message, Snapshot) and self._after is not None:
            if seq <= self._after:
                return
            if seq != self._after + 1:
                raise _Missed
        self._after = seq
        if message is not None:
            self._hear(message)
        self._turn(Condition.LIVE)

    def _turn(self, condition: Condition, why: str = "") -> None:
        tries = self.state.tries + 1 if condition is Condition.LOST else 0
        state = LinkState(condition, why, tries)
        if condition is Condition.LIVE:
            self._live.set()
        else:
            self._live.clear()
        if state != self.state:
            self.state = state
            self._changed(state)

    def _send(self, what: str, body: bytes, answer: type[Done] | type[ChairLink]) -> Awaitable[Outcome]:
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        outcome.add_done_callback(self._answered)
        self.unsent += 1
        self._outbox.put_nowait(_Parcel(self._address.meetings(self._meeting, what), body, answer, outcome))
        return outcome

    def _answered(self, _: asyncio.Future[Outcome]) -> None:
        self.unsent -= 1

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        while True:
            parcel = await self._outbox.get()
            for pause in self._waits():
                if parcel.outcome.done():
                    break
                if (outcome := await self._try(session, parcel)) is not None:
                    if not parcel.outcome.done():
                        parcel.outcome.set_result(outcome)
                    break
                await self._until_hopeful(pause)

    async def _try(self, session: aiohttp.ClientSession, parcel: _Parcel) -> Outcome | None:
        """Send an act once. None when that came to nothing and it should be sent again."""
        try:
            async with session.post(
                parcel.url, data=parcel.body, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as answer:
                body = await answer.read()
        except _FAILURES:
            return None
        if answer.status >= 500 or answer.status == 429:
            return None
        if answer.ok:
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(body, type=parcel.answer)
            return Refusal(error="The service's answer could not be understood.")
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(body, type=Refusal)
        return Refusal(error=_final(answer.status) or f"The service answered {answer.status}.")

    async def _until_hopeful(self, pause: float) -> None:
        """Wait so long, or, while the link is down, until it is back if that is sooner."""
        if self._live.is_set() or self.state.condition is Condition.REFUSED:
            await asyncio.sleep(pause)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._live.wait()
