"""Checks of files: that a stage's folder holds what its manifest says, byte for byte, and that stages follow from each other."""

import itertools
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.plan import NAME as PLAN
from pipeline.run.plan import read_plan
from pipeline.run.state import damaged_files
from pipeline.stages.all_stages import in_order
from pipeline.stages.check import Check
from pipeline.stages.finished import Finished, FinishedStages
from pipeline.stages.stage import Stage
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.tokens.shards import open_shard


def check_files(finished: Finished[Any], check: Check) -> None:
    """Every file of the manifest is there with its bytes and sha256, and there is no other."""
    folder, manifest = finished.folder, finished.manifest
    check.checked = f"{len(manifest.files):,} files, {sum(entry.bytes for entry in manifest.files.values()) / 1e6:,.1f} MB"
    for name, what in damaged_files(folder, manifest, hashes=True):
        check.add(f"{storage.join(folder, name)} {what}")
    for name in sorted(set(storage.list_names(folder)) - {MANIFEST, PLAN} - set(manifest.files)):
        check.add(f"{storage.join(folder, name)} is not in the manifest")


def check_schemas(stage: Stage[Any, Any], finished: Finished[Any], check: Check) -> None:
    """Every file has the columns of its contract and the rows that the manifest says."""
    rows = 0
    for name, entry in finished.manifest.files.items():
        path = storage.join(finished.folder, name)
        schema, number = _schema_and_rows(path)
        rows += number
        if number != entry.rows:
            check.add(f"{path} has {number:,} rows, the manifest says {entry.rows:,}")
        if name.endswith(
            ".arrow"
        ):  # a shard says itself what it holds; its stage's own checks compare that
            continue
        contract = stage.contract_of(name, finished)
        if contract is None or not contract.is_kept_by(schema):
            check.add(
                f"{path} does not have the columns of its contract: {', '.join(schema.names)}"
            )
    check.checked = f"{len(finished.manifest.files):,} files, {rows:,} rows"


def _schema_and_rows(path: str) -> tuple[pa.Schema, int]:
    if path.endswith(".arrow"):
        with storage.local_copy(path) as local:
            shard = open_shard(local)
            return shard.table.schema, len(shard)
    with storage.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        return file.schema_arrow, file.metadata.num_rows


def check_chain(stages: FinishedStages, check: Check) -> None:
    """Each stage's fingerprint is that of its plan, which names the fingerprint of the stage before."""
    there = [(stage, finished) for stage, finished in in_order(stages) if finished]
    check.checked = f"{len(there)} fingerprints"
    for stage, finished in there:
        folder, manifest = finished.folder, finished.manifest
        plan = read_plan(folder)
        if plan.fingerprint != plan.fingerprint_of_content:
            check.add(
                f"{storage.join(folder, PLAN)} has been changed: its fingerprint is not that of what it says"
            )
        for key in ("stage", "fingerprint", "upstream", "configuration"):
            if getattr(manifest, key) != getattr(plan, key):
                check.add(f"{storage.join(folder, MANIFEST)}: {key} is not that of the plan")
        if manifest.stage != stage.name:
            check.add(f"{storage.join(folder, MANIFEST)} is of the stage {manifest.stage!r}")
    for (earlier, before), (later, after) in itertools.pairwise(in_order(stages)):
        if before and after and after.manifest.upstream != before.manifest.fingerprint:
            check.add(
                f"{later.name} was made from another {earlier.name} than the one that is there"
            )
