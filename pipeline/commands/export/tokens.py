"""Shards -> another trainer's token files. A unit is a group of shards whose documents go into the same files."""

import contextlib
import functools
import itertools
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.commands.export.stage import BYTES_PER_SECOND, ExportStage, TokenExportUnit
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan, read_units
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport, UnitJob, plan_work, run_units
from pipeline.stages.shards.made import settings_of
from pipeline.stages.shards.stage import SHARDS
from pipeline.stages.shards.units import ShardUnit
from pipeline.stages.tokenizer.stage import TOKENIZER
from transforms import storage
from transforms.contracts.counters import ExportCounters, ExportedCounters
from transforms.contracts.manifest import FileEntry
from transforms.contracts.names import TOKENIZER as TOKENIZER_FILE
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
    info = _read_info(storage.join(run.shards, shards[0].name))
    _format(request).check(info)
    return replace(request, options=_format(request).settle(request.options, info))


def _token_units(run: Run, request: ExportRequest) -> list[TokenExportUnit]:
    """The units of an export: groups of shards in the order of their documents' addresses."""
    length = settings_of(SHARDS.finished(run)).sequence_length
    aim_rows = _format(request).file_tokens(request.options) // length
    units = []
    for split in request.splits:
        shards = [shard for shard in _wanted_shards(run, request) if shard.split == split]
        for (source, index), members in _group(
            shards, _format(request).grouping, aim_rows=aim_rows
        ).items():
            group = Group(
                split=split,
                source=source,
                index=index,
                positions=length * sum(shard.entry.rows for shard in members),
            )
            units.append(
                TokenExportUnit(
                    split=split,
                    shards=tuple(shard.name for shard in members),
                    bytes=sum(shard.entry.bytes for shard in members),
                    files=tuple(_format(request).names(group, request.options)),
                )
            )
    return units


def _group(
    shards: Sequence[_Shard], grouping: Grouping, *, aim_rows: int
) -> dict[tuple[str, int], list[_Shard]]:
    """{(source, index): shards that share files} of one split, in order."""
    groups: dict[tuple[str, int], list[_Shard]] = {}
    for shard, file in zip(
        shards, spread([shard.entry.rows for shard in shards], aim=aim_rows), strict=True
    ):
        key = {
            "split": ("", 0),
            "tokens": ("", file),
            "source": (shard.source, 0),
            "shard": (shard.source, shard.index),
        }[grouping]
        groups.setdefault(key, []).append(shard)
    return groups


def spread(sizes: Sequence[int], *, aim: int) -> list[int]:
    """Sizes of neighbours -> for each the number of its file, from 0 on: files of at most about `aim`, as even as can be."""
    files = -(-sum(sizes) // max(1, aim))
    aimed = (
        [before * files // sum(sizes) for before in itertools.accumulate(sizes[:-1], initial=0)]
        if sizes
        else []
    )
    numbers = {number: index for index, number in enumerate(sorted(set(aimed)))}
    return [numbers[number] for number in aimed]


def _wanted_shards(run: Run, request: ExportRequest) -> list[_Shard]:
    files = SHARDS.finished(run).manifest.files
    units = read_units(run.shards, ShardUnit)
    request.check_sources({unit.source for unit in units})
    shards = [
        _Shard(name, split, unit.source, unit.index, files[name])
        for split in request.splits
        for unit in units
        if request.wants(unit.source) and files[name := unit.name(split)].rows
    ]
    if not shards:
        raise UserError(
            f"nothing to export: {' and '.join(request.splits)} hold no documents of these sources",
            where=run.shards,
            remedy="choose another --split or other --sources; `tokenmill inspect RUN` shows what there is",
        )
    return shards


def _export_unit(
    folder: str, number: int, unit: TokenExportUnit, *, request: ExportRequest, shards_folder: str
) -> StageReport[ExportCounters]:
    """Writes a unit's files unless they are there, and counts what is in them."""
    writer, options = _format(request), request.options
    paths = [storage.join(folder, name) for name in unit.files]
    shards = [storage.join(shards_folder, name) for name in unit.shards]
    info = _read_info(shards[0])
    if not all(storage.exists(path) for path in paths):
        for parent in {posixpath.dirname(path) for path in paths}:
            storage.make_folder(parent)
        with contextlib.ExitStack() as stack:
            outputs = [stack.enter_context(storage.atomic_output(path)) for path in paths]
            writer.write(outputs, _documents(shards), info, options)
    with contextlib.ExitStack() as stack:
        counts = writer.count(
            [stack.enter_context(storage.local_copy(path)) for path in paths], info, options
        )
    files = {name: file_entry(path, 0) for name, path in zip(unit.files, paths, strict=True)}
    exported = ExportedCounters(documents=counts.documents, tokens=counts.tokens)
    return StageReport(files=files, counters=ExportCounters(splits={unit.split: exported}))


def _read_info(path: str) -> ShardInfo:
    """What a shard says of itself, without the rest of it."""
    with storage.open_input(path) as stream:
        return ShardInfo.from_schema(pa.ipc.open_file(stream).schema, path=path)


def _documents(shards: Sequence[str]) -> Documents:
    for path in shards:
        with storage.local_copy(path) as local:
            yield from read_documents(open_shard(local))


def _finish(
    run: Run, request: ExportRequest, report: StageReport[ExportCounters]
) -> dict[str, FileEntry]:
    """Checks that what the shards hold was written, and adds the files that describe the rest and the tokenizer.

    Raises UserError when a document or token was lost or came twice.
    """
    shards = SHARDS.finished(run).counters
    for split in request.splits:
        sources = [
            counters for source, counters in shards.splits[split].items() if request.wants(source)
        ]
        expected = ExportedCounters(
            documents=sum(each.documents for each in sources),
            tokens=sum(each.targets for each in sources),
        )
        written = report.counters.splits.get(split, ExportedCounters(documents=0, tokens=0))
        if written != expected:
            raise UserError(
                f"{split}: the shards hold {expected.documents:,} documents and {expected.tokens:,} tokens with their ends, "
                f"the export {written.documents:,} and {written.tokens:,}",
                where=request.to,
                remedy="export again with --overwrite; if that does not help, report this as a defect",
            )
    there = TOKENIZER.finished(run).manifest.files
    tokenizer = {
        name: storage.read_bytes(storage.join(run.tokenizer, name))
        for name in TOKENIZER_FILES
        if name in there
    }
    described = _format(request).finish(report.files, tokenizer[TOKENIZER_FILE], request.options)
    described |= {storage.join(TOKENIZER.name, name): data for name, data in tokenizer.items()}
    for name, data in described.items():
        path = storage.join(request.to, name)
        storage.make_folder(posixpath.dirname(path))
        storage.write_bytes(path, data)
    return {name: file_entry(storage.join(request.to, name), 0) for name in described}


def _format(request: ExportRequest) -> TokenFormat[Any]:
    chosen = FORMATS[request.format]
    assert isinstance(chosen, TokenFormat)
    return chosen


class TokenExport(ExportStage[TokenExportUnit]):
    """An export of a run's shards."""

    unit = TokenExportUnit

    def __init__(self, run: Run, request: ExportRequest):
        self.request = settle_tokens(run, request)

    def folder(self, run: Run) -> str:
        return self.request.to

    def plan(self, config: Config, run: Run) -> StagePlan[TokenExportUnit]:
        return StagePlan(
            stage=self.name,
            configuration=self.request.values(),
            upstream=SHARDS.finished(run).manifest.fingerprint,
            units=_token_units(run, self.request),
        )

    def execute(
        self,
        config: Config,
        run: Run,
        settings: RunnerSettings,
        plan: StagePlan[TokenExportUnit],
        *,
        out: str,
    ) -> StageReport[ExportCounters]:
        work = functools.partial(_export_unit, request=self.request, shards_folder=run.shards)
        job = UnitJob(folder=out, unit=self.unit, work=work, none=ExportCounters(splits={}))
        report = run_units(job, settings, plan_work(plan, bytes_per_second=BYTES_PER_SECOND))
        return replace(report, files=report.files | _finish(run, self.request, report))
