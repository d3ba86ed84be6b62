"""`tokenmill inspect`: what a run, a stage, a shard or a tokenizer holds, as typed views; JSON and tables are made of these."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.commands.export.stage import EXPORT
from pipeline.commands.show_tables.shards import ShardContents, contents_sections, describe_shards
from pipeline.config.load import load_config
from pipeline.run.folder import CONFIGURATION, Run, run_of_file
from pipeline.run.state import is_finished
from pipeline.stages.all_stages import STAGES, finished_stages, in_order
from pipeline.stages.shards.stage import SHARDS
from pipeline.stages.shards.tables import COLUMNS, shard_figures
from pipeline.stages.shards.work import count_shard
from pipeline.stages.stage import Stage, StageView
from pipeline.stages.tokenizer.made import longest_tokens
from pipeline.stages.tokenizer.tables import longest_section
from pipeline.terminal import Section, figures_table, print_sections, shown_path
from transforms import storage
from transforms.contracts.counters import ShardCounters
from transforms.contracts.manifest import read_manifest
from transforms.contracts.plain import JsonObject, to_object, to_plain
from transforms.errors import ConfigError, UserError
from transforms.tokens.encode import load_tokenizer
from transforms.tokens.shards import ShardInfo, open_shard

_REMEDY = "name a run's folder, one of its stages, a shard or a tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class ShardView:
    """One shard: what it says of itself, its counts, and what is in it."""

    kind: str = "shard"
    path: str
    info: ShardInfo
    counters: ShardCounters
    contents: ShardContents | None

    def sections(self) -> Iterator[Section]:
        info = figures_table("key", "value")
        for key, value in vars(self.info).items():
            info.add_row(key, str(value))
        yield Section(shown_path(self.path), info)
        table = figures_table(*COLUMNS)
        table.add_row(*shard_figures(self.counters))
        yield Section("rows", table)
        if self.contents:
            yield from contents_sections(self.contents)


@dataclass(frozen=True, kw_only=True)
class VocabularySize:
    vocabulary: int


@dataclass(frozen=True, kw_only=True)
class TokenizerFileView:
    """A tokenizer.json: how many tokens it has, and the longest."""

    kind: str = "tokenizer file"
    path: str
    counters: VocabularySize
    longest_tokens: list[str]

    def sections(self) -> Iterator[Section]:
        yield longest_section(self.counters.vocabulary, self.longest_tokens)


@dataclass(frozen=True, kw_only=True)
class StageFolderView:
    """A stage's folder, or an export's. `contents`: of shards, what is in them."""

    stage: Stage[Any, Any]
    view: StageView[Any]
    contents: ShardContents | None = None

    def to_plain(self) -> JsonObject:
        contents = {"contents": to_plain(self.contents)} if self.contents else {}
        return to_object(self.view) | contents

    def sections(self) -> Iterator[Section]:
        yield from self.stage.sections(self.view)
        if self.contents:
            yield from contents_sections(self.contents)


@dataclass(frozen=True, kw_only=True)
class RunView:
    """All finished stages of a run, by name."""

    kind: str = "run"
    path: str
    stages: dict[str, StageFolderView]


View = RunView | StageFolderView | ShardView | TokenizerFileView


def look_at(path: str) -> View:
    """A run's folder or configuration, a stage's folder, a shard or a tokenizer.json -> what it holds."""
    if path.endswith(".arrow"):
        return _shard_view(path)
    if path.endswith(".toml"):
        return run_view(load_config(path).folder)
    if path.endswith(".json"):
        return _tokenizer_view(path)
    if is_finished(path):
        return _folder_view(path)
    if storage.exists(storage.join(path, CONFIGURATION)):
        return run_view(path)
    if not storage.exists(path):
        raise ConfigError("there is no such file or folder", where=path, remedy=_REMEDY)
    raise UserError("neither a run nor a finished stage", where=path, remedy=_REMEDY)


def run_view(folder: str) -> RunView:
    """All finished stages of a run. Raises UserError where there is none."""
    there = [
        (stage, finished) for stage, finished in in_order(finished_stages(Run(folder))) if finished
    ]
    if not there:
        raise UserError(
            "no stage of the run is finished", where=folder, remedy="run `tokenmill run CONFIG`"
        )
    return RunView(
        path=folder,
        stages={
            stage.name: StageFolderView(stage=stage, view=stage.view(each)) for stage, each in there
        },
    )


def print_view(console: Console, view: View) -> None:
    """Prints the tables of a view."""
    if isinstance(view, RunView):
        console.print(f"[bold]run[/] {escape(shown_path(view.path))}")
        for stage in view.stages.values():
            print_view(console, stage)
        return
    print_sections(console, view.sections())


def _folder_view(path: str) -> StageFolderView:
    manifest = read_manifest(path)
    stage = next((stage for stage in (*STAGES, EXPORT) if stage.name == manifest.stage), None)
    if stage is None:
        what = f"this is what {manifest.stage!r} wrote, which is neither a stage of a run nor an export"
        raise UserError(what, where=path, remedy="name a run's folder, or a stage's")
    finished = stage.described(manifest, path)
    shards = [storage.join(path, name) for name in manifest.files] if stage is SHARDS else []
    contents = describe_shards(shards, run_of_file(shards[0])) if shards else None
    return StageFolderView(stage=stage, view=stage.view(finished), contents=contents)


def _shard_view(path: str) -> ShardView:
    with storage.local_copy(path) as local:
        shard = open_shard(local)
        info, counters = shard.info, count_shard(shard)
    return ShardView(
        path=path, info=info, counters=counters, contents=describe_shards([path], run_of_file(path))
    )


def _tokenizer_view(path: str) -> TokenizerFileView:
    tokenizer = load_tokenizer(storage.read_bytes(path), path=path, end_of_text=None)
    size = VocabularySize(vocabulary=tokenizer.get_vocab_size())
    return TokenizerFileView(path=path, counters=size, longest_tokens=longest_tokens(tokenizer))
