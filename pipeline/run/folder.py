"""The folder of a run: its stages' folders and every file name in it."""

from dataclasses import dataclass

from pipeline.run import stage_names
from transforms import storage
from transforms.contracts.names import TOKENIZER

CONFIGURATION = "run.toml"
PLUGINS = "plugins"


@dataclass(frozen=True)
class Run:
    """The folder of a run and the names in it."""

    folder: str

    def stage(self, name: str) -> str:
        """The folder of a stage."""
        return storage.join(self.folder, name)

    @property
    def documents(self) -> str:
        return self.stage(stage_names.DOCUMENTS.name)

    @property
    def dedup(self) -> str:
        return self.stage(stage_names.DEDUP.name)

    @property
    def tokenizer(self) -> str:
        return self.stage(stage_names.TOKENIZER.name)

    @property
    def tokenizer_file(self) -> str:
        return storage.join(self.tokenizer, TOKENIZER)

    @property
    def shards(self) -> str:
        return self.stage(stage_names.SHARDS.name)

    @property
    def model(self) -> str:
        return self.stage(stage_names.MODEL)

    @property
    def configuration(self) -> str:
        return storage.join(self.folder, CONFIGURATION)

    @property
    def plugins(self) -> str:
        return storage.join(self.folder, PLUGINS)


def run_of_file(path: str) -> Run:
    """The run that a file of one of its stages lies in."""
    return Run(storage.parent(storage.parent(path)))
