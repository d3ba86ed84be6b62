"""The formats of `tokenmill export`, by name."""

from transforms.export import datatrove, jsonl, llmc, mds, megatron, nanogpt, parquet
from transforms.export.formats import DocumentFormat, TokenFormat

FORMATS: dict[str, TokenFormat | DocumentFormat] = {
    "nanogpt": nanogpt.FORMAT,
    "llmc": llmc.FORMAT,
    "megatron": megatron.FORMAT,
    "datatrove": datatrove.FORMAT,
    "mds": mds.FORMAT,
    "parquet": parquet.FORMAT,
    "jsonl": jsonl.FORMAT,
}
