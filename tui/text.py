"""Strangers' text made harmless for a terminal, and windows onto it. Everything from a feed passes through here.

A post may hold anything: escape sequences, controls that turn text round, letters that cannot be seen, towers of
accents, ten thousand lines. What could move a cursor, recolour a screen or hide a word is shown as a visible sign
instead, one place for one character, so that a matched span can still be marked where the reader sees it:

=============================  =====================================================
in the post                    on the screen
=============================  =====================================================
C0 controls, escape, delete    their control pictures: ``␛ ␇ ␈``
C1 controls, lone surrogates   ``�``
controls of direction          ``⇄``
characters that cannot be seen ``◌`` (joiners inside emoji and other scripts: nothing)
private and unassigned         ``□``
accents beyond two a letter    nothing
flags made of two letters      the two letters, since terminals disagree on their width
any kind of space, tab         one space
any kind of line break         a line break, or ``↵`` where only one line is shown
=============================  =====================================================

Strong words arrive here already covered, a dot for a letter (:mod:`tui.model.discretion`), so the same spans mark them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from textual.content import Content
from textual.content import Span as Styled

from feedmon.wire import Span

MARKED = "$match bold underline"
"""How matched words look, everywhere. Underlined, so that it survives NO_COLOR."""

_ACCENTS = 2
_AROUND = 160
_BREAKS = frozenset("\n\r\v\f\x85\u2028\u2029")
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINERS = frozenset("\u200c\u200d")
_DROPPED = (
    frozenset(map(chr, range(0xFE00, 0xFE10)))  # variation selectors: terminals disagree on the width they cause
    | frozenset(map(chr, range(0xE0100, 0xE01F0)))
    | frozenset(map(chr, range(0x1F3FB, 0x1F400)))  # skin tones, for the same reason
)


@dataclass(frozen=True, slots=True)
class Harmless:
    """Text that may be drawn, and where each character of the original went.

    ``offsets[i]`` is the place in ``text`` of the original's character ``i``; there is one more, for the end.
    """

    text: str
    offsets: Sequence[int]

    def place(self, span: Span) -> tuple[int, int]:
        """Where a span of the original lies in ``text``; an impossible span is cut to what there is."""
        end = len(self.offsets) - 1
        start = min(max(span.start, 0), end)
        return self.offsets[start], self.offsets[min(max(span.end, start), end)]


def harmless(original: str, *, one_line: bool = False) -> Harmless:
    """The drawable form of ``original``, on one line when ``one_line``."""
    if original.isascii() and original.isprintable():
        return Harmless(original, range(len(original) + 1))
    line_break = " ↵ " if one_line else "\n"
    parts: list[str] = []
    offsets: list[int] = []
    length = accents = 0
    bare = True  # nothing before it for an accent to stand on
    for index, character in enumerate(original):
        offsets.append(length)
        if character in _BREAKS:
            drawn = "" if character == "\r" and original[index + 1 : index + 2] == "\n" else line_break
            bare, accents = True, 0
        elif (drawn := _drawn(character)) == _ACCENT:
            accents += 1
            drawn = "" if accents > _ACCENTS else f"◌{character}" if bare else character
            bare = False
        elif character in _JOINERS:
            drawn = "" if _joins(original, index) else "◌"
        elif drawn:
            bare, accents = drawn == " ", 0
        parts.append(drawn)
        length += len(drawn)
    offsets.append(length)
    return Harmless("".join(parts), offsets)


_ACCENT = "\0"


@lru_cache(maxsize=4096)
def _drawn(character: str) -> str:
    """What one character, not a line break, is drawn as; :data:`_ACCENT` for those that stand on another."""
    point = ord(character)
    if character in _DROPPED:
        return ""
    if character in _TURNS:
        return "⇄"
    if character in _BLANKS:
        return "◌"
    if point == 0x09:
        return " "
    if point < 0x20:
        return chr(0x2400 + point)
    if point == 0x7F:
        return "␡"
    if 0x1F1E6 <= point <= 0x1F1FF:
        return chr(ord("A") + point - 0x1F1E6)
    category = unicodedata.category(character)
    match category:
        case "Mn":
            return _ACCENT
        case "Me":
            return ""
        case "Cf":
            return "◌"
        case "Cc" | "Cs":
            return "�"
        case "Co" | "Cn":
            return "□"
        case "Zs":
            return " "
    return character


def _joins(original: str, index: int) -> bool:
    """Whether a joiner does honest work: between two emoji, or letters of a script that needs it."""
    before = original[index - 1 : index]
    after = original[index + 1 : index + 2]
    return bool(before and after) and min(before, after) > "\u0590" and after not in _JOINERS


def line(original: str, most: int = 80) -> str:
    """A name, handle, title or other short text on one line, at most ``most`` characters of it."""
    text = harmless(original[: most + 1], one_line=True).text.strip()
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def preview(original: str, spans: Sequence[Span] = (), most: int = 200) -> Content:
    """One line of a post that begins where the first matched words can be seen."""
    first = min((span.start for span in spans), default=0)
    begin = 0
    if first > 28:
        begin = original.find(" ", first - 22, first) + 1 or first - 12
    drawn = harmless(original[begin : begin + most], one_line=True)
    shifted = [Span(span.start - begin, span.end - begin) for span in spans]
    content = _marked(drawn, shifted)
    return Content.assemble(("…", "$quiet"), content) if begin else content


def whole(original: str, spans: Sequence[Span] = (), *, most: int = 3000, lines: int = 60) -> Content:
    """A post for reading, its matched words marked. Of a flood only the start and the matched places are drawn."""
    pieces: list[Content] = []
    upto = 0
    for start, end in _windows(original, spans, most, lines):
        if start > upto:
            pieces.append(_left_out(start - upto))
        drawn = harmless(original[start:end])
        pieces.append(_marked(drawn, [Span(span.start - start, span.end - start) for span in spans]))
        upto = end
    if upto < len(original):
        pieces.append(_left_out(len(original) - upto))
    return Content("\n").join(pieces)


def _windows(original: str, spans: Sequence[Span], most: int, lines: int) -> list[tuple[int, int]]:
    """The parts of a text to draw: its head, and what surrounds the matched words; in order, not overlapping."""
    head = _lines_until(original, 0, min(most, len(original)), lines)
    windows = [(0, head)]
    for span in sorted(spans)[:12]:
        start, end = max(span.start - _AROUND, 0), min(span.end + _AROUND, span.start + most, len(original))
        if start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(windows[-1][1], min(end, len(original))))
        elif start < end:
            windows.append((start, end))
    return windows


def _lines_until(original: str, start: int, end: int, lines: int) -> int:
    """The offset after at most ``lines`` lines from ``start``, and never after ``end``."""
    for index in range(start, end):
        if original[index] in _BREAKS:
            lines -= 1
            if not lines:
                return index
    return end


def _left_out(characters: int) -> Content:
    return Content.styled(f"⋯ {characters:,} characters not shown ⋯", "$quiet italic")


def _marked(drawn: Harmless, spans: Sequence[Span]) -> Content:
    places = {drawn.place(span) for span in spans if span.start < span.end and span.end > 0}
    return Content(
        drawn.text,
        [Styled(start, end, MARKED) for start, end in sorted(places) if start < end],
        strip_control_codes=False,
    )
