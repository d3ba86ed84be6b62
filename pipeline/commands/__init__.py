"""One package or module per command. `pipeline` exports the functions that are public."""

__all__: list[str] = []
