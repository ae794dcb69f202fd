"""A rehearsed web site with one feed, over real HTTP on this machine, which shows more as the evening goes on.

What of the protocols is kept: RSS 2.0 and Atom documents, newest entry first and only so many at once; ``ETag`` and
``Last-Modified`` with 304 for whoever has that document already; ``Cache-Control``; redirects; ``Retry-After`` beside
a planned answer. Faults are planned by entry: each happens at the first visit that would show it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from html import escape

import msgspec
from aiohttp import web

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan

_HOST = "127.0.0.1"


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One state of an entry, shown from ``at`` until ``gone_at``; a later one with the same guid replaces it.

    ``html`` is its content; ``claimed`` is what its date says, in words of its own if need be (None: ``at``).
    """

    guid: str
    at: datetime
    title: str = ""
    html: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    claimed: str | None = None
    gone_at: datetime | None = None


class RssServer:
    """An async context manager: inside it the feed is served at :attr:`url`, by ``clock``.

    ``shown`` is how many entries a document has at most; ``headers`` go with every document; ``plan`` answers first.
    ``visits`` are the requests so far, as (instant, headers by lower-case name).
    """

    def __init__(
        self,
        entries: Sequence[FeedEntry],
        clock: RehearsalClock,
        *,
        atom: bool = False,
        shown: int = 20,
        headers: dict[str, str] | None = None,
        plan: FaultPlan | None = None,
        conditional: bool = True,
    ) -> None:
        self.entries = list(entries)
        self.clock = clock
        self.plan = plan or FaultPlan()
        self.headers = headers or {}
        self.visits: list[tuple[datetime, dict[str, str]]] = []
        self.redirects: dict[str, str] = {}
        """Paths that lead on, and where to (a path or a whole address)."""
        self.instead: Callable[[], web.Response] | None = None
        """Answers in the document's place, while there is one."""
        self.link = ""
        """The link of every entry, when it is not to be one of its own."""
        self._atom = atom
        self._shown = shown
        self._conditional = conditional
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the feed is."""
        return f"http://{_HOST}:{self._port}/feed"

    @property
    def connections(self) -> int:
        """How many connections there are at this moment."""
        server = self._runner.server if self._runner else None
        return len(server.connections) if server else 0

    async def __aenter__(self) -> RssServer:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.clock.begin()
        if (leads := self.redirects.get(request.path)) is not None:
            return web.Response(status=301, headers={"Location": leads})
        self.visits.append((self.clock.now(), {name.lower(): value for name, value in request.headers.items()}))
        if (status := self.plan.next_answer()) is not None:
            return web.Response(status=status, text="planned for this rehearsal", headers=self.headers)
        if self.instead is not None:
            return self.instead()
        entries = self._current()
        body = self._document(entries)
        for entry in reversed(entries):
            place = self.entries.index(entry)
            while (fault := self.plan.next_at(place)) is not None:
                if fault in (Fault.DUPLICATE, Fault.REORDER):
                    body = self._document([*entries, *entries])
                elif (answer := await self._commit(fault, request, body)) is not None:
                    return answer
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = dict(self.headers)
        if self._conditional:
            headers["ETag"] = etag
            if entries:
                headers["Last-Modified"] = format_datetime(max(entry.at for entry in entries), usegmt=True)
            if request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers=headers)
        kind = "application/atom+xml" if self._atom else "application/rss+xml"
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    def _document(self, entries: Sequence[FeedEntry]) -> bytes:
        links = [self.link or f"{self.url}/{entry.guid}" for entry in entries]
        return (_as_atom if self._atom else _as_rss)(entries, links, self.url)

    def _current(self) -> list[FeedEntry]:
        """What the feed shows now, newest first."""
        now = self.clock.now()
        latest: dict[str, FeedEntry] = {}
        for entry in self.entries:
            if entry.at <= now:
                latest[entry.guid] = entry
        first = {entry.guid: entry.at for entry in reversed(self.entries)}
        there = [entry for entry in latest.values() if entry.gone_at is None or now < entry.gone_at]
        return sorted(there, key=lambda entry: first[entry.guid], reverse=True)[: self._shown]

    async def _commit(self, fault: Fault, request: web.Request, body: bytes) -> web.StreamResponse | None:
        """Let a fault happen; its answer, None when the document is to come all the same."""
        transport = request.transport
        match fault:
            case Fault.DROP:
                response = web.StreamResponse(headers={"Content-Length": str(len(body))})
                await response.prepare(request)
                await response.write(body[: len(body) // 2])
                if transport is not None:
                    transport.abort()
                return response
            case Fault.GOING_AWAY | Fault.CLOSED | Fault.NO_STATUS:
                if transport is not None:
                    transport.close()
                return web.Response()
            case Fault.SILENT:
                await asyncio.sleep(self.plan.silence)
            case Fault.GARBAGE:
                return web.Response(text="<!doctype html><title>Down for maintenance</title>", content_type="text/html")
            case Fault.TRUNCATED:
                return web.Response(body=body[: len(body) // 2], content_type="application/rss+xml")
            case Fault.BAD_UTF8:
                return web.Response(body=b"\xff\xfe\xfa<rss>", content_type="application/rss+xml")
            case Fault.OVERSIZED:
                return web.Response(body=b" " * self.plan.size + body, content_type="application/rss+xml")
        return None


def _as_rss(entries: Sequence[FeedEntry], links: Sequence[str], url: str) -> bytes:
    items = "".join(
        f"<item><title>{escape(entry.title)}</title><guid isPermaLink='false'>{escape(entry.guid)}</guid>"
        f"<link>{escape(link)}</link>"
        + (f"<dc:creator>{escape(entry.author)}</dc:creator>" if entry.author else "")
        + "".join(f"<category>{escape(one)}</category>" for one in entry.categories)
        + f"<pubDate>{escape(format_datetime(entry.at) if entry.claimed is None else entry.claimed)}</pubDate>"
        f"<description>{escape(entry.html)}</description></item>\n"
        for entry, link in zip(entries, links, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>A rehearsed feed</title><link>{escape(url)}</link>{items}</channel></rss>\n"
    ).encode()


def _as_atom(entries: Sequence[FeedEntry], links: Sequence[str], url: str) -> bytes:
    items = "".join(
        f"<entry><title>{escape(entry.title)}</title><id>{escape(entry.guid)}</id>"
        f'<link href="{escape(link)}"/>'
        + (f"<author><name>{escape(entry.author)}</name></author>" if entry.author else "")
        + "".join(f'<category term="{escape(one)}"/>' for one in entry.categories)
        + f"<updated>{escape(entry.at.isoformat() if entry.claimed is None else entry.claimed)}</updated>"
        f'<content type="html">{escape(entry.html)}</content></entry>\n'
        for entry, link in zip(entries, links, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>A rehearsed feed</title><id>{escape(url)}</id>{items}</feed>\n"
    ).encode()
