"""``feedmon-desk --plain``: the evening as a steady stream of lines, for a screen reader or a log.

Every line begins with the meeting's own time and says one thing, in a sentence. Nothing moves the cursor, nothing is
drawn twice, and what strangers wrote passes through :mod:`tui.text` as everywhere.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from feedmon.wire import (
    Decision,
    FlagState,
    FlagView,
    FollowingEnded,
    Mark,
    Message,
    Snapshot,
    SourceCondition,
)
from tui import words
from tui.clock import MeetingClock, zone_of
from tui.link import Condition, Link, LinkState
from tui.model.desk import Desk
from tui.model.discretion import Discretion
from tui.signs import CONDITION, SEVERITY
from tui.text import line

Write = Callable[[str], None]
"""Puts out one line, at once. Raises OSError when nobody takes it any more."""


def aloud(_: str) -> str:
    """What is said instead of veiled words: a row of dots would be read out dot by dot."""
    return "[veiled]"


class Teller:
    """Tells what each message changes, each thing once, however often the service says it."""

    def __init__(self, snapshot: Snapshot, *, discreet: bool) -> None:
        self._desk = Desk(snapshot, "plain-", Discretion(discreet, aloud))
        self._zone = zone_of(snapshot.meeting.timezone)
        self._told: set[tuple[object, ...]] = set()
        self._clearings: Counter[str] = Counter()

    def opening(self, snapshot: Snapshot) -> Iterator[str]:
        """Where things stand, to begin with."""
        meeting = self._desk.meeting
        yield self.at(snapshot.now, f"{line(meeting.title)}, {line(meeting.council.name)}.")
        moment = self._desk.moment(snapshot.now)
        yield self.at(snapshot.now, words.moment(moment, meeting, self._zone))
        self._told.update(("mark", mark.id) for mark in snapshot.marks)
        yield from self._news(snapshot.now)

    def hear(self, message: Message, now: datetime) -> Iterator[str]:
        """What this message changes."""
        self._desk.apply(message)
        if isinstance(message, Snapshot):
            self._zone = zone_of(message.meeting.timezone)
        yield from self._news(now)
        if isinstance(message, FollowingEnded):
            yield self.at(message.at, f"Following ended. {_sentence(message.why)}".rstrip())

    def _news(self, now: datetime) -> Iterator[str]:
        for state in self._desk.sources.values():
            if self._first("source", state.name, state.condition, state.since):
                yield self.at(state.since, f"Source {line(state.name, 40)}: {_condition(state.condition, state.why)}")
        for gap in self._desk.gaps.values():
            if self._first("gap", gap.source, gap.start, gap.filled):
                stretch = f"{words.second(gap.start, self._zone)} to {words.second(gap.end, self._zone)}"
                came = "has been replayed since" if gap.filled else "was not seen"
                yield self.at(now, f"Source {line(gap.source, 40)}: {stretch} {came}.")
        for mark in self._desk.timeline.entered:
            if self._first("mark", mark.id):
                yield self.at(mark.said_at, f"Mark: {self._mark(mark)}.")
        for view in list(self._desk.flags()):
            yield from self._flag(view.flag.id, now)

    def _flag(self, flag_id: str, now: datetime) -> Iterator[str]:
        view = self._desk.shown(flag_id)
        if view is None or view.flag.quiet:
            return
        flag = view.flag
        name = f"{SEVERITY[flag.severity].word}, {words.clauses(flag.clauses)}, on {self._who(view)}"
        stands = view.cleared is None
        if stands and self._first("flag", flag_id, "raised", flag.severity, self._clearings[flag_id]):
            yield self.at(flag.raised_at, self._raised(view))
        for decision in view.decisions:
            if self._first("decision", decision.id):
                yield self.at(decision.at, f"{self._decision(decision, view)} ({name}).")
        if view.seen_by_chair_at is not None and self._first("seen", flag_id, view.seen_by_chair_at):
            yield self.at(view.seen_by_chair_at, f"Seen by the chair ({name}).")
        if view.edited_at is not None and self._first("edited", flag_id, view.edited_at):
            yield self.at(view.edited_at, f"Post edited ({name}); the newer version is judged by itself.")
        if view.deleted_at is not None and self._first("deleted", flag_id, view.deleted_at):
            yield self.at(view.deleted_at, f"Post deleted by its author ({name}).")
        if view.cleared is not None and self._first("cleared", flag_id, self._clearings[flag_id]):
            yield self.at(now, f"Flag no longer raised ({name}). {_sentence(view.cleared)}".rstrip())
            self._clearings[flag_id] += 1

    def _raised(self, view: FlagView) -> str:
        flag, state = view.flag, self._desk.state(view.flag.id)
        stood = "" if state is FlagState.NEW else f" Now {state}."
        wrote = f"wrote: “{line(view.post.text, 400)}”" if view.post.text.strip() else "posted without words"
        with_media = "".join(f", with a {words.MEDIA[media.kind]}" for media in view.post.media[:4])
        return (
            f"Flag, {SEVERITY[flag.severity].word}: {words.standing(flag)}. {line(flag.title, 120)}. "
            f"{self._who(view)} {wrote}{with_media}. {_sentence(flag.reason)} "
            f"Rests on {words.basis(flag)}.{stood}"
        )

    def _who(self, view: FlagView) -> str:
        return words.author(view.post, self._desk.meeting, view.flag.member)

    def _mark(self, mark: Mark) -> str:
        undone = next((other for other in self._desk.timeline.entered if other.id == mark.supersedes), None)
        said = words.mark(mark, self._desk.meeting)
        of = f", instead of: {words.mark(undone, self._desk.meeting)}" if undone else ""
        return f"{said}{of}, {words.second(mark.at, self._zone)}, by {line(mark.by, 40)}"

    def _decision(self, made: Decision, view: FlagView) -> str:
        undone = next((other for other in view.decisions if other.id == made.undoes), None)
        of = f": {words.decision(undone).lower()}" if undone else ""
        said = f": “{line(made.words, 300)}”" if made.words else ""
        return f"{words.decision(made)}{of}, by {line(made.by, 40)}{said}"

    def _first(self, *what: object) -> bool:
        """Whether this was not told before; it is now."""
        if what in self._told:
            return False
        self._told.add(what)
        return True

    def at(self, instant: datetime, told: str) -> str:
        """The line that tells this, with the local time of day before it."""
        return f"{words.second(instant, self._zone)} {told}"


def _condition(condition: SourceCondition, why: str) -> str:
    return f"{CONDITION[condition].word}{f', {line(why, 200)}' if why else ''}."


def _sentence(text: str) -> str:
    said = words.first_up(line(text, 400))
    return said if not said or said.endswith((".", "!", "?", "…", "”")) else f"{said}."


def _link(state: LinkState) -> str:
    match state.condition:
        case Condition.LIVE:
            return "The link to the service is back."
        case Condition.REFUSED:
            return f"The link is refused. {state.why}"
    return f"The link to the service is lost: {state.why}. Joining again by itself; what was missed is told then."


async def stream(snapshot: Snapshot, link: Link, write: Write, *, discreet: bool = True) -> int:
    """Tell the evening line by line until asked to stop. The exit code: 0, or 2 when the link is refused.

    SIGINT and SIGTERM ask it to stop; so does a reader that goes away.
    """
    teller, clock = Teller(snapshot, discreet=discreet), MeetingClock(snapshot.now, snapshot.rate)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    code, down = 0, False

    def tell(lines: Iterator[str]) -> None:
        try:
            for told in lines:
                write(told)
        except OSError:  # the reader has gone: there is nobody left to tell
            over.set()

    def hear(message: Message) -> None:
        if isinstance(message, Snapshot):
            clock.set(message.now, message.rate)
        tell(teller.hear(message, clock.now()))

    def changed(state: LinkState) -> None:
        nonlocal code, down
        lost = state.condition is not Condition.LIVE
        if lost is not down or state.condition is Condition.REFUSED:
            down = lost
            tell(iter([teller.at(clock.now(), _link(state))]))
        if state.condition is Condition.REFUSED:
            code = 2
            over.set()

    for asked in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows, where Ctrl+C ends the program as any other
            loop.add_signal_handler(asked, over.set)
    tell(teller.opening(snapshot))
    running = asyncio.ensure_future(link.run(hear, changed))
    stopping = asyncio.ensure_future(over.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    for task in (running, stopping):
        task.cancel()
    for ended in await asyncio.gather(running, stopping, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    return code
