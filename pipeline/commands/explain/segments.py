"""The stretches of documents in a row of a shard."""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from transforms.contracts.addresses import address_text
from transforms.tokens.rows import Segments, read_segments
from transforms.tokens.shards import MappedShard


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of a document in a row.

    `positions`: its first and last position in the row. `document_tokens`: its first and last token
    in the document, from 1. `targets`: how many of its tokens are predicted. `begins`, `ends`:
    whether the document does so here. `text`: None without the tokenizer.
    """

    document: str
    positions: tuple[int, int]
    document_tokens: tuple[int, int]
    targets: int
    begins: bool
    ends: bool
    text: str | None


def explain_row_segments(
    shard: MappedShard, row: int, tokenizer: Tokenizer | None
) -> list[Segment]:
    """The stretches of documents of a row, in order."""
    segments = read_segments(shard, slice(row, row + 1))
    tokens = shard.table.column("tokens").slice(row, 1).combine_chunks().flatten().to_numpy()
    return [
        _segment(segments, number, tokens, tokenizer)
        for number in np.argsort(segments.start, kind="stable").tolist()
    ]


def _segment(
    segments: Segments, number: int, tokens: np.ndarray, tokenizer: Tokenizer | None
) -> Segment:
    start, length, offset = (
        int(column[number]) for column in (segments.start, segments.length, segments.offset)
    )
    begins = offset == 0
    ids = tokens[start + begins : start + length].tolist()
    return Segment(
        document=address_text(int(segments.document[number])),
        positions=(start, start + length - 1),
        document_tokens=(max(offset, 1), offset + length - 1),
        targets=int(segments.targets[number]),
        begins=begins,
        ends=bool(segments.ends[number]),
        text=None if tokenizer is None else tokenizer.decode(ids, skip_special_tokens=False),
    )
