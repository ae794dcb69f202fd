"""From a journal's entries to a review. Pure: the same entries give the same review."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from feedmon.model.decisions import Decision, DecisionKind, in_force, state_of
from feedmon.model.entries import (
    ChairSaw,
    ClauseOnRecord,
    Counted,
    Decided,
    FlagCleared,
    FlagRaised,
    FollowingStarted,
    FollowingStopped,
    GapRecorded,
    Marked,
    MeetingPrepared,
    PackOnRecord,
    PostCaptured,
    PostRemoved,
    Recorded,
    SourceReported,
)
from feedmon.model.flags import Flag
from feedmon.model.posts import Post, PostKey
from feedmon.model.sourcestate import Gap, SourceState
from feedmon.model.timeline import Mark, Timeline
from feedmon.review.agenda import items_taken, mark_stories, room_states, sitting
from feedmon.review.followed import sources_followed
from feedmon.review.model import (
    Chain,
    ClauseFindings,
    DecisionStory,
    FlagStory,
    MeetingReview,
    Review,
    RuleTally,
    Stretch,
)


def build(history: Iterable[Recorded], chain: Chain) -> Review:
    """The review of every meeting in ``history`` (entries in the order they were recorded).

    A meeting whose preparation is not among them (its content was erased) is left out: nothing could be said of it.
    """
    folds: dict[str, _Fold] = {}
    for recorded in history:
        folds.setdefault(recorded.meeting, _Fold()).take(recorded)
    reviews = (fold.review() for fold in folds.values())
    return Review(chain=chain, meetings=tuple(review for review in reviews if review is not None))


class _Fold:
    """One meeting's entries, taken in one by one."""

    def __init__(self) -> None:
        self.prepared: list[MeetingPrepared] = []
        self.rehearsal = False
        self.runs: list[Stretch] = []
        self.posts: dict[PostKey, dict[str, PostCaptured]] = {}
        self.removed: dict[PostKey, datetime] = {}
        self.flags: dict[str, list[Flag]] = {}
        self.cleared: dict[str, str] = {}
        self.marks: list[Mark] = []
        self.decisions: dict[str, list[Decision]] = {}
        self.seen: dict[str, list[datetime]] = {}
        self.states: list[SourceState] = []
        self.gaps: dict[tuple[str, datetime], Gap] = {}
        self.counted = Counted(members_posts=0, public_posts=0)
        self.counted_at: datetime | None = None
        self.erased = 0
        self.last: datetime | None = None

    def take(self, recorded: Recorded) -> None:
        """Take in the next entry."""
        match recorded.entry:
            case None:
                self.erased += 1
            case MeetingPrepared():
                self.prepared.append(recorded.entry)
            case FollowingStarted(rehearsal=rehearsal):
                self.rehearsal = self.rehearsal or rehearsal
                self._stop(self.last, "the program ended without a word")
                self.runs.append(Stretch(start=recorded.recorded_at))
            case FollowingStopped(why=why):
                self._stop(recorded.recorded_at, why)
            case PostCaptured(post=post):
                self.posts.setdefault(post.key, {})[post.version] = recorded.entry
            case PostRemoved(key=key, observed_at=at):
                self.removed.setdefault(key, at)
            case FlagRaised(flag=flag):
                self.flags.setdefault(flag.id, []).append(flag)
                self.cleared.pop(flag.id, None)
            case FlagCleared(flag=flag_id, why=why):
                self.cleared[flag_id] = why
            case Marked(mark=mark):
                self.marks.append(mark)
            case Decided(decision=decision):
                self.decisions.setdefault(decision.flag, []).append(decision)
            case ChairSaw(flag=flag_id, at=at):
                self.seen.setdefault(flag_id, []).append(at)
            case SourceReported(state=state):
                self.states.append(state)
            case GapRecorded(gap=gap):
                self.gaps[gap.source, gap.start] = gap
            case Counted():
                self.counted, self.counted_at = recorded.entry, recorded.recorded_at
        self.last = recorded.recorded_at

    def review(self) -> MeetingReview | None:
        """The meeting as all its entries tell it."""
        if not self.prepared or self.last is None:
            return None
        latest, timeline = self.prepared[-1], Timeline(self.marks)
        agenda, unlisted = items_taken(latest.meeting, timeline, self.last)
        packs = self._packs()
        flags = self._stories()
        return MeetingReview(
            meeting=latest.meeting,
            program=latest.program,
            meeting_file_digest=latest.digest,
            packs=packs,
            changed_while_followed=any(each != latest for each in self.prepared),
            rehearsal=self.rehearsal,
            followed=tuple(self.runs),
            sources=sources_followed(latest.meeting.sources, self.states, self.runs, self.last),
            gaps=tuple(self.gaps.values()),
            faults=self.counted.faults,
            members_posts=self.counted.members_posts,
            public_posts=self.counted.public_posts,
            skipped=self.counted.skipped,
            counted_at=self.counted_at,
            agenda=agenda,
            unlisted=unlisted,
            sitting=sitting(timeline),
            room=room_states(timeline),
            marks=mark_stories(timeline),
            clauses=_by_clause(packs, flags),
            flags=flags,
            rules=self._tally(packs),
            erased=self.erased,
        )

    def _stop(self, at: datetime | None, why: str) -> None:
        if at is not None and self.runs and self.runs[-1].end is None:
            self.runs[-1] = Stretch(start=self.runs[-1].start, end=at, why=why)

    def _packs(self) -> tuple[PackOnRecord, ...]:
        """The packs in force at the end, then any that were in force, or raised a flag, before."""
        packs: dict[str, PackOnRecord] = {}
        for prepared in reversed(self.prepared):
            for pack in prepared.packs:
                packs.setdefault(pack.id, pack)
        for forms in self.flags.values():
            pack_id, pack_hash = forms[-1].pack, forms[-1].pack_hash
            packs.setdefault(pack_id, PackOnRecord(id=pack_id, title=pack_id, hash=pack_hash))
        return tuple(packs.values())

    def _stories(self) -> tuple[FlagStory, ...]:
        """The flags of live rules, in the order in which their posts were seen."""
        shown = [forms for forms in self.flags.values() if not forms[-1].quiet]
        shown.sort(key=lambda forms: (forms[-1].moment.at, forms[-1].post, forms[-1].rule, forms[-1].id))
        return tuple(self._story(number, forms) for number, forms in enumerate(shown, 1))

    def _tally(self, packs: Iterable[PackOnRecord]) -> tuple[RuleTally, ...]:
        standing = [forms[-1].rule for flag_id, forms in self.flags.items() if flag_id not in self.cleared]
        return tuple(
            RuleTally(pack=pack.id, rule=rule, flags=standing.count(rule.id)) for pack in packs for rule in pack.rules
        )

    def _story(self, number: int, forms: list[Flag]) -> FlagStory:
        flag = forms[-1]
        versions = self.posts.get(flag.post, {})
        captured = versions.get(flag.version)
        decisions = self.decisions.get(flag.id, [])
        return FlagStory(
            number=number,
            flag=flag,
            state=state_of(decisions),
            first_raised_at=forms[0].raised_at,
            judged_again=len(forms) - 1,
            cleared=self.cleared.get(flag.id),
            post=captured.post if captured else None,
            member=flag.member or (captured.member if captured else None),
            later_versions=_after(captured.post if captured else None, versions),
            deleted_at=self.removed.get(flag.post),
            decisions=self._decided(decisions),
        )

    def _decided(self, decisions: list[Decision]) -> tuple[DecisionStory, ...]:
        holding = {decision.id for decision in in_force(decisions)}
        return tuple(
            DecisionStory(
                decision=decision,
                # an undo is in force as long as what it took back is not
                holds=decision.id in holding or (decision.undoes is not None and decision.undoes not in holding),
                seen_at=self._seen_by_chair(decision) if decision.kind is DecisionKind.TELL_CHAIR else None,
            )
            for decision in sorted(decisions, key=lambda decision: (decision.at, decision.id))
        )

    def _seen_by_chair(self, told: Decision) -> datetime | None:
        return next((at for at in self.seen.get(told.flag, []) if at >= told.at), None)


def _after(post: Post | None, versions: dict[str, PostCaptured]) -> tuple[Post, ...]:
    """The versions of a post that came after this one."""
    if post is None:
        return ()
    order = [captured.post for captured in versions.values()]
    return tuple(order[order.index(post) + 1 :])


def _by_clause(packs: Iterable[PackOnRecord], stories: tuple[FlagStory, ...]) -> tuple[ClauseFindings, ...]:
    """Every clause that a rule looked after or a flag names, in the packs' own order."""
    findings: list[ClauseFindings] = []
    for pack in packs:
        told = {clause.id: clause for clause in pack.clauses}
        of_rules = {clause for rule in pack.rules for clause in rule.clauses}
        ours = [story for story in stories if story.flag.pack == pack.id]
        of_flags = {clause for story in ours for clause in story.flag.clauses}
        named = [*(id_ for id_ in told if id_ in of_rules | of_flags), *sorted((of_rules | of_flags) - told.keys())]
        findings.extend(
            ClauseFindings(
                pack=pack.id,
                clause=told.get(id_, ClauseOnRecord(id=id_, paraphrase="")),
                flags=tuple(story.number for story in ours if id_ in story.flag.clauses),
            )
            for id_ in named
        )
    return tuple(findings)
