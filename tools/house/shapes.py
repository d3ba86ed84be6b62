"""Shapes of the code: long or complex functions, long lines, ambiguous module and class names."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator

from tools.house.project import Function, Module, Project, functions_of

MOST_FUNCTION_LINES = 40
MOST_COMPLEXITY = 15
MOST_COLUMNS = 100


def long_functions(module: Module, *, most: int = MOST_FUNCTION_LINES) -> Iterator[str]:
    """Functions of more than `most` lines from `def` to the end, with their docstring's lines."""
    for name, node in functions_of(module.tree):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > most:
            described = _docstring_lines(node)
            yield f"{module.place(node)}: {name}: {lines} lines" + (
                f", {described} of them docstring" if described else ""
            )


def _docstring_lines(node: Function) -> int:
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def branched_functions(module: Module, *, most: int = MOST_COMPLEXITY) -> Iterator[str]:
    """Functions of a McCabe complexity over `most`."""
    for name, node in functions_of(module.tree):
        if (number := complexity(node)) > most:
            yield f"{module.place(node)}: {name}: complexity {number}"


def complexity(node: Function) -> int:
    """McCabe's complexity as ruff's C901 counts it.

    Inner functions are part of the outer one; Boolean operators do not count.
    """
    return 1 + sum(_branches(statement) for statement in node.body)


def _branches(node: ast.AST) -> int:
    statements = (
        child
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
    )
    below = sum(_branches(child) for child in statements)
    match node:
        case ast.If() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return below + 1
        case ast.For(orelse=orelse) | ast.AsyncFor(orelse=orelse) | ast.While(orelse=orelse):
            return below + 1 + bool(orelse)
        case (
            ast.Try(handlers=handlers, orelse=orelse)
            | ast.TryStar(handlers=handlers, orelse=orelse)
        ):
            return below + len(handlers) + bool(orelse)
        case ast.Match(cases=cases):
            # The last case, when it takes everything, is an `else`.
            last = cases[-1]
            takes_all = (
                last.guard is None
                and isinstance(last.pattern, ast.MatchAs)
                and last.pattern.pattern is None
            )
            return below + len(cases) - takes_all
    return below


def long_lines(module: Module, *, most: int = MOST_COLUMNS) -> Iterator[str]:
    for number, line in enumerate(module.lines, 1):
        if len(line) > most:
            yield f"{module.path}:{number}: {len(line)} characters"


def equal_base_names(project: Project) -> list[str]:
    """Modules that share the last part of their name; a package and a module may share one, too."""
    return _shared(
        ((name.rpartition(".")[2], module.path) for name, module in project.items() if "." in name)
    )


def equal_class_names(project: Project) -> list[str]:
    """Classes of one name in different modules."""
    return _shared(
        (node.name, module.place(node))
        for module in project.values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    )


def _shared(pairs: Iterator[tuple[str, str]]) -> list[str]:
    places = defaultdict(list)
    for name, place in pairs:
        places[name].append(place)
    return [
        f"{name}: {', '.join(found)}" for name, found in sorted(places.items()) if len(found) > 1
    ]


def standard_library_names(project: Project) -> list[str]:
    """Modules and packages named like a module of the standard library."""
    named = [module for module in project.values() if module.base_name in sys.stdlib_module_names]
    return [
        f"{module.path}: {module.base_name} is a module of the standard library" for module in named
    ]
