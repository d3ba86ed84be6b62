"""The stage documents: reads the sources; `STAGES[0]` of `pipeline.stages`."""

__all__: list[str] = []
