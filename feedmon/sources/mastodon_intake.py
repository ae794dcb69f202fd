"""What a Mastodon server sends and shows, taken in: read, counted when it cannot be, shown to a recording. No I/O.

It lives as long as the source does, so that nothing is handed on twice over any number of connections.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from feedmon.model.posts import SourceEvent
from feedmon.model.sourcestate import FeedFault
from feedmon.sources.base import SourceLost, SourceRefused, Tap
from feedmon.sources.mastodon_asking import Found
from feedmon.sources.mastodon_socket import refusal
from feedmon.sources.mastodon_status import NotAStatus, NotPublic, decode_status
from feedmon.sources.mastodon_stream import MastodonStream

log = logging.getLogger(__name__)

Events = tuple[SourceEvent, ...]

_OUR_FAULT = "not understood by feedmon"


class _Envelope(msgspec.Struct):
    """What the streaming socket sends: an event, its payload JSON within a string; or an error."""

    event: str | None = None
    payload: msgspec.Raw = msgspec.Raw()
    error: str | None = None
    status: int = 400


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_payload = msgspec.json.Decoder(str).decode


class Streamed(msgspec.Struct, frozen=True):
    """What a message of the stream came to: its events, whether it was ``readable``, the ``number`` of its post."""

    events: Events = ()
    readable: bool = True
    number: str | None = None


class Intake:
    """See the module. ``faults`` counts what could not be used, by what was wrong with it."""

    def __init__(self, name: str, stream: MastodonStream, tap: Tap | None) -> None:
        self.stream = stream
        self.faults: Counter[str] = Counter()
        self._name = name
        self._tap = tap
        self._told: Counter[str] = Counter()

    def streamed(self, frame: bytes, now: datetime) -> Streamed:
        """Take a message of the stream, received at ``now``."""
        try:
            envelope = _envelope(frame)
        except NotAStatus as error:
            self.faults[str(error)] += 1
            return Streamed(readable=False)
        number: str | None = None

        def read() -> Events:
            nonlocal number
            if envelope.event == "delete":
                number = _payload(envelope).strip()
                return self.stream.gone(number, now)
            if envelope.event in ("update", "status.update"):
                status = decode_status(_payload(envelope))
                number = status.id
                return self.stream.live(status, now)
            return ()

        events = self._counting(read)
        if self._tap:
            self._tap(frame, bool(events))
        return Streamed(events, number=number)

    def found(self, found: Found, now: datetime) -> Events:
        """Take a status that was found by asking."""
        events = self._counting(lambda: self.stream.found(found.status, found.unseen_since, now))
        if self._tap and events:
            event = "status.update" if found.status.version else "update"
            payload = found.raw.decode("utf-8", "replace")
            self._tap(msgspec.json.encode({"stream": ["asked"], "event": event, "payload": payload}), True)
        return events

    def gone(self, number: str, now: datetime) -> Events:
        """Take in that the server's post of this number is no more, found by asking."""
        events = self.stream.gone(number, now)
        if self._tap and events:
            self._tap(msgspec.json.encode({"stream": ["asked"], "event": "delete", "payload": number}), True)
        return events

    def new_faults(self) -> Iterator[FeedFault]:
        """The kinds of fault that grew since last told, with their totals."""
        for what, count in sorted(self.faults.items()):
            if count != self._told[what]:
                self._told[what] = count
                yield FeedFault(source=self._name, what=what, count=count)

    def _counting(self, read: Callable[[], Events]) -> Events:
        try:
            return read()
        except NotPublic:  # nothing is wrong with it, and it is none of ours
            return ()
        except NotAStatus as error:
            self.faults[str(error)] += 1
        except Exception:  # a fault of ours must not stop the feed, nor fill the log
            if not self.faults[_OUR_FAULT]:
                log.exception("%s: a message feedmon cannot take", self._name)
            self.faults[_OUR_FAULT] += 1
        return ()


def refusal_in(frame: bytes) -> SourceLost | SourceRefused | None:
    """What it means for the connection when a message is an error, None when it is none."""
    if b'"error"' not in frame:
        return None
    try:
        envelope = _envelope(frame)
    except NotAStatus:
        return None
    return refusal(envelope.error, envelope.status) if envelope.error is not None else None


def _envelope(frame: bytes) -> _Envelope:
    """A message of the stream. Raises NotAStatus, saying what is wrong with it."""
    try:
        frame.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAStatus("not UTF-8") from None
    try:
        envelope = _decode_envelope(frame)
    except msgspec.ValidationError as error:
        raise NotAStatus("not an event") from error
    except (ValueError, RecursionError) as error:
        raise NotAStatus("not JSON") from error
    if envelope.event is None and envelope.error is None:
        raise NotAStatus("not an event")
    return envelope


def _payload(envelope: _Envelope) -> str:
    """What an event is about, as text. Raises NotAStatus."""
    try:
        return _decode_payload(envelope.payload)
    except (ValueError, RecursionError) as error:
        raise NotAStatus("not a status") from error
