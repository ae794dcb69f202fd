"""The timeline: a pure function of the set of marks."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.model.timeline import Mark, MarkKind, Moment, Phase, Timeline

START = datetime(2026, 3, 5, 19, 0, tzinfo=UTC)
ITEMS = ["1", "6. a)", "73", "STA/24"]
MEMBERS = ["helen", "toby"]
_PLAIN = [
    kind
    for kind in MarkKind
    if kind
    not in (
        MarkKind.WITHDRAWN,
        MarkKind.ITEM_STARTED,
        MarkKind.OUTCOME_ANNOUNCED,
        MarkKind.MEMBER_ARRIVED,
        MarkKind.MEMBER_LEFT,
    )
]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def mark(name: str, kind: str, minutes: float, **more: object) -> Mark:
    return msgspec.convert({"id": name, "kind": kind, "at": at(minutes).isoformat(), **more}, Mark)


@st.composite
def one_mark(draw: st.DrawFn, name: str) -> Mark:
    minute = draw(st.integers(0, 90))
    said = draw(st.integers(0, 30))
    kind = draw(
        st.sampled_from([*_PLAIN, MarkKind.ITEM_STARTED, MarkKind.ITEM_STARTED, MarkKind.OUTCOME_ANNOUNCED,
                         MarkKind.MEMBER_ARRIVED, MarkKind.MEMBER_LEFT])
    )  # fmt: skip
    about: dict[str, str] = {}
    if kind in (MarkKind.ITEM_STARTED, MarkKind.OUTCOME_ANNOUNCED):
        about["item"] = draw(st.sampled_from(ITEMS))
    if kind in (MarkKind.MEMBER_ARRIVED, MarkKind.MEMBER_LEFT):
        about["member"] = draw(st.sampled_from(MEMBERS))
    return Mark(id=name, kind=kind, at=at(minute), entered_at=at(minute + said), **about)


@st.composite
def evenings(draw: st.DrawFn) -> list[Mark]:
    """An evening's marks, some of them corrections of others."""
    marks = [draw(one_mark(f"m{index}")) for index in range(draw(st.integers(0, 14)))]
    for index in range(draw(st.integers(0, 4))):
        if not marks:
            break
        wrong = draw(st.sampled_from(marks))
        name = f"c{index}"
        if draw(st.booleans()):
            marks.append(
                Mark(id=name, kind=MarkKind.WITHDRAWN, at=wrong.at, entered_at=at(200 + index), supersedes=wrong.id)
            )
        else:
            right = draw(one_mark(name))
            marks.append(msgspec.structs.replace(right, supersedes=wrong.id, entered_at=at(200 + index)))
    return marks


def moments(timeline: Timeline) -> list[Moment]:
    return [timeline.moment(at(minute / 2)) for minute in range(-2, 190)]


@given(evenings(), st.randoms(use_true_random=False))
def test_the_order_in_which_marks_arrive_does_not_matter(marks, random) -> None:
    shuffled = list(marks)
    random.shuffle(shuffled)
    one_by_one = Timeline()
    for each in shuffled:
        one_by_one = one_by_one.adding(each)
    assert moments(one_by_one) == moments(Timeline(marks))
    assert one_by_one.stretches == Timeline(marks).stretches


@given(evenings())
def test_a_correction_equals_having_known_it_at_once(marks) -> None:
    """What is in force, taken alone as if it had been said in the first place, gives the same evening."""
    timeline = Timeline(marks)
    known_at_once = [msgspec.structs.replace(each, supersedes=None) for each in timeline.marks]
    assert moments(Timeline(known_at_once)) == moments(timeline)


@given(evenings())
def test_saying_a_mark_twice_changes_nothing(marks) -> None:
    assert moments(Timeline([*marks, *marks])) == moments(Timeline(marks))


@given(evenings())
def test_no_instant_is_in_two_items_and_adjourned_time_is_not_item_time(marks) -> None:
    timeline = Timeline(marks)
    stretches = timeline.stretches
    for earlier, later in itertools.pairwise(stretches):
        assert earlier.end is not None
        assert earlier.end <= later.start
    for moment in moments(timeline):
        holding = [s for s in stretches if s.start <= moment.at and (s.end is None or moment.at < s.end)]
        assert [s.item for s in holding] == ([moment.item] if moment.item is not None else [])
        if moment.item is not None:
            assert moment.phase is Phase.IN_SESSION


@settings(max_examples=40)
@given(evenings(), st.integers(0, 90))
def test_a_later_mark_leaves_earlier_moments_alone_except_what_is_public(marks, minute) -> None:
    """A mark without a correction only changes moments from its own instant on."""
    timeline = Timeline(marks)
    later = timeline.adding(Mark(id="later", kind=MarkKind.ADJOURNED, at=at(minute), entered_at=at(300)))
    for before, after in zip(moments(timeline), moments(later), strict=True):
        if before.at < at(minute):
            assert msgspec.structs.replace(before, public_items=frozenset()) == msgspec.structs.replace(
                after, public_items=frozenset()
            )


def test_an_adjournment_breaks_an_item_off_and_resuming_takes_it_up_again() -> None:
    timeline = Timeline(
        [
            mark("a", "opened", 0),
            mark("b", "item_started", 5, item="1"),
            mark("c", "adjourned", 15),
            mark("d", "resumed", 25),
            mark("e", "closed", 30),
        ]
    )
    pause = timeline.moment(at(20))
    assert (pause.phase, pause.item, pause.previous_item, pause.previous_until) == (Phase.ADJOURNED, None, "1", at(15))
    assert timeline.moment(at(26)).item == "1"
    assert timeline.moment(at(26)).item_since == at(25)
    assert timeline.moment(at(30)).phase is Phase.ENDED
    assert timeline.time_on("1", at(60)) == timedelta(minutes=15)


def test_the_agendas_closed_item_is_public_when_nobody_was_excluded() -> None:
    timeline = Timeline([mark("a", "item_started", 5, item="73"), mark("b", "item_started", 15, item="1")])
    assert "73" in timeline.moment(at(6)).public_items
    assert "73" not in timeline.moment(at(4)).public_items
    late = timeline.adding(mark("c", "public_excluded", 7))
    assert "73" not in late.moment(at(6)).public_items, "a late word that the room was closed counts for all of it"
    announced = late.adding(mark("d", "outcome_announced", 20, item="73"))
    assert "73" not in announced.moment(at(19)).public_items
    assert "73" in announced.moment(at(20)).public_items


def test_the_close_ends_everything_and_nothing_follows_it() -> None:
    timeline = Timeline(
        [mark("a", "public_excluded", 1), mark("b", "closed", 5), mark("c", "item_started", 6, item="1")]
    )
    moment = timeline.moment(at(7))
    assert (moment.phase, moment.item, moment.closed_session) == (Phase.ENDED, None, False)


def test_members_come_and_go() -> None:
    timeline = Timeline([mark("a", "member_left", 5, member="helen"), mark("b", "member_arrived", 9, member="toby")])
    assert timeline.moment(at(4)).is_present("helen", at_start=True)
    assert not timeline.moment(at(5)).is_present("helen", at_start=True)
    assert not timeline.moment(at(8)).is_present("toby", at_start=False)
    assert timeline.moment(at(9)).is_present("toby", at_start=False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "item_started"}, "needs the item"),
        ({"kind": "adjourned", "item": "1"}, "not about an item"),
        ({"kind": "member_left"}, "needs member"),
        ({"kind": "withdrawn"}, "must name the mark"),
        ({"kind": "opened", "supersedes": "x"}, "cannot supersede itself"),
        ({"kind": "opened", "at": "2026-03-05T19:00:00"}, "timezone"),
    ],
)
def test_a_mark_that_could_mean_nothing_cannot_be_made(fields, words) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({"id": "x", "at": "2026-03-05T19:00:00Z", **fields}, Mark)
