"""What the service tells a desk. JSON text frames; ``type`` names the kind, ``seq`` counts up by one per meeting.

Adding a message or an optional field keeps :data:`PROTOCOL`; anything a desk must understand raises it. A desk
skips types it does not know.
"""

from __future__ import annotations

import msgspec

from feedmon.model.decisions import Decision, FlagState
from feedmon.model.flags import Flag, Severity
from feedmon.model.instants import Instant
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Post, PostKey
from feedmon.model.sourcestate import FeedFault, Gap, SourceState
from feedmon.model.timeline import Mark

PROTOCOL = 1
"""The version of this protocol. A desk refuses a service that speaks a later one, and says so."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much was seen since following began. Posts of the public are only counted, never written down."""

    members_posts: int = 0
    public_posts: int = 0
    skipped: int = 0


class FlagView(msgspec.Struct, frozen=True, kw_only=True):
    """A flag as a desk needs it: with the version of the post it was raised on, and all decisions so far.

    ``cleared`` says why judging again no longer raises it (a corrected mark, an edit), None while it stands.
    ``deleted_at`` is when the author deleted the post, ``edited_at`` when a newer version of it appeared (which is
    judged by itself); ``seen_by_chair_at`` when the chair pressed *seen* on the last telling.
    """

    flag: Flag
    post: Post
    decisions: tuple[Decision, ...] = ()
    cleared: str | None = None
    deleted_at: Instant | None = None
    edited_at: Instant | None = None
    seen_by_chair_at: Instant | None = None


class RuleInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as the desk shows it beside a flag: its clauses paraphrased, and what is known to fool it."""

    id: str
    kind: str
    pack: str
    council: str
    title: str
    paraphrase: str
    clauses: dict[str, str]
    severity: Severity
    false_alarms: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot", tag_field="type"):
    """Everything a desk shows, as of ``seq``. ``now`` is the meeting's own time (a rehearsal has its own clock).

    ``rate`` is how many seconds of meeting time pass in one second: 1 but in a sped-up rehearsal.
    """

    seq: int
    protocol: int
    service: str
    now: Instant
    rate: float
    meeting: Meeting
    marks: tuple[Mark, ...]
    flags: tuple[FlagView, ...]
    sources: tuple[SourceState, ...]
    gaps: tuple[Gap, ...]
    faults: tuple[FeedFault, ...]
    counts: Counts
    rules: tuple[RuleInForce, ...]
    following: bool


class FlagRaised(msgspec.Struct, frozen=True, kw_only=True, tag="flag_raised", tag_field="type"):
    """A new flag, or one that judging again changed (same id: show this one instead)."""

    seq: int
    view: FlagView


class FlagCleared(msgspec.Struct, frozen=True, kw_only=True, tag="flag_cleared", tag_field="type"):
    """Judging again no longer raises this flag; it stays on record, marked with why."""

    seq: int
    flag: str
    why: str


class PostDeleted(msgspec.Struct, frozen=True, kw_only=True, tag="post_deleted", tag_field="type"):
    """The author deleted a post that has flags."""

    seq: int
    post: PostKey
    at: Instant


class MarkMade(msgspec.Struct, frozen=True, kw_only=True, tag="mark_made", tag_field="type"):
    """The clerk marked the timeline (at this desk or another)."""

    seq: int
    mark: Mark


class DecisionMade(msgspec.Struct, frozen=True, kw_only=True, tag="decision_made", tag_field="type"):
    """Someone decided about a flag; ``state`` is where the flag stands now."""

    seq: int
    decision: Decision
    state: FlagState


class ChairSaw(msgspec.Struct, frozen=True, kw_only=True, tag="chair_saw", tag_field="type"):
    """The chair pressed *seen* on what they were told about this flag."""

    seq: int
    flag: str
    at: Instant


class SourceChanged(msgspec.Struct, frozen=True, kw_only=True, tag="source_changed", tag_field="type"):
    """A source's condition, or its last sign of life, changed."""

    seq: int
    state: SourceState
    counts: Counts
    faults: tuple[FeedFault, ...] = ()


class GapSeen(msgspec.Struct, frozen=True, kw_only=True, tag="gap_seen", tag_field="type"):
    """A stretch a source could not be seen in; sent again with ``filled`` once replayed."""

    seq: int
    gap: Gap


class FollowingEnded(msgspec.Struct, frozen=True, kw_only=True, tag="following_ended", tag_field="type"):
    """The window is over or the service is stopping: nothing more will come."""

    seq: int
    at: Instant
    why: str


Message = (
    Snapshot
    | FlagRaised
    | FlagCleared
    | PostDeleted
    | MarkMade
    | DecisionMade
    | ChairSaw
    | SourceChanged
    | GapSeen
    | FollowingEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_known = frozenset(
    str(kind.__struct_config__.tag)
    for kind in (
        Snapshot,
        FlagRaised,
        FlagCleared,
        PostDeleted,
        MarkMade,
        DecisionMade,
        ChairSaw,
        SourceChanged,
        GapSeen,
        FollowingEnded,
    )
)


class _Envelope(msgspec.Struct):
    type: str


_envelope = msgspec.json.Decoder(_Envelope)


def encode(message: Message) -> str:
    """The text frame for a message."""
    return _encoder.encode(message).decode()


def decode(frame: str | bytes) -> Message | None:
    """The message in a text frame; None for a type a later service added.

    Raises msgspec.DecodeError (of which ValidationError is one) when the frame is not a message at all.
    """
    if _envelope.decode(frame).type not in _known:
        return None
    return _decoder.decode(frame)
