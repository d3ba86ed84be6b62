"""Main text of the pages with expected phrases: quality and speed of plain resiliparse, ours, and trafilatura.

    python -m tests.bench.extraction [--repeats 3]

Phrases: tp = an expected phrase found, fn = missing, fp = an unwanted phrase found, tn = not found; precision = tp / (tp + fp),
recall = tp / (tp + fn), exclusion = tn / (tn + fp), as trafilatura's own evaluation counts them. A phrase is found if it is in
the text after NFC and with every run of white space in both made one space; case and punctuation count.

Tokens: word 4-grams (words = runs of \\w, lower case, counted with repetition) against the `articleBody` that a page's JSON-LD
carries (more than 600 characters, not cut off by an ellipsis), and against trafilatura's text: mean precision and recall over
pages and the F1 of these means. `kept` is the text's characters as a share of plain resiliparse's and of trafilatura's.
The model has learned from these pages: figures of pages that it has not seen are `tests.bench.learn_main_text --folds 10`. Halves are by a
hash of the address.
Seconds: extraction from decoded text in one process, the median of the repeats, which alternate between the extractors.
"""

import argparse
import gzip
import hashlib
import html
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from rich.console import Console
from rich.table import Table

from tests.conftest import DATA
from transforms.clean_text import clean_text
from transforms.sources.decoding import decode_html
from transforms.sources.extractors import extract_main_text

Grams = Counter[tuple[str, ...]]
_LINKED_DATA = re.compile(
    r"<script[^>]{0,200}ld\+json[^>]{0,100}>(.*?)</script>", re.DOTALL | re.IGNORECASE
)
_WORDS = re.compile(r"\w+")
_LEAST_BODY = 600


class ExpectedPage(NamedTuple):
    url: str
    html: str
    present: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def half(self) -> int:
        return hashlib.blake2b(self.url.encode(), digest_size=8).digest()[0] % 2


def read_expected_pages(folder: Path) -> list[ExpectedPage]:
    """The pages of the data folder for which there are phrases, decoded, in the order of the archives."""
    with gzip.open(folder / "web" / "expected-phrases.jsonl.gz", "rt", encoding="utf-8") as lines:
        phrases = {row["url"]: row for row in map(json.loads, lines)}
    pages = []
    for path in sorted((folder / "web").glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                url = record.headers["WARC-Target-URI"].strip("<>")
                body = record.reader.read()
                if row := phrases.get(url):
                    text = decode_html(body, charset=record.http_charset).text
                    pages.append(
                        ExpectedPage(url, text, tuple(row["present"]), tuple(row["absent"]))
                    )
    return pages


def plain_text(page: str) -> str:
    """resiliparse's main text as it comes, the baseline; no metadata."""
    return extract_plain_text(
        page, main_content=True, alt_texts=False, comments=False, post_meta=False
    )


def our_text(page: str) -> str:
    return extract_main_text(page).text


def trafilatura_text(page: str) -> str:
    return extract_main_text(page, extractor="trafilatura").text


def one_space(text: str) -> str:
    return " ".join(clean_text(text).split())


def phrase_scores(pages: Sequence[ExpectedPage], texts: Sequence[str]) -> dict[str, float]:
    """Pages and the text found for each -> recall, exclusion, precision and F1 over all phrases; see the module."""
    found: Counter[tuple[str, bool]] = Counter()
    for page, text in zip(pages, texts, strict=True):
        text = one_space(text)
        for kind, phrases in (("present", page.present), ("absent", page.absent)):
            found.update((kind, one_space(phrase) in text) for phrase in phrases)
    tp, fn, fp, tn = (
        found[key]
        for key in (("present", True), ("present", False), ("absent", True), ("absent", False))
    )
    return {
        "recall": tp / (tp + fn),
        "exclusion": tn / (tn + fp),
        "precision": tp / (tp + fp),
        "F1": 2 * tp / (2 * tp + fp + fn),
    }


def grams(text: str) -> Grams:
    words = _WORDS.findall(text.lower())
    return (
        Counter(tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))
        if words
        else Counter()
    )


def gram_scores(references: Sequence[Grams], texts: Sequence[Grams]) -> dict[str, float]:
    """References, of which empty ones are passed over, and texts -> mean precision and recall, and their F1."""
    pairs = [
        (reference, text) for reference, text in zip(references, texts, strict=True) if reference
    ]
    shared = [(reference & text).total() for reference, text in pairs]
    precision = statistics.fmean(
        n / max(1, text.total()) for n, (_, text) in zip(shared, pairs, strict=True)
    )
    recall = statistics.fmean(
        n / reference.total() for n, (reference, _) in zip(shared, pairs, strict=True)
    )
    return {
        "precision": precision,
        "recall": recall,
        "F1": 2 * precision * recall / (precision + recall),
    }


def article_body(page: str) -> str:
    """The longest `articleBody` of a page's JSON-LD; empty if there is none of use."""
    bodies = [""]
    for script in _LINKED_DATA.findall(page):
        try:
            bodies.extend(
                re.sub(r"<[^>]+>", " ", html.unescape(body))
                for body in _bodies(json.loads(script, strict=False))
            )
        except (ValueError, RecursionError):
            continue
    whole = [
        body
        for body in bodies
        if len(body) > _LEAST_BODY and not body.rstrip().endswith(("...", "…"))
    ]
    return max(whole, key=len, default="")


def _bodies(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("articleBody"), str):
            yield value["articleBody"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _bodies(item)


EXTRACTORS: dict[str, Callable[[str], str]] = {
    "plain resiliparse": plain_text,
    "tokenmill": our_text,
    "trafilatura": trafilatura_text,
}


def time_extractors(
    pages: Sequence[ExpectedPage], *, repeats: int
) -> tuple[dict[str, list[str]], dict[str, float]]:
    """The text of each page by each extractor, and the median seconds of all pages."""
    texts: dict[str, list[str]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in EXTRACTORS}
    for _ in range(repeats):
        for name, extract in EXTRACTORS.items():
            start = time.perf_counter()
            texts[name] = [extract(page.html) for page in pages]
            seconds[name].append(time.perf_counter() - start)
    return texts, {name: statistics.median(each) for name, each in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    console = Console(width=140)
    pages = read_expected_pages(DATA)
    trafilatura_text(pages[0].html)  # the import
    texts, seconds = time_extractors(pages, repeats=repeats)
    found = {name: [grams(text) for text in each] for name, each in texts.items()}
    bodies = [grams(article_body(page.html)) for page in pages]
    megabytes = sum(len(page.html.encode("utf-8", "replace")) for page in pages) / 1e6
    for title, chosen in (("all pages", (0, 1)), ("half 0", (0,)), ("half 1", (1,))):
        rows = [row for row, page in enumerate(pages) if page.half in chosen]
        table = Table(
            title=f"{title}: {len(rows)} pages, {sum(bool(bodies[row]) for row in rows)} with an articleBody"
        )
        for column in (
            "extractor",
            "recall",
            "exclusion",
            "precision",
            "F1",
            "body P",
            "body R",
            "body F1",
            "F1 to trafilatura",
            "kept",
        ):
            table.add_column(column, justify="left" if column == "extractor" else "right")
        for name in EXTRACTORS:
            phrases = phrase_scores(
                [pages[row] for row in rows], [texts[name][row] for row in rows]
            )
            body = gram_scores([bodies[row] for row in rows], [found[name][row] for row in rows])
            peer = gram_scores(
                [found["trafilatura"][row] for row in rows], [found[name][row] for row in rows]
            )
            characters = {
                other: sum(len(texts[other][row]) for row in rows) for other in EXTRACTORS
            }
            kept = " / ".join(
                f"{characters[name] / characters[other]:.2f}"
                for other in ("plain resiliparse", "trafilatura")
            )
            table.add_row(
                name,
                *(f"{value:.3f}" for value in (*phrases.values(), *body.values(), peer["F1"])),
                kept,
            )
        console.print(table)
    table = Table(
        "extractor",
        "seconds",
        "MB/s of HTML",
        "times trafilatura's speed",
        title=f"{megabytes:.1f} MB of HTML, one core",
    )
    for name, each in seconds.items():
        table.add_row(
            name, f"{each:.2f}", f"{megabytes / each:.1f}", f"{seconds['trafilatura'] / each:.1f}"
        )
    console.print(table)


if __name__ == "__main__":
    main()
