"""The check of the tokenizer stage beside its files."""

from pipeline.stages.check import Check
from pipeline.stages.finished import FinishedStages, need
from pipeline.stages.tokenizer.made import read_tokenizer


def check_vocabulary(stages: FinishedStages, check: Check) -> None:
    """It loads, and has as many tokens as its manifest says."""
    made = read_tokenizer(stages.run)
    size, stated = made.tokenizer.get_vocab_size(), need(stages.tokenizer).counters.vocabulary
    if size != stated:
        check.add(f"{made.path} has {size:,} tokens, the manifest says {stated:,}")
    check.checked = f"{size:,} tokens"
