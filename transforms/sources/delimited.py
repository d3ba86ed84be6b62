"""Source `csv` (also `.tsv`): one document per row; `fields` maps document fields to columns.

Rows are parsed here instead of by the module `csv`, whose limit of the field size applies to the
whole process. A table without the text column is one reject for the file.
"""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, BinaryIO

from pydantic import Field

from transforms.clean_text import clean_text
from transforms.sources.columns import FIELDS, ColumnsSeen, asked_columns, field_columns
from transforms.sources.dates import parse_date
from transforms.sources.declared import codec_of
from transforms.sources.decoding import decode_plain
from transforms.sources.kept import kept_text
from transforms.sources.kind import InputRate, SourceKind
from transforms.sources.options import NO_FIELDS, FieldsOption, KeepColumnsOption
from transforms.sources.records import RawDocument, RawReject, Record

MAX_FIELD_CHARACTERS = 16 << 20
# As a multiple of the maximum field size.
_MAX_SKIPPED = 4
_BUFFER_BYTES = 1 << 20
_DELIMITERS = ",\t;|"
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_SECONDS = re.compile(r"\d{9,10}(\.\d+)?")
# The result of `surrogateescape` for a byte that cannot be decoded.
_BAD = re.compile("[\udc80-\udcff]")
_BOMS = (
    *(
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
    ),
    *((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")),
)


class _BadRow(ValueError):
    """A row that cannot be read; reading continues with the next one."""

    def __init__(self, rule: str, detail: str):
        super().__init__(detail)
        self.rule = rule


def read_csv(
    stream: BinaryIO,
    *,
    fields: FieldsOption = NO_FIELDS,
    keep_columns: KeepColumnsOption = (),
    delimiter: Annotated[
        str | None,
        Field(
            pattern=r'^[^"\r\n]$',
            description="the character between fields; the header line tells when not set",
        ),
    ] = None,
    max_field: int = MAX_FIELD_CHARACTERS,
    columns: ColumnsSeen | None = None,
) -> Iterator[Record]:
    """Read a CSV file with a header line -> one document or reject per row.

    Quoting follows RFC 4180, so a field may contain line breaks. The delimiter is `delimiter` if
    given, otherwise that of a first line `sep=;` (as Excel writes it), otherwise the most frequent
    of `, tab ; |` in the header. The locator is the row number, from 1, without header and blank
    lines. A bad row is rejected; an unclosed quote also drops the text it encloses, at most a few
    times `max_field` characters.
    """
    buffered = io.BufferedReader(stream, _BUFFER_BYTES)  # type: ignore[type-var]
    text = io.TextIOWrapper(
        buffered,
        encoding=_encoding(buffered.peek(_BUFFER_BYTES)),
        errors="surrogateescape",
        newline="",
    )
    try:
        yield from _read_rows(
            _Lines(text, max_field), fields, keep_columns, delimiter, columns or ColumnsSeen()
        )
    finally:
        text.detach()
        buffered.detach()


def csv_header(
    stream: BinaryIO, *, fields: FieldsOption, delimiter: str | None = None, **_: object
) -> list[str]:
    """The column names in the header of a CSV file. Raises ValueError if it cannot be read."""
    buffered = io.BufferedReader(stream, _BUFFER_BYTES)  # type: ignore[type-var]
    text = io.TextIOWrapper(
        buffered,
        encoding=_encoding(buffered.peek(_BUFFER_BYTES)),
        errors="surrogateescape",
        newline="",
    )
    try:
        return _open_table(_Lines(text, MAX_FIELD_CHARACTERS), delimiter)[1]
    finally:
        text.detach()
        buffered.detach()


def _encoding(head: bytes) -> str:
    """Determine the codec of a file from its first bytes.

    In order: byte-order mark, UTF-16 without one, UTF-8 if valid, and detection as for plain text.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if bare := _bare_utf16(head):
        return bare
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return codec_of(decode_plain(head).encoding)
    return codec_of(decode_plain(head).encoding) if b"\x1b$" in head else "utf-8"


def _bare_utf16(head: bytes) -> str | None:
    """The codec of UTF-16 without a byte-order mark, or None.

    Delimiters and column names are mostly ASCII, so the positions of the zero bytes in the first
    line show the byte order. Where they do not, the detection for plain text decides.
    """
    line = re.match(rb"(?:[^\n]|\n(?!\0))*?(?:\0\n|\n\0)", head[:1024])
    start = line[0] if line else head[:1024]
    even, odd = (start[first::2].count(0) for first in (0, 1))
    if max(even, odd) * 4 > len(start) and min(even, odd) * 16 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    codec = codec_of(decode_plain(head).encoding) if line and not min(even, odd) else ""
    return codec if codec.startswith("utf-16") else None


class _Lines:
    """The lines of a text, each of at most `limit` characters.

    A longer line raises _BadRow, and its rest is skipped.
    """

    def __init__(self, text: io.TextIOWrapper, limit: int):
        self._text = text
        self.limit = limit
        self._ahead: str | None = None
        self.in_quotes = False

    def __next__(self) -> str:
        line = part = self._readline() if self._ahead is None else self._ahead
        self._ahead = None
        if not line:
            raise StopIteration
        while len(part) == self.limit and not part.endswith(("\n", "\r")):
            part = self._readline()
        if part is not line:
            raise _BadRow("csv/too-large", f"the line has more than {self.limit:,} characters")
        return line

    def peek(self) -> str:
        """The next line, without consuming it."""
        self._ahead = self._readline()
        return self._ahead

    def leave_quotes(self) -> None:
        """Skip the rest of a quoted field.

        Stops where the closing quote is too far away to belong to the field.
        """
        left = _MAX_SKIPPED * self.limit
        while self.in_quotes and left > 0 and (part := self._readline()):
            left -= len(part)

    def _readline(self) -> str:
        line = self._text.readline(self.limit)
        self.in_quotes ^= line.count('"') % 2 == 1
        return line


class _Rows:
    """The rows of a delimited text as the module `csv` yields them with `strict`.

    A blank line is an empty row. A quote is special only at the start of a field. Raises _BadRow
    for a row that cannot be read; the next call continues with the next line.
    """

    def __init__(self, lines: _Lines, delimiter: str):
        self._lines = lines
        self._delimiter = delimiter

    def __next__(self) -> list[str]:
        line, delimiter = next(self._lines), self._delimiter
        if '"' not in line:
            body = line.rstrip("\r\n")
            return body.split(delimiter) if body.strip(" ") else []
        row: list[str] = []
        position = 0
        while True:
            if line.startswith('"', position):
                value, line, position = self._quoted(line, position + 1)
                row.append(value)
                if not line[position:].rstrip("\r\n"):
                    return row
                if not line.startswith(delimiter, position):
                    raise _BadRow(
                        "csv/bad-quotes",
                        f"{line[position]!r} follows a closing quote, in place of {delimiter!r}",
                    )
                position += 1
                continue
            end = line.find(delimiter, position)
            if end < 0:
                row.append(line[position:].rstrip("\r\n"))
                return row
            row.append(line[position:end])
            position = end + 1

    def _quoted(self, line: str, position: int) -> tuple[str, str, int]:
        """Read the quoted field that starts at `position` -> (value, its last line, end there)."""
        parts: list[str] = []
        size = 0
        while True:
            end = line.find('"', position)
            if end < 0:
                parts.append(line[position:])
                size += len(line) - position
                if size > self._lines.limit:
                    raise _BadRow(
                        "csv/too-large", f"the field has more than {self._lines.limit:,} characters"
                    )
                try:
                    line, position = next(self._lines), 0
                except StopIteration:
                    raise _BadRow("csv/bad-quotes", "the file ends inside quotes") from None
            elif line.startswith('""', end):
                parts.append(line[position : end + 1])
                position = end + 2
            else:
                parts.append(line[position:end])
                return "".join(parts), line, end + 1


def _open_table(lines: _Lines, delimiter: str | None) -> tuple[_Rows, list[str]]:
    """Read the header -> (further rows, column names). Raises ValueError if it cannot be read."""
    first = lines.peek()
    if separator := _SEPARATOR_LINE.fullmatch(first):
        next(lines)
        delimiter = delimiter or separator[1]
        first = lines.peek()
    rows = _Rows(lines, delimiter or max(_DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count))
    while True:
        try:
            header = next(rows)
        except StopIteration:
            return rows, []
        if header:
            return rows, [name.strip() for name in header]


@dataclass(frozen=True)
class _Table:
    """Column positions in a table: of each document field (None if absent) and of kept columns."""

    width: int
    fields: dict[str, int | None]
    kept: dict[str, int]

    @property
    def text(self) -> int:
        position = self.fields["text"]
        assert position is not None
        return position


def _read_rows(
    lines: _Lines,
    fields: FieldsOption,
    keep_columns: Sequence[str],
    delimiter: str | None,
    seen: ColumnsSeen,
) -> Iterator[Record]:
    try:
        rows, header = _open_table(lines, delimiter)
    except UnicodeError as error:
        yield RawReject("header", "csv/undecodable", detail=str(error))
        return
    except _BadRow as error:
        yield RawReject("header", "csv/bad-header", detail=str(error))
        return
    requested = asked_columns(fields, keep_columns)
    times = Counter(header)
    file = seen.file(requested)
    file.add_table(times, header)
    file.close()
    shown = ", ".join(header[:20]) or "nothing"
    if "\0" in shown:
        yield RawReject(
            "header", "csv/bad-header", detail="NUL characters in the header: the file is no text"
        )
        return
    if repeated := [name for name in requested if times[name] > 1]:
        yield RawReject(
            "header",
            "csv/bad-header",
            detail=f"{times[repeated[0]]} columns {repeated[0]!r} in the header: {shown}",
        )
        return
    names = field_columns(fields)
    if not times[names["text"]]:
        yield RawReject(
            "header",
            "csv/missing-text",
            detail=f"no column {names['text']!r} in the header: {shown}",
        )
        return
    table = _Table(
        width=len(header),
        fields={
            field: header.index(name) if times[name] == 1 else None for field, name in names.items()
        },
        kept={name: header.index(name) for name in keep_columns if times[name]},
    )
    number, too_large = 0, False
    while True:
        try:
            if too_large:
                lines.leave_quotes()
            lines.in_quotes, too_large = False, False
            row = next(rows)
        except StopIteration:
            return
        except UnicodeError as error:
            # In UTF-16 and the like, one bad byte leaves no position at which to continue.
            yield RawReject(f"{number + 1}+", "csv/undecodable", detail=str(error))
            return
        except _BadRow as error:
            number += 1
            too_large = error.rule == "csv/too-large"
            yield RawReject(str(number), error.rule, detail=str(error))
            continue
        if row:
            number += 1
            yield _read_row(row, str(number), table)


def _read_row(row: list[str], locator: str, table: _Table) -> Record:
    if len(row) != table.width:
        detail = f"{len(row)} fields, the header has {table.width}"
        return RawReject(locator, "csv/wrong-width", detail=detail, excerpt=" ".join(row)[:1000])
    if any(map(_BAD.search, row)):
        detail = "bytes that are not of the file's encoding in the row"
        return RawReject(locator, "csv/undecodable", detail=detail, excerpt=" ".join(row)[:1000])
    text = clean_text(row[table.text])
    if not text:
        return RawReject(locator, "extract/empty", "extract", detail="the text field is empty")
    url, title, published = (
        row[position] if (position := table.fields[field]) is not None else None
        for field in FIELDS[1:]
    )
    moment = float(published) if published and _SECONDS.fullmatch(published.strip()) else published
    kept = (
        kept_text({name: row[position] for name, position in table.kept.items()})
        if table.kept
        else None
    )
    return RawDocument(
        locator, text, url=url or None, title=title or None, published=parse_date(moment), kept=kept
    )


CSV = SourceKind(
    name="csv",
    read=read_csv,
    locator="number of the row, from 1",
    suffixes=(".csv", ".tsv", ".tab"),
    header=csv_header,
    rates={False: InputRate(bytes_per_second=3.8e6, text=0.93, parts=0.44)},
)
