"""The text of the sample as it lies in the package: entries of header lines, a title and paragraphs.

@ KEY [DATE]            an entry begins; the key is a URL or the id of a news item
: NAME VALUE            how it is laid out, or what must become of it
# Title

Paragraphs, parted by blank lines; `## ` opens a heading, `- ` a list item.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One page, news item or story. `settings` are its header lines; `blocks` its paragraphs, headings and list items."""

    key: str
    language: str = "en"
    date: str = ""
    title: str = ""
    blocks: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


def read_resource(*names: str) -> str:
    """Text of a file in this package."""
    return files(__package__).joinpath(*names).read_text(encoding="utf-8")


def read_table(*names: str) -> dict[str, Any]:
    """A TOML file in this package."""
    return tomllib.loads(read_resource(*names))


def list_resources(folder: str, suffix: str) -> list[str]:
    """Names of the package's files in a folder, sorted."""
    return sorted(
        entry.name
        for entry in files(__package__).joinpath(folder).iterdir()
        if entry.name.endswith(suffix)
    )


def split_blocks(text: str) -> tuple[str, ...]:
    """Text -> its blocks: lines of a paragraph joined by spaces, every heading and list item by itself."""
    blocks: list[str] = []
    joins = False
    for line in (line.strip() for line in text.splitlines()):
        starts = line.startswith(("## ", "- "))
        if line and joins and not starts:
            blocks[-1] += " " + line
        elif line:
            blocks.append(line)
        joins = bool(line) and not line.startswith("## ")
    return tuple(blocks)


def parse_entries(text: str, *, language: str = "en") -> list[Entry]:
    """A file of entries -> the entries, in order."""
    entries = []
    for chunk in ("\n" + text).split("\n@ ")[1:]:
        first, _, rest = chunk.partition("\n")
        key, _, date = first.strip().partition(" ")
        lines = rest.split("\n")
        settings = {}
        while lines and lines[0].startswith(": "):
            name, _, value = lines.pop(0)[2:].partition(" ")
            settings[name] = value
        title = lines.pop(0)[2:].strip() if lines and lines[0].startswith("# ") else ""
        entries.append(
            Entry(
                key=key,
                language=language,
                date=date,
                title=title,
                blocks=split_blocks("\n".join(lines)),
                settings=settings,
            )
        )
    return entries


def edit_blocks(
    blocks: tuple[str, ...],
    *,
    edits: Iterable[list[str]] = (),
    keep_paragraphs: int | None = None,
    rest: str = "",
) -> tuple[str, ...]:
    """Blocks with sentences replaced, or with everything after the first `keep_paragraphs` replaced by `rest`.

    Raises ValueError if a sentence to be replaced does not occur exactly once.
    """
    edited = list(blocks[:keep_paragraphs])
    for old, new in edits:
        hits = [index for index, block in enumerate(edited) if old in block]
        if len(hits) != 1:
            raise ValueError(f"{old!r} occurs in {len(hits)} blocks")
        edited[hits[0]] = edited[hits[0]].replace(old, new)
    return (*edited, *split_blocks(rest))


def derive(base: Entry, variant: dict[str, Any], *, key: str) -> Entry:
    """The copy of an entry that a `[[variant]]` table describes. It inherits the layout and no expectation."""
    blocks = edit_blocks(
        base.blocks,
        edits=variant.get("edits", ()),
        keep_paragraphs=variant.get("keep_paragraphs"),
        rest=variant.get("rest", ""),
    )
    settings = dict(base.settings)
    settings.update({name: variant[name] for name in ("template", "charset") if name in variant})
    return replace(base, key=key, blocks=blocks, settings=settings)
