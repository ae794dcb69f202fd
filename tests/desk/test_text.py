"""Strangers' text is drawn as harmless text, whatever it is; matched words are marked where the reader sees them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from feedmon.wire import Span
from tui.text import MARKED, harmless, line, preview, whole

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;http://x.example\x07link",
    "\x9b31m\x90q\x9c\x85next",
    "bidi \u202egnitirw\u202c \u2066isolate\u2069 \u200f\u061c",
    "id\u200bi\u2060o\ufefft s\u00adoft",
    "Z" + "\u0335\u0321\u034d\u0353\u0316" * 40 + "algo",
    "\u0301\u0302starts with accents",
    "\n" * 3000,
    "line\n" * 10_000,
    "x" * 200_000,
    "[bold red]markup[/] [@click=app.bell]press[/] [/] \\[",
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇬🇧 👍🏽 1️⃣ ❤️",
    "\ufdfd ｆｕｌｌ \u3000wide ㅤhangul\u3164",
    "\ud800 lone surrogate \ufffe \ue000 \U0010ffff",
    "tab\tand\vand\fand\r\nand\rand\u2028and\u2029",
    "می‌خواهم नमस्ते हिन्दी",
)

hostile = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from([*HOSTILE[:6], *HOSTILE[9:], "\x1b", "\u202e", "\u0301", "\n", " ", "a"]), max_size=8).map(
        "".join
    ),
)


def strips(content: Content, width: int) -> list[Strip]:
    """The content as the screen would draw it."""
    return content.render_strips(width, None, Style(), RenderOptions(lambda style: Style(), {}))


def drawable(text: str) -> bool:
    """Whether every character only puts itself on the screen."""
    return all(
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or character == "\n"
        for character in text
    )


@given(hostile, st.booleans())
@example("e\u0301\u0301\u0301\u0301", False)
@example("\r\n\r", True)
def test_nothing_but_plain_characters_comes_out(original: str, one_line: bool) -> None:
    """No control, no turn of direction, nothing invisible or unassigned is left."""
    drawn = harmless(original, one_line=one_line).text
    assert drawable(drawn)
    assert not one_line or "\n" not in drawn
    assert "\ufe0f" not in drawn


@given(hostile)
def test_the_offset_map_covers_every_character(original: str) -> None:
    """There is one place for each character and one for the end, in order, within the drawn text."""
    drawn = harmless(original)
    offsets = list(drawn.offsets)
    assert len(offsets) == len(original) + 1
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    assert offsets[-1] == len(drawn.text)


@given(hostile, st.integers(2, 90))
@settings(max_examples=150, deadline=None)
def test_rendered_strips_keep_within_their_width(original: str, width: int) -> None:
    """On the rendered strips: only drawable characters, and never wider than the panel."""
    for content in (whole(original), preview(original).truncate(width)):
        for strip in strips(content, width):
            assert drawable(strip.text)
            assert strip.cell_length == cell_len(strip.text) <= width


@given(st.text(max_size=80), st.text(min_size=1, max_size=20), st.text(max_size=80))
def test_matched_words_are_marked_where_they_stand(before: str, words: str, after: str) -> None:
    """What is marked in the drawn text is exactly what the span's own characters are drawn as."""
    original = before + words + after
    content = whole(original, [Span(len(before), len(before) + len(words))])
    marked = [content.plain[span.start : span.end] for span in content.spans if span.style == MARKED]
    everything = harmless(original)
    start, end = everything.offsets[len(before)], everything.offsets[len(before) + len(words)]
    assert marked == ([everything.text[start:end]] if start < end else [])


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=4))
def test_impossible_spans_do_no_harm(original: str, ends: list[tuple[int, int]]) -> None:
    """Spans from another version of the text, reversed or far outside, are cut to what there is."""
    spans = [Span(start, end) for start, end in ends]
    for content in (whole(original, spans), preview(original, spans)):
        assert all(0 <= span.start < span.end <= len(content.plain) for span in content.spans)


@pytest.mark.parametrize(
    ("original", "drawn"),
    [
        ("\x1b[31m", "␛[31m"),
        ("a\x07b\x7f", "a␇b␡"),
        ("pay\u202elap", "pay⇄lap"),
        ("id\u200biot", "id◌iot"),
        ("👩\u200d👧", "👩👧"),
        ("👍🏽", "👍"),
        ("🇬🇧", "GB"),
        ("1\ufe0f\u20e3", "1"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302"),
        ("\u0301a", "◌\u0301a"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\x9b\ud800", "��"),
        ("\ue000\U000e0fff", "□□"),
        ("a\u00a0b\u3000c\td", "a b c d"),
        ("می\u200cخواهم", "میخواهم"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_what_could_mislead_is_shown_as_a_sign(original: str, drawn: str) -> None:
    """One sign for each kind of trick, as the module's table says."""
    assert harmless(original).text == drawn


def test_markup_of_a_post_is_only_text() -> None:
    """Brackets that would colour or act in a program's own text do nothing in a stranger's."""
    content = whole("[bold red]hello[/] [@click=app.quit]press me[/]")
    assert content.plain == "[bold red]hello[/] [@click=app.quit]press me[/]"
    assert not content.spans


def test_a_flood_is_cut_and_says_so() -> None:
    """Ten thousand lines become a screenful and a count of the rest."""
    content = whole("line\n" * 10_000)
    assert len(content.plain.split("\n")) <= 62
    assert "characters not shown" in content.plain


def test_matched_words_deep_in_a_flood_are_still_shown() -> None:
    """However far down the matched words stand, they are drawn and marked, with the cut told on both sides."""
    original = "x " * 20_000 + "muppet" + " y" * 20_000
    content = whole(original, [Span(40_000, 40_006)])
    assert [content.plain[span.start : span.end] for span in content.spans if span.style == MARKED] == ["muppet"]
    assert content.plain.count("characters not shown") == 2


def test_a_preview_begins_near_the_matched_words() -> None:
    """A row of the list shows the words that matter, though they stand late in the post."""
    original = "A long way round before the words that matter come, and then: you utter fool."
    content = preview(original, [Span(original.index("utter"), original.index("utter") + 10)])
    assert content.plain.index("utter fool") < 30
    assert content.plain.startswith("…")


@pytest.mark.parametrize("original", HOSTILE)
def test_hostile_text_costs_little_time(original: str) -> None:
    """No text makes the desk stand still: a preview and a whole post are drawn within half a second."""
    began = time.perf_counter()
    strips(preview(original), 80)
    strips(whole(original), 80)
    assert time.perf_counter() - began < 0.5


def test_a_name_takes_one_line() -> None:
    """A name with line breaks and a great length is one short line."""
    assert line("Evil\nName\u202e" + "x" * 500, 12) == "Evil ↵ Name…"
