"""Any entry that can exist, for Hypothesis."""

from __future__ import annotations

import types
import typing
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum

import msgspec
from hypothesis import strategies as st

from feedmon.model.decisions import Decision, DecisionKind, DismissReason
from feedmon.model.entries import Entry
from feedmon.model.meeting import Window
from feedmon.model.timeline import Mark, MarkKind

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["\x00", "\u202eevil\u2066", "🏴󠁧󠁢󠁷󠁬󠁳󠁿👩‍👩‍👧‍👦", "'; DROP TABLE entries; --", "a\r\nb\u2028c", "\x1b[2J", "x" * 500]
    ),
)
instants = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    datetime(2036, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=1))]),
)


def _marks() -> st.SearchStrategy[Mark]:
    def made(kind: MarkKind, draw: typing.Any) -> Mark:
        needs_item = kind in (MarkKind.ITEM_STARTED, MarkKind.OUTCOME_ANNOUNCED)
        needs_member = kind in (MarkKind.MEMBER_ARRIVED, MarkKind.MEMBER_LEFT)
        identity = "m" + draw(texts)
        return Mark(
            id=identity,
            kind=kind,
            at=draw(instants),
            entered_at=draw(st.none() | instants),
            item="i" + draw(texts) if needs_item else None,
            member="p" + draw(texts) if needs_member else None,
            note=draw(texts),
            supersedes=identity + "x" if kind is MarkKind.WITHDRAWN else None,
        )

    return st.composite(lambda draw: made(draw(st.sampled_from(MarkKind)), draw))()


def _decisions() -> st.SearchStrategy[Decision]:
    def made(kind: DecisionKind, draw: typing.Any) -> Decision:
        return Decision(
            id="d" + draw(texts),
            flag="f" + draw(texts),
            kind=kind,
            at=draw(instants),
            reason=draw(st.sampled_from(DismissReason)) if kind is DecisionKind.DISMISS else None,
            words="w" + draw(texts),
            undoes="d" + draw(texts) if kind is DecisionKind.UNDO else None,
        )

    return st.composite(lambda draw: made(draw(st.sampled_from(DecisionKind)), draw))()


def _windows() -> st.SearchStrategy[Window]:
    return st.builds(lambda at, hours: Window(at, at + timedelta(hours=hours)), instants, st.integers(1, 9))


_SPECIAL: dict[typing.Any, st.SearchStrategy[typing.Any]] = {}
_SPECIAL.update(
    {
        str: texts,
        int: st.integers(0, 2**53),
        bool: st.booleans(),
        float: st.floats(0, 1),
        datetime: instants,
        date: st.dates(),
        type(None): st.none(),
        Mark: _marks(),
        Decision: _decisions(),
        Window: _windows(),
    }
)


def anything(kind: typing.Any) -> st.SearchStrategy[typing.Any]:
    """A strategy for any type the model is made of, read off its annotations (so new fields are covered at once)."""
    if kind in _SPECIAL:
        return _SPECIAL[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return anything(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of([anything(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(anything(arguments[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(anything(arguments[0]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert issubclass(kind, msgspec.Struct), kind
    fields = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: anything(fields[name]) for name in kind.__struct_fields__})


_every_entry = anything(Entry)


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    drawn: Entry = draw(_every_entry)
    return drawn


entries = _entries()
"""Any entry. A composite for the sake of its repr, which would fill a page."""
