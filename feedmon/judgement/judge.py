"""Judging a post: every rule of every pack asked in turn, each answer with its reasons. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from feedmon.judgement.case import Case, Earlier, Finding, Trail
from feedmon.judgement.checks import CHECKS
from feedmon.judgement.noting import noted
from feedmon.judgement.packs import Binds, Pack, Rule, Status, When
from feedmon.judgement.room import Room, all_lexicons
from feedmon.model.flags import Basis, Flag, Severity, Step
from feedmon.model.meeting import Meeting, Member
from feedmon.model.posts import Post
from feedmon.model.seals import Seal
from feedmon.model.timeline import Moment, Phase

LONGEST = 3_000
"""Characters of a post that are read. Networks allow fewer; more is an attack on the reader."""


class Tried(msgspec.Struct, frozen=True):
    """One rule asked of one post: its steps in order, and the flag if it raised one.

    ``failure`` says, if it could not be asked because of a mistake in feedmon itself, what went wrong.
    """

    rule: Rule
    steps: tuple[Step, ...]
    flag: Flag | None = None
    failure: str = ""


class Judged(msgspec.Struct, frozen=True):
    """A post judged: whose it is, and every rule's answer."""

    member: Member | None
    present: bool | None
    tried: tuple[Tried, ...]

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The flags raised, most severe first."""
        raised = (tried.flag for tried in self.tried if tried.flag is not None)
        return tuple(sorted(raised, key=lambda flag: (-flag.severity.rank, flag.rule)))


class Judge:
    """The rules of one meeting's packs, made ready. Holds no state: the same post and moment give the same flags."""

    def __init__(
        self, meeting: Meeting, packs: Sequence[Pack], seals: Sequence[Seal] = (), seal_key: bytes | None = None
    ) -> None:
        self.meeting = meeting
        self.packs = tuple(packs)
        self.rules = tuple(rule for pack in packs for rule in pack.rules)
        self._hashes = {pack.id: pack.hash for pack in packs}
        self.room = Room(meeting, all_lexicons(pack.lexicons for pack in packs), seals, seal_key)

    def judge(self, post: Post, moment: Moment, at: datetime, earlier: Sequence[Earlier] = ()) -> Judged:
        """Judge a post by the moment it was posted in; ``at`` is when the judging was done (UTC).

        ``earlier`` is what :meth:`noted` gave of the members' earlier posts, in order of time; those older than
        :data:`~feedmon.judgement.noting.LONGEST_MEMORY` may be left out.
        """
        return self.ask(self.rules, post, moment, at, earlier)

    def noted(self, post: Post) -> Earlier | None:
        """What a post tells the rules about later posts; None for anyone's but a member's."""
        author = self.room.author(post.author, post.network)
        return noted(self._case(post, Moment(at=post.observed_at))) if author.member is not None else None

    def ask(
        self, rules: Sequence[Rule], post: Post, moment: Moment, at: datetime, earlier: Sequence[Earlier] = ()
    ) -> Judged:
        """Like :meth:`judge`, but only some of the rules."""
        case = self._case(post, moment, earlier)
        case = msgspec.structs.replace(case, own=noted(case))
        return Judged(case.member, case.present, tuple(self._ask(rule, case, at) for rule in rules))

    def _case(self, post: Post, moment: Moment, earlier: Sequence[Earlier] = ()) -> Case:
        author = self.room.author(post.author, post.network)
        member = author.member
        reading = self.room.phrasebook.read(post.text[:LONGEST])
        return Case(
            post=post,
            reading=reading,
            hits=self.room.phrasebook.find(reading),
            moment=moment,
            author=author,
            present=moment.is_present(member.id, member.present) if member else None,
            room=self.room,
            earlier=tuple(earlier),
        )

    def _ask(self, rule: Rule, case: Case, at: datetime) -> Tried:
        trail = Trail()
        finding = None
        try:
            if _binds(rule.binds, case, trail) and _applies(rule.when, case, trail):
                finding = CHECKS[rule.kind].check(case, rule.parameters, trail)
        except Exception as error:  # one rule's fault must not cost the post the others
            failure = type(error).__name__  # its message might hold a stranger's words
            trail.holds("the rule could be asked", False, failure)
            return Tried(rule, trail.steps, failure=failure)
        flag = self._flag(rule, finding, case, at, trail.steps) if finding is not None else None
        return Tried(rule, trail.steps, flag)

    def _flag(self, rule: Rule, finding: Finding, case: Case, at: datetime, steps: tuple[Step, ...]) -> Flag:
        severity = finding.severity or rule.severity
        for _ in range(finding.lower + case.bare_repost):
            severity = severity.one_lower
        if finding.basis is Basis.READING:
            severity = severity.capped(Severity.WARNING)
        post = case.post
        return Flag(
            id=flag_id(self.meeting.id, post, rule.id),
            rule=rule.id,
            kind=rule.kind,
            pack=rule.pack,
            pack_hash=self._hashes[rule.pack],
            clauses=rule.clauses,
            title=rule.title,
            severity=severity,
            basis=finding.basis,
            score=finding.score,
            reason=f"{finding.reason} It repeats another's post." if case.bare_repost else finding.reason,
            post=post.key,
            version=post.version,
            moment=case.moment,
            raised_at=at,
            member=case.member.id if case.member else None,
            target=finding.target,
            spans=finding.spans,
            steps=steps,
            passes_if=rule.passes_if,
            chair_words=rule.chair_words,
            quiet=rule.status is Status.QUIET,
        )


def flag_id(meeting: str, post: Post, rule: str) -> str:
    """The name of the flag this rule raises on this version of this post, whenever it is judged."""
    parts = "\x1f".join((meeting, post.network, post.id, post.version, rule))
    return sha256(parts.encode()).hexdigest()[:20]


def _binds(binds: Binds, case: Case, trail: Trail) -> bool:
    match binds:
        case Binds.MEMBERS:
            detail = case.member.name if case.member else f"{case.post.author.handle} is not on the roster"
            return trail.holds("the author is a member", case.member, detail)
        case Binds.COUNCIL_ACCOUNTS:
            return trail.holds("the author is the council's own account", case.author.is_council)
        case Binds.ANYONE:
            return trail.holds("the rule looks at anyone's posts", True)


def _applies(when: When, case: Case, trail: Trail) -> bool:
    moment = case.moment
    checks = (
        (when.phase, moment.phase, "the meeting was", _phases(when.phase), _phase_words(moment.phase)),
        (when.present, case.present, "the member was", _is(when.present, "present"), _is(case.present, "present")),
        (
            when.public_excluded,
            moment.closed_session,
            "the public were",
            _is(when.public_excluded, "excluded"),
            _is(moment.closed_session, "excluded"),
        ),
        (
            when.recording_suspended,
            moment.recording_suspended,
            "recording was",
            _is(when.recording_suspended, "suspended"),
            _is(moment.recording_suspended, "suspended"),
        ),
        (
            when.asked_not_to_post,
            moment.asked_not_to_post,
            "members were",
            _is(when.asked_not_to_post, "asked not to post"),
            _is(moment.asked_not_to_post, "asked not to post"),
        ),
    )
    for wanted, actual, subject, wanted_words, actual_words in checks:
        if wanted is None:
            continue
        held = actual in wanted if isinstance(wanted, tuple) else actual is wanted
        if not trail.holds(f"{subject} {wanted_words}", held, "" if held else f"{subject} {actual_words}"):
            return False
    return True


def _is(value: bool | None, words: str) -> str:
    return words if value else f"not {words}"


def _phases(phases: tuple[Phase, ...] | None) -> str:
    return " or ".join(_phase_words(phase) for phase in phases or ())


def _phase_words(phase: Phase) -> str:
    return {
        Phase.NOT_STARTED: "not yet open",
        Phase.IN_SESSION: "in session",
        Phase.ADJOURNED: "adjourned",
        Phase.ENDED: "over",
    }[phase]
