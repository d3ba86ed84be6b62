"""A configuration with a source of every kind, in every packing, and filters that edit texts."""

import json
from pathlib import Path

from tests.fuzz.seeds import PROSE, SEEDS

_HEAD = """\
seed = 5
folder = "run"
max_error_rate = 1.0
{signals}

[tokenizer]
vocabulary = 600

[shards]
sequence_length = 96
validation = 0.1

[dedup]
enabled = false
"""
_EDITING = """
[sources.edited]
kind = "jsonl"
paths = ["edited/*.jsonl"]
quality = ["pii", "encoding-noise", "line-rules", { name = "language-paragraphs", at_least = 40 }, "c4-tfds"]
"""


def write_every_kind(folder: Path, *, data: Path | None = None, signals: bool = False) -> Path:
    """Writes the input, with the odd files of the real data if its folder is given; returns the configuration."""
    text = _HEAD.format(signals="signals = true" if signals else "")
    for kind, seeds in SEEDS.items():
        (folder / kind).mkdir(parents=True)
        for number, (extension, make) in enumerate(seeds):
            (folder / kind / f"{number}{extension}").write_bytes(make())
        text += f'\n[sources.{kind}]\nkind = "{kind}"\npaths = ["{kind}/*"]\n'
        if kind == "jsonl":
            text += 'fields = { published = "date" }\n'
        if kind in ("jsonl", "csv", "parquet", "arrow"):
            text += 'keep_columns = ["title"]\n'
    (folder / "edited").mkdir()
    (folder / "edited" / "a.jsonl").write_text(
        "".join(json.dumps({"text": _edited(number)}) + "\n" for number in range(12))
    )
    text += _EDITING
    if data is not None:
        text += f"""
[sources.odd]
kind = "warc"
paths = ["{data}/edge/*.warc", "{data}/edge/*.warc.gz", "{data}/edge/*.lz4"]
[sources.odd_wet]
kind = "wet"
paths = ["{data}/edge/*.wet.gz"]
[sources.odd_book]
kind = "epub"
paths = ["{data}/books/*.epub"]
[sources.odd_page]
kind = "html"
paths = ["{data}/books/*.htm.gz"]
"""
    path = folder / "tokenmill.toml"
    path.write_text(text)
    return path


def _edited(number: int) -> str:
    """Prose with an address, mojibake, an odd character, a line that goes, and a paragraph of another language."""
    return "\n".join(
        [
            f"Ask jane.{number}@example.org for the keys of the mill by the river, which is open every day of the week but one.",
            f"{PROSE[0]} It was the flood number {number} of that year, and not the largest one that anybody could remember.",
            "The cafÃ© on the bridge stayed dry\u200b, as it had done in every other year of which there is any record here.",
            "3 likes",
            PROSE[2],
            f"{PROSE[1]} That is what they said in the market, at least, where number {number} has been told more than once.",
        ]
    )
