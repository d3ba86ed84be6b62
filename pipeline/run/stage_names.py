"""The names of the stages, in order: of their folders, their commands and their tables of the configuration. Nothing heavy is imported."""

from typing import NamedTuple


class StageName(NamedTuple):
    """`aliases`: further names of the command. `help`: one line about it. `can_try`: whether the command has --dry-run."""

    name: str
    help: str
    aliases: tuple[str, ...] = ()
    can_try: bool = False


DOCUMENTS = StageName(
    "documents",
    "Run stage 1 only: read, extract, filter by language and quality.",
    aliases=("ingest",),
)
DEDUP = StageName(
    "dedup", "Run stage 2 only: find exact and near-duplicates among the documents.", can_try=True
)
TOKENIZER = StageName(
    "tokenizer", "Run stage 3 only: train the tokenizer.", aliases=("vocabulary",)
)
SHARDS = StageName("shards", "Run stage 4 only: encode and pack the documents into shards.")

STAGE_NAMES = (DOCUMENTS, DEDUP, TOKENIZER, SHARDS)
EXPORT = "export"
MODEL = "model"
"""Not stages of a run: what `tokenmill export` and `tokenmill train` write looks like one."""
