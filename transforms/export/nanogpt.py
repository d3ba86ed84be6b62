"""nanoGPT: `train.bin` and `val.bin`, bare uint16 tokens, an end-of-text after each document.

`meta.pkl` tells the vocabulary.

As nanoGPT's `data/openwebtext/prepare.py` writes and its `train.py` and `sample.py` read them.
"""

import pickle
from collections.abc import Mapping, Sequence

import numpy as np

from transforms.contracts.manifest import FileEntry
from transforms.errors import ConfigError
from transforms.export.bare_tokens import SPLIT_NAMES, close_documents, count_tokens
from transforms.export.formats import Counts, Documents, ExportOptions, Group, TokenFormat
from transforms.tokens.encode import load_tokenizer
from transforms.tokens.shards import ShardInfo


def names(group: Group, options: ExportOptions) -> list[str]:
    return [f"{SPLIT_NAMES[group.split]}.bin"]


def check(info: ShardInfo) -> None:
    if info.vocabulary_size > 1 << 16:
        raise ConfigError(
            f"nanoGPT reads uint16 tokens, and the vocabulary has {info.vocabulary_size:,}",
            where="--format nanogpt",
            remedy="export llmc, megatron, datatrove or mds, "
            "or make a tokenizer of at most 65,536 tokens",
        )


def write(
    paths: Sequence[str], documents: Documents, info: ShardInfo, options: ExportOptions
) -> None:
    with open(paths[0], "wb") as sink:
        for batch in documents:
            close_documents(batch, info.end_of_text)[0].astype("<u2").tofile(sink)


def count(paths: Sequence[str], info: ShardInfo, options: ExportOptions) -> Counts:
    return count_tokens(paths[0], np.dtype("<u2"), info.end_of_text)


def finish(
    files: Mapping[str, FileEntry], tokenizer: bytes, options: ExportOptions
) -> dict[str, bytes]:
    """`meta.pkl`, which holds the vocabulary.

    Without it train.py takes GPT-2's vocabulary size, and sample.py decodes with GPT-2's tokenizer.
    sample.py looks up single characters in `stoi`; a byte-level vocabulary has a token for each
    ASCII character.
    """
    loaded = load_tokenizer(tokenizer, path="tokenizer.json", end_of_text=None)
    texts = {
        number: loaded.decode([number], skip_special_tokens=False)
        for number in range(loaded.get_vocab_size())
    }
    numbers = {text: number for number, text in sorted(texts.items(), reverse=True)}
    return {
        "meta.pkl": pickle.dumps(
            {"vocab_size": len(texts), "itos": texts, "stoi": numbers}, protocol=4
        )
    }


NANOGPT = TokenFormat(
    name="nanogpt",
    grouping="split",
    names=names,
    write=write,
    count=count,
    check=check,
    finish=finish,
)
