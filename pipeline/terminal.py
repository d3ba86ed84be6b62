"""What all commands print with: sections, tables of figures, paths."""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

BAR_WIDTH = 40
"""Characters of the longest bar of a histogram."""


class Section(NamedTuple):
    """A heading and what stands below it: a table, or a line of text."""

    heading: str
    body: Table | str


def print_sections(console: Console, sections: Iterable[Section]) -> None:
    """Prints each heading and what stands below it."""
    for heading, body in sections:
        # A table's own title would be folded to the width of its columns.
        console.print(f"\n[bold]{escape(heading)}[/]")
        console.print(escape(body) if isinstance(body, str) else body)


def figures_table(*columns: str) -> Table:
    """A plain table: names in the first column, figures in the others."""
    table = Table(header_style="", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def shown_path(path: str) -> str:
    """A local path below the current folder relative to it, any other as it is."""
    here = os.getcwd() + os.sep
    return path.removeprefix(here)


def largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Names and counts, the largest count first and equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def bar(number: int, most: int) -> str:
    """The bar of a histogram whose largest figure is `most`."""
    return "#" * -(-BAR_WIDTH * number // most)
