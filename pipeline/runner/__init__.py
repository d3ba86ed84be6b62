"""Runs units of work with Beam: in this process, in worker processes, or on another runner."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.runner.beam import RunnerSettings, Work, run_pipeline
    from pipeline.runner.fork_server import ForkServer
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".beam": "RunnerSettings Work run_pipeline",
            ".fork_server": "ForkServer",
        },
    )

__all__ = [
    "ForkServer",
    "RunnerSettings",
    "Work",
    "run_pipeline",
]
