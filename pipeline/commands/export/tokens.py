"""Shards -> another trainer's token files. A unit is a group of shards whose documents go into the same files."""

import contextlib
import functools
import itertools
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.run.folder import Run, file_entry, read_plan, stage_manifest
from pipeline.runner.units import UnitReport
from pipeline.stages.shards.stage import shard_name
from transforms import storage
from transforms.contracts.manifest import FileEntry
from transforms.errors import UserError
from transforms.export.formats import Documents, Group, Grouping, TokenFormat
from transforms.export.registry import FORMATS
from transforms.export.request import ExportRequest
from transforms.export.streams import read_documents
from transforms.tokens.shards import ShardInfo, open_shard

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class _Shard:
    """A shard with rows, in the folder of the shards."""

    name: str
    split: str
    source: str
    index: int
    entry: FileEntry


def settle_tokens(run: Run, request: ExportRequest) -> ExportRequest:
    """The request with defaults that the shards decide. Raises UserError for shards that the format cannot hold."""
    shards = _wanted_shards(run, request)
    info = _read_info(storage.join(run.stage("shards"), shards[0].name))
    _format(request).check(info)
    return replace(request, options=_format(request).settle(request.options, info))


def plan_tokens(run: Run, request: ExportRequest) -> list[dict[str, Any]]:
    """The units of an export: groups of shards in the order of their documents' addresses."""
    length = stage_manifest(run, "shards").configuration["shards"]["sequence_length"]
    aim_rows = _format(request).file_tokens(request.options) // length
    units = []
    for split in request.splits:
        shards = [shard for shard in _wanted_shards(run, request) if shard.split == split]
        for (source, index), members in _group(shards, _format(request).grouping, aim_rows=aim_rows).items():
            group = Group(split=split, source=source, index=index, positions=length * sum(shard.entry.rows for shard in members))
            units.append(
                {
                    "split": split,
                    "shards": [shard.name for shard in members],
                    "bytes": sum(shard.entry.bytes for shard in members),
                    "files": _format(request).names(group, request.options),
                }
            )
    return units


def _group(shards: Sequence[_Shard], grouping: Grouping, *, aim_rows: int) -> dict[tuple[str, int], list[_Shard]]:
    """{(source, index): shards that share files} of one split, in order."""
    groups: dict[tuple[str, int], list[_Shard]] = {}
    for shard, file in zip(shards, spread([shard.entry.rows for shard in shards], aim=aim_rows), strict=True):
        key = {"split": ("", 0), "tokens": ("", file), "source": (shard.source, 0), "shard": (shard.source, shard.index)}[grouping]
        groups.setdefault(key, []).append(shard)
    return groups


def spread(sizes: Sequence[int], *, aim: int) -> list[int]:
    """Sizes of neighbours -> for each the number of its file, from 0 on: files of at most about `aim`, as even as can be."""
    files = -(-sum(sizes) // max(1, aim))
    aimed = [before * files // sum(sizes) for before in itertools.accumulate(sizes[:-1], initial=0)] if sizes else []
    numbers = {number: index for index, number in enumerate(sorted(set(aimed)))}
    return [numbers[number] for number in aimed]


def _wanted_shards(run: Run, request: ExportRequest) -> list[_Shard]:
    manifest = stage_manifest(run, "shards")
    units = read_plan(run.stage("shards"))["units"]
    request.check_sources({unit["source"] for unit in units})
    shards = [
        _Shard(name, split, unit["source"], unit["index"], manifest.files[name])
        for split in request.splits
        for unit in units
        if request.wants(unit["source"]) and manifest.files[name := shard_name(split, unit["source"], unit["index"], unit["of"])].rows
    ]
    if not shards:
        raise UserError(
            f"nothing to export: {' and '.join(request.splits)} hold no documents of these sources",
            where=run.stage("shards"),
            remedy="choose another --split or other --sources; `tokenmill inspect RUN` shows what there is",
        )
    return shards


def token_unit(folder: str, number: int, unit: dict[str, Any], *, request: ExportRequest, shards_folder: str) -> UnitReport:
    """Writes a unit's files unless they are there, and counts what is in them."""
    writer, options = _format(request), request.options
    paths = [storage.join(folder, name) for name in unit["files"]]
    shards = [storage.join(shards_folder, name) for name in unit["shards"]]
    info = _read_info(shards[0])
    if not all(storage.exists(path) for path in paths):
        for parent in {posixpath.dirname(path) for path in paths}:
            storage.make_folder(parent)
        with contextlib.ExitStack() as stack:
            outputs = [stack.enter_context(storage.atomic_output(path)) for path in paths]
            writer.write(outputs, _documents(shards), info, options)
    with contextlib.ExitStack() as stack:
        counts = writer.count([stack.enter_context(storage.local_copy(path)) for path in paths], info, options)
    files = {name: file_entry(path, 0) for name, path in zip(unit["files"], paths, strict=True)}
    return UnitReport(files=files, counters={unit["split"]: counts._asdict()})


def _read_info(path: str) -> ShardInfo:
    """What a shard says of itself, without the rest of it."""
    with storage.open_input(path) as stream:
        return ShardInfo.from_schema(pa.ipc.open_file(stream).schema, path=path)


def _documents(shards: Sequence[str]) -> Documents:
    for path in shards:
        with storage.local_copy(path) as local:
            yield from read_documents(open_shard(local))


def finish_tokens(run: Run, request: ExportRequest, report: UnitReport) -> dict[str, FileEntry]:
    """Checks that what the shards hold was written, and adds the files that describe the rest and the tokenizer.

    Raises UserError when a document or token was lost or came twice.
    """
    shards = stage_manifest(run, "shards").counters
    for split in request.splits:
        sources = [figures for source, figures in shards[split].items() if request.wants(source)]
        expected = {"documents": sum(each["documents"] for each in sources), "tokens": sum(each["targets"] for each in sources)}
        written = report.counters.get(split, {"documents": 0, "tokens": 0})
        if written != expected:
            raise UserError(
                f"{split}: the shards hold {expected['documents']:,} documents and {expected['tokens']:,} tokens with their ends, "
                f"the export {written['documents']:,} and {written['tokens']:,}",
                where=request.to,
                remedy="export again with --overwrite; if that does not help, report this as a defect",
            )
    there = stage_manifest(run, "tokenizer").files
    tokenizer = {name: storage.read_bytes(storage.join(run.stage("tokenizer"), name)) for name in TOKENIZER_FILES if name in there}
    described = _format(request).finish(report.files, tokenizer["tokenizer.json"], request.options)
    described |= {storage.join("tokenizer", name): data for name, data in tokenizer.items()}
    for name, data in described.items():
        path = storage.join(request.to, name)
        storage.make_folder(posixpath.dirname(path))
        storage.write_bytes(path, data)
    return {name: file_entry(storage.join(request.to, name), 0) for name in described}


def token_work(run: Run, request: ExportRequest) -> functools.partial[UnitReport]:
    return functools.partial(token_unit, request=request, shards_folder=run.stage("shards"))


def _format(request: ExportRequest) -> TokenFormat[Any]:
    found = FORMATS[request.format]
    assert isinstance(found, TokenFormat)
    return found
