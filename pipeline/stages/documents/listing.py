"""The files of a source: what its paths name, where each is from, and of which kind it is."""

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
"""What `save_to_disk` of Hugging Face datasets puts beside the Arrow files of a split, which it names; others there are caches."""
_DESCRIPTIONS = {_STATE, "dataset_info.json", "dataset_dict.json"}


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file of a source. `origin`: its name relative to the source's root. `kind`: its own kind in a source of kind `auto`, else empty."""

    info: FileInfo
    origin: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """The files of a source, ordered by path, and notes on files that its folders hold and that are passed over."""

    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()


def list_source(
    name: str, source: SourceConfig, common_crawl: str, *, run: str = ""
) -> SourceFiles:
    """Lists a source without repeats. `run`: the folder of the run, whose own files are passed over in folders.

    Raises ConfigError for a path that names no file, and for a file of which the kind is not known in a source of kind `auto`.
    """
    found: dict[str, SourceFile] = {}
    notes: list[str] = []
    listed = [
        _expand(name, source, path, run, notes) for path in source.paths if not is_crawl_name(path)
    ]
    root = _root([base for base, _ in listed])
    for _, infos in listed:
        found.update(
            (info.path, SourceFile(info=info, origin=_origin(info.path, root))) for info in infos
        )
    for path in filter(is_crawl_name, source.paths):
        kind = parse_crawl_name(path).kind if source.kind == AUTO else ""
        found.update(
            (file.path, SourceFile(info=file, origin=origin, kind=kind))
            for file, origin in _list_crawl(path, common_crawl)
        )
    _refuse_equal_origins(name, found)
    files = tuple(found[path] for path in sorted(found))
    if source.kind == AUTO:
        files = _with_kinds(name, source, files, notes)
    return SourceFiles(files=files, notes=tuple(notes))


def _expand(
    name: str, source: SourceConfig, path: str, run: str, notes: list[str]
) -> tuple[str, list[FileInfo]]:
    """A path of the configuration -> the pattern that origins are relative to, as `literal folders / rest`, and the files."""
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
    """The files of the source's kind in a folder and those inside it, without hidden ones and what other tools left there."""
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
            f"sources.{name}: passed over in {folder}, caches that no {_STATE} names: {caches} .arrow"
        )
    if others:
        notes.append(
            f"sources.{name}: passed over in {folder}, not of kind {source.kind!r}: {_counted(others)}"
        )
    return chosen


def _is_of_run(file: FileInfo, run: str) -> bool:
    return bool(run) and file.path.startswith(run.rstrip("/") + "/")


def _no_data_of_datasets(inside: Sequence[str], folder: str) -> set[str]:
    """Of folders that `save_to_disk` made: the descriptions, and Arrow files that `state.json` does not name, which are caches."""
    found: set[str] = set()
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
            continue  # another tool's
        found.update(
            inner
            for inner in inside
            if _is_beside(inner, base) and inner.removeprefix(base) not in named
        )
        found.update(inner for inner in inside if inner.rpartition("/")[2] in _DESCRIPTIONS)
    return found


def _is_beside(inner: str, base: str) -> bool:
    return inner.endswith(".arrow") and inner.rpartition("/")[0] == base.rstrip("/")


def _with_kinds(
    name: str, source: SourceConfig, files: Sequence[SourceFile], notes: list[str]
) -> tuple[SourceFile, ...]:
    """Files with the kind of each. Those that are of no kind are passed over where they were found in a folder, else an error."""
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
        what = f"sources.{name}.paths: neither name nor content tells the kind of {len(refused)} files: {shown}"
        raise ConfigError(
            what,
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
    """The first bytes of a file, decompressed; none where that fails, which its reader will tell."""
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
    """The files that a name of Common Crawl stands for; their origins are relative to the root of Common Crawl."""
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
    """The folder that origins are relative to: the longest that all paths of a source share before any wildcard."""
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
