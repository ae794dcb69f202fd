"""The tokens that networks ask for: from the environment, or from the system's keyring. Never from a file of ours.

A source called ``x`` has its token in the environment variable ``FEEDMON_TOKEN_X``, else in the keyring under the
service “feedmon” and the source's name. A token is never logged, quoted in an error, or written down.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from typing import Protocol, TypeVar

from feedmon.model.problems import BadInput, Problem
from feedmon.sources.base import SourceRefused

KEYRING_SERVICE = "feedmon"
"""What feedmon's tokens are filed under in the keyring."""

_LONGEST = 8_192
_T = TypeVar("_T")


def variable(source_name: str) -> str:
    """The environment variable for a source's token: ``council-x`` → ``FEEDMON_TOKEN_COUNCIL_X``."""
    return "FEEDMON_TOKEN_" + re.sub(r"[^A-Z0-9]", "_", source_name.upper())


def credential(source_name: str) -> str | None:
    """A source's token, None when there is none. May wait for a person to unlock the keyring.

    Raises BadInput when the keyring cannot be read, or when what is stored cannot be a token.
    """
    given = os.environ.get(variable(source_name), "").strip()
    if given:
        return _checked(given, variable(source_name))
    try:
        kept = _of_keyring(lambda ring: ring.get_password(KEYRING_SERVICE, source_name))
    except _NoKeyring:
        return None
    return _checked(kept.strip(), f"the keyring's token for “{source_name}”") if kept and kept.strip() else None


def mend(source_name: str) -> str:
    """How a person gives feedmon the token it lacks."""
    return f"Run “feedmon sources token {source_name}”, or set {variable(source_name)}, and start feedmon again."


async def token_for(source_name: str) -> str:
    """A source's token, for a connection that cannot do without. Raises SourceRefused, saying how to give one."""
    try:
        token = await asyncio.to_thread(credential, source_name)
    except BadInput as bad:
        raise SourceRefused(f"{bad.problems[0].place}: {bad.problems[0].message}", bad.problems[0].mend) from bad
    if token is None:
        raise SourceRefused("it needs a token, and there is none.", mend(source_name))
    return token


def store(source_name: str, token: str) -> None:
    """Put a source's token into the keyring, over any earlier one. Raises BadInput when that cannot be done."""
    checked = _checked(token.strip(), "what was given")
    _of_keyring(lambda ring: ring.set_password(KEYRING_SERVICE, source_name, checked))


def remove(source_name: str) -> bool:
    """Take a source's token out of the keyring; whether there was one. Raises BadInput when that cannot be done."""
    if _of_keyring(lambda ring: ring.get_password(KEYRING_SERVICE, source_name)) is None:
        return False
    _of_keyring(lambda ring: ring.delete_password(KEYRING_SERVICE, source_name))
    return True


class _NoKeyring(BadInput):
    """This machine has no keyring at all."""


class _Keyring(Protocol):
    def get_password(self, service_name: str, username: str) -> str | None: ...
    def set_password(self, service_name: str, username: str, password: str) -> None: ...
    def delete_password(self, service_name: str, username: str) -> None: ...


def _of_keyring(ask: Callable[[_Keyring], _T]) -> _T:
    """What the keyring answers. Raises BadInput when it fails: locked and left so, refused, broken, not there."""
    place = "the system's keyring"
    import keyring  # here, not above: it takes a tenth of a second and looks about on the machine
    from keyring.errors import KeyringError, NoKeyringError

    try:
        return ask(keyring.get_keyring())
    except NoKeyringError as error:
        message = "is not there: this machine has none."
        raise _NoKeyring(Problem(place, message, "Use an environment variable instead.")) from error
    except KeyringError as error:
        message = f"does not answer as it should ({type(error).__name__})."
        raise BadInput(Problem(place, message, "Unlock it, or use an environment variable instead.")) from error
    except Exception as error:  # backends are other people's, and fail in ways of their own
        message = f"is broken ({type(error).__name__})."
        raise BadInput(Problem(place, message, "Use an environment variable instead.")) from error


def _checked(token: str, place: str) -> str:
    """The token, if it can go into an HTTP header. Raises BadInput, never quoting it."""
    if not token or len(token) > _LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(Problem(place, "cannot be a token.", "Copy it again from the network's own page, whole."))
    return token
