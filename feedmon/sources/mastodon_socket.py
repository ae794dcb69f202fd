"""The streaming socket of a Mastodon server: opened, subscribed, kept alive, and its end told in a plain word.

Written from the public description of the streaming API and measured habits: the token is checked before the socket
opens (401, with the reason in a header); a subscription is never acknowledged; what is wrong with one comes as an
error *after* the socket opened, which then stays open and silent; a revoked token closes it without a code.
"""

from __future__ import annotations

import asyncio

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode

from feedmon import __version__
from feedmon.sources.base import SourceLost, SourceRefused
from feedmon.sources.mastodon_rest import on_this_machine
from feedmon.sources.wording import printable, unreachable

LARGEST_FRAME = 1_000_000
"""Bytes beyond which a message is not taken and the connection is cut."""

HOW_TO_BE_LET_IN = (
    "Make a new token with your bot account: on its server under Preferences, Development, New application, with the "
    "scope “read”; then run “feedmon sources token” with this source's name."
)

_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
_LONGEST_ASKED = 900.0
_CLEAN = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})


class _Direct(connect):
    """Goes nowhere but where it was sent: a redirection would take the token along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never follow."""
        return exc


async def open_socket(url: str, token: str) -> ClientConnection:
    """The open socket at ``wss://HOST/api/v1/streaming``. Raises SourceLost or SourceRefused."""
    try:
        return await _Direct(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            user_agent_header=f"feedmon/{__version__}",
            proxy=None if on_this_machine(url) else True,
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            ping_interval=None,
            max_size=LARGEST_FRAME,
        )
    except InvalidStatus as error:
        raise _turned_away(error) from error
    except InvalidURI as error:
        raise SourceRefused("the address it streams from is no WebSocket address.", "Ask whoever runs it.") from error
    except InvalidHandshake as error:
        raise SourceLost("what answers there does not speak WebSocket as it should") from error
    except OSError as error:
        raise SourceLost(unreachable(error, _OPEN_TIMEOUT)) from error


async def subscribe(connection: ClientConnection, hashtag: str) -> None:
    """Ask for a hashtag's posts. Nothing ever says that they will come. Raises SourceLost."""
    asked = {"type": "subscribe", "stream": "hashtag", "tag": hashtag}
    try:
        await connection.send(msgspec.json.encode(asked).decode())
    except ConnectionClosed as error:
        raise closed(error) from error


async def answers(connection: ClientConnection, within: float) -> bool:
    """Whether a ping is answered within so many seconds. Raises ConnectionClosed."""
    try:
        async with asyncio.timeout(within):
            await (await connection.ping())
    except TimeoutError:
        return False
    return True


def closed(error: ConnectionClosed) -> SourceLost:
    """Why an open connection ended, in a plain word."""
    if error.sent is not None and not error.rcvd_then_sent:
        if error.sent.code == CloseCode.MESSAGE_TOO_BIG:
            return SourceLost("it sent a message too large to take")
        return SourceLost("what it sent was no WebSocket message")
    if error.rcvd is not None:
        said = f"{error.rcvd.code} {error.rcvd.reason}".strip()
        clean = error.rcvd.code in _CLEAN
        return SourceLost(f"the network closed the connection ({printable(said)})", clean=clean)
    return SourceLost("the connection broke off")


def refusal(said: str, status: int) -> SourceLost | SourceRefused:
    """What an error means that comes through the open socket."""
    words = f"the stream refused us: {printable(said)} ({status})"
    if status >= 500 or status == 429:
        return SourceLost(words)
    if status in (401, 403):
        return SourceRefused(f"{words}.", HOW_TO_BE_LET_IN)
    return SourceRefused(f"{words}.", "Check the meeting's hashtags; if they are sound, ask whoever runs the server.")


def _turned_away(error: InvalidStatus) -> SourceLost | SourceRefused:
    """What it means that the handshake was answered with an ordinary HTTP status."""
    response = error.response
    reason = response.headers.get("x-error-message", "")
    said = f"the stream answered {response.status_code}" + (f": {printable(reason)}" if reason else "")
    if response.status_code in (401, 403):
        return SourceRefused(f"{said}.", HOW_TO_BE_LET_IN)
    if response.status_code in (404, 405, 410):
        return SourceRefused(f"{said}.", "Check the source's url in the meeting file: it is https:// and the server.")
    wait = response.headers.get("Retry-After", "")
    asked = wait.isascii() and wait.isdecimal()
    return SourceLost(said, retry_after=min(float(wait), _LONGEST_ASKED) if asked else None)
