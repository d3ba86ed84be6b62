"""Lines that many documents have: found, recorded, removed."""

__all__: list[str] = []
