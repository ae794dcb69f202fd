"""The review as Markdown (CommonMark with tables), for pasting into minutes, mails and trackers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup

from feedmon.model.flags import Span
from feedmon.review.model import Review
from feedmon.review.pages import page
from feedmon.review.words import parts, visible


def as_markdown(review: Review) -> str:
    """The page. Strangers' text is shown in fenced blocks, where Markdown means nothing; all else is escaped."""
    return page("review.md", review, guard=escaped, autoescape=False, quoted=quoted)


_SPECIAL = re.compile(r"([\\`*_\[\]|#~$])")
_AT_START = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)](\s|$)))")
_BLANKS = re.compile(r"\s+")


def escaped(text: str) -> str:
    """Text on one line in which nothing is Markdown, HTML or a link any more; it reads the same once shown."""
    text = _BLANKS.sub(" ", visible(text))
    text = _SPECIAL.sub(r"\\\1", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("://", r"\://").replace("www.", r"www\.").replace("WWW.", r"WWW\.")
    return _AT_START.sub(_not_a_list, text)


def _not_a_list(start: re.Match[str]) -> str:
    """A sign that would begin a list or underline a heading, or the number of a numbered list, defused."""
    blank, sign = start[1], start[2]
    return f"{blank}{sign}\\" if sign.isdigit() else f"{blank}\\{sign}"


def quoted(text: str, spans: Iterable[Span]) -> Markup:
    """A post's text in a fence longer than any in it, with the matched words between ⟦ and ⟧."""
    marked = "".join(
        f"⟦{_plain(part.text)}⟧" if part.label is not None else _plain(part.text) for part in parts(text, spans)
    )
    longest = max((len(run) for run in re.findall("`+", marked)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}text\n{marked}\n{fence}")  # noqa: S704  # inside a fence nothing is markup


def _plain(text: str) -> str:
    return visible(text).replace("⟦", "[[").replace("⟧", "]]")
