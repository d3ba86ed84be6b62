"""`tokenmill inspect`: what a run, a stage, a shard or a tokenizer holds."""

__all__: list[str] = []
