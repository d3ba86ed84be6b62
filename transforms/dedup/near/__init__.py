"""Exact and near-duplicates: signatures, bands, pairs, components, keepers."""

__all__: list[str] = []
