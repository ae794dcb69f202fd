"""Seals: enough to notice a leak, too little to read."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.judgement.sealing import RUN, Fingerprints, seal
from feedmon.judgement.text import read

NOW = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)
KEY = b"k" * 32
OPEN = "The harbour kiosk lease comes back to the council tonight under item nine as a private item of business."
PAPER = (
    "The Gannet Coffee Company offered £11,750 a year for ten years, with a break after five, and would pay for a new "
    "roof. The negotiating team may go down to £10,500 a year but no lower. " + OPEN
)


def leaks(text: str, key: bytes = KEY) -> list[tuple[str, int, str]]:
    """Kind, length in words and text of each leak found."""
    prints = Fingerprints([seal(PAPER, "9", KEY, NOW, [OPEN])], key)
    found = prints.leaks(read(text))
    assert {leak.item for leak in found} <= {"9"}
    return [(leak.kind.value, leak.words, text[leak.span.start : leak.span.end]) for leak in found]


def test_words_in_a_row_are_found_whatever_their_dress() -> None:
    assert leaks("told ya: GANNET coffee company, offered £11750 a YEAR for ten years!!") == [
        ("run", 10, "GANNET coffee company, offered £11750 a YEAR for ten years"),
        ("figure", 0, "£11750"),
        ("name", 0, "GANNET"),
        ("name", 0, "coffee"),
        ("name", 0, "company"),
    ]


def test_a_name_no_open_paper_has_is_found_alone() -> None:
    assert leaks("so it's gannet, is it") == [("name", 0, "gannet")]
    assert leaks("the harbour kiosk lease and the negotiating team") == []


def test_a_figure_alone_is_found_and_a_year_or_a_small_number_is_not() -> None:
    assert leaks("so it's 11,750 then") == [("figure", 0, "11,750")]
    assert leaks("in 2026 five of us, 10 years, 11.75") == []


def test_what_an_open_paper_also_says_was_never_sealed() -> None:
    assert leaks(OPEN) == []


def test_another_key_matches_nothing() -> None:
    assert leaks(PAPER, b"x" * 32) == []


def test_two_stretches_apart_are_two_leaks() -> None:
    text = "with a break after five (laughs) go down to £10,500 a year but no lower"
    assert [words for _, words, _ in leaks(text) if words] == [9, 5]


@given(st.integers(0, 15), st.integers(RUN, 20))
def test_any_run_of_the_paper_is_found_whole(start, length) -> None:
    words = PAPER.replace("£", "").replace(",", "").split()[: len(PAPER.split()) - len(OPEN.split())]
    run = words[start : start + length]
    if len(run) >= RUN:
        assert max(found for _, found, _ in leaks(" ".join(run))) >= len(run) - 1


def test_no_word_of_the_paper_stands_in_the_seal() -> None:
    written = msgspec.json.encode(seal(PAPER, "9", KEY, NOW)).decode().casefold()
    assert not [word for word in PAPER.casefold().split() if len(word) > 4 and word.strip(".,") in written]


def test_a_paper_too_short_to_tell_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="only 3 words"):
        seal("Lease of kiosk", "9", KEY, NOW)
