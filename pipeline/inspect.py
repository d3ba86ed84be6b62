"""`tokenmill inspect`: what a run, a stage, a shard or a tokenizer holds, as plain values for tables or JSON."""

from typing import Any

from pipeline.config import load_config
from pipeline.dedup_report import examine_stage
from pipeline.run import CONFIGURATION, Run, finished_stages
from pipeline.shards import count_shard
from transforms import io
from transforms.dedup.bands import recall_curve
from transforms.errors import ConfigError, UserError
from transforms.manifest import NAME as MANIFEST
from transforms.manifest import Manifest, read_manifest
from transforms.tokens.encode import load_tokenizer, token_byte_lengths
from transforms.tokens.shards import open_shard

LONGEST_TOKENS = 12


def inspect_path(path: str) -> dict[str, Any]:
    """A run's folder or configuration, a stage's folder, a shard or a tokenizer.json -> {kind, path, ...}."""
    if path.endswith(".arrow"):
        return inspect_shard(path)
    if path.endswith(".toml"):
        return inspect_run(load_config(path).folder)
    if path.endswith(".json"):
        return inspect_tokenizer(path)
    if io.exists(io.join(path, MANIFEST)):
        return inspect_stage(read_manifest(path), path)
    if io.exists(io.join(path, CONFIGURATION)):
        return inspect_run(path)
    if not io.exists(path):
        raise ConfigError(
            "there is no such file or folder", where=path, remedy="name a run's folder, one of its stages, a shard or a tokenizer.json"
        )
    raise UserError(
        "neither a run nor a finished stage", where=path, remedy="name a run's folder, one of its stages, a shard or a tokenizer.json"
    )


def inspect_run(folder: str) -> dict[str, Any]:
    """All finished stages of a run."""
    stages = {name: inspect_stage(manifest, io.join(folder, name)) for name, manifest in finished_stages(Run(folder))}
    if not stages:
        raise UserError("no stage of the run is finished", where=folder, remedy="run `tokenmill run CONFIG`")
    return {"kind": "run", "path": folder, "stages": stages}


def inspect_stage(manifest: Manifest, folder: str) -> dict[str, Any]:
    """A stage's own figures, from its manifest; of a tokenizer also its longest tokens, of deduplication its largest groups."""
    values = {
        "kind": manifest.stage,
        "path": folder,
        "fingerprint": manifest.fingerprint,
        "files": len(manifest.files),
        "bytes": sum(entry.bytes for entry in manifest.files.values()),
        "seconds": manifest.seconds,
        "cpu_seconds": manifest.cpu_seconds,
        "counters": manifest.counters,
    }
    if manifest.details:
        values["details"] = manifest.details
    if manifest.stage == "dedup":
        values["recall"] = _recall(manifest.configuration["dedup"])
    if manifest.stage == "tokenizer":
        values["longest_tokens"] = _longest_tokens(io.join(folder, "tokenizer.json"))
    if manifest.stage == "dedup":
        # A run can be moved and a stage looked at alone; excerpts come from the documents beside it, if they are there.
        values |= examine_stage(folder, io.join(folder.rstrip("/").rpartition("/")[0], "documents"))
    return values


def _recall(settings: dict[str, Any]) -> dict[str, Any]:
    """What the bands promise: the probability that a pair is compared, at the threshold and by similarity."""
    bands, rows, jaccard = settings["bands"], settings["rows"], settings["jaccard"]
    curve = [list(point) for point in recall_curve(bands=bands, rows=rows, jaccard=jaccard)]
    expected = next(probability for similarity, probability in curve if similarity == jaccard)
    return {"bands": bands, "rows": rows, "threshold": jaccard, "expected": expected, "curve": curve}


def inspect_shard(path: str) -> dict[str, Any]:
    """One shard: what it says of itself, and its counts."""
    with io.local_copy(path) as local:
        shard = open_shard(local)
        return {"kind": "shard", "path": path, "info": vars(shard.info), "counters": count_shard(shard)}


def inspect_tokenizer(path: str) -> dict[str, Any]:
    tokenizer = load_tokenizer(io.read_bytes(path), path=path)
    return {
        "kind": "tokenizer file",
        "path": path,
        "counters": {"vocabulary": tokenizer.get_vocab_size()},
        "longest_tokens": _longest_tokens(path),
    }


def _longest_tokens(path: str) -> list[str]:
    tokenizer = load_tokenizer(io.read_bytes(path), path=path)
    lengths = token_byte_lengths(tokenizer)
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    return [tokenizer.decode([number]) for number in order[:LONGEST_TOKENS]]
