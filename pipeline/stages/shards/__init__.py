"""The stage shards: encodes and packs the documents kept; `STAGES[3]` of `pipeline.stages`."""

__all__: list[str] = []
