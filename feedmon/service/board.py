"""What a desk shows of one meeting, kept by taking in the very messages desks are sent.

A snapshot therefore always equals what a desk that listened from the start would show; and because messages are sent
only once they are durable, nothing in a snapshot can still be lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from feedmon import __version__
from feedmon.judgement.judge import Judge
from feedmon.model.decisions import DecisionKind
from feedmon.model.posts import PostKey
from feedmon.model.sourcestate import FeedFault, Gap, SourceState
from feedmon.service.meeting_state import MeetingState
from feedmon.wire import (
    PROTOCOL,
    ChairSaw,
    Counts,
    DecisionMade,
    FlagCleared,
    FlagRaised,
    FlagView,
    FollowingEnded,
    GapSeen,
    Mark,
    MarkMade,
    Message,
    PostDeleted,
    RuleInForce,
    Snapshot,
    SourceChanged,
)


class Board:
    """One meeting as its desks see it. ``rate`` is how fast its clock runs (1 but in a rehearsal)."""

    def __init__(self, state: MeetingState, rules: tuple[RuleInForce, ...], rate: float) -> None:
        self.meeting = state.meeting
        self.rules = rules
        self.following = state.following
        self.flags: dict[str, FlagView] = {view.flag.id: view for view in state.shown()}
        self._rate = rate
        self._marks: dict[str, Mark] = {mark.id: mark for mark in state.timeline.entered}
        self._sources: dict[str, SourceState] = dict(state.sources.states)
        self._gaps: dict[tuple[str, datetime], Gap] = dict(state.sources.gaps)
        self._faults: dict[tuple[str, str], FeedFault] = {}
        self._note_faults(state.sources.faults)
        self._counts: Counts = state.sources.counts

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """How each source is doing."""
        return tuple(self._sources.values())

    def take(self, message: Message) -> None:
        """Take in a message that is about to be sent."""
        match message:
            case FlagRaised(view=view):
                self.flags[view.flag.id] = view
            case FlagCleared(flag=flag_id, why=why):
                self._change(flag_id, cleared=why)
            case PostDeleted(post=key, at=at):
                for flag_id in self._flags_of(key):
                    self._change(flag_id, deleted_at=at)
            case DecisionMade(decision=decision):
                self._change(decision.flag, decisions=(*self.flags[decision.flag].decisions, decision))
                if decision.kind is DecisionKind.TELL_CHAIR:
                    self._change(decision.flag, seen_by_chair_at=None)
            case ChairSaw(flag=flag_id, at=at):
                self._change(flag_id, seen_by_chair_at=at)
            case MarkMade(mark=mark):
                self._marks[mark.id] = mark
            case SourceChanged(state=state, counts=counts, faults=faults):
                self._sources[state.name] = state
                self._counts = counts
                self._note_faults(faults)
            case GapSeen(gap=gap):
                self._gaps[gap.source, gap.start] = gap
            case FollowingEnded():
                self.following = False

    def snapshot(self, seq: int, now: datetime) -> Snapshot:
        """Everything a desk shows, as of message ``seq`` and the meeting's time ``now``."""
        return Snapshot(
            seq=seq,
            protocol=PROTOCOL,
            service=__version__,
            now=now,
            rate=self._rate,
            meeting=self.meeting,
            marks=tuple(self._marks.values()),
            flags=tuple(self.flags.values()),
            sources=self.sources,
            gaps=tuple(self._gaps.values()),
            faults=tuple(self._faults.values()),
            counts=self._counts,
            rules=self.rules,
            following=self.following,
        )

    def _change(self, flag_id: str, **fields: object) -> None:
        self.flags[flag_id] = msgspec.structs.replace(self.flags[flag_id], **fields)

    def _flags_of(self, key: PostKey) -> list[str]:
        return [flag_id for flag_id, view in self.flags.items() if view.post.key == key]

    def _note_faults(self, faults: Iterable[FeedFault]) -> None:
        self._faults.update({(fault.source, fault.what): fault for fault in faults})


def rules_in_force(judge: Judge) -> tuple[RuleInForce, ...]:
    """The rules a desk shows beside flags: the live ones, with their clauses paraphrased."""
    packs = {pack.id: pack for pack in judge.packs}
    return tuple(
        RuleInForce(
            id=rule.id,
            kind=rule.kind,
            pack=rule.pack,
            council=packs[rule.pack].council,
            title=rule.title,
            paraphrase=rule.paraphrase,
            clauses={clause: packs[rule.pack].clause(clause).gist for clause in rule.clauses},
            severity=rule.severity,
            false_alarms=rule.false_alarms,
        )
        for rule in judge.rules
        if rule.status == "live"
    )
