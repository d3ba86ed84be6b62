"""Source `html`: one page per file: encodings, declared URL, XHTML, and files that are no page."""

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.sources.html_files import absolute_url, close_empty_elements, read_html, stated_url
from transforms.sources.records import Origin, RawDocument, RawReject, Record, documents_batch
from transforms.sources.registry import read_records

PARAGRAPH = (
    "The river rose in the night, and in the morning the lower fields lay under a sheet of brown "
    "water. " * 4
)
SECOND = (
    "By noon the bridge at the mill was closed, and carts that came from the market had to turn "
    "back on the road. "
    "Nobody could say when it would open again. The miller had seen higher water only once, when "
    "he was a boy of nine. "
    "That year the flood took two barns, a stack of hay and the wooden tower in which the bells "
    "of the chapel hung."
)
PAGE = (
    "<html><head><title>Flood &amp; field</title>{head}</head><body><nav><a href=/>Home</a>"
    "</nav><main><p>{text}</p></main></body></html>"
)


def read(body: bytes, **options: int) -> Record:
    [found] = read_html(io.BytesIO(body), **options)
    return found


def test_main_text_title_and_address() -> None:
    body = PAGE.format(
        head='<link rel="canonical" href="https://a.org/flood">', text=PARAGRAPH
    ).encode()
    assert read(body) == RawDocument(
        "0", PARAGRAPH.strip(), url="https://a.org/flood", title="Flood & field"
    )


def test_markdown_on_demand() -> None:
    body = PAGE.format(
        head="",
        text=f'{PARAGRAPH}</p><h2>What the miller saw of the <a href="https://a.org/">flood</a>'
        f"</h2><p>{SECOND}",
    ).encode()
    [found] = read_html(io.BytesIO(body), output="markdown", links=True)
    assert isinstance(found, RawDocument)
    assert "\n\n## What the miller saw of the [flood](https://a.org/)\n\n" in found.text
    [found] = read_html(io.BytesIO(body), output="markdown")
    assert isinstance(found, RawDocument)
    assert "\n\n## What the miller saw of the flood\n\n" in found.text


def test_date_and_language_become_columns() -> None:
    body = PAGE.replace("<html>", '<html lang="de">').format(
        head='<meta name="date" content="2020-03-12">', text=PARAGRAPH
    )
    found = read(body.encode())
    assert isinstance(found, RawDocument)
    batch = documents_batch(
        [Origin("web", "a.html"), Origin("web", "b.html")], [found, RawDocument("0", "Text")]
    )
    assert batch.column("declared_language").to_pylist() == ["de", None]
    assert [date and date.timestamp() for date in batch.column("published").to_pylist()] == [
        1583971200,
        None,
    ]
    assert batch.column("language").to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<link rel="shortcut canonical" href=" https://a.org/1 ">', "https://a.org/1"),
        ('<meta property="og:url" content="http://a.org/2">', "http://a.org/2"),
        (
            '<meta property="og:url" content="http://a.org/2"><link rel=canonical '
            'href="https://b.org/1">',
            "https://b.org/1",
        ),
        (
            '<meta property="og:url" content="http://a.org/2"><link rel=canonical href="/1">',
            "http://a.org/1",
        ),
        ('<link rel=canonical href="/1">', None),
        ('<link rel=canonical href="javascript:x">', None),
        ('<link rel=canonical href="http://[">', None),
        ("<link rel=canonical>", None),
        ("", None),
    ],
)
def test_the_address_a_page_states(head: str, expected: str | None) -> None:
    assert stated_url(PAGE.format(head=head, text="")) == expected


def test_a_link_in_the_body_is_no_address_of_the_page() -> None:
    assert (
        stated_url(PAGE.format(head="", text='<link rel="canonical" href="https://a.org/">'))
        is None
    )
    assert absolute_url(None) is None


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [
        ("utf-8", ""),
        ("utf-8-sig", '<?xml version="1.0"?>'),
        ("utf-16", ""),
        ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'),
        ("cp1252", '<?xml version="1.0" encoding="windows-1252"?>'),
        ("cp1252", '<meta charset="windows-1252">'),
    ],
)
def test_encodings(encoding: str, declaration: str) -> None:
    text = "Die Bäche über der Straße schwollen „an“. " * 12
    found = read((declaration + PAGE.format(head="", text=text)).encode(encoding))
    assert isinstance(found, RawDocument)
    assert found.text == text.strip()


@pytest.mark.parametrize(
    "declaration", ["", '<meta charset="utf-8">', '<?xml version="1.0" encoding="utf-8"?>']
)
@pytest.mark.parametrize("bad", [b"\xff", b"\xfc", b"\xe6\xbc"])
def test_one_bad_byte_costs_itself(declaration: str, bad: bytes) -> None:
    text = "Die Bäche über der Straße schwollen „an“. " * 12
    found = read(
        (declaration + PAGE.format(head="", text=text + "| " + text)).encode().replace(b"|", bad)
    )
    assert isinstance(found, RawDocument)
    assert found.text == (text + "\ufffd " + text).strip()


def test_empty_elements_of_xhtml_do_not_swallow_the_page() -> None:
    page = (
        '<?xml version="1.0"?>\n<html><head><title/><script src="a.js"/></head><body><p>'
        f"{PARAGRAPH}<br/></p></body></html>"
    )
    found = read(page.encode())
    assert isinstance(found, RawDocument)
    assert found.text == PARAGRAPH.strip()
    assert close_empty_elements("<A id='x' /><br/><hr />") == "<A id='x' ></A><br/><hr />"


@pytest.mark.parametrize(
    ("body", "rule", "stage"),
    [
        (b"", "extract/empty", "extract"),
        (b"<html><body><script>1</script></body></html>", "extract/empty", "extract"),
        (b"<div>" * 20_000 + b"x", "extract/too-deep", "extract"),
        (bytes(range(256)) * 40, "html/not-text", "read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "html/not-text", "read"),
        (b"<p>" + b"x" * 1000, "html/too-large", "read"),
    ],
)
def test_files_that_are_no_page(body: bytes, rule: str, stage: str) -> None:
    found = read(body, max_bytes=1000 if rule == "html/too-large" else 1 << 20)
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == ("0", rule, stage)
    assert found.detail


def test_many_brackets_left_open_end() -> None:
    for body in (b"<?xml?>" + b"<a " * 50_000, b'<a href="' * 50_000):
        assert isinstance(read(body), RawDocument | RawReject)


def test_a_compressed_file_cut_off_is_a_broken_file(tmp_path: Path) -> None:
    whole = gzip.compress(PAGE.format(head="", text="".join(map(chr, range(200, 9000)))).encode())
    (tmp_path / "a.html.gz").write_bytes(whole)
    (tmp_path / "b.html.gz").write_bytes(whole[:-40])
    results = [
        list(read_records(str(tmp_path / name), kind="html", options={}))
        for name in ("a.html.gz", "b.html.gz")
    ]
    assert isinstance(results[0][0], RawDocument)
    assert [each.rule for each in results[1]] == ["read/broken-file"]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_mutated_pages_never_raise(junk: bytes, at: int) -> None:
    body = PAGE.format(head='<link rel="canonical" href="https://a.org/">', text=PARAGRAPH).encode()
    assert isinstance(read(body[:at] + junk + body[at + len(junk) :]), RawDocument | RawReject)


@pytest.mark.real_data
def test_a_real_book_as_a_page(data_folder: Path) -> None:
    path = data_folder / "books" / "gutenberg-24675-ontboezemingen.htm.gz"
    [found] = read_records(str(path), kind="html", options={})
    assert isinstance(found, RawDocument)
    assert found.title == "Ontboezemingen by Gabriël, a Project Gutenberg eBook"
    assert len(found.text) > 50_000


@pytest.mark.parametrize(
    "error", [OSError(5, "a failing disk"), ConfigError("no model", where="a", remedy="b")]
)
def test_what_the_page_is_not_to_blame_for_is_raised(error: Exception) -> None:
    def screen(text: str) -> None:
        raise error

    with pytest.raises(type(error)):
        list(read_html(io.BytesIO(b"<p>" + b"The river rose in the night. " * 40), screen=screen))
