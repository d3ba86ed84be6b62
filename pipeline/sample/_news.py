"""The news source: items as JSON Lines, one file a year, with broken lines among them."""

import json
from dataclasses import replace
from typing import Any

import zstandard

from pipeline.sample._gzip import write_member
from pipeline.sample._labels import Label, add_note, mark_group
from pipeline.sample._source import Entry, derive, parse_entries, read_resource, read_table

FILES = {"2023": "news/2023.jsonl.gz", "2024": "news/2024.jsonl.zst"}
_BROKEN_EVERY = 9


def read_items() -> list[Entry]:
    """The items as they were written."""
    return parse_entries(read_resource("news.txt"))


def _text(item: Entry) -> str:
    return "\n\n".join(item.blocks)


def _respace(text: str) -> str:
    """The same words with other white space."""
    return "  " + text.replace(". ", ".\n\n").replace(", ", ",  ") + "\n"


def _recase(text: str) -> str:
    """The same words with the first sentence in capitals, as agencies send them."""
    first, stop, rest = text.partition(". ")
    return first.upper() + stop + rest


def read_variants(items: list[Entry]) -> list[tuple[str, str, Entry]]:
    """(group, id of the base, the item made from it) for each entry of `news.toml`."""
    known = {item.key: item for item in items}
    variants = []
    for table in read_table("news.toml")["variant"]:
        item = derive(known[table["base"]], table, key=table["id"])
        for name, change in (("whitespace", _respace), ("letter_case", _recase)):
            if table.get(name):
                item = Entry(
                    key=item.key, date=item.date, title=item.title, blocks=(change(_text(item)),)
                )
        variants.append((table["group"], table["base"], item))
    return variants


def _line(item: Entry) -> str:
    return json.dumps(
        {"id": item.key, "headline": item.title, "date": item.date, "body": _text(item)},
        ensure_ascii=False,
    )


def _broken_label(table: dict[str, Any], *, file: str, line: int) -> Label:
    key = f"{file.rpartition('/')[2]}:{line}"
    language = None
    if table["rule"] != "jsonl/not-json":
        record = json.loads(table["line"])
        key = record["id"]
        language = "en" if isinstance(record.get("body"), str) else None
    return Label(
        source="news",
        key=key,
        file=file,
        position=line,
        language=language,
        outcome="rejected",
        rule=table["rule"],
        note=table["note"],
    )


def _offset(lines: list[str], number: int | None) -> int | None:
    """The byte offset of a line, given by its number from 1."""
    return None if number is None else sum(len(line.encode()) + 1 for line in lines[: number - 1])


def lay_out_news() -> tuple[dict[str, bytes], list[Label]]:
    """-> (file name -> bytes, labels). Copies go to the later file, broken lines between its items."""
    items = read_items()
    variants = read_variants(items)
    lines: dict[str, list[str]] = {file: [] for file in FILES.values()}
    labels = []

    def add(item: Entry, file: str) -> None:
        lines[file].append(_line(item))
        labels.append(
            Label(source="news", key=item.key, file=file, position=len(lines[file]), language="en")
        )

    broken = list(read_table("news.toml")["broken"])
    for item in items:
        file = FILES[item.date[:4]]
        add(item, file)
        if file == FILES["2024"] and broken and len(lines[file]) % _BROKEN_EVERY == 0:
            table = broken.pop(0)
            lines[file].append(table["line"])
            labels.append(_broken_label(table, file=file, line=len(lines[file])))
    for _, _, item in variants:
        add(item, FILES["2024"])
    for table in broken:
        lines[FILES["2024"]].append(table["line"])
        labels.append(_broken_label(table, file=FILES["2024"], line=len(lines[FILES["2024"]])))

    for group, base, item in variants:
        pair = [base, item.key]
        if group == "near-miss":
            labels = add_note(
                labels, keys=pair, note=f"near miss: {base} and {item.key} begin alike, both stay"
            )
        else:
            keeper = max(
                (base, item.key),
                key={entry.key: len(_text(entry)) for entry in [*items, item]}.__getitem__,
            )
            labels = mark_group(
                labels, group=group, keys=pair, keeper=keeper if group == "near" else None
            )
    labels = [
        replace(label, position=_offset(lines[label.file], label.position)) for label in labels
    ]
    texts = {file: ("\n".join(rows) + "\n").encode() for file, rows in lines.items()}
    compress = {".gz": write_member, ".zst": zstandard.ZstdCompressor().compress}
    return {file: compress[file[file.rindex(".") :]](data) for file, data in texts.items()}, labels
