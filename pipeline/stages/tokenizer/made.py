"""The tokenizer of a finished run, for readers and checks of its shards."""

from typing import NamedTuple

from tokenizers import Tokenizer

from pipeline.run.folder import Run
from transforms import storage
from transforms.contracts.manifest import read_manifest
from transforms.tokens.encode import end_of_text_id, load_tokenizer, token_byte_lengths
from transforms.tokens.train import tokenizer_sha256


class RunTokenizer(NamedTuple):
    """A tokenizer with its path.

    `sha256`: the hash of the file, as shards name it in their headers. `end_of_text`: the id of its
    end-of-text token.
    """

    path: str
    sha256: str
    tokenizer: Tokenizer
    end_of_text: int


def read_tokenizer(run: Run) -> RunTokenizer:
    """Opens the tokenizer of a run. Raises UserError for a file that is not a tokenizer."""
    path = run.tokenizer_file
    data = storage.read_bytes(path)
    settings = read_manifest(run.tokenizer).configuration["tokenizer"]
    assert isinstance(settings, dict)
    end_of_text = str(settings["end_of_text"])
    tokenizer = load_tokenizer(data, path=path, end_of_text=end_of_text)
    return RunTokenizer(
        path, tokenizer_sha256(data), tokenizer, end_of_text_id(tokenizer, end_of_text)
    )


LONGEST_TOKENS = 12


def longest_tokens(tokenizer: Tokenizer) -> list[str]:
    """The LONGEST_TOKENS tokens with most bytes, decoded, ties by id."""
    lengths = token_byte_lengths(tokenizer)
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    return [tokenizer.decode([number]) for number in order[:LONGEST_TOKENS]]
