"""The meeting of these tests, its judge, and posts and marks in it. All invented."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import msgspec

from feedmon.documents.packs import example_meeting, read_packs
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import Pack
from feedmon.model.flags import Flag
from feedmon.model.meeting import Meeting
from feedmon.model.posts import Author, Media, MediaKind, Post, Seen
from feedmon.model.timeline import MarkKind
from feedmon.service.effects import Effects
from feedmon.service.meeting_state import MeetingState
from feedmon.wire import MarkRequest

BRENNAN = Author("aoifebrennan.example", "did:plc:brennan", "Cllr Aoife Brennan")
OLDROYD = Author("oldroyd.example", "did:plc:oldroyd", "Graham Oldroyd")
ABSENT = Author("mtull.example", "did:plc:tull", "Margaret Tull")
RESIDENT = Author("gullwatcher.example", "did:plc:gullwatcher", "Gull Watcher")

HARMLESS = "Quayside car park report is on the table now. #SaltmarshTC"
GOSSIP = "Well, this is getting heated. Some colleagues have very short memories. #SaltmarshTC"
THREAT = "Renfrew I know where you live and I am coming round to break your legs #SaltmarshTC"
INSULT = "Cllr Oldroyd is an absolute muppet #SaltmarshTC"
RESIDENTS_VIEW = "Anyone know why the harbour lights were off last night? #SaltmarshTC"


@cache
def meeting() -> Meeting:
    return example_meeting()


@cache
def packs() -> tuple[Pack, ...]:
    """Ventnor's rules with the lexicons these tests need: to make them all ready takes most of a second."""
    needed = {"private_session", "threats", "insults", "people"}
    return tuple(
        msgspec.structs.replace(pack, lexicons=tuple(one for one in pack.lexicons if one.id in needed))
        for pack in read_packs(["ventnor"])
    )


@cache
def judge() -> Judge:
    return Judge(meeting(), packs())


def at(minutes: float) -> datetime:
    """So many minutes after the window opens (18:30)."""
    return meeting().window.starts + timedelta(minutes=minutes)


def post(
    number: int,
    minutes: float,
    text: str = HARMLESS,
    author: Author = BRENNAN,
    *,
    version: str = "",
    photo: bool = False,
) -> Post:
    return Post(
        network="bluesky",
        id=f"at://{author.id}/app.bsky.feed.post/{number}",
        author=author,
        text=text,
        observed_at=at(minutes),
        version=version,
        media=(Media(MediaKind.IMAGE),) if photo else (),
        source="bluesky",
    )


def seen(*args: object, **kwargs: object) -> Seen:
    return Seen(post(*args, **kwargs))  # type: ignore[arg-type]  # the same arguments


def mark(name: str, kind: MarkKind, minutes: float, **fields: str) -> MarkRequest:
    return MarkRequest(id=name, kind=kind, at=at(minutes), **fields)


def fresh() -> MeetingState:
    return MeetingState(meeting(), judge())


def settle(state: MeetingState, now: datetime) -> Effects:
    """Judge again everything that waits for it."""
    effects = Effects()
    while state.unsettled:
        effects.add(state.settle(now))
    return effects


def standing(state: MeetingState) -> dict[str, tuple[Flag, object, object]]:
    """The flags that stand, apart from when each was raised; with when their posts were deleted and edited."""
    return {
        view.flag.id: (msgspec.structs.replace(view.flag, raised_at=at(0)), view.deleted_at, view.edited_at)
        for view in state.shown()
        if view.cleared is None
    }
