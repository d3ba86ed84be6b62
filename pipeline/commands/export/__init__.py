"""`tokenmill export`: shards or documents of a run as the files of other tools."""

__all__: list[str] = []
