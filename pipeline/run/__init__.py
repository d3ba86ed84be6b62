"""The folder of a run: its file names, plans, fingerprints, manifests and states of stages."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.run.folder import Run, run_of_file
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".folder": "Run run_of_file",
        },
    )

__all__ = [
    "Run",
    "run_of_file",
]
