"""llm.c: `tokens_train_000000.bin` and following, an end-of-text before each document.

A file is a header of 256 int32 and the tokens. Of its two headers (`dev/data/data_common.py`) the
first is what its C code and train_gpt2.py read, uint16; a larger vocabulary gets the second,
uint32, which train_llama3.py reads.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from transforms.config_types import STRICT
from transforms.errors import UserError
from transforms.export.bare_tokens import SPLIT_NAMES, count_tokens, token_dtype
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.shards import ShardInfo

HEADER_BYTES = 256 * 4
_MOST_TOKENS = (1 << 31) - 1  # the header's count is an int32


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LlmcOptions(ExportOptions):
    file_tokens: Annotated[int, Field(ge=1, description="aim for this many tokens a file")] = (
        100_000_000
    )


def layout(info: ShardInfo) -> tuple[int, int, np.dtype]:
    """Magic number, version and type of the tokens."""
    dtype = token_dtype(info)
    return (20240520, 1, dtype) if dtype.itemsize == 2 else (20240801, 7, dtype)


def names(group: Group, options: LlmcOptions) -> list[str]:
    return [f"tokens_{SPLIT_NAMES[group.split]}_{group.index:06d}.bin"]


def write(
    paths: Sequence[str], documents: Documents, info: ShardInfo, options: LlmcOptions
) -> None:
    magic, version, dtype = layout(info)
    written = 0
    with open(paths[0], "wb") as sink:
        sink.write(bytes(HEADER_BYTES))
        for batch in documents:
            stream = np.insert(batch.tokens, batch.offsets[:-1], info.end_of_text)
            stream.astype(dtype).tofile(sink)
            written += len(stream)
        if written > _MOST_TOKENS:
            raise UserError(
                f"a file of llm.c holds at most {_MOST_TOKENS:,} tokens, "
                f"this one would have {written:,}",
                where=paths[0],
                remedy="make smaller shards (shards.shard_megabytes)",
            )
        header = np.zeros(256, "<i4")
        header[:3] = magic, version, written
        sink.seek(0)
        sink.write(header.tobytes())


def count(paths: Sequence[str], info: ShardInfo, options: LlmcOptions) -> Counts:
    return count_tokens(paths[0], layout(info)[2], info.end_of_text, skip=HEADER_BYTES)


LLMC = TokenFormat(
    name="llmc",
    grouping="tokens",
    names=names,
    write=write,
    count=count,
    options=LlmcOptions,
    file_tokens=lambda options: options.file_tokens,
)
