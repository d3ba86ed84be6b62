"""Where the records of a finished `documents` stage came from, and reading them again with the run's own configuration."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.config import Config, load_config, stage_values
from pipeline.ingest import STAGE, language_settings, list_source, source_settings, without_paths
from pipeline.run import Run, flat_values, read_plan, versions
from transforms import io
from transforms.errors import UserError
from transforms.filters.language import model_sha256
from transforms.ingest import InputFile
from transforms.manifest import Manifest
from transforms.reread import ReadAgain, first_difference, read_again

_LOCATORS = {
    "warc": "byte offset of the record, or of its gzip member, in the file",
    "wet": "byte offset of the record, or of its gzip member, in the file",
    "jsonl": "byte offset of the line in the file, decompressed",
    "csv": "number of the row, from 1",
    "parquet": "number of the row, from 1",
    "feed": "number of the entry, from 1",
    "wikipedia": "id of the page",
}
_WHOLE = "the whole file"
_READ_COLUMNS = ("url", "title", "published", "language", "language_score", "declared_language")
_DECIDING = ("resiliparse", "fastwarc", "fasttext-predict", "pyarrow", "tokenmill", "python")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A row of the stage. `values`: its columns as plain values, of a document its `text` among them."""

    part: int
    row: int
    rejected: bool
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[int, int, bool]:
        return self.part, self.row, self.rejected


class Inputs:
    """The input files of a run by part and origin."""

    def __init__(self, run: Run, manifest: Manifest):
        self._run = run
        self._manifest = manifest
        self._units = read_plan(run.stage(STAGE))["units"]
        self._config: Config | None = None

    def kind(self, source: str) -> str:
        return self._manifest.configuration["sources"][source]["kind"]

    def locator_meaning(self, source: str, locator: str) -> str:
        """What a locator of a source counts."""
        meaning = _LOCATORS.get(self.kind(source), _WHOLE if locator == "0" else "as the reader of this kind counts")
        return f"{meaning}; the record with number {locator.partition('#')[2]} in it, from 0" if "#" in locator else meaning

    def file(self, part: int, origin: str) -> InputFile:
        """The file, or its range, that a row of a part was read from, as it was planned."""
        found = next((InputFile(**file) for file in self._units[part]["files"] if file["origin"] == origin), None)
        if found is None:
            what = f"the plan has no file {origin!r} for part {part}"
            raise UserError(what, where=self._run.stage(STAGE), remedy="look into the run with `tokenmill verify`")
        return found

    def describe(self, part: int, origin: str) -> dict[str, Any]:
        """The file's path, planned size and `state`: "there", "gone", or what is there now."""
        file = self.file(part, origin)
        return {"path": file.path, "bytes": file.size, "state": _state(file)}

    def read_again(self, rows: Iterable[Stored]) -> Iterator[tuple[Stored, dict[str, Any]]]:
        """What the input gives now for each row, beside what is stored: `state` is

        "equal", "differs" (with `diff` or the `columns` that are others), "rejected", "kept", "no record" or "unreadable".
        """
        files: dict[tuple[int, str], list[Stored]] = {}
        for row in rows:
            files.setdefault((row.part, row.values["origin"]), []).append(row)
        for (part, origin), entries in files.items():
            yield from self._read_file(part, origin, entries)

    def notes(self) -> list[str]:
        """What is not as it was when the run was made and may change what is read."""
        now = json.loads(json.dumps(without_paths(stage_values(self._configuration(), "sources", "language", "signals"))))
        old, new = flat_values({key: self._manifest.configuration[key] for key in now}), flat_values(now)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        found = [f"{key} was {old.get(key)!r}, is {new.get(key)!r} in run.toml" for key in changed]
        if model_sha256(self._configuration().language.model) != self._manifest.configuration["language_model"]:
            found.append("the language model is another one")
        before, now = self._manifest.versions, versions()
        return found + [f"{name} was {before.get(name)}, is {now.get(name)}" for name in _DECIDING if before.get(name) != now.get(name)]

    def _configuration(self) -> Config:
        self._config = self._config or load_config(self._run.configuration)
        return self._config

    def _read_file(self, part: int, origin: str, entries: list[Stored]) -> Iterator[tuple[Stored, dict[str, Any]]]:
        config = self._configuration()
        file = self._present(self.file(part, origin), config)
        if not io.exists(file.path):
            yield from ((entry, {"state": "unreadable", "why": f"the file is gone: {file.path}"}) for entry in entries)
            return
        settings = source_settings(config.sources[file.source])
        by_locator = {entry.values["locator"]: entry for entry in entries}
        for found in read_again(
            file, list(by_locator), settings=settings, language=language_settings(config.language), signals=config.signals
        ):
            entry = by_locator.pop(found.locator)
            yield entry, _compare(entry, found)
        for entry in by_locator.values():
            yield entry, {"state": "no record", "why": f"no record has the locator {entry.values['locator']} any more"}

    def _present(self, file: InputFile, config: Config) -> InputFile:
        """The file where it was planned; where it is gone, the one of the same origin that the configuration finds."""
        if io.exists(file.path):
            return file
        try:
            listed = list_source(file.source, config.sources[file.source], config.common_crawl)
        except UserError:
            return file
        return next((replace(file, path=info.path) for info, origin in listed if origin == file.origin), file)


def _state(file: InputFile) -> str:
    try:
        size = io.size(file.path)
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return f"not reachable: {error.strerror or error}"
    return "there" if size == file.size else f"there, but of {size:,} bytes"


def _compare(entry: Stored, found: ReadAgain) -> dict[str, Any]:
    stored = entry.values
    reasons = {name: getattr(found, name) for name in ("stage", "rule", "value", "threshold", "detail")}
    if entry.rejected:
        if found.rule is None:
            return {"state": "kept", "why": "it would be a document now", "text": found.text}
        same = (found.rule, found.value) == (stored["rule"], stored["value"])
        return {"state": "equal" if same else "differs", **reasons, "text": found.text}
    if found.rule is not None:
        return {"state": "rejected", "why": f"it would be rejected now: {found.rule}", **reasons, "text": found.text}
    assert found.text is not None
    assert found.values is not None
    if found.text != stored["text"]:
        return {"state": "differs", "diff": first_difference(stored["text"], found.text), "text": found.text}
    columns = [name for name in _READ_COLUMNS if found.values[name] != stored[name]]
    return {"state": "differs", "columns": columns} if columns else {"state": "equal", "characters": len(found.text)}
