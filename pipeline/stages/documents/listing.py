"""Lists the files of a source: expands its paths, and gives each file its origin and kind."""

import functools
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from transforms import storage
from transforms.contracts.documents import printable_path
from transforms.errors import ConfigError
from transforms.ingest.settings import SourceConfig
from transforms.sources.common_crawl import crawl_paths, is_crawl_name, parse_crawl_name
from transforms.sources.file_kinds import (
    AUTO,
    PEEK_BYTES,
    is_named_as,
    is_passed_over,
    kind_of_file,
    suffixes_of,
)
from transforms.storage import globs
from transforms.storage.files import FileInfo

_LISTINGS_AT_ONCE = 16
_SHOWN = 8
_STATE = "state.json"
"""File that `save_to_disk` of Hugging Face datasets writes beside the Arrow files of a split.

It names the data files; other Arrow files in the folder are caches.
"""
_DESCRIPTIONS = {_STATE, "dataset_info.json", "dataset_dict.json"}


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file of a source.

    `origin`: its path relative to the source's root. `kind`: the file's kind in a source of kind
    `auto`, else empty.
    """

    info: FileInfo
    origin: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """The files of a source, ordered by path, and notes on skipped files of its folders."""

    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()


def list_source(
    name: str, source: SourceConfig, common_crawl: str, *, run: str = ""
) -> SourceFiles:
    """Lists the files of a source, each path once.

    `common_crawl`: the root that names of crawl files are relative to. `run`: the folder of the
    run, whose files are skipped. Raises ConfigError for a path that matches no file, and for a
    named file of unknown kind in a source of kind `auto`.
    """
    by_path: dict[str, SourceFile] = {}
    notes: list[str] = []
    listed = [
        _expand(name, source, path, run, notes) for path in source.paths if not is_crawl_name(path)
    ]
    root = _root([base for base, _ in listed])
    for _, infos in listed:
        by_path.update(
            (info.path, SourceFile(info=info, origin=_origin(info.path, root))) for info in infos
        )
    for path in filter(is_crawl_name, source.paths):
        kind = parse_crawl_name(path).kind if source.kind == AUTO else ""
        by_path.update(
            (file.path, SourceFile(info=file, origin=origin, kind=kind))
            for file, origin in _list_crawl(path, common_crawl)
        )
    _refuse_equal_origins(name, by_path)
    files = tuple(by_path[path] for path in sorted(by_path))
    if source.kind == AUTO:
        files = _with_kinds(name, source, files, notes)
    return SourceFiles(files=files, notes=tuple(notes))


def _expand(
    name: str, source: SourceConfig, path: str, run: str, notes: list[str]
) -> tuple[str, list[FileInfo]]:
    """A path of the configuration -> its pattern and the files that it matches.

    The literal folders of the pattern decide what origins are relative to (`_root`).
    """
    files = storage.list_files(path)
    literal, rest = storage.find_literal(path)
    if files:
        return storage.join(globs.escape(literal), rest) if rest else globs.escape(literal), files
    where = globs.unescape(path)
    if not rest and storage.is_folder(literal):
        return storage.join(globs.escape(literal.rstrip("/")), "**"), _list_folder(
            name, source, literal.rstrip("/"), run, notes
        )
    problem = "no file matches" if rest else "there is no such file"
    raise ConfigError(
        f"sources.{name}.paths: {problem} {where!r}",
        where=where,
        remedy="check the path; ** matches folders at any depth",
    )


def _list_folder(
    name: str, source: SourceConfig, folder: str, run: str, notes: list[str]
) -> list[FileInfo]:
    """The files of the source's kind in a folder and its subfolders.

    Hidden files, files of the run and leftovers of other tools are skipped; other kinds are noted.
    """
    inside = [
        (file, file.path.removeprefix(folder).lstrip("/")) for file in storage.list_folder(folder)
    ]
    inside = [
        (file, inner)
        for file, inner in inside
        if not is_passed_over(inner) and not _is_of_run(file, run)
    ]
    no_data = _no_data_of_datasets([inner for _, inner in inside], folder)
    inside = [(file, inner) for file, inner in inside if inner not in no_data]
    chosen = [
        file for file, inner in inside if source.kind == AUTO or is_named_as(source.kind, inner)
    ]
    others = Counter(_ending(inner) for _, inner in inside) - Counter(
        _ending(file.path) for file in chosen
    )
    if not chosen:
        there = (
            ", ".join(f"{number} {ending}" for ending, number in others.most_common(_SHOWN))
            or "no file at all"
        )
        wanted = (
            ""
            if source.kind == AUTO
            else f" of kind {source.kind!r} ({', '.join(suffixes_of(source.kind))})"
        )
        remedy = "name another folder or kind, or a pattern of files: folder/**/*.ext"
        raise ConfigError(
            f"sources.{name}.paths: the folder holds no file{wanted}; there is {there}",
            where=folder,
            remedy=remedy,
        )
    if caches := sum(inner.endswith(".arrow") for inner in no_data):
        notes.append(
            f"sources.{name}: passed over in {folder}, "
            f"caches that no {_STATE} names: {caches} .arrow"
        )
    if others:
        notes.append(
            f"sources.{name}: passed over in {folder}, "
            f"not of kind {source.kind!r}: {_counted(others)}"
        )
    return chosen


def _is_of_run(file: FileInfo, run: str) -> bool:
    return bool(run) and file.path.startswith(run.rstrip("/") + "/")


def _no_data_of_datasets(inside: Sequence[str], folder: str) -> set[str]:
    """The files of `save_to_disk` folders that hold no data: descriptions and caches.

    Caches are the Arrow files that `state.json` does not name.
    """
    no_data: set[str] = set()
    for state in (inner for inner in inside if inner.rpartition("/")[2] == _STATE):
        base = state[: -len(_STATE)]
        try:
            named = {
                entry["filename"]
                for entry in json.loads(storage.read_bytes(storage.join(folder, state)))[
                    "_data_files"
                ]
            }
        except (ValueError, KeyError, TypeError):
            continue  # The file belongs to another tool.
        no_data.update(
            inner
            for inner in inside
            if _is_beside(inner, base) and inner.removeprefix(base) not in named
        )
        no_data.update(inner for inner in inside if inner.rpartition("/")[2] in _DESCRIPTIONS)
    return no_data


def _is_beside(inner: str, base: str) -> bool:
    return inner.endswith(".arrow") and inner.rpartition("/")[0] == base.rstrip("/")


def _with_kinds(
    name: str, source: SourceConfig, files: Sequence[SourceFile], notes: list[str]
) -> tuple[SourceFile, ...]:
    """The files of a source of kind `auto`, each with its kind.

    A file of unknown kind is skipped with a note if it was found in a folder; a named one is an
    error.
    """
    kinds = [
        file.kind or kind_of_file(file.info.path, functools.partial(_peek, file.info.path))
        for file in files
    ]
    unknown = [file.info for file, kind in zip(files, kinds, strict=True) if kind is None]
    named = {
        entry.path
        for path in source.paths
        if unknown and not is_crawl_name(path)
        for entry in storage.list_files(path)
    }
    if refused := [file for file in unknown if file.path in named]:
        shown = ", ".join(repr(file.path.rpartition("/")[2]) for file in refused[:_SHOWN])
        raise ConfigError(
            f"sources.{name}.paths: neither name nor content tells the kind of "
            f"{len(refused)} files: {shown}",
            where=refused[0].path,
            remedy="name a kind, leave them out, or make them a source of their own",
        )
    if unknown:
        counted = _counted(Counter(_ending(file.path.rpartition("/")[2]) for file in unknown))
        if len(unknown) == len(files):
            raise ConfigError(
                f"sources.{name}.paths: no file is of a known kind; there is {counted}",
                where=", ".join(source.paths),
                remedy="name a kind",
            )
        notes.append(f"sources.{name}: passed over, of no known kind: {counted}")
    return tuple(
        SourceFile(info=file.info, origin=file.origin, kind=kind)
        for file, kind in zip(files, kinds, strict=True)
        if kind is not None
    )


def _peek(path: str) -> bytes:
    """The first PEEK_BYTES of a file, decompressed.

    Empty where decompression fails, which the reader reports later. Raises OSError of the file
    system.
    """
    try:
        with storage.open_decompressed(path) as stream:
            return stream.read(PEEK_BYTES)
    except FileNotFoundError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return b""


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return f".{ending}" if dot and stem else "without an ending"


def _counted(counts: Counter[str]) -> str:
    shown = [
        f"{number} {ending}"
        for ending, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    ]
    return ", ".join(shown) + (", …" if len(counts) > _SHOWN else "")


def _refuse_equal_origins(name: str, found: dict[str, SourceFile]) -> None:
    origins = Counter(file.origin for file in found.values())
    for path in sorted(found):
        if origins[found[path].origin] > 1:
            what = f"sources.{name}.paths: two files have the origin {found[path].origin!r}"
            raise ConfigError(what, where=path, remedy="make them two sources")


def _list_crawl(name: str, base: str) -> Iterator[tuple[FileInfo, str]]:
    """A name of Common Crawl -> its files, each with its path in Common Crawl as origin."""
    paths = crawl_paths(name, base=base)
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as threads:
        listed = list(
            threads.map(
                storage.list_files, (storage.join(globs.escape(base), path) for path in paths)
            )
        )
    for path, files in zip(paths, listed, strict=True):
        if len(files) != 1:
            raise ConfigError(
                f"{name!r} names a file that is not there",
                where=storage.join(base, path),
                remedy="check `common_crawl`",
            )
        yield files[0], path


def _root(patterns: Sequence[str]) -> str:
    """The folder that origins are relative to.

    It is the longest folder that all paths of a source share before any wildcard.
    """
    folders = []
    for pattern in patterns:
        parts = pattern.split("/")[:-1]
        fixed = next(
            (index for index, part in enumerate(parts) if globs.has_magic(part)), len(parts)
        )
        folders.append([globs.unescape(part) for part in parts[:fixed]])
    shared = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    return "/".join(names[0] for names in shared)


def _origin(path: str, root: str) -> str:
    return printable_path(path.removeprefix(root).lstrip("/"))
