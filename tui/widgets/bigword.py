"""The glance word in letters three rows high, to be read from two metres. Drawn in half blocks."""

from __future__ import annotations

from textual.content import Content

from tui.model.glance import Word
from tui.signs import GLANCE

_LETTERS = {
    "A": (".##.", "#..#", "####", "#..#", "#..#"),
    "C": (".###", "#...", "#...", "#...", ".###"),
    "E": ("####", "#...", "###.", "#...", "####"),
    "F": ("####", "#...", "###.", "#...", "#..."),
    "K": ("#..#", "#.#.", "##..", "#.#.", "#..#"),
    "L": ("#...", "#...", "#...", "#...", "####"),
    "O": (".##.", "#..#", "#..#", "#..#", ".##."),
    "R": ("###.", "#..#", "###.", "#.#.", "#..#"),
    "S": (".###", "#...", ".##.", "...#", "###."),
    "T": ("#####", "..#..", "..#..", "..#..", "..#.."),
}

_GLYPHS = {
    Word.CLEAR: (".....#", "....#.", "#..#..", ".##...", "......"),
    Word.LOOK: ("....#....", "...###...", "..#####..", ".#######.", "#########"),
    Word.ACT: ("##", "##", "##", "..", "##"),
    Word.LOST: ("#...#", ".#.#.", "..#..", ".#.#.", "#...#"),
    Word.OFF: ("......", "......", "######", "......", "......"),
}

_HALVES = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}

ROWS = 3
"""How high the word is."""


def big(word: Word) -> Content:
    """The word and its glyph, :data:`ROWS` lines."""
    glyph, *letters = _GLYPHS[word], *(_LETTERS[letter] for letter in GLANCE[word].word)
    dots = [".".join((glyph[row] + ".", *(letter[row] for letter in letters))) for row in range(5)]
    padded = ["." * len(dots[0]), *dots]
    lines = [
        "".join(_HALVES[upper + lower] for upper, lower in zip(padded[row], padded[row + 1], strict=True))
        for row in range(0, 6, 2)
    ]
    return Content("\n".join(lines))
