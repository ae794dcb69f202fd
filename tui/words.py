"""How the desk says things: times, ages, moments, marks. Plain English, one phrase for one thing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from feedmon.wire import (
    AgendaItem,
    Basis,
    Decision,
    DecisionKind,
    Flag,
    Mark,
    MarkKind,
    MediaKind,
    Meeting,
    Moment,
    Phase,
    Post,
    RuleInForce,
)
from tui.model.discretion import CLOSED_ITEM
from tui.signs import DECISION, REASONS
from tui.text import line


def age(since: timedelta) -> str:
    """How long, as one says it: ``12 s``, ``4 min``, ``1 h 05``."""
    seconds = max(int(since.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def taken(time: timedelta) -> str:
    """A time taken, to the second: ``4:05``, ``1:02:30``."""
    seconds = int(time.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def hour(at: datetime, zone: tzinfo) -> str:
    """The local time of day: ``19:42``."""
    return at.astimezone(zone).strftime("%H:%M")


def second(at: datetime, zone: tzinfo) -> str:
    """The local time of day to the second: ``19:42:10``."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def day(at: datetime, zone: tzinfo) -> str:
    """The local date: ``Thu 5 Mar 2026``."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def clauses(numbers: Sequence[str]) -> str:
    """``clause 5.1``, ``clauses 5.1 and 5.8``."""
    if not numbers:
        return "no clause named"
    *most, last = numbers
    return f"clauses {', '.join(most)} and {last}" if most else f"clause {last}"


def standing(flag: Flag) -> str:
    """The one way a flag is ever spoken of: a possibility, for a person to review."""
    return f"possible, {clauses(flag.clauses)}, for review"


def first_up(sentence: str) -> str:
    """The sentence with a capital at its start, and nothing else changed."""
    return sentence[:1].upper() + sentence[1:]


def basis(flag: Flag) -> str:
    """What the flag rests on, in words."""
    if flag.basis is Basis.FACT:
        return "facts: marks, roster, profile or pattern"
    return f"a {_strength(flag.score)}reading of the text, score {flag.score:.2f}"


def _strength(score: float) -> str:
    """How much a reading weighs, in a word; never a probability, which it is not."""
    return "strong " if score >= 0.8 else "" if score >= 0.6 else "weak "


def item(number: str | None, meeting: Meeting, most: int = 60) -> str:
    """``item 5, Quayside car park``."""
    found = meeting.item(number)
    title = f", {line(found.title, most)}" if found else ""
    return f"item {line(number or '', 20)}{title}"


def prints_closed(item: AgendaItem) -> bool:
    """Whether its title needs “closed” before it: it is printed so, and the title does not say it already."""
    return item.closed and item.title != CLOSED_ITEM


def title(item: AgendaItem) -> str:
    """An item's title as the agenda prints it."""
    return f"{'closed: ' if prints_closed(item) else ''}{line(item.title, 120)}"


def where(moment: Moment, meeting: Meeting, zone: tzinfo, most: int = 60) -> str:
    """Where the meeting was at a moment, as a sentence without its stop."""
    match moment.phase:
        case Phase.NOT_STARTED:
            return "Before the meeting was opened"
        case Phase.ENDED:
            since = f", closed at {hour(moment.phase_since, zone)}" if moment.phase_since else ""
            return f"After the meeting{since}"
        case Phase.ADJOURNED:
            broken = f"; {item(moment.previous_item, meeting, most)} had been taken" if moment.previous_item else ""
            since = f" since {hour(moment.phase_since, zone)}" if moment.phase_since else ""
            return f"While adjourned{since}{broken}"
    if moment.item is None:
        return "In session, between items"
    into = f", {age(moment.at - moment.item_since)} in" if moment.item_since else ""
    return f"During {item(moment.item, meeting, most)}{into}"


def room(moment: Moment, zone: tzinfo) -> list[str]:
    """What was out of the ordinary in the room at a moment; nothing when all was as usual."""
    told = (
        (moment.closed_session, "the public excluded", moment.excluded_since),
        (moment.recording_suspended, "recording suspended", moment.suspended_since),
        (moment.asked_not_to_post, "members asked not to post", moment.asked_since),
    )
    return [f"{what} since {hour(since, zone)}" if since else what for so, what, since in told if so]


def moment(at: Moment, meeting: Meeting, zone: tzinfo) -> str:
    """The moment a post was judged by, in a sentence."""
    return f"{', '.join([where(at, meeting, zone), *room(at, zone)])}."


def mark(made: Mark, meeting: Meeting) -> str:
    """What a mark says happened."""
    on = f" for {item(made.item, meeting)}" if made.item else ""
    match made.kind:
        case MarkKind.OPENED:
            return "Meeting opened"
        case MarkKind.ITEM_STARTED:
            return f"{first_up(item(made.item, meeting))} began"
        case MarkKind.PUBLIC_EXCLUDED:
            return f"Public excluded{on}"
        case MarkKind.OUTCOME_ANNOUNCED:
            return f"Outcome announced{on}"
        case MarkKind.WITHDRAWN:
            return "Mark taken back"
        case MarkKind.ASKED_NOT_TO_POST:
            return "Members asked not to post"
        case MarkKind.POSTING_ALLOWED:
            return "Request not to post lifted"
        case MarkKind.ADJOURNED | MarkKind.RESUMED | MarkKind.CLOSED:
            return f"Meeting {made.kind}"
        case MarkKind.MEMBER_ARRIVED | MarkKind.MEMBER_LEFT:
            member = meeting.member(made.member)
            return f"{line(member.name if member else made.member or '')} {made.kind.removeprefix('member_')}"
    return made.kind.replace("_", " ").capitalize()


def decision(made: Decision) -> str:
    """What a decision says was done, without the words that went with it."""
    said = DECISION[made.kind]
    return f"{said}: {REASONS[made.reason][1]}" if made.kind is DecisionKind.DISMISS and made.reason else said


def author(post: Post, meeting: Meeting, member: str | None, most: int = 60) -> str:
    """Who posted, by the roster's name when the author is a member, else by the name they show."""
    known = meeting.member(member)
    return line(known.name if known else post.author.name or f"@{post.author.handle}", most)


def provenance(rule: RuleInForce | None, flag: Flag, post: Post) -> str:
    """Whose rule this is and which post exactly, for the reader who wants to look them up."""
    council = f", {line(rule.council)}" if rule else ""
    version = f", version {line(post.version, 80)}" if post.version else ""
    return f"{flag.rule}{council}; pack {flag.pack} {flag.pack_hash[:12]}\n{line(post.id, 200)}{version}"


MEDIA = {
    MediaKind.IMAGE: "picture",
    MediaKind.VIDEO: "video",
    MediaKind.AUDIO: "sound",
    MediaKind.LIVE: "live broadcast",
    MediaKind.GIF: "moving picture",
}
