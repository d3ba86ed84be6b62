"""Figures and limits of the source tree: `make house`.

Nothing here imports the packages that it reads.
"""
