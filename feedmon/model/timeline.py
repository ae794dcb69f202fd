"""The meeting's own time: the clerk's marks, and the moment any instant falls in.

The one idea: a :class:`Timeline` is a pure function of the *set* of marks. Marks may arrive late, out of order or
as corrections; whatever the order, the same marks give the same moments. So a post is always judged by what was
so when the network saw it, not by what we happened to know when it reached us.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from feedmon.model.instants import Instant


class MarkKind(StrEnum):
    """What the clerk can say about the room. ``withdrawn`` only ever supersedes an earlier mark."""

    OPENED = "opened"
    ITEM_STARTED = "item_started"
    PUBLIC_EXCLUDED = "public_excluded"
    PUBLIC_READMITTED = "public_readmitted"
    RECORDING_SUSPENDED = "recording_suspended"
    RECORDING_RESUMED = "recording_resumed"
    ASKED_NOT_TO_POST = "asked_not_to_post"
    POSTING_ALLOWED = "posting_allowed"
    ADJOURNED = "adjourned"
    RESUMED = "resumed"
    CLOSED = "closed"
    OUTCOME_ANNOUNCED = "outcome_announced"
    MEMBER_ARRIVED = "member_arrived"
    MEMBER_LEFT = "member_left"
    WITHDRAWN = "withdrawn"


_NEEDS_ITEM = frozenset({MarkKind.ITEM_STARTED, MarkKind.OUTCOME_ANNOUNCED})
_MAY_HAVE_ITEM = _NEEDS_ITEM | {MarkKind.PUBLIC_EXCLUDED}
_NEEDS_MEMBER = frozenset({MarkKind.MEMBER_ARRIVED, MarkKind.MEMBER_LEFT})


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One act of the clerk on the timeline.

    ``at`` is when it took effect in the room; ``entered_at`` is when the clerk said so (``at`` if not given).
    ``supersedes`` names the mark this one corrects. ``note`` keeps words such as those of the resolution.

    Raises ValueError (msgspec.ValidationError when decoded) for a mark that could mean nothing.
    """

    id: str
    kind: MarkKind
    at: Instant
    entered_at: Instant | None = None
    item: str | None = None
    member: str | None = None
    note: str = ""
    by: str = "clerk"
    supersedes: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a mark needs an id")
        if self.kind in _NEEDS_ITEM and not self.item:
            raise ValueError(f"a mark “{self.kind}” needs the item it is about")
        if self.item and self.kind not in _MAY_HAVE_ITEM:
            raise ValueError(f"a mark “{self.kind}” is not about an item")
        if (self.kind in _NEEDS_MEMBER) != bool(self.member):
            raise ValueError(f"a mark “{self.kind}” {'needs' if self.kind in _NEEDS_MEMBER else 'has no'} member")
        if self.kind is MarkKind.WITHDRAWN and not self.supersedes:
            raise ValueError("a mark “withdrawn” must name the mark it supersedes")
        if self.supersedes == self.id:
            raise ValueError("a mark cannot supersede itself")

    @property
    def said_at(self) -> datetime:
        """When the clerk said it."""
        return self.entered_at or self.at


class Phase(StrEnum):
    """Whether the meeting is sitting."""

    NOT_STARTED = "not_started"
    IN_SESSION = "in_session"
    ADJOURNED = "adjourned"
    ENDED = "ended"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What was so at one instant.

    ``item`` is the item being taken: only while in session. ``previous_item`` is the last item taken before that
    (in an adjournment, the one broken off), and ``previous_until`` when it stopped. Every ``…_since`` is the
    instant that state began. ``public_items`` are those whose business is public by now whatever the agenda
    printed: their outcome was announced, or they were taken with the public in the room throughout.
    """

    at: Instant
    phase: Phase = Phase.NOT_STARTED
    phase_since: Instant | None = None
    item: str | None = None
    item_since: Instant | None = None
    previous_item: str | None = None
    previous_until: Instant | None = None
    public_excluded: bool = False
    excluded_since: Instant | None = None
    recording_suspended: bool = False
    suspended_since: Instant | None = None
    asked_not_to_post: bool = False
    asked_since: Instant | None = None
    arrived: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    public_items: frozenset[str] = frozenset()

    @property
    def closed_session(self) -> bool:
        """Whether the meeting was sitting with the public excluded (an adjournment does not end the exclusion)."""
        return self.public_excluded and self.phase in (Phase.IN_SESSION, Phase.ADJOURNED)

    def is_present(self, member_id: str, at_start: bool) -> bool:
        """Whether a member was in the room, given whether they were there at the start."""
        return member_id in self.arrived or (at_start and member_id not in self.left)


class Stretch(msgspec.Struct, frozen=True):
    """An unbroken stretch in which one item was being taken: from ``start`` up to, not including, ``end``."""

    item: str
    start: Instant
    end: Instant | None


class _State(msgspec.Struct):
    """The fold's running state; becomes a Moment by adding the instant asked about."""

    phase: Phase = Phase.NOT_STARTED
    phase_since: datetime | None = None
    item: str | None = None
    item_since: datetime | None = None
    broken_off: str | None = None
    previous_item: str | None = None
    previous_until: datetime | None = None
    public_excluded: bool = False
    excluded_since: datetime | None = None
    recording_suspended: bool = False
    suspended_since: datetime | None = None
    asked_not_to_post: bool = False
    asked_since: datetime | None = None
    arrived: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    announced: frozenset[str] = frozenset()


class Timeline:
    """The marks of one meeting, ready to be asked about any instant. Immutable; :meth:`adding` gives a new one."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._all = {mark.id: mark for mark in marks}
        self._marks = _in_force(self._all)
        self._states: list[_State] = []
        state = _State()
        for mark in self._marks:
            state = _after(state, mark)
            self._states.append(state)
        self._times = [mark.at for mark in self._marks]
        self._stretches = self._fold_stretches()
        self._open_items = self._items_taken_in_public()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks in force, in the order they took effect: corrections applied, withdrawn ones gone."""
        return self._marks

    @property
    def entered(self) -> tuple[Mark, ...]:
        """Every mark ever made, in the order the clerk made them."""
        return tuple(sorted(self._all.values(), key=lambda mark: (mark.said_at, mark.id)))

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """When each item was being taken. Never overlapping; adjournments are in none."""
        return self._stretches

    def adding(self, *marks: Mark) -> Timeline:
        """This timeline with more marks known."""
        return Timeline((*self._all.values(), *marks))

    def moment(self, at: datetime) -> Moment:
        """What was so at ``at``. A mark holds from its own instant on."""
        index = bisect_right(self._times, at)
        state = self._states[index - 1] if index else _State()
        return Moment(
            at=at,
            phase=state.phase,
            phase_since=state.phase_since,
            item=state.item,
            item_since=state.item_since,
            previous_item=state.previous_item,
            previous_until=state.previous_until,
            public_excluded=state.public_excluded,
            excluded_since=state.excluded_since,
            recording_suspended=state.recording_suspended,
            suspended_since=state.suspended_since,
            asked_not_to_post=state.asked_not_to_post,
            asked_since=state.asked_since,
            arrived=state.arrived,
            left=state.left,
            public_items=state.announced | {item for item, start in self._open_items.items() if start <= at},
        )

    def time_on(self, item: str, until: datetime) -> timedelta:
        """How long an item had been taken in all by ``until``, breaks not counted."""
        spans = (
            min(stretch.end or until, until) - stretch.start
            for stretch in self._stretches
            if stretch.item == item and stretch.start < until
        )
        return sum(spans, timedelta())

    def _fold_stretches(self) -> tuple[Stretch, ...]:
        changes: list[tuple[datetime, str | None]] = []
        for at, state in zip(self._times, self._states, strict=True):
            if changes and changes[-1][0] == at:
                changes.pop()
            if not changes or changes[-1][1] != state.item:
                changes.append((at, state.item))
        stretches = [Stretch(item, start, end) for (start, item), (end, _) in pairwise(changes) if item is not None]
        if changes and changes[-1][1] is not None:
            stretches.append(Stretch(changes[-1][1], changes[-1][0], None))
        return tuple(stretches)

    def _items_taken_in_public(self) -> dict[str, datetime]:
        """Items no part of which was taken with the public out, and when each was first taken."""
        excluded: list[tuple[datetime, datetime | None]] = []
        for at, state in zip(self._times, self._states, strict=True):
            if state.public_excluded and not (excluded and excluded[-1][1] is None):
                excluded.append((at, None))
            elif not state.public_excluded and excluded and excluded[-1][1] is None:
                excluded[-1] = (excluded[-1][0], at)
        taken: dict[str, datetime] = {}
        private: set[str] = set()
        for stretch in self._stretches:
            taken.setdefault(stretch.item, stretch.start)
            if any(
                (stretch.end is None or start < stretch.end) and (end is None or stretch.start < end)
                for start, end in excluded
            ):
                private.add(stretch.item)
        return {item: start for item, start in taken.items() if item not in private}


def _in_force(marks: dict[str, Mark]) -> tuple[Mark, ...]:
    """Of each line of corrections the one said last; a line that ends in a withdrawal drops out."""

    def root(mark: Mark) -> str:
        seen = {mark.id}
        while mark.supersedes is not None:
            if mark.supersedes in seen:  # a ring of corrections: any fixed choice will do
                return min(seen)
            seen.add(mark.supersedes)
            if mark.supersedes not in marks:
                return mark.supersedes
            mark = marks[mark.supersedes]
        return mark.id

    lines: dict[str, list[Mark]] = {}
    for mark in marks.values():
        lines.setdefault(root(mark), []).append(mark)
    superseded = {mark.supersedes for mark in marks.values()}
    last = (
        max([mark for mark in line if mark.id not in superseded] or line, key=lambda mark: (mark.said_at, mark.id))
        for line in lines.values()
    )
    kept = [mark for mark in last if mark.kind is not MarkKind.WITHDRAWN]
    return tuple(sorted(kept, key=lambda mark: (mark.at, mark.said_at, mark.id)))


def _after(state: _State, mark: Mark) -> _State:
    """The state once ``mark`` has taken effect. Every transition of a meeting is in this function.

    Business implies a sitting meeting: starting an item opens or resumes it. Nothing follows the close.
    """
    if state.phase is Phase.ENDED:
        return state
    new, at = msgspec.structs.replace(state), mark.at
    match mark.kind:
        case MarkKind.OPENED:
            if state.phase is Phase.NOT_STARTED:
                _enter(new, Phase.IN_SESSION, at)
        case MarkKind.ITEM_STARTED:
            if state.item != mark.item:
                _leave_item(new, at)
                if mark.item == new.previous_item:
                    new.previous_item = new.previous_until = None
                new.item, new.item_since, new.broken_off = mark.item, at, None
            _enter(new, Phase.IN_SESSION, at)
        case MarkKind.ADJOURNED:
            if state.phase is Phase.IN_SESSION:
                broken_off = state.item
                _leave_item(new, at)
                new.broken_off = broken_off
                _enter(new, Phase.ADJOURNED, at)
        case MarkKind.RESUMED:
            if state.phase is Phase.ADJOURNED:
                if state.broken_off is not None:
                    new.item, new.item_since, new.broken_off = state.broken_off, at, None
                    new.previous_item = new.previous_until = None
                _enter(new, Phase.IN_SESSION, at)
        case MarkKind.CLOSED:
            _leave_item(new, at)
            _enter(new, Phase.ENDED, at)
            new.public_excluded = new.recording_suspended = new.asked_not_to_post = False
            new.excluded_since = new.suspended_since = new.asked_since = None
        case MarkKind.PUBLIC_EXCLUDED:
            if not state.public_excluded:
                new.public_excluded, new.excluded_since = True, at
        case MarkKind.PUBLIC_READMITTED:
            new.public_excluded, new.excluded_since = False, None
        case MarkKind.RECORDING_SUSPENDED:
            if not state.recording_suspended:
                new.recording_suspended, new.suspended_since = True, at
        case MarkKind.RECORDING_RESUMED:
            new.recording_suspended, new.suspended_since = False, None
        case MarkKind.ASKED_NOT_TO_POST:
            if not state.asked_not_to_post:
                new.asked_not_to_post, new.asked_since = True, at
        case MarkKind.POSTING_ALLOWED:
            new.asked_not_to_post, new.asked_since = False, None
        case MarkKind.OUTCOME_ANNOUNCED:
            new.announced = state.announced | {mark.item or ""}
        case MarkKind.MEMBER_ARRIVED:
            new.arrived, new.left = state.arrived | {mark.member or ""}, state.left - {mark.member or ""}
        case MarkKind.MEMBER_LEFT:
            new.left, new.arrived = state.left | {mark.member or ""}, state.arrived - {mark.member or ""}
        case MarkKind.WITHDRAWN:
            raise AssertionError("a withdrawal supersedes a mark; it never takes effect itself")
    return new


def _enter(state: _State, phase: Phase, at: datetime) -> None:
    if state.phase is not phase:
        state.phase, state.phase_since = phase, at


def _leave_item(state: _State, at: datetime) -> None:
    if state.item is not None:
        state.previous_item, state.previous_until = state.item, at
        state.item = state.item_since = None
