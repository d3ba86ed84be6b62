"""Resolve Common Crawl names to the paths of their files: `cc:CC-MAIN-2024-22/warc[0:4]`.

Layout: https://commoncrawl.org/get-started. The paths of a crawl are listed in
`crawl-data/CRAWL/warc.paths.gz` (or `wet.paths.gz`), those of a month of news in
`crawl-data/CC-NEWS/YEAR/MONTH/warc.paths.gz`. Each line is a path relative to the same root.
"""

import re
import zlib
from typing import NamedTuple

from transforms import storage
from transforms.errors import ConfigError

PREFIX = "cc:"
BASE = "https://data.commoncrawl.org/"
_NAME = re.compile(
    r"cc:(CC-MAIN-\d{4}-\d{2}|CC-NEWS/\d{4}/(?:0[1-9]|1[0-2]))/(warc|wet)(?:\[([^\[\]]*)\])?"
)
_SLICE = re.compile(r"\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?)?")
_FORM = '"cc:CC-MAIN-2024-22/warc[0:4]", ".../wet[3]" or "cc:CC-NEWS/2024/05/warc"'


class CrawlName(NamedTuple):
    """A crawl, the kind of its files, and an index or slice of the published list."""

    crawl: str
    kind: str
    chosen: slice | int

    @property
    def listing(self) -> str:
        """Path of the list, relative to the root of Common Crawl."""
        return f"crawl-data/{self.crawl}/{self.kind}.paths.gz"


def is_crawl_name(path: str) -> bool:
    return path.startswith(PREFIX)


def parse_crawl_name(name: str) -> CrawlName:
    """Parse a name. Raises ValueError with the expected form."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} names no files of Common Crawl; the form is {_FORM}")
    crawl, kind, written = match.groups()
    if crawl.startswith("CC-NEWS") and kind != "warc":
        raise ValueError(f"{name!r}: CC-NEWS has warc files only")
    return CrawlName(
        crawl, kind, slice(None) if written is None else _parse_selection(name, written)
    )


def _parse_selection(name: str, written: str) -> slice | int:
    """Parse an index or slice as Python writes it: `0:4`, `3`, `-2:`, `::100`."""
    match = _SLICE.fullmatch(written)
    if match is None or not written.strip():
        raise ValueError(
            f"{name!r}: [{written}] is neither an index nor a slice such as [3], [0:4] or [::100]"
        )
    if ":" not in written:
        return int(written)
    first, last, step = (int(part) if part else None for part in match.groups())
    if step is not None and step < 1:
        raise ValueError(f"{name!r}: the step must be at least 1")
    return slice(first, last, step)


def crawl_paths(name: str, *, base: str) -> list[str]:
    """The paths that a name stands for, relative to `base`, a URL or a folder.

    Raises ConfigError if the list does not exist or is damaged, or if no path is selected.
    """
    wanted = parse_crawl_name(name)
    listing = storage.join(base, wanted.listing)
    try:
        with storage.open_decompressed(listing) as stream:
            paths = stream.read().decode("utf-8").split()
    except FileNotFoundError as error:
        remedy = "check the name of the crawl: https://index.commoncrawl.org lists them"
        raise ConfigError(
            f"there is no list of paths for {name!r}", where=listing, remedy=remedy
        ) from error
    except (EOFError, UnicodeDecodeError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ConfigError(
            f"the list of paths is damaged: {error}", where=listing, remedy="check `common_crawl`"
        ) from error
    try:
        chosen = [paths[wanted.chosen]] if isinstance(wanted.chosen, int) else paths[wanted.chosen]
    except IndexError:
        chosen = []
    if not chosen:
        raise ConfigError(
            f"{name!r} chooses no file: the list has {len(paths)}",
            where=listing,
            remedy="choose from 0 on",
        )
    return chosen
