"""Reading text as people write it, with a map back to the original."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedmon.judgement.packs import Group, Lexicon, Use
from feedmon.judgement.phrasebook import Phrasebook
from feedmon.judgement.phrases import phrase
from feedmon.judgement.text import folded, read, tokens_of

BOOK = Phrasebook(
    [
        Lexicon(
            id="insults",
            title="test",
            often_starred=True,
            group=(
                Group(label="fool", words=("muppet", "clown", "🤡", "half-wit"), use=Use.NAME, allow=("clown fish",)),
                Group(label="rude", words=("wank*", "couldn't run a {bath|tap}", "you're useless")),
            ),
        )
    ]
)


def found(text: str) -> list[tuple[str, str]]:
    """Each hit's phrase, and the stretch of the original it points at."""
    hits = BOOK.find(BOOK.read(text))
    return [(hit.phrase, text[(span := hits.span(hit)).start : span.end]) for hit in hits.of("insults")]


@pytest.mark.parametrize(
    ("text", "phrase", "shown"),
    [
        ("What a MUPPET.", "muppet", "MUPPET"),
        ("muuuuuppet", "muppet", "muuuuuppet"),
        ("what a cl0wn", "clown", "cl0wn"),
        ("m u p p e t!", "muppet", "m u p p e t"),
        ("сlown with a Cyrillic letter", "clown", "сlown"),
        ("cl\u200bown", "clown", "cl\u200bown"),
        ("c\u0301lo\u0308wn", "clown", "c\u0301lo\u0308wn"),
        ("ｃｌｏｗｎ", "clown", "ｃｌｏｗｎ"),
        ("𝓬𝓵𝓸𝔀𝓷", "clown", "𝓬𝓵𝓸𝔀𝓷"),
        ("cl*wn", "clown", "cl*wn"),
        ("a #TotalClown tonight", "clown", "#TotalClown"),
        ("he's a half wit", "half-wit", "half wit"),
        ("Oldroyd 🤡🏻", "🤡", "🤡"),
        ("utter wanker", "wank*", "wanker"),
        ("He couldn’t run a bath", "couldn't run a {bath|tap}", "couldn’t run a bath"),
        ("you are useless", "you're useless", "you are useless"),
        ("youre useless", "you're useless", "youre useless"),
    ],
)
def test_a_phrase_is_found_however_it_is_dressed_up(text, phrase, shown) -> None:
    assert (phrase, shown) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "a clown fish in the dentist's tank",
        "clowning about is fine",
        "you are. Useless?",
        "https://example.org/clown",
        "@clown.example spoke well",
        "swank new swanky place",
        "1 2 3 4",
    ],
)
def test_what_only_looks_like_a_phrase_is_not_found(text) -> None:
    assert found(text) == []


@given(st.text(max_size=400))
@example("\U000e0001" * 50)
@example("a" + "\u0301" * 300)
@example("@@@###***'''“”\"\"")
@example("\ud800 lone surrogate")
def test_any_text_is_read_and_every_token_points_into_it(text) -> None:
    reading = read(text)
    for token in reading.tokens:
        assert 0 <= token.start < token.end <= len(text)
        assert token.text
    for form in reading.forms:
        for start, (first, last) in zip(form.starts, form.spans, strict=True):
            assert 0 <= first <= last < len(reading.tokens)
            assert form.string[start - 1] == " "


@given(st.text(alphabet="abcdefgh \u200b\u0301", max_size=60))
def test_invisible_characters_and_accents_make_no_difference_to_words(text) -> None:
    plain = text.replace("\u200b", "").replace("\u0301", "")
    assert read(text).words() == read(plain).words()


@given(st.sampled_from(["muppet", "clown"]), st.integers(0, 3), st.integers(2, 6))
def test_stretching_a_word_never_hides_it(word, index, times) -> None:
    stretched = word[: index + 1] + word[index] * times + word[index + 1 :]
    assert found(f"what a {stretched} you are")


def test_quotation_marks_are_seen_but_apostrophes_are_not_taken_for_them() -> None:
    inside = {
        token.text for token in tokens_of("He said “utter clown” and 'muppet', didn't he, at Dick's") if token.quoted
    }
    assert inside == {"utter", "clown", "muppet"}


def test_contractions_open_the_same_with_and_without_their_apostrophe() -> None:
    assert folded("isn't") == folded("isnt") == folded("isn’t") == "is not"


@pytest.mark.parametrize(
    ("written", "said", "not_said"),
    [
        (
            "{very|so|} thick {as|like} {mince|a brick}",
            ["thick as mince", "so thick like a brick", "very thick as a brick"],
            ["thick mince", "as thick as thieves", "thick as minced beef"],
        ),
        ("clown{s|ing|}", ["clown", "clowns", "clowning"], ["clowned"]),
        ("{he|she}'s {a|} wank*", ["he's a wanker", "shes wanking", "SHE’S A WANK"], ["they're wankers"]),
        ("{one|two}", ["one", "two"], ["three"]),
        ("talk{s|ing} {utter|} rubbish*", ["talks rubbish", "talking utter rubbishy"], ["talk rubbish"]),
        (
            "give ~ a {medal|star}",
            ["give him a medal", "Give Cllr Ann Weir a star", "give @weir.example a medal", "give 1.5 of us a star"],
            ["give a medal", "give the whole of row six a star", "give up. Hand him a medal"],
        ),
        (
            "so ~ {very|} old*",
            ["so he is very old", "so x older"],
            ["so old", "so. Then very old", "so he is no longer old"],
        ),
    ],
)
def test_a_phrase_with_choices_is_found_in_every_choice_and_no_other(written, said, not_said) -> None:
    book = Phrasebook([Lexicon(id="x", title="x", group=(Group(label="x", words=(written,)),))])

    def hits(text: str) -> list[str]:
        found = book.find(book.read(text))
        return [text[(span := found.span(hit)).start : span.end] for hit in found.of("x")]

    for text in said:
        assert hits(f"well, {text} again") == [text]
    for text in not_said:
        assert hits(text) == []


@pytest.mark.parametrize(
    "written",
    ["{a|b", "{a|} {b|}", "{a {b|c} d|e}", "~", "~ medal", "give ~", "give~ a", "{the|~} medal", "{a|} ~ {b|}"],
)
def test_a_phrase_that_could_mean_anything_is_refused(written) -> None:
    with pytest.raises(ValueError, match="“"):
        phrase(written)


@given(
    st.lists(
        st.sampled_from(["very", "so", "thick", "as", "mince", "a", "clown", "{x|y}", "{z|}", "end*"]),
        min_size=1,
        max_size=6,
    )
)
def test_a_phrase_is_found_exactly_where_writing_out_its_choices_would_find_it(chunks) -> None:
    """Against the plain oracle: every combination written out, searched as whole words."""
    written = " ".join(chunks)
    try:
        one = phrase(written)
    except ValueError:
        return
    if one is None:
        return
    book = Phrasebook([Lexicon(id="x", title="x", group=(Group(label="x", words=(written,)),))])
    choices = [chunk.strip("{}").split("|") if "{" in chunk else [chunk] for chunk in chunks]
    for combination in product(*choices):
        text = " ".join(" ".join(combination).replace("*", "ing").split())
        assert book.find(book.read(f"start {text} stop")).of("x"), text
