"""The stage dedup: finds duplicates; `STAGES[1]` of `pipeline.stages`."""

__all__: list[str] = []
