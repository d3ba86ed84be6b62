"""The plan of the tokenizer stage: settings and files that decide the tokenizer's bytes."""

from pipeline.config.load import config_values, stage_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.stages.dedup.stage import DEDUP
from transforms import storage
from transforms.contracts.plain import JsonObject
from transforms.errors import ConfigError
from transforms.tokens.train import tokenizer_sha256


class NoUnit:
    """The type of the units of a plan that has none: a tokenizer is trained in one piece."""

    bytes = 0


def plan_tokenizer(stage: str, config: Config, run: Run) -> StagePlan[NoUnit]:
    """Plans the stage: no units, only the fingerprint of all that decides the tokenizer's bytes.

    Raises UserError when the dedup stage is not finished, ConfigError for tokenizer files that
    cannot be read.
    """
    values = stage_values(config, "tokenizer", "seed")
    # The sha256 of a file replaces its path, so that the file may be moved.
    files: JsonObject = {
        "compare": [
            tokenizer_sha256(read_tokenizer_file(path)) for path in config.tokenizer.compare
        ]
    }
    if config.tokenizer.file is not None:
        files["file"] = tokenizer_sha256(read_tokenizer_file(config.tokenizer.file))
    values["tokenizer"] = config_values(config.tokenizer) | files
    return StagePlan(
        stage=stage,
        configuration=values,
        upstream=DEDUP.finished(run).manifest.fingerprint,
        units=[],
    )


def read_tokenizer_file(path: str) -> bytes:
    """Reads a tokenizer.json. Raises ConfigError for a file that cannot be read."""
    try:
        return storage.read_bytes(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read the tokenizer: {error}",
            where=path,
            remedy="name a tokenizer.json in tokenizer.file and tokenizer.compare",
        ) from error
