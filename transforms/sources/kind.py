"""A kind of source: its reader, and everything that the rest of the project needs to know of it.

The module of a reader ends with its `SourceKind`; `transforms.sources.registry` imports it in one
line.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from transforms.sources.file_head import FileHead
from transforms.sources.options import SourceOption, reader_options
from transforms.sources.records import Record

Reader = Callable[..., Iterator[Record]]
COMPRESSIONS = (".gz", ".bz2", ".zst")
"""Suffixes of compressed files that `transforms.storage.open_decompressed` reads."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Which files of a kind can be read in byte ranges, each by a different worker.

    A record belongs to the range that it begins in.

    of                 what begins in a range: "line", "row group"
    files              description of these files for users: "warc.gz"
    suffixes           suffixes of these files; all files if empty
    except_suffixes    suffixes of files that are nevertheless read whole
    start_at_locators  a record's locator begins with its byte offset, so that a range that starts
                       there reads this record alone
    """

    of: str
    files: str
    suffixes: tuple[str, ...] = ()
    except_suffixes: tuple[str, ...] = ()
    start_at_locators: bool = False

    def include(self, path: str) -> bool:
        return (not self.suffixes or path.endswith(self.suffixes)) and not path.endswith(
            self.except_suffixes
        )


@dataclass(frozen=True, kw_only=True)
class InputRate:
    """The measured speed and output of reading a kind, with language identification, unfiltered.

    `bytes_per_second`: input bytes per second and core. `text`, `parts`, `rejects`: bytes of text,
    part files and reject files per input byte. Source: `tests/bench/plan_rates.py`.
    """

    bytes_per_second: float
    text: float
    parts: float
    rejects: float = 0.001


@dataclass(frozen=True, kw_only=True)
class SourceKind:
    """A kind of source.

    name            `kind` in the configuration, such as "jsonl"
    read            generator function: a binary stream and options as keywords -> documents and
                    rejects in file order. It catches errors of single records and yields rejects.
                    Its options are the keywords with a description (`transforms.sources.options`).
                    If it has the keywords `start` and `end`, `screen`, `passed_over` or `columns`,
                    it gets a byte range, a `Screen`, a Counter of skipped records by type, and
                    `ColumnsSeen`
    locator         what a record's locator counts, for `tokenmill explain`; empty if a file is one
                    record, `0`
    suffixes        lowercase file suffixes without those of compression; a folder stands for the
                    files with one of them. All files if empty
    compressions    suffixes of compressed files that may follow a suffix
    name_pattern    names of files that are of this kind whatever their suffix is
    begins          whether a file with these first bytes is of this kind, for kind `auto`
    decompresses    `read` gets the bytes of the file unchanged; otherwise they are decompressed by
                    the file's suffix
    ranges          which files can be read in byte ranges; None if all are read whole
    header          of tables: a stream and the options -> the column names, from the header alone
    rates           measured rates by whether the files are compressed; empty if not measured
    books           files are books: presets of filters omit rules for web pages
    mixed           files have records of several types, and a record that is not text is a reject
                    of stage `extract`, not `read`
    check           takes the options as keywords; raises ValueError for incompatible values
    plugin          registered by a user's plugin: keywords of `read` that are not in
                    `table_options` are set in the source's table `options`
    table_options   of a plugin: options of the project's kinds that `read` also takes
    """

    name: str
    read: Reader
    locator: str = ""
    suffixes: tuple[str, ...] = ()
    compressions: tuple[str, ...] = COMPRESSIONS
    name_pattern: re.Pattern[str] | None = None
    begins: Callable[[FileHead], bool] | None = None
    decompresses: bool = False
    ranges: Ranges | None = None
    header: Callable[..., list[str]] | None = None
    rates: Mapping[bool, InputRate] = field(default_factory=dict)
    books: bool = False
    mixed: bool = False
    check: Callable[..., None] | None = None
    plugin: bool = False
    table_options: Mapping[str, SourceOption] = field(default_factory=dict)

    @functools.cached_property
    def options(self) -> Mapping[str, SourceOption]:
        """The keys of a source's table that are options of the reader."""
        return self.table_options if self.plugin else reader_options(self.read)

    def plugin_options(self) -> dict[str, inspect.Parameter]:
        """A plugin's keyword-only parameters that are set in the source's table `options`."""
        if not self.plugin:
            return {}
        return {name: item for name, item in self._keywords.items() if name not in self.options}

    def takes(self, keyword: str) -> bool:
        """Whether the reader has a keyword such as `screen`; always false for plugins."""
        return not self.plugin and keyword in self._keywords

    @property
    def has_columns(self) -> bool:
        return self.takes("columns")

    @functools.cached_property
    def _keywords(self) -> dict[str, inspect.Parameter]:
        parameters = inspect.signature(self.read).parameters
        return {
            name: item
            for name, item in parameters.items()
            if item.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def can_split(self, path: str) -> bool:
        """Whether a file can be read in byte ranges."""
        return self.ranges is not None and self.ranges.include(path)

    def starts_at_locators(self, path: str) -> bool:
        """Whether one record of a file can be read without those before it."""
        return (
            self.ranges is not None and self.ranges.start_at_locators and self.ranges.include(path)
        )
