"""The HTML of a fediverse post as the text a reader sees. Pure.

Servers send ``p br span a del s pre blockquote code b strong u i em ul ol li ruby rt rp``, having cleaned what other
servers wrote; but they are strangers too, so anything at all is read, and never raises. A link shows its whole address
where the post shows a shortened one (apps hide its beginning and end with CSS), and the words of a link that are
not its address are kept as they are.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec

LONGEST = 200_000
"""Characters of HTML that are read; the rest is left out. Servers allow a few thousand of text."""

_BLOCKS = frozenset({"p", "blockquote", "pre", "ul", "ol", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_MANY_BREAKS = re.compile(r"\n{3,}")


class Reading(msgspec.Struct, frozen=True):
    """What a reader sees: the text, and where its links lead (hashtags and mentions are none)."""

    text: str
    links: tuple[str, ...] = ()


def read_html(html: str, *, quotes: bool = False) -> Reading:
    """Read a post's content. With ``quotes`` the line that stands in for a quoted post is left out."""
    reader = _Reader(quotes)
    reader.feed(html[:LONGEST])
    reader.close()
    return reader.reading()


class _Reader(HTMLParser):
    def __init__(self, quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._quotes = quotes
        self._out: list[str] = []
        self._breaks = 2  # line breaks the text ends with so far; none are wanted at its very beginning
        self._links: dict[str, None] = {}
        self._anchor: tuple[str, int] | None = None  # where the link we are in leads, and where its words begin
        self._unseen = ""  # the element whose content nobody sees, and how deep we are in others of its name
        self._depth = 0
        self._kept_as_is = 0

    def reading(self) -> Reading:
        """All that was fed."""
        self._end_anchor()
        text = _MANY_BREAKS.sub("\n\n", "".join(self._out)).replace(" \n", "\n").strip()
        return Reading(text, tuple(self._links))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        if self._unseen:
            self._depth += tag == self._unseen
            return
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if tag in _UNSEEN or (self._quotes and "quote-inline" in classes):
            self._unseen, self._depth = tag, 1
            return
        match tag:
            case "br":
                self._break(self._breaks + 1)
            case "li":
                self._break(1)
                self._put("• ")
            case "a":
                self._end_anchor()
                leads = given.get("href", "").strip()
                if not {"mention", "hashtag"} & set(classes) and _is_web(leads):
                    self._anchor = (leads, len(self._out))
            case _ if tag in _BLOCKS:
                self._break(2)
        self._kept_as_is += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """End an element, if it is one that was begun."""
        if self._unseen:
            self._depth -= tag == self._unseen
            if not self._depth:
                self._unseen = ""
            return
        if tag == "a":
            self._end_anchor()
        elif tag in _BLOCKS:
            self._break(1 if tag == "li" else 2)
        if tag == "pre":
            self._kept_as_is = max(0, self._kept_as_is - 1)

    def handle_data(self, data: str) -> None:
        """Words, their entities undone."""
        if self._unseen:
            return
        if not self._kept_as_is:
            data = _SPACES.sub(" ", data)
            if self._breaks or not self._out:
                data = data.lstrip(" ")
        self._put(data)

    def parse_html_declaration(self, i: int) -> int:
        """Pass over ``<!…>`` as browsers do; the parser's own way raises for some of it."""
        return self.parse_comment(i) if self.rawdata.startswith("<!--", i) else self.parse_bogus_comment(i)

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._breaks = len(text) - len(text.rstrip("\n"))

    def _break(self, wanted: int) -> None:
        """End the line, so that the text ends with so many line breaks (at its beginning: with none)."""
        if self._out and wanted > self._breaks:
            self._out.append("\n" * (wanted - self._breaks))
            self._breaks = wanted

    def _end_anchor(self) -> None:
        """A link is over: show its whole address where its words are (a part of) that address."""
        if self._anchor is None:
            return
        (leads, begins), self._anchor = self._anchor, None
        self._links[leads] = None
        words = "".join(self._out[begins:])
        bare = words.strip().removesuffix("…").removeprefix("https://").removeprefix("http://").removeprefix("www.")
        address = leads.partition("://")[2].removeprefix("www.")
        if not bare or address.startswith(bare):
            del self._out[begins:]
            self._put(leads)


def _is_web(leads: str) -> bool:
    try:
        parts = urlsplit(leads)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
