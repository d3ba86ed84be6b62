"""Stage 3, `tokenizer`: the deduplicated documents -> a byte-level BPE tokenizer, learned from them or brought along."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.load import stage_values
from pipeline.config.schema import Config
from pipeline.run.folder import Run, StagePlan, file_entry, stage_manifest
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import UnitReport
from pipeline.stages.tokenizer.pretokens import WORK, count_run
from pipeline.stages.tokenizer.quality import kept_parts, measure_run, sample_rows
from transforms import storage
from transforms.contracts.names import PRETOKENS
from transforms.errors import ConfigError, UserError
from transforms.memory import local_memory
from transforms.storage.short_names import short_names
from transforms.tokens.encode import load_tokenizer
from transforms.tokens.imported import check_imported
from transforms.tokens.merges import learn_merges
from transforms.tokens.train import tokenizer_bytes, tokenizer_files, tokenizer_of, tokenizer_sha256, train_tokenizer

STAGE = "tokenizer"


class Made(NamedTuple):
    """A tokenizer.json, what it was made from as counters, and the rows of further files of the stage by name."""

    data: bytes
    counters: dict[str, Any]
    rows: dict[str, int]


def plan_vocabulary(config: Config, run: Run) -> StagePlan:
    values = stage_values(config, "tokenizer", "seed") | {"sequence_length": config.shards.sequence_length}
    # What a file holds in place of where it lies: a file that was moved is the same tokenizer.
    files: dict[str, Any] = {"compare": [tokenizer_sha256(_read(path)) for path in config.tokenizer.compare]}
    if config.tokenizer.file is not None:
        files["file"] = tokenizer_sha256(_read(config.tokenizer.file))
    values["tokenizer"] = values["tokenizer"] | files
    return StagePlan(stage=STAGE, configuration=values, upstream=stage_manifest(run, "dedup").fingerprint, units=[])


def execute_vocabulary(config: Config, run: Run, settings: RunnerSettings, plan: StagePlan) -> UnitReport:
    """Makes the tokenizer, measures it on a sample of the documents and checks that it gives back each of these."""
    started = time.process_time()
    folder, wanted = run.stage(STAGE), config.tokenizer
    make = _import if wanted.file is not None else {"counted": _learn_counted, "sample": _learn_sample}[wanted.method]
    made = make(config, run, settings)
    files = tokenizer_files(made.data, sequence_length=config.shards.sequence_length, end_of_text=wanted.end_of_text)
    for name, data in files.items():
        storage.write_bytes(storage.join(folder, name), data)
    path = storage.join(folder, "tokenizer.json")
    tokenizer = load_tokenizer(made.data, path=path, end_of_text=wanted.end_of_text)
    sample: dict[str, Any] = {"megabytes": wanted.measure_megabytes, "seed": config.seed}
    counters = made.counters | {
        "vocabulary": tokenizer.get_vocab_size(),
        "measured": measure_run(run, made.data, tokenizer, path=path, strict=True, **sample),
    }
    compared = {}
    for short, other in zip(short_names(list(wanted.compare)), wanted.compare, strict=True):
        data = _read(other)
        tokenizer = load_tokenizer(data, path=other, end_of_text=None)
        measured = measure_run(run, data, tokenizer, path=other, strict=False, **sample)
        compared[short] = {"vocabulary": tokenizer.get_vocab_size()} | measured
    storage.remove_folder(storage.join(folder, WORK))
    return UnitReport(
        files={name: file_entry(storage.join(folder, name), made.rows.get(name, 0)) for name in (*files, *made.rows)},
        counters=counters | ({"compared": compared} if compared else {}),
        cpu_seconds=time.process_time() - started,
    )


def _learn_counted(config: Config, run: Run, settings: RunnerSettings) -> Made:
    """Counts the pre-tokens of the whole corpus in a pipeline and learns merges from the counts, here."""
    documents, wanted = stage_manifest(run, "documents"), config.tokenizer
    parts = [(path, drops) for _, path, drops in kept_parts(run)]
    counted = count_run(
        parts,
        run.stage(STAGE),
        wanted,
        settings,
        sizes=[documents.files[path.rpartition("/")[2]].bytes for path, _ in parts],
        text_bytes=sum(source["text_bytes"] for source in documents.counters["sources"].values()),
        memory=None if settings.names_runner else local_memory(config.dedup.memory_bytes),
    )
    with storage.open_input(storage.join(run.stage(STAGE), PRETOKENS)) as stream:
        table = pq.read_table(stream)
    merges = learn_merges(
        pa.concat_arrays([pa.array([], pa.large_binary()), *(chunk.cast(pa.large_binary()) for chunk in table["pretoken"].chunks)]),
        table["count"].to_numpy(),
        vocabulary=wanted.vocabulary,
        minimum_frequency=wanted.minimum_frequency,
        special_tokens=wanted.all_special_tokens,
    )
    tokenizer = tokenizer_of(merges, pattern=wanted.pattern, normalization=wanted.normalization, special_tokens=wanted.all_special_tokens)
    return Made(tokenizer_bytes(tokenizer), {"counted": counted}, {PRETOKENS: table.num_rows})


def _learn_sample(config: Config, run: Run, settings: RunnerSettings) -> Made:
    """Trains with the reference trainer in this process: the sample bounds its time and memory, whatever the size of the corpus."""
    drawn: Counter[str] = Counter(documents=0, text_bytes=0)
    tokenizer = train_tokenizer(
        _texts(config, run, drawn),
        vocabulary=config.tokenizer.vocabulary,
        minimum_frequency=config.tokenizer.minimum_frequency,
        pattern=config.tokenizer.pattern,
        normalization=config.tokenizer.normalization,
        special_tokens=config.tokenizer.all_special_tokens,
    )
    if not drawn["documents"]:
        raise UserError("the sample for the tokenizer is empty", where=run.stage("documents"), remedy="raise tokenizer.sample_megabytes")
    return Made(tokenizer_bytes(tokenizer), {"sample": dict(drawn)}, {})


def _import(config: Config, run: Run, settings: RunnerSettings) -> Made:
    assert config.tokenizer.file is not None
    data = _read(config.tokenizer.file)
    check_imported(data, path=config.tokenizer.file, end_of_text=config.tokenizer.end_of_text)
    return Made(data, {"imported": 1}, {})


def _texts(config: Config, run: Run, drawn: Counter[str]) -> Iterator[str]:
    for _, _, batch in sample_rows(run, megabytes=config.tokenizer.sample_megabytes, seed=config.seed):
        for text in batch.column("text").to_pylist():
            drawn.update(documents=1, text_bytes=len(text.encode()))
            yield text


def _read(path: str) -> bytes:
    try:
        return storage.read_bytes(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read the tokenizer: {error}", where=path, remedy="name a tokenizer.json in tokenizer.file and tokenizer.compare"
        ) from error
