"""Documents folders, runs of the transform and a slow reference, for the tests of deduplication."""

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import regex
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from transforms.beam.drop_duplicates import DropDuplicates
from transforms.contracts.documents import DOCUMENT_SCHEMA, document_id
from transforms.dedup.settings import DedupConfig


def write_documents(folder: Path, parts: Sequence[Sequence[str | dict[str, Any]]]) -> None:
    """Write parts of documents, each a text or a dictionary of `text` and further columns."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for part, documents in enumerate(parts):
        rows = []
        for document in documents:
            values = {"text": document} if isinstance(document, str) else dict(document)
            values.setdefault("source", "web")
            values.setdefault("origin", "test")
            values.setdefault("locator", str(number))
            values.setdefault(
                "id", document_id(values["source"], values["origin"], values["locator"])
            )
            rows.append({name: values.get(name) for name in DOCUMENT_SCHEMA.names})
            number += 1
        pq.write_table(
            pa.Table.from_pylist(rows, schema=DOCUMENT_SCHEMA),
            folder / f"part-{part:05d}.parquet",
            row_group_size=3000,
        )


def day(number: int) -> datetime.datetime:
    return datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=number)


def drop_duplicates(
    documents: Path, out: Path, config: DedupConfig, *, parts: Sequence[int], workers: int = 1
) -> None:
    """Runs the transform to its end in this process, or with worker processes."""
    out.mkdir(parents=True, exist_ok=True)
    with local_pipeline(workers) as pipeline:
        _ = (
            pipeline
            | beam.Create(list(parts), reshuffle=False)
            | DropDuplicates(str(documents), str(out), config)
        )


def local_pipeline(workers: int) -> beam.Pipeline:
    if workers == 1:
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    options = PipelineOptions(
        ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
    )
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    runner = FnApiRunner(
        default_environment=SubprocessSDKEnvironment(
            command_string=f'"{sys.executable}" -m apache_beam.runners.worker.sdk_worker_main'
        ),
        provision_info=ExtendedProvisionInfo(
            beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        ),
    )
    return beam.Pipeline(runner=runner, options=options)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")


def slow_shingles(text: str, width: int) -> set[tuple[str, ...]]:
    """Word n-grams as tuples of strings, for texts of scripts with spaces."""
    words = _WORD.findall(text.lower())
    if 0 < len(words) < width:
        return {tuple(words)}
    return {tuple(words[start : start + width]) for start in range(len(words) - width + 1)}


def slow_jaccard(first: set[Any], second: set[Any]) -> float:
    return len(first & second) / len(first | second) if first or second else 0.0
