"""Real feeds: escaped CDATA, C1 controls, HTML escaped twice, XML errors, odd dates, JSON Feed."""

import io
import json
from datetime import UTC, datetime

import pytest

from transforms.sources.feed import read_feed
from transforms.sources.feed_dates import feed_date
from transforms.sources.records import RawDocument, RawReject, Record

SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)
RSS = (
    f'<rss version="2.0" {SPACES}><channel><title>Feed</title><link>http://a.org/b/</link>'
    f"{{}}</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.org/"><title>Feed</title>'
    "{}</feed>"
)
ITEM = "<item><title>T</title><description>{}</description></item>"
WHOLE = ITEM.format("Whole")


def read(text: str | bytes) -> list[Record]:
    return list(read_feed(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def texts(records: list[Record]) -> list[str]:
    return [record.text if isinstance(record, RawDocument) else record.rule for record in records]


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("&lt;![CDATA[&lt;p&gt;A&lt;/p&gt;&lt;p&gt;B&lt;/p&gt;]]&gt;", "A\n\nB"),
        ("&lt;![CDATA[A &amp;amp; B]]&gt;", "A & B"),
        ("&lt;![CDATA[ A", "A"),
        ("&amp;lt;![CDATA[&amp;lt;p&amp;gt;A&amp;lt;/p&amp;gt;]]&amp;gt;", "A"),
        ("<![CDATA[<![CDATA[<p>A</p>]]]]><![CDATA[>]]>", "A"),
        ("<![CDATA[&lt;![CDATA[<p>A</p>]]&gt;]]>", "A"),
        ("Before &lt;![CDATA[inside]]&gt; after", "Before inside after"),
        ("it&#146;s &#147;so&#148; &#150; &#133;&#128;", "it’s “so” – …€"),
        ("it\u0092s \u0093so\u0094\u0081", "it’s “so”"),
        ("&lt;p&gt;it&amp;#146;s&lt;/p&gt;", "it’s"),
        ("<![CDATA[<p>it\u0092s</p>]]>", "it’s"),
        ("&amp;lt;p&amp;gt;A &amp;amp;amp; B&amp;lt;/p&amp;gt;", "A & B"),
        ("Caf&amp;amp;eacute; &amp;amp;#8217;n&amp;amp;#146; &amp;amp;amp; bar", "Café ’n’ & bar"),
        ("&amp;lt;p&amp;gt; opens a paragraph", "<p> opens a paragraph"),
        ("1 &amp;lt; 2 &lt;b&gt;x&lt;/b&gt;", "1 < 2 x"),
        ('<div xmlns="http://www.w3.org/1999/xhtml"><p>A</p><p>B</p></div>', "A\n\nB"),
        (
            '<x:div xmlns:x="http://www.w3.org/1999/xhtml"><x:p>A</x:p><x:p>B</x:p></x:div>',
            "A\n\nB",
        ),
    ],
)
def test_descriptions(description: str, text: str) -> None:
    assert texts(read(RSS.format(ITEM.format(description)))) == [text]


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        (ITEM.format("A&nbsp;B &eacute; &copy; &hellip;"), "A B é © …"),
        (ITEM.format("Q&A at AT&T, a=1&b=2 &unknown; &#38;"), "Q&A at AT&T, a=1&b=2 &unknown; &"),
        (ITEM.format("A\x0bB\x00 &#11;C &#0;"), "AB C"),
        (ITEM.format("1 < 2 and 3 <4"), "1 < 2 and 3 <4"),
        (ITEM.format("<p>One<br>two <b>three</p><p>four"), "One\ntwo three\n\nfour"),
        (ITEM.format("<![CDATA[<p>One<br>two &nbsp; &]]> x & y"), "One\ntwo & x & y"),
        ("<item><other:x>y</other:x><description>A</description></item>", "A"),
        ("<item><link>http://a.org/?a=1&b=2</link><description>A</description></item>", "A"),
        ("<item><title>Unclosed <description>A</description></item>", "A"),
    ],
)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_damaged_entry_is_mended_and_costs_no_other(damaged: str, text: str, where: int) -> None:
    items = [WHOLE, WHOLE]
    items.insert(where, damaged)
    expected = ["Whole", "Whole"]
    expected.insert(where, text)
    found = read(RSS.format("".join(items)))
    assert [each.split() for each in texts(found)] == [each.split() for each in expected]
    assert [record.locator for record in found] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "damaged",
    ["<item><nothing></item>", "<item <b></item>", "<item><description>lost</item>"],
)
def test_an_entry_that_cannot_be_told_is_its_own_reject(damaged: str) -> None:
    found = read(RSS.format(WHOLE + damaged + WHOLE))
    assert texts(found) == ["Whole", "feed/unreadable", "Whole"]
    assert isinstance(found[1], RawReject)
    assert (found[1].locator, found[1].stage) == ("2", "read")
    assert found[1].detail


def test_an_atom_entry_is_mended() -> None:
    content = '<content type="html">&lt;p&gt;A&nbsp;&lt;/p&gt; & B</content>'
    entry = f'<entry xml:lang="fr"><title>T &eacute;</title><link href="/1"/>{content}</entry>'
    [record] = read(ATOM.format(entry))
    assert record == RawDocument("1", "A\n\n& B", "http://a.org/1", "T é", None, "fr")


@pytest.mark.parametrize("cut", [1, 10, 25, 40, 60])
def test_a_feed_that_ends_early_keeps_what_is_whole(cut: int) -> None:
    whole = RSS.format(WHOLE * 3 + ITEM.format("x &nbsp; y"))
    cut_at = whole.rindex("</description></item>") + len("</description></item>") - cut
    found = read(whole[:cut_at])
    assert texts(found)[:3] == ["Whole"] * 3
    assert texts(found)[-1] == "feed/malformed"
    assert found[-1].locator == f"{len(found) - 1}+"


def test_cdata_without_an_end_costs_its_entry_only() -> None:
    open_cdata = "<item><title>O</title><description><![CDATA[<p>lost</p></description></item>"
    found = read(RSS.format(WHOLE + open_cdata + WHOLE + ITEM.format("&nbsp;Z")))
    assert texts(found) == ["Whole", "lost", "Whole", "Z"]


def test_items_in_cdata_and_comments_are_none() -> None:
    found = read(
        RSS.format(
            "<!-- <item></item> -->"
            + ITEM.format("<![CDATA[use <item> & </item> here]]>")
            + ITEM.format("B & C")
        )
    )
    assert texts(found) == ["use & here", "B & C"]


@pytest.mark.parametrize(
    "before",
    [
        "<br />\n<b>Warning</b>: x in <b>y.php</b> on line <b>3</b><br />\n",
        "\ufeff\n ",
        "Notice: x\n",
    ],
)
def test_what_stands_before_a_feed(before: str) -> None:
    assert texts(read(before + '<?xml version="1.0"?>' + RSS.format(WHOLE))) == ["Whole"]


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>/1</link>", "http://a.org/1"),
        ("<link>c</link>", "http://a.org/b/c"),
        ("<link></link><guid>http://a.org/2</guid>", "http://a.org/2"),
        (
            "<link>http://fb.org/x</link><feedburner:origLink>http://a.org/3</feedburner:origLink>",
            "http://a.org/3",
        ),
        ('<atom:link href="http://a.org/4"/>', "http://a.org/4"),
        ("<guid isPermaLink='False'>http://a.org/5</guid>", None),
        ("<link>javascript:x</link>", None),
    ],
)
def test_links(item: str, url: str | None) -> None:
    [record] = read(RSS.format(f"<item><description>A</description>{item}</item>"))
    assert record.url == url


def test_bases_of_channels_and_entries() -> None:
    entry = '<entry xml:base="deep/"><link href="x"/><content>A</content></entry>'
    [record] = read(ATOM.format(entry))
    assert record.url == "http://a.org/deep/x"
    [record] = read(
        '<rss><channel xml:base="http://b.org/"><item><link>/1</link><description>A</description>'
        "</item></channel></rss>"
    )
    assert record.url == "http://b.org/1"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<media:description>A</media:description>", "A"),
        ("<media:group><media:description>A</media:description></media:group>", "A"),
        ("<itunes:summary>A</itunes:summary>", "A"),
        ("<dc:description>A</dc:description>", "A"),
        ("<atom:summary>A</atom:summary>", "A"),
        ('<body xmlns="http://www.w3.org/1999/xhtml"><p>A</p></body>', "A"),
        (
            "<description></description><content:encoded> </content:encoded><itunes:subtitle>"
            "A</itunes:subtitle>",
            "A",
        ),
        ("<media:title>only a title</media:title>", "extract/empty"),
        ("", "extract/empty"),
    ],
)
def test_where_else_an_entry_s_text_is(item: str, text: str) -> None:
    assert texts(read(RSS.format(f"<item>{item}</item>"))) == [text]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<content>&lt;p&gt;A&lt;/p&gt;&lt;p&gt;B&lt;/p&gt;</content>", "A\n\nB"),
        ("<content>if a &lt; b &amp;&amp; c &gt; d</content>", "if a < b && c > d"),
        ("<content>List&lt;T&gt; and Map&lt;/T&gt;</content>", "List<T> and Map</T>"),
        ('<content type="TEXT/HTML; charset=utf-8">&lt;p&gt;A</content>', "A"),
        ('<content type="html">&lt;![CDATA[&lt;p&gt;A&lt;/p&gt;]]&gt;</content>', "A"),
        (
            '<content type="xhtml"><h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>A</h:p><h:p>'
            "B</h:p></h:div></content>",
            "A\n\nB",
        ),
        ('<content src="http://x/" type="video/mp4"/><summary>S</summary>', "S"),
        ('<content type="html" mode="base64">QUJD</content><summary>S</summary>', "S"),
    ],
)
def test_atom_content(content: str, text: str) -> None:
    assert texts(read(ATOM.format(f"<entry>{content}</entry>"))) == [text]


MAY = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp())
MORNING = int(datetime(2024, 5, 1, 8, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Wed, 01 May 2024 08:00:00 GMT", MORNING),
        ("Wed, 1 May 2024 10:00 +0200", MORNING),
        ("Mi, 01. Mai 2024 10:00:00 +0200", MORNING),
        ("mer., 1 mai 2024 10:00:00 +02:00", MORNING),
        ("miércoles, 1 de mayo de 2024 08:00", MORNING),
        ("ср, 1 мая 2024 10:00:00 +0200", MORNING),
        ("2024-05-01 10:00:00 +0200", MORNING),
        ("2024-05-01T10:00:00+0200", MORNING),
        ("2024-05-01T08:00Z", MORNING),
        ("2024-05-01 08:00:00 UTC", MORNING),
        ("20240501T080000Z", MORNING),
        ("May 1, 2024 8:00 AM", MORNING),
        ("May 1st, 2024", MAY),
        ("1-May-2024", MAY),
        ("2024-05-01", MAY),
        ("2024/05/01", MAY),
        ("01.05.2024", MAY),
        ("2024年5月1日", MAY),
        (str(MORNING), MORNING),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates(date: str | None, seconds: int | None) -> None:
    assert feed_date(date) == seconds


def test_json_feed() -> None:
    items = [
        {
            "id": "http://a.org/1",
            "content_html": "<p>A&nbsp;B</p>",
            "title": "T",
            "date_published": "2024-05-01T10:00:00+02:00",
        },
        {"url": "/2", "content_text": "C <d>"},
        {"id": "3"},
        7,
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "http://a.org/",
        "language": "en-US",
        "items": items,
    }
    first, second, third, fourth = read(json.dumps(feed))
    assert first == RawDocument("1", "A B", "http://a.org/1", "T", MORNING, "en")
    assert second == RawDocument("2", "C <d>", "http://a.org/2", None, None, "en")
    assert [third.rule, fourth.rule] == ["extract/empty", "feed/unreadable"]
    assert texts(read("{}")) == ["feed/not-a-feed"]
    assert texts(read("{")) == ["feed/malformed"]


@pytest.mark.parametrize(
    "unit",
    [
        "<item>",
        "<![CDATA[",
        "<item><description>&",
        "<!--",
        "<item></item>&",
        "<item><title>",
        "&lt;![CDATA[",
    ],
)
def test_broken_feeds_take_linear_time(unit: str) -> None:
    assert read(RSS.format(unit * 5_000) + "&")


@pytest.mark.parametrize(
    "feed", [RSS, ATOM.replace("{}", "<entry><title>T</title><content>Whole</content></entry>{}")]
)
@pytest.mark.parametrize(
    "after",
    [
        b"\xff",
        b"\0\0",
        b"<script>count(1 && 2)</script>",
        b"\n<br/>Warning: x & y on line 3\n",
        b"</html>",
        b"-->",
    ],
)
def test_what_stands_behind_a_feed_costs_nothing(feed: str, after: bytes) -> None:
    inside = WHOLE if feed is RSS else ""
    assert texts(read(feed.format(inside).encode() + after)) == ["Whole"]
    assert (
        texts(read(feed.format(inside).encode()[:-3] + after))[1:] == ["feed/malformed"]
        or after == b"-->"
    )


def test_bad_bytes_are_noted_once_for_the_file() -> None:
    feed = (
        RSS.format(ITEM.format("") + ITEM.format("A @ B") + ITEM.format("C @ D"))
        .encode()
        .replace(b"@", b"\xff")
    )
    empty, first, second = read(feed)
    assert isinstance(empty, RawReject)
    assert isinstance(first, RawDocument)
    assert isinstance(second, RawDocument)
    assert (first.text, first.notes, second.text, second.notes) == (
        "A \ufffd B",
        (("replaced-bytes", 2),),
        "C \ufffd D",
        (),
    )
    [item] = read(b'{"version": "1", "items": [{"content_text": "A \xff B"}]}')
    assert isinstance(item, RawDocument)
    assert item.notes == (("replaced-bytes", 1),)
