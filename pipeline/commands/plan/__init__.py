"""`tokenmill plan`: what a run would read, do and take."""

__all__: list[str] = []
