"""Decisions: append-only, with undo and redo, and the state they leave a flag in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.decisions import Decision, DecisionKind, DismissReason, FlagState, in_force, state_of

START = datetime(2026, 3, 5, 19, 0, tzinfo=UTC)


def decided(name: str, kind: DecisionKind, second: int, **more: object) -> Decision:
    return Decision(id=name, flag="f", kind=kind, at=START + timedelta(seconds=second), **more)  # type: ignore[arg-type]


def test_the_last_decision_in_force_says_where_a_flag_stands() -> None:
    keep = decided("1", DecisionKind.KEEP, 1)
    note = decided("2", DecisionKind.NOTE, 2, words="rang the leader")
    dismiss = decided("3", DecisionKind.DISMISS, 3, reason=DismissReason.FAIR_COMMENT)
    undo = decided("4", DecisionKind.UNDO, 4, undoes="3")
    redo = decided("5", DecisionKind.UNDO, 5, undoes="4")
    assert state_of([]) is FlagState.NEW
    assert state_of([keep, note]) is FlagState.KEPT
    assert state_of([keep, note, dismiss]) is FlagState.DISMISSED
    assert state_of([keep, note, dismiss, undo]) is FlagState.KEPT
    assert state_of([keep, note, dismiss, undo, redo]) is FlagState.DISMISSED
    assert [each.id for each in in_force([keep, note, dismiss, undo])] == ["1", "2"]


@given(st.permutations(range(6)))
def test_the_order_in_which_decisions_arrive_does_not_matter(order) -> None:
    decisions = [
        decided("0", DecisionKind.KEEP, 0),
        decided("1", DecisionKind.CONFIRM, 1),
        decided("2", DecisionKind.UNDO, 2, undoes="1"),
        decided("3", DecisionKind.TELL_CHAIR, 3, words="A word with all members."),
        decided("4", DecisionKind.UNDO, 4, undoes="3"),
        decided("5", DecisionKind.UNDO, 5, undoes="2"),
    ]
    assert state_of([decisions[index] for index in order]) is FlagState.CONFIRMED


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "dismiss"},
        {"kind": "keep", "reason": "humour"},
        {"kind": "tell_chair", "words": "  "},
        {"kind": "note"},
        {"kind": "undo"},
        {"kind": "keep", "undoes": "1"},
        {"kind": "keep", "flag": ""},
    ],
)
def test_a_decision_that_could_mean_nothing_cannot_be_made(fields) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "x", "flag": "f", "at": "2026-03-05T19:00:00Z", **fields}, Decision)
