"""A fediverse post's HTML, as the text a reader sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.sources.mastodon_html import read_html

SHORTENED = (
    '<a href="https://www.estuarygazette.example/news/2026/03/precept-rise-explained" rel="nofollow">'
    '<span class="invisible">https://www.</span><span class="ellipsis">estuarygazette.example/news/20</span>'
    '<span class="invisible">26/03/precept-rise-explained</span></a>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>line<br>two<br />three</p>", "line\ntwo\nthree"),
        ("<p>a<br><br><br><br>b</p>", "a\n\nb"),
        ("<p>café &amp; tea &lt;now&gt; &#128075;</p>", "café & tea <now> 👋"),
        (
            '<p>Live <a href="https://x.example/tags/a" class="mention hashtag" rel="tag">#<span>Full</span></a>!</p>',
            "Live #Full!",
        ),
        (
            '<p><span class="h-card"><a href="https://x.example/@jo" class="mention">@jo</a></span> hi</p>',
            "@jo hi",
        ),
        ("<ul><li>one</li><li>two</li></ul><p>after</p>", "• one\n• two\n\nafter"),
        ("<blockquote><p>said</p></blockquote><p>no</p>", "said\n\nno"),
        ("<pre><code>a\n  b</code></pre>", "a\n  b"),
        ("<p>a\n   b\t c</p>", "a b c"),
        ("<p>so <del>bad</del> <strong>good</strong></p>", "so bad good"),
        ("plain words", "plain words"),
        ("<script>alert(1)</script><style>p{}</style><p>seen</p>", "seen"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢(kan)"),
        ("", ""),
        ("<p>1 < 2</p>", "1 < 2"),
    ],
)
def test_what_a_reader_sees(html: str, text: str) -> None:
    assert read_html(html).text == text


def test_a_shortened_link_is_shown_whole() -> None:
    reading = read_html(f"<p>See {SHORTENED} now</p>")
    address = "https://www.estuarygazette.example/news/2026/03/precept-rise-explained"
    assert reading.text == f"See {address} now"
    assert reading.links == (address,)


def test_a_links_own_words_are_kept_and_where_it_leads_is_known() -> None:
    reading = read_html('<p><a href="https://estuarygazette.example/a">the story</a></p>')
    assert reading.text == "the story"
    assert reading.links == ("https://estuarygazette.example/a",)


@pytest.mark.parametrize("href", ["javascript:alert(1)", "mailto:a@b.example", "https://[bad", "", "//x"])
def test_what_leads_to_no_page_is_no_link(href: str) -> None:
    reading = read_html(f'<p><a href="{href}">words</a></p>')
    assert (reading.text, reading.links) == ("words", ())


def test_the_line_that_stands_in_for_a_quote_is_left_out_where_the_quote_is_shown() -> None:
    html = '<p class="quote-inline">RE: <a href="https://x.example/1">x.example/1</a></p><p>Quite so.</p>'
    assert read_html(html, quotes=True).text == "Quite so."
    assert read_html(html).text == "RE: https://x.example/1\n\nQuite so."


@given(st.text(alphabet=st.sampled_from("<>/!-[]&;#ap brsli\"'=hf\n?x:"), max_size=80) | st.text(max_size=200))
def test_anything_at_all_is_read(html: str) -> None:
    reading = read_html(html)
    assert reading.text == reading.text.strip()


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<>&\r\n\t\f\x00 "), min_size=1, max_size=60))
def test_words_without_markup_come_through_unchanged(words: str) -> None:
    assert read_html(f"<p>{words}</p>").text == words.strip()
