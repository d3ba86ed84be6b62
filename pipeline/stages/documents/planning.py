"""What the documents stage reads: the files of each source, in units of one source each."""

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
    """Lists the input and divides it into units of one source each. Raises ConfigError for a path that matches no file."""
    plugins = read_plugins(config.plugins)
    load_plugins(plugins)
    listed = {
        name: list_source(name, source, config.common_crawl, run=config.folder)
        for name, source in config.sources.items()
    }
    found = {name: source.files for name, source in listed.items()}
    total = sum(file.info.size for files in found.values() for file in files)
    if total == 0:
        paths = ", ".join(path for source in config.sources.values() for path in source.paths)
        raise UserError(
            "the input is empty: every file has 0 bytes",
            where=paths,
            remedy="name files that hold documents",
        )
    for name, files in found.items():
        check_headers(name, config.sources[name], files)
    aim = min(max(total // _UNITS, SMALLEST_UNIT), _LARGEST_UNIT)
    units: list[DocumentsUnit] = []
    for name, files in found.items():
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
                for name, files in found.items()
                for file in files
            ),
            *_filter_files(config),
        ),
        notes=tuple(note for source in listed.values() for note in source.notes),
    )


def split_file(file: InputFile, *, aim: int | None) -> list[InputFile]:
    """A file -> the fewest ranges of equal length, to a byte, of at most `aim` bytes; None leaves it whole. Nothing is opened."""
    count = -(-file.size // aim) if aim else 1
    if count <= 1:
        return [file]
    bounds = [file.size * index // count for index in range(count + 1)]
    return [replace(file, start=start, end=end) for start, end in itertools.pairwise(bounds)]


def group_files(files: Iterable[InputFile], *, aim: int) -> Iterator[list[InputFile]]:
    """Files or ranges in order -> groups of neighbours of at most `aim` bytes together; a larger file is a group of its own."""
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
    """Which bytes of which file are in which unit: parts of a run that is resumed must be those that this version makes."""
    pieces = [
        [
            (file.source, file.origin, file.start, file.end, *filter(None, [file.kind]))
            for file in unit.files
        ]
        for unit in units
    ]
    return hashlib.sha256(json.dumps(pieces).encode()).hexdigest()


def _filter_files(config: Config) -> Iterator[tuple[str, int, str]]:
    """Name, size and version of each file that a filter's options name; a folder stands for all files in it."""
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
    """The paths of an option, each with the key that it stands under in a table."""
    if isinstance(paths, str):
        yield from [(label, paths)] if paths else []
    elif isinstance(paths, dict):
        for key, path in paths.items():
            yield from _flat(path, f"{key}: ")
    else:
        for path in paths:
            yield from _flat(path, label)


def without_paths(values: dict[str, Any]) -> dict[str, Any]:
    """Where input and model lie does not change what comes out; what was found there stands in the plan beside this."""
    sources = {
        name: source
        | {"paths": None, "quality": [_without_files(item) for item in source["quality"]]}
        for name, source in values["sources"].items()
    }
    language = {key: item for key, item in values["language"].items() if key != "model"}
    return values | {"sources": sources, "language": language}


def _without_files(item: dict[str, Any]) -> dict[str, Any]:
    return {key: option for key, option in item.items() if key not in FILTERS[item["name"]].files}
