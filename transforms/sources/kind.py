"""What a kind of source is: its reader, and everything that the rest of the project asks about it.

The module of a reader ends with its `SourceKind`; one line of `transforms.sources.registry` imports it.
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
"""Ends of file names that `transforms.storage.open_decompressed` knows."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Which files of a kind can be read in ranges of bytes, each by another worker: a record belongs to the range that it begins in.

    of                 what begins in a range: "line", "row group"
    files              how users are told which files these are: "warc.gz"
    suffixes           ends of the names of such files; all names if empty
    except_suffixes    ends of the names of files that are read whole all the same
    start_at_locators  a record's locator begins with the byte that it begins at, so that a range of that byte reads it alone
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
    """What reading a kind costs and gives, measured with language identification and without filters (`tests/bench/plan_rates.py`).

    `bytes_per_second`: bytes of input that one core reads. `text`, `parts`, `rejects`: bytes of text, of part files and of reject files
    for each byte of input.
    """

    bytes_per_second: float
    text: float
    parts: float
    rejects: float = 0.001


@dataclass(frozen=True, kw_only=True)
class SourceKind:
    """A kind of source.

    name            in the configuration, `kind = "jsonl"`
    read            generator function: a binary stream and options as keywords -> documents and rejects in file order. It catches what
                    can be wrong with one record and yields a reject. Its options are the keywords with a description
                    (`transforms.sources.options`). If it has the keywords `start` and `end`, `screen`, `passed_over` or `columns`,
                    it is given a range of bytes, a `Screen`, a Counter of records that are no documents by their type, and `ColumnsSeen`
    locator         what a record's locator counts, for `tokenmill explain`; empty where a file is one record, `0`
    suffixes        ends of file names, lowercase, without that of a compression; a folder stands for the files that have one. Every
                    name if empty
    compressions    ends of compressed files that may follow a suffix
    name_pattern    names of files that are of this kind whatever their suffix says
    begins          whether a file with these first bytes is of this kind, for sources of kind `auto`
    decompresses    `read` is given the bytes as they lie in the file; else they are decompressed by the file's name
    ranges          which files can be read in ranges of bytes; None: all are read whole
    header          of tables: a stream and the options -> the names of its columns, from its header alone
    rates           measured rates by whether the files are compressed; none where there was no real data to measure
    books           files are books: presets of filters leave out rules for web pages
    mixed           files hold records of several types, and a record that is no text is a reject of stage `extract`, not `read`
    check           takes the options as keywords; raises ValueError for values that do not go together
    plugin          registered by a user's plugin: keywords of `read` that are not in `table_options` stand in the source's table
                    `options`
    table_options   of a plugin: options of the project's kinds that `read` takes too
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
        """The keys of a source's table that the reader takes."""
        return self.table_options if self.plugin else reader_options(self.read)

    def plugin_options(self) -> dict[str, inspect.Parameter]:
        """A plugin's keyword-only parameters that stand in the source's table `options`."""
        if not self.plugin:
            return {}
        return {name: item for name, item in self._keywords.items() if name not in self.options}

    def takes(self, keyword: str) -> bool:
        """Whether the reader of one of the project's kinds has a keyword such as `screen`."""
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
        """Whether a file can be read in ranges of bytes."""
        return self.ranges is not None and self.ranges.include(path)

    def starts_at_locators(self, path: str) -> bool:
        """Whether one record of a file can be read without those before it."""
        return (
            self.ranges is not None and self.ranges.start_at_locators and self.ranges.include(path)
        )
