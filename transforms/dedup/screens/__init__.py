"""Drops before the search for duplicates: one URL, earlier runs, evaluation texts."""

__all__: list[str] = []
