"""Mutated files of every kind through a whole unit of ingest: `python -m tests.fuzz.files [--count 2000] [--kinds warc,epub] [--seed 0]`.

Each file must be read without an exception, within SECONDS, and every record must be kept or rejected with its reason: the counts
of the unit, those read back from what it committed, and the rows of its files must agree. Kinds run in processes of their own, so that
a crash of native code or a hang is a finding, not the end. Prints a table; the exit status says whether anything was found.
"""

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console

from pipeline.terminal import figures_table
from tests.fuzz.seeds import SEEDS
from transforms.contracts.counters import SourceCounters
from transforms.ingest.settings import FilterConfig, LanguageConfig, SourceConfig
from transforms.ingest.unit import InputFile, PartPaths, count_part, ingest_files
from transforms.sources.registry import KINDS

SECONDS = 10
LARGEST_MEMORY = 4 << 30
_FILTERS = (
    FilterConfig(name="length", options={"at_least": 10}),
    FilterConfig(
        name="gopher", options={"min_words": 5, "min_stop_words": 0, "max_words": 10_000_000}
    ),
)
_LANGUAGE = LanguageConfig(keep=(), threshold=0.0, characters=500, model=None)
_SPLICES = (
    b"\0",
    b"\xff\xfe",
    b"\r\n\r\n",
    b"<",
    b"]]>",
    b'"',
    b"{{" * 50,
    b"&#x0;",
    b"\x1f\x8b\x08\0",
    b"WARC/1.0\r\n",
    b"9" * 30,
    b"\xed\xa0\x80",
)


@dataclass
class Findings:
    """Of one kind: files read, records by what became of them, the slowest file, and what went wrong, with its case number."""

    files: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


def mutate(data: bytes, random_numbers: random.Random) -> bytes:
    """One to six changes: a bit, a byte, a stretch cut, doubled, moved or overwritten, a splice, or the end cut off."""
    changed = bytearray(data)
    for _ in range(random_numbers.choice((1, 1, 2, 3, 6))):
        if not changed:
            break
        at = random_numbers.randrange(len(changed))
        length = min(random_numbers.choice((1, 2, 8, 64, 1024)), len(changed) - at)
        match random_numbers.randrange(8):
            case 0:
                changed[at] ^= 1 << random_numbers.randrange(8)
            case 1:
                changed[at] = random_numbers.randrange(256)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length]
            case 4:
                piece = changed[at : at + length]
                del changed[at : at + length]
                to = random_numbers.randrange(len(changed) + 1)
                changed[to:to] = piece
            case 5:
                changed[at : at + length] = random_numbers.randbytes(length)
            case 6:
                changed[at:at] = random_numbers.choice(_SPLICES)
            case 7:
                del changed[at:]
    return bytes(changed)


def make_case(kind: str, number: int, seed: int) -> tuple[str, bytes]:
    """The name's end and the bytes of one mutated file; equal for equal arguments."""
    random_numbers = random.Random(f"{kind} {number} {seed}")
    suffix, make = SEEDS[kind][number % len(SEEDS[kind])]
    return suffix, mutate(make(), random_numbers)


def check_case(kind: str, suffix: str, data: bytes, folder: Path, findings: Findings) -> None:
    """Reads one file as a unit of ingest does. Raises AssertionError when counts do not agree."""
    path = folder / f"case{suffix}"
    path.write_bytes(data)
    file = InputFile(source="fuzz", path=str(path), origin="case", size=len(data))
    settings = SourceConfig(kind=kind, paths=("x",), quality=_FILTERS)
    paths = PartPaths(part=str(folder / "part"), rejects=str(folder / "rejects"))
    rows, counts = ingest_files([file], sources={"fuzz": settings}, language=_LANGUAGE, paths=paths)
    values = counts.by_source().get("fuzz", SourceCounters())
    rejects = pq.read_table(paths.rejects)
    documents = pq.read_table(paths.part)
    assert (
        values.read == values.kept + sum(values.rejected.values()) == len(documents) + len(rejects)
    )
    assert values.kept == len(documents) == rows[paths.part]
    assert count_part(paths) == (rows, counts)
    assert Counter(rejects["rule"].to_pylist()) == Counter(values.rejected)
    ids = [*documents["id"].to_pylist(), *rejects["id"].to_pylist()]
    assert len(set(ids)) == len(ids), "two records with one id"
    assert all(rejects["rule"].to_pylist())
    for text in documents["text"].to_pylist():
        assert text
        assert "\r" not in text
        assert "\0" not in text
    findings.kept += len(documents)
    findings.rejected.update(values.rejected)


def _fail_on_alarm(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def _run_kind(
    kind: str, first: int, count: int, seed: int, put: Callable[[tuple[int, Findings]], None]
) -> None:
    """Reads cases in a process of its own, telling after each how far it came."""
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _fail_on_alarm)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            findings = Findings(files=1)
            started = time.monotonic()
            signal.alarm(SECONDS)
            try:
                check_case(kind, *make_case(kind, number, seed), Path(folder), findings)
            except Exception as error:
                at = traceback.extract_tb(error.__traceback__)[-1]
                findings.failures.append(
                    f"case {number}: {type(error).__name__}: {error} ({Path(at.filename).name}:{at.lineno})"
                )
            signal.alarm(0)
            findings.slowest = time.monotonic() - started
            put((number, findings))


def fuzz(kind: str, *, count: int, seed: int) -> Findings:
    """`count` mutated files of a kind, in processes that may die: each death and each hang is a failure, and the next case goes on."""
    total, done = Findings(), 0
    context = multiprocessing.get_context("spawn")
    while done < count:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_run_kind, args=(kind, done, count - done, seed, theirs.send)
        )
        process.start()
        theirs.close()
        while done < count:
            hung = not ours.poll(6 * SECONDS)
            try:
                told = None if hung else ours.recv()
            except EOFError:
                told = None
            if told is None:
                process.kill()
                process.join()
                total.failures.append(
                    f"case {done}: " + ("the process hung" if hung else f"exit {process.exitcode}")
                )
                total.files += 1
                done += 1
                break
            _add(total, told[1])
            done = told[0] + 1
        process.join()
    return total


def _add(total: Findings, more: Findings) -> None:
    total.files += more.files
    total.kept += more.kept
    total.rejected.update(more.rejected)
    total.slowest = max(total.slowest, more.slowest)
    total.failures += more.failures


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="files of each kind")
    parser.add_argument("--kinds", default=",".join(SEEDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(None if arguments is None else list(arguments))
    table = figures_table("kind", "files", "records", "kept", "rejected", "slowest, s", "failures")
    failures: list[str] = []
    for kind in [kind for kind in options.kinds.split(",") if kind in KINDS]:
        found = fuzz(kind, count=options.count, seed=options.seed)
        rejected = sum(found.rejected.values())
        figures = (
            found.files,
            found.kept + rejected,
            found.kept,
            rejected,
            f"{found.slowest:.2f}",
            len(found.failures),
        )
        table.add_row(kind, *map(str, figures))
        failures += [f"{kind} {failure}" for failure in found.failures]
    Console(width=140).print(table)
    for failure in failures[:40]:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
