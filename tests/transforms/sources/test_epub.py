"""Source `epub`: the chapters of a book in order, and every reason to reject one."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.epub import read_epub
from transforms.sources.records import RawDocument, RawReject, Record
from transforms.sources.registry import read_records

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
    'version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
PACKAGE = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title> A Book\nof Rivers '
    "</dc:title><dc:language>en</dc:language>"
    "<dc:date>1987-02-26</dc:date></metadata><manifest>"
    '<item id="one" href="chapter%201.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="two" href="../text/two.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    '<item id="cover" href="cover.svg" media-type="image/svg+xml"/></manifest>'
    '<spine><itemref idref="cover"/><itemref idref="nav"/><itemref idref="two"/><itemref '
    'idref="one"/></spine></package>'
)
CHAPTER = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><h1>{0}</h1><p>'
    'Text of <a id="x"/>{0}.</p></body></html>'
)
FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/content.opf": PACKAGE,
    "OEBPS/chapter 1.xhtml": CHAPTER.format("One"),
    "text/two.xhtml": CHAPTER.format("Two"),
}


def book(changes: dict[str, str | bytes | None] | None = None) -> bytes:
    """The book above with some files replaced and others removed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (FILES | (changes or {})).items():
            if content is not None:
                archive.writestr(name, content)
    return out.getvalue()


def read(data: bytes, **options: int) -> Record:
    [found] = read_epub(io.BytesIO(data), **options)
    return found


def encryption(name: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
        f'<enc:EncryptedData><enc:CipherData><enc:CipherReference URI="{name}"/></enc:CipherData>'
        "</enc:EncryptedData></encryption>"
    )


def test_chapters_come_in_the_order_of_the_spine() -> None:
    text = "Two\n\nText of Two.\n\nOne\n\nText of One."
    assert read(book()) == RawDocument(
        "0", text, title="A Book of Rivers", published=541296000, declared_language="en"
    )


def test_a_chapter_says_its_encoding_and_may_name_entities() -> None:
    page = (
        '<?xml version="1.0" encoding="{}"?><!DOCTYPE html><html><head><title>x</title></head>'
        "<body><p>Bäche &mdash; über</p></body></html>"
    )
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        found = read(book({"text/two.xhtml": page.format(encoding).encode(encoding)}))
        assert isinstance(found, RawDocument)
        assert found.text.startswith("Bäche — über\n\nOne")


def test_one_bad_byte_in_a_chapter_costs_itself() -> None:
    chapter = CHAPTER.format("Bäche im Frühjahr, schöne Tage |").encode().replace(b"|", b"\xff")
    found = read(book({"text/two.xhtml": chapter}))
    assert isinstance(found, RawDocument)
    assert found.text.startswith(
        "Bäche im Frühjahr, schöne Tage \ufffd\n\nText of Bäche im Frühjahr, schöne Tage \ufffd.\n"
        "\nOne"
    )


def test_readings_go_and_structure_comes_as_markdown_on_demand() -> None:
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><h2>第一章</h2><p><ruby>漢<rt>かん</rt>'
        "字<rt>じ</rt></ruby>を<b>読</b>む"
        '<a epub:type="noteref" href="n.xhtml#1">1</a>。</p><ol start="3"><li><a '
        'href="https://a.org/">link</a></li></ol></body></html>'
    )
    changes = {"text/two.xhtml": page, "OEBPS/chapter 1.xhtml": ""}
    expected = {
        ("text", False): "第一章\n\n漢字を読む。\n\n3. link",
        ("markdown", False): "## 第一章\n\n漢字を**読**む。\n\n3. link",
        ("markdown", True): "## 第一章\n\n漢字を**読**む。\n\n3. [link](https://a.org/)",
    }
    for (output, links), text in expected.items():
        [found] = read_epub(io.BytesIO(book(changes)), output=output, links=links)  # type: ignore[arg-type]
        assert isinstance(found, RawDocument)
        assert found.text == text


def test_a_chapter_that_no_parser_could_read_in_linear_time_rejects_the_book() -> None:
    found = read(book({"text/two.xhtml": "<div>" * 20_000}))
    assert isinstance(found, RawReject)
    assert (found.rule, found.stage) == ("extract/too-deep", "extract")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"META-INF/container.xml": None}, "epub/no-container"),
        ({"META-INF/container.xml": CONTAINER.replace("rootfile ", "other ")}, "epub/no-package"),
        ({"OEBPS/content.opf": None}, "epub/no-package"),
        ({"OEBPS/content.opf": "<package><spine>"}, "epub/unreadable"),
        (
            {
                "OEBPS/content.opf": "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
                "<package>&x;</package>"
            },
            "epub/unreadable",
        ),
        ({"OEBPS/content.opf": "<package/>"}, "epub/no-chapters"),
        (
            {"OEBPS/content.opf": PACKAGE.replace('idref="two"', 'idref="three"')},
            "epub/missing-chapter",
        ),
        ({"text/two.xhtml": None}, "epub/missing-chapter"),
        ({"META-INF/encryption.xml": encryption("OEBPS/chapter%201.xhtml")}, "epub/encrypted"),
        ({"META-INF/rights.xml": '<rights xmlns="http://ns.adobe.com/adept"/>'}, "epub/encrypted"),
        ({"META-INF/encryption.xml": "<encryption>"}, "epub/unreadable"),
        ({"text/two.xhtml": "<p/>", "OEBPS/chapter 1.xhtml": ""}, "extract/empty"),
        ({"text/two.xhtml": b" " * (40 << 20)}, "epub/too-large"),
        ({"OEBPS/content.opf": b" " * (5 << 20)}, "epub/too-large"),
    ],
)
def test_reasons_not_to_read_a_book(changes: dict, rule: str) -> None:
    found = read(book(changes))
    assert isinstance(found, RawReject)
    assert (found.locator, found.rule, found.stage) == (
        "0",
        rule,
        "extract" if rule.startswith("extract/") else "read",
    )
    assert found.detail


def test_encrypted_fonts_and_other_rights_do_not_matter() -> None:
    changes = {
        "META-INF/encryption.xml": encryption("OEBPS/fonts/a.otf"),
        "META-INF/rights.xml": "<rights/>",
    }
    assert isinstance(read(book(changes)), RawDocument)


def test_a_spine_that_names_a_large_chapter_many_times_is_bounded() -> None:
    many = PACKAGE.replace('<itemref idref="two"/>', '<itemref idref="two"/>' * 1000)
    changes = {"OEBPS/content.opf": many, "text/two.xhtml": b"<p>" + b"word " * 20_000}
    found = read(book(changes), max_bytes=1 << 20)
    assert isinstance(found, RawReject)
    assert found.rule == "epub/too-large"


def test_a_password_is_encryption() -> None:
    data = bytearray(book())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            data[at + flags] |= 1
    assert isinstance(found := read(bytes(data)), RawReject)
    assert found.rule == "epub/encrypted"


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip", book()[:-30], book()[: len(book()) // 2]])
def test_no_zip(data: bytes) -> None:
    found = read(data)
    assert isinstance(found, RawReject)
    assert found.rule == "epub/not-zip"


def test_a_directory_that_points_before_the_file_is_no_error_of_the_system(tmp_path: Path) -> None:
    data = bytearray(book())
    at = data.rindex(b"PK\x05\x06") + 16
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 100).to_bytes(4, "little")
    (tmp_path / "a.epub").write_bytes(data)
    [found] = read_records(str(tmp_path / "a.epub"), kind="epub", options={})
    assert isinstance(found, RawReject)
    assert found.rule == "read/broken-file"


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), OSError(22, "The specified bucket is not valid.")]
)
def test_an_error_of_the_system_is_raised(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise error

    for module in (
        "transforms.storage",
        "transforms.storage.files",
    ):  # the second: for files that are decompressed
        monkeypatch.setattr(f"{module}.open_input", lambda path: Failing(book()))
    for kind, options in (("epub", {}), ("parquet", {"fields": {}}), ("feed", {}), ("html", {})):
        with pytest.raises(OSError) as caught:
            list(read_records("a", kind=kind, options=options))
        assert caught.value.errno == error.errno


_WHOLE = book()


@given(st.data())
def test_mutated_books_never_raise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(_WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[
            data.draw(
                st.integers(0, len(content) - 1) | st.integers(len(content) - 400, len(content) - 1)
            )
        ] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.epub"
    path.write_bytes(content)
    [found] = read_records(str(path), kind="epub", options={})
    assert isinstance(found, RawDocument | RawReject)


@pytest.mark.real_data
def test_a_real_book(data_folder: Path) -> None:
    [found] = read_records(str(data_folder / "books" / "minimal.epub"), kind="epub", options={})
    assert found == RawDocument(
        "0",
        "Introduction\n\nIntroduction paragraph where i explain what is happening.\n\n"
        "About this book\n\nHelou, this is my book! There are many books, but this one is mine.",
        title="Sample book",
        declared_language="en",
    )


def test_bad_bytes_are_noted_for_the_book() -> None:
    chapters = {
        name: CHAPTER.format("Caf@").encode().replace(b"@", b"\xe9")
        for name in ("OEBPS/chapter 1.xhtml", "text/two.xhtml")
    }
    found = read(
        book(
            {
                name: b'<?xml version="1.0" encoding="utf-8"?>' + content
                for name, content in chapters.items()
            }
        )
    )
    assert isinstance(found, RawDocument)
    assert found.text.count("Caf\ufffd") == 4
    assert found.notes == (("replaced-bytes", 4),)
