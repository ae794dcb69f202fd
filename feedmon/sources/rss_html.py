"""An article's HTML as the text a reader sees, with its links and pictures. Pure, and quick whatever the HTML is.

Any HTML at all may stand in a feed. So that none can keep us busy for long, it is read from left to right once: what
is no whole tag is text.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

import msgspec

LONGEST = 200_000
"""Characters of HTML that are read; the rest is left out."""

_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""")
_OTHER_TAG = re.compile(r"<[!?/][^<>]*>")
_ATTRIBUTE = re.compile(r"""([A-Za-z-]{1,20})\s?=\s?("[^"]*"|'[^']*'|[^\s"']+)""")
_MANY_BREAKS = re.compile(r"\n{3,}")
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "iframe", "svg"})
_BLOCKS = frozenset(
    {
        *("p", "div", "blockquote", "pre", "ul", "ol", "dl", "table", "figure", "section", "article", "header"),
        *("footer", "h1", "h2", "h3", "h4", "h5", "h6"),
    }
)
_LINES = frozenset({"br", "li", "tr", "dt", "dd", "hr", "figcaption"})


class Reading(msgspec.Struct, frozen=True):
    """What a reader sees: the text, where its links lead, and what is said to be on its pictures."""

    text: str
    links: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


def read_html(markup: str, base: str = "") -> Reading:
    """Read HTML found at the address ``base``."""
    markup = markup[:LONGEST]
    lower = markup.lower() if markup.isascii() else markup  # so that both have the same places
    out: list[str] = []
    links: dict[str, None] = {}
    pictures: list[str] = []
    place = 0
    while (at := markup.find("<", place)) >= 0:
        out.append(_words(markup[place:at]))
        if markup.startswith("<!--", at):
            end = markup.find("-->", at + 4)
            place = end + 3 if end >= 0 else len(markup)
        elif tag := _TAG.match(markup, at):
            place = tag.end()
            name = tag[2].lower()
            if name in _UNSEEN and not tag[1] and not tag[3].endswith("/"):
                end = lower.find(f"</{name}", place)
                place = end if end >= 0 else len(markup)
            elif name in _BLOCKS:
                out.append("\n\n")
            elif name in _LINES:
                out.append("\n")
            elif name == "a" and (leads := web_address(base, _attribute(tag[3], "href"))):
                links[leads] = None
            elif name == "img":
                pictures.append(" ".join(_attribute(tag[3], "alt").split()))
        elif other := _OTHER_TAG.match(markup, at):
            place = other.end()
        else:
            out.append("<")
            place = at + 1
    out.append(_words(markup[place:]))
    lines = "\n".join(" ".join(line.split()) for line in "".join(out).split("\n"))
    return Reading(_MANY_BREAKS.sub("\n\n", lines).strip(), tuple(links), tuple(pictures))


def web_address(base: str, address: str) -> str:
    """An address of the web, made whole; nothing when it is none."""
    try:
        whole = urljoin(base, address.strip()) if address else ""
        parts = urlsplit(whole)
        return whole if parts.scheme in ("http", "https") and parts.hostname and len(whole) <= 2_000 else ""
    except ValueError:
        return ""


def _words(text: str) -> str:
    return " ".join(_unescaped(text).split("\n"))


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text) if "&" in text else text
    except ValueError:  # a character given by a number of thousands of digits
        return text


def _attribute(attributes: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return _unescaped(found[2].strip("\"'"))
    return ""
