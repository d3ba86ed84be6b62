"""The work of the tokenizer stage: trains or imports a byte-level BPE tokenizer, measures it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.schema import Config
from pipeline.run.folder import Run
from pipeline.run.plan import StagePlan
from pipeline.run.state import file_entry
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.units import StageReport
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.kept_parts import kept_parts
from pipeline.stages.tokenizer.planning import NoUnit, read_tokenizer_file
from pipeline.stages.tokenizer.pretokens import WORK, count_run
from pipeline.stages.tokenizer.quality import Sample, measure_run
from transforms import storage
from transforms.contracts.counters import PretokenCounters, SampleCounters, TokenizerCounters
from transforms.contracts.names import PRETOKENS
from transforms.contracts.names import TOKENIZER as TOKENIZER_FILE
from transforms.errors import UserError
from transforms.memory import local_memory
from transforms.storage.short_names import short_names
from transforms.tokens.encode import load_tokenizer
from transforms.tokens.imported import check_imported
from transforms.tokens.merges import learn_merges
from transforms.tokens.train import tokenizer_bytes, tokenizer_files, tokenizer_of, train_tokenizer


class TrainedTokenizer(NamedTuple):
    """A trained or imported tokenizer.

    `data`: the bytes of its tokenizer.json. One of `counted`, `sample` and `imported` is set, by
    its origin. `rows`: further files of the stage, by name, with their rows.
    """

    data: bytes
    counted: PretokenCounters | None = None
    sample: SampleCounters | None = None
    imported: int | None = None
    rows: dict[str, int] = {}


def make_tokenizer(
    config: Config, run: Run, settings: RunnerSettings, plan: StagePlan[NoUnit], *, out: str
) -> StageReport[TokenizerCounters]:
    """Trains or imports the tokenizer, writes its files and measures it on a sample of documents.

    Raises UserError when encoding and decoding change a document of the sample.
    """
    wanted = config.tokenizer
    train = (
        _import
        if wanted.file is not None
        else {"counted": _learn_counted, "sample": _learn_sample}[wanted.method]
    )
    trained = train(config, run, settings, out)
    files = tokenizer_files(trained.data, end_of_text=wanted.end_of_text)
    for name, data in files.items():
        storage.write_bytes(storage.join(out, name), data)
    path = storage.join(out, TOKENIZER_FILE)
    tokenizer = load_tokenizer(trained.data, path=path, end_of_text=wanted.end_of_text)
    sample = Sample(run, megabytes=wanted.measure_megabytes, seed=config.seed)
    compared = {}
    for short, other in zip(short_names(list(wanted.compare)), wanted.compare, strict=True):
        data = read_tokenizer_file(other)
        other_tokenizer = load_tokenizer(data, path=other, end_of_text=None)
        measured = measure_run(sample, data, other_tokenizer, path=other, strict=False)
        compared[short] = replace(measured, vocabulary=other_tokenizer.get_vocab_size())
    counters = TokenizerCounters(
        vocabulary=tokenizer.get_vocab_size(),
        measured=measure_run(sample, trained.data, tokenizer, path=path, strict=True),
        counted=trained.counted,
        sample=trained.sample,
        imported=trained.imported,
        compared=compared or None,
    )
    storage.remove_folder(storage.join(out, WORK))
    entries = {
        name: file_entry(storage.join(out, name), trained.rows.get(name, 0))
        for name in (*files, *trained.rows)
    }
    return StageReport(files=entries, counters=counters)


def _learn_counted(
    config: Config, run: Run, settings: RunnerSettings, out: str
) -> TrainedTokenizer:
    """Counts the pre-tokens of the whole corpus in a pipeline; learns merges in this process."""
    documents, wanted = DOCUMENTS.finished(run), config.tokenizer
    parts = [(path, drops) for _, path, drops in kept_parts(run)]
    counted = count_run(
        parts,
        out,
        wanted,
        settings,
        sizes=[documents.manifest.files[path.rpartition("/")[2]].bytes for path, _ in parts],
        text_bytes=documents.counters.text_bytes,
        memory=None if settings.uses_external_runner else local_memory(config.dedup.memory_bytes),
    )
    with storage.open_input(storage.join(out, PRETOKENS)) as stream:
        table = pq.read_table(stream)
    merges = learn_merges(
        pa.concat_arrays(
            [
                pa.array([], pa.large_binary()),
                *(chunk.cast(pa.large_binary()) for chunk in table["pretoken"].chunks),
            ]
        ),
        table["count"].to_numpy(),
        vocabulary=wanted.vocabulary,
        minimum_frequency=wanted.minimum_frequency,
        special_tokens=wanted.all_special_tokens,
    )
    tokenizer = tokenizer_of(
        merges,
        pattern=wanted.pattern,
        normalization=wanted.normalization,
        special_tokens=wanted.all_special_tokens,
    )
    return TrainedTokenizer(
        tokenizer_bytes(tokenizer), counted=counted, rows={PRETOKENS: table.num_rows}
    )


def _learn_sample(config: Config, run: Run, settings: RunnerSettings, out: str) -> TrainedTokenizer:
    """Trains with the reference trainer in this process.

    The sample bounds its time and memory, whatever the size of the corpus.
    """
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
        raise UserError(
            "the sample for the tokenizer is empty",
            where=run.documents,
            remedy="raise tokenizer.sample_megabytes",
        )
    return TrainedTokenizer(
        tokenizer_bytes(tokenizer),
        sample=SampleCounters(documents=drawn["documents"], text_bytes=drawn["text_bytes"]),
    )


def _import(config: Config, run: Run, settings: RunnerSettings, out: str) -> TrainedTokenizer:
    """Copies `tokenizer.file`. Raises UserError for a tokenizer that shards cannot use."""
    assert config.tokenizer.file is not None
    data = read_tokenizer_file(config.tokenizer.file)
    check_imported(data, path=config.tokenizer.file, end_of_text=config.tokenizer.end_of_text)
    return TrainedTokenizer(data, imported=1)


def _texts(config: Config, run: Run, drawn: Counter[str]) -> Iterator[str]:
    """The texts of the training sample; counts documents and bytes in `drawn`."""
    for _, _, batch in Sample(
        run, megabytes=config.tokenizer.sample_megabytes, seed=config.seed
    ).rows():
        for text in batch.column("text").to_pylist():
            drawn.update(documents=1, text_bytes=len(text.encode()))
            yield text
