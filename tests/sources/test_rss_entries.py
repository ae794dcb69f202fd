"""Feed documents read: RSS and Atom as people publish them, and as someone hostile might."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.posts import Media, MediaKind
from feedmon.sources.rss_entries import LARGEST_BROKEN, MOST_ENTRIES, Entry, Unreadable, read
from feedmon.sources.rss_html import read_html

URL = "https://gazette.example/feed"


def rss(*items: str) -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Gazette</title>'
        f"<link>https://gazette.example/</link><language>en-gb</language>{inside}</channel></rss>"
    ).encode()


def one(item: str) -> Entry:
    (entry,) = read(rss(item), "application/rss+xml", URL)
    return entry


class TestRss:
    def test_an_item_as_a_reader_sees_it(self) -> None:
        entry = one(
            "<title>Budget &amp; precept</title><guid isPermaLink='false'>7</guid><link>/p/7</link>"
            "<dc:creator>Helen Marchbanks</dc:creator><category>Saltmarsh TC</category>"
            "<pubDate>Thu, 05 Mar 2026 19:10:00 GMT</pubDate>"
            "<enclosure url='https://gazette.example/a.mp3' type='audio/mpeg' length='1'/>"
            "<description>&lt;p&gt;Hello &lt;b&gt;there&lt;/b&gt; #FullCouncil&lt;br&gt;see "
            '&lt;a href="/more"&gt;more&lt;/a&gt;&lt;img src="x" alt="A  cat"&gt;&lt;script&gt;x&lt;/script&gt;'
            "</description>"
        )
        assert entry.key == "7"
        assert entry.author == "Helen Marchbanks"
        assert entry.text == "Budget & precept\n\nHello there #FullCouncil\nsee more"
        assert entry.claimed_at == datetime(2026, 3, 5, 19, 10, tzinfo=UTC)
        assert entry.links == ("https://gazette.example/p/7", "https://gazette.example/more")
        assert entry.hashtags == ("FullCouncil", "SaltmarshTC")
        assert entry.media == (Media(MediaKind.IMAGE, "A cat"), Media(MediaKind.AUDIO))
        assert entry.langs == ("en-gb",)

    def test_without_a_guid_the_link_is_the_key_and_without_both_the_content(self) -> None:
        assert one("<title>t</title><link>https://gazette.example/p/7</link>").key == "https://gazette.example/p/7"
        entry = one("<title>t</title>")
        assert entry.key == entry.digest

    def test_a_date_without_a_zone_is_read_and_nonsense_is_none(self) -> None:
        assert one("<title>t</title><pubDate>Thu, 05 Mar 2026 19:10:00</pubDate>").claimed_at == datetime(
            2026, 3, 5, 19, 10, tzinfo=UTC
        )
        assert one("<title>t</title><pubDate>last Thursday</pubDate>").claimed_at is None

    def test_the_title_is_not_said_twice(self) -> None:
        assert one("<title>Well done</title><description>Well done all</description>").text == "Well done all"

    def test_without_an_author_the_feed_is(self) -> None:
        assert one("<title>t</title>").author == "The Gazette"

    def test_items_of_one_guid_that_differ_are_told_apart_and_doubles_are_one(self) -> None:
        guid = "<guid isPermaLink='false'>7</guid>"
        items = [f"{guid}<title>a</title>", f"{guid}<title>b</title>", f"{guid}<title>a</title>"]
        entries = read(rss(*items), "", URL)
        assert [entry.text for entry in entries] == ["a", "b"]
        assert entries[0].key == "7"
        assert entries[1].key.startswith("7 ")

    def test_the_digest_changes_with_what_a_reader_sees_and_with_nothing_else(self) -> None:
        plain = one("<guid>7</guid><title>t</title><description>words</description>")
        dated = one("<guid>7</guid><title>t</title><description>words</description><comments>9</comments>")
        edited = one("<guid>7</guid><title>t</title><description>other words</description>")
        assert plain.digest == dated.digest != edited.digest

    def test_what_is_not_well_formed_is_read_as_far_as_one_can_guess(self) -> None:
        assert one("<title>Fish & chips&nbsp;night</title>").text.startswith("Fish & chips")


class TestAtom:
    def test_an_entry_with_html_of_each_kind(self) -> None:
        for content in (
            '<content type="html">&lt;p&gt;Hello &amp;amp; bye&lt;/p&gt;</content>',
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello &amp; bye</p></div></content>',
            "<content>Hello &amp; bye</content>",
        ):
            document = (
                '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><author><name>N</name></author><entry>'
                f"<id>tag:x,1</id><title>One</title><updated>2026-03-05T19:00:00+01:00</updated>{content}"
                '<category term="SaltmarshTC"/></entry></feed>'
            )
            (entry,) = read(document.encode(), "application/atom+xml", URL)
            assert entry.text == "One\n\nHello & bye"
            assert (entry.key, entry.author, entry.hashtags) == ("tag:x,1", "N", ("SaltmarshTC",))
            assert entry.claimed_at == datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "utf-8-sig"])
    def test_the_declared_one_is_read(self, encoding: str) -> None:
        name = encoding.removesuffix("-sig")
        document = f'<?xml version="1.0" encoding="{name}"?>' + rss("<title>Café</title>").decode()
        assert read(document.encode(encoding), "", URL)[0].text == "Café"

    def test_the_servers_word_goes_before_the_documents(self) -> None:
        document = ('<?xml version="1.0" encoding="utf-8"?>' + rss("<title>Café</title>").decode()).encode("latin-1")
        assert read(document, "text/xml; charset=iso-8859-1", URL)[0].text == "Café"

    @pytest.mark.parametrize("encoding", ["utf-7", "zip", "unicode_escape", "cp037"])
    def test_odd_ones_are_not(self, encoding: str) -> None:
        with pytest.raises(Unreadable, match="encoding"):
            read(rss("<title>t</title>"), f"text/xml; charset={encoding}", URL)

    def test_bytes_that_are_not_in_their_encoding_cost_only_themselves(self) -> None:
        document = rss("<title>Caf</title>").replace(b"Caf", b"Caf\xe9 #FullCouncil")
        assert read(document, "", URL)[0].hashtags == ("FullCouncil",)


class TestHostile:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_documents_that_declare_entities_are_not_parsed(self, encoding: str) -> None:
        bomb = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        outside = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        for beginning in (bomb, outside):
            with pytest.raises(Unreadable, match="entities"):
                read((beginning + rss("<title>&b;&x;</title>").decode()).encode(encoding), "", URL)

    @pytest.mark.parametrize(
        ("document", "what"),
        [
            (b"", "not a feed"),
            (b"<!doctype html><title>404</title>", "not a feed"),
            (b'{"items": []}', "not a feed"),
            (rss("<title>whole</title>", "<title>half</title>")[:-60], "cut short"),
            (b'<rss version="2.0"><channel>' + b"<a>" * 100_000, "nested too deeply"),
            (rss(*["<title>t</title>"] * (MOST_ENTRIES + 1)), "too many entries"),
            (rss("<title>&x;</title>" + " " * LARGEST_BROKEN), "not well-formed, and large"),
        ],
    )
    def test_what_cannot_be_read_is_said_so(self, document: bytes, what: str) -> None:
        with pytest.raises(Unreadable, match=what):
            read(document, "", URL)

    @pytest.mark.parametrize(
        "piece", ["<a ", '<a b="', "<!--", "</", "<![CDATA[", "&#" + "9" * 5_000 + ";", "<p>", "<!", "<script>"]
    )
    def test_no_html_keeps_us_busy(self, piece: str) -> None:
        """Doubling hostile HTML must not square the time it takes."""
        began = time.perf_counter()
        read_html(piece * (200_000 // len(piece)))
        assert time.perf_counter() - began < 2

    @given(st.text(alphabet=st.sampled_from("<>&;#/!-\"' abp=x9\n[]?"), max_size=200))
    def test_any_html_at_all_is_read(self, markup: str) -> None:
        assert "\n\n\n" not in read_html(markup, URL).text

    @given(st.binary(max_size=200))
    def test_any_bytes_at_all_are_a_feed_or_unreadable(self, body: bytes) -> None:
        try:
            read(body, "", URL)
            read(rss("<title>t</title>").replace(b">t<", b">" + body + b"<"), "", URL)
        except Unreadable:
            pass


def test_addresses_that_are_not_of_the_web_are_no_links() -> None:
    reading = read_html('<a href="javascript:x">a</a><a href="//[">b</a><a href=HTTPS://X.example/y>c</a>', URL)
    assert [link.casefold() for link in reading.links] == ["https://x.example/y"]
