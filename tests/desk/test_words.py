"""How the desk says times, moments, marks and decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from feedmon.wire import Decision, DecisionKind, DismissReason, Mark, MarkKind, Timeline
from tests.desk.evening import FLAGS, MEETING, NOW, at
from tui import words

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("seconds", "age", "taken"),
    [
        (-3, "0 s", None),
        (0, "0 s", "0:00"),
        (59.9, "59 s", "0:59"),
        (60, "1 min", "1:00"),
        (3599, "59 min", "59:59"),
        (3900, "1 h 05", "1:05:00"),
    ],
)
def test_ages_and_times_taken(seconds: float, age: str, taken: str | None) -> None:
    """Ages are rough, times taken exact; a clock a little behind is no negative age."""
    assert words.age(timedelta(seconds=seconds)) == age
    if taken is not None:
        assert words.taken(timedelta(seconds=seconds)) == taken


def test_times_are_local() -> None:
    """In summer a London meeting's clock is an hour before UTC."""
    june = datetime(2026, 6, 4, 18, 5, 9, tzinfo=UTC)
    assert words.second(june, LONDON) == "19:05:09"
    assert words.hour(june, LONDON) == "19:05"
    assert words.day(datetime(2026, 6, 4, 23, 30, tzinfo=UTC), LONDON) == "Fri 5 Jun 2026"


def test_clauses_are_named_together() -> None:
    """One, several, or none."""
    assert words.clauses(("5.1",)) == "clause 5.1"
    assert words.clauses(("5.1", "5.8", "9.5")) == "clauses 5.1, 5.8 and 9.5"
    assert words.clauses(()) == "no clause named"


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ((), "Before the meeting was opened."),
        ((MarkKind.OPENED,), "In session, between items."),
        ((MarkKind.ITEM_STARTED,), "During item 5, Quayside car park: charges and resurfacing, 2 min in."),
        (
            (MarkKind.ITEM_STARTED, MarkKind.ADJOURNED),
            "While adjourned since 19:40; item 5, Quayside car park: charges and resurfacing had been taken.",
        ),
        ((MarkKind.OPENED, MarkKind.CLOSED), "After the meeting, closed at 19:40."),
        (
            (MarkKind.OPENED, MarkKind.PUBLIC_EXCLUDED, MarkKind.RECORDING_SUSPENDED, MarkKind.ASKED_NOT_TO_POST),
            "In session, between items, the public excluded since 19:40, recording suspended since 19:40, "
            "members asked not to post since 19:40.",
        ),
    ],
)
def test_moments_are_told_in_a_sentence(kinds: tuple[MarkKind, ...], told: str) -> None:
    """What was so when a post was seen, as one would say it."""
    marks = [
        Mark(
            id=str(n), kind=kind, at=at(40), entered_at=at(40 + n), item="5" if kind is MarkKind.ITEM_STARTED else None
        )
        for n, kind in enumerate(kinds)
    ]
    assert words.moment(Timeline(marks).moment(NOW), MEETING, LONDON) == told


@pytest.mark.parametrize("kind", [kind for kind in MarkKind if kind is not MarkKind.WITHDRAWN])
def test_every_mark_can_be_said(kind: MarkKind) -> None:
    """Each kind has words that begin with a capital and show no underscore."""
    item = "5" if kind in (MarkKind.ITEM_STARTED, MarkKind.OUTCOME_ANNOUNCED, MarkKind.PUBLIC_EXCLUDED) else None
    member = "sandhu" if kind in (MarkKind.MEMBER_ARRIVED, MarkKind.MEMBER_LEFT) else None
    said = words.mark(Mark(id="m", kind=kind, at=NOW, item=item, member=member), MEETING)
    assert said[0].isupper()
    assert "_" not in said
    assert item is None or "item 5, quayside" in said.casefold()
    assert member is None or "Priya Sandhu" in said


def test_decisions_are_said_with_their_reason() -> None:
    """A dismissal says why; the rest say what."""
    dismissed = Decision(id="d", flag="f", kind=DecisionKind.DISMISS, at=NOW, reason=DismissReason.HUMOUR)
    assert words.decision(dismissed) == "Dismissed: humour"
    assert words.decision(Decision(id="d", flag="f", kind=DecisionKind.REFER, at=NOW)) == "Referred"


def test_an_unknown_item_or_member_is_still_said() -> None:
    """A mark made at another desk may name what this meeting's file has not."""
    assert words.mark(Mark(id="m", kind=MarkKind.ITEM_STARTED, at=NOW, item="99"), MEETING) == "Item 99 began"
    assert words.mark(Mark(id="m", kind=MarkKind.MEMBER_LEFT, at=NOW, member="nobody"), MEETING) == "nobody left"
    assert words.item("5", MEETING).startswith("item 5")


@pytest.mark.parametrize(
    ("score", "told"), [(1.0, "a strong reading"), (0.72, "a reading"), (0.3, "a weak reading of the text, score 0.30")]
)
def test_a_reading_is_never_called_certain(score: float, told: str) -> None:
    """However high its score, a reading is a reading."""
    said = words.basis(msgspec.structs.replace(FLAGS[0].flag, score=score))
    assert said.startswith(told)
    assert "%" not in said
