"""How the rehearsed Mastodon server answers over HTTP: tokens, limits, and JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Request, Response


class Window:
    """So many requests within so many seconds."""

    def __init__(self, most: int, lasts: float) -> None:
        self._most = most
        self._lasts = lasts
        self._began = time.monotonic()
        self._count = 0

    def ask(self) -> tuple[int, float]:
        """Count a request; how many are then left (below nothing: refused), and seconds until the count begins anew."""
        now = time.monotonic()
        if now - self._began >= self._lasts:
            self._began, self._count = now, 0
        self._count += 1
        return self._most - self._count, self._began + self._lasts - now


def token_of(request: Request | None) -> str:
    """The token of a request: from its header, or (which logs keep) from its query."""
    if request is None:
        return ""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return given or parse_qs(urlsplit(request.path).query).get("access_token", [""])[0]


def json_answer(answer: object, status: int = 200, more: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON, with further headers."""
    body = msgspec.json.encode(answer)
    headers = Headers(**{"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
    headers.update(more or {})
    return Response(status, HTTPStatus(status).phrase, headers, body)
