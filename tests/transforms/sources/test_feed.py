"""Source `feed`: entries of every kind of feed, and XML with errors or attacks."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.feed import read_feed
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records


def read(text: str | bytes, **options: int) -> list[Record]:
    return list(read_feed(io.BytesIO(text.encode() if isinstance(text, str) else text), **options))


RSS = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<channel><title>Feed</title><link>http://a.org/</link><description>About the "
    "feed</description>{}</channel></rss>"
)
RDF = (
    '<?xml version="1.0"?><rdf:RDF xmlns="http://purl.org/rss/1.0/" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Feed</title></channel>'
    "{}</rdf:RDF>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a.org/"><title>Feed</title>'
    "{}</feed>"
)


def test_rss_has_full_content_before_the_description() -> None:
    item = (
        "<item><title>Flood &amp;amp; field</title><link> http://a.org/1 </link><pubDate>Thu, 26 "
        "Feb 1987 15:01:01 +0000</pubDate>"
        "<description>Short</description><content:encoded><![CDATA[<nav>Kept</nav><p>One &lt;b&gt;"
        "</p><p>Two</p>]]>"
        "</content:encoded></item>"
    )
    assert read(RSS.format(item)) == [
        RawDocument(
            "1",
            "Kept\n\nOne <b>\n\nTwo",
            url="http://a.org/1",
            title="Flood & field",
            published=541350061,
        )
    ]


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (RSS.format("<item><description>A\nB</description></item>"), RawDocument("1", "A\nB")),
        (
            RSS.format("<item><description>A &amp;lt; B &lt;br&gt; C</description></item>"),
            RawDocument("1", "A < B\nC"),
        ),
        (
            RSS.format("<item><description>A <b>bold</b> <p>C</p></description></item>"),
            RawDocument("1", "A bold\n\nC"),
        ),
        (
            RSS.format("<item><content:encoded/><description>A</description></item>"),
            RawDocument("1", "A"),
        ),
        (
            RSS.format("<item><description>A</description><guid>http://a.org/2</guid></item>"),
            RawDocument("1", "A", url="http://a.org/2"),
        ),
        (
            RSS.format(
                '<item><description>A</description><guid isPermaLink="false">http://a.org/2</guid>'
                "</item>"
            ),
            RawDocument("1", "A"),
        ),
        (
            RSS.format(
                "<item><description>A</description><dc:date>1987-02-26T15:01:01Z</dc:date></item>"
            ),
            RawDocument("1", "A", published=541350061),
        ),
        (
            RDF.format(
                "<item><title>T</title><link>http://a.org/3</link><description>A</description>"
                "<dc:date>1987-02-26</dc:date></item>"
            ),
            RawDocument("1", "A", url="http://a.org/3", title="T", published=541296000),
        ),
        (
            ATOM.format(
                '<entry><title type="html">T &amp;amp; U</title><link rel="self" '
                'href="http://x/"/><link href="/4"/>'
                "<updated>1987-02-27T00:00:00Z</updated><published>1987-02-26T15:01:01Z</published>"
                '<summary>Short</summary><content type="html">&lt;p&gt;A&lt;/p&gt;&lt;p&gt;B&lt;'
                "/p&gt;</content></entry>"
            ),
            RawDocument("1", "A\n\nB", url="http://a.org/4", title="T & U", published=541350061),
        ),
        (
            ATOM.format(
                '<entry><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>A</p>'
                "<p>B<br/>C</p></div></content></entry>"
            ),
            RawDocument("1", "A\n\nB\nC"),
        ),
        (
            ATOM.format("<entry><summary>1 &lt; 2 &amp; 3</summary></entry>"),
            RawDocument("1", "1 < 2 & 3"),
        ),
        (
            ATOM.format(
                '<entry><content type="image/png">AAAA</content><summary type="text">A</summary>'
                "</entry>"
            ),
            RawDocument("1", "A"),
        ),
        (
            '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><content '
            'type="text/html" mode="escaped">&lt;p&gt;A</content>'
            "<issued>1987-02-26T15:01:01Z</issued></entry></feed>",
            RawDocument("1", "A", published=541350061),
        ),
    ],
)
def test_kinds_of_entries(feed: str, expected: RawDocument) -> None:
    assert read(feed) == [expected]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Bäche"),
        ("utf-16", "川の水"),
        ("iso-8859-1", "Bäche"),
        ("windows-1251", "Ночью вода"),
        ("gb2312", "夜里河水上涨了"),
        ("shift_jis", "川の水"),
        ("cp949", "펲시콜라 강물"),
        ("cp932", "①髙﨑"),
        ("utf-16-le", "Ночью вода"),
    ],
)
def test_encodings(encoding: str, text: str) -> None:
    label = {"cp949": "euc-kr", "cp932": "Shift_JIS", "utf-16-le": "utf-16"}.get(
        encoding, encoding.removesuffix("-sig")
    )
    feed = f'<?xml version="1.0" encoding="{label}"?>' + RSS.format(
        f"<item><description>{text}</description></item>"
    )
    assert read(feed.encode(encoding)) == [RawDocument("1", text)]


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
@pytest.mark.parametrize("bad", [b"\xff", b"\xfc", b"\xe6\xbc"])
def test_one_bad_byte_costs_itself(declaration: str, bad: bytes) -> None:
    feed = declaration + RSS.format(
        "<item><description>Bäche im Frühjahr |!</description></item>" * 3
    )
    texts = [
        found.text
        for found in read(feed.encode().replace(b"|", bad))
        if isinstance(found, RawDocument)
    ]
    assert texts == ["Bäche im Frühjahr \ufffd!"] * 3


def test_a_feed_in_another_encoding_than_it_declares() -> None:
    feed = '<?xml version="1.0" encoding="UTF-8"?>' + RSS.format(
        "<item><description>Ночью вода в реке поднялась</description></item>" * 3
    )
    assert read(feed.encode("cp1251"))[0] == RawDocument("1", "Ночью вода в реке поднялась")


def test_an_entry_without_text_costs_itself_only() -> None:
    item = "<item><description>{}</description><link>http://a.org/</link></item>"
    first, second, third = read(
        "\n" + RSS.format(item.format("A") + item.format("&lt;img&gt;") + item.format("C"))
    )
    assert (first.text, third.text, third.locator) == ("A", "C", "3")
    assert second == RawReject(
        "2",
        "extract/empty",
        "extract",
        url="http://a.org/",
        detail="no content, description or summary",
    )


BOMB = (
    "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'lol'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(10))
    + "]>"
    + RSS.format("<item><description>&k;</description></item>")
)


@pytest.mark.parametrize(
    ("feed", "rule"),
    [
        (BOMB, "feed/entities"),
        (
            "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
            + RSS.format("<item><description>&x;</description></item>"),
            "feed/entities",
        ),
        (
            "<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/x'> %x;]>" + RSS.format(""),
            "feed/entities",
        ),
        ("<html><body><p>Not found</p></body></html>", "feed/not-a-feed"),
        ('<entry xmlns="http://www.w3.org/2005/Atom"/>', "feed/not-a-feed"),
        ("<!DOCTYPE html><p>Not found", "feed/not-a-feed"),
        ("no XML", "feed/malformed"),
        ("", "feed/malformed"),
        (b"\xff\xfe\x00", "feed/malformed"),
        (bytes(100), "feed/malformed"),
        ("<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'b'>]><rss><x>&</rss>", "feed/entities"),
        (RSS.format("x" * 3000), "feed/too-large"),
    ],
)
def test_files_that_are_no_feed(feed: str | bytes, rule: str) -> None:
    started = time.monotonic()
    [found] = read(feed, max_bytes=3000)
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == ("start+", rule, "read")
    assert found.detail
    assert time.monotonic() - started < 10


def test_a_document_type_alone_does_no_harm() -> None:
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://127.0.0.1:9/rss-0.91.dtd">'
    )
    assert read(doctype + RSS.format("<item><description>A</description></item>")) == [
        RawDocument("1", "A")
    ]


def test_entries_before_a_break_are_kept() -> None:
    item = "<item><description>Text of the entry</description></item>"
    *found, last = read(RSS.format(item * 1000)[:-2000])
    assert len(found) > 900
    assert (last.locator, last.rule) == (f"{len(found)}+", "feed/malformed")


def test_a_feed_without_entries_is_no_record() -> None:
    assert read(RSS.format("")) == []


@pytest.mark.parametrize("elements", ["<b>" * 20_000 + "x" + "</b>" * 20_000, "<b/>" * 300_000])
def test_entries_of_too_many_elements_end_the_file(elements: str) -> None:
    item = "<item><description>{}</description></item>"
    first, last = read(RSS.format(item.format("A") + item.format(elements) + item.format("C")))
    assert first == RawDocument("1", "A")
    assert (last.locator, last.rule) == ("1+", "feed/too-large")


def test_a_long_token_and_many_elements_take_no_time() -> None:
    started = time.monotonic()
    assert [each.rule for each in read(b"<rss a='" + b"x" * (8 << 20))] == ["feed/malformed"]
    assert read(RSS.format("<x/>" * 500_000)) == []
    assert time.monotonic() - started < 30


@given(st.data())
def test_mutated_feeds_never_raise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    item = (
        "<item><title>T</title><link>http://a.org/</link><description>A <b>bold</b> &lt;p&gt; "
        "word</description></item>"
    )
    content = bytearray(RSS.format(item * 3).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.sampled_from(b"<>&;/\"'[]!?\x00\xff") | st.integers(0, 255)
        )
    path = tmp_path_factory.getbasetemp() / "fuzz.rss"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    records = list(read_records(str(path), kind="feed", options={}))
    assert len(records) <= 4
    assert all(isinstance(each, RawDocument | RawReject) for each in records)


@pytest.mark.parametrize(
    ("feed", "languages"),
    [
        ("<rss><channel><language>de-at</language>{}{}</channel></rss>", ["de", "fr"]),
        ('<rss xml:lang="pl"><channel>{}{}</channel></rss>', ["pl", "fr"]),
        ("<rss><channel><image><language>de</language></image>{}{}</channel></rss>", [None, "fr"]),
    ],
)
def test_the_language_a_feed_or_its_entry_declares(feed: str, languages: list[str | None]) -> None:
    plain, own = (
        "<item><description>A</description></item>",
        '<item xml:lang="fr"><description>B</description></item>',
    )
    found = read(feed.format(plain, own).encode())
    assert [each.declared_language for each in found if isinstance(each, RawDocument)] == languages
