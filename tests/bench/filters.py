"""Measures each filter that needs no peer on the English web pages of the data folder: MB of UTF-8 text a second of CPU time, one core.

    python -m tests.bench.filters [--repeat 5] [--domains 5000000]

With --domains only `url` is measured: loading a list of so many made domains, and 100,000 URLs looked up in it, without and with words.

Medians. The models are tiny, so `fasttext-classifier` and `perplexity` show what surrounds a model; the blocked words are 400 made ones.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from tests.bench.conformance import english_pages
from tests.transforms.filters.test_fasttext_classifier import write_model
from transforms.filters.registry import FILTERS
from transforms.filters.url import judge_url


def cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    words = tuple(
        f"{first}{second}qu"
        for first in "abcdefghijklmnopqrst"
        for second in "abcdefghijklmnopqrst"
    )
    yield "line-rules", {}
    yield "blocked-words", {"words": (*words, "two blocked words")}
    yield "encoding-noise", {}
    yield "pii", {}
    yield "pii", {"kinds": ("email", "ip")}
    yield "language-paragraphs", {}
    yield (
        "fasttext-classifier",
        {"model": str(write_model(folder / "model.bin")), "labels": ("good",)},
    )
    try:
        import kenlm  # noqa: F401

        from tests.transforms.filters.test_perplexity import ARPA
    except ImportError:
        return
    (folder / "en.arpa").write_text(ARPA)
    yield "perplexity", {"model": str(folder / "en.arpa")}


def measure_urls(domains: int) -> Iterator[str]:
    """Lines that say how fast a list of domains is loaded and URLs are looked up in it; seconds of CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "domains")
        with path.open("w") as stream:
            stream.writelines(
                f"{number * 0x9E3779B97F4A7C15 % (1 << 64):x}.com\n" for number in range(domains)
            )
        options: dict[str, Any] = {"domain_lists": (str(path),)}
        start = time.process_time()
        judge_url(pa.array(["http://example.com/"]), **options)
        yield f"{domains:,} domains loaded in {time.process_time() - start:.1f} s"
    urls = [
        f"https://www.{number:x}.example/{number}/story-{number}.html?id={number}"
        for number in range(100_000)
    ]
    words = {
        "blocked_words": ("casino", "poker"),
        "soft_words": ("bet", "win"),
        "blocked_substrings": ("xxx", "viagra"),
    }
    for name, more in (("domains", {}), ("domains and words", words)):
        start = time.process_time()
        for first in range(0, len(urls), 512):
            judge_url(pa.array(urls[first : first + 512]), **options, **more)
        yield f"{len(urls) / (time.process_time() - start):,.0f} URLs a second: {name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--repeat", type=int, default=5, help="how often each filter runs (default: 5)"
    )
    parser.add_argument(
        "--domains", type=int, default=0, help="measure `url` with so many domains instead"
    )
    arguments = parser.parse_args()
    repeat = arguments.repeat
    if arguments.domains:
        for line in measure_urls(arguments.domains):
            print(line, flush=True)
        return
    text = pa.array(english_pages(), pa.large_string())
    columns = {"text": text, "language": pa.array(["en"] * len(text))}
    megabytes = pc.sum(pc.binary_length(text)).as_py() / 1e6
    table = Table(
        "filter", "options", "kept", "MB/s", title=f"{len(text)} documents, {megabytes:.2f} MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, options in cases(Path(folder)):
            chosen = FILTERS[name]
            times = []
            for _ in range(repeat + 1):
                start = time.process_time()
                verdicts = chosen.judge(*(columns[column] for column in chosen.columns), **options)
                times.append(time.process_time() - start)
            shown = ", ".join(
                f"{key} = {value}" for key, value in options.items() if key == "kinds"
            )
            table.add_row(
                name,
                shown,
                str(int(verdicts.keep.sum())),
                f"{megabytes / statistics.median(times[1:]):.0f}",
            )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
