"""The chair's page: what the clerk has told the chair, large and calm, on a tablet that others may glance at.

Each telling is one line that says who and what in neutral words, the clause, and words to read out that name nobody.
The post itself is behind a tap, with strong language masked; what must not spread further is not repeated at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from feedmon.alerts.masking import Masker
from feedmon.wire import Decision, DecisionKind, FlagView, Meeting, RuleInForce, in_force

_NEVER_REPEATED = frozenset({"closed_content_match", "closed_session_post", "personal_data"})
"""Kinds of flag whose post would do its harm again on a screen in the room."""

_pages = Environment(
    loader=PackageLoader("feedmon.alerts"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Standing(StrEnum):
    """What has become of a telling."""

    OPEN = "open"
    SEEN = "seen"
    WITHDRAWN = "withdrawn"
    CLEARED = "cleared"


class ChairNote(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the chair was told. Times are as the room's clock shows them.

    ``quote`` is empty when the post is not repeated; ``later`` says what its author has done with it since.
    """

    flag: str
    line: str
    quote: str
    clause: str
    paraphrase: str
    words: str
    told_at: str
    standing: Standing
    later: str = ""
    seen_at: str = ""


async def notes_for(
    flags: Iterable[FlagView], rules: Iterable[RuleInForce], meeting: Meeting, masker: Masker
) -> tuple[ChairNote, ...]:
    """What the chair was told in this meeting, newest first; the last telling of each flag."""
    by_id = {rule.id: rule for rule in rules}
    told = [(decision, view) for view in flags if (decision := _last_telling(view)) is not None]
    told.sort(key=lambda pair: (pair[0].at, pair[0].id), reverse=True)
    return tuple([await _note(view, decision, by_id.get(view.flag.rule), meeting, masker) for decision, view in told])


def page(meeting: Meeting, notes: Iterable[ChairNote], nonce: str) -> str:
    """The whole page as HTML. ``nonce`` marks its own style and script, so that nothing else may run there."""
    return _pages.get_template("chair.html").render(meeting=meeting, notes=tuple(notes), nonce=nonce)


def notes_html(notes: Iterable[ChairNote]) -> str:
    """The notes alone, as they stand in the page."""
    return _pages.get_template("chair_notes.html").render(notes=tuple(notes))


def message_page(title: str, text: str, nonce: str) -> str:
    """A page that only says something, such as that a link was opened already."""
    return _pages.get_template("chair_message.html").render(title=title, text=text, nonce=nonce)


def _last_telling(view: FlagView) -> Decision | None:
    tellings = [decision for decision in view.decisions if decision.kind is DecisionKind.TELL_CHAIR]
    return max(tellings, key=lambda decision: (decision.at, decision.id), default=None)


async def _note(
    view: FlagView, telling: Decision, rule: RuleInForce | None, meeting: Meeting, masker: Masker
) -> ChairNote:
    flag, zone = view.flag, ZoneInfo(meeting.timezone)
    member = meeting.member(flag.member)
    who = member.name if member else "Somebody not on the roster"
    posted = _clock(view.post.observed_at, zone)
    repeated = flag.kind not in _NEVER_REPEATED and bool(view.post.text.strip())
    noun = "Clauses" if len(flag.clauses) > 1 else "Clause"
    return ChairNote(
        flag=flag.id,
        line=f"Possible: {flag.title[:1].lower()}{flag.title[1:]}. {who}, {posted}.",
        quote=await masker.mask(view.post.text) if repeated else "",
        clause=", ".join([f"{noun} {', '.join(flag.clauses)}", *([rule.council] if rule else [])]),
        paraphrase=rule.paraphrase if rule else flag.reason,
        words=telling.words,
        told_at=_clock(telling.at, zone),
        standing=_standing(view, telling),
        later=_later(view, zone),
        seen_at=_clock(view.seen_by_chair_at, zone) if view.seen_by_chair_at else "",
    )


def _standing(view: FlagView, telling: Decision) -> Standing:
    if telling not in in_force(view.decisions):
        return Standing.WITHDRAWN
    if view.cleared is not None:
        return Standing.CLEARED
    return Standing.SEEN if view.seen_by_chair_at is not None else Standing.OPEN


def _later(view: FlagView, zone: ZoneInfo) -> str:
    if view.deleted_at is not None:
        return f"The post was deleted at {_clock(view.deleted_at, zone)}."
    return f"The post was edited at {_clock(view.edited_at, zone)}." if view.edited_at is not None else ""


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"
