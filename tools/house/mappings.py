"""Mappings with `Any` or `object` as values, in annotations, bases and casts.

Uses of an alias for such a mapping count too.
"""

import ast
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from tools.house.imports import imported_names
from tools.house.project import Module, Project

_MAPPINGS = {
    "dict",
    "Dict",
    "Mapping",
    "MutableMapping",
    "defaultdict",
    "DefaultDict",
    "OrderedDict",
    "ChainMap",
}
_OPEN = {"Any", "object"}


@dataclass
class _Types:
    """Local names of a module: aliases of open types, aliases that hold open mappings, modules."""

    any_names: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    modules: dict[str, str] = field(default_factory=dict)


def open_mappings(project: Project) -> list[str]:
    """The uses of open mappings, one line each with file, line and code.

    Open mappings are dict[str, Any], Mapping[str, object], aliases of them, and a bare dict.
    """
    types = _all_types(project)
    return [line for module in project.values() for line in _Finder(module, types).lines()]


def _all_types(project: Project) -> dict[str, _Types]:
    types = {name: _Types() for name in project}
    size = -1
    while size != (size := sum(len(each.any_names) + len(each.aliases) for each in types.values())):
        for module in project.values():
            _collect(module, types)
    return types


def _collect(module: Module, types: dict[str, _Types]) -> None:
    own = types[module.name]
    for statement in module.import_nodes:
        for alias, name in zip(statement.names, imported_names(statement, module), strict=True):
            _collect_import(alias.asname or alias.name, name, own, types)
    finder = _Finder(module, types)
    for name, value in alias_definitions(module.tree):
        if finder.is_open(value):
            own.any_names.add(name)
        elif any(True for _ in finder.found_in(value)):
            own.aliases.add(name)
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and any(
            True for base in node.bases for _ in finder.found_in(base)
        ):
            own.aliases.add(node.name)


def _collect_import(local: str, name: str, own: _Types, types: Mapping[str, _Types]) -> None:
    if name in types:
        own.modules[local] = name
    home, _, last = name.rpartition(".")
    if home in types:
        if last in types[home].any_names:
            own.any_names.add(local)
        if last in types[home].aliases:
            own.aliases.add(local)
    elif name == "typing.Any":
        own.any_names.add(local)


def alias_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Module-level `Name = <type>`, also with TypeAlias or NewType."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=function, args=[_, value])
            ):
                if ast.unparse(function).endswith("NewType"):
                    yield name, value
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Name() | ast.Subscript() | ast.BinOp() | ast.Attribute() as value,
            ):
                yield name, value
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
            ):
                if ast.unparse(annotation).endswith("TypeAlias"):
                    yield name, value


class _Finder:
    """Finds the open mappings of one module."""

    def __init__(self, module: Module, types: Mapping[str, _Types]):
        self._module = module
        self._types = types
        self._own = types[module.name]

    def lines(self) -> Iterator[str]:
        definitions = {
            id(value)
            for name, value in alias_definitions(self._module.tree)
            if name in self._own.aliases
        }
        bare = {
            id(each) for annotation in _annotations(self._module) for each in self._bare(annotation)
        }
        for node in self.found_in(self._module.tree, but=definitions, bare=bare):
            yield f"{self._module.place(node)}: {ast.unparse(node)}"

    def found_in(
        self, node: ast.AST, *, but: Set[int] = frozenset(), bare: Set[int] = frozenset()
    ) -> Iterator[ast.AST]:
        """Open mappings and uses of aliases in a tree, without the subtrees `but`.

        `bare` are the nodes of names that mean dict[Any, Any].
        """
        if id(node) in but:
            return
        if self._is_open_mapping(node) or self._is_alias(node) or id(node) in bare:
            yield node
        for child in ast.iter_child_nodes(node):
            if (
                isinstance(child, ast.Constant)
                and isinstance(child.value, str)
                and self._is_type_argument(node, child)
            ):
                yield from self._found_in_text(child)
            yield from self.found_in(child, but=but, bare=bare)

    @staticmethod
    def _is_type_argument(node: ast.AST, child: ast.Constant) -> bool:
        """Whether a string is an annotation of an argument, result or variable, or of a cast."""
        match node:
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
                return annotation is child
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
                return returns is child
            case ast.Call(func=function, args=[first, *_]):
                return first is child and ast.unparse(function).endswith("cast")
        return False

    def _found_in_text(self, constant: ast.Constant) -> Iterator[ast.AST]:
        try:
            tree = ast.parse(str(constant.value), mode="eval")
        except SyntaxError:
            return
        for node in self.found_in(tree):
            yield ast.copy_location(node, constant)

    def _is_open_mapping(self, node: ast.AST) -> bool:
        match node:
            case ast.Subscript(
                value=ast.Name() | ast.Attribute() as base, slice=ast.Tuple(elts=[*_, values])
            ):
                return _last(base) in _MAPPINGS and self.is_open(values)
        return False

    def is_open(self, node: ast.AST) -> bool:
        """Whether a type is Any or object, by another name, or as a part of a union."""
        match node:
            case ast.Name(id=name):
                return name in self._own.any_names or name == "object"
            case ast.Attribute():
                return _last(node) == "Any" or self._in_module(node, "any_names")
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.is_open(left) or self.is_open(right)
            case ast.Subscript(value=base, slice=ast.Tuple(elts=members)) if _last(base) == "Union":
                return any(self.is_open(member) for member in members)
            case ast.Subscript(value=base, slice=member) if _last(base) == "Optional":
                return self.is_open(member)
        return False

    def _is_alias(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._own.aliases and isinstance(node.ctx, ast.Load)
        return isinstance(node, ast.Attribute) and self._in_module(node, "aliases")

    def _in_module(self, node: ast.Attribute, kind: str) -> bool:
        target = self._own.modules.get(ast.unparse(node.value))
        return target is not None and node.attr in getattr(self._types[target], kind)

    def _bare(self, annotation: ast.expr) -> Iterator[ast.AST]:
        """Mappings without parameters: their values are Any."""
        subscripted = {
            id(node.value) for node in ast.walk(annotation) if isinstance(node, ast.Subscript)
        }
        for node in ast.walk(annotation):
            if (
                isinstance(node, ast.Name | ast.Attribute)
                and _last(node) in _MAPPINGS
                and id(node) not in subscripted
            ):
                yield node


def _last(node: ast.AST) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )


def _annotations(module: Module) -> Iterator[ast.expr]:
    for node in module.nodes:
        match node:
            case (
                ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation)
            ):
                yield annotation
            case (
                ast.FunctionDef(returns=ast.expr() as returns)
                | ast.AsyncFunctionDef(returns=ast.expr() as returns)
            ):
                yield returns
