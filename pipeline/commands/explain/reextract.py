"""Reads the input of a run again, as the run did, and compares it with what is stored."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.commands.explain.inputs import Inputs
from pipeline.commands.explain.outcomes import (
    EqualDocument,
    NotRead,
    NowKept,
    NowRejected,
    OtherColumns,
    OtherText,
    Outcome,
    RejectedAgain,
)
from pipeline.commands.explain.stored import StoredDocument, StoredReject, StoredRow
from pipeline.config.load import load_config, stage_values
from pipeline.config.schema import Config
from pipeline.run.state import flat_values, versions
from pipeline.stages.documents.listing import list_source
from pipeline.stages.documents.planning import without_paths
from transforms import storage
from transforms.contracts.plain import to_object
from transforms.errors import UserError
from transforms.filters.language import model_sha256
from transforms.ingest.reread import ReadAgain, first_difference, read_again
from transforms.ingest.unit import InputFile

_COMPARED_COLUMNS = (
    "url",
    "title",
    "published",
    "language",
    "language_score",
    "declared_language",
    "truncated",
    "kept",
)
_DECIDING = ("resiliparse", "fastwarc", "fasttext-predict", "pyarrow", "tokenmill", "python")


class Extractor:
    """Reads rows of a run's documents stage again.

    Raises ConfigError where the run's configuration cannot be loaded any more.
    """

    def __init__(self, inputs: Inputs):
        self._inputs = inputs
        self._config = load_config(inputs.run.configuration)

    def read_again(self, rows: Iterable[StoredRow]) -> Iterator[tuple[StoredRow, Outcome]]:
        """What the input gives now for each row, compared with what is stored; file by file."""
        files: dict[tuple[int, str], list[StoredRow]] = {}
        for row in rows:
            files.setdefault((row.part, row.origin), []).append(row)
        for (part, origin), entries in files.items():
            yield from self._read_file(part, origin, entries)

    def notes(self) -> tuple[str, ...]:
        """What has changed since the run was made and may change what is read."""
        manifest = self._inputs.manifest
        values = to_object(
            without_paths(stage_values(self._config, "sources", "language", "signals"))
        )
        old, new = (
            flat_values({key: manifest.configuration[key] for key in values}),
            flat_values(values),
        )
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        notes = [f"{key} was {old.get(key)!r}, is {new.get(key)!r} in run.toml" for key in changed]
        if model_sha256(self._config.language.model) != self._inputs.configuration.language_model:
            notes.append("the language model is another one")
        before, now = manifest.versions, versions()
        notes += [
            f"{name} was {before.get(name)}, is {now.get(name)}"
            for name in _DECIDING
            if before.get(name) != now.get(name)
        ]
        return tuple(notes)

    def _read_file(
        self, part: int, origin: str, entries: list[StoredRow]
    ) -> Iterator[tuple[StoredRow, Outcome]]:
        config = self._config
        file = self._present(self._inputs.file(part, origin), config)
        if not storage.exists(file.path):
            yield from (
                (entry, NotRead(state="unreadable", why=f"the file is missing: {file.path}"))
                for entry in entries
            )
            return
        settings = config.sources[file.source]
        by_locator = {entry.locator: entry for entry in entries}
        for record in read_again(
            file,
            list(by_locator),
            settings=settings,
            language=config.language,
            signals=config.signals,
        ):
            entry = by_locator.pop(record.locator)
            yield entry, _compare(entry, record)
        for entry in by_locator.values():
            yield (
                entry,
                NotRead(
                    state="no record", why=f"no record has the locator {entry.locator} any more"
                ),
            )

    def _present(self, file: InputFile, config: Config) -> InputFile:
        """The file as planned; if it is missing, one of the same origin that is listed now."""
        if storage.exists(file.path):
            return file
        try:
            listed = list_source(
                file.source, config.sources[file.source], config.common_crawl, run=config.folder
            ).files
        except UserError:
            return file
        return next(
            (
                replace(file, path=entry.info.path)
                for entry in listed
                if entry.origin == file.origin
            ),
            file,
        )


def _compare(stored: StoredRow, record: ReadAgain) -> Outcome:
    if isinstance(stored, StoredReject):
        return _compare_reject(stored, record)
    assert isinstance(stored, StoredDocument)
    return _compare_document(stored, record)


def _compare_reject(stored: StoredReject, record: ReadAgain) -> Outcome:
    if record.rule is None:
        return NowKept(why="it would be a document now", text=record.text)
    return RejectedAgain(
        state="equal" if (record.rule, record.value) == (stored.rule, stored.value) else "differs",
        stage=record.stage,
        rule=record.rule,
        value=record.value,
        threshold=record.threshold,
        detail=record.detail,
        text=record.text,
    )


def _compare_document(stored: StoredDocument, record: ReadAgain) -> Outcome:
    if record.rule is not None:
        return NowRejected(
            why=f"it would be rejected now: {record.rule}",
            stage=record.stage,
            rule=record.rule,
            value=record.value,
            threshold=record.threshold,
            detail=record.detail,
            text=record.text,
        )
    assert record.text is not None
    assert record.values is not None
    if record.text != stored.text:
        return OtherText(diff=first_difference(stored.text, record.text), text=record.text)
    columns = tuple(
        name for name in _COMPARED_COLUMNS if record.values[name] != getattr(stored, name)
    )
    return OtherColumns(columns=columns) if columns else EqualDocument(characters=len(record.text))
