"""All figures of the source tree, each with the places that it counts and its limit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.house.docstrings import Fault, docstring_faults, undescribed
from tools.house.imports import Import, circles, edges, package_edges, project_imports
from tools.house.layers import read_layers, unplaced_modules, upward_imports
from tools.house.line_coverage import LEAST_COVERED, little_covered
from tools.house.mappings import open_mappings
from tools.house.project import Module, Project, is_within, packages_of
from tools.house.shapes import (
    MOST_COLUMNS,
    MOST_COMPLEXITY,
    MOST_FUNCTION_LINES,
    branched_functions,
    equal_base_names,
    equal_class_names,
    long_functions,
    long_lines,
    standard_library_names,
)
from tools.house.stage_names import read_allowed, stage_name_uses, without_allowed

PACKAGES = ("pipeline", "transforms", "training")
MOST_OPEN_MAPPINGS = {"pipeline": 39, "transforms": 79}
_ALLOWED = Path(__file__).with_name("allowed.toml")


@dataclass(frozen=True)
class Figure:
    """A figure: the counted places, one line per place.

    `most` is the limit that `--check` enforces, None where there is none.
    """

    name: str
    places: tuple[str, ...]
    most: int | None = None

    @property
    def count(self) -> int:
        return len(self.places)

    @property
    def is_kept(self) -> bool:
        return self.most is None or self.count <= self.most


def all_figures(root: Path, project: Project, *, coverage: Path | None = None) -> list[Figure]:
    """All figures, those with a limit first.

    `coverage` is a JSON report of coverage.py; without it the figure of coverage is missing.
    """
    figures = [
        *_import_figures(root, project),
        *_stage_figures(project),
        *_mapping_figures(project),
        *_shape_figures(project),
    ]
    if coverage is not None:
        places = tuple(little_covered(coverage, project))
        figures.append(Figure(f"modules under {LEAST_COVERED:.0%} line coverage", places, 0))
    return sorted(figures, key=lambda figure: figure.most is None)


def _import_figures(root: Path, project: Project) -> Iterator[Figure]:
    imports = project_imports(project)
    at_load = circles(edges(imports, ("load",)))
    later = [circle for circle in circles(edges(imports)) if circle not in at_load]
    yield Figure(
        "import circles", tuple(_listed(circle, imports, load_only=True) for circle in at_load), 0
    )
    yield Figure(
        "circles by imports in functions or for types",
        tuple(_listed(circle, imports) for circle in later),
    )
    between = [
        circle
        for package in packages_of(project)
        for circle in circles(package_edges(edges(imports), package))
    ]
    yield Figure(
        "circles between neighbouring packages and modules",
        tuple(" <-> ".join(circle) for circle in between),
    )
    contracts = read_layers(root / "pyproject.toml")
    upward = [line for contract in contracts for line in upward_imports(imports, contract)]
    yield Figure("imports from a lower to a higher layer", tuple(dict.fromkeys(upward)), 0)
    unplaced = [line for contract in contracts for line in unplaced_modules(project, contract)]
    yield Figure("modules in no layer", tuple(unplaced), 0)
    yield Figure(
        "imports within functions", tuple(str(entry) for entry in imports if entry.moment == "call")
    )


def _listed(circle: list[str], imports: list[Import], *, load_only: bool = False) -> str:
    inside = [
        each
        for each in imports
        if each.importer in circle
        and each.imported in circle
        and (each.moment == "load" or not load_only)
    ]
    return " <-> ".join(circle) + "".join(f"\n      {entry}" for entry in inside)


def _stage_figures(project: Project) -> Iterator[Figure]:
    uses = stage_name_uses(project)
    deciding, unused = without_allowed(
        [use for use in uses if use.how != "argument"], read_allowed(_ALLOWED)
    )
    yield Figure(
        "names of stages compared, matched or used as keys", tuple(str(use) for use in deciding), 0
    )
    yield Figure("exceptions that are no longer needed", tuple(unused), 0)
    yield Figure(
        "names of stages as arguments", tuple(str(use) for use in uses if use.how == "argument")
    )
    inside = (use for use in stage_name_uses(project, rooms=True) if use.how != "argument")
    yield Figure(
        "the same in the rooms of stages and beside Stage", tuple(str(use) for use in inside)
    )


def _mapping_figures(project: Project) -> Iterator[Figure]:
    lines = open_mappings(project)
    for package in PACKAGES:
        places = tuple(line for line in lines if line.startswith(package + "/"))
        yield Figure(
            f"mappings with Any or object as values, {package}",
            places,
            MOST_OPEN_MAPPINGS.get(package),
        )


def _shape_figures(project: Project) -> Iterator[Figure]:
    def each(count: Callable[[Module], Iterator[str]]) -> tuple[str, ...]:
        return tuple(line for module in project.values() for line in count(module))

    def faults(fault: Fault) -> tuple[str, ...]:
        return each(lambda module: docstring_faults(module, fault))

    yield Figure(
        "modules named like one of the standard library", tuple(standard_library_names(project)), 0
    )
    yield Figure("docstrings cut in mid-sentence by a blank line", faults("cut"), 0)
    yield Figure(f"lines over {MOST_COLUMNS} characters", each(long_lines), 0)
    yield Figure("docstrings whose first sentence is longer than a line", faults("over"))
    yield Figure("docstrings of one line without a full stop", faults("open"))
    yield Figure("public functions and classes without docstring", each(undescribed))
    yield Figure(f"functions over {MOST_FUNCTION_LINES} lines", each(long_functions))
    yield Figure(f"functions of a complexity over {MOST_COMPLEXITY}", each(branched_functions))
    yield Figure("modules of equal base name", tuple(equal_base_names(project)))
    yield Figure("classes of equal name", tuple(equal_class_names(project)))


@dataclass(frozen=True)
class PackageSize:
    """A package with its subpackages."""

    name: str
    files: int
    lines: int


def package_sizes(project: Project) -> list[PackageSize]:
    """Files and lines of each package and subpackage, including those below it."""
    sizes = []
    for package in packages_of(project):
        modules = [module for name, module in project.items() if is_within(name, package)]
        sizes.append(
            PackageSize(package, len(modules), sum(len(module.lines) for module in modules))
        )
    return sizes
