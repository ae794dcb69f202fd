"""A WebSocket to one of Bluesky's servers: opened for reading, and every way it can end told in a plain word.

Never writes: Jetstream closes a connection on any message from a subscriber. Pings are not messages, and keep telling
whether the other side is there (every 20 seconds, with 20 to answer).
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode

from feedmon import __version__
from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.wording import printable, unreachable

LARGEST = 2_000_000
"""Bytes of a frame beyond which it is not read; a post is a few hundred, and no record may exceed one megabyte."""

_LARGEST_TAKEN = 4 * LARGEST  # beyond this the connection is cut; up to it a frame is only left unread
_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
_LONGEST_ASKED = 900.0  # seconds we stay away at most when asked to
_CLEAN = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})
_TRY_AGAIN = frozenset({408, 425, 429})


class TooOld(SourceLost):
    """The server keeps nothing from before a later point than the one asked for."""


class _Refusal(msgspec.Struct):
    """How servers of this family say why they turn a request away."""

    error: str = ""
    message: str = ""


async def open_socket(url: str, mend: str) -> ClientConnection:
    """A connection to ``url``. ``mend`` is what to do when that is no address to connect to.

    Raises SourceLost or SourceRefused; TooOld when the cursor in the url reaches further back than the server does.
    """
    on_this_machine = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    try:
        return await connect(
            url,
            compression=None,
            user_agent_header=f"feedmon/{__version__}",
            proxy=None if on_this_machine else True,
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            max_size=_LARGEST_TAKEN,
        )
    except InvalidStatus as error:
        raise _turned_away(error, mend) from error
    except InvalidURI as error:
        raise SourceRefused("it leads on to what is no WebSocket address.", mend) from error
    except InvalidHandshake as error:
        raise SourceLost("what answers there does not speak WebSocket as it should") from error
    except OSError as error:
        raise SourceLost(unreachable(error, _OPEN_TIMEOUT)) from error


def ended(error: ConnectionClosed) -> SourceLost:
    """Why an open connection ended, in a plain word."""
    if error.sent is not None and not error.rcvd_then_sent:
        match error.sent.code:
            case CloseCode.MESSAGE_TOO_BIG:
                return SourceLost("it sent a message too large to take", poisoned=True)
            case CloseCode.INTERNAL_ERROR:
                return SourceLost("it stopped answering")
            case _:
                return SourceLost("what it sent was no WebSocket message")
    if error.rcvd is not None:
        said = f"the network closed the connection ({printable(f'{error.rcvd.code} {error.rcvd.reason}'.strip())})"
        return SourceLost(said, clean=error.rcvd.code in _CLEAN)
    return SourceLost("the connection broke off")


def _turned_away(error: InvalidStatus, mend: str) -> SourceLost | SourceRefused:
    """What it means that the handshake was answered with an ordinary HTTP status."""
    status, body = error.response.status_code, bytes(error.response.body or b"")
    refusal = _refusal(body)
    if status == 400 and refusal.error == "CursorTooOld":
        return TooOld("it keeps nothing from so long ago", clean=True)
    if refusal.error:
        words = printable(": ".join(filter(None, (refusal.error, refusal.message))))
    else:
        words = printable(body.decode("utf-8", "replace").strip().partition("\n")[0])
    said = f"it answered {status}" + (f": {words}" if words else "")
    if status in _TRY_AGAIN or status >= 500:
        seconds = error.response.headers.get("Retry-After", "")
        asked = min(float(seconds), _LONGEST_ASKED) if seconds.isascii() and seconds.isdecimal() else None
        return SourceLost(said, retry_after=asked)
    if status in (401, 403):
        return SourceRefused(f"{said}.", "Ask whoever runs it, or this network, to let feedmon in.")
    return SourceRefused(f"{said}.", mend)


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (ValueError, RecursionError):
        return _Refusal()
