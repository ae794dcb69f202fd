"""The one line everything goes through: feeds and the clerk's acts in, turn by turn; judged, journaled, then told.

A turn takes what waits (a bounded number of inputs), applies it to the meetings' states, writes all that follows
from it with one append (the feeds' cursors in the same one), and only then tells the desks and answers the clerk.
Sources wait when the queue is full: evidence is never dropped. When the journal cannot be written, the turn is kept
and tried again, desks are shown why, and nothing more is taken in until it is safe.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from traceback import walk_tb

import msgspec

from feedmon.journal import Journal, JournalFault
from feedmon.model.entries import Entry
from feedmon.model.instants import Clock
from feedmon.model.posts import Deleted, SourceEvent
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.service.acts import Answer
from feedmon.service.effects import Effects
from feedmon.service.hub import Channel
from feedmon.service.meeting_state import MeetingState
from feedmon.service.refusals import Refused
from feedmon.sources.base import Captured, CursorMoved, SourceItem
from feedmon.sources.select import MeetingIndex
from feedmon.wire import Done, SourceChanged

QUEUE = 1_000
"""Inputs that may wait; a source that would put one more waits itself."""

_TURN = 64
"""Inputs taken in one turn: some tens of milliseconds of judging at most."""

_TICK = 1.0
_COUNT_EVERY = 60
"""Seconds between bits of news that can wait, and how many of those between two counts in the journal."""

_FIRST_RETRY, _LONGEST_RETRY, _LAST_TRIES = 0.2, 5.0, 3.0
"""Seconds: between tries to write the journal at first and at most, and how long to go on trying when stopping."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Followed:
    """One meeting being followed: what is known of it, and its line to the desks."""

    state: MeetingState
    channel: Channel


@dataclass(frozen=True)
class Feed:
    """Where feed items come from: the source's name, the journal's name for its cursor, and the meetings it is for."""

    name: str
    cursor_name: str
    meetings: tuple[str, ...]
    index: MeetingIndex


@dataclass(frozen=True)
class FromFeed:
    """Something a source said."""

    feed: Feed
    item: SourceItem


@dataclass(frozen=True)
class Began:
    """A meeting is followed from now on."""

    meeting: str


@dataclass(frozen=True)
class Over:
    """A meeting is followed no longer."""

    meeting: str
    why: str


@dataclass(frozen=True)
class Act:
    """Something a person did. ``key`` names it, so that its entry is found again when it is sent again."""

    meeting: str
    key: tuple[str, str]
    apply: Callable[[MeetingState, datetime], Answer]
    done: asyncio.Future[Done]


class _Tick:
    """Time for news that can wait."""


class _Stop:
    """Nothing comes after this."""


_Input = FromFeed | Began | Over | Act | _Tick | _Stop


@dataclass
class _Turn:
    """What one turn leads to, in order."""

    entries: list[tuple[str, Entry]] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, Effects]] = field(default_factory=list)
    answers: list[tuple[Act, str, int | None]] = field(default_factory=list)
    began: list[str] = field(default_factory=list)
    due: bool = False

    def add(self, meeting: str, effects: Effects) -> None:
        self.entries += [(meeting, entry) for entry in effects.entries]
        self.told.append((meeting, effects))


class Pipeline:
    """See the module. ``entry_of`` knows, for (meeting, kind of act, id), the journal entry of each act so far."""

    def __init__(
        self,
        meetings: Mapping[str, Followed],
        journal: Journal,
        clock: Clock,
        entry_of: dict[tuple[str, str, str], int],
        *,
        rehearsal: bool,
    ) -> None:
        self._meetings = meetings
        self._journal = journal
        self._clock = clock
        self._entry_of = entry_of
        self._rehearsal = rehearsal
        self._queue: asyncio.Queue[_Input] = asyncio.Queue(QUEUE)
        self._cursors: dict[str, str] = {}
        self._unusables: Counter[tuple[str, str]] = Counter()
        self._ticks = 0
        self._stopping = asyncio.Event()

    async def put(self, new: FromFeed | Began | Over) -> None:
        """Hand something in; waits while the queue is full."""
        await self._queue.put(new)

    def offer(self, new: FromFeed) -> None:
        """Hand in a last word of a source, if there is room for it."""
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(new)

    async def act(
        self, meeting: str, kind: str, act_id: str, apply: Callable[[MeetingState, datetime], Answer]
    ) -> Done:
        """Hand in an act and wait until it is in the journal. Raises Refused when it cannot be done."""
        if self._stopping.is_set():
            raise Refused(503, "The service is stopping.")
        done: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        await self._queue.put(Act(meeting, (kind, act_id), apply, done))
        return await done

    async def stop(self, why: str) -> None:
        """Finish what waits, end every meeting, and let :meth:`run` return. The sources must have stopped."""
        self._stopping.set()
        for meeting in self._meetings:
            await self._queue.put(Over(meeting, why))
        await self._queue.put(_Stop())

    async def run(self) -> None:
        """Take turns until stopped."""
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(self._tick(), name="ticks")
            stopped = False
            while not stopped:
                turn, stopped = await self._take_turn()
                if await self._write(turn):
                    self._tell(turn)
                await asyncio.sleep(0)  # a turn with nothing to write would else leave no room for anybody
            ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            await self._queue.put(_Tick())

    async def _take_turn(self) -> tuple[_Turn, bool]:
        turn, stopped = _Turn(), False
        unsettled = any(followed.state.unsettled for followed in self._meetings.values())
        for taken in range(_TURN):
            if self._queue.empty() and (taken or unsettled):
                break
            new = await self._queue.get()
            if isinstance(new, _Stop):
                stopped = True
                break
            self._take(new, turn)
        for meeting, followed in self._meetings.items():
            if followed.state.unsettled:
                turn.add(meeting, followed.state.settle(self._clock.now()))
        if turn.entries or turn.due or stopped:
            turn.cursors, self._cursors = self._cursors, {}
        return turn, stopped

    def _take(self, new: _Input, turn: _Turn) -> None:
        now = self._clock.now()
        match new:
            case FromFeed(feed, item):
                try:
                    self._take_item(feed, item, turn, now)
                except Exception as error:  # one strange post must not end the evening
                    # its message and its lines may repeat what a stranger wrote
                    _log.error("Something from %s could not be taken in: %s", feed.name, _kind_and_place(error))
                    self._unusable(feed, "could not be taken in; the log says more")
            case Act():
                self._take_act(new, turn, now)
            case Began(meeting):
                turn.add(meeting, self._meetings[meeting].state.started(rehearsal=self._rehearsal))
                turn.began.append(meeting)
            case Over(meeting, why):
                state = self._meetings[meeting].state
                while state.unsettled:  # what is still to be judged again comes before the last word
                    turn.add(meeting, state.settle(now))
                turn.add(meeting, state.ended(why, now))
            case _Tick():
                turn.due = True
                self._ticks += 1
                for meeting, followed in self._meetings.items():
                    turn.add(meeting, followed.state.sources.news())
                    if self._ticks % _COUNT_EVERY == 0:
                        turn.add(meeting, followed.state.sources.counted())

    def _take_item(self, feed: Feed, item: SourceItem, turn: _Turn, now: datetime) -> None:
        followed = [(meeting, self._meetings[meeting].state) for meeting in feed.meetings]
        match item:
            case Captured(event, cursor, ours):
                self._move(feed, cursor)
                if not _is_text(event):
                    self._unusable(feed, "text that is not Unicode")
                    return
                for meeting, state in followed:
                    if ours or self._concerns(event, meeting, state, feed.index):
                        turn.add(meeting, state.on_event(event, now))
            case CursorMoved(cursor, skipped=skipped):
                self._move(feed, cursor)
                for _, state in followed:
                    state.sources.count(skipped=skipped)
            case SourceState():
                for meeting, state in followed:
                    turn.add(meeting, state.sources.on_state(item))
            case Gap():
                for meeting, state in followed:
                    turn.add(meeting, state.sources.on_gap(item))
            case FeedFault():
                for _, state in followed:
                    state.sources.on_fault(item)

    @staticmethod
    def _concerns(event: SourceEvent, meeting: str, state: MeetingState, index: MeetingIndex) -> bool:
        """Whether an event is for a meeting. A deletion says only which post; an edit may have dropped the hashtag."""
        if isinstance(event, Deleted):
            return True
        return meeting in index.meetings_for(event.post) or state.holds(event.post.key)

    def _take_act(self, act: Act, turn: _Turn, now: datetime) -> None:
        try:
            answer = act.apply(self._meetings[act.meeting].state, now)
        except Exception as error:  # it is the asker's to hear of, and must not stop the others
            if not act.done.done():
                act.done.set_exception(error)
            return
        place = len(turn.entries) + answer.place if answer.effects.entries else None
        turn.answers.append((act, answer.warning, place))
        turn.add(act.meeting, answer.effects)

    def _unusable(self, feed: Feed, what: str) -> None:
        self._unusables[feed.name, what] += 1
        fault = FeedFault(source=feed.name, what=what, count=self._unusables[feed.name, what])
        for meeting in feed.meetings:
            self._meetings[meeting].state.sources.on_fault(fault)

    def _move(self, feed: Feed, cursor: str | None) -> None:
        if cursor is not None:
            self._cursors[feed.cursor_name] = cursor

    async def _write(self, turn: _Turn) -> bool:
        """Make a turn durable, however long it takes. False when the service stops and it cannot be done."""
        if not turn.entries and not turn.cursors:
            return True
        wait, faulty = _FIRST_RETRY, False
        while True:
            try:
                last = await self._journal.append(turn.entries, turn.cursors)
            except JournalFault as fault:
                if not faulty:
                    self._tell_of_journal(SourceCondition.LOST, str(fault))
                faulty = True
                if self._stopping.is_set() and wait > _LAST_TRIES:
                    _log.critical("Stopping with %d entries not in the journal: %s", len(turn.entries), fault)
                    for act, _, _ in turn.answers:
                        if not act.done.done():
                            act.done.set_exception(fault)
                    return False
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_RETRY)
                continue
            if faulty:
                self._tell_of_journal(SourceCondition.LIVE, "")
            first = last - len(turn.entries) + 1
            for act, _, place in turn.answers:
                if place is not None:
                    self._entry_of[act.meeting, *act.key] = first + place
            return True

    def _tell(self, turn: _Turn) -> None:
        for meeting in turn.began:
            self._meetings[meeting].channel.start_following()
        for meeting, effects in turn.told:
            self._meetings[meeting].channel.publish(effects.messages)
        for act, warning, _ in turn.answers:
            if not act.done.done():
                act.done.set_result(Done(entry=self._entry_of.get((act.meeting, *act.key), 0), warning=warning))

    def _tell_of_journal(self, condition: SourceCondition, why: str) -> None:
        """Show on every desk that the journal is, or is no longer, in trouble. This alone is told unwritten."""
        state = SourceState(name="journal", condition=condition, since=self._clock.now(), why=why)
        for followed in self._meetings.values():
            counts = followed.state.sources.counts
            followed.channel.publish([SourceChanged(seq=0, state=state, counts=counts)])


def _kind_and_place(error: Exception) -> str:
    """What kind of exception it is, and the last module and line of ours that it came through."""
    places = [(str(frame.f_globals.get("__name__")), line) for frame, line in walk_tb(error.__traceback__)]
    module, line = [place for place in places if place[0].startswith("feedmon.")][-1]
    return f"{type(error).__name__} in {module}, line {line}"


def _is_text(event: msgspec.Struct) -> bool:
    """Whether everything in a feed's event is Unicode that can be written down."""
    try:
        msgspec.json.encode(event)
    except UnicodeEncodeError:
        return False
    return True
