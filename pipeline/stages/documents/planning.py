"""The plan of the documents stage: the input files, divided into units of one source each."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pipeline.config.load import stage_values
from pipeline.config.schema import Config
from pipeline.run.plan import DIVISION, StagePlan
from pipeline.stages.documents.headers import check_headers
from pipeline.stages.documents.listing import list_source
from pipeline.stages.documents.units import DocumentsUnit
from transforms import storage
from transforms.contracts.documents import FORMAT_VERSION, printable_path
from transforms.errors import ConfigError, UserError
from transforms.filters.language import model_sha256
from transforms.filters.registry import FILTERS
from transforms.ingest.unit import InputFile
from transforms.plugins import load_plugins, read_plugins
from transforms.storage import globs

SMALLEST_UNIT = 2 << 20
_LARGEST_UNIT = 64 << 20
_UNITS = 256


def plan_documents(stage: str, config: Config) -> StagePlan[DocumentsUnit]:
    """Lists the input and divides it into units of one source each.

    A unit aims at 1/256 of the input, between 2 and 64 MiB; a large file is split into ranges where
    its kind allows that. Raises ConfigError for a path that matches no file or a column that no
    file has, UserError for empty input.
    """
    plugins = read_plugins(config.plugins)
    load_plugins(plugins)
    listed = {
        name: list_source(name, source, config.common_crawl, run=config.folder)
        for name, source in config.sources.items()
    }
    source_files = {name: source.files for name, source in listed.items()}
    total = sum(file.info.size for files in source_files.values() for file in files)
    if total == 0:
        paths = ", ".join(path for source in config.sources.values() for path in source.paths)
        raise UserError(
            "the input is empty: every file has 0 bytes",
            where=paths,
            remedy="name files that hold documents",
        )
    for name, files in source_files.items():
        check_headers(name, config.sources[name], files)
    aim = min(max(total // _UNITS, SMALLEST_UNIT), _LARGEST_UNIT)
    units: list[DocumentsUnit] = []
    for name, files in source_files.items():
        source = config.sources[name]
        inputs = (
            InputFile(
                source=name,
                path=file.info.path,
                origin=file.origin,
                size=file.info.size,
                kind=file.kind,
            )
            for file in files
        )
        pieces = (
            piece
            for file in inputs
            for piece in split_file(file, aim=aim if source.splits(file.path, file.kind) else None)
        )
        units += [
            DocumentsUnit(files=tuple(group), bytes=sum(piece.bytes for piece in group))
            for group in group_files(pieces, aim=aim)
        ]
    return StagePlan(
        stage=stage,
        configuration=without_paths(stage_values(config, "sources", "language", "signals"))
        | {
            "documents_format": FORMAT_VERSION,
            "language_model": model_sha256(config.language.model),
            "plugins": [plugin.label for plugin in plugins],
            DIVISION: _digest(units),
        },
        upstream="",
        units=units,
        inputs=(
            *(
                (f"{name}: {file.origin}", file.info.size, file.info.version)
                for name, files in source_files.items()
                for file in files
            ),
            *_filter_files(config),
        ),
        notes=tuple(note for source in listed.values() for note in source.notes),
    )


def split_file(file: InputFile, *, aim: int | None) -> list[InputFile]:
    """A file -> the fewest byte ranges of at most `aim` bytes, equal in length to a byte.

    None leaves the file whole. The file is not opened.
    """
    count = -(-file.size // aim) if aim else 1
    if count <= 1:
        return [file]
    bounds = [file.size * index // count for index in range(count + 1)]
    return [replace(file, start=start, end=end) for start, end in itertools.pairwise(bounds)]


def group_files(files: Iterable[InputFile], *, aim: int) -> Iterator[list[InputFile]]:
    """Groups consecutive files or ranges up to `aim` bytes; a larger file is a group of its own."""
    group: list[InputFile] = []
    size = 0
    for file in files:
        if group and size + file.bytes > aim:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.bytes
    if group:
        yield group


def _digest(units: Sequence[DocumentsUnit]) -> str:
    """sha256 over which bytes of which file are in which unit.

    It is part of the fingerprint: a run can be resumed only if this version divides the input
    alike.
    """
    pieces = [
        [
            (file.source, file.origin, file.start, file.end, *filter(None, [file.kind]))
            for file in unit.files
        ]
        for unit in units
    ]
    return hashlib.sha256(json.dumps(pieces).encode()).hexdigest()


def _filter_files(config: Config) -> Iterator[tuple[str, int, str]]:
    """(name, size, version) of each file that filter options name, also inside a named folder."""
    for source, settings in config.sources.items():
        for item in settings.quality:
            for key in FILTERS[item.name].files:
                for label, path in _flat(item.options.get(key, ())):
                    files = storage.list_files(globs.escape(path)) or storage.list_files(
                        storage.join(globs.escape(path), "**")
                    )
                    if not files:
                        where = f"option {key!r} of filter {item.name!r}"
                        raise ConfigError(
                            f"sources.{source}.quality: there is no such file: {path!r}",
                            where=where,
                            remedy="check the path",
                        )
                    for file in files:
                        name = printable_path(file.path.removeprefix(path)) or key
                        yield f"{source}: {item.name}: {label}{name}", file.size, file.version


def _flat(paths: Any, label: str = "") -> Iterator[tuple[str, str]]:
    """(label, path) of each path of an option; the label is its key if the option is a table."""
    if isinstance(paths, str):
        yield from [(label, paths)] if paths else []
    elif isinstance(paths, dict):
        for key, path in paths.items():
            yield from _flat(path, f"{key}: ")
    else:
        for path in paths:
            yield from _flat(path, label)


def without_paths(values: dict[str, Any]) -> dict[str, Any]:
    """Configuration values without the paths of input files, filter files and language model.

    Where files are stored does not change the output. Their names, sizes and versions are in the
    plan.
    """
    sources = {
        name: source
        | {"paths": None, "quality": [_without_files(item) for item in source["quality"]]}
        for name, source in values["sources"].items()
    }
    language = {key: item for key, item in values["language"].items() if key != "model"}
    return values | {"sources": sources, "language": language}


def _without_files(item: dict[str, Any]) -> dict[str, Any]:
    return {key: option for key, option in item.items() if key not in FILTERS[item["name"]].files}
