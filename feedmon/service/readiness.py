"""Whether the service does what it is there for, part by part. Being alive is another question."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from feedmon.journal import Journal
from feedmon.model.sourcestate import SourceCondition
from feedmon.service.pipeline import Followed
from feedmon.service.words import clock_time

_WELL = frozenset({SourceCondition.LIVE, SourceCondition.QUIET})


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part asked: its name, whether it is ready, and in plain words why not."""

    part: str
    ready: bool
    why: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Every part's answer; ready when all are."""

    ready: bool
    parts: tuple[Part, ...]


def readiness(meetings: Iterable[Followed], journal: Journal, now: datetime) -> Readiness:
    """Ask the journal, and of each meeting its window and its sources, in turn."""
    fault = journal.fault
    parts = [Part(part="journal", ready=fault is None, why=str(fault or ""))]
    for followed in meetings:
        board = followed.channel.board
        name, zone = board.meeting.id, board.meeting.timezone
        why = ""
        if not board.following:
            starts = board.meeting.window.starts
            why = f"following begins at {clock_time(starts, zone)}" if now < starts else "following is over"
        parts.append(Part(part=f"{name}: window", ready=board.following, why=why))
        parts += [
            Part(
                part=f"{name}: {source.name}",
                ready=source.condition in _WELL,
                why="" if source.condition in _WELL else f"{source.condition}: {source.why}".removesuffix(": "),
            )
            for source in board.sources
            if source.name != "journal"
        ]
    return Readiness(ready=all(part.ready for part in parts), parts=tuple(parts))
