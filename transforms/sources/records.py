"""The output of sources: documents and rejects as they are read, and their Arrow batches."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from transforms.clean_text import clean_text, without_controls, without_surrogates
from transforms.contracts.documents import (
    DETAIL_BYTES,
    DOCUMENT_SCHEMA,
    EXCERPT_CHARACTERS,
    REJECT_SCHEMA,
    document_id,
)
from transforms.errors import UserError


class RawDocument(NamedTuple):
    """A document as read from a source.

    locator            its name inside its file
    published          seconds since 1970, UTC
    declared_language  primary subtag such as `de` that the input declares; only a hint
    truncated          why the text is known to be incomplete, a word of TRUNCATED, or None
    notes              observations while reading, as (word, count); summed by source in the
                       manifest's counters (`notes`)
    kept               columns that the user keeps, as JSON text (`transforms.sources.kept`)
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
    """A rejected record: stage `read` for an error of the input, `extract` for one without text."""

    locator: str
    rule: str
    stage: str = "read"
    detail: str = ""
    url: str | None = None
    excerpt: str = ""
    value: float | None = None


Record = RawDocument | RawReject

TRUNCATED = ("length", "time", "disconnect", "unspecified", "segment", "body", "encoding")
"""Reasons of truncation.

The first four are words of `WARC-Truncated`. `segment`: the first of several segments. `body`,
`encoding`: an HTTP body or a compressed one that ends early.
"""


class RejectedError(ValueError):
    """Text that becomes no document; `reject` builds the reject with locator and URL."""

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
"""Checks a cheap first version of a text and raises RejectedError to skip the full extraction."""


def is_failure(error: BaseException) -> bool:
    """Whether an exception is a failure of a parser.

    A panic of a Rust extension is not derived from `Exception`, but counts as one.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def is_of_system(error: BaseException) -> bool:
    """Whether an exception is not about the input: a wrong configuration, or an errno."""
    return isinstance(error, UserError) or (isinstance(error, OSError) and error.errno is not None)


class Origin(NamedTuple):
    """The origin of a record: source name, and file path relative to the source's root."""

    source: str
    path: str


def documents_batch(origins: Sequence[Origin], documents: Sequence[RawDocument]) -> pa.RecordBatch:
    """n documents and their origins -> a batch of n rows of DOCUMENT_SCHEMA without languages."""
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
    return clean_text(without_controls(label)) if label else None
