"""What is wrong with a value, in words for people: what was wanted, what stands there, how to mend it.

``table`` is what the format at hand calls a group of keys: “a table” in TOML, “an object” in JSON.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from feedmon.documents.files import shown

KeyPath = tuple[str | int, ...]
"""The keys, and positions in lists counted from 0, that lead to a value."""

LISTS: Final = (list, tuple, set, frozenset)
_WANTED = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a date and time",
    date: "a date",
    dict: "a table",
}


def dotted(path: KeyPath) -> str:
    """A key path as people write it: ``member[3].accounts[1].role``, counting from one."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def unwrapped(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its annotations, and the annotations, innermost first."""
    notes: tuple[Any, ...] = ()
    while get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        notes = (*more, *notes)
    return kind, notes


def shape(kind: Any) -> type | None:
    """Whether a type is written as a table (dict), a list, or neither (None)."""
    kind = unwrapped(kind)[0]
    origin = get_origin(kind) or kind
    if origin is dict or (isinstance(origin, type) and issubclass(origin, msgspec.Struct)):
        return dict
    return list if origin in LISTS else None


def wanted(kind: Any, table: str) -> str:
    """What should have stood there: “a whole number”."""
    kind = unwrapped(kind)[0]
    origin = get_origin(kind) or kind
    if origin in LISTS:
        return "a list"
    if shape(kind) is dict:
        return table
    return _WANTED.get(origin, getattr(origin, "__name__", str(origin)))


def described(data: Any, table: str) -> str:
    """What stands there instead: “the text “three””."""
    match data:
        case None:
            return "null"
        case bool():
            return "true" if data else "false"
        case str():
            return f"the text “{shown(data, 40)}”" if data else "an empty text"
        case int() | float():
            return f"the number {_number(data)}"
        case datetime() | date() | time():
            return f"the {'date' if type(data) is date else 'time'} {data.isoformat()}"
        case dict():
            return table
        case _:
            return "a list"


def mend_for(data: Any, kind: Any, path: KeyPath, table: str) -> str:
    """How to mend a value of the wrong type, when that is plain from what was written."""
    in_toml = table == "a table"
    if kind is str and isinstance(data, int | float | date | time) and not isinstance(data, bool):
        written = data.isoformat() if isinstance(data, date | time) else _number(data)
        return f'Put it in quotes: "{written}".'
    if kind is bool and isinstance(data, str | int):
        return "Write true or false, without quotes."
    if kind in (int, float) and isinstance(data, str) and re.fullmatch(r"[0-9]{1,9}", data):
        return f"Write it without quotes: {data}."
    if kind is datetime and type(data) is date:
        return f"Add the time of day: {data.isoformat()}T19:00:00."
    if kind is list and isinstance(data, str):
        return f'Put it in square brackets: ["{shown(data, 40)}"].'
    if kind is list and isinstance(data, dict) and in_toml and len(path) == 1:
        return f"Write [[{path[0]}]] with two pairs of brackets, once for each."
    if kind is dict and isinstance(data, list) and in_toml and len(path) == 1:
        return f"Write [{path[0]}] with one pair of brackets, once."
    return ""


def _number(data: int | float) -> str:
    return shown(f"{data:.15g}" if isinstance(data, float) or abs(data) >= 10**18 else data, 40)


def in_plain_words(message: str) -> str:
    """msgspec's own words about a value (“Expected `int` >= 1”), for people."""
    words = re.sub(r" - at `.*`$", "", message).replace("`", "")
    for pattern, plain in _PLAIN:
        words = re.sub(pattern, plain, words)
    return words[:1].lower() + words[1:]


_PLAIN = (
    (r"^Expected \w+ of length >= 1$", "should not be empty"),
    (r"^Expected (?:int|float|str|array|object) of length (<=|>=) (\d+)$", r"should have a length of \1 \2"),
    (r"^Expected (?:int|float) (<=|>=|<|>) (\S+)$", r"should be \1 \2"),
    (r">= ", "at least "),
    (r"<= ", "at most "),
    (r"> ", "more than "),
    (r"< ", "less than "),
)
