"""The check of a finished tokenizer's contents."""

from pipeline.stages.check import Check
from pipeline.stages.finished import FinishedStages, need
from pipeline.stages.tokenizer.made import read_tokenizer


def check_vocabulary(stages: FinishedStages, check: Check) -> None:
    """Loads the tokenizer and compares its vocabulary size with the manifest."""
    stored = read_tokenizer(stages.run)
    size, stated = stored.tokenizer.get_vocab_size(), need(stages.tokenizer).counters.vocabulary
    if size != stated:
        check.add(f"{stored.path} has {size:,} tokens, the manifest says {stated:,}")
    check.checked = f"{size:,} tokens"
