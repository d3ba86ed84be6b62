"""Readers of every kind of source: a binary stream in, documents and rejects out.

A kind of your own is registered with `transforms.register_source`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.clean_text import clean_text
    from transforms.sources.decoding import Decoded, decode_html, decode_plain
    from transforms.sources.extractors import Page, extract_main_text
    from transforms.sources.gutenberg import strip_gutenberg
    from transforms.sources.kind import SourceKind
    from transforms.sources.records import RawDocument, RawReject, Record, RejectedError
    from transforms.sources.registry import KINDS, read_records
    from transforms.sources.wikitext import wikitext_to_text
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            "..clean_text": "clean_text",
            ".decoding": "Decoded decode_html decode_plain",
            ".extractors": "Page extract_main_text",
            ".gutenberg": "strip_gutenberg",
            ".kind": "SourceKind",
            ".records": "RawDocument RawReject Record RejectedError",
            ".registry": "KINDS read_records",
            ".wikitext": "wikitext_to_text",
        },
    )

__all__ = [
    "KINDS",
    "Decoded",
    "Page",
    "RawDocument",
    "RawReject",
    "Record",
    "RejectedError",
    "SourceKind",
    "clean_text",
    "decode_html",
    "decode_plain",
    "extract_main_text",
    "read_records",
    "strip_gutenberg",
    "wikitext_to_text",
]
