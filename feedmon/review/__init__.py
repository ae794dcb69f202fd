"""The review of a meeting: what was followed, what was flagged under which clause, and what people decided.

:func:`build` makes a :class:`Review` of a journal's entries; :func:`render` makes a page of it. A new form is one file
here and one line in :data:`FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable

from feedmon.review.as_html import as_html
from feedmon.review.as_json import as_json
from feedmon.review.as_markdown import as_markdown
from feedmon.review.building import build
from feedmon.review.model import Chain, Review

FORMATS: dict[str, Callable[[Review], str]] = {"html": as_html, "md": as_markdown, "json": as_json}


def render(review: Review, form: str) -> str:
    """The review in one of :data:`FORMATS`. Raises KeyError for any other."""
    return FORMATS[form](review)


__all__ = ["FORMATS", "Chain", "Review", "build", "render"]
