"""What the journal holds: everything that became known about a meeting, one entry at a time, in that order.

An entry is never changed. What a later one says about the same flag, gap or source stands instead of what the
earlier one said; the earlier one stays on record. State is rebuilt by reading a meeting's entries from the first.
"""

from __future__ import annotations

import msgspec

from feedmon.model.decisions import Decision
from feedmon.model.flags import Flag, Severity
from feedmon.model.instants import Instant
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Post, PostKey
from feedmon.model.sourcestate import FeedFault, Gap, SourceState
from feedmon.model.timeline import Mark


class RuleOnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as it stood in a pack: enough to say which rules looked, and which of them kept quiet.

    ``status`` is the pack's word: ``live`` raises flags for the clerk, ``quiet`` only counts.
    """

    id: str
    kind: str
    title: str
    clauses: tuple[str, ...]
    severity: Severity
    status: str


class ClauseOnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A clause: its id and our paraphrase of it, so that a review can be read without the policy beside it."""

    id: str
    paraphrase: str


class PackOnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A pack a meeting was judged by. ``hash`` is that of its file as it was used."""

    id: str
    title: str
    hash: str
    rules: tuple[RuleOnRecord, ...] = ()
    clauses: tuple[ClauseOnRecord, ...] = ()


class MeetingPrepared(msgspec.Struct, frozen=True, kw_only=True, tag="meeting_prepared", tag_field="kind"):
    """The meeting as the clerk prepared it, the packs it is judged by, and the program that judges.

    Recorded each time following begins, so a changed meeting file or pack shows. ``digest`` is the SHA-256 of the
    meeting file's bytes in hexadecimal (empty when there was no file).
    """

    meeting: Meeting
    packs: tuple[PackOnRecord, ...]
    program: str
    digest: str = ""


class FollowingStarted(msgspec.Struct, frozen=True, kw_only=True, tag="following_started", tag_field="kind"):
    """The sources are being followed from now on. ``rehearsal`` when a recording is played, not a real meeting."""

    rehearsal: bool = False


class FollowingStopped(msgspec.Struct, frozen=True, tag="following_stopped", tag_field="kind"):
    """Nothing is followed from now on: the window is over, the service was stopped, and so on."""

    why: str


class PostCaptured(msgspec.Struct, frozen=True, kw_only=True, tag="post_captured", tag_field="kind"):
    """One version of a post that is written down: a member's, or anyone's that has a flag.

    ``member`` is the author's id on the roster, None for a member of the public.
    """

    post: Post
    edited: bool = False
    member: str | None = None


class PostRemoved(msgspec.Struct, frozen=True, kw_only=True, tag="post_removed", tag_field="kind"):
    """The feed said that the author deleted a post that is written down here."""

    key: PostKey
    observed_at: Instant


class FlagRaised(msgspec.Struct, frozen=True, tag="flag_raised", tag_field="kind"):
    """A flag, new or judged again: the last one recorded under a flag's id is the flag as it stands."""

    flag: Flag


class FlagCleared(msgspec.Struct, frozen=True, kw_only=True, tag="flag_cleared", tag_field="kind"):
    """Judging again no longer raises this flag (its id), and why. It may be raised again later."""

    flag: str
    why: str


class Marked(msgspec.Struct, frozen=True, tag="marked", tag_field="kind"):
    """The clerk marked the timeline."""

    mark: Mark


class Decided(msgspec.Struct, frozen=True, tag="decided", tag_field="kind"):
    """Someone decided about a flag."""

    decision: Decision


class ChairSaw(msgspec.Struct, frozen=True, kw_only=True, tag="chair_saw", tag_field="kind"):
    """The chair pressed *seen* on what they were told about this flag (its id)."""

    flag: str
    at: Instant


class SourceReported(msgspec.Struct, frozen=True, tag="source_reported", tag_field="kind"):
    """A source's condition changed."""

    state: SourceState


class GapRecorded(msgspec.Struct, frozen=True, tag="gap_recorded", tag_field="kind"):
    """A stretch a source could not be seen in; recorded again, with the same source and start, once filled."""

    gap: Gap


class Counted(msgspec.Struct, frozen=True, kw_only=True, tag="counted", tag_field="kind"):
    """How much was seen since the first following began, in all. The last one recorded stands.

    Posts of the public that raise no flag are only ever counted here. ``skipped`` were read and belonged to no
    meeting; ``faults`` could not be read.
    """

    members_posts: int
    public_posts: int
    skipped: int = 0
    faults: tuple[FeedFault, ...] = ()


Entry = (
    MeetingPrepared
    | FollowingStarted
    | FollowingStopped
    | PostCaptured
    | PostRemoved
    | FlagRaised
    | FlagCleared
    | Marked
    | Decided
    | ChairSaw
    | SourceReported
    | GapRecorded
    | Counted
)


class Recorded(msgspec.Struct, frozen=True):
    """An entry in its place: the journal's count, the meeting's id, and when it was recorded.

    ``entry`` is None once its content has been lawfully erased: that it was there stays provable.
    """

    seq: int
    meeting: str
    recorded_at: Instant
    entry: Entry | None
