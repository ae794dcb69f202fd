"""A meeting's state made again from the journal, and what the journal is told at each start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feedmon import __version__
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import Pack
from feedmon.model.entries import (
    ChairSaw,
    ClauseOnRecord,
    Decided,
    FollowingStarted,
    Marked,
    MeetingPrepared,
    PackOnRecord,
    PostCaptured,
    Recorded,
    RuleOnRecord,
)
from feedmon.model.meeting import Meeting
from feedmon.service.meeting_state import MeetingState


@dataclass(frozen=True)
class Recovered:
    """A meeting as the journal knows it.

    ``entry_of`` gives, by kind of act and id, the entry of each act. ``resumed`` says that this meeting was being
    followed before, within its present window: its feeds go on from where they were.
    """

    state: MeetingState
    entry_of: dict[tuple[str, str], int]
    resumed: bool


def recover(meeting: Meeting, judge: Judge, history: Iterable[Recorded]) -> Recovered:
    """Take in everything the journal holds of a meeting, oldest first.

    Unflagged posts of the public are in no journal, so they are not held any more; of those that a feed sends again
    at its return, a few are counted twice.
    """
    state = MeetingState(meeting, judge)
    entry_of: dict[tuple[str, str], int] = {}
    resumed = False
    for recorded in history:
        match recorded.entry:
            case None:
                continue
            case PostCaptured(post=post) if post.captured_by:
                entry_of["capture", post.version] = recorded.seq
            case Marked(mark=mark):
                entry_of["mark", mark.id] = recorded.seq
            case Decided(decision=decision):
                entry_of["decision", decision.id] = recorded.seq
            case ChairSaw(flag=flag):
                entry_of["seen", flag] = recorded.seq
            case FollowingStarted():
                resumed = resumed or recorded.recorded_at in meeting.window
        state.recover(recorded.entry)
    state.recovered()
    return Recovered(state, entry_of, resumed)


def prepared(meeting: Meeting, packs: Iterable[Pack], digest: str) -> MeetingPrepared:
    """The entry each start makes: the meeting, the rules it is judged by, and the program that judges."""
    return MeetingPrepared(
        meeting=meeting,
        packs=tuple(map(_on_record, packs)),
        program=f"feedmon {__version__}",
        digest=digest,
    )


def _on_record(pack: Pack) -> PackOnRecord:
    return PackOnRecord(
        id=pack.id,
        title=pack.title,
        hash=pack.hash,
        rules=tuple(
            RuleOnRecord(
                id=rule.id,
                kind=rule.kind,
                title=rule.title,
                clauses=rule.clauses,
                severity=rule.severity,
                status=rule.status,
            )
            for rule in pack.rules
        ),
        clauses=tuple(ClauseOnRecord(id=clause.id, paraphrase=clause.gist) for clause in pack.clauses),
    )
