"""What went wrong on the way to a network, in plain words, and strangers' words made safe to repeat."""

from __future__ import annotations

import socket
import ssl


def printable(text: str, most: int = 100) -> str:
    """A stranger's words made safe for one line of a log or a screen."""
    return "".join(character if character.isprintable() else "�" for character in text[:most])


def unreachable(error: OSError, waited: float) -> str:
    """Why a socket could not be opened; ``waited`` is how many seconds an answer was given."""
    match error:
        case socket.gaierror():
            return "its name could not be looked up (is this machine online?)"
        case TimeoutError():
            return f"no answer within {waited:g} seconds"
        case ConnectionRefusedError():
            return "nothing answers there"
        case ssl.SSLError():
            return "its certificate could not be checked"
        case _:
            return f"it could not be reached ({printable(error.strerror or type(error).__name__)})"
