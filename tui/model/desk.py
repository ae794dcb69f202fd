"""All a desk knows of a meeting: a fold of the service's messages, and of acts of its own not yet confirmed.

The same messages in the same order give the same state, whatever drew it in between. An act of this desk shows at
once (:meth:`Desk.expect`) and stays so while the link is lost; when the service tells of it, its word replaces ours,
and when the service refuses it, :meth:`Desk.take_back` undoes it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from feedmon.wire import (
    ChairSaw,
    Decision,
    DecisionKind,
    DecisionMade,
    FeedFault,
    FlagCleared,
    FlagRaised,
    FlagState,
    FlagView,
    FollowingEnded,
    Gap,
    GapSeen,
    Mark,
    MarkMade,
    Meeting,
    Message,
    Moment,
    PostDeleted,
    PostKey,
    RuleInForce,
    Snapshot,
    SourceChanged,
    SourceState,
    Span,
    Timeline,
    in_force,
    state_of,
)
from tui.model.discretion import STRONG, Discretion

STANDING = frozenset({FlagState.NEW, FlagState.KEPT})
"""The states in which a flag still waits for the clerk."""


class Desk:
    """The state of one meeting as one desk sees it. ``own`` begins the id of every act made at this desk."""

    def __init__(self, snapshot: Snapshot, own: str, discretion: Discretion | None = None) -> None:
        self.own = own
        self.discretion = discretion or Discretion()
        self._covered: dict[str, tuple[FlagView, tuple[Span, ...], FlagView]] = {}
        self._pending_marks: dict[str, Mark] = {}
        self._pending_decisions: dict[str, Decision] = {}
        self._begin(snapshot)

    def _begin(self, snapshot: Snapshot) -> None:
        self.seq = snapshot.seq
        self._meeting = snapshot.meeting
        self._discreet_meeting = self.discretion.meeting(snapshot.meeting)
        self._strong: dict[tuple[PostKey, str], dict[str, tuple[Span, ...]]] = {}
        self._covered.clear()
        self.following = snapshot.following
        self.ended: FollowingEnded | None = None
        self.counts = snapshot.counts
        self.rules: Mapping[str, RuleInForce] = {rule.id: rule for rule in snapshot.rules}
        self.sources: dict[str, SourceState] = {state.name: state for state in snapshot.sources}
        self.gaps: dict[tuple[str, datetime], Gap] = {(gap.source, gap.start): gap for gap in snapshot.gaps}
        self.faults: dict[tuple[str, str], FeedFault] = {(f.source, f.what): f for f in snapshot.faults}
        self._flags: dict[str, FlagView] = {}
        self._states: dict[str, FlagState] = {}
        for view in snapshot.flags:
            self._put(view)
        self._heard = Timeline(snapshot.marks)
        for mark in snapshot.marks:
            self._pending_marks.pop(mark.id, None)
        for view in snapshot.flags:
            for decision in view.decisions:
                self._pending_decisions.pop(decision.id, None)
        self._settle_timeline()

    def apply(self, message: Message) -> None:
        """Take in one message. A snapshot replaces everything but what this desk has not yet been answered about."""
        match message:
            case Snapshot():
                self._begin(message)
                return
            case FlagRaised(view=view):
                self._put(view)
            case FlagCleared(flag=flag_id, why=why):
                self._change(flag_id, cleared=why)
            case ChairSaw(flag=flag_id, at=at):
                self._change(flag_id, seen_by_chair_at=at)
            case PostDeleted(post=post, at=at):
                for view in [view for view in self._flags.values() if view.flag.post == post]:
                    self._change(view.flag.id, deleted_at=at)
            case DecisionMade(decision=decision):
                self._pending_decisions.pop(decision.id, None)
                self._decided(decision)
            case MarkMade(mark=mark):
                self._pending_marks.pop(mark.id, None)
                self._heard = self._heard.adding(mark)
                self._settle_timeline()
            case SourceChanged(state=state):
                self.sources[state.name] = state
                self.counts = message.counts
                self.faults.update({(fault.source, fault.what): fault for fault in message.faults})
            case GapSeen(gap=gap):
                self.gaps[gap.source, gap.start] = gap
            case FollowingEnded():
                self.following, self.ended = False, message
        self.seq = message.seq

    def expect(self, act: Mark | Decision) -> None:
        """Show an act of this desk before the service has answered."""
        if isinstance(act, Mark):
            self._pending_marks[act.id] = act
            self._settle_timeline()
        else:
            self._pending_decisions[act.id] = act
            self._states.pop(act.flag, None)

    def take_back(self, act: Mark | Decision) -> None:
        """Forget an act that the service refused."""
        if isinstance(act, Mark):
            self._pending_marks.pop(act.id, None)
            self._settle_timeline()
        else:
            self._pending_decisions.pop(act.id, None)
            self._states.pop(act.flag, None)

    @property
    def pending(self) -> int:
        """How many acts of this desk the service has not yet told back."""
        return len(self._pending_marks) + len(self._pending_decisions)

    def is_pending(self, act_id: str) -> bool:
        """Whether this act still waits for the service's word."""
        return act_id in self._pending_marks or act_id in self._pending_decisions

    def flags(self) -> Iterator[FlagView]:
        """Every flag, in the order it became known, without decisions still pending."""
        return iter(self._flags.values())

    def flag(self, flag_id: str | None) -> FlagView | None:
        """One flag, with every decision about it, pending ones last."""
        view = self._flags.get(flag_id) if flag_id is not None else None
        if view is None or not self._pending_decisions:
            return view
        return msgspec.structs.replace(view, decisions=self._decisions(view))

    @property
    def meeting(self) -> Meeting:
        """The meeting, as it may be shown now."""
        return self._discreet_meeting if self.discretion.covers(None) else self._meeting

    def shown(self, flag_id: str | None) -> FlagView | None:
        """One flag as it may be shown now, with every decision about it. The words it quotes keep their places."""
        view = self.flag(flag_id)
        if view is None or not self.discretion.covers(view.flag.id):
            return view
        whole, strong = self._flags[view.flag.id], self._strong_words(view)
        known = self._covered.get(view.flag.id)
        if known is None or known[0] is not whole or known[1] != strong:
            known = whole, strong, self.discretion.view(whole, strong, self._meeting)
            self._covered[view.flag.id] = known
        return known[2] if view is whole else msgspec.structs.replace(known[2], decisions=view.decisions)

    def has_covered(self, flag_id: str | None) -> bool:
        """Whether there is anything that discretion keeps back, of this flag or of the agenda."""
        view = self._flags.get(flag_id) if flag_id is not None else None
        strong = view is not None and bool(self._strong_words(view))
        return self.discretion.on and (strong or any(item.closed for item in self._meeting.items))

    def state(self, flag_id: str) -> FlagState:
        """Where a flag stands with the clerk."""
        state = self._states.get(flag_id)
        if state is None:
            state = self._states[flag_id] = state_of(self._decisions(self._flags[flag_id]))
        return state

    def stands(self, view: FlagView) -> bool:
        """Whether a flag still waits for the clerk: raised, not cleared since, new or kept. Quiet rules' never do."""
        return view.cleared is None and not view.flag.quiet and self.state(view.flag.id) in STANDING

    def last_said(self, flag_id: str) -> Decision | None:
        """The latest decision about a flag, an undo included."""
        return max(self._decisions(self._flags[flag_id]), key=lambda said: (said.at, said.id), default=None)

    def undoable(self, flag_id: str | None) -> Decision | None:
        """The decision that undo takes back: the selected flag's if it is handled, else the last of this desk."""
        if flag_id in self._flags and self.state(flag_id) not in STANDING:
            return in_force(self._decisions(self._flags[flag_id]))[-1]
        own = (
            decision
            for view in self._flags.values()
            for decision in in_force(self._decisions(view))
            if decision.id.startswith(self.own) and decision.kind is not DecisionKind.UNDO
        )
        return max(own, key=lambda decision: (decision.at, decision.id), default=None)

    def undoable_mark(self) -> Mark | None:
        """The mark that taking back takes back: of those in force, the one said last."""
        return max(self.timeline.marks, key=lambda mark: (mark.said_at, mark.id), default=None)

    def moment(self, now: datetime) -> Moment:
        """What is so in the room."""
        return self.timeline.moment(now)

    def _decisions(self, view: FlagView) -> tuple[Decision, ...]:
        if not self._pending_decisions:
            return view.decisions
        known = {decision.id for decision in view.decisions}
        waiting = (d for d in self._pending_decisions.values() if d.flag == view.flag.id and d.id not in known)
        return (*view.decisions, *waiting)

    def _strong_words(self, view: FlagView) -> tuple[Span, ...]:
        """For which words this version of the post was flagged as strong language, by whichever rules."""
        found = self._strong.get((view.flag.post, view.flag.version), {})
        return tuple(span for spans in found.values() for span in spans)

    def _put(self, view: FlagView) -> None:
        flag = view.flag
        if flag.kind in STRONG:
            self._strong.setdefault((flag.post, flag.version), {})[flag.id] = flag.spans
        self._flags[view.flag.id] = view
        self._states.pop(view.flag.id, None)

    def _change(self, flag_id: str, **changes: object) -> None:
        if (view := self._flags.get(flag_id)) is not None:
            self._put(msgspec.structs.replace(view, **changes))

    def _decided(self, decision: Decision) -> None:
        view = self._flags.get(decision.flag)
        if view is not None and all(known.id != decision.id for known in view.decisions):
            told_again = decision.kind is DecisionKind.TELL_CHAIR
            seen = None if told_again else view.seen_by_chair_at
            self._put(msgspec.structs.replace(view, decisions=(*view.decisions, decision), seen_by_chair_at=seen))

    def _settle_timeline(self) -> None:
        self.timeline = self._heard.adding(*self._pending_marks.values()) if self._pending_marks else self._heard
