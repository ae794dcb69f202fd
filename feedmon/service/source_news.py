"""How the sources of one meeting are doing, and how much was seen: what is journaled of it, and what desks hear."""

from __future__ import annotations

from datetime import datetime

import msgspec

from feedmon.model.entries import Counted, GapRecorded, SourceReported
from feedmon.model.sourcestate import FeedFault, Gap, SourceState
from feedmon.service.effects import Effects
from feedmon.wire import Counts, GapSeen, SourceChanged


class SourceNews:
    """Changes of condition are told and journaled at once; signs of life and counts are told when :meth:`news` asks."""

    def __init__(self) -> None:
        self.states: dict[str, SourceState] = {}
        self.gaps: dict[tuple[str, datetime], Gap] = {}
        self.counts = Counts()
        self._faults: dict[tuple[str, str], int] = {}
        self._faults_before: dict[tuple[str, str], int] = {}
        self._stale: set[str] = set()
        self._counted: Counted | None = None

    @property
    def faults(self) -> tuple[FeedFault, ...]:
        """Everything that could not be used so far, by source and by what was wrong."""
        before, now = self._faults_before, self._faults
        return tuple(
            FeedFault(source=source, what=what, count=before.get((source, what), 0) + now.get((source, what), 0))
            for source, what in before | now
        )

    def count(self, *, members: int = 0, public: int = 0, skipped: int = 0) -> None:
        """Add to what was seen."""
        self.counts = Counts(
            members_posts=self.counts.members_posts + members,
            public_posts=self.counts.public_posts + public,
            skipped=self.counts.skipped + skipped,
        )
        self._stale.update(self.states)

    def on_state(self, state: SourceState) -> Effects:
        """A source says how it is doing."""
        before = self.states.get(state.name)
        self.states[state.name] = state
        if before is not None and (before.condition, before.why) == (state.condition, state.why):
            self._stale.add(state.name)
            return Effects()
        changed = before is None or before.condition is not state.condition
        return Effects([SourceReported(state=state)] if changed else [], [self._told(state)])

    def on_gap(self, gap: Gap) -> Effects:
        """A source could not be seen for a while, or such a stretch was filled."""
        if self.gaps.get((gap.source, gap.start)) == gap:
            return Effects()
        self.gaps[gap.source, gap.start] = gap
        return Effects([GapRecorded(gap=gap)], [GapSeen(seq=0, gap=gap)])

    def on_fault(self, fault: FeedFault) -> None:
        """Something could not be used: ``count`` of the same in all since the service started."""
        self._faults[fault.source, fault.what] = fault.count
        self._stale.add(fault.source)

    def news(self) -> Effects:
        """What changed without being worth telling at once, since this was last asked."""
        stale, self._stale = self._stale, set()
        return Effects([], [self._told(state) for name, state in self.states.items() if name in stale])

    def counted(self) -> Effects:
        """The totals, when they are not in the journal as they stand."""
        entry = Counted(
            members_posts=self.counts.members_posts,
            public_posts=self.counts.public_posts,
            skipped=self.counts.skipped,
            faults=self.faults,
        )
        if entry == (self._counted or Counted(members_posts=0, public_posts=0)):
            return Effects()
        self._counted = entry
        return Effects([entry])

    def recover(self, entry: GapRecorded | Counted) -> None:
        """Take in what the journal says was so."""
        if isinstance(entry, GapRecorded):
            self.gaps[entry.gap.source, entry.gap.start] = entry.gap
            return
        self._counted = entry
        self._faults_before = {(fault.source, fault.what): fault.count for fault in entry.faults}
        self.counts = msgspec.structs.replace(self.counts, public_posts=entry.public_posts, skipped=entry.skipped)

    def _told(self, state: SourceState) -> SourceChanged:
        self._stale.discard(state.name)
        faults = tuple(fault for fault in self.faults if fault.source == state.name)
        return SourceChanged(seq=0, state=state, counts=self.counts, faults=faults)
