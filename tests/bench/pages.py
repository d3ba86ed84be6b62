"""Main text of 269 pages of seven kinds beside their gold text: quality by kind, and seconds, of ours, plain resiliparse and trafilatura.

    python -m tests.bench.pages [--repeats 3] [--results FOLDER]

A page's F1 is that of the multisets of its lower-case words (`\\w+`); the mean over pages is printed. With `--results` the texts of each
extractor go to a file of JSON lines {"url", "text"}. Seconds: CPU, extraction from decoded text in one process, the median of the repeats,
which alternate between the extractors.
"""

import argparse
import gzip
import json
import re
import statistics
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType

from tests.bench.extraction import EXTRACTORS
from tests.conftest import DATA
from transforms.sources.decoding import decode_html

_WORD = re.compile(r"\w+")


class GoldPage(NamedTuple):
    url: str
    kind: str
    html: str
    text: str


def read_gold_pages(folder: Path) -> list[GoldPage]:
    """The pages of `pages/pages.warc.gz`, decoded, with their gold text."""
    with gzip.open(folder / "pages" / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        gold = {row["url"]: row for row in map(json.loads, lines)}
    pages = []
    with (folder / "pages" / "pages.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            row, body = gold[record.headers["WARC-Target-URI"].strip("<>")], record.reader.read()
            pages.append(
                GoldPage(
                    row["url"],
                    row["kind"],
                    decode_html(body, charset=record.http_charset).text,
                    row["text"],
                )
            )
    return pages


def word_f1(text: str, gold: str) -> float:
    """F1 of the multisets of lower-case words; 1 if both have none."""
    mine, right = Counter(_WORD.findall(text.lower())), Counter(_WORD.findall(gold.lower()))
    if not mine or not right:
        return float(not mine and not right)
    return 2 * (mine & right).total() / (mine.total() + right.total())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path)
    arguments = parser.parse_args()
    pages = read_gold_pages(DATA)
    for extract in EXTRACTORS.values():
        extract(pages[0].html)  # imports and tables
    seconds: dict[str, list[float]] = defaultdict(list)
    texts: dict[str, list[str]] = {}
    for _ in range(arguments.repeats):
        for name, extract in EXTRACTORS.items():
            start = time.process_time()
            texts[name] = [extract(page.html) for page in pages]
            seconds[name].append(time.process_time() - start)
    kinds = ["all", *sorted({page.kind for page in pages})]
    print(f"{'extractor':18}" + "".join(f"{kind:>15}" for kind in kinds) + f"{'CPU s':>10}")
    for name, found in texts.items():
        scores: dict[str, list[float]] = defaultdict(list)
        for page, text in zip(pages, found, strict=True):
            for kind in ("all", page.kind):
                scores[kind].append(word_f1(text, page.text))
        columns = "".join(f"{statistics.fmean(scores[kind]):15.3f}" for kind in kinds)
        print(f"{name:18}{columns}{statistics.median(seconds[name]):10.2f}")
        if arguments.results:
            arguments.results.mkdir(parents=True, exist_ok=True)
            with (arguments.results / f"{name.replace(' ', '-')}.jsonl").open(
                "w", encoding="utf-8"
            ) as file:
                file.writelines(
                    json.dumps({"url": page.url, "text": text}) + "\n"
                    for page, text in zip(pages, found, strict=True)
                )


if __name__ == "__main__":
    main()
