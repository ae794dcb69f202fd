"""TOML files as plain data, and the line on which each key of theirs stands.

``tomllib`` says where a file breaks off, but not where a key stood in one that parses; :class:`TomlLines` does, for
the messages about what a key says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from feedmon.documents.files import place_of, read_text, shown
from feedmon.documents.located import Mistakes
from feedmon.documents.wording import KeyPath
from feedmon.model.problems import BadInput, Problem

_TOKEN = re.compile(
    r'''
      (?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    | (?P<comment>\#[^\n]*)
    | (?P<newline>\n)
    | (?P<space>[ \t\r]+)
    | (?P<sign>\[|\]|\{|\}|,|=|\.)
    | (?P<bare>[^\s"'\#\[\]{},=.]+)
    ''',
    re.VERBOSE | re.DOTALL,
)
_ENDLESS_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PLAIN = (
    (r"^Invalid value$", "this value cannot be read.", 'Text stands in straight quotes: "like this".'),
    (r"^Cannot overwrite a value$", "the same key stands twice in this table.", "Keep one of them."),
    (
        r"^Cannot declare \((.*?),?\) twice$",
        r"the table \1 stands twice.",
        "Keep one; or, for one of many, write it with two pairs of brackets each time.",
    ),
    (r"^Expected '=' after a key.*$", "a key without its value.", 'A line reads: key = "value".'),
    (r"^Unterminated string$", "a text that never ends.", "Close it with the same quote it began with."),
    (r"^Illegal character '\\n'$", "a text that does not end on its line.", "Close it with a quote."),
    (r"^(?:Illegal|Found invalid) character .*$", "a character that may not stand here.", "Delete it."),
    (r"^Invalid date or datetime$", "there is no such date or time.", "A date and time: 2026-03-05T18:30:00."),
    (r"^Expected newline or end of document.*$", "more on the line than one key and its value.", "Start a new line."),
    (r"^Expected '\]'.*$", "a table's name without its closing bracket.", "It reads [name] or [[name]]."),
    (r"^Unescaped '\\' in a string$", "a lone backslash in a text.", "Write \\\\, or put the text in 'single quotes'."),
    (r"^Invalid statement$", "this line is neither key = value nor a [table].", ""),
)


def read_toml(path: Path, homes: Mapping[str, str] | None = None) -> tuple[dict[str, Any], Mistakes]:
    """A TOML file's data, and the list on which to take down what is wrong in it (for ``homes`` see there).

    Raises BadInput when it cannot be read or is not TOML, naming line and column.
    """
    place, text = place_of(path), read_text(path)
    endless = _ENDLESS_KEY.search(text)
    if endless is not None:  # tomllib's time and memory grow with the square of these
        line = text.count("\n", 0, endless.start()) + 1
        raise BadInput(Problem(f"{place}:{line}", "has a key of more parts than anyone needs."))
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise BadInput(Problem(place, "has lists within lists too deep to follow.")) from None
    except ValueError as error:
        raise BadInput(_broken_off(text, str(error), place)) from None
    return data, Mistakes(place, TomlLines(text).line_of, homes=homes)


def _broken_off(text: str, error: str, place: str) -> Problem:
    """What tomllib says of a file it cannot parse, in plain words, with the line itself."""
    found = _PLACE.search(error)
    lines = text.split("\n")
    if found is None:
        return Problem(place, f"holds something that cannot be read: {shown(error.split(';')[0])}.")
    if found.group(1):
        line, column = int(found.group(1)), int(found.group(2))
    else:
        line = max((number for number, words in enumerate(lines, 1) if words.strip()), default=1)
        column = len(lines[line - 1].rstrip()) + 1
    said = error[: found.start()]
    message, mend = f"{shown(said)}.", ""
    for pattern, plain, how in _PLAIN:
        if re.search(pattern, said):
            message, mend = re.sub(pattern, plain, said), how
            break
    written = lines[line - 1].strip() if line <= len(lines) else ""
    return Problem(f"{place}:{line}:{column}", f"{message} The line: “{shown(written)}”." if written else message, mend)


class TomlLines:
    """The lines of a TOML text that has been parsed before, so is known to be sound."""

    def __init__(self, text: str) -> None:
        self._text = text

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest table it would stand in; None when it would stand in none."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return _Scan(self._text).lines


class _Scan:
    """One walk over the tokens of a TOML text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            kind, words = str(match.lastgroup), match.group()
            if kind not in ("space", "comment"):
                self._tokens.append((kind, words, line))
            line += words.count("\n")
        self._tokens.append(("end", "", line))
        self._next = 0
        self._counts: dict[KeyPath, int] = {}
        self._statements()

    @property
    def _sign(self) -> str:
        kind, words, _ = self._tokens[self._next]
        return words if kind in ("sign", "newline") else kind

    def _step(self) -> None:
        self._next = min(self._next + 1, len(self._tokens) - 1)

    def _statements(self) -> None:
        table: KeyPath = ()
        while self._sign != "end":
            if self._sign == "\n":
                self._step()
            elif self._sign == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line = self._tokens[self._next][2]
        self._step()
        many = self._sign == "["
        if many:
            self._step()
        path: KeyPath = ()
        *within, last = self._key()
        for part in within:
            path = self._element((*path, part))
        path = (*path, last)
        if many:
            self.lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, -1) + 1
        path = self._element(path)
        self.lines[path] = line
        while self._sign not in ("\n", "end"):
            self._step()
        return path

    def _element(self, path: KeyPath) -> KeyPath:
        """Where a table's keys go: into the latest element, if the table is one of many."""
        return (*path, self._counts[path]) if path in self._counts else path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            kind, words, _ = self._tokens[self._next]
            if kind == "text":
                parts.append(next(iter(tomllib.loads(f"{words} = 0"))))
            elif kind == "bare":
                parts.append(words)
            elif words != ".":
                return parts or [""]
            self._step()

    def _pair(self, table: KeyPath) -> None:
        line = self._tokens[self._next][2]
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._step()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self._tokens[self._next][2])
        if self._sign == "[":
            self._step()
            index = 0
            while self._sign not in ("]", "end"):
                if self._sign in ("\n", ","):
                    index += self._sign == ","
                    self._step()
                else:
                    self._value((*path, index))
            self._step()
        elif self._sign == "{":
            self._step()
            while self._sign not in ("}", "end"):
                if self._sign in ("\n", ","):
                    self._step()
                else:
                    self._pair(path)
            self._step()
        else:
            while self._sign not in ("\n", ",", "]", "}", "end"):
                self._step()
