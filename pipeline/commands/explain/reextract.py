"""Reading the input of a run again, with the run's own configuration, and comparing what comes with what is stored."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pipeline.commands.explain.inputs import Inputs, Stored
from pipeline.config.load import load_config, stage_values
from pipeline.config.schema import Config
from pipeline.run.state import flat_values, versions
from pipeline.stages.documents.listing import list_source
from pipeline.stages.documents.planning import without_paths
from pipeline.stages.documents.work import language_settings, source_settings
from transforms import storage
from transforms.errors import UserError
from transforms.filters.language import model_sha256
from transforms.ingest.reread import ReadAgain, first_difference, read_again
from transforms.ingest.unit import InputFile

_READ_COLUMNS = ("url", "title", "published", "language", "language_score", "declared_language", "truncated", "kept")
_DECIDING = ("resiliparse", "fastwarc", "fasttext-predict", "pyarrow", "tokenmill", "python")


class Extractor:
    """Reads rows of a run's `documents` stage again. Raises ConfigError where the run's configuration cannot be loaded any more."""

    def __init__(self, inputs: Inputs):
        self._inputs = inputs
        self._manifest = inputs.manifest
        self._config = load_config(inputs.run.configuration)

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
        now = json.loads(json.dumps(without_paths(stage_values(self._config, "sources", "language", "signals"))))
        old, new = flat_values({key: self._manifest.configuration[key] for key in now}), flat_values(now)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        found = [f"{key} was {old.get(key)!r}, is {new.get(key)!r} in run.toml" for key in changed]
        if model_sha256(self._config.language.model) != self._manifest.configuration["language_model"]:
            found.append("the language model is another one")
        before, now = self._manifest.versions, versions()
        return found + [f"{name} was {before.get(name)}, is {now.get(name)}" for name in _DECIDING if before.get(name) != now.get(name)]

    def _read_file(self, part: int, origin: str, entries: list[Stored]) -> Iterator[tuple[Stored, dict[str, Any]]]:
        config = self._config
        file = self._present(self._inputs.file(part, origin), config)
        if not storage.exists(file.path):
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
        if storage.exists(file.path):
            return file
        try:
            listed = list_source(file.source, config.sources[file.source], config.common_crawl, run=config.folder).files
        except UserError:
            return file
        return next((replace(file, path=found.info.path) for found in listed if found.origin == file.origin), file)


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
