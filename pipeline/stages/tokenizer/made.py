"""The tokenizer of a finished run, as those who ask about its shards need it."""

from typing import NamedTuple

from tokenizers import Tokenizer

from pipeline.run.folder import Run, stage_manifest
from transforms import storage
from transforms.tokens.encode import end_of_text_id, load_tokenizer
from transforms.tokens.train import tokenizer_sha256


class RunTokenizer(NamedTuple):
    """`sha256` is how shards name it; `end_of_text` the id of its end-of-text token."""

    path: str
    sha256: str
    tokenizer: Tokenizer
    end_of_text: int


def read_tokenizer(run: Run) -> RunTokenizer:
    """Raises UserError for a file that is no tokenizer."""
    path = storage.join(run.stage("tokenizer"), "tokenizer.json")
    data = storage.read_bytes(path)
    end_of_text = stage_manifest(run, "tokenizer").configuration["tokenizer"]["end_of_text"]
    tokenizer = load_tokenizer(data, path=path, end_of_text=end_of_text)
    return RunTokenizer(path, tokenizer_sha256(data), tokenizer, end_of_text_id(tokenizer, end_of_text))
