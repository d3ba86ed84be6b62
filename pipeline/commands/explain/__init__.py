"""`tokenmill explain`: where a row, a document or a record came from, and what became of it."""

__all__: list[str] = []
