"""The formats of `tokenmill export` by name.

A new format is one file that ends with its format and one line here.
"""

from typing import Any

from transforms.export.formats import DocumentFormat, TokenFormat
from transforms.registered import registered

# The formats, in the order in which messages list them.
# ruff: noqa: F401
# isort: off
from transforms.export.nanogpt import NANOGPT
from transforms.export.llmc import LLMC
from transforms.export.megatron import MEGATRON
from transforms.export.datatrove import DATATROVE
from transforms.export.mds import MDS
from transforms.export.parquet import PARQUET
from transforms.export.jsonl import JSONL
# isort: on

FORMATS: dict[str, TokenFormat[Any] | DocumentFormat[Any]] = registered(
    globals().values(), (TokenFormat, DocumentFormat)
)


def describe_formats() -> str:
    """All formats in a line: "nanogpt, llmc (tokens), parquet or jsonl (documents)"."""
    by_content: dict[str, list[str]] = {}
    for name, known in FORMATS.items():
        by_content.setdefault(known.content, []).append(name)
    parts = [f"{', '.join(names)} ({content})" for content, names in by_content.items()]
    before, separator, last = parts[-1].rpartition(", ")
    return ", ".join([*parts[:-1], f"{before} or {last}" if separator else last])
