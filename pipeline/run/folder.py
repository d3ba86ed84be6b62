"""The folder of a run: its stages' folders and every file name in it."""

from dataclasses import dataclass

from transforms import storage

CONFIGURATION = "run.toml"
PLUGINS = "plugins"
TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class Run:
    """The folder of a run and the names in it."""

    folder: str

    def stage(self, name: str) -> str:
        """The folder of a stage."""
        return storage.join(self.folder, name)

    @property
    def documents(self) -> str:
        return self.stage("documents")

    @property
    def dedup(self) -> str:
        return self.stage("dedup")

    @property
    def tokenizer(self) -> str:
        return self.stage("tokenizer")

    @property
    def tokenizer_file(self) -> str:
        return storage.join(self.tokenizer, TOKENIZER_FILE)

    @property
    def shards(self) -> str:
        return self.stage("shards")

    @property
    def model(self) -> str:
        return self.stage("model")

    @property
    def configuration(self) -> str:
        return storage.join(self.folder, CONFIGURATION)

    @property
    def plugins(self) -> str:
        return storage.join(self.folder, PLUGINS)


def part_name(part: int) -> str:
    return f"part-{part:05d}.parquet"


def rejects_name(part: int) -> str:
    return f"rejects-{part:05d}.parquet"


def signals_name(part: int) -> str:
    return f"signals-{part:05d}.parquet"
