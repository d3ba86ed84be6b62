"""The stage tokenizer: learns or imports a tokenizer; `STAGES[2]` of `pipeline.stages`."""

__all__: list[str] = []
