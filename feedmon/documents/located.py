"""Parsed TOML or JSON as typed structs, with every mistake said at once, where it stands, in words for people.

A :class:`Mistakes` walks structs, lists, dictionaries and unions, and leaves the rest to msgspec. What it walks may be
annotated with :class:`Turned` (a check of ours, which may also tidy the value) and :class:`Like` (an example for
whoever left the key out). Places read ``FILE:LINE: key.path``; elements of lists are counted from one, as people do.

When a key that may be left out is wrong, reading goes on as if it had been, so that checks across keys still run.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from functools import cache
from math import isfinite
from operator import itemgetter
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from feedmon.documents.files import shown
from feedmon.documents.wording import (
    LISTS,
    KeyPath,
    described,
    dotted,
    in_plain_words,
    mend_for,
    shape,
    unwrapped,
    wanted,
)
from feedmon.model.problems import BadInput, Problem, did_you_mean

T = TypeVar("T")

MOST_TOLD: Final = 50
_BROKEN: Final = object()


class Unfit(ValueError):
    """Raised by a check to say what is wrong with a value and, apart from that, how to mend it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend


class Turned(msgspec.Struct, frozen=True):
    """Annotates a type: ``by`` gives the value to keep, or raises ValueError (:class:`Unfit` adds the mend)."""

    by: Callable[[Any], Any]


class Like(msgspec.Struct, frozen=True):
    """Annotates a type with an example, in the file's own notation."""

    example: str


class Mistakes:
    """What is wrong in one file, gathered while it is read.

    ``line_of`` gives a key path's line, when known. ``only_slips`` passes over unknown keys unless they look like a
    slip of a known one; otherwise every unknown key is a mistake. ``homes`` names the table that a key belongs in, for
    keys that strayed into another. With ``by_line`` the first part of each path is a line, counted from 0, and the
    rest leads on from there. ``table`` is what the format calls a group of keys.
    """

    def __init__(
        self,
        place: str,
        line_of: Callable[[KeyPath], int | None] = lambda _: None,
        *,
        only_slips: bool = False,
        homes: Mapping[str, str] | None = None,
        by_line: bool = False,
        table: str = "a table",
    ) -> None:
        self._place = place
        self._line_of = line_of
        self._only_slips = only_slips
        self._homes = homes or {}
        self._by_line = by_line
        self._table = table
        self._found: list[tuple[int, Problem]] = []
        self._untold = 0

    def __len__(self) -> int:
        return len(self._found) + self._untold

    def place(self, path: KeyPath) -> str:
        """``FILE:LINE: key.path`` of a value."""
        return self._at(path)[1]

    def add(self, path: KeyPath, message: str, mend: str = "") -> None:
        """Take down one mistake. Beyond :data:`MOST_TOLD` they are only counted."""
        if len(self._found) < MOST_TOLD:
            line, place = self._at(path)
            self._found.append((line, Problem(place, message, mend)))
        else:
            self._untold += 1

    def refuse(self) -> None:
        """Raise BadInput with everything found, in the order of the file, if anything was."""
        if self._found:
            told = [problem for _, problem in sorted(self._found, key=itemgetter(0))]
            if self._untold:
                told.append(Problem(self._place, f"has {self._untold} more mistakes.", "Mend these first."))
            raise BadInput(told)

    def read(self, data: object, into: type[T], path: KeyPath = ()) -> T | None:
        """The data as ``into``, or None with its mistakes taken down."""
        value = self._value(data, into, path)
        return None if value is _BROKEN else value

    def read_each(self, data: object, into: type[T], path: KeyPath) -> list[tuple[KeyPath, T]]:
        """The sound elements of a list, each with its path; None stands for an empty list."""
        if not isinstance(data, list):
            if data is not None:
                self._wrong_type(data, list, path)
            return []
        places: list[KeyPath] = [(*path, index) for index in range(len(data))]
        read = [(at, self.read(element, into, at)) for at, element in zip(places, data, strict=True)]
        return [(at, value) for at, value in read if value is not None]

    def check_keys(self, data: Mapping[str, object], known: Iterable[str], path: KeyPath = ()) -> set[str]:
        """Take down the unknown keys of ``data``; the known ones it seems they were meant to be."""
        known = set(known)
        meant: set[str] = set()
        for key in data:
            if key in known:
                continue
            if len(self) > MOST_TOLD:  # looking for what was meant costs more than telling it is worth by now
                self._untold += not self._only_slips
                continue
            nearest = _slip_of(key, known - data.keys(), 0.86 if self._only_slips else 0.7)
            stray = _slip_of(key, self._homes, 0.86)
            if nearest is not None:
                meant.add(nearest)
                mend = f"Did you mean “{nearest}”?"
            elif self._only_slips:
                continue
            elif stray is not None:
                mend = f"“{stray}” belongs in {self._homes[stray]}."
            else:
                mend = did_you_mean(shown(key), known)
            self.add((*path, key), "is not a key known here.", mend)
        return meant

    def _at(self, path: KeyPath) -> tuple[int, str]:
        line = self._line_of(path)
        if self._by_line and path:
            line, path = int(path[0]) + 1, path[1:]
        where = self._place if line is None else f"{self._place}:{line}"
        return line or 0, f"{where}: {dotted(path)}" if path else where

    def _value(self, data: Any, kind: Any, path: KeyPath) -> Any:
        kind, notes = unwrapped(kind)
        limits = [note for note in notes if isinstance(note, msgspec.Meta)]
        value = self._bare(data, kind, limits, path)
        for note in notes:
            if isinstance(note, Turned) and value is not _BROKEN:
                try:
                    value = note.by(value)
                except ValueError as error:
                    self.add(path, str(error), error.mend if isinstance(error, Unfit) else "")
                    value = _BROKEN
        return value

    def _bare(self, data: Any, kind: Any, limits: list[msgspec.Meta], path: KeyPath) -> Any:
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is Any or kind is object:
            return data
        if origin in (Union, types.UnionType):
            return self._union(data, kind, arguments, path)
        if origin is Literal:
            return data if data in arguments else self._not_one_of(data, arguments, path)
        if isinstance(kind, type) and issubclass(kind, Enum):
            try:
                return kind(data)
            except ValueError:
                return self._not_one_of(data, [member.value for member in kind], path)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(data, kind, path)
        if kind in LISTS or origin in LISTS:
            return self._list(data, origin or kind, arguments, path)
        if kind is dict or origin is dict:
            if not isinstance(data, dict):
                return self._wrong_type(data, dict, path)
            inner = arguments[1] if arguments else Any
            read = {key: self._value(value, inner, (*path, key)) for key, value in data.items()}
            return _BROKEN if any(value is _BROKEN for value in read.values()) else read
        return self._leaf(data, kind, limits, path)

    def _struct(self, data: Any, kind: type[msgspec.Struct], path: KeyPath) -> Any:
        if not isinstance(data, dict):
            return self._wrong_type(data, dict, path)
        fields = _fields_of(kind)
        meant = self.check_keys(data, [field.encode_name for field in fields], path)
        values: dict[str, Any] = {}
        sound = usable = True
        for field in fields:
            key, at = field.encode_name, (*path, field.encode_name)
            if key in data:
                values[field.name] = self._value(data[key], field.type, at)
                if values[field.name] is _BROKEN:
                    sound = False
                    usable = usable and not field.required
                    del values[field.name]
            elif field.required:
                usable = False
                if key not in meant:
                    examples = [note.example for note in unwrapped(field.type)[1] if isinstance(note, Like)]
                    self.add(at, "is missing.", f"For instance: {examples[0]}" if examples else "")
        if not usable:
            return _BROKEN
        try:
            return kind(**values)
        except ValueError as error:
            if sound:
                self.add(path, f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.")
            return _BROKEN

    def _list(self, data: Any, into: Any, arguments: tuple[Any, ...], path: KeyPath) -> Any:
        if not isinstance(data, list):
            return self._wrong_type(data, list, path)
        if into is tuple and arguments and arguments[-1] is not Ellipsis:
            if len(data) != len(arguments):
                self.add(path, f"needs exactly {len(arguments)} values, not {len(data)}.")
                return _BROKEN
            kinds = list(arguments)
        else:
            kinds = [arguments[0] if arguments else Any] * len(data)
        read = [self._value(*pair, (*path, index)) for index, pair in enumerate(zip(data, kinds, strict=True))]
        return _BROKEN if any(value is _BROKEN for value in read) else into(read)

    def _union(self, data: Any, kind: Any, options: tuple[Any, ...], path: KeyPath) -> Any:
        if data is None and types.NoneType in options:
            return None
        real = [option for option in options if option is not types.NoneType]
        form = dict if isinstance(data, dict) else list if isinstance(data, list) else None
        fitting = [option for option in real if shape(option) is form]
        if len(fitting) == 1:
            return self._value(data, fitting[0], path)
        if len(real) == 1:
            return self._value(data, real[0], path)
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError:
            choices = " or ".join(wanted(option, self._table) for option in real)
            self.add(path, f"should be {choices}, not {described(data, self._table)}.")
            return _BROKEN

    def _leaf(self, data: Any, kind: Any, limits: list[msgspec.Meta], path: KeyPath) -> Any:
        if kind is datetime:
            return self._instant(data, any(limit.tz for limit in limits), path)
        if kind is float and isinstance(data, float) and not isfinite(data):
            return self._wrong_type(data, kind, path)
        try:
            return msgspec.convert(data, Annotated[kind, *limits] if limits else kind)
        except msgspec.ValidationError as error:
            if not isinstance(kind, type) or type(data) is not kind:
                return self._wrong_type(data, kind, path)
            self.add(path, f"{in_plain_words(str(error))}, not {described(data, self._table)}.")
            return _BROKEN

    def _instant(self, data: Any, needs_zone: bool, path: KeyPath) -> Any:
        if isinstance(data, str):
            try:
                data = datetime.fromisoformat(data.strip())
            except ValueError:
                return self._wrong_type(data, datetime, path)
        if not isinstance(data, datetime):
            return self._wrong_type(data, datetime, path)
        if not needs_zone:
            return data
        if data.tzinfo is None:
            iso = data.isoformat()
            self.add(path, "does not say its time zone.", f"Add Z for UTC, or an offset: {iso}Z or {iso}+01:00.")
            return _BROKEN
        try:
            return data.astimezone(UTC)
        except OverflowError:
            self.add(path, "lies outside the years that can be reckoned with.")
            return _BROKEN

    def _not_one_of(self, data: Any, choices: Iterable[Any], path: KeyPath) -> Any:
        words = [str(choice) for choice in choices]
        if isinstance(data, str):
            self.add(path, f"“{shown(data)}” is not one of its choices.", did_you_mean(shown(data), words))
        else:
            self.add(path, f"should be one of {', '.join(words)}, not {described(data, self._table)}.")
        return _BROKEN

    def _wrong_type(self, data: Any, kind: Any, path: KeyPath) -> Any:
        self.add(
            path,
            f"should be {wanted(kind, self._table)}, not {described(data, self._table)}.",
            mend_for(data, kind, path, self._table),
        )
        return _BROKEN


@cache
def _fields_of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _slip_of(key: str, known: Iterable[str], alike: float) -> str | None:
    """The known key this one was meant to be, if any: spelt nearly alike (1 is the same), case and dashes aside."""
    squashed = {re.sub(r"[^a-z0-9]", "", word.lower()): word for word in known}
    mine = re.sub(r"[^a-z0-9]", "", key[:64].lower())
    if mine in squashed:
        return squashed[mine]
    near = get_close_matches(mine, squashed, n=1, cutoff=alike)
    return squashed[near[0]] if near else None
