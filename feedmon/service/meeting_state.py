"""What is known of one followed meeting, and what each new thing changes. No I/O, no clock.

Every method named ``on_…`` takes one new thing and answers with its :class:`~feedmon.service.effects.Effects`. A post
is judged by the moment it was *seen* in, and judged again exactly when a mark changes that moment; so whatever the
order in which posts and marks become known, the same flags stand in the end. Judging again may touch every post, so
it is done a slice at a time: while :attr:`MeetingState.unsettled`, call :meth:`MeetingState.settle`.

A flag belongs to one version of a post. An edit is judged by itself: the old version's flag stays, marked as edited.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from datetime import datetime

import msgspec

from feedmon.judgement.case import Earlier
from feedmon.judgement.judge import Judge
from feedmon.judgement.noting import LONGEST_MEMORY
from feedmon.model.decisions import Decision, state_of
from feedmon.model.entries import ChairSaw as ChairSawEntry
from feedmon.model.entries import (
    Counted,
    Decided,
    Entry,
    FollowingStarted,
    FollowingStopped,
    GapRecorded,
    Marked,
    PostCaptured,
    PostRemoved,
)
from feedmon.model.entries import FlagCleared as ClearedEntry
from feedmon.model.entries import FlagRaised as RaisedEntry
from feedmon.model.flags import Flag
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Deleted, Edited, Post, PostKey, Seen, SourceEvent
from feedmon.model.sourcestate import FeedFault
from feedmon.model.timeline import Mark, Moment, Timeline
from feedmon.service import acts, captures
from feedmon.service.effects import Effects
from feedmon.service.held import Held, HeldPosts, without_borrowed_words
from feedmon.service.source_news import SourceNews
from feedmon.service.words import CAME_LATE, JUDGED_AT_START, why_cleared
from feedmon.wire import (
    CaptureRequest,
    ChairSaw,
    DecisionMade,
    DecisionRequest,
    FlagCleared,
    FlagRaised,
    FlagView,
    FollowingEnded,
    MarkMade,
    MarkRequest,
    PostDeleted,
)

JUDGING = "judging"
"""The name under which rules that could not be asked of a post are counted among the faults."""

_SLICE = 50
"""Posts judged again in one go: some milliseconds, so that nothing else has to wait for long."""


class MeetingState:
    """One meeting: posts held, flags raised, the clerk's marks and decisions, and how the sources are doing.

    ``flags`` holds every flag ever raised, by id; those of quiet rules too, which no desk is told of.
    """

    def __init__(self, meeting: Meeting, judge: Judge) -> None:
        self.meeting = meeting
        self.sources = SourceNews()
        self.timeline = Timeline()
        self.marks: dict[str, Mark] = {}
        self.decisions: dict[str, Decision] = {}
        self.captures: dict[str, Post] = {}
        self.flags: dict[str, FlagView] = {}
        self.following = False
        self._judge = judge
        self._earlier: list[Earlier] = []
        self._posts = HeldPosts()
        self._unsettled: dict[Held, str] = {}
        self._failures: Counter[str] = Counter()

    @property
    def unsettled(self) -> bool:
        """Whether posts wait to be judged again."""
        return bool(self._unsettled)

    def shown(self) -> tuple[FlagView, ...]:
        """The flags a desk is told of, in the order they were first raised."""
        return tuple(view for view in self.flags.values() if not view.flag.quiet)

    def holds(self, key: PostKey) -> bool:
        """Whether some version of this post is held."""
        return key in self._posts

    def written(self) -> tuple[PostKey, ...]:
        """The posts that are written down."""
        return tuple({held.post.key: None for held in self._posts if held.written})

    def started(self, *, rehearsal: bool) -> Effects:
        """The meeting is followed from now on."""
        self.following = True
        return Effects([FollowingStarted(rehearsal=rehearsal)])

    def ended(self, why: str, now: datetime) -> Effects:
        """The meeting is followed no longer."""
        if not self.following:
            return Effects([], [FollowingEnded(seq=0, at=now, why=why)])
        self.following = False
        effects = self.sources.counted()
        effects.add(Effects([FollowingStopped(why=why)], [FollowingEnded(seq=0, at=now, why=why)]))
        return effects

    def recover(self, entry: Entry) -> None:
        """Take in, in order, what the journal holds of this meeting. :meth:`recovered` when that is all."""
        match entry:
            case PostCaptured(post=post, edited=edited, member=member):
                if post.captured_by:
                    self.captures[post.version] = post
                known = self._posts.version(post.key, post.version)
                if known is not None:
                    known.post = post  # a repost again, now with the words that were flagged
                else:
                    captured = Held(post, member, edited=edited)
                    self._posts.add(captured)
                    self._posts.kept(captured)
            case PostRemoved(key=key, observed_at=at):
                self._posts.delete(key, at)
            case RaisedEntry(flag=flag):
                held = self._posts.version(flag.post, flag.version)
                if held is not None:
                    self._stand(flag, held)
                    held.standing |= {flag.id}
            case ClearedEntry(flag=flag_id, why=why) if flag_id in self.flags:
                view = self.flags[flag_id]
                self.flags[flag_id] = msgspec.structs.replace(view, cleared=why)
                held = self._posts.version(view.flag.post, view.flag.version)
                if held is not None:
                    held.standing -= {flag_id}
            case Marked(mark=mark):
                self.marks[mark.id] = mark
            case Decided(decision=decision) if decision.flag in self.flags:
                self._take_decision(decision)
            case ChairSawEntry(flag=flag_id, at=at) if flag_id in self.flags:
                self._take_seen(flag_id, at)
            case GapRecorded() | Counted():
                self.sources.recover(entry)

    def recovered(self) -> None:
        """Everything on record was taken in. All posts wait to be judged again: a kill may have come in between."""
        self.timeline = Timeline(self.marks.values())
        self._earlier = sorted(note for held in self._posts if (note := self._noted(held)) is not None)
        members = {held.post.key for held in self._posts if held.member is not None}
        self.sources.count(members=len(members))
        for flag_id, view in self.flags.items():
            held = self._posts.version(view.flag.post, view.flag.version)
            if held is not None:
                self.flags[flag_id] = self._dated(view, held)
        self._unsettled = dict.fromkeys(self._posts, JUDGED_AT_START)

    def on_event(self, event: SourceEvent, now: datetime) -> Effects:
        """A source showed a post, a new version of one, or a deletion. Anything known already changes nothing."""
        if isinstance(event, Deleted):
            return self._deleted(event.key, event.observed_at)
        post = event.post
        if post.observed_at not in self.meeting.window:
            self.sources.count(skipped=1)
            return Effects()
        if self._posts.knows(post):
            return Effects()
        member = self._judge.room.author(post.author, post.network).member
        if post.key not in self._posts:
            self.sources.count(members=member is not None, public=member is None)
        held = Held(post, member.id if member else None, edited=isinstance(event, Edited))
        self._posts.add(held)
        self._note(held)
        effects = self._judged(held, "", now)
        for older in self._posts.versions(post.key):
            if older is not held:
                self._refresh(older, effects)
        return effects

    def on_capture(self, request: CaptureRequest, now: datetime) -> acts.Answer:
        """Somebody enters a post by hand; it is judged like any other. Raises Refused when it cannot be one."""
        known = self.captures.get(request.id)
        if known is not None:
            return captures.repeated(known, request, self.meeting)
        post = captures.checked(request, self.meeting, now)
        warning = captures.odd_about(request, post, self.meeting)
        event = Edited(post) if post.key in self._posts else Seen(post)
        self.captures[request.id] = post
        effects = self.on_event(event, now)
        own = [place for place, entry in enumerate(effects.entries) if getattr(entry, "post", None) == post]
        return acts.Answer(effects, warning if own else warning or captures.NOT_WRITTEN, own[0] if own else 0)

    def on_mark(self, request: MarkRequest, now: datetime) -> acts.Answer:
        """The clerk marks the timeline. Raises Refused when the mark can mean nothing in this meeting."""
        known = self.marks.get(request.id)
        if known is not None:
            return acts.repeated(known, request)
        mark = acts.checked_mark(request, self.meeting, now)
        after = self.timeline.adding(mark)
        warning = acts.odd_about_mark(mark, self.timeline, after, self.meeting, now)
        self._take_mark(mark)
        why = why_cleared(mark, self.timeline, self.meeting.timezone)
        for held in self._posts:
            if held.moment != self.timeline.moment(held.post.observed_at):
                self._unsettled[held] = why
        return acts.Answer(Effects([Marked(mark=mark)], [MarkMade(seq=0, mark=mark)]), warning)

    def on_decision(self, request: DecisionRequest, now: datetime) -> acts.Answer:
        """The clerk decides about a flag. Raises Refused for a flag or decision that is not there."""
        known = self.decisions.get(request.id)
        if known is not None:
            return acts.repeated(known, request)
        view = self._flag(request.flag)
        decision = acts.checked_decision(request, self.decisions, now)
        warning = acts.odd_about_decision(decision, view)
        state = state_of(self._take_decision(decision).decisions)
        return acts.Answer(
            Effects([Decided(decision=decision)], [DecisionMade(seq=0, decision=decision, state=state)]), warning
        )

    def on_chair_seen(self, flag_id: str, now: datetime) -> Effects:
        """The chair pressed *seen*. Raises Refused when they were not told; pressing again changes nothing."""
        view = self._flag(flag_id)
        acts.must_be_told(view)
        if view.seen_by_chair_at is not None:
            return Effects()
        self._take_seen(flag_id, now)
        return Effects([ChairSawEntry(flag=flag_id, at=now)], [ChairSaw(seq=0, flag=flag_id, at=now)])

    def settle(self, now: datetime) -> Effects:
        """Judge again a slice of the posts that wait for it."""
        effects = Effects()
        for held in list(self._unsettled)[:_SLICE]:
            effects.add(self._judged(held, self._unsettled.pop(held), now))
        return effects

    def _judged(self, held: Held, why: str, now: datetime) -> Effects:
        """Judge a version by what is known now; ``why`` is said of flags that then no longer hold.

        A rule that fails costs neither the post nor the flags it has: the failure is counted, and they stay.
        """
        held.moment = self.timeline.moment(held.post.observed_at)
        effects = Effects()
        flags = self._asked(held, held.moment, now)
        if held.member is None:  # what a quiet rule makes of the public is nobody's business
            flags = [flag for flag in flags if not flag.quiet]
        raised = {flag.id: flag for flag in flags}
        if held.member is not None or raised or self._posts.any_written(held.post.key):
            self._write_down(held.post.key, effects)
        if raised and held.wordless:  # what is flagged is kept as it was seen
            effects.entries.append(PostCaptured(post=held.post, edited=held.edited, member=held.member))
            held.wordless = False
        for flag in raised.values():
            self._raise(flag, held, effects)
        for flag_id in held.standing - raised.keys():
            self._clear(flag_id, why, effects)
        held.standing = frozenset(raised)
        return effects

    def _note(self, held: Held) -> None:
        """Remember a member's post for the rules that count; whatever it came too late for is judged again."""
        note = self._noted(held)
        if note is None:
            return
        insort(self._earlier, note)
        for later in self._posts:
            if later.member is not None and note.at < later.post.observed_at <= note.at + LONGEST_MEMORY:
                self._unsettled.setdefault(later, CAME_LATE)

    def _noted(self, held: Held) -> Earlier | None:
        try:
            return self._judge.noted(held.post)
        except Exception as error:  # a post that upsets the rules is kept all the same
            self._failed(f"a post could not be noted: {type(error).__name__}")
            return None

    def _before(self, held: Held) -> list[Earlier]:
        """What the members' posts in the hour before a post left behind."""
        at = held.post.observed_at
        start, stop = (bisect_left(self._earlier, when, key=lambda note: note.at) for when in (at - LONGEST_MEMORY, at))
        return self._earlier[start:stop]

    def _asked(self, held: Held, moment: Moment, now: datetime) -> list[Flag]:
        """The flags that judging gives; those that a rule which failed had raised before stay."""
        standing = [self.flags[one].flag for one in held.standing]
        try:
            judged = self._judge.judge(held.post, moment, now, self._before(held))
        except Exception as error:  # evidence first: the post is written down whatever it does to the rules
            self._failed(f"a post could not be judged: {type(error).__name__}")
            return standing
        failed = {tried.rule.id: tried.failure for tried in judged.tried if tried.failure}
        for rule, failure in failed.items():
            self._failed(f"rule {rule} could not be asked: {failure}")
        return [*judged.flags, *(flag for flag in standing if flag.rule in failed)]

    def _failed(self, what: str) -> None:
        self._failures[what] += 1
        self.sources.on_fault(FeedFault(source=JUDGING, what=what, count=self._failures[what]))

    def _write_down(self, key: PostKey, effects: Effects) -> None:
        """Write a post down in all its versions: what was said first and what was made of it belong together."""
        deleted_at = None if self._posts.any_written(key) else self._posts.deleted_at(key)
        for held in self._posts.versions(key):
            if not held.written:
                record = without_borrowed_words(held.post)
                effects.entries.append(PostCaptured(post=record, edited=held.edited, member=held.member))
                self._posts.kept(held)
                held.wordless = record != held.post
        if deleted_at is not None:
            effects.entries.append(PostRemoved(key=key, observed_at=deleted_at))

    def _raise(self, flag: Flag, held: Held, effects: Effects) -> None:
        before = self.flags.get(flag.id)
        if before is not None:
            flag = msgspec.structs.replace(flag, raised_at=before.flag.raised_at)
            if before.cleared is None and before.flag == flag:
                return
        self._stand(flag, held)
        effects.entries.append(RaisedEntry(flag=flag))
        self._show(flag.id, effects)

    def _stand(self, flag: Flag, held: Held) -> None:
        before = self.flags.get(flag.id)
        view = FlagView(flag=flag, post=held.post)
        if before is not None:
            view = msgspec.structs.replace(before, flag=flag, cleared=None)
        self.flags[flag.id] = self._dated(view, held)

    def _clear(self, flag_id: str, why: str, effects: Effects) -> None:
        view = self.flags[flag_id]
        self.flags[flag_id] = msgspec.structs.replace(view, cleared=why)
        effects.entries.append(ClearedEntry(flag=flag_id, why=why))
        if not view.flag.quiet:
            effects.messages.append(FlagCleared(seq=0, flag=flag_id, why=why))

    def _refresh(self, held: Held, effects: Effects) -> None:
        """Show the flags of a version again when a newer version has come, or a nearer one."""
        for flag_id in held.standing:
            before = self.flags[flag_id]
            view = self._dated(before, held)
            if view != before:
                self.flags[flag_id] = view
                self._show(flag_id, effects)

    def _dated(self, view: FlagView, held: Held) -> FlagView:
        return msgspec.structs.replace(
            view, deleted_at=self._posts.deleted_at(held.post.key), edited_at=self._posts.edited_at(held)
        )

    def _show(self, flag_id: str, effects: Effects) -> None:
        view = self.flags[flag_id]
        if not view.flag.quiet:
            effects.messages.append(FlagRaised(seq=0, view=view))

    def _deleted(self, key: PostKey, at: datetime) -> Effects:
        if not self._posts.delete(key, at):
            return Effects()
        effects = Effects()
        if self._posts.any_written(key):
            effects.entries.append(PostRemoved(key=key, observed_at=at))
        if self._note_deletion(key, at):
            effects.messages.append(PostDeleted(seq=0, post=key, at=at))
        return effects

    def _note_deletion(self, key: PostKey, at: datetime) -> bool:
        """Mark the post's flags as deleted; whether any of them is shown."""
        views = {one: view for one, view in self.flags.items() if view.post.key == key}
        for flag_id, view in views.items():
            self.flags[flag_id] = msgspec.structs.replace(view, deleted_at=at)
        return any(not view.flag.quiet for view in views.values())

    def _flag(self, flag_id: str) -> FlagView:
        return acts.known_flag(self.flags, flag_id)

    def _take_mark(self, mark: Mark) -> None:
        self.marks[mark.id] = mark
        self.timeline = self.timeline.adding(mark)

    def _take_decision(self, decision: Decision) -> FlagView:
        self.decisions[decision.id] = decision
        view = self.flags[decision.flag]
        seen = None if acts.tells(decision) else view.seen_by_chair_at
        view = msgspec.structs.replace(view, decisions=(*view.decisions, decision), seen_by_chair_at=seen)
        self.flags[decision.flag] = view
        return view

    def _take_seen(self, flag_id: str, at: datetime) -> None:
        self.flags[flag_id] = msgspec.structs.replace(self.flags[flag_id], seen_by_chair_at=at)
