"""One table of keys, without clashes, that the footer, the help page, the palette and the bindings all read."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest
from textual.binding import Binding

from feedmon.wire import DecisionKind, DismissReason, FlagState, Severity, SourceCondition
from tests.desk.driving import read, seated
from tests.desk.evening import snapshot
from tui import signs
from tui.acts import Acts
from tui.keys import ACTS, Group, act
from tui.model.glance import Word
from tui.screens.desk import DeskScreen
from tui.widgets.bigword import big


def test_no_key_does_two_things() -> None:
    """Every key and every name stands once in the table."""
    for names in ((key for entry in ACTS for key in entry.keys.split(",")), (entry.id for entry in ACTS)):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_act_can_be_done_and_every_deed_has_a_key() -> None:
    """The table and the code that acts name the same acts."""
    deeds = {name for name, _ in inspect.getmembers(Acts, inspect.isfunction) if not name.startswith("_")}
    moves = {name.removeprefix("do_") for name, _ in inspect.getmembers(DeskScreen) if name.startswith("do_")}
    assert deeds | moves == {entry.id for entry in ACTS}
    assert not deeds & moves


def test_bindings_come_from_the_table() -> None:
    """The screen binds exactly the table, each by its permanent name, so that a key map can move it."""
    bound = {binding.id: binding.key for binding in DeskScreen.BINDINGS if isinstance(binding, Binding)}
    assert bound == {entry.id: entry.keys for entry in ACTS}
    assert act("next").keys == "n"


def test_help_fits_a_small_screen() -> None:
    """Each sentence stands on one line of an 80-column help page."""
    assert [entry.id for entry in ACTS if len(entry.help) > 66 or not entry.help.endswith(".")] == []


async def test_help_and_footer_show_the_table() -> None:
    """The help page has every act; the footer those that make sense now, and as much of both groups as fits."""
    async with seated(snapshot(), size=(80, 60)) as seat:
        foot = seat.text("#foot")
        for entry in ACTS:
            if entry.group is not Group.MOVE:
                shown = not entry.hindrance(seat.desk.situation())
                assert (f"{entry.shown} {entry.label(seat.desk.situation())}" in foot) is shown
        await seat.press("question_mark")
        page = read(seat.app.screen)
        assert all(entry.help in page for entry in ACTS)


async def test_labels_follow_the_room() -> None:
    """A toggle's label says what the key would do now."""
    async with seated(snapshot()) as seat:
        assert "a adjourn" in seat.text("#foot")
        await seat.press("a")
        assert "a resume" in seat.text("#foot")


@pytest.mark.parametrize(
    ("table", "states"),
    [
        (signs.SEVERITY, Severity),
        (signs.STATE, FlagState),
        (signs.CONDITION, SourceCondition),
        (signs.GLANCE, Word),
    ],
)
def test_signs_are_told_apart_without_colour(table: dict[object, signs.Sign], states: type) -> None:
    """Every state has a sign; no two share a glyph or a word; each glyph is one cell."""
    assert set(table) == set(states)
    assert len({sign.glyph for sign in table.values()}) == len(table)
    assert len({sign.word for sign in table.values()}) == len(table)
    assert all(len(sign.glyph) == 1 for sign in table.values())


def test_every_reason_and_decision_can_be_said() -> None:
    """Each reason has a letter of its own, none of them escape's; each decision its words."""
    assert set(signs.REASONS) == set(DismissReason)
    assert len({key for key, _ in signs.REASONS.values()}) == len(signs.REASONS)
    assert set(signs.DECISION) == set(DecisionKind)


@pytest.mark.parametrize("word", Word)
def test_the_big_word_fits_its_place(word: Word) -> None:
    """Three rows, all as wide as each other, and no wider than the header gives."""
    lines = big(word).plain.split("\n")
    assert len(lines) == 3
    assert len({len(row) for row in lines}) == 1
    assert len(lines[0]) <= 32
