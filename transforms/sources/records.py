"""What a source yields: documents and rejects as they are read, and the batches they become."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from transforms.contracts.documents import (
    DETAIL_BYTES,
    DOCUMENT_SCHEMA,
    EXCERPT_CHARACTERS,
    REJECT_SCHEMA,
    document_id,
)
from transforms.errors import UserError


class RawDocument(NamedTuple):
    """A document as a source read it. `locator` names it inside its file; `published` is seconds since 1970, UTC.

    `declared_language` is what the input says, a primary subtag such as `de`; a hint that decides nothing.
    `truncated`: why the text is known to be only a part of what there was, a word of TRUNCATED; None where nothing says so.
    `notes`: what was done or noticed in reading, as (word, how often); added up by source in the manifest's counters (`notes`).
    `kept`: columns that the user keeps, as the text of a JSON object (`transforms.sources.kept`).
    """

    locator: str
    text: str
    url: str | None = None
    title: str | None = None
    published: int | None = None
    declared_language: str | None = None
    truncated: str | None = None
    notes: tuple[tuple[str, int], ...] = ()
    kept: str | None = None


class RawReject(NamedTuple):
    """A record that is no document. Stage `read` is an error of the input; `extract` found nothing to keep."""

    locator: str
    rule: str
    stage: str = "read"
    detail: str = ""
    url: str | None = None
    excerpt: str = ""
    value: float | None = None


Record = RawDocument | RawReject

TRUNCATED = ("length", "time", "disconnect", "unspecified", "segment", "body", "encoding")
"""The first four are words of `WARC-Truncated`; a first segment of several; an HTTP body or a compressed one that ends early."""


class RejectedError(ValueError):
    """Text that becomes no document, for the reason in `reject`, whose locator and URL are still to be filled in."""

    def __init__(
        self,
        rule: str,
        stage: str,
        *,
        detail: str = "",
        excerpt: str = "",
        value: float | None = None,
    ):
        super().__init__(detail or rule)
        self._reject = RawReject("", rule, stage, detail=detail, excerpt=excerpt, value=value)

    def reject(self, locator: str, url: str | None) -> RawReject:
        return self._reject._replace(locator=locator, url=url)


Screen = Callable[[str], None]
"""Looks at a first version of a text, cheaply made, and raises RejectedError where the real one need not be made."""


def is_failure(error: BaseException) -> bool:
    """Whether an exception is a parser's: a panic of one that is written in Rust is no `Exception` by class, but is one in fact."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def is_of_system(error: BaseException) -> bool:
    """Whether an exception says nothing about the input: wrong configuration, or a system that failed, which gives an errno."""
    return isinstance(error, UserError) or (isinstance(error, OSError) and error.errno is not None)


class Origin(NamedTuple):
    """Where records come from: the source's name in the configuration and a file relative to the source's root."""

    source: str
    path: str


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BINARY = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
_ASCII_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r")
_BINARY_SHARE, _FEW = 0.01, 4
_INSTEAD = {
    chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)
} | dict.fromkeys("\v\f", "\n")
_INSTEAD |= dict.fromkeys("\x1c\x1d\x1e\x1f", " ")


def _has_controls(text: str) -> bool:
    """Of ASCII, most of what is read, five times as fast as by the pattern."""
    if text.isascii():
        encoded = text.encode("ascii")
        return len(encoded.translate(None, _ASCII_CONTROLS)) < len(encoded)
    return _CONTROL.search(text) is not None


def binary_detail(text: str) -> str | None:
    """What shows that a text is binary data in disguise, for a reject `KIND/not-text`; None for text.

    More than four control characters, and more than one in a hundred characters. The ends of lines, pages and DOS files, escapes
    (ISO-2022, terminals), and C1 controls that stand for characters of windows-1252 do not count.
    """
    if not _has_controls(text):
        return None
    count = sum(1 for _ in _BINARY.finditer(text))
    return (
        f"{count} control characters among {len(text)}"
        if count > max(_FEW, _BINARY_SHARE * len(text))
        else None
    )


def _without_controls(text: str) -> str:
    """Controls other than tab and line feed stand in no text. Those of U+0080 to U+009F were characters of windows-1252, read as Latin-1

    (the same rule as for references such as `&#146;` in the HTML standard, 13.2.5.80); page breaks end a line; separators are blanks.
    """
    return _CONTROL.sub(lambda match: _INSTEAD.get(match[0], ""), text)


def clean_text(text: str) -> str:
    """Text as documents hold it: NFC, `\\n` line ends, no control character but tab, no lone surrogate, no blank around it.

    Binary data (`binary_detail`) keeps its controls: `read_records` makes rejects of such documents.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _has_controls(text) and binary_detail(text) is None:
        text = _without_controls(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", without_surrogates(text))
    return text.strip()


def without_surrogates(text: str) -> str:
    """Text that UTF-8 can hold: a pair of surrogates becomes its character, a lone one U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def documents_batch(origins: Sequence[Origin], documents: Sequence[RawDocument]) -> pa.RecordBatch:
    """n documents and their origins -> a batch of n rows of DOCUMENT_SCHEMA; the language is not known yet."""
    sources = pa.array([origin.source for origin in origins], pa.string()).dictionary_encode()
    columns = {
        "id": [
            document_id(*origin, document.locator)
            for origin, document in zip(origins, documents, strict=True)
        ],
        "source": sources,
        "origin": [origin.path for origin in origins],
        "locator": [document.locator for document in documents],
        "url": [_clean_label(document.url) for document in documents],
        "title": [_clean_label(document.title) for document in documents],
        "published": [document.published for document in documents],
        "language": pa.nulls(len(documents), DOCUMENT_SCHEMA.field("language").type),
        "language_score": pa.nulls(len(documents), pa.float32()),
        "declared_language": _labels(document.declared_language for document in documents),
        "truncated": _labels(document.truncated for document in documents),
        "kept": [document.kept for document in documents],
        "text": [document.text for document in documents],
    }
    return pa.record_batch(
        [_column(field, columns[field.name]) for field in DOCUMENT_SCHEMA], schema=DOCUMENT_SCHEMA
    )


def rejects_batch(origins: Sequence[Origin], rejects: Sequence[RawReject]) -> pa.RecordBatch:
    """n rejects and their origins -> a batch of n rows of REJECT_SCHEMA."""
    columns = {
        "id": [
            document_id(*origin, reject.locator)
            for origin, reject in zip(origins, rejects, strict=True)
        ],
        "source": _labels(origin.source for origin in origins),
        "origin": [origin.path for origin in origins],
        "locator": [reject.locator for reject in rejects],
        "url": [_clean_label(reject.url) for reject in rejects],
        "stage": _labels(reject.stage for reject in rejects),
        "rule": _labels(reject.rule for reject in rejects),
        "value": [reject.value for reject in rejects],
        "threshold": pa.nulls(len(rejects), pa.float64()),
        "detail": [
            _clean_label(
                without_surrogates(reject.detail[:DETAIL_BYTES])
                .encode()[:DETAIL_BYTES]
                .decode("utf-8", "ignore")
            )
            for reject in rejects
        ],
        "excerpt": [_clean_label(reject.excerpt[:EXCERPT_CHARACTERS]) for reject in rejects],
    }
    return pa.record_batch(
        [_column(field, columns[field.name]) for field in REJECT_SCHEMA], schema=REJECT_SCHEMA
    )


def _labels(values: Iterable[str | None]) -> pa.DictionaryArray:
    return pa.array(list(values), pa.string()).dictionary_encode()


def _column(field: pa.Field, values: pa.Array | list) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, field.type)


def _clean_label(label: str | None) -> str | None:
    return clean_text(_without_controls(label)) if label else None
