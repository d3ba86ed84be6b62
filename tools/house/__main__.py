"""`python -m tools.house`: figures of the source tree.

With --check the exit status is 1 where a limit is exceeded.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.house.figures import PACKAGES, Figure, all_figures, package_sizes
from tools.house.imports import edges, fans, package_fans, project_imports
from tools.house.project import Project, read_project

_LARGEST = 12
_NAMED = 5


def main(arguments: list[str] | None = None) -> int:
    """Print the figures and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.house", description="Figures and laws of the source tree."
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the project's folder (default: this one)"
    )
    parser.add_argument(
        "--all", action="store_true", help="list every place that is counted, not the first few"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit with status 1 where a bound is not kept"
    )
    parser.add_argument(
        "--coverage",
        type=Path,
        metavar="FILE",
        help="a JSON report of coverage.py: `make coverage` writes coverage.json",
    )
    options = parser.parse_args(arguments)

    project = read_project(options.root, PACKAGES)
    figures = all_figures(options.root, project, coverage=options.coverage)
    for line in _report(project, figures, named=sys.maxsize if options.all else _NAMED):
        print(line)
    return int(options.check and not all(figure.is_kept for figure in figures))


def _report(project: Project, figures: list[Figure], *, named: int) -> Iterator[str]:
    graph = edges(project_imports(project))
    yield from _packages(project, graph)
    yield from _modules(graph, largest=max(_LARGEST, named))
    yield "\nFigures\n"
    for figure in figures:
        bound = (
            ""
            if figure.most is None
            else f"  at most {figure.most}{'' if figure.is_kept else '  NOT KEPT'}"
        )
        yield f"  {figure.count:>6,}  {figure.name}{bound}"
    for figure in figures:
        if figure.places:
            yield f"\n{figure.name}: {figure.count:,}\n"
            yield from (f"    {place}" for place in figure.places[:named])
            if figure.count > named:
                yield f"    and {figure.count - named:,} more: --all lists them"


def _packages(project: Project, graph: Mapping[str, set[str]]) -> Iterator[str]:
    yield f"{'Package':<32}{'files':>7}{'lines':>9}{'fan-in':>8}{'fan-out':>9}"
    yield (
        "  fan-in: modules outside that import from it; fan-out: modules outside that it imports\n"
    )
    for size in package_sizes(project):
        incoming, outgoing = package_fans(graph, size.name)
        indent = "  " * size.name.count(".")
        name = indent + size.name
        yield f"{name:<32}{size.files:>7,}{size.lines:>9,}{incoming:>8,}{outgoing:>9,}"


def _modules(graph: Mapping[str, set[str]], *, largest: int) -> Iterator[str]:
    found = fans(graph)
    for heading, which in (
        ("fan-in: modules that import it", 0),
        ("fan-out: modules that it imports", 1),
    ):
        yield f"\nLargest {heading}\n"
        ordered = sorted(found, key=lambda name: (-found[name][which], name))
        yield from (
            f"  {found[name][which]:>6,}  {name}"
            for name in ordered[:largest]
            if found[name][which]
        )


if __name__ == "__main__":
    sys.exit(main())
