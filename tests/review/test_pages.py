"""The pages: what must be said is said, and strangers' text is shown and never obeyed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from feedmon.model.flags import Span
from feedmon.review import Chain, Review, build, render
from feedmon.review.as_markdown import escaped, quoted
from feedmon.review.model import FlagStory, MeetingReview
from feedmon.review.words import length, parts, visible
from tests.review.evening import EVENING, EVIL, EVIL_POST, MEETING, PREPARED, at, recorded

CHAIN = Chain(entries=len(EVENING), head="ab" * 32)
REVIEW = build(recorded(), CHAIN)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from([EVIL, "- a", "1. b", "# c"])


class Page(HTMLParser):
    """An HTML page as a reader's program sees it: its elements, and the text of each post."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.posts: list[str] = []
        self.marked: list[str] = []
        self._in_post = self._in_mark = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.VOID:
            return
        self.open.append(tag)
        if tag == "p" and "post" in (dict(attrs).get("class") or "").split():
            self.posts.append("")
            self._in_post = len(self.open)
        if tag == "mark":
            self.marked.append("")
            self._in_mark = len(self.open)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"<{tag}> does not close what is open"
        if len(self.open) < self._in_post:
            self._in_post = 0
        if len(self.open) < self._in_mark:
            self._in_mark = 0

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_post:
            self.posts[-1] += data
        if self._in_mark:
            self.marked[-1] += data


def test_html_is_one_sound_page_that_fetches_and_runs_nothing() -> None:
    page = Page(render(REVIEW, "html"))
    assert page.open == []
    names = {tag for tag, _ in page.elements}
    assert not names & {"script", "img", "link", "iframe", "object", "form", "video", "audio", "base"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), attributes
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in render(REVIEW, "html")


def test_html_can_be_found_ones_way_in_without_seeing_it() -> None:
    """One first heading, no level skipped, a caption and headed columns on every table, links that lead somewhere."""
    page = Page(render(REVIEW, "html"))
    tags = [tag for tag, _ in page.elements]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    for tag, attributes in page.elements:
        if tag == "a":
            assert (attributes["href"] or "")[1:] in identities
        for name in ("aria-labelledby",):
            assert attributes.get(name, identities[0]) in identities
    assert ("html", {"lang": "en-GB"}) in page.elements


def test_html_shows_a_post_as_text_whatever_it_contains() -> None:
    page = Page(render(REVIEW, "html"))
    assert visible(EVIL) in page.posts
    assert "clown" in page.marked
    assert "\u202e" not in render(REVIEW, "html")
    assert "\x00" not in render(REVIEW, "html")


@pytest.mark.parametrize("form", ["html", "md"])
def test_the_words_that_must_be_there(form: str) -> None:
    """Suggestion and not finding, policy and never another word for it, whom it binds, zone, digest, silent rules."""
    text = render(REVIEW, form)
    plain = Page(text).text if form == "html" else text
    for must in (
        "suggestion for a person, not a finding",
        "does not bind members of the public",
        "possible, clause 5.1.d, for review",
        "possible, clauses 5.1.f, 5.8, for review",
        "Europe/London (BST)",
        "ab" * 32,
        "The chain verified.",
        "A member of the public (@angrygull.example)",
        "seen by the chair 20:09:40",
        "Deleted by its author",
        "judging again no longer raises it: item 6 was already being taken",
        "press and public excluded since 20:51:00",
        "Keep this review as closed as the papers themselves",
        "dismissed (humour)",
        "referred to the Monitoring Officer",
    ):
        assert must in plain, must
    assert not re.search(r"\b(Code|breach(es|ed)?|guilty|violat\w+|offen[cs]\w+)\b", plain)
    assert "Rules that raised nothing" in plain or "none raised" in plain


def test_a_broken_chain_and_a_rehearsal_are_told_first_and_loud() -> None:
    broken = msgspec.structs.replace(CHAIN, problems=("Entry 7 was changed <b>.",))
    rehearsal = [
        (when, msgspec.structs.replace(each, rehearsal=True) if each.__class__.__name__ == "FollowingStarted" else each)
        for when, each in EVENING
    ]
    review = build(recorded(rehearsal), broken)
    for form in ("html", "md"):
        text = render(review, form)
        assert "The chain did not verify" in text
        assert "The chain verified" not in text
        assert "Entry 7 was changed &lt;b&gt;." in text
        assert "A rehearsal." in text


def test_an_empty_journal_and_an_unmarked_meeting_have_pages_too() -> None:
    assert "no meeting in this journal" in render(build([], CHAIN), "html")
    bare = build(recorded([(at("18:30"), PREPARED)]), CHAIN)
    for form in ("html", "md"):
        text = render(bare, form)
        assert "No rule raised a flag." in text
        assert "It was never followed." in text
        assert "marks do not say that the meeting opened" in text


def tokens(markdown: str) -> list[Token]:
    """What a Markdown program makes of a page, tables and bare links among it."""
    program = MarkdownIt("gfm-like")
    found: list[Token] = []
    for token in program.parse(markdown):
        found += [token, *(token.children or ())]
    return found


def test_markdown_shows_a_post_as_text_whatever_it_contains() -> None:
    found = tokens(render(REVIEW, "md"))
    assert not {token.type for token in found} & {
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "hr",
        "code_inline",
    }
    posts = [token.content for token in found if token.type == "fence"]
    assert visible(EVIL).replace("clown", "⟦clown⟧") + "\n" in posts
    assert len(posts) == 9
    headings = [after.content for before, after in pairwise(found) if before.type == "heading_open"]
    assert all(re.match("Saltmarsh|Flag|Agenda|What was|Rules|Ventnor|The journal", each) for each in headings), (
        headings
    )
    columns = [token for token in found if token.type == "th_open"]
    assert len(columns) == 2 + 4 + 3 + 6 + 5 + 5 + 3 + 6, "a stranger's bar adds no column"


@given(texts)
def test_escaped_text_reads_the_same_and_does_nothing(text: str) -> None:
    """Alone in a paragraph, in a list and in a table cell."""
    flat = " ".join(visible(text).split())
    for before, after, else_shown in (("", "", ""), ("- ", "", ""), ("| a | b |\n|---|---|\n| x | ", " |", "abx")):
        found = tokens(f"{before}{escaped(text)}{after}\n")
        shown = "".join(token.content for token in found if token.type in ("text", "text_special", "softbreak"))
        allowed = {"inline", "text", "text_special", "softbreak"}
        structure = [token.type for token in found if token.type not in allowed]
        blank = [t.type for t in tokens(f"{before}{'word' if flat else ''}{after}\n") if t.type not in allowed]
        assert structure == blank, structure
        assert shown.replace(" ", "") == else_shown + flat.replace(" ", "")


@given(texts, st.lists(st.tuples(st.integers(-2, 70), st.integers(-2, 70)), max_size=5))
def test_a_quoted_post_stays_in_its_fence(text: str, edges: list[tuple[int, int]]) -> None:
    spans = [Span(start, end) for start, end in edges]
    (fence,) = [token for token in tokens(f"{quoted(text, spans)}\n\nafter") if token.type not in
                ("paragraph_open", "paragraph_close", "inline", "text")]  # fmt: skip
    assert fence.type == "fence"
    plain = fence.content.removesuffix("\n").replace("⟦", "").replace("⟧", "")
    assert plain == visible(text).replace("⟦", "[[").replace("⟧", "]]")


@given(texts, st.lists(st.tuples(st.integers(-2, 70), st.integers(-2, 70)), max_size=5))
def test_parts_put_together_are_the_text_and_mark_exactly_the_spans(text: str, edges: list[tuple[int, int]]) -> None:
    spans = [Span(start, end, "x") for start, end in edges]
    cut = parts(text, spans)
    assert "".join(part.text for part in cut) == text
    marked = [flag for part in cut for flag in [part.label is not None] * len(part.text)]
    assert marked == [any(span.start <= n < span.end for span in spans) for n in range(len(text))]


def test_what_cannot_be_seen_is_named_and_emoji_are_left_alone() -> None:
    assert visible("a\u202eb\u200bc\x07") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0007⟩"
    assert visible("one\r\ntwo\u2028three") == "one\ntwo\nthree"
    family, wales = (
        "\U0001f469\u200d\U0001f467",
        "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    )
    assert visible(family + wales) == family + wales


def test_lengths_read_naturally() -> None:
    assert [length(seconds) for seconds in (0, 59, 60, 90, 3599, 3600, 5400)] == [
        "0 s", "59 s", "1 min", "2 min", "1 h 00 min", "1 h 00 min", "1 h 30 min"]  # fmt: skip


def test_json_is_the_review_and_every_member_is_told_of_in_the_page() -> None:
    text = render(REVIEW, "json")
    assert msgspec.json.decode(text, type=Review) == REVIEW
    assert EVIL_POST.text in [story.post.text for story in REVIEW.meetings[0].flags if story.post]
    page = (resources.files("feedmon") / "docs" / "journal.md").read_text("utf-8")
    members = {name for struct in (Review, Chain, MeetingReview, FlagStory) for name in struct.__struct_fields__}
    for name in members:
        assert f"`{name}`" in page, name


def test_a_zone_this_machine_does_not_know_is_no_reason_to_have_no_review() -> None:
    nowhere = msgspec.structs.replace(PREPARED, meeting=msgspec.structs.replace(MEETING, timezone="Mars/Olympus"))
    text = render(build(recorded([(at("18:30"), nowhere)]), CHAIN), "md")
    assert "All times are local: UTC." in text
    assert f"window {datetime(2026, 6, 18, 17, 30, tzinfo=UTC):%H:%M} to 21:00" in text
