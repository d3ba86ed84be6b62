"""Compares the verdicts of our filters with datatrove's on the same texts, and the speed of both on one core.

    python -m tests.bench.conformance --peer PATH_TO_PYTHON [--texts FILE.jsonl ...] [--documents FOLDER ...] [--layouts N]

PATH_TO_PYTHON is that of an environment with datatrove and spaCy; nothing of it is imported here. Without the other options the texts
are the English web pages of the data folder (our extraction, language score 0.65 or more). --documents takes Markdown, reStructuredText,
plain text, licences and READMEs beneath folders, such as those of installed packages. --layouts makes texts of setext headings, rules,
lists, code and tables by chance. MB/s is of UTF-8 text.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from tests.conftest import DATA
from tests.layouts import made_layouts
from transforms import storage
from transforms.filters.filter import Columns
from transforms.filters.language import identify_languages
from transforms.filters.presets import PRESETS
from transforms.filters.registry import judge
from transforms.filters.verdicts import Verdicts
from transforms.sources.records import RawDocument
from transforms.sources.registry import read_records

LEAST_SCORE = 0.65
MOST_BYTES = 100_000
_DOCUMENT = re.compile(
    r"(?i).*\.(md|markdown|rst|txt|text)|(readme|licen[cs]e|copying|copyright|changelog|changes|news|notice|authors|todo)\b.*"
)
_NO_OTHER_RULES = {
    "min_words": 1,
    "min_stop_words": 0,
    "max_symbol_ratio": 1e9,
    "min_alphabetic_words": 0.0,
}
CASES: dict[str, tuple[tuple[tuple[str, Mapping[str, Any]], ...], str]] = {
    "gopher-repetition": ((("gopher-repetition", {}),), "GopherRepetitionFilter()"),
    "gopher": ((("gopher", {}),), "GopherQualityFilter()"),
    "gopher, rules on lines": (
        (("gopher", {"max_bullet_lines": 0.2, "max_ellipsis_lines": 0.1, **_NO_OTHER_RULES}),),
        "GopherQualityFilter(max_bullet_lines_ratio=0.2, max_ellipsis_lines_ratio=0.1, min_doc_words=1, min_stop_words=0, "
        "max_symbol_word_ratio=0, max_non_alpha_words_ratio=0)",
    ),
    "c4-paper": ((("c4-paper", {}),), "C4QualityFilter()"),
    "c4-paper, end_marks = false": (
        (("c4-paper", {"end_marks": False}),),
        "C4QualityFilter(filter_no_terminal_punct=False)",
    ),
    "fineweb-quality": ((("fineweb-quality", {}),), "FineWebQualityFilter()"),
    "preset fineweb": (
        PRESETS["fineweb"],
        "GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()",
    ),
}
"""Name -> (our filters and their options, the peer's constructors)."""

PEER_SCRIPT = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_parts, split_into_words
texts = [json.loads(line)["text"] for line in open(sys.argv[1], encoding="utf-8")]
split_into_words("Load the model.")
for constructor in sys.argv[2:]:
    judges, verdicts = eval(f"[{constructor}]"), []
    start = time.perf_counter()
    for number, text in enumerate(texts):
        document = Document(text=text, id=str(number))
        for judge in judges:
            verdict = judge.filter(document)
            kept, reason = verdict if isinstance(verdict, tuple) else (verdict, None)
            if not kept:
                break
        verdicts.append((bool(kept), reason, document.text if document.text != text else None))
    seconds = time.perf_counter() - start
    split_into_parts.cache_clear()
    print(json.dumps({"seconds": seconds, "verdicts": verdicts}))
"""


def english_pages() -> Iterator[str]:
    """The texts of the web pages in the data folder that the language filter takes for English."""
    records = (
        record
        for path in sorted((DATA / "web").glob("*.warc.gz"))
        for record in read_records(str(path), kind="warc", options={})
    )
    yield from english([record.text for record in records if isinstance(record, RawDocument)])


def english(texts: list[str]) -> Iterator[str]:
    codes, scores = identify_languages(
        pa.array(texts, pa.large_string()), model=None, characters=3000
    )
    for text, code, score in zip(texts, codes.to_pylist(), scores, strict=True):
        if code == "en" and score >= LEAST_SCORE:
            yield text


def texts_of(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        with storage.open_decompressed(str(path)) as lines:
            yield from (json.loads(line)["text"] for line in lines)


def documents_of(folders: Sequence[Path]) -> Iterator[str]:
    """Text files of at most MOST_BYTES bytes beneath folders, by path, each text once."""
    seen = set()
    for path in sorted(
        path for folder in folders for path in folder.rglob("*") if _DOCUMENT.fullmatch(path.name)
    ):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES:
            try:
                with storage.open_decompressed(str(path)) as stream:
                    text = stream.read().decode()
            except (UnicodeDecodeError, OSError, EOFError):
                continue
            if text.strip() and "\0" not in text and text not in seen:
                seen.add(text)
                yield text


def judge_peer(python: str, texts: list[str]) -> list[dict[str, Any]]:
    """Runs the peer -> for each case its seconds and [kept, reason, new text or None] of each text."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        file.flush()
        command = [
            python,
            "-c",
            PEER_SCRIPT,
            file.name,
            *(constructor for _, constructor in CASES.values()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge_ours(
    filters: Sequence[tuple[str, Mapping[str, Any]]], texts: list[str]
) -> tuple[Verdicts, float]:
    """Our verdicts, filter after filter, and the seconds they took: the best of three."""

    def run() -> Verdicts:
        batch = pa.record_batch(
            {
                "text": pa.array(texts, pa.large_string()),
                "language": pa.array(["en"] * len(texts), pa.string()),
            }
        )
        columns = Columns(batch)
        verdicts = Verdicts.kept(len(texts)).with_text(batch.column("text"))
        for name, options in filters:
            judged = judge(columns, name=name, options=options)
            if judged.text is not None:
                columns = Columns(batch.set_column(0, "text", judged.text))
            verdicts = verdicts.then(judged)
        return verdicts

    verdicts, seconds = timed(run)
    return verdicts, min(seconds, *(timed(run)[1] for _ in range(2)))


def timed(run: Callable[[], Verdicts]) -> tuple[Verdicts, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def differences(
    ours: Verdicts, theirs: list[tuple[bool, str | None, str | None]], texts: list[str]
) -> Iterator[str]:
    for row, (kept, reason, _) in enumerate(theirs):
        if bool(ours.keep[row]) != kept:
            mine = (
                "kept"
                if ours.keep[row]
                else f"{ours.rule[row]}: {ours.value[row]:.4f}, threshold {ours.threshold[row]:g}"
            )
            yield f"text {row} ({texts[row][:40]!r}): ours {mine}; theirs {'kept' if kept else reason}"


def equal_texts(
    ours: Verdicts, theirs: list[tuple[bool, str | None, str | None]], texts: list[str]
) -> tuple[int, int]:
    """Of the documents that both keep: how many have equal text afterwards, and how many there are."""
    left = texts if ours.text is None else ours.text.to_pylist()
    both = [row for row, (kept, _, _) in enumerate(theirs) if kept and ours.keep[row]]
    return sum(
        left[row] == (theirs[row][2] if theirs[row][2] is not None else texts[row]) for row in both
    ), len(both)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True, help="Python of an environment with datatrove")
    parser.add_argument(
        "--texts", nargs="*", type=Path, default=[], help='JSONL files with the key "text"'
    )
    parser.add_argument(
        "--documents",
        nargs="*",
        type=Path,
        default=[],
        help="folders with Markdown, plain text, licences, ...",
    )
    parser.add_argument("--layouts", type=int, default=0, help="how many texts to make by chance")
    arguments = parser.parse_args()
    texts = [
        *texts_of(arguments.texts),
        *documents_of(arguments.documents),
        *made_layouts(arguments.layouts),
    ] or list(english_pages())
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    table = Table(
        "filter",
        "documents",
        "kept",
        "equal verdicts",
        "share",
        "equal texts",
        "MB/s",
        "peer MB/s",
        title=f"{megabytes:.1f} MB of text",
    )
    found = []
    for (label, (filters, _)), peer in zip(
        CASES.items(), judge_peer(arguments.peer, texts), strict=True
    ):
        verdicts, seconds = judge_ours(filters, texts)
        different = list(differences(verdicts, peer["verdicts"], texts))
        equal = len(texts) - len(different)
        same, both = equal_texts(verdicts, peer["verdicts"], texts)
        speeds = (f"{megabytes / seconds:.1f}", f"{megabytes / peer['seconds']:.2f}")
        table.add_row(
            label,
            str(len(texts)),
            str(verdicts.keep.sum()),
            str(equal),
            f"{equal / len(texts):.2%}",
            f"{same}/{both}",
            *speeds,
        )
        found += [f"{label}: {line}" for line in different]
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(table)
    for line in found:
        console.print(line, markup=False)


if __name__ == "__main__":
    main()
