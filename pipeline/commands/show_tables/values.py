"""`tokenmill inspect`: what a run, a stage, a shard or a tokenizer holds, as plain values for tables or JSON."""

from typing import Any

from pipeline.commands.explain.explain import parent_folder, run_of_file
from pipeline.commands.show_tables.shards import describe_shards
from pipeline.config.load import load_config
from pipeline.run.folder import CONFIGURATION, STAGES, Run, finished_stages
from pipeline.stages.dedup.report import examine_stage
from pipeline.stages.shards.stage import count_shard
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.dedup.near.bands import expected_recall
from transforms.errors import ConfigError, UserError
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
    if storage.exists(storage.join(path, MANIFEST)):
        manifest = read_manifest(path)
        if manifest.stage not in (*STAGES, "export"):
            what = f"this is what {manifest.stage!r} wrote, which is neither a stage of a run nor an export"
            raise UserError(what, where=path, remedy="name a run's folder, or a stage's")
        values = inspect_stage(manifest, path)
        return values | _describe([storage.join(path, name) for name in manifest.files]) if manifest.stage == "shards" else values
    if storage.exists(storage.join(path, CONFIGURATION)):
        return inspect_run(path)
    if not storage.exists(path):
        raise ConfigError(
            "there is no such file or folder", where=path, remedy="name a run's folder, one of its stages, a shard or a tokenizer.json"
        )
    raise UserError(
        "neither a run nor a finished stage", where=path, remedy="name a run's folder, one of its stages, a shard or a tokenizer.json"
    )


def inspect_run(folder: str) -> dict[str, Any]:
    """All finished stages of a run."""
    stages = {name: inspect_stage(manifest, storage.join(folder, name)) for name, manifest in finished_stages(Run(folder))}
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
        values["recall"] = expected_recall(**{key: manifest.configuration["dedup"][key] for key in ("bands", "rows", "jaccard")})
    if manifest.stage == "tokenizer":
        values["longest_tokens"] = _longest_tokens(storage.join(folder, "tokenizer.json"))
    if manifest.stage == "dedup":
        # A run can be moved and a stage looked at alone; excerpts come from the documents beside it, if they are there.
        values |= examine_stage(folder, storage.join(parent_folder(folder.rstrip("/")), "documents"))
    return values


def inspect_shard(path: str) -> dict[str, Any]:
    """One shard: what it says of itself, its counts, and what is in it."""
    with storage.local_copy(path) as local:
        shard = open_shard(local)
        values = {"kind": "shard", "path": path, "info": vars(shard.info), "counters": count_shard(shard)}
    return values | _describe([path])


def _describe(shards: list[str]) -> dict[str, Any]:
    return {"contents": describe_shards(shards, run_of_file(shards[0]))} if shards else {}


def inspect_tokenizer(path: str) -> dict[str, Any]:
    tokenizer = load_tokenizer(storage.read_bytes(path), path=path, end_of_text=None)
    return {
        "kind": "tokenizer file",
        "path": path,
        "counters": {"vocabulary": tokenizer.get_vocab_size()},
        "longest_tokens": _longest_tokens(path),
    }


def _longest_tokens(path: str) -> list[str]:
    tokenizer = load_tokenizer(storage.read_bytes(path), path=path, end_of_text=None)
    lengths = token_byte_lengths(tokenizer)
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    return [tokenizer.decode([number]) for number in order[:LONGEST_TOKENS]]
