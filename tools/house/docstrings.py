"""First sentences of docstrings, and public functions without any."""

import ast
import inspect
from collections.abc import Iterator
from typing import Literal

from tools.house.project import Function, Module

Fault = Literal["cut", "over", "open"]
_ENDS = (".", ":", "!", "?", "…")
_CLOSERS = "\"'`)]”’*_"


def first_line_fault(docstring: str) -> Fault | None:
    """The fault of a docstring's first line, None if it has none.

    "cut": a blank line interrupts the sentence; "over": the sentence continues on the next line;
    "open": the only line has no full stop.
    """
    lines = inspect.cleandoc(docstring).splitlines()
    if not lines or lines[0].rstrip(_CLOSERS + " ").endswith(_ENDS):
        return None
    if len(lines) == 1:
        return "open"
    first_paragraph = lines[: lines.index("")] if "" in lines else lines
    if "" in lines and not first_paragraph[-1].rstrip(_CLOSERS + " ").endswith(_ENDS):
        return "cut"
    return "over"


def docstring_faults(module: Module, fault: Fault) -> Iterator[str]:
    """Docstrings of a module, its classes and functions with this fault, with their first lines."""
    for node in module.nodes:
        text = (
            ast.get_docstring(node)
            if isinstance(node, ast.Module | ast.ClassDef | Function)
            else None
        )
        if text and first_line_fault(text) == fault:
            name = getattr(node, "name", module.name)
            yield f"{module.place(node)}: {name}: {text.splitlines()[0]}"


def undescribed(module: Module) -> Iterator[str]:
    """Public functions, classes and their public methods without a docstring.

    Methods that may override one are skipped: the base class describes them.
    """
    yield from _undescribed_in(module, module.tree, "")


def _undescribed_in(module: Module, node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for child in node.body:
        if not isinstance(child, ast.ClassDef | Function) or child.name.startswith("_"):
            continue
        if ast.get_docstring(child) is None and not _overrides(node, child):
            kind = (
                "class" if isinstance(child, ast.ClassDef) else "method" if prefix else "function"
            )
            yield f"{module.place(child)}: {kind} {prefix}{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from _undescribed_in(module, child, f"{child.name}.")


def _overrides(owner: ast.Module | ast.ClassDef, child: ast.stmt) -> bool:
    """Whether a method may override one: its class has bases other than NamedTuple, Enum, ..."""
    if not isinstance(owner, ast.ClassDef) or not isinstance(child, Function):
        return False
    plain = {"NamedTuple", "Enum", "StrEnum", "IntEnum", "Protocol", "TypedDict", "ABC"}
    return any(
        ast.unparse(base).rpartition(".")[2].partition("[")[0] not in plain for base in owner.bases
    )
