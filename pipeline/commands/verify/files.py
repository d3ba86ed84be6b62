"""Checks of files: that a stage's folder holds what its manifest says, byte for byte, and that stages follow from each other."""

import hashlib
import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.run.folder import FORMAT_VERSION, PLAN, STAGES, damaged_files, read_plan
from pipeline.stages.check import Check, Checked
from transforms import storage
from transforms.contracts.dedup import CLUSTER_SCHEMA, CONTAMINATION_SCHEMA, DROP_SCHEMA, REMOVED_LINES_SCHEMA
from transforms.contracts.documents import DOCUMENT_SCHEMA, REJECT_SCHEMA
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.dedup.near.signatures import signature_schema
from transforms.dedup.settings import DedupConfig
from transforms.ingest.unit import SIGNALS_SCHEMA
from transforms.tokens.shards import open_shard

_SCHEMAS = {
    "part": DOCUMENT_SCHEMA,
    "rejects": REJECT_SCHEMA,
    "drops": DROP_SCHEMA,
    "clusters": CLUSTER_SCHEMA,
    "lines": REMOVED_LINES_SCHEMA,
    "contamination": CONTAMINATION_SCHEMA,
}


def check_files(checked: Checked, stage: str, check: Check) -> None:
    """Every file of the manifest is there with its bytes and sha256, and there is no other."""
    folder, manifest = checked.run.stage(stage), checked.manifests[stage]
    check.checked = f"{len(manifest.files):,} files, {sum(entry.bytes for entry in manifest.files.values()) / 1e6:,.1f} MB"
    for name, what in damaged_files(folder, manifest, hashes=True):
        check.add(f"{storage.join(folder, name)} {what}")
    for name in sorted(set(storage.list_names(folder)) - {MANIFEST, PLAN} - set(manifest.files)):
        check.add(f"{storage.join(folder, name)} is not in the manifest")


def check_schemas(checked: Checked, stage: str, check: Check) -> None:
    """Every file has the columns of its contract and the rows that the manifest says."""
    folder, manifest = checked.run.stage(stage), checked.manifests[stage]
    rows = 0
    for name, entry in manifest.files.items():
        path = storage.join(folder, name)
        found, number = _schema_and_rows(path)
        rows += number
        if number != entry.rows:
            check.add(f"{path} has {number:,} rows, the manifest says {entry.rows:,}")
        kind = name.partition("-")[0].partition(".")[0]
        if name.endswith(".arrow"):
            continue
        if kind == "signals":
            same = found.names[: len(SIGNALS_SCHEMA)] == SIGNALS_SCHEMA.names
        elif kind == "signatures":
            same = found.equals(signature_schema(DedupConfig(**manifest.configuration["dedup"] | {"against": ()})), check_metadata=True)
        else:
            same = kind in _SCHEMAS and found.equals(_in_parquet(_SCHEMAS[kind]))
        if not same:
            check.add(f"{path} does not have the columns of its contract: {', '.join(found.names)}")
    check.checked = f"{len(manifest.files):,} files, {rows:,} rows"


def _in_parquet(schema: pa.Schema) -> pa.Schema:
    """A schema as it comes back from Parquet, which knows no seconds."""
    seconds, milliseconds = pa.timestamp("s", tz="UTC"), pa.timestamp("ms", tz="UTC")
    return pa.schema([field.with_type(milliseconds) if field.type == seconds else field for field in schema])


def _schema_and_rows(path: str) -> tuple[pa.Schema, int]:
    if path.endswith(".arrow"):
        with storage.local_copy(path) as local:
            shard = open_shard(local)
            return shard.table.schema, len(shard)
    with storage.open_input(path) as stream:
        file = pq.ParquetFile(stream)
        return file.schema_arrow, file.metadata.num_rows


def check_chain(checked: Checked, check: Check) -> None:
    """Each stage's fingerprint is that of its plan, which names the fingerprint of the stage before."""
    manifests = checked.manifests
    check.checked = f"{len(manifests)} fingerprints"
    for stage, manifest in manifests.items():
        folder = checked.run.stage(stage)
        plan = read_plan(folder)
        identity = [FORMAT_VERSION, plan["stage"], plan["configuration"], plan["upstream"], plan["inputs"]]
        fingerprint = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        if plan["fingerprint"] != fingerprint:
            check.add(f"{storage.join(folder, PLAN)} has been changed: its fingerprint is not that of what it says")
        for key in ("stage", "fingerprint", "upstream", "configuration"):
            if getattr(manifest, key) != plan[key]:
                check.add(f"{storage.join(folder, MANIFEST)}: {key} is not that of the plan")
        if manifest.stage != stage:
            check.add(f"{storage.join(folder, MANIFEST)} is of the stage {manifest.stage!r}")
    for before, after in itertools.pairwise(STAGES):
        if before in manifests and after in manifests and manifests[after].upstream != manifests[before].fingerprint:
            check.add(f"{after} was made from another {before} than the one that is there")
