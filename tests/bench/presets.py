"""What each preset keeps of good texts and of what is none, on the data folder: documents kept of those there are.

    python -m tests.bench.presets [--rules] [--extracted]

Good: Reuters news; the Universal Declaration of Human Rights in 56 languages; whole novels as kind `text`, and the same with numbers
of chapters, rules between scenes or names of speakers put in; the main texts of the pages by kind. Not good: of the same pages the lines
of fewer than eight words outside the main text ("menus") and everything outside it ("around": much of it prose); texts made by chance of
keywords, log lines, hexadecimal dumps, tables of numbers, links and one paragraph again and again. --rules also prints which rule
rejected how many; --extracted takes what our extraction makes of the pages instead of their main texts, which is where users stand.
"""

import argparse
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree
from rich.console import Console
from rich.table import Table

from tests.bench.languages import paragraphs
from tests.conftest import DATA
from transforms.filters.filter import Columns
from transforms.filters.language import identify_languages
from transforms.filters.presets import PRESETS, preset_filters
from transforms.filters.registry import judge
from transforms.filters.verdicts import Verdicts
from transforms.sources.records import RawDocument
from transforms.sources.registry import KINDS, read_records

_SPEAKERS = ("HAMLET.", "OPHELIA.", "THE KING.", "POLONIUS.")


def verdicts_of(texts: Sequence[str], *, preset: str, kind: str = "") -> Verdicts:
    """A preset's verdicts on texts as a kind of source, with the languages that the bundled model names."""
    text = pa.array(texts, pa.large_string())
    batch = pa.record_batch(
        {"text": text, "language": identify_languages(text, model=None, characters=3000)[0]}
    )
    verdicts = Verdicts.kept(len(texts))
    for name, options in preset_filters(preset, books=kind in KINDS and KINDS[kind].books):
        judged = judge(Columns(batch), name=name, options=options)
        verdicts = verdicts.then(judged)
        if judged.text is not None:
            batch = batch.set_column(0, "text", judged.text)
    return verdicts


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def news() -> list[str]:
    return [
        text
        for path in sorted((DATA / "news").glob("reuters-*.jsonl.gz"))
        for line in json_lines(path)
        if (text := line["text"])
    ]


def books() -> list[str]:
    records = (
        next(iter(read_records(str(path), kind="text", options={})))
        for path in sorted((DATA / "books").glob("*.txt.gz"))
    )
    return [record.text for record in records if isinstance(record, RawDocument)]


def declarations() -> list[str]:
    """The Universal Declaration of Human Rights, a text for each of 56 languages."""
    found: dict[str, list[str]] = {}
    for code, paragraph in zip(*paragraphs(), strict=True):
        found.setdefault(code, []).append(paragraph)
    return ["\n\n".join(parts) for parts in found.values()]


def with_chapters(text: str, *, every: int = 2, restart: int = 5) -> str:
    """Roman numbers that begin anew in each part, before every so many paragraphs."""
    numbers = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")[:restart]
    parts = enumerate(text.split("\n\n"))
    return "\n\n".join(
        f"{numbers[index // every % restart]}\n\n{part}" if index % every == 0 else part
        for index, part in parts
    )


def with_rules(text: str, *, every: int = 2) -> str:
    return "\n\n".join(
        f"* * *\n\n{part}" if index % every == 0 else part
        for index, part in enumerate(text.split("\n\n"))
    )


def with_speakers(text: str, *, characters: int = 180) -> str:
    pieces = [
        part[first : first + characters]
        for part in text.split("\n\n")
        for first in range(0, len(part), characters)
    ]
    return "\n\n".join(
        f"{_SPEAKERS[index * 7 % 4 if index % 3 else 1]}\n{piece}"
        for index, piece in enumerate(pieces)
    )


def gold_pages() -> dict[str, list[str]]:
    """Main texts by kind of page, without those that are empty."""
    found: dict[str, list[str]] = {}
    for page in json_lines(DATA / "pages" / "gold.jsonl.gz"):
        if page["text"].strip():
            found.setdefault(page["kind"], []).append(page["text"])
    return found


def extracted_pages() -> dict[str, list[str]]:
    """What kind `warc` makes of the pages, by their kind."""
    kinds = {page["url"]: page["kind"] for page in json_lines(DATA / "pages" / "gold.jsonl.gz")}
    found: dict[str, list[str]] = {}
    for record in read_records(str(DATA / "pages" / "pages.warc.gz"), kind="warc", options={}):
        if isinstance(record, RawDocument):
            found.setdefault(kinds[record.url or ""], []).append(record.text)
    return found


def around_pages() -> Iterator[str]:
    """For each page its lines that do not stand in the main text."""
    gold = {page["url"]: page["text"] for page in json_lines(DATA / "pages" / "gold.jsonl.gz")}
    with open(DATA / "pages" / "pages.warc.gz", "rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            body = record.reader.read()
            main = f" {_words(gold.get(record.headers['WARC-Target-URI'], ''))} "
            tree = HTMLTree.parse_from_bytes(body, detect_encoding(body) or "utf-8")
            lines = extract_plain_text(
                tree, main_content=False, alt_texts=False, links=False, form_fields=False
            ).split("\n")
            yield "\n".join(
                line.strip()
                for line in lines
                if (words := _words(line)) and f" {words} " not in main
            )


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def menus(around: Sequence[str]) -> list[str]:
    short = (
        "\n".join(line for line in text.split("\n") if len(line.split()) < 8) for text in around
    )
    return [text for text in short if len(text.split()) >= 50]


def made_junk(each: int = 50) -> dict[str, list[str]]:
    """Texts that are no text, by kind."""
    chance = random.Random(5)
    words = [
        "cheap", "shoes", "buy", "online", "best", "price", "discount", "free", "shipping", "casino", "bonus", "pills", "hotel",
        "deals", "and", "the", "for", "with", "sale", "order", "now",
    ]  # fmt: skip
    ad = "Get the best price for shoes of all sizes today and order with free shipping to every country in the world. "

    def some(count: int) -> str:
        return " ".join(chance.choices(words, k=count))

    def log(index: int) -> str:
        date = f"2026-01-{index % 28 + 1:02} 12:{index % 60:02}:01,{chance.randrange(999):03}"
        return f"{date} INFO worker-{index % 9} GET /a/{chance.randrange(9999)} 200 {index} ms"

    makers = {
        "keywords": lambda: "\n".join(some(chance.randint(5, 40)) for _ in range(20)),
        "log lines": lambda: "\n".join(log(index) for index in range(80)),
        "hex dumps": lambda: "\n".join(
            f"{index:08x}  " + " ".join(f"{chance.randrange(256):02x}" for _ in range(16))
            for index in range(60)
        ),
        "number tables": lambda: "\n".join(
            " ".join(f"{chance.random() * 1000:.2f}" for _ in range(12)) for _ in range(40)
        ),
        "links": lambda: "\n".join(
            f"{some(3).title()} - https://example.com/{chance.randrange(99999)}" for _ in range(60)
        ),
        "one paragraph again": lambda: ad * chance.randint(10, 40),
    }
    return {name: [make() for _ in range(each)] for name, make in makers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", action="store_true", help="say which rules reject")
    parser.add_argument("--extracted", action="store_true", help="pages as our extraction has them")
    arguments = parser.parse_args()
    pages = extracted_pages() if arguments.extracted else gold_pages()
    novels = books()
    forms = {"novels": novels, "with chapters": [*map(with_chapters, novels)]}
    forms |= {
        "with rules": [*map(with_rules, novels)],
        "with speakers": [*map(with_speakers, novels)],
    }
    around = list(around_pages())
    sets = {"news": (news(), ""), "declarations": (declarations(), "")}
    sets |= {name: (texts, "text") for name, texts in forms.items()}
    sets |= {f"pages: {kind}": (texts, "") for kind, texts in sorted(pages.items())}
    sets |= {
        "pages: menus": (menus(around), ""),
        "pages: around": ([text for text in around if text], ""),
    }
    sets |= {f"made: {name}": (texts, "") for name, texts in made_junk().items()}
    table = Table("texts", "documents", *PRESETS)
    rules = []
    for name, (texts, kind) in sets.items():
        verdicts = {preset: verdicts_of(texts, preset=preset, kind=kind) for preset in PRESETS}
        table.add_row(
            name, str(len(texts)), *(str(int(found.keep.sum())) for found in verdicts.values())
        )
        for preset, found in verdicts.items():
            rejected = Counter(rule for rule in found.rule.tolist() if rule)
            rules.append(
                f"{name}, {preset}: "
                + ", ".join(f"{rule} {count}" for rule, count in rejected.most_common())
            )
    console = Console(width=140, highlight=False)
    console.print(table)
    for line in rules if arguments.rules else ():
        console.print(line, markup=False)


if __name__ == "__main__":
    main()
