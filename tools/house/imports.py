"""Imports between the project's modules: the import graph and its cycles."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.house.project import Module, Project, is_within

Moment = Literal["load", "call", "typing"]


@dataclass(frozen=True)
class Import:
    """An import of one module of the project by another.

    `moment` is "load" for imports at module level, "call" for those within a function, "typing" for
    those for type checkers only.
    """

    importer: str
    imported: str
    place: str
    moment: Moment

    def __str__(self) -> str:
        note = {"load": "", "call": " (in a function)", "typing": " (for types only)"}[self.moment]
        return f"{self.place}: {self.importer} imports {self.imported}{note}"


def project_imports(project: Project) -> list[Import]:
    """All imports between modules of the project.

    `from package import module` counts as an import of the module.
    """
    return [entry for module in project.values() for entry in _imports_of(module, project)]


def _imports_of(module: Module, project: Project) -> Iterator[Import]:
    for node, moment in _import_nodes(module.tree, "load"):
        for name in imported_names(node, module):
            target = _module_of(name, project)
            if target is not None and target != module.name:
                yield Import(module.name, target, module.place(node), moment)


def _import_nodes(
    node: ast.AST, moment: Moment
) -> Iterator[tuple[ast.Import | ast.ImportFrom, Moment]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, moment
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _import_nodes(child, "call")
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.body:
                yield from _import_nodes(ast.Module([statement], []), "typing")
            for statement in child.orelse:
                yield from _import_nodes(ast.Module([statement], []), moment)
        elif not isinstance(child, ast.expr):
            yield from _import_nodes(child, moment)


def _is_type_checking(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Name | ast.Attribute)
        and (test.id if isinstance(test, ast.Name) else test.attr) == "TYPE_CHECKING"
    )


def imported_names(node: ast.Import | ast.ImportFrom, module: Module) -> list[str]:
    """The absolute dotted names of an import statement: `from a import b` gives a.b for any b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        above = module.package.split(".")
        above = above[: len(above) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    return [f"{base}.{alias.name}" for alias in node.names]


def _module_of(name: str, project: Project) -> str | None:
    """The module of a dotted name: a.b.c if it is a module, else a.b; None outside the project."""
    if name in project:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in project else None


def edges(
    imports: Iterable[Import], moments: Sequence[Moment] = ("load", "call", "typing")
) -> dict[str, set[str]]:
    """Importer -> the modules it imports at these moments."""
    graph: dict[str, set[str]] = defaultdict(set)
    for entry in imports:
        if entry.moment in moments:
            graph[entry.importer].add(entry.imported)
    return dict(graph)


def fans(graph: Mapping[str, set[str]]) -> dict[str, tuple[int, int]]:
    """Module -> (fan-in: modules that import it, fan-out: modules that it imports)."""
    incoming: dict[str, int] = defaultdict(int)
    for targets in graph.values():
        for target in targets:
            incoming[target] += 1
    return {name: (incoming[name], len(graph.get(name, ()))) for name in {*graph, *incoming}}


def package_fans(graph: Mapping[str, set[str]], package: str) -> tuple[int, int]:
    """The fans of a package: (outside modules that import from it, outside modules it imports)."""
    incoming = {
        name
        for name, targets in graph.items()
        if not is_within(name, package) and any(is_within(t, package) for t in targets)
    }
    outgoing = {
        t
        for name, targets in graph.items()
        if is_within(name, package)
        for t in targets
        if not is_within(t, package)
    }
    return len(incoming), len(outgoing)


def package_edges(graph: Mapping[str, set[str]], parent: str) -> dict[str, set[str]]:
    """Imports between the direct children of a package, including the modules below them."""
    children: dict[str, set[str]] = defaultdict(set)
    for name, targets in graph.items():
        for target in targets:
            if name.startswith(parent + ".") and target.startswith(parent + "."):
                mine, theirs = (
                    ".".join(each.split(".")[: parent.count(".") + 2]) for each in (name, target)
                )
                if mine != theirs:
                    children[mine].add(theirs)
    return dict(children)


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Find the import cycles: strongly connected components of more than one module, each sorted.

    Tarjan's algorithm (1972) without recursion.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    components = []
    for root in sorted(graph):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(sorted(graph.get(root, ()))))]
        while work:
            node, rest = work[-1]
            target = next(rest, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = stack[stack.index(node) :]
                    del stack[len(stack) - len(component) :]
                    on_stack.difference_update(component)
                    if len(component) > 1:
                        components.append(sorted(component))
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(sorted(graph.get(target, ())))))
            elif target in on_stack:
                low[node] = min(low[node], index[target])
    return sorted(components)
