"""Random rows of a run's shards -> the input bytes of every segment, read and extracted again, and compared down to the tokens.

python -m tests.bench.explain RUN [RUN ...] --rows 1000
python -m tests.bench.explain --every-kind --rows 1000      makes a run with every kind of source first
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from pipeline.commands.explain.dedup import removed_lines
from pipeline.commands.explain.explainer import Explainer
from pipeline.commands.explain.reextract import Extractor
from pipeline.commands.explain.stored import StoredDocument
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.runner.fork_server import fork_server
from pipeline.stages.finished import need
from pipeline.stages.run_stages import run_stages
from pipeline.stages.tokenizer.made import RunTokenizer, read_tokenizer
from tests.conftest import DATA
from tests.pipeline.every_kind import write_every_kind
from transforms import storage
from transforms.contracts.addresses import unpack_address
from transforms.dedup.lines.removed_lines import remove_lines
from transforms.tokens.encode import encode_texts
from transforms.tokens.rows import read_segments
from transforms.tokens.shards import open_shard


@dataclass
class Resolved:
    """What became of random rows: by source the documents read again, by `state`; `segments` and those with `other_tokens`."""

    rows: int = 0
    segments: int = 0
    other_tokens: int = 0
    states: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return sum(sum(states.values()) for states in self.states.values())

    @property
    def right(self) -> bool:
        return not self.other_tokens and all(
            set(states) == {"equal"} for states in self.states.values()
        )


def resolve_rows(run: Run, rows: int, *, seed: int) -> Resolved:
    """Draws `rows` rows of all shards, reads the documents of their segments again from the input, encodes them again, and compares."""
    started = time.monotonic()
    explainer, tokenizer = Explainer(run), read_tokenizer(run)
    folder = run.shards
    counts = {
        name: entry.rows for name, entry in need(explainer.stages.shards).manifest.files.items()
    }
    every = [(name, row) for name, number in counts.items() for row in range(number)]
    drawn = sorted(random.Random(seed).sample(every, min(rows, len(every))))
    found = Resolved(rows=len(drawn))
    stretches: dict[int, list[tuple[int, np.ndarray]]] = {}
    for name in dict.fromkeys(name for name, _ in drawn):
        with storage.local_copy(storage.join(folder, name)) as local:
            shard = open_shard(local)
            for row in (row for other, row in drawn if other == name):
                tokens = (
                    shard.table.column("tokens").slice(row, 1).combine_chunks().flatten().to_numpy()
                )
                segments = read_segments(shard, slice(row, row + 1))
                for start, length, address, offset, ends in zip(
                    segments.start,
                    segments.length,
                    segments.document,
                    segments.offset,
                    segments.ends,
                    strict=True,
                ):
                    found.segments += 1
                    stretch = tokens[start : start + length + ends].astype(np.uint32)
                    stretches.setdefault(int(address), []).append((int(offset), stretch))
    parts, rows_of = unpack_address(np.array(sorted(stretches), np.uint64))
    documents = [
        document
        for part in np.unique(parts).tolist()
        for document in explainer.read(StoredDocument, part, rows_of[parts == part])
    ]
    for document, outcome in Extractor(explainer.inputs).read_again(documents):
        found.states.setdefault(document.source, Counter())[outcome.state] += 1
        if outcome.state != "equal":
            found.examples.append(f"{document.part}:{document.row} {outcome}")
        else:
            found.other_tokens += _count_others(
                run, tokenizer, document, stretches[document.address]
            )
    found.seconds = time.monotonic() - started
    return found


def _count_others(
    run: Run,
    tokenizer: RunTokenizer,
    document: StoredDocument,
    stretches: list[tuple[int, np.ndarray]],
) -> int:
    """How many stretches of a document are not what its text, which has just been read again, gives when it is encoded again."""
    text = remove_lines(document.text, removed_lines(run, document.part, document.row))
    ids = encode_texts(tokenizer.tokenizer, [text]).ids
    end = np.array([tokenizer.end_of_text], np.uint32)
    stream = np.concatenate([end, ids, end])
    return sum(
        not np.array_equal(stretch, stream[offset : offset + len(stretch)])
        for offset, stretch in stretches
    )


def _report(name: str, found: Resolved) -> None:
    print(
        f"{name}: {found.rows:,} random rows, {found.segments:,} segments, {found.documents:,} documents in {found.seconds:.1f} s"
    )
    for source, states in sorted(found.states.items()):
        print(
            f"  {source:<12}{', '.join(f'{state} {number:,}' for state, number in sorted(states.items()))}"
        )
    print(f"  segments with other tokens: {found.other_tokens}")
    for example in found.examples[:5]:
        print(f"  {example[:400]}")
    print(
        f"  {'every row resolves to input that gives the same text and tokens' if found.right else 'WRONG'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", help="folders of finished runs")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-kind", action="store_true")
    arguments = parser.parse_args()
    right = True
    with tempfile.TemporaryDirectory() as folder:
        names = list(arguments.runs)
        if arguments.every_kind:
            path = write_every_kind(Path(folder), data=DATA if DATA.is_dir() else None)
            config = load_config(str(path))
            with fork_server() as server:
                run_stages(
                    config,
                    RunnerSettings(workers=1, fork_server=server),
                    progress=StageProgress(Console(quiet=True)),
                )
            names.append(config.folder)
        for name in names:
            found = resolve_rows(Run(name), arguments.rows, seed=arguments.seed)
            _report("every kind" if name not in arguments.runs else name, found)
            right = right and found.right
    raise SystemExit(not right)


if __name__ == "__main__":
    main()
