"""Who may ask: the token desks carry, and the guard that every request passes.

The token is random, kept in the data folder and readable by its owner only. It never stands in a URL or a log. The
``Host`` a request names must be this machine, so that a web page elsewhere cannot reach the service by a name of its
own making (DNS rebinding).
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import re
import secrets
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from feedmon.model.problems import BadInput, Problem
from feedmon.service.refusals import Refused
from feedmon.wire import Refusal

TOKEN_FILE = "token"  # noqa: S105  (its name, not a secret)

_log = logging.getLogger(__name__)

_SHAPE = re.compile(r"[A-Za-z0-9_-]{32,256}")


def token_in(folder: Path) -> tuple[str, Path]:
    """The token of the service whose data is in ``folder``, and its file; made there the first time.

    Raises BadInput when the file is not a token, others may read it, or it cannot be read or written.
    """
    path = folder / TOKEN_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path), path
    except OSError as error:
        raise BadInput(Problem(str(path), f"cannot be written: {error.strerror}.", "Name another folder.")) from error
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token, path


def _read(path: Path) -> str:
    anew = "Delete it to have a new one made; desks then need the new one."
    try:
        text = path.read_text(encoding="ascii").strip()
        others = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError as error:
        raise BadInput(Problem(str(path), f"cannot be read: {error.strerror}.")) from error
    except UnicodeDecodeError:
        text, others = "", 0
    if not _SHAPE.fullmatch(text):
        raise BadInput(Problem(str(path), "is not a token feedmon made.", anew))
    if others:
        raise BadInput(Problem(str(path), "can be read by others on this machine.", f"Run: chmod 600 “{path}”. {anew}"))
    return text


def _named_well(host_header: str, listening_on: str) -> bool:
    """Whether a request's ``Host`` is one that only a person can have meant: an address, or our own name."""
    host = host_header.rsplit(":", 1)[0] if re.search(r":\d+$", host_header) else host_header
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.casefold() in {"localhost", listening_on.casefold()}
    return True


def guard(token: str, listening_on: str) -> Middleware:
    """The middleware every request passes: host, then token (under ``/api/``); errors become a Refusal as JSON."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not _named_well(request.headers.get("Host", ""), listening_on):
                raise Refused(400, "This service does not go by that name.", "Use the address it printed.")
            if request.path.startswith("/api/") and not _carries(request, token):
                raise Refused(
                    401, "The token is missing or wrong.", "It is in the file the service names at its start."
                )
            return await handler(request)
        except Refused as refused:
            return refusal(refused.status, refused.refusal)
        except web.HTTPRequestEntityTooLarge:
            return refusal(413, Refusal(error="That is more than a request may hold."))
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            return refusal(405, Refusal(error=f"{error.method} is not possible here.", mend=f"Use {allowed}."))
        except web.HTTPNotFound:
            return refusal(
                404, Refusal(error="There is nothing here.", mend="feedmon/docs/wire.md names every address.")
            )
        except web.HTTPError as error:
            return refusal(error.status, Refusal(error=f"{error.reason}."))
        except web.HTTPException:
            raise
        except Exception:
            _log.exception("A fault of feedmon's own, at %s %s", request.method, request.path)
            return refusal(500, Refusal(error="That is a fault in feedmon itself.", mend="Its log says more."))

    return guarded


def refusal(status: int, body: Refusal) -> web.Response:
    """The HTTP answer for a refusal."""
    return json_answer(body, status)


def json_answer(body: object, status: int = 200) -> web.Response:
    """A JSON answer that nobody may keep a copy of on the way."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _carries(request: web.Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    known = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return scheme.casefold() == "bearer" and known
