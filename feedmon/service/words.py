"""The plain sentences the service says about marks and judging."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from feedmon.model.timeline import Mark, MarkKind, Timeline

JUDGED_AT_START = "Judged again when the service started: it no longer holds."
CAME_LATE = "An earlier post came late: it no longer holds."


def clock_time(at: datetime, zone: str) -> str:
    """``at`` as a person in the room would say it: hours and minutes, local."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def mark_words(mark: Mark, zone: str) -> str:
    """A mark in words: “item 7 started” at 19:42."""
    if mark.kind is MarkKind.ITEM_STARTED:
        words = f"item {mark.item} started"
    elif mark.kind is MarkKind.OUTCOME_ANNOUNCED:
        words = f"outcome of item {mark.item} announced"
    else:
        words = str(mark.kind).replace("_", " ")
    return f"“{words}” at {clock_time(mark.at, zone)}"


def why_cleared(mark: Mark, timeline: Timeline, zone: str) -> str:
    """Why a flag no longer stands, naming the mark that had its post judged again."""
    named = mark
    if mark.kind is MarkKind.WITHDRAWN:
        named = next((one for one in timeline.entered if one.id == mark.supersedes), mark)
        said = "was withdrawn"
    else:
        said = "was corrected" if mark.supersedes else "was marked"
    return f"Judged again after {mark_words(named, zone)} {said}: it no longer holds."
