"""Front matter of Markdown files, in YAML (`---`), TOML (`+++`) or JSON (`{`), as plain values."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from transforms.sources.feed_dates import feed_date
from transforms.sources.html_files import absolute_url
from transforms.sources.metadata import primary_subtag

_MAX_CHARACTERS = 1 << 17
_YAML = re.compile(r"---[ \t]*\n(.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?\n)??\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_PANDOC = re.compile(
    r"%[ \t]+(\S.*(?:\n[ \t]+\S.*)*)(?:\n%(.*(?:\n[ \t]+\S.*)*))?(?:\n%[ \t]*(\S.*))?(?:\n|\Z)"
)
_PAIR = re.compile(r"([A-Za-z_][\w .-]{0,60}?)[ \t]*:(?:[ \t]+(.*))?")
_TITLES = ("title",)
_DATES = (
    "date",
    "published",
    "publishdate",
    "pubdate",
    "date_published",
    "published_at",
    "created",
    "created_at",
    "issued",
)
_LANGUAGES = ("lang", "language", "locale")
_URLS = ("canonical", "canonical_url", "canonicalurl", "url", "permalink", "original_url", "link")


class FrontMatter(NamedTuple):
    """Metadata of a Markdown file.

    `end` is where the text begins. `published` is in seconds since 1970 in UTC, `language` a
    primary subtag, `url` absolute.
    """

    end: int = 0
    title: str | None = None
    published: int | None = None
    language: str | None = None
    url: str | None = None


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a Markdown file with `\\n` line ends; empty if it has none.

    YAML is read without anchors and aliases, all values as strings (`lang: no` is Norwegian). If it
    is malformed, its lines `key: value` are used. Front matter of more than 131,072 characters is
    ignored.
    """
    head = text[:_MAX_CHARACTERS]
    if match := _YAML.match(head):
        values = _read_yaml(match[1] or "")
    elif match := _TOML.match(head):
        values = _read_toml(match[1] or "")
    elif head.startswith("{"):
        return _read_json(head)
    elif match := _PANDOC.match(head):
        values = {"title": match[1], "date": match[3]}
    else:
        return FrontMatter()
    return _metadata(values, match.end()) if values is not None else FrontMatter()


def _metadata(values: Mapping[str, Any], end: int) -> FrontMatter:
    plain = {
        key.strip().lower().replace("-", "_").replace(" ", "_"): value
        for key, value in values.items()
        if isinstance(key, str)
    }

    def strings(names: tuple[str, ...]) -> list[str]:
        values = (plain.get(name) for name in names)
        return [
            " ".join(str(value).split())
            for value in values
            if value is not None and not isinstance(value, dict | list | bool)
        ]

    return FrontMatter(
        end,
        next(filter(None, strings(_TITLES)), None),
        next((date for each in strings(_DATES) if (date := feed_date(each)) is not None), None),
        next(filter(None, map(primary_subtag, strings(_LANGUAGES))), None),
        next(filter(None, map(absolute_url, strings(_URLS))), None),
    )


class _Loader(yaml.BaseLoader):
    """Loads strings, lists and mappings; rejects aliases, which could expand to any size."""

    def compose_node(self, parent: yaml.nodes.Node | None, index: Any) -> yaml.nodes.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def _read_yaml(block: str) -> Mapping[str, Any] | None:
    """Parse YAML; None if it is not a mapping, such as text between two horizontal rules."""
    if not block.strip():
        return {}
    try:
        values = yaml.load(block, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _read_pairs(block)
    if isinstance(values, dict):
        return values
    return {} if values is None else None


def _read_pairs(block: str) -> Mapping[str, Any] | None:
    """Parse lines `key: value` that are not valid YAML, such as `title: A: B`.

    None if the block does not begin with such a line.
    """
    lines = [line for line in block.split("\n") if line.strip() and not line.startswith("#")]
    pairs = [match for line in lines if (match := _PAIR.fullmatch(line.rstrip()))]
    if (
        not pairs
        or not _PAIR.fullmatch(lines[0].rstrip())
        or 2 * len(pairs) < sum(not line[0].isspace() and line[0] != "-" for line in lines)
    ):
        return None
    values: dict[str, Any] = {}
    for match in pairs:
        value = (match[2] or "").strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values.setdefault(match[1], value)
    return values


def _read_toml(block: str) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(block)
    except (ValueError, RecursionError):
        pairs = _read_pairs(re.sub(r"^([\w-]+)[ \t]*=", r"\1:", block, flags=re.MULTILINE))
        return pairs if pairs is not None else None


def _read_json(head: str) -> FrontMatter:
    try:
        values, end = json.JSONDecoder(strict=False).raw_decode(head)
    except (ValueError, RecursionError):
        return FrontMatter()
    rest = re.compile(r"[ \t]*(?:\n|\Z)").match(head, end)
    if not isinstance(values, dict) or not values or rest is None:
        return FrontMatter()
    return _metadata(values, rest.end())
