"""An invented evening for the desk's tests: a meeting, its members, its rules, and flags as the service tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from feedmon.model.meeting import Account, AgendaItem, Council, Meeting, Member, SourceSpec, Window
from feedmon.wire import (
    PROTOCOL,
    Author,
    Basis,
    Counts,
    Flag,
    FlagView,
    Gap,
    Mark,
    MarkKind,
    Media,
    MediaKind,
    Post,
    RuleInForce,
    Severity,
    Snapshot,
    SourceCondition,
    SourceState,
    Span,
    Step,
    Target,
    Timeline,
)

SEVEN = datetime(2026, 3, 5, 19, 0, tzinfo=UTC)
"""When the meeting opens."""


def at(minutes: float) -> datetime:
    """So many minutes after the opening."""
    return SEVEN + timedelta(minutes=minutes)


NOW = at(42)

MEETING = Meeting(
    id="saltmarsh",
    title="Full Council",
    council=Council(name="Saltmarsh Town Council"),
    packs=("ventnor",),
    window=Window(at(-30), at(180)),
    hashtags=("#SaltmarshTC",),
    items=(
        AgendaItem(number="1", title="Apologies for absence"),
        AgendaItem(number="2", title="Minutes of the last meeting"),
        AgendaItem(number="3", title="Public forum"),
        AgendaItem(number="4", title="Budget and precept 2026-27"),
        AgendaItem(number="5", title="Quayside car park: charges and resurfacing"),
        AgendaItem(number="6", title="Planning application: twelve flats at the old cannery", quasi_judicial=True),
        AgendaItem(number="7", title="Skate park and play equipment on Lifeboat Green"),
        AgendaItem(
            number="8",
            title="Lease of the harbour kiosk",
            closed=True,
            reason="Public Bodies (Admission to Meetings) Act 1960, s1(2): commercial terms under negotiation",
        ),
    ),
    members=(
        Member(id="marchbanks", name="Helen Marchbanks", offices=("Mayor",)),
        Member(id="renfrew", name="Tobias Renfrew", accounts=(Account(network="bluesky", handle="renfrew.example"),)),
        Member(id="sandhu", name="Priya Sandhu"),
        Member(id="oldroyd", name="Graham Oldroyd"),
        Member(id="brennan", name="Aoife Brennan"),
    ),
    sources=(SourceSpec(kind="bluesky", name="bluesky", url="wss://jetstream.example/subscribe"),),
)

MARKS = (
    Mark(id="m1", kind=MarkKind.OPENED, at=at(0)),
    Mark(id="m2", kind=MarkKind.ITEM_STARTED, at=at(1), item="1"),
    Mark(id="m3", kind=MarkKind.ITEM_STARTED, at=at(3.2), item="2"),
    Mark(id="m4", kind=MarkKind.ITEM_STARTED, at=at(6), item="3"),
    Mark(id="m5", kind=MarkKind.ITEM_STARTED, at=at(19.5), item="4"),
    Mark(id="m6", kind=MarkKind.ITEM_STARTED, at=at(37.1), item="5"),
)

RULES = (
    RuleInForce(
        id="ventnor.personal_attack",
        kind="personal_attack",
        pack="ventnor",
        council="Ventnor Town Council",
        title="An attack on a person",
        paraphrase="Speak of the matter, not of the person. Do not tease, insult or belittle a colleague.",
        clauses={
            "5.1": "What members post during a meeting is about what is being discussed, and insults nobody.",
            "5.8": "Members treat each other, officers and residents with respect when they post.",
        },
        severity=Severity.WARNING,
        false_alarms=("Heat about a policy or a decision that names nobody.", "Friends teasing each other kindly."),
    ),
    RuleInForce(
        id="ventnor.off_topic",
        kind="off_topic",
        pack="ventnor",
        council="Ventnor Town Council",
        title="Not about what is being discussed",
        paraphrase="A post during the meeting is about the item being taken.",
        clauses={"5.1": "What members post during a meeting is to be about what is being discussed."},
        severity=Severity.NOTICE,
        false_alarms=("A word the agenda does not use for the same thing.",),
    ),
    RuleInForce(
        id="ventnor.closed_session_post",
        kind="closed_session_post",
        pack="ventnor",
        council="Ventnor Town Council",
        title="A post while the public were excluded",
        paraphrase="What is taken with the public excluded is not reported.",
        clauses={"8.5": "Nothing is posted from a meeting, or a part of one, that is closed to the public."},
        severity=Severity.CRITICAL,
        false_alarms=("A post about an earlier, open item.", "“We are in closed session now.”"),
    ),
)


def post(
    number: int,
    text: str,
    minutes: float,
    handle: str = "renfrew.example",
    name: str = "",
    media: Sequence[Media] = (),
    reply_to: Target | None = None,
) -> Post:
    """A post seen so many minutes into the meeting."""
    return Post(
        network="bluesky",
        id=f"at://did:plc:{handle.split('.')[0]}/app.bsky.feed.post/{number:04}",
        author=Author(handle, f"did:plc:{handle.split('.')[0]}", name),
        text=text,
        observed_at=at(minutes),
        media=tuple(media),
        reply_to=reply_to,
        source="bluesky",
    )


def spans(text: str, *words: str, label: str = "insult") -> tuple[Span, ...]:
    """Where these words stand in the text."""
    return tuple(Span(text.index(word), text.index(word) + len(word), label) for word in words)


def attack(
    number: int,
    text: str,
    minutes: float,
    *words: str,
    handle: str = "renfrew.example",
    member: str = "renfrew",
    reply_to: Target | None = None,
    marks: Sequence[Mark] = MARKS,
) -> FlagView:
    """A flag for a possible attack on a person."""
    seen = post(number, text, minutes, handle, reply_to=reply_to)
    return FlagView(
        flag=Flag(
            id=f"f{number:04}",
            rule="ventnor.personal_attack",
            kind="personal_attack",
            pack="ventnor",
            pack_hash="3f2a9c41d07e55b1",
            clauses=("5.1", "5.8"),
            title="An attack on a person",
            severity=Severity.WARNING,
            basis=Basis.READING,
            score=0.72,
            reason=f"Calls a colleague {' and '.join(f'“{word}”' for word in words) or 'something'}.",
            post=seen.key,
            version="",
            moment=Timeline(marks).moment(at(minutes)),
            raised_at=at(minutes + 0.05),
            member=member,
            spans=spans(text, *words),
            steps=(
                Step("the author is a member on the roster", True, who.name if (who := MEETING.member(member)) else ""),
                Step("the member was in the room", True),
                Step("insulting words", True, ", ".join(words)),
                Step("said of a person", True, "a colleague is answered or named"),
                Step("kindly meant", False, "no sign of a joke between friends"),
            ),
            passes_if="the words had been about the proposal and not about a person",
            chair_words="May I remind members that posts during the meeting stay with the business before us.",
        ),
        post=seen,
    )


def off_topic(
    number: int, text: str, minutes: float, handle: str = "oldroyd.example", member: str = "oldroyd"
) -> FlagView:
    """A flag for a post that may be about something else."""
    seen = post(number, text, minutes, handle)
    return FlagView(
        flag=Flag(
            id=f"f{number:04}",
            rule="ventnor.off_topic",
            kind="off_topic",
            pack="ventnor",
            pack_hash="3f2a9c41d07e55b1",
            clauses=("5.1",),
            title="Not about what is being discussed",
            severity=Severity.NOTICE,
            basis=Basis.READING,
            score=0.55,
            reason="Shares no word with the item being taken, nor with any other on the agenda.",
            post=seen.key,
            version="",
            moment=Timeline(MARKS).moment(at(minutes)),
            raised_at=at(minutes + 0.05),
            member=member,
            steps=(
                Step("an item was being taken", True, "5"),
                Step("shares words with the agenda", False, "none of 9"),
            ),
            passes_if="it had spoken of the car park",
            chair_words="May I ask members to keep their posts to the item before us.",
        ),
        post=seen,
    )


def closed(number: int, text: str, minutes: float, marks: Sequence[Mark]) -> FlagView:
    """A flag for a post while the public were excluded, with a picture."""
    seen = post(number, text, minutes, "brennan.example", media=[Media(MediaKind.IMAGE, "a page of figures on a desk")])
    return FlagView(
        flag=Flag(
            id=f"f{number:04}",
            rule="ventnor.closed_session_post",
            kind="closed_session_post",
            pack="ventnor",
            pack_hash="3f2a9c41d07e55b1",
            clauses=("8.5",),
            title="A post while the public were excluded",
            severity=Severity.CRITICAL,
            basis=Basis.FACT,
            score=1.0,
            reason="Posted with a picture while the public were excluded.",
            post=seen.key,
            version="",
            moment=Timeline(marks).moment(at(minutes)),
            raised_at=at(minutes + 0.05),
            member="brennan",
            steps=(Step("the public were excluded", True), Step("media attached", True, "picture")),
            passes_if="the public had been in the room",
            chair_words="May I remind members that nothing is to be posted while the public are excluded.",
        ),
        post=seen,
    )


FLAGS = (
    attack(
        1,
        "Toby's numbers again. Honestly the man is a complete muppet and all Quayside knows it. Ask for the invoices.",
        38.2,
        "complete muppet",
        handle="oldroyd.example",
        member="oldroyd",
        reply_to=Target("renfrew.example"),
    ),
    off_topic(2, "Anyone know a decent plumber? Boiler's gone again and the kids are freezing.", 39.4),
    attack(
        3, "@priyasandhu.example you were bone idle as chair of finance and you are bone idle now", 40.6, "bone idle"
    ),
)

SOURCES = (
    SourceState(
        name="bluesky",
        condition=SourceCondition.LIVE,
        since=at(-29),
        last_post=at(41.2),
        last_sign=at(41.95),
    ),
)

GAPS = (Gap(source="bluesky", start=at(12), end=at(13.5), filled=True),)


def snapshot(
    *,
    marks: Sequence[Mark] = MARKS,
    flags: Sequence[FlagView] = FLAGS,
    sources: Sequence[SourceState] = SOURCES,
    gaps: Sequence[Gap] = GAPS,
    now: datetime = NOW,
    meeting: Meeting = MEETING,
    following: bool = True,
    seq: int = 100,
) -> Snapshot:
    """What the service tells a desk that has just come."""
    return Snapshot(
        seq=seq,
        protocol=PROTOCOL,
        service="feedmon test",
        now=now,
        rate=1.0,
        meeting=meeting,
        marks=tuple(marks),
        flags=tuple(flags),
        sources=tuple(sources),
        gaps=tuple(gaps),
        faults=(),
        counts=Counts(members_posts=31, public_posts=118, skipped=0),
        rules=RULES,
        following=following,
    )
