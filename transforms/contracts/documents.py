"""The contracts of the documents stage: what a document and a reject are."""

import hashlib
import os

import pyarrow as pa

FORMAT_VERSION = 3
ID_BYTES = 16
EXCERPT_CHARACTERS = 200
DETAIL_BYTES = 2048

_LABEL = pa.dictionary(pa.int32(), pa.string())

DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("source", _LABEL, nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("published", pa.timestamp("s", tz="UTC")),
        pa.field("language", _LABEL),
        pa.field("language_score", pa.float32()),
        pa.field("declared_language", _LABEL),
        pa.field("truncated", _LABEL),
        pa.field("kept", pa.large_string()),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)

REJECT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.binary(ID_BYTES), nullable=False),
        pa.field("source", _LABEL, nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("stage", _LABEL, nullable=False),
        pa.field("rule", _LABEL, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("detail", pa.string()),
        pa.field("excerpt", pa.string()),
    ]
)


def document_id(source: str, origin: str, locator: str) -> bytes:
    """16 bytes that identify a document, equal on every machine and in every run.

    They are the blake2b of where the document was read.
    """
    return hashlib.blake2b(
        "\0".join((source, origin, locator)).encode(), digest_size=ID_BYTES
    ).digest()


def printable_path(path: str) -> str:
    """A file name as valid Unicode: bytes that are not UTF-8 become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
