"""How a review says things: local times, lengths, the room at a moment, decisions. Pure, shared by all pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from unicodedata import category
from zoneinfo import ZoneInfo

import msgspec

from feedmon.model.decisions import DecisionKind, FlagState
from feedmon.model.flags import Basis, Flag, Severity, Span
from feedmon.model.posts import MediaKind, Post, Target
from feedmon.model.sourcestate import SourceCondition
from feedmon.model.timeline import MarkKind, Moment, Phase
from feedmon.review.model import FlagStory, MarkStory, MeetingReview, Stretch


class Part(msgspec.Struct, frozen=True):
    """A piece of a post's text, and what a rule matched in it (None where it matched nothing)."""

    text: str
    label: str | None


def parts(text: str, spans: Iterable[Span]) -> tuple[Part, ...]:
    """The text cut where matched words begin and end; put together again it is the text. Spans may overlap."""
    found = [(max(0, span.start), min(len(text), span.end), span.label) for span in spans]
    cuts = sorted({0, len(text), *(edge for start, end, _ in found if start < end for edge in (start, end))})
    cut_up: list[Part] = []
    for start, end in pairwise(cuts):
        labels = dict.fromkeys(label for first, last, label in found if first <= start and end <= last)
        cut_up.append(Part(text[start:end], ", ".join(filter(None, labels)) if labels else None))
    return tuple(cut_up)


_KEPT = "\n\t\u200c\u200d"  # line ends, and the joiners that many scripts and emoji are written with


def visible(text: str) -> str:
    """Text fit for a page: what would be invisible, or turn the reading direction of what follows, is named instead.

    Emoji's tag characters are kept. Line ends of every kind become plain ones.
    """
    for line_end in ("\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_end, "\n")
    return "".join(
        f"\u27e8U+{ord(char):04X}\u27e9"
        if category(char) in ("Cc", "Cf", "Cs") and char not in _KEPT and not "\U000e0020" <= char <= "\U000e007f"
        else char
        for char in text
    )


def length(seconds: float) -> str:
    """A length of time: ``45 s``, ``12 min``, ``1 h 05 min``."""
    if seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def lasted(stretch: Stretch) -> str:
    """How long a stretch was, if it ended."""
    return length((stretch.end - stretch.start).total_seconds()) if stretch.end else ""


SEVERITY = {
    Severity.CRITICAL: "critical: at once",
    Severity.WARNING: "warning: look now",
    Severity.NOTICE: "notice: look when free",
    Severity.INFO: "info: listed only",
}
BASIS = {Basis.FACT: "a fact", Basis.READING: "a reading of the text"}
STATE = {
    FlagState.NEW: "not decided",
    FlagState.KEPT: "kept for later",
    FlagState.DISMISSED: "dismissed",
    FlagState.CONFIRMED: "confirmed by the clerk",
    FlagState.TOLD: "the chair was told",
    FlagState.REFERRED: "referred to the Monitoring Officer",
}
_DECISION = {
    DecisionKind.DISMISS: "dismissed",
    DecisionKind.KEEP: "kept for later",
    DecisionKind.CONFIRM: "confirmed",
    DecisionKind.TELL_CHAIR: "told the chair",
    DecisionKind.REFER: "referred to the Monitoring Officer",
    DecisionKind.NOTE: "noted",
    DecisionKind.UNDO: "took back an earlier decision",
}
MARK = {
    MarkKind.OPENED: "meeting opened",
    MarkKind.ITEM_STARTED: "item started",
    MarkKind.PUBLIC_EXCLUDED: "press and public excluded",
    MarkKind.PUBLIC_READMITTED: "press and public readmitted",
    MarkKind.RECORDING_SUSPENDED: "recording suspended",
    MarkKind.RECORDING_RESUMED: "recording allowed again",
    MarkKind.ASKED_NOT_TO_POST: "asked not to post",
    MarkKind.POSTING_ALLOWED: "posting allowed again",
    MarkKind.ADJOURNED: "meeting adjourned",
    MarkKind.RESUMED: "meeting resumed",
    MarkKind.CLOSED: "meeting closed",
    MarkKind.OUTCOME_ANNOUNCED: "outcome announced",
    MarkKind.MEMBER_ARRIVED: "member arrived",
    MarkKind.MEMBER_LEFT: "member left",
    MarkKind.WITHDRAWN: "withdrew an earlier mark",
}
CONDITION = {
    SourceCondition.STARTING: "starting",
    SourceCondition.LIVE: "live",
    SourceCondition.QUIET: "alive, nothing for this meeting",
    SourceCondition.BEHIND: "behind",
    SourceCondition.LOST: "lost",
    SourceCondition.REFUSED: "refused",
    SourceCondition.STOPPED: "stopped",
}
_MEDIA = {
    MediaKind.IMAGE: "image",
    MediaKind.VIDEO: "video",
    MediaKind.AUDIO: "sound",
    MediaKind.LIVE: "live broadcast",
    MediaKind.GIF: "moving image",
}


class Words:
    """One meeting's way of saying things: its time zone and its people."""

    def __init__(self, review: MeetingReview) -> None:
        self._review = review
        self._zone = _zone(review.meeting.timezone)
        self._day = review.meeting.window.starts.astimezone(self._zone).date()

    @property
    def zone(self) -> str:
        """The time zone in words, such as ``Europe/London (GMT)``."""
        name = self._review.meeting.timezone if self._zone is not UTC else "UTC"
        short = self._review.meeting.window.starts.astimezone(self._zone).tzname()
        return f"{name} ({short})" if short and short != name else name

    @property
    def hashtags(self) -> str:
        """The meeting's hashtags, each with its sign however the file writes it."""
        return ", ".join("#" + tag.removeprefix("#") for tag in self._review.meeting.hashtags)

    def day(self, at: datetime) -> str:
        """The local date: ``Thursday 5 March 2026``."""
        local = at.astimezone(self._zone)
        return f"{local:%A} {local.day} {local:%B %Y}"

    def time(self, at: datetime) -> str:
        """The local time to the second, with the date when it is not the meeting's day."""
        local = at.astimezone(self._zone)
        return f"{local:%H:%M:%S}" if local.date() == self._day else f"{local.day} {local:%b %H:%M:%S}"

    def hour(self, at: datetime) -> str:
        """The local time to the minute."""
        return f"{at.astimezone(self._zone):%H:%M}"

    def between(self, stretch: Stretch) -> str:
        """A stretch as two local times; open when it has no end."""
        return f"{self.time(stretch.start)} to {self.time(stretch.end) if stretch.end else 'the end of the record'}"

    def item(self, number: str | None) -> str:
        """An agenda item with its title, as printed."""
        if number is None:
            return "no item"
        item = self._review.meeting.item(number)
        return f"item {number} ({item.title})" if item and item.title else f"item {number}"

    def member(self, member_id: str | None) -> str:
        """A member's name."""
        member = self._review.meeting.member(member_id)
        return member.name if member else (member_id or "")

    def author(self, story: FlagStory) -> str:
        """Who posted: the member by name, anyone else by what they are."""
        handle = f"@{story.post.author.handle}" if story.post else "content erased"
        who = self.member(story.member) if story.member else "A member of the public"
        return f"{who} ({handle})"

    def moment(self, moment: Moment) -> str:
        """What was so in the room, in one sentence."""
        said: list[str] = []
        match moment.phase:
            case Phase.NOT_STARTED:
                said.append("before the meeting")
            case Phase.ENDED:
                said.append("after the meeting")
            case Phase.ADJOURNED:
                said.append("during an adjournment" + self._since(moment.phase_since))
            case Phase.IN_SESSION:
                taken = self.item(moment.item) if moment.item else "no item being taken"
                said.append(f"in session, {taken}{self._since(moment.item_since)}")
        if moment.previous_item and moment.previous_until and moment.phase is not Phase.ENDED:
            ago = length((moment.at - moment.previous_until).total_seconds())
            said.append(f"{self.item(moment.previous_item)} ended {ago} before")
        if moment.closed_session:
            said.append(f"press and public excluded{self._since(moment.excluded_since)}")
        if moment.recording_suspended:
            said.append(f"recording suspended{self._since(moment.suspended_since)}")
        if moment.asked_not_to_post:
            said.append(f"members asked not to post{self._since(moment.asked_since)}")
        return "; ".join(said)

    def mark(self, story: MarkStory) -> str:
        """What a mark said, with its item or member."""
        mark = story.mark
        about = self.item(mark.item) if mark.item else self.member(mark.member)
        return MARK[mark.kind] + (f": {about}" if about else "")

    def standing(self, story: MarkStory) -> str:
        """What became of a mark."""
        if story.mark.kind is MarkKind.WITHDRAWN:
            return f"withdraws {story.mark.supersedes}" if not story.replaced_by else f"undone by {story.replaced_by}"
        if story.holds:
            return f"corrects {story.mark.supersedes}" if story.mark.supersedes else "holds"
        return f"corrected or withdrawn by {story.replaced_by}" if story.replaced_by else "set aside by a later one"

    def about(self, post: Post) -> list[str]:
        """What a reader sees besides the text: whom it answers, what is attached."""
        said = [
            f"{how} {_target(target)}"
            for how, target in (("in reply to", post.reply_to), ("quoting", post.quote), ("reposting", post.repost_of))
            if target
        ]
        said += [f"with {_MEDIA[media.kind]}" + (f": {media.alt}" if media.alt else "") for media in post.media]
        return said + [f"link: {link}" for link in post.links]

    def _since(self, at: datetime | None) -> str:
        return f" since {self.time(at)}" if at else ""


def decided(kind: DecisionKind, reason: str | None) -> str:
    """A decision as a verb, with the reason of a dismissal."""
    return _DECISION[kind] + (f" ({reason.replace('_', ' ')})" if reason else "")


def times(count: int) -> str:
    """How often: ``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def possible(flag: Flag) -> str:
    """The one way in which a flag is ever put."""
    clauses = ", ".join(flag.clauses)
    return f"possible, {'clause' if len(flag.clauses) == 1 else 'clauses'} {clauses}, for review"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence."""
    return ", ".join(words) if words else "none"


def _target(target: Target) -> str:
    return f"@{target.handle}" if target.handle else target.id or target.post or "someone"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a zone this machine does not know: better a plain UTC than no review
        return UTC
