"""Clean text, and the check of all kinds that rejects binary data."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.transforms.sources.test_warc import record
from tests.transforms.sources.test_wet import record as wet_record
from transforms.clean_text import binary_detail, clean_text
from transforms.sources.records import RawDocument, RawReject
from transforms.sources.registry import read_records

PROSE = "The river rose in the night, and in the morning the lower fields lay under water. " * 3


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\r\nb\rc\n", "a\nb\nc"),
        ("a\tb", "a\tb"),
        ("a\0b", "ab"),
        ("a\x01\x08\x0e\x1a\x1b\x7fb", "ab"),
        ("end\x0cNext\x0bline", "end\nNext\nline"),
        ("a\x1cb\x1fc", "a b c"),
        ("it\x92s \x93so\x94 \x96 well\x85", "it’s “so” – well…"),
        ("a\x81\x8d\x8f\x90\x9db", "ab"),
        ("e\u0301\xa0\xad\u200b", "é\xa0\xad\u200b"),
        (" \n a \x00 ", " \n a"),
        ("", ""),
    ],
)
def test_text_as_documents_hold_it(text: str, clean: str) -> None:
    assert clean_text("x" * 1000 + text) == ("x" * 1000 + clean).strip()


@pytest.mark.parametrize(
    ("text", "is_binary"),
    [
        ("", False),
        ("\0\0\0\0", False),
        ("\0\0\0\0\0", True),
        ("a" * 495 + "\x01" * 5, False),
        ("a" * 400 + "\x01" * 5, True),
        ("\x1b[31mred\x1b[0m" * 50, False),
        ("page\x0c" * 50, False),
        ("it\x92s" * 50, False),
        ("".join(map(chr, range(256))), True),
        ("夜里\0" * 50, True),
    ],
)
def test_what_is_binary_data(text: str, is_binary: bool) -> None:
    assert (binary_detail(text) is not None) is is_binary


@given(st.text())
def test_clean_text_has_no_controls_unless_it_is_binary(text: str) -> None:
    clean = clean_text(text)
    assert clean == clean_text(clean)
    if binary_detail(text) is None:
        assert not any(
            (ord(character) < 32 and character not in "\t\n") or 127 <= ord(character) < 160
            for character in clean
        )


def files(text: str) -> dict[str, Any]:
    """A file of each kind with some text in it: (name, bytes or a table)."""
    escaped = json.dumps({"text": text})
    table = pa.table({"text": [text]})
    return {
        "warc": ("a.warc", record(text.encode(), headers="Content-Type: text/plain")),
        "wet": ("a.wet", wet_record(text.encode())),
        "html": ("a.html", f"<html><body><main><p>{text}</p></main></body></html>".encode()),
        "text": ("a.txt", text.encode()),
        "jsonl": ("a.jsonl", escaped.encode()),
        "csv": ("a.csv", f'text\r\n"{text}"\r\n'.encode()),
        "parquet": ("a.parquet", table),
    }


@pytest.mark.parametrize("kind", sorted(files("")))
def test_controls_go_and_binary_data_is_a_reject_in_every_kind(tmp_path: Path, kind: str) -> None:
    outcomes = []
    for text in (PROSE + "a\x01b\x07c", PROSE + "\x01\x02\x03\x04\x05\x06" * 9):
        name, data = files(text)[kind]
        path = tmp_path / name
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            pq.write_table(data, path)
        options = {"fields": {}} if kind in ("jsonl", "csv", "parquet") else {}
        outcomes.append(next(read_records(str(path), kind=kind, options=options)))
    kept, rejected = outcomes
    assert isinstance(kept, RawDocument)
    assert kept.text.endswith("abc")
    assert isinstance(rejected, RawReject)
    assert (rejected.rule, rejected.stage) == (
        f"{kind}/not-text",
        "extract" if kind in ("warc", "wet") else "read",
    )


def test_an_epub_with_binary_chapters_is_a_reject(tmp_path: Path) -> None:
    """Text that the epub reader accepts is checked like all text."""
    suffix, make = SEEDS["epub"][0]
    source, path = tmp_path / "source.epub", tmp_path / f"a{suffix}"
    source.write_bytes(make())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(
                name,
                data.replace(b"</p>", b"\x01\x02\x03\x04\x05\x06</p>")
                if name.endswith(".xhtml")
                else data,
            )
    [found] = read_records(str(path), kind="epub", options={})
    assert isinstance(found, RawReject)
    assert found.rule == "epub/not-text"


@pytest.mark.parametrize("kind", ["html", "text"])
@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.4\nonly text follows\n" * 40, b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"{\\rtf1 text}"],
)
def test_a_file_of_another_format_says_which(tmp_path: Path, kind: str, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    [found] = read_records(str(path), kind=kind, options={})
    assert isinstance(found, RawReject)
    assert found.rule == f"{kind}/not-text"
    assert found.detail.startswith(
        "the file is application/" if b"PNG" not in data else "the file is image/png"
    )
