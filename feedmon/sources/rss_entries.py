"""A feed document's bytes (RSS 0.9 to 2.0, RSS 1.0, Atom) → its entries, as a reader sees them. Pure.

Whoever writes a feed may write anything, so a document is decoded here, by a short list of encodings, and one that
declares entities is not parsed at all: the feeds people read have no need of them, and they are how a small document
becomes a huge one. Parsing is slow work; call :func:`read` in a thread.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from calendar import timegm
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.parsers import expat

import feedparser
import msgspec

from feedmon.model.posts import Media, MediaKind
from feedmon.sources.fetching import http_date
from feedmon.sources.rss_html import read_html, web_address
from feedmon.sources.select import hashtags_in

LONGEST_TEXT = 20_000
"""Characters of an entry that are kept as its text; the rest of a long article is left out."""

MOST_ENTRIES = 2_000
"""Entries in one document beyond which it is not parsed."""

LARGEST_BROKEN = 500_000
"""Bytes beyond which a document that is not well-formed is not parsed: guessing what was meant is slow work."""

_DEEPEST = 100
_LONGEST_HTML = 200_000
_LONGEST_NAME = 300
_LONGEST_KEY = 2_000
_MOST_LINKS = 50
_ENCODING = re.compile(
    r"utf[-_]?8|utf[-_]?16(?:le|be)?|us-ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d", re.I
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""", re.I)
_ENTITY = re.compile(r"<!\s*ENTITY", re.I)
_ENTRY = re.compile(r"<(?:[A-Za-z0-9]+:)?(?:item|entry)[\s>/]")
_CLOSED = re.compile(r"</(?:[A-Za-z0-9]+:)?(?:rss|feed|rdf)\s*>\s*(?:<!--.*-->\s*)*$", re.I | re.S)
_NOT_WORD = re.compile(r"\W+")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HTML = frozenset({"text/html", "application/xhtml+xml"})


class Unreadable(Exception):
    """A document that says nothing we could read; in a few words of ours what is wrong with it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``key`` is its own lasting name (guid, ``atom:id``, else its link).

    ``claimed_at`` is when its publisher says it was last changed; ``digest`` is the same exactly as long as what a
    reader sees is.
    """

    key: str
    author: str
    text: str
    digest: str
    claimed_at: datetime | None = None
    links: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    langs: tuple[str, ...] = ()


def read(body: bytes, content_type: str, url: str) -> tuple[Entry, ...]:
    """The entries of a document that was served at ``url``, in its own order. Raises Unreadable."""
    text = _decoded(body, content_type)
    if _ENTITY.search(text):
        raise Unreadable("declares entities")
    if len(_ENTRY.findall(text)) > MOST_ENTRIES:
        raise Unreadable("too many entries")
    clean = text.encode("utf-8", "replace")
    sound = _is_well_formed(clean)
    if not sound and len(clean) > LARGEST_BROKEN:
        raise Unreadable("not well-formed, and large")
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        parsed = feedparser.parse(
            BytesIO(clean),
            response_headers=headers,
            sanitize_html=False,  # nothing of it is ever shown as HTML
            resolve_relative_uris=False,
        )
    except Exception as error:  # a parser fed by strangers; whatever it trips over is theirs
        raise Unreadable("not a feed") from error
    if not parsed.get("version"):
        raise Unreadable("not a feed")
    if not sound and not _CLOSED.search(text[-2_000:]):
        raise Unreadable("cut short")
    return tuple(_keyed(_entry(entry, parsed.feed, url) for entry in parsed.entries[:MOST_ENTRIES]))


def _decoded(body: bytes, content_type: str) -> str:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    if body.startswith((b"<\0?\0", b"<\0r\0", b"<\0f\0")):
        return body.decode("utf-16-le", "replace")
    if body.startswith((b"\0<\0?", b"\0<\0r", b"\0<\0f")):
        return body.decode("utf-16-be", "replace")
    declared, served = _DECLARED.match(body), _CHARSET.search(content_type)
    name = served[1] if served else declared[1].decode("ascii") if declared else "utf-8"
    if not _ENCODING.fullmatch(name):
        raise Unreadable("in an encoding feedmon does not read")
    try:
        return body.decode(name)
    except (UnicodeDecodeError, LookupError):
        return body.decode("utf-8", "replace")


def _is_well_formed(document: bytes) -> bool:
    """Whether it is XML as it should be. Raises Unreadable when its elements stand deeper than any feed's."""
    depth = 0

    def begin(_: str, __: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Unreadable("nested too deeply")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return False
    return True


def _keyed(entries: Any) -> Any:
    """The entries with keys that tell them apart: some feeds give several the same name, or none."""
    seen: dict[str, set[str]] = {}
    for entry in entries:
        digests = seen.setdefault(entry.key, set())
        if entry.digest in digests:
            continue
        yield (
            entry
            if not digests and entry.key
            else msgspec.structs.replace(entry, key=f"{entry.key} {entry.digest}".strip())
        )
        digests.add(entry.digest)


def _entry(entry: Any, feed: Any, url: str) -> Entry:
    title = read_html(_markup(entry.get("title_detail"))).text
    body = (entry.get("content") or [None])[0] or entry.get("summary_detail")
    link = web_address(url, _str(entry.get("link")))
    seen = read_html(_markup(body), link or url)
    text = seen.text if not title or seen.text.startswith(title) else f"{title}\n\n{seen.text}".strip()
    text = text[:LONGEST_TEXT]
    links = tuple(dict.fromkeys([*([link] if link else ()), *seen.links]))[:_MOST_LINKS]
    tags = [_NOT_WORD.sub("", _str(tag.get("term"))) for tag in entry.get("tags") or ()]
    author = " ".join((_of_person(entry) or _of_person(feed) or _str(feed.get("title"))).split())[:_LONGEST_NAME]
    known = Entry(
        key=(_str(entry.get("id")) or link)[:_LONGEST_KEY],
        author=author,
        text=text,
        digest="",
        claimed_at=_claimed(entry, "updated") or _claimed(entry, "published"),
        links=links,
        hashtags=tuple(dict.fromkeys([*hashtags_in(text), *(tag for tag in tags if tag)]))[:_MOST_LINKS],
        media=_media(entry, seen.pictures),
        langs=tuple(one for one in [_str((body or {}).get("language")) or _str(feed.get("language"))] if one),
    )
    seen_by_reader = (known.author, seen.text, title, known.links, known.hashtags, known.media)
    digest = hashlib.sha256(msgspec.json.encode(seen_by_reader)).hexdigest()[:16]
    return msgspec.structs.replace(known, digest=digest)


def _markup(detail: Any) -> str:
    """A text of the feed as HTML, whether it is HTML or plain words."""
    value = _str((detail or {}).get("value"))[:_LONGEST_HTML]
    if (detail or {}).get("type") in _HTML:
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def _of_person(said: Any) -> str:
    return _str((said.get("author_detail") or {}).get("name")) or _str(said.get("author"))


def _media(entry: Any, pictures: tuple[str, ...]) -> tuple[Media, ...]:
    found = [Media(MediaKind.IMAGE, alt) for alt in pictures]
    for attached in [*(entry.get("enclosures") or ()), *(entry.get("media_content") or ())]:
        kind = _str(attached.get("type")).partition("/")[0] or _str(attached.get("medium"))
        if kind in (MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO):
            found.append(Media(MediaKind(kind)))
    return tuple(found[:_MOST_LINKS])


def _claimed(entry: Any, what: str) -> datetime | None:
    """A date its publisher gives; one without a time zone is taken as UTC, which it need not be."""
    told = dict.get(entry, f"{what}_parsed")  # its own get() would give one date for the other
    try:
        return datetime.fromtimestamp(timegm(told), UTC) if told else http_date(_str(dict.get(entry, what)))
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
