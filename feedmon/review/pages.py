"""What the pages have in common: one Jinja2 environment each, with the same words in it.

Whatever a template prints passes through the page's own ``guard`` first, so that no stranger's text reaches a page
unguarded because a template's writer forgot; only what a guard or Jinja2 itself marked as safe is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from feedmon.model.decisions import DecisionKind
from feedmon.model.flags import Severity
from feedmon.review import words
from feedmon.review.glance import glance
from feedmon.review.model import DecisionStory, FlagStory, MeetingReview, Review, SourceFollowed


def page(template: str, review: Review, guard: Callable[[str], str], autoescape: bool, **more: Any) -> str:
    """The page a template makes of a review."""
    environment = Environment(
        loader=PackageLoader("feedmon.review"),
        autoescape=autoescape,  # noqa: S701  # False only for Markdown, whose guard escapes
        finalize=lambda value: guard(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "words": words.Words,
        "glance": glance,
        "parts": words.parts,
        "length": words.length,
        "lasted": words.lasted,
        "times": words.times,
        "possible": words.possible,
        "listed": words.listed,
        "decided": words.decided,
        "SEVERITY": words.SEVERITY,
        "BASIS": words.BASIS,
        "STATE": words.STATE,
        "MARK": words.MARK,
        "standing": _standing,
        "told": _told,
        "severities": _severities,
        "counting": _counting,
        "unseen": _unseen_seconds,
        "conditions": _conditions,
        **more,
    }
    return environment.get_template(template).render(review=review)


def _standing(review: MeetingReview) -> list[FlagStory]:
    return [story for story in review.flags if story.cleared is None]


def _told(review: MeetingReview) -> list[FlagStory]:
    """The flags of which the chair was told, whatever was decided afterwards."""
    return [story for story in review.flags if any(_is_telling(made) for made in story.decisions)]


def _is_telling(made: DecisionStory) -> bool:
    return made.holds and made.decision.kind is DecisionKind.TELL_CHAIR


def _severities(review: MeetingReview) -> str:
    """How many of the standing flags have which severity, the highest first."""
    severities = [story.flag.severity for story in _standing(review)]
    counts = ((severity, severities.count(severity)) for severity in reversed(Severity))
    return ", ".join(f"{count} {severity}" for severity, count in counts if count) or "none"


def _counting(review: MeetingReview) -> bool:
    """Whether the counts lag behind: the record ends while the meeting is still being followed."""
    return review.counted_at is not None and bool(review.followed) and review.followed[-1].end is None


def _unseen_seconds(review: MeetingReview) -> float:
    return sum((gap.end - gap.start).total_seconds() for gap in review.gaps if not gap.filled)


def _conditions(source: SourceFollowed) -> str:
    spent = ", ".join(f"{words.CONDITION[each]} {words.length(seconds)}" for each, seconds in source.seconds.items())
    return spent or "never reported"
