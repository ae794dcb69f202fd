"""Every message between the service and a desk, typed and versioned. Nothing else crosses.

One socket, ``GET /api/v1/meetings/{meeting}/live``: the service speaks, the desk only listens. The first message is
a :class:`~feedmon.wire.messages.Snapshot`, or, when the desk says ``?after=SEQ`` and the service still remembers,
the messages it missed. Acts go the other way as ordinary requests (:mod:`feedmon.wire.commands`), so that each gets
an answer: when it is answered, it is in the journal.

The desk imports its words from here: the model types it shows are re-exported.
"""

from feedmon.model.decisions import Decision, DecisionKind, DismissReason, FlagState, in_force, state_of
from feedmon.model.flags import Basis, Flag, Severity, Span, Step
from feedmon.model.meeting import Account, AgendaItem, Meeting, Member
from feedmon.model.posts import Author, Media, MediaKind, Post, PostKey, Target
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.model.timeline import Mark, MarkKind, Moment, Phase, Stretch, Timeline
from feedmon.wire.commands import CaptureLink, CaptureRequest, ChairLink, DecisionRequest, Done, MarkRequest, Refusal
from feedmon.wire.messages import (
    PROTOCOL,
    ChairSaw,
    Counts,
    DecisionMade,
    FlagCleared,
    FlagRaised,
    FlagView,
    FollowingEnded,
    GapSeen,
    MarkMade,
    Message,
    PostDeleted,
    RuleInForce,
    Snapshot,
    SourceChanged,
    decode,
    encode,
)

__all__ = [
    "PROTOCOL",
    "Account",
    "AgendaItem",
    "Author",
    "Basis",
    "CaptureLink",
    "CaptureRequest",
    "ChairLink",
    "ChairSaw",
    "Counts",
    "Decision",
    "DecisionKind",
    "DecisionMade",
    "DecisionRequest",
    "DismissReason",
    "Done",
    "FeedFault",
    "Flag",
    "FlagCleared",
    "FlagRaised",
    "FlagState",
    "FlagView",
    "FollowingEnded",
    "Gap",
    "GapSeen",
    "Mark",
    "MarkKind",
    "MarkMade",
    "MarkRequest",
    "Media",
    "MediaKind",
    "Meeting",
    "Member",
    "Message",
    "Moment",
    "Phase",
    "Post",
    "PostDeleted",
    "PostKey",
    "Refusal",
    "RuleInForce",
    "Severity",
    "Snapshot",
    "SourceChanged",
    "SourceCondition",
    "SourceState",
    "Span",
    "Step",
    "Stretch",
    "Target",
    "Timeline",
    "decode",
    "encode",
    "in_force",
    "state_of",
]
