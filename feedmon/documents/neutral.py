"""Posts and marks in plain JSON, one to a line, as anyone can write them. For judging without a feed.

The formats are in ``feedmon/docs/formats.md``. Blank lines are skipped. In a post, a key feedmon does not know is
passed over, so that other people's data can be judged as it is, unless it is surely a slip of one it knows. Every
mistake is told with its line, all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from feedmon.documents.files import MEGABYTE, read_text_or_stdin, shown
from feedmon.documents.located import Like, Mistakes, Turned, Unfit
from feedmon.model.instants import Instant
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.model.problems import did_you_mean
from feedmon.model.timeline import Mark, MarkKind

_LARGEST: Final = 500 * MEGABYTE
T = TypeVar("T", bound=msgspec.Struct)


def _not_empty(text: str) -> str:
    if not text.strip():
        raise Unfit("must not be empty.")
    return text


def _person(who: str) -> str:
    return _not_empty(who.strip().removeprefix("@"))


Name = Annotated[str, Turned(_not_empty)]
Handle = Annotated[str, Turned(_person)]


class _AuthorLine(msgspec.Struct, frozen=True, kw_only=True):
    """Who posted, when more is known than a handle."""

    handle: Handle
    id: str | None = None
    name: str = ""


class _TargetLine(msgspec.Struct, frozen=True, kw_only=True):
    """Whom or what a post is aimed at; at least one of the three."""

    handle: Handle | None = None
    id: str | None = None
    post: str | None = None

    def __post_init__(self) -> None:
        if not (self.handle or self.id or self.post):
            raise ValueError("names nobody; give its handle, id or post")


Targeted = Handle | _TargetLine | None


class _PostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One post, as it stands on a line."""

    id: Annotated[Name, Like('"id": "1"')]
    network: Annotated[Name, Like('"network": "bluesky"')]
    author: Annotated[Handle | _AuthorLine, Like('"author": "name.example"')]
    text: Annotated[str, Like('"text": "Item 4 now."')]
    observed_at: Annotated[Instant, Like('"observed_at": "2026-03-05T19:02:00Z"')]
    version: str | None = None
    received_at: Instant | None = None
    claimed_at: Instant | None = None
    links: list[str] | None = None
    hashtags: list[str] | None = None
    media: list[MediaKind | Media] | None = None
    mentions: list[Handle | _TargetLine] | None = None
    reply_to: Targeted = None
    thread: Targeted = None
    quote: Targeted = None
    repost_of: Targeted = None
    langs: list[str] | None = None
    source: str | None = None
    captured_by: str | None = None

    def post(self) -> Post:
        """The post it stands for."""
        return Post(
            network=self.network,
            id=self.id,
            author=_author(self.author),
            text=self.text,
            observed_at=self.observed_at,
            version=self.version or "",
            received_at=self.received_at,
            claimed_at=self.claimed_at,
            links=tuple(self.links or ()),
            hashtags=tuple(tag.removeprefix("#") for tag in self.hashtags or ()),
            media=tuple(one if isinstance(one, Media) else Media(one) for one in self.media or ()),
            mentions=tuple(_target(one) for one in self.mentions or ()),
            reply_to=_target(self.reply_to) if self.reply_to else None,
            thread=_target(self.thread) if self.thread else None,
            quote=_target(self.quote) if self.quote else None,
            repost_of=_target(self.repost_of) if self.repost_of else None,
            langs=tuple(self.langs or ()),
            source=self.source or "",
            captured_by=self.captured_by or "",
        )


class _MarkLine(msgspec.Struct, frozen=True, kw_only=True):
    """One mark, as it stands on a line. Without an id of its own it goes by the number of its line."""

    kind: Annotated[MarkKind, Like('"kind": "item_started"')]
    at: Annotated[Instant, Like('"at": "2026-03-05T19:02:00Z"')]
    id: Name | None = None
    entered_at: Instant | None = None
    item: str | None = None
    member: str | None = None
    note: str | None = None
    by: str | None = None
    supersedes: str | None = None


def read_posts(path: Path) -> tuple[Post, ...]:
    """The posts of a JSONL file (``-`` is standard input), in its order. Raises BadInput with every mistake."""
    text, place = read_text_or_stdin(path, most=_LARGEST)
    mistakes = _mistakes(place, only_slips=True)
    posts: list[Post] = []
    versions: dict[tuple[str, str, str], tuple[int, Post]] = {}
    for number, line in _lines(text, mistakes, _PostLine):
        post = line.post()
        first, same = versions.setdefault((post.network, post.id, post.version), (number, post))
        if same != post:
            message = f"this id is that of another post on line {first + 1}."
            mistakes.add((number, "id"), message, 'If it is an edit of that one, give it a "version" of its own.')
        posts.append(post)
    mistakes.refuse()
    return tuple(posts)


def read_marks(path: Path, meeting: Meeting | None = None) -> tuple[Mark, ...]:
    """The marks of a JSONL file (``-`` is standard input), in its order.

    With a meeting, items and members must be that meeting's. Raises BadInput with every mistake.
    """
    text, place = read_text_or_stdin(path, most=_LARGEST)
    mistakes = _mistakes(place)
    marks: dict[str, tuple[int, Mark]] = {}
    for number, line in _lines(text, mistakes, _MarkLine):
        values = {key: value for key, value in msgspec.structs.asdict(line).items() if value is not None}
        try:
            mark = Mark(**{"id": str(number + 1), **values})
        except ValueError as error:
            mistakes.add((number,), f"{error}.")
            continue
        if mark.id in marks:
            mistakes.add((number, "id"), f"“{shown(mark.id)}” is the mark on line {marks[mark.id][0] + 1} already.")
        marks.setdefault(mark.id, (number, mark))
        if meeting is not None:
            _check_words(mark, meeting, number, mistakes)
    for number, mark in marks.values():
        if mark.supersedes is not None and mark.supersedes not in marks:
            message = f"there is no mark “{shown(mark.supersedes)}” in this file."
            mistakes.add((number, "supersedes"), message, did_you_mean(shown(mark.supersedes), marks))
    mistakes.refuse()
    return tuple(mark for _, mark in marks.values())


def _check_words(mark: Mark, meeting: Meeting, number: int, mistakes: Mistakes) -> None:
    if mark.item is not None and meeting.item(mark.item) is None:
        mend = did_you_mean(shown(mark.item), [item.number for item in meeting.items])
        mistakes.add((number, "item"), f"the agenda has no item “{shown(mark.item)}”.", mend)
    if mark.member is not None and meeting.member(mark.member) is None:
        mend = did_you_mean(shown(mark.member), [member.id for member in meeting.members])
        mistakes.add((number, "member"), f"the roster has no member “{shown(mark.member)}”.", mend)


def _mistakes(place: str, *, only_slips: bool = False) -> Mistakes:
    return Mistakes(place, only_slips=only_slips, by_line=True, table="an object")


def _lines(text: str, mistakes: Mistakes, kind: type[T]) -> Iterator[tuple[int, T]]:
    """The sound lines and their numbers, counted from 0; the others are taken down."""
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        try:
            data: Any = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            said = "nested too deep" if isinstance(error, RecursionError) else shown(error)
            if line.strip() in ("[", "{"):
                mistakes.add((number,), "begins JSON that goes over several lines.", "Write one object on each line.")
                return
            mistakes.add((number,), f"is not JSON: {said}.", "Each line is one object: {…}.")
            continue
        if number == 0 and isinstance(data, list):
            mistakes.add((number,), "is one list of everything.", "Write each of its objects on a line of its own.")
            return
        read = mistakes.read(data, kind, (number,))
        if read is not None:
            yield number, read


def _author(who: str | _AuthorLine) -> Author:
    if isinstance(who, _AuthorLine):
        return Author(who.handle, who.id, who.name)
    return Author(who, who if who.startswith("did:") else None)


def _target(whom: str | _TargetLine) -> Target:
    if isinstance(whom, _TargetLine):
        return Target(whom.handle, whom.id, whom.post)
    if whom.startswith("did:"):
        return Target(id=whom)
    if whom.startswith(("at://", "https://", "http://")):
        return Target(post=whom)
    return Target(whom)
