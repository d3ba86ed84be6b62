"""A small corpus with something of everything, for tests of whole runs."""

import gzip
import json
import random
from pathlib import Path

WORDS = """
    river mill corn flood winter market bridge harbour letter garden stone lantern road hill the of and to with have that be
    carries opens finds leaves turns keeps brings holds small old bright cold quiet early wooden narrow
""".split()  # noqa: SIM905  a list of words reads better as text

CONFIGURATION = """\
seed = 3
folder = "run"
max_error_rate = 0.2

[sources.news]
kind = "jsonl"
paths = ["input/news-*.jsonl*"]
quality = ["gopher", {{ name = "length", at_least = 300 }}]

[sources.books]
kind = "text"
paths = ["input/books/**/*.txt"]

[language]
keep = ["en"]
threshold = 0.3

[tokenizer]
vocabulary = 400

[shards]
sequence_length = 64
validation = 0.2
{extra}
"""


def sentences(generator: random.Random, count: int) -> str:
    return " ".join(
        " ".join(generator.choices(WORDS, k=12)).capitalize() + "." for _ in range(count)
    )


def write_corpus(folder: Path, *, extra: str = "") -> Path:
    """News in three files (copies, near-duplicates, short and broken lines among them) and four books; returns the configuration."""
    generator = random.Random(11)
    news = folder / "input"
    (news / "books" / "deep").mkdir(parents=True)
    texts = [sentences(generator, 12) for _ in range(60)]
    texts[20] = texts[3]
    texts[45] = texts[3].upper().lower()
    texts[50] = texts[7] + " " + sentences(generator, 1)
    texts[30] = "too short"
    for number in range(3):
        lines = [
            json.dumps({"text": text, "title": f"t{index}"})
            for index, text in enumerate(texts)
            if index % 3 == number
        ]
        lines.insert(2, '{"text": 5}')
        data = ("\n".join(lines) + "\n").encode()
        name = f"news-{number}.jsonl"
        if number == 1:
            (news / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (news / name).write_bytes(data)
    for number in range(4):
        place = news / "books" / ("deep" if number % 2 else ".") / f"book{number}.txt"
        place.write_text("\n".join(sentences(generator, 5) for _ in range(40)), encoding="utf-8")
    path = folder / "tokenmill.toml"
    path.write_text(CONFIGURATION.format(extra=extra), encoding="utf-8")
    return path
