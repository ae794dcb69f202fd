"""The review as one HTML file, for the screen, light or dark, and for paper. No scripts, nothing fetched."""

from __future__ import annotations

from feedmon.model.flags import Severity
from feedmon.review.model import Review
from feedmon.review.pages import page
from feedmon.review.words import visible


def as_html(review: Review) -> str:
    """The page. Jinja2 escapes all that is printed; before that, invisible characters are made visible."""
    return page("review.html", review, guard=visible, autoescape=True, level=_level)


def _level(severity: Severity) -> str:
    """The style class of a severity; “notice” is what the boxes at the top are called."""
    return "notice-level" if severity == Severity.NOTICE else str(severity)
