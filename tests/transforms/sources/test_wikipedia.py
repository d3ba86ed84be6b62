"""Source `wikipedia`: pages of an XML export, its rejects, XML with errors and attacks."""

import bz2
import io
import random
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records
from transforms.sources.wikipedia import read_wikipedia

SITE = (
    "<siteinfo><sitename>Wikipedia</sitename>"
    "<base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base>\n"
    '<namespaces><namespace key="-2" case="first-letter">Medium</namespace>'
    '<namespace key="0" case="first-letter" />\n'
    '<namespace key="6" case="first-letter">Datei</namespace>'
    '<namespace key="14" case="first-letter">Kategorie</namespace>\n'
    "</namespaces></siteinfo>"
)
MILL = (
    """{{Infobox Mühle|Fluss={{lang|de|Ohe}}}}
[[Datei:Muehle.jpg|mini|Die [[Mühle]] im Winter]]
Die '''Obermühle''' ({{IPA|x}}) ist eine [[Wassermühle]] an der [[Ohe (Fluss)|Ohe]]."""
    """<ref>{{Literatur|Titel=Mühlen}}</ref>
Sie mahlt&nbsp;seit 1790.

== Geschichte ==
* Der ''erste'' Müller
* Der zweite

== Einzelnachweise ==
<references />
[[Kategorie:Mühle]]"""
)


def page(
    number: int,
    title: str,
    text: str,
    *,
    ns: int | None = 0,
    extra: str = "",
    model: str = "wikitext",
) -> str:
    namespace = "" if ns is None else f"<ns>{ns}</ns>"
    return (
        f"<page><title>{escape(title)}</title>{namespace}<id>{number}</id>{extra}<revision><id>"
        f"{number}00</id>"
        "<timestamp>2024-05-06T07:08:09Z</timestamp><contributor><username>N</username><id>5</id>"
        "</contributor>"
        f'<model>{model}</model><format>text/x-wiki</format><text bytes="1" xml:space="preserve">'
        f"{escape(text)}</text></revision></page>"
    )


def dump(*pages: str, site: str = SITE) -> bytes:
    head = (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">'
    )
    return f"{head}\n{site}\n{''.join(pages)}\n</mediawiki>\n".encode()


def read(data: bytes, **options: int) -> list[Record]:
    return list(read_wikipedia(io.BytesIO(data), **options))


PAGES = (
    page(1, "Obermühle (Ohe)", MILL),
    page(
        2,
        "Mühle an der Ohe",
        "#WEITERLEITUNG [[Obermühle (Ohe)]]",
        extra='<redirect title="Obermühle (Ohe)" />',
    ),
    page(3, "Diskussion:Obermühle", "Stimmt das?", ns=1),
    page(5, "Was/ist? 100% & mehr", "Eine Frage."),
    page(8, "Alt", "#redirect: [[Neu]]", ns=None),
    page(13, "Daten", '{"a": 1}', model="json"),
    page(21, "Leer", "{{Stub}}\n[[Kategorie:Leer]]"),
    page(34, "Letzte Seite", "'''Ende''' gut."),
)


def test_a_dump() -> None:
    records = read(dump(*PAGES))
    assert records[0] == RawDocument(
        "1",
        "Die Obermühle ist eine Wassermühle an der Ohe.\nSie mahlt seit 1790.\n\nGeschichte\n\n• "
        "Der erste Müller\n• Der zweite",
        url="https://de.wikipedia.org/wiki/Oberm%C3%BChle_(Ohe)",
        title="Obermühle (Ohe)",
        published=1714979289,
    )
    assert records[3].url == "https://de.wikipedia.org/wiki/Was/ist%3F_100%25_%26_mehr"
    rules = [
        (record.locator, record.rule, record.stage)
        for record in records
        if isinstance(record, RawReject)
    ]
    assert rules == [
        ("2", "wikipedia/redirect", "extract"),
        ("3", "wikipedia/namespace", "extract"),
        ("8", "wikipedia/redirect", "extract"),
        ("13", "wikipedia/model", "extract"),
        ("21", "extract/empty", "extract"),
    ]
    assert records[-1] == RawDocument(
        "34",
        "Ende gut.",
        url="https://de.wikipedia.org/wiki/Letzte_Seite",
        title="Letzte Seite",
        published=1714979289,
    )


@pytest.mark.parametrize("space", ["", ' xmlns="http://www.mediawiki.org/xml/export-0.3/"'])
def test_other_versions_of_the_format(space: str) -> None:
    data = f"<mediawiki{space}>{page(1, 'A', 'Text.', ns=None)}</mediawiki>".encode()
    assert read(data) == [RawDocument("1", "Text.", title="A", published=1714979289)]


def test_of_a_history_the_last_revision_counts() -> None:
    older = (
        "<revision><id>1</id><timestamp>2001-01-01T00:00:00Z</timestamp><text>Older.</text>"
        "</revision>"
    )
    newest = page(1, "A", "Newest.").replace("<revision>", older * 3 + "<revision>", 1)
    [record] = read(dump(newest))
    assert (record.text, record.published) == ("Newest.", 1714979289)


@pytest.mark.parametrize(
    "text",
    [
        '<text deleted="deleted" />',
        "",
        '<text xml:space="preserve"></text>',
        "<text><b>a</b></text>",
    ],
    ids=["deleted", "none", "empty", "odd"],
)
def test_a_page_without_text(text: str) -> None:
    [record] = read(
        f"<mediawiki><page><title>A</title><ns>0</ns><id>1</id><revision>{text}</revision></page>"
        f"</mediawiki>".encode()
    )
    assert (record.rule, record.stage) == ("extract/empty", "extract")


@pytest.mark.parametrize("suffix", [".xml", ".xml.bz2", ".xml.gz"])
def test_compressed_dumps(tmp_path: Path, suffix: str) -> None:
    data = dump(*PAGES)
    pack = {
        ".xml": bytes,
        ".xml.bz2": lambda data: bz2.compress(data[:700]) + bz2.compress(data[700:]),
        ".xml.gz": __import__("gzip").compress,
    }[suffix]
    path = tmp_path / f"dewiki-pages-articles{suffix}"
    path.write_bytes(pack(data))
    assert list(read_records(str(path), kind="wikipedia", options={})) == read(data)


def test_a_dump_that_was_cut_off_keeps_what_was_whole(tmp_path: Path) -> None:
    """A truncation inside a bz2 stream is a file error, one between two streams an XML error."""
    data = dump(*PAGES)
    cut = data.index(b"<page><title>Leer")
    whole = read(data)
    path = tmp_path / "cut.xml.bz2"
    noise = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9000), k=600_000)))
    path.write_bytes(bz2.compress(dump(*PAGES, page(55, "Lang", noise)))[:-1000])
    *kept, last = read_records(str(path), kind="wikipedia", options={})
    assert kept == whole[: len(kept)]
    assert last.rule == "read/broken-file"
    path.write_bytes(bz2.compress(data[:cut]))
    *kept, last = read_records(str(path), kind="wikipedia", options={})
    assert kept == whole[:6]
    assert (last.rule, last.locator) == ("wikipedia/malformed", "13+")


@pytest.mark.parametrize(
    ("data", "rule", "locator"),
    [
        (b"", "wikipedia/malformed", "start+"),
        (b"no XML", "wikipedia/malformed", "start+"),
        (b"<rss><page/></rss>", "wikipedia/not-a-dump", "start+"),
        (dump(PAGES[7], "<page></revision>"), "wikipedia/malformed", "34+"),
        (
            b'<!DOCTYPE m [<!ENTITY a "aa">]><mediawiki>&a;</mediawiki>',
            "wikipedia/entities",
            "start+",
        ),
        (
            b'<!DOCTYPE m SYSTEM "file:///etc/passwd" [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            b"<mediawiki>&a;</mediawiki>",
            "wikipedia/entities",
            "start+",
        ),
        (
            b"<mediawiki>" + b"<a>" * 60 + b"</a>" * 60 + b"</mediawiki>",
            "wikipedia/too-large",
            "start+",
        ),
        (
            b"<mediawiki><page>" + b"<a/>" * 200_001 + b"</page></mediawiki>",
            "wikipedia/too-large",
            "start+",
        ),
    ],
)
def test_xml_that_cannot_be_read_is_one_reject(data: bytes, rule: str, locator: str) -> None:
    *_, last = read(data)
    assert (last.rule, last.locator, last.stage) == (rule, locator, "read")
    assert last.detail


def test_a_page_larger_than_allowed_ends_the_file() -> None:
    *kept, last = read(dump(PAGES[7], page(2, "B", "word " * 300_000)), max_page_bytes=600_000)
    assert [record.locator for record in kept] == ["34"]
    assert (last.rule, last.locator) == ("wikipedia/too-large", "34+")


def test_open_and_deep_templates_cost_no_time() -> None:
    records = read(
        dump(page(1, "A", "{{a|" * 30_000), page(2, "B", "{{" * 30_000 + "}}" * 30_000), PAGES[7])
    )
    assert [getattr(record, "rule", "kept") for record in records] == [
        "kept",
        "extract/empty",
        "kept",
    ]


@pytest.mark.parametrize(
    ("links", "mill"),
    [(False, "Die Obermühle"), (True, "[Obermühle](https://de.wikipedia.org/wiki/M%C3%BChle)")],
)
def test_markdown(links: bool, mill: str) -> None:
    text = (
        "Die [[Mühle|Obermühle]].\n== Liste ==\n# eins\n"
        if links
        else "Die Obermühle.\n== Liste ==\n# eins\n"
    )
    [record] = list(
        read_wikipedia(io.BytesIO(dump(page(1, "A", text))), output="markdown", links=links)
    )
    assert isinstance(record, RawDocument)
    assert mill in record.text
    assert record.text.endswith("\n\n## Liste\n\n1. eins")


@pytest.mark.parametrize(
    "text",
    ["   a\n  b", "<pre>\n  a\n b\n</pre>", "<syntaxhighlight>\n\n  a\n b</syntaxhighlight>"],
)
def test_code_that_a_page_begins_with_keeps_its_indentation(text: str) -> None:
    [record] = read(dump(page(1, "A", text)))
    assert isinstance(record, RawDocument)
    assert record.text == "  a\n b"


def test_memory_does_not_grow_with_the_dump() -> None:
    def peak(pages: int) -> int:
        data = io.BytesIO(
            dump(
                *(page(number, f"Seite {number}", "Ein Satz. " * 20_000) for number in range(pages))
            )
        )
        tracemalloc.start()
        for _ in read_wikipedia(data):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40) < 2 * peak(8)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_dumps_give_records_and_never_an_exception(data: st.DataObject) -> None:
    body = bytearray(dump(*PAGES))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        size = data.draw(st.integers(0, 40))
        body[at : at + size] = data.draw(
            st.binary(max_size=8)
            | st.sampled_from([b"<", b"</page>", b"<page>", b"]]>", b"&x;", b"<id>", b"\0"])
        )
    records = read(bytes(body))
    assert all(isinstance(record, RawDocument | RawReject) for record in records)
    assert records
