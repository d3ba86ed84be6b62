"""The stages of a run as objects, and what is finished of a run.

`run_stages` is a name of `pipeline`; here it is the module that defines it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.stages.all_stages import STAGES, finished_stages
    from pipeline.stages.finished import Finished, FinishedStages
    from pipeline.stages.stage import Stage
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".all_stages": "STAGES finished_stages",
            ".finished": "Finished FinishedStages",
            ".stage": "Stage",
        },
    )

__all__ = [
    "STAGES",
    "Finished",
    "FinishedStages",
    "Stage",
    "finished_stages",
]
