"""The plan of the dedup stage: the parts of the documents, and all else that decides its bytes."""

from pipeline.config.load import config_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.stages.dedup.screens import evaluation_files
from pipeline.stages.dedup.units import DedupUnit
from pipeline.stages.documents.stage import DOCUMENTS
from transforms import storage
from transforms.contracts.names import PARTS
from transforms.dedup.screens.earlier_runs import open_runs
from transforms.errors import UserError

_NOT_IN_BYTES = ("ranges", "passes", "memory_limit", "max_drop_rate")


def plan_dedup(stage: str, config: Config, run: Run) -> StagePlan[DedupUnit]:
    """Plans one unit per part of the documents.

    Raises UserError when the documents are not finished, or evaluation files or earlier runs are
    missing.
    """
    manifest = DOCUMENTS.finished(run).manifest
    parts = [(name, entry) for name, entry in sorted(manifest.files.items()) if PARTS.matches(name)]
    values = config_values(config.dedup)
    evaluation = evaluation_files(config.dedup)
    values["decontaminate"] = list(evaluation)
    # Names and fingerprints replace paths, so that an earlier run may be moved.
    earlier_runs = open_runs(config.dedup.against, config.dedup, own=run.folder)
    values["against"] = [
        [earlier.name, earlier.fingerprint, earlier.documents is not None]
        for earlier in earlier_runs
    ]
    return StagePlan(
        stage=stage,
        configuration={
            "dedup": {key: value for key, value in values.items() if key not in _NOT_IN_BYTES}
        },
        upstream=manifest.fingerprint,
        inputs=tuple(
            (f"evaluation: {name}", file.size, file.version) for name, file in evaluation.items()
        ),
        units=[
            DedupUnit(part=PARTS.number(name), bytes=entry.bytes, documents=entry.rows)
            for name, entry in parts
        ],
    )


def check_input(config: Config, run: Run, plan: StagePlan[DedupUnit] | None) -> None:
    """Raises UserError for missing parts, evaluation files or earlier runs.

    `plan`: None before the documents are finished, when there are no parts to check.
    """
    if plan is not None:  # `plan_dedup` has checked evaluation files and earlier runs.
        check_parts(run.documents, plan)
        return
    evaluation_files(config.dedup)
    open_runs(config.dedup.against, config.dedup, own=run.folder)


def check_parts(documents: str, plan: StagePlan[DedupUnit]) -> None:
    """Raises UserError when a part of the documents is missing or has another size than planned."""
    sizes = storage.file_sizes(documents)
    for unit in plan.units:
        name = PARTS.name(unit.part)
        if sizes.get(name) != unit.bytes:
            now = f"has {sizes[name]:,} bytes" if name in sizes else "is missing"
            raise UserError(
                f"a part of the documents {now}; the manifest says {unit.bytes:,} bytes",
                where=storage.join(documents, name),
                remedy="restore the file, or rerun the documents stage with --overwrite",
            )
