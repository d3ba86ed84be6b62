"""The parsed modules of the project's packages, from which all figures are computed."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """A module of the project.

    name  its dotted name
    path  its path relative to the project's root, with slashes
    """

    name: str
    path: str
    text: str
    is_package: bool

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree, cached because several figures use them."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def import_nodes(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        return tuple(node for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom))

    @property
    def package(self) -> str:
        """The package that relative imports of this module start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def base_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def place(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


Project = Mapping[str, Module]


def read_project(root: Path, packages: Sequence[str]) -> dict[str, Module]:
    """Dotted name -> module, for all Python files below the packages, sorted by name."""
    paths = (path for package in packages for path in (root / package).rglob("*.py"))
    modules = (_read_module(path, root) for path in paths)
    return {module.name: module for module in sorted(modules, key=lambda module: module.name)}


def _read_module(path: Path, root: Path) -> Module:
    relative = path.relative_to(root)
    is_package = path.name == "__init__.py"
    parts = relative.parent.parts if is_package else relative.with_suffix("").parts
    return Module(
        ".".join(parts), relative.as_posix(), path.read_text(encoding="utf-8"), is_package
    )


def packages_of(project: Project) -> list[str]:
    """All packages and subpackages: each name that has modules below it."""
    return sorted({name.rpartition(".")[0] for name in project if "." in name})


def is_within(name: str, package: str) -> bool:
    """Whether a module is the package itself or below it."""
    return name == package or name.startswith(package + ".")


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """All functions with their qualified names: methods and functions within functions, too."""
    yield from _functions_below(tree, "")


def _functions_below(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = prefix + child.name
            if isinstance(child, Function):
                yield name, child
            yield from _functions_below(child, name + ".")
        elif not isinstance(child, ast.expr):
            yield from _functions_below(child, prefix)
