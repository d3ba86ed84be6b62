"""`tokenmill verify`: every file, contract and document of a run."""

__all__: list[str] = []
