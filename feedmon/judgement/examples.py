"""A rule's own examples, judged in the example meeting. A pack is in force only when all of them hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from feedmon.judgement.judge import Judge, Judged
from feedmon.judgement.packs import As, During, Example, Pack, Rule
from feedmon.model.flags import Severity
from feedmon.model.meeting import Account, AccountRole, Meeting, Member
from feedmon.model.posts import Author, Media, Post, Target
from feedmon.model.problems import Problem
from feedmon.model.timeline import Mark, MarkKind, Timeline

_NETWORK = "bluesky"


class Setting(msgspec.Struct, frozen=True):
    """An example made real: the post, those before it, and the marks of the evening it falls in."""

    post: Post
    timeline: Timeline
    before: tuple[Post, ...] = ()


def stage(example: Example, meeting: Meeting) -> Setting:
    """Put an example into a meeting: posted an hour into it, in the state and at the item it names.

    Raises ValueError when the meeting has nobody for a part the example needs.
    """
    posted = meeting.window.starts + timedelta(hours=1)
    part = _author(example.author, meeting)
    author = Author(example.handle or part.handle, part.id, part.name if example.name is None else example.name)
    post = Post(
        network=_NETWORK,
        id="example",
        author=author,
        text=example.text,
        observed_at=posted,
        links=example.links,
        media=tuple(Media(kind, example.alt) for kind in example.media),
        mentions=tuple(_target(part, meeting) for part in example.mentions),
        reply_to=_target(example.reply_to, meeting) if example.reply_to else None,
        quote=_target(example.quote, meeting) if example.quote else None,
        repost_of=_target(example.repost_of, meeting) if example.repost_of else None,
    )
    return Setting(post, Timeline(_marks(example, meeting, posted)), tuple(_before(example, meeting, posted)))


def judged(example: Example, judge: Judge, rules: Sequence[Rule]) -> Judged:
    """The example judged by some rules, in the judge's own meeting."""
    setting = stage(example, judge.meeting)
    moment = setting.timeline.moment(setting.post.observed_at)
    earlier = sorted(note for post in setting.before if (note := judge.noted(post)) is not None)
    return judge.ask(rules, setting.post, moment, setting.post.observed_at, earlier)


def broken(pack: Pack, judge: Judge, place: str) -> list[Problem]:
    """Every example of the pack that does not hold, with what happened instead."""
    problems: list[Problem] = []
    for rule in pack.rules:
        for example in rule.flags + rule.passes:
            (tried,) = judged(example, judge, [rule]).tried
            failed = next((step for step in tried.steps if not step.held), None)
            quoted = f"“{example.text[:70]}{'…' if len(example.text) > 70 else ''}”"
            where = f"{place}: rule {rule.id}"
            if example in rule.flags and (
                tried.flag is None or tried.flag.severity.rank < min(example.least.rank, rule.severity.rank)
            ):
                if tried.flag is not None:
                    why = f"its flag is only {tried.flag.severity}."
                elif failed is not None:
                    why = f"it stopped at: {failed.condition}{f' ({failed.detail})' if failed.detail else ''}."
                else:
                    why = "no condition failed."
                problems.append(Problem(where, f"must flag {quoted} but does not;", why))
            elif example in rule.passes and tried.flag is not None and tried.flag.severity is not Severity.INFO:
                problems.append(Problem(where, f"must not flag {quoted} but does:", tried.flag.reason))
    return problems


def _marks(example: Example, meeting: Meeting, posted: datetime) -> list[Mark]:
    began = posted - timedelta(minutes=example.minutes)
    closed_item = next((item.number for item in meeting.items if item.closed), None)
    open_items = [item.number for item in meeting.items if not item.closed and item.report]
    first = open_items[0] if open_items else (meeting.items[0].number if meeting.items else "1")
    marks: list[Mark] = []

    def mark(kind: MarkKind, at: datetime, item: str | None = None) -> None:
        marks.append(Mark(id=f"example-{len(marks)}", kind=kind, at=at, item=item))

    if example.during is During.BEFORE:
        return marks
    opened = meeting.window.starts + timedelta(minutes=5)
    mark(MarkKind.OPENED, opened)
    item = example.item or first
    for index, number in enumerate(number for number in open_items if number != item):
        mark(MarkKind.ITEM_STARTED, opened + timedelta(minutes=1 + index), number)
    match example.during:
        case During.OPEN:
            mark(MarkKind.ITEM_STARTED, began, item)
        case During.CLOSED:
            mark(MarkKind.PUBLIC_EXCLUDED, began)
            mark(MarkKind.ITEM_STARTED, began, example.item or closed_item or first)
        case During.SUSPENDED | During.ASKED:
            mark(MarkKind.ITEM_STARTED, began - timedelta(minutes=1), item)
            suspended = example.during is During.SUSPENDED
            mark(MarkKind.RECORDING_SUSPENDED if suspended else MarkKind.ASKED_NOT_TO_POST, began)
        case During.ADJOURNED:
            mark(MarkKind.ITEM_STARTED, began - timedelta(minutes=1), item)
            mark(MarkKind.ADJOURNED, began)
        case During.AFTER:
            mark(MarkKind.CLOSED, began)
    return marks


def _before(example: Example, meeting: Meeting, posted: datetime) -> Iterator[Post]:
    for place, earlier in enumerate(example.before):
        for time in range(earlier.times):
            yield Post(
                network=_NETWORK,
                id=f"example-{place}-{time}",
                author=_author(earlier.author, meeting),
                text=earlier.text,
                observed_at=posted - timedelta(minutes=earlier.minutes, seconds=-5 * time),
                mentions=tuple(_target(part, meeting) for part in earlier.mentions),
                reply_to=_target(earlier.reply_to, meeting) if earlier.reply_to else None,
            )


def _author(part: As, meeting: Meeting) -> Author:
    if part is As.PUBLIC:
        return Author("a.resident.example", "did:plc:resident", "A resident")
    if part is As.COUNCIL:
        account = _account_of(meeting.council.accounts, "the council")
        return Author(account.handle, account.id, meeting.council.name)
    if part is As.OFFICER:
        raise ValueError("an officer has no account in a meeting file, and cannot post an example")
    if part is As.PERSONAL_ACCOUNT:
        return _personal(meeting)
    member = _member(part, meeting)
    account = _account_of(member.accounts, member.name)
    return Author(account.handle, account.id, member.name)


def _personal(meeting: Meeting) -> Author:
    for member in meeting.members:
        for account in member.accounts:
            if member.present and account.role is AccountRole.PERSONAL:
                return Author(account.handle, account.id, member.name)
    raise ValueError("no member present has a personal account in the meeting file")


def _target(part: As, meeting: Meeting) -> Target:
    if part is As.OFFICER:
        officer = meeting.officers[-1] if meeting.officers else None
        return Target(handle=f"{officer.name.replace(' ', '').casefold()}.example" if officer else "officer.example")
    author = _author(part, meeting)
    return Target(handle=author.handle, id=author.id)


def _member(part: As, meeting: Meeting) -> Member:
    ordinary = [m for m in meeting.members if m.present and not m.offices and not m.spokesperson and m.accounts]
    choices = {
        As.MEMBER: ordinary[:1],
        As.OTHER_MEMBER: ordinary[1:2],
        As.ABSENT_MEMBER: [m for m in meeting.members if not m.present],
        As.CHAIR: [m for m in meeting.members if {"Chair", "Mayor", "Chairman"} & set(m.offices)],
        As.LEADER: [m for m in meeting.members if "Leader" in m.offices],
    }
    if not choices[part]:
        raise ValueError(f"{meeting.title} has no one to be “{part.value}”")
    return choices[part][0]


def _account_of(accounts: tuple[Account, ...], whose: str) -> Account:
    if not accounts:
        raise ValueError(f"{whose} has no account in the meeting file")
    return accounts[0]
