"""An invented evening in Saltmarsh with everything in it that a review must be able to tell."""

# ruff: noqa: E501  # one line for each thing that happens

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from feedmon.model.decisions import Decision, DecisionKind, DismissReason
from feedmon.model.entries import (
    ChairSaw,
    ClauseOnRecord,
    Counted,
    Decided,
    Entry,
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
    RuleOnRecord,
    SourceReported,
)
from feedmon.model.flags import Basis, Flag, Severity, Span, Step
from feedmon.model.meeting import Account, AgendaItem, Council, Meeting, Member, SourceSpec, Window
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.model.timeline import Mark, MarkKind, Timeline

EVIL = (
    "# Vote <script>alert('x')</script> [click](https://evil.example) ![p](x.png) | a | b |\n"
    "```\n~~~\n</p></mark></article>{{ 7 * 7 }} &amp; *bold* \u202eesrever\u2066 \x1b[31m \x00 Toby is a clown\n"
    "- [ ] one"
)


def at(clock: str, second: int = 0, day: int = 18) -> datetime:
    """A local time of the evening (British Summer Time), as an instant."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 6, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=1)


MEETING = Meeting(
    id="saltmarsh-2026-06-18",
    title="Full Council <June>",
    council=Council(name="Saltmarsh Town Council"),
    packs=("ventnor",),
    window=Window(at("18:30"), at("22:00")),
    hashtags=("#SaltmarshTC",),
    items=(
        AgendaItem(number="1", title="Apologies for absence"),
        AgendaItem(number="4", title="Budget and precept | 2026-27"),
        AgendaItem(number="6", title="Twelve flats at the old cannery", quasi_judicial=True),
        AgendaItem(number="9", title="Lease of the harbour kiosk", closed=True, reason="terms under negotiation"),
    ),
    members=(
        Member(
            id="tobias-renfrew",
            name="Tobias Renfrew",
            accounts=(Account(network="bluesky", handle="renfrew.example", id="did:plc:renfrew"),),
        ),
        Member(
            id="graham-oldroyd",
            name="Graham Oldroyd",
            accounts=(Account(network="bluesky", handle="oldroyd.example", id="did:plc:oldroyd"),),
        ),
        Member(id="margaret-tull", name="Margaret Tull", present=False),
    ),
    sources=(SourceSpec(kind="bluesky", name="bluesky", url="wss://jetstream.example/subscribe"),),
)


def _rule(kind: str, title: str, clauses: Sequence[str], severity: Severity, status: str = "live") -> RuleOnRecord:
    return RuleOnRecord(
        id=f"ventnor.{kind}", kind=kind, title=title, clauses=tuple(clauses), severity=severity, status=status
    )


RULES = (
    _rule("off_topic", "Posts should be about the business of the meeting", ["5.1.d"], Severity.NOTICE),
    _rule("personal_attack", "No attacks on a person", ["5.1.f", "5.8"], Severity.WARNING),
    _rule("closed_session_post", "Nothing from a closed session", ["8.5.a"], Severity.WARNING),
    _rule("closed_content_match", "What a closed paper says stays there", ["8.5.b"], Severity.CRITICAL),
    _rule("threat", "Threats to a member", ["7.2"], Severity.WARNING),
    _rule("profanity", "Swearing", ["5.8"], Severity.INFO, "quiet"),
    _rule("personal_data", "Other people's private details", ["8.3"], Severity.WARNING),
)
PACK = PackOnRecord(
    id="ventnor",
    title="Ventnor Town Council: social media policy for councillors",
    hash="9f2c41d07be355aa64d0f1f3a6d7c90b",
    rules=RULES,
    clauses=(
        ClauseOnRecord(id="5.1.d", paraphrase="During a meeting, post about what the meeting is doing."),
        ClauseOnRecord(id="5.1.f", paraphrase="Treat others with respect."),
        ClauseOnRecord(id="5.8", paraphrase="No teasing or insults of fellow members."),
        ClauseOnRecord(id="6.2", paraphrase="A clause that no rule serves."),
        ClauseOnRecord(id="7.2", paraphrase="Members who are threatened should tell the clerk."),
        ClauseOnRecord(id="8.3", paraphrase="Keep other people's private details private."),
        ClauseOnRecord(id="8.5.a", paraphrase="Say nothing from closed business."),
        ClauseOnRecord(id="8.5.b", paraphrase="Do not share closed papers."),
    ),
)

MARKS = (
    Mark(id="m1", kind=MarkKind.OPENED, at=at("19:00"), entered_at=at("19:00", 4)),
    Mark(id="m2", kind=MarkKind.ITEM_STARTED, item="1", at=at("19:01")),
    Mark(id="m3", kind=MarkKind.ITEM_STARTED, item="4", at=at("19:10")),
    Mark(id="m4", kind=MarkKind.ITEM_STARTED, item="6", at=at("19:50"), entered_at=at("19:52")),
    Mark(id="m5", kind=MarkKind.ITEM_STARTED, item="6", at=at("19:42"), entered_at=at("19:55"), supersedes="m4"),
    Mark(id="m6", kind=MarkKind.ADJOURNED, at=at("20:20")),
    Mark(id="m7", kind=MarkKind.RESUMED, at=at("20:30")),
    Mark(id="m8", kind=MarkKind.ITEM_STARTED, item="9", at=at("20:50")),
    Mark(id="m9", kind=MarkKind.PUBLIC_EXCLUDED, at=at("20:51"), note="Resolved under the 1960 Act, s1(2)"),
    Mark(id="m10", kind=MarkKind.ASKED_NOT_TO_POST, at=at("20:51")),
    Mark(id="m11", kind=MarkKind.OUTCOME_ANNOUNCED, item="6", at=at("20:52")),
    Mark(id="m12", kind=MarkKind.WITHDRAWN, at=at("20:53"), supersedes="m11"),
    Mark(id="m13", kind=MarkKind.ITEM_STARTED, item="10", at=at("21:10")),
    Mark(id="m14", kind=MarkKind.CLOSED, at=at("21:20")),
)
TIMELINE = Timeline(MARKS)


def post(number: int, who: str, when: datetime, text: str, version: str = "") -> Post:
    """A post by one of the people of the evening."""
    return Post(
        network="bluesky",
        id=f"at://did:plc:{who}/app.bsky.feed.post/3k{number}",
        author=Author(handle=f"{who}.example", id=f"did:plc:{who}"),
        text=text,
        observed_at=when,
        version=version,
        source="bluesky",
    )


def flag(identity: str, of: Post, rule: int, member: str | None, reason: str, *matched: str) -> Flag:
    """A flag of one of the rules, with the matched words marked wherever they stand."""
    found = RULES[rule]
    return Flag(
        id=identity,
        rule=found.id,
        kind=found.kind,
        pack="ventnor",
        pack_hash=PACK.hash,
        clauses=found.clauses,
        title=found.title,
        severity=found.severity,
        basis=Basis.FACT if found.kind == "closed_session_post" else Basis.READING,
        score=0.81,
        reason=reason,
        post=of.key,
        version=of.version,
        moment=TIMELINE.moment(of.observed_at),
        raised_at=of.observed_at + timedelta(seconds=1),
        member=member,
        target="Tobias Renfrew" if found.kind in ("personal_attack", "threat") else None,
        spans=tuple(Span(of.text.index(each), of.text.index(each) + len(each), "insult") for each in matched),
        steps=(Step("is by a member", member is not None), Step("in session", True, "item being taken")),
        passes_if="It would have passed had it spoken of a decision.",
        quiet=found.status == "quiet",
    )


FOOTBALL = post(1, "oldroyd", at("19:20", 5), "Two goals up at half time! What a strike!")
CLOWN = post(2, "oldroyd", at("19:47"), "Toby Renfrew is a clown, a complete clown. 🤡")
EVIL_POST = msgspec.structs.replace(
    post(3, "oldroyd", at("20:05"), EVIL),
    reply_to=Target(handle="resident.example"),
    media=(Media(MediaKind.IMAGE, "the chamber | <b>"),),
    links=("https://evil.example/a_b_c",),
)
KIOSK = post(4, "oldroyd", at("20:55", 30), "Kiosk going for a song tonight, you'd not believe the rent")
KIOSK_EDITED = msgspec.structs.replace(KIOSK, version="2", text="Deleted that.", observed_at=at("20:58"))
THREAT = post(5, "angrygull", at("21:05"), "I know where Renfrew parks. He will be sorry tonight.")
SWEARING = post(6, "oldroyd", at("21:15"), "About bloody time that was settled")


def decision(number: int, about: str, kind: DecisionKind, when: datetime, **more: object) -> Decided:
    return Decided(msgspec.convert({"id": f"d{number}", "flag": about, "kind": kind, "at": when, **more}, Decision))


def reported(condition: SourceCondition, since: datetime, why: str = "") -> SourceReported:
    last = at("19:20") if condition is SourceCondition.QUIET else None
    return SourceReported(SourceState(name="bluesky", condition=condition, since=since, last_post=last, why=why))


PREPARED = MeetingPrepared(meeting=MEETING, packs=(PACK,), program="feedmon 0.1.0", digest="ab" * 32)
LOST = Gap(source="bluesky", start=at("19:30"), end=at("19:33"), filled=False, why="no answer from the network")

EVENING: tuple[tuple[datetime, Entry], ...] = (
    (at("18:30"), PREPARED),
    (at("18:30"), FollowingStarted()),
    (at("18:30", 2), reported(SourceCondition.LIVE, at("18:30", 2))),
    *((mark.said_at, Marked(mark)) for mark in MARKS[:3]),
    (at("19:20", 6), PostCaptured(post=FOOTBALL, member="graham-oldroyd")),
    (at("19:20", 6), FlagRaised(flag("f1", FOOTBALL, 0, "graham-oldroyd", "Nothing in it is on the agenda.", "strike"))),
    (at("19:25"), reported(SourceCondition.QUIET, at("19:25"))),
    (at("19:30"), reported(SourceCondition.LOST, at("19:30"), "no answer")),
    (at("19:33"), GapRecorded(LOST)),
    (at("19:33"), reported(SourceCondition.LIVE, at("19:33"))),
    (at("19:34"), GapRecorded(msgspec.structs.replace(LOST, filled=True, why="replayed"))),
    (at("19:36"), GapRecorded(Gap(source="rss", start=at("19:35"), end=at("19:36"), filled=False, why="refused"))),
    (at("19:47", 1), PostCaptured(post=CLOWN, member="graham-oldroyd")),
    (at("19:47", 1), FlagRaised(flag("f2", CLOWN, 1, "graham-oldroyd", "It calls a member a clown.", "clown"))),
    (at("19:47", 1), FlagRaised(flag("f3", CLOWN, 0, "graham-oldroyd", "Nothing in it is on the agenda."))),
    *((mark.said_at, Marked(mark)) for mark in MARKS[3:5]),
    (at("19:55"), FlagRaised(flag("f2", CLOWN, 1, "graham-oldroyd", "It calls a member a clown, twice.", "clown"))),
    (at("19:55"), FlagCleared(flag="f3", why="item 6 was already being taken")),
    # the program is killed, and started again
    (at("20:00"), PREPARED),
    (at("20:00"), FollowingStarted()),
    (at("20:00", 1), reported(SourceCondition.LIVE, at("20:00", 1))),
    (at("20:05", 1), PostCaptured(post=EVIL_POST, member="graham-oldroyd")),
    (at("20:05", 1), FlagRaised(flag("f4", EVIL_POST, 1, "graham-oldroyd", "It calls <i>Toby</i> a clown.", "clown"))),
    (at("20:06"), decision(1, "f1", DecisionKind.DISMISS, at("20:06"), reason=DismissReason.HUMOUR, by="clerk")),
    (at("20:07"), decision(2, "f2", DecisionKind.CONFIRM, at("20:07"))),
    (at("20:08"), decision(3, "f2", DecisionKind.UNDO, at("20:08"), undoes="d2")),
    (at("20:09"), decision(4, "f2", DecisionKind.TELL_CHAIR, at("20:09"), words="Members, please: the item, not each other.")),
    (at("20:09", 40), ChairSaw(flag="f2", at=at("20:09", 40))),
    *((mark.said_at, Marked(mark)) for mark in MARKS[5:10]),
    (at("20:55", 31), PostCaptured(post=KIOSK, member="graham-oldroyd")),
    (at("20:55", 31), FlagRaised(flag("f5", KIOSK, 2, "graham-oldroyd", "Posted while the public was excluded."))),
    (at("20:55", 31), FlagRaised(flag("f6", KIOSK, 3, "graham-oldroyd", "It shares words with item 9's paper.", "rent"))),
    (at("20:56"), decision(5, "f6", DecisionKind.REFER, at("20:56"), by="deputy clerk")),
    (at("20:58"), PostCaptured(post=KIOSK_EDITED, edited=True, member="graham-oldroyd")),
    (at("20:59"), PostRemoved(key=KIOSK.key, observed_at=at("20:59"))),
    *((mark.said_at, Marked(mark)) for mark in MARKS[10:]),
    (at("21:05", 1), PostCaptured(post=THREAT)),
    (at("21:05", 1), FlagRaised(flag("f7", THREAT, 4, None, "It may threaten a member.", "He will be sorry"))),
    (at("21:15", 1), PostCaptured(post=SWEARING, member="graham-oldroyd")),
    (at("21:15", 1), FlagRaised(flag("f8", SWEARING, 5, "graham-oldroyd", "It swears.", "bloody"))),
    (at("21:20"), Counted(members_posts=41, public_posts=1312, skipped=90000,
                          faults=(FeedFault(source="bluesky", what="not JSON <b>", count=3),))),
    (at("22:00"), FollowingStopped("the window is over")),
)  # fmt: skip


def recorded(evening: Sequence[tuple[datetime, Entry | None]] = EVENING, meeting: str = MEETING.id) -> list[Recorded]:
    """The evening as a journal gives it back."""
    return [Recorded(seq, meeting, when, entry) for seq, (when, entry) in enumerate(evening, 1)]
