"""What a review says, as frozen structs. The JSON form is exactly these; the pages are made from them.

Instants are UTC here; pages turn them to the meeting's own time. Durations are whole seconds.
"""

from __future__ import annotations

import msgspec

from feedmon.model.decisions import Decision, FlagState
from feedmon.model.entries import ClauseOnRecord, PackOnRecord, RuleOnRecord
from feedmon.model.flags import Flag
from feedmon.model.instants import Instant
from feedmon.model.meeting import AgendaItem, Meeting
from feedmon.model.posts import Post
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition
from feedmon.model.timeline import Mark, MarkKind


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """What checking the journal found when the review was made: its last entry, and what was wrong, if anything."""

    entries: int
    head: str
    erased: int = 0
    problems: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every entry was as it was written."""
        return not self.problems


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when; ``end`` is None for what had not ended when the record ends. ``why`` it ended, if told."""

    start: Instant
    end: Instant | None = None
    why: str = ""


class SourceFollowed(msgspec.Struct, frozen=True, kw_only=True):
    """One source: where it is, how it last was, and for how many seconds it was in each condition while followed."""

    name: str
    kind: str
    url: str
    condition: SourceCondition | None = None
    why: str = ""
    last_post: Instant | None = None
    seconds: dict[SourceCondition, int] = {}

    @property
    def seen_seconds(self) -> int:
        """For how long posts on this source would have been seen as they were made."""
        return sum(self.seconds.get(each, 0) for each in (SourceCondition.LIVE, SourceCondition.QUIET))


class ItemTaken(msgspec.Struct, frozen=True, kw_only=True):
    """An agenda item, and when it was taken: in no stretch when the marks never name it."""

    item: AgendaItem
    stretches: tuple[Stretch, ...]
    seconds: int


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the room that held for a while, named by the mark that began it."""

    what: MarkKind
    stretch: Stretch


class MarkStory(msgspec.Struct, frozen=True, kw_only=True):
    """One mark as it was made, and whether it holds. ``replaced_by`` is the id of the mark that corrected it."""

    mark: Mark
    holds: bool
    replaced_by: str | None = None


class DecisionStory(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, and whether it still holds. ``seen_at`` is when the chair saw what they were told."""

    decision: Decision
    holds: bool
    seen_at: Instant | None = None


class FlagStory(msgspec.Struct, frozen=True, kw_only=True):
    """A flag and all that came of it. ``number`` counts up in the order in which posts were seen.

    ``flag`` is as last raised, ``first_raised_at`` when it first was, ``judged_again`` how often it changed. ``post``
    is the version it was raised on, None once erased; ``later_versions`` are the author's edits. ``cleared`` is why
    judging again no longer raises it, None while it stands.
    """

    number: int
    flag: Flag
    state: FlagState
    first_raised_at: Instant
    judged_again: int = 0
    cleared: str | None = None
    post: Post | None = None
    member: str | None = None
    later_versions: tuple[Post, ...] = ()
    deleted_at: Instant | None = None
    decisions: tuple[DecisionStory, ...] = ()


class ClauseFindings(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that rules looked after, and the numbers of the flags under it (a flag may stand under several)."""

    pack: str
    clause: ClauseOnRecord
    flags: tuple[int, ...]


class RuleTally(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was on, and how many flags it raised that stand."""

    pack: str
    rule: RuleOnRecord
    flags: int


class MeetingReview(msgspec.Struct, frozen=True, kw_only=True):
    """One meeting from preparation to close.

    ``flags`` are those of live rules; flags of quiet rules are only in ``rules``, as counts. ``agenda`` follows the
    agenda's own order. ``unlisted`` are items the marks name that no agenda has. ``counted_at`` is when the counts of
    posts were last written down anew: what came since is not in them.
    """

    meeting: Meeting
    program: str
    meeting_file_digest: str
    packs: tuple[PackOnRecord, ...]
    changed_while_followed: bool
    rehearsal: bool
    followed: tuple[Stretch, ...]
    sources: tuple[SourceFollowed, ...]
    gaps: tuple[Gap, ...]
    faults: tuple[FeedFault, ...]
    members_posts: int
    public_posts: int
    skipped: int
    counted_at: Instant | None
    agenda: tuple[ItemTaken, ...]
    unlisted: tuple[ItemTaken, ...]
    sitting: Stretch | None
    room: tuple[RoomState, ...]
    marks: tuple[MarkStory, ...]
    clauses: tuple[ClauseFindings, ...]
    flags: tuple[FlagStory, ...]
    rules: tuple[RuleTally, ...]
    erased: int = 0


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The review of every meeting in a journal, or of one of them. ``format`` changes when a member's meaning does."""

    chain: Chain
    meetings: tuple[MeetingReview, ...]
    format: int = 1
