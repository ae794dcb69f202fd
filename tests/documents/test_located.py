"""Conversion of parsed data: the shapes that packs, posts and meeting files are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.documents.located import Mistakes, Turned, Unfit
from feedmon.model.instants import Instant
from feedmon.model.problems import BadInput
from tests.documents.papers import problems_of


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    as_: Colour = msgspec.field(default=Colour.RED, name="as")

    def __post_init__(self) -> None:
        if self.name == "no":
            raise ValueError("a leaf is not called no")


def _even(value: int) -> int:
    if value % 2:
        raise Unfit("is odd.", "Add one.")
    return value // 2


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = {}
    either: str | Leaf = ""
    number: Annotated[int, msgspec.Meta(ge=0, lt=10), Turned(_even)] = 0
    share: float = 0.0
    pair: tuple[int, str] = (0, "")
    words: frozenset[str] = frozenset()
    at: Instant | None = None
    day: date | None = None
    fixed: Literal["a", "b"] = "a"
    short: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "x"
    anything: Any = None


def read(data: object) -> Tree:
    mistakes = Mistakes("tree.json")
    tree = mistakes.read(data, Tree)
    mistakes.refuse()
    assert tree is not None
    return tree


def test_every_shape_is_read() -> None:
    tree = read({
        "leaf": {"name": "a", "as": "green"}, "leaves": [{"name": "b"}], "by_name": {"x": {"name": "c"}},
        "either": {"name": "d"}, "number": 4, "share": 1, "pair": [1, "x"], "words": ["y", "y"],
        "at": "2026-03-05T19:02:00+01:00", "day": "2026-03-05", "fixed": "b", "short": "abc", "anything": {"z": [None]},
    })  # fmt: skip
    assert tree == Tree(
        leaf=Leaf(name="a", as_=Colour.GREEN), leaves=(Leaf(name="b"),), by_name={"x": Leaf(name="c")},
        either=Leaf(name="d"), number=2, share=1.0, pair=(1, "x"), words=frozenset("y"),
        at=datetime(2026, 3, 5, 18, 2, tzinfo=UTC), day=date(2026, 3, 5), fixed="b", short="abc",
        anything={"z": [None]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], "tree.json: should be a table, not a list."),
        ({"leaf": {}}, "leaf.name: is missing."),
        ({"leaf": {"name": "no"}}, "leaf: A leaf is not called no."),
        ({"leaves": [{"name": "a"}, {"name": "b", "as": "gren"}]},
         "leaves[2].as: “gren” is not one of its choices. Did you mean “green”?"),
        ({"leaves": [{"name": "a", "as": 3}]}, "leaves[1].as: should be one of red, green, not the number 3."),
        ({"leaves": [{"name": "a", "as_": "red"}]}, "leaves[1].as_: is not a key known here. Did you mean “as”?"),
        ({"by_name": {"q\x1b": 1}}, "by_name.q�: should be a table, not the number 1."),
        ({"either": 3}, 'either: should be text in quotes, not the number 3. Put it in quotes: "3".'),
        ({"either": []}, "either: should be text in quotes or a table, not a list."),
        ({"number": 3}, "number: is odd. Add one."),
        ({"number": -2}, "number: should be at least 0, not the number -2."),
        ({"number": 12}, "number: should be at most 9, not the number 12."),
        ({"number": True}, "number: should be a whole number, not true."),
        ({"number": "3"}, "number: should be a whole number, not the text “3”. Write it without quotes: 3."),
        ({"share": float("nan")}, "share: should be a number, not the number nan."),
        ({"pair": [1]}, "pair: needs exactly 2 values, not 1."),
        ({"words": "a"}, 'words: should be a list, not the text “a”. Put it in square brackets: ["a"].'),
        ({"at": "2026-03-05T19:02:00"}, "at: does not say its time zone. Add Z for UTC, or an offset: "
         "2026-03-05T19:02:00Z or 2026-03-05T19:02:00+01:00."),
        ({"at": "0001-01-01T00:00:00+10:00"}, "at: lies outside the years that can be reckoned with."),
        ({"at": "soon"}, "at: should be a date and time, not the text “soon”."),
        ({"day": datetime(2026, 3, 5, 1, tzinfo=UTC)},
         "day: should be a date, not the time 2026-03-05T01:00:00+00:00."),
        ({"fixed": "c"}, "fixed: “c” is not one of its choices. Use one of: a, b."),
        ({"short": ""}, "short: should not be empty, not an empty text."),
        ({"short": "long"}, "short: should have a length of at most 3, not the text “long”."),
        ({"leaf": {"name": "a"}, "leeves": []}, "leeves: is not a key known here. Did you mean “leaves”?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_plain_words(data: object, expected: str) -> None:
    place = "" if expected.startswith("tree.json") else "tree.json: "
    assert problems_of(lambda: read(data)) == [f"{place}{expected}"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.datetimes() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*Tree.__struct_fields__, "name", "as", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(anything)
def test_any_data_is_read_or_refused_and_nothing_else(data: object) -> None:
    try:
        read(data)
    except BadInput as bad:
        assert all(str(problem).isprintable() for problem in bad.problems)  # noqa: PT017
