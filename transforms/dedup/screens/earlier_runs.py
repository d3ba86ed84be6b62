"""Earlier runs that this run is deduplicated against: which they are, and what they kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import read_manifest
from transforms.contracts.names import DROPS, SIGNATURES
from transforms.dedup.near.signatures import read_signatures, signature_schema
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError
from transforms.storage.arrow_files import read_parquet
from transforms.storage.short_names import short_names

OWN = -1
"""The number of this run; those of earlier runs start at 0."""


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """A finished earlier run.

    name         in messages and data
    dedup        its dedup folder
    documents    its documents folder; None if missing or not the one that was deduplicated
    fingerprint  of its dedup stage
    parts        numbers of its parts, ascending
    kept         documents that it kept
    """

    name: str
    dedup: str
    documents: str | None
    fingerprint: str
    parts: tuple[int, ...]
    kept: int


def open_runs(folders: Sequence[str], config: DedupConfig, *, own: str) -> list[EarlierRun]:
    """The earlier runs of `dedup.against`, in order.

    `own`: the folder of this run.

    Raises UserError for a run that is not finished. Raises ConfigError for one that is this run,
    was not deduplicated, or has signatures of other settings.
    """
    names = short_names(list(folders))
    return [
        _open_run(name, folder, config, own) for name, folder in zip(names, folders, strict=True)
    ]


def _open_run(name: str, folder: str, config: DedupConfig, own: str) -> EarlierRun:
    if folder.rstrip("/") == own.rstrip("/"):
        raise ConfigError(
            "dedup.against names this run itself",
            where=folder,
            remedy="name the folders of earlier runs",
        )
    dedup = storage.join(folder, "dedup")
    manifest = read_manifest(dedup)
    parts = SIGNATURES.numbers(manifest.files)
    if not parts:
        raise ConfigError(
            f"dedup.against: the run {name!r} has no signatures",
            where=dedup,
            remedy="run it with dedup.enabled = true, or leave it out",
        )
    _check_settings(name, SIGNATURES.path(dedup, parts[0]), config)
    signed, dropped = (
        sum(entry.rows for file, entry in manifest.files.items() if files.matches(file))
        for files in (SIGNATURES, DROPS)
    )
    documents = storage.join(folder, "documents")
    same = (
        storage.exists(storage.join(documents, MANIFEST))
        and read_manifest(documents).fingerprint == manifest.upstream
    )
    return EarlierRun(
        name=name,
        dedup=dedup,
        documents=documents if same else None,
        fingerprint=manifest.fingerprint,
        parts=tuple(parts),
        kept=signed - dropped,
    )


def _check_settings(name: str, path: str, config: DedupConfig) -> None:
    """Raises ConfigError unless the signatures of a run can be compared with ours.

    All settings that their values depend on must be equal. The keep policy is not among these.
    """
    with storage.open_input(path) as stream:
        metadata = pq.read_schema(stream).metadata or {}
    stated = {key.decode(): value.decode() for key, value in metadata.items()}
    wanted = {
        key.decode(): value.decode() for key, value in signature_schema(config).metadata.items()
    }
    for key, value in wanted.items():
        if key != "tokenmill.keep" and stated.get(key) != value:
            raise ConfigError(
                f"dedup.against: the run {name!r} was made with "
                f"{key.removeprefix('tokenmill.')} = {stated.get(key, 'unknown')}, "
                f"this one has {value}",
                where=path,
                remedy="give this run's [dedup] the settings of that run, or leave it out",
            )


def read_kept_signatures(
    run: EarlierRun, part: int, columns: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The documents that an earlier run kept of a part.

    Their rows, int64 (n,), and columns of their signatures, n rows each.
    """
    signatures = read_signatures(run.dedup, part, columns)
    dropped = read_parquet(DROPS.path(run.dedup, part), ["row"])["row"].to_numpy()
    kept = np.delete(np.arange(len(signatures[columns[0]])), dropped)
    return kept, {name: column[kept] for name, column in signatures.items()}
