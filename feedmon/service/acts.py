"""What the clerk may say: what is refused and why, and what is taken but looks odd. Pure.

Nothing a clerk says about the room is thrown away because it looks odd: it is taken, with a warning. Refused is only
what can mean nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from feedmon.model.decisions import Decision, DecisionKind, in_force
from feedmon.model.meeting import Meeting
from feedmon.model.problems import did_you_mean
from feedmon.model.timeline import Mark, Timeline
from feedmon.service.effects import Effects
from feedmon.service.refusals import Refused
from feedmon.service.words import clock_time
from feedmon.wire import DecisionRequest, FlagView, MarkRequest

_AHEAD = timedelta(minutes=2)
"""How far before the service's clock a desk's may be before a mark counts as one for the future."""


@dataclass(frozen=True)
class Answer:
    """What an act leads to, and what looked odd about it. No effects when it was known already.

    ``place`` is which of the entries (from 0) is the act's own.
    """

    effects: Effects = field(default_factory=Effects)
    warning: str = ""
    place: int = 0


def repeated(known: Mark | Decision, request: MarkRequest | DecisionRequest) -> Answer:
    """The answer to an act sent again. Raises Refused (409) when its id was used for another act."""
    said_at = known.said_at if isinstance(known, Mark) else known.at
    again: Mark | Decision | None = None
    with suppress(ValueError):
        again = request.stamped(said_at)
    if known != again:
        raise Refused(409, f"The id “{known.id}” was used for another act.", "Give each act an id of its own.")
    return Answer()


def checked_mark(request: MarkRequest, meeting: Meeting, now: datetime) -> Mark:
    """The mark asked for. Raises Refused (400) when it could mean nothing, or names what the meeting has not."""
    try:
        mark = request.stamped(now)
    except ValueError as error:
        raise Refused(400, f"{_sentence(error)}") from error
    if mark.item is not None and meeting.item(mark.item) is None:
        hint = did_you_mean(mark.item, (item.number for item in meeting.items))
        raise Refused(400, f"The agenda has no item “{mark.item}”.", hint)
    if mark.member is not None and meeting.member(mark.member) is None:
        hint = did_you_mean(mark.member, (member.id for member in meeting.members))
        raise Refused(400, f"The roster has no member “{mark.member}”.", hint)
    return mark


def odd_about_mark(mark: Mark, before: Timeline, after: Timeline, meeting: Meeting, now: datetime) -> str:
    """What looks odd about a mark that is taken all the same; empty when nothing does."""
    if mark.supersedes is not None and all(known.id != mark.supersedes for known in before.entered):
        return "The mark it corrects is not known here."
    if mark.at > now + _AHEAD:
        return f"It takes effect at {clock_time(mark.at, meeting.timezone)}, which is still to come."
    if mark.at not in meeting.window:
        return "It lies outside the time in which this meeting is followed."
    if mark.supersedes is None and _room(before, mark.at) == _room(after, mark.at):
        return "It changes nothing: that was so already."
    return ""


def checked_decision(request: DecisionRequest, known: Mapping[str, Decision], now: datetime) -> Decision:
    """The decision asked for. Raises Refused: 400 when it could mean nothing, 409 when there is nothing to undo."""
    try:
        decision = request.stamped(now)
    except ValueError as error:
        raise Refused(400, f"{_sentence(error)}") from error
    if decision.undoes is not None:
        undone = known.get(decision.undoes)
        if undone is None or undone.flag != decision.flag:
            raise Refused(409, f"There is no decision “{decision.undoes}” about this flag.", "It cannot be undone.")
    return decision


def odd_about_decision(decision: Decision, view: FlagView) -> str:
    """What looks odd about a decision that is taken all the same; empty when nothing does."""
    if decision.undoes is not None and in_force((*view.decisions, decision)) == in_force(view.decisions):
        return "It changes nothing: that decision was undone already."
    if tells(decision) and view.cleared is not None:
        return "Judging again no longer raises this flag."
    return ""


def tells(decision: Decision) -> bool:
    """Whether this decision tells the chair."""
    return decision.kind is DecisionKind.TELL_CHAIR


def known_flag(flags: Mapping[str, FlagView], flag_id: str) -> FlagView:
    """The flag with this id, if desks are told of it. Raises Refused (404) when not."""
    view = flags.get(flag_id)
    if view is None or view.flag.quiet:
        raise Refused(404, f"There is no flag “{flag_id}” in this meeting.")
    return view


def must_be_told(view: FlagView) -> None:
    """Raises Refused (409) unless the chair was told of the flag and it was not taken back."""
    if not any(tells(decision) for decision in in_force(view.decisions)):
        raise Refused(409, "The clerk has taken this back.", "There is nothing to confirm.")


def _room(timeline: Timeline, at: datetime) -> object:
    """The moment at ``at``, apart from when each state began."""
    moment = msgspec.structs.asdict(timeline.moment(at))
    return {key: value for key, value in moment.items() if not key.endswith(("_since", "_until"))}


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:].rstrip(".") + "."
