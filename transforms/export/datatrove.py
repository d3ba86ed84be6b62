"""datatrove: `train/SOURCE/00000.ds`, bare tokens, an end-of-text after each document.

`.index` and `.metadata` are beside it. As datatrove's `TokenizedFile` writes them, and its
`DatatroveFolderDataset` and nanotron read them: the index holds where each document ends, in
tokens, as uint64; the metadata name the tokenizer and the bytes of a token, then the number of
tokens.
"""

from collections.abc import Sequence

import numpy as np

from transforms.export.bare_tokens import close_documents, count_tokens, token_dtype
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.shards import ShardInfo

_TOKENIZER = "tokenizer/tokenizer.json"


def names(group: Group, options: ExportOptions) -> list[str]:
    stem = f"{group.split}/{group.source}/{group.index:05d}.ds"
    return [stem, f"{stem}.index", f"{stem}.metadata"]


def write(
    paths: Sequence[str], documents: Documents, info: ShardInfo, options: ExportOptions
) -> None:
    dtype, written = token_dtype(info), 0
    with open(paths[0], "wb") as tokens, open(paths[1], "wb") as index:
        for batch in documents:
            stream, ends = close_documents(batch, info.end_of_text)
            stream.astype(dtype).tofile(tokens)
            (ends + written).astype("<u8").tofile(index)
            written += len(stream)
    with open(paths[2], "w", encoding="utf-8", newline="\n") as metadata:
        metadata.write(f"{_TOKENIZER}|{dtype.itemsize}\n{written}\n{written / 1e9:.3f} GT")


def count(paths: Sequence[str], info: ShardInfo, options: ExportOptions) -> Counts:
    """Documents by the index, tokens by the file."""
    ends = np.fromfile(paths[1], "<u8")
    return Counts(len(ends), count_tokens(paths[0], token_dtype(info), info.end_of_text).tokens)


DATATROVE = TokenFormat(name="datatrove", grouping="shard", names=names, write=write, count=count)
