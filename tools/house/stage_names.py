"""Stage names that are compared, matched or used as keys, which only a Stage object should do.

Counted are literals, constants bound to them (also imported ones, and attributes of classes,
modules and Stage objects), and variables of loops over literal tuples of them. A constant that
holds all names selects no stage: `name in STAGES` is not counted, `name == STAGES[0]` is.
"""

import ast
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.house.imports import imported_names
from tools.house.project import Module, Project

STAGES = frozenset({"documents", "dedup", "tokenizer", "shards"})
_ROOMS = tuple(f"pipeline.stages.{name}." for name in sorted(STAGES))
_KEY_METHODS = {
    "get",
    "pop",
    "setdefault",
    "index",
    "count",
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "__getitem__",
}
_KEY_FUNCTIONS = {"getattr", "hasattr", "setattr", "itemgetter", "attrgetter"}
_COLLECTIONS = {"tuple", "list", "set", "frozenset", "sorted"}


@dataclass(frozen=True)
class Use:
    """A stage name at a place where it decides something.

    `how` is comparison, match, key or argument.
    """

    module: str
    path: str
    line: int
    name: str
    how: str
    code: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.how} {self.name!r}: {self.code}"


@dataclass
class _Constants:
    """The meaning of the names of a module.

    names    dotted name -> stages
    objects  names bound to Stage objects
    """

    names: dict[str, frozenset[str]] = field(default_factory=dict)
    objects: dict[str, frozenset[str]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)


def is_exempt(module: Module) -> bool:
    """Whether a module is in a stage's package or defines Stage."""
    in_room = f"{module.name}.".startswith(_ROOMS)
    return in_room or any(
        isinstance(node, ast.ClassDef) and node.name == "Stage" for node in module.tree.body
    )


def stage_name_uses(project: Project, *, rooms: bool = False) -> list[Use]:
    """All uses outside the stages' packages and the module that defines Stage.

    With `rooms`, only those inside.
    """
    constants = _all_constants(project)
    modules = [module for module in project.values() if is_exempt(module) == rooms]
    return [use for module in modules for use in _Reader(module, constants).uses()]


def _all_constants(project: Project) -> dict[str, _Constants]:
    found = {name: _Constants() for name in project}
    size = -1
    # Constants may be bound to constants of other modules: repeat until a pass adds nothing.
    while size != (size := sum(len(each.names) + len(each.objects) for each in found.values())):
        for module in project.values():
            _bind(module, found)
    return found


def _bind(module: Module, found: dict[str, _Constants]) -> None:
    own = found[module.name]
    reader = _Reader(module, found)
    for statement in module.import_nodes:
        for alias, name in zip(statement.names, imported_names(statement, module), strict=True):
            _bind_import(alias.asname or alias.name, name, own, found)
    for prefix, node in _assignments(module.tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and node.value is not None:
            if stages := reader.stages(node.value):
                own.names[prefix + target.id] = stages
            if stages := _stage_object(node.value, own):
                own.objects[prefix + target.id] = stages


def _bind_import(local: str, name: str, own: _Constants, found: Mapping[str, _Constants]) -> None:
    if name in found:
        own.modules[local] = name
        return
    home, _, last = name.rpartition(".")
    if home not in found:
        return
    there = found[home]
    for mine, theirs in ((own.names, there.names), (own.objects, there.objects)):
        for key, stages in list(theirs.items()):
            if key == last or key.startswith(last + "."):
                mine[local + key[len(last) :]] = stages


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield "", node
        if isinstance(node, ast.ClassDef):
            yield from (
                (f"{node.name}.", each)
                for each in node.body
                if isinstance(each, ast.Assign | ast.AnnAssign)
            )


def _stage_object(value: ast.expr, own: _Constants) -> frozenset[str]:
    """The stage of `Stage("dedup", ...)`, or of an object whose class body has `name = "dedup"`."""
    if not isinstance(value, ast.Call):
        return frozenset()
    called = ast.unparse(value.func)
    if not called.endswith("Stage"):
        return frozenset().union(
            *(stages for name, stages in own.names.items() if name == f"{called}.name")
        )
    arguments = [*value.args, *(keyword.value for keyword in value.keywords)]
    return frozenset(
        each.value for each in arguments if isinstance(each, ast.Constant) and each.value in STAGES
    )


class _Reader:
    """Finds the uses of one module."""

    def __init__(self, module: Module, constants: Mapping[str, _Constants]):
        self._module = module
        self._constants = constants
        self._own = constants[module.name]
        self._locals: dict[str, frozenset[str]] = {}

    def stages(self, node: ast.AST | None) -> frozenset[str]:
        """The stages that an expression means; empty for none, or for all by one constant."""
        match node:
            case ast.Constant(value=str(value)):
                return STAGES & {value}
            case ast.Tuple() | ast.List() | ast.Set():
                return frozenset().union(*(self.stages(each) for each in node.elts))
            case ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.stages(value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.stages(body) | self.stages(orelse)
            case ast.BoolOp(values=values):
                return frozenset().union(*(self.stages(each) for each in values))
            case ast.Call(func=ast.Name(id=function), args=[argument]) if (
                function in _COLLECTIONS or function == "str"
            ):
                return self.stages(argument)
            case ast.Subscript(value=ast.Name() | ast.Attribute(), slice=ast.Constant(value=int())):
                return self._constant(node.value)
            case ast.Name() | ast.Attribute():
                return self._single_out(self._constant(node))
        return frozenset()

    @staticmethod
    def _single_out(stages: frozenset[str]) -> frozenset[str]:
        return frozenset() if stages == STAGES else stages

    def _constant(self, node: ast.AST) -> frozenset[str]:
        name = ast.unparse(node)
        if name in self._locals:
            return self._locals[name]
        if found := self._lookup(self._own, name):
            return found
        for local, target in self._own.modules.items():
            if name.startswith(local + ".") and (
                found := self._lookup(self._constants[target], name[len(local) + 1 :])
            ):
                return found
        return frozenset()

    @staticmethod
    def _lookup(constants: _Constants, name: str) -> frozenset[str]:
        base = name.removesuffix(".name").removesuffix(".value")
        return (
            constants.names.get(name)
            or constants.names.get(base)
            or constants.objects.get(base)
            or frozenset()
        )

    def uses(self) -> Iterator[Use]:
        yield from self._uses_below(self._module.tree)

    def _uses_below(self, node: ast.AST) -> Iterator[Use]:
        for child in ast.iter_child_nodes(node):
            if _is_literal_type(child):
                continue
            outer = self._locals
            if isinstance(child, _Scope):
                self._locals = outer | self._local_names(child)
            yield from self._uses_at(child)
            yield from self._uses_below(child)
            self._locals = outer

    def _local_names(self, scope: ast.AST) -> dict[str, frozenset[str]]:
        """Variables of a function or comprehension -> the stages that they may mean.

        They are assigned, or loop over a tuple.
        """
        names: dict[str, frozenset[str]] = {}
        for node in _nodes_of_scope(scope):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if stages := self.stages(
                    value
                ):
                    names[name] = names.get(name, frozenset()) | stages
                case (
                    ast.For(target=target, iter=iterated)
                    | ast.comprehension(target=target, iter=iterated)
                ):
                    elements = (
                        iterated.elts
                        if isinstance(iterated, ast.Tuple | ast.List | ast.Set)
                        else []
                    )
                    for name, stages in self._loop_names(target, elements).items():
                        names[name] = names.get(name, frozenset()) | stages
        return names

    def _loop_names(self, target: ast.expr, elements: list[ast.expr]) -> dict[str, frozenset[str]]:
        """Variables of a loop -> the stages that they may mean.

        A variable that means none has an empty set, since it shadows an outer one.
        """
        if isinstance(target, ast.Name):
            return {
                target.id: frozenset().union(
                    *(self.stages(each) for each in elements if not isinstance(each, ast.Starred))
                )
            }
        names: dict[str, frozenset[str]] = {}
        if isinstance(target, ast.Tuple):
            for place, part in enumerate(target.elts):
                column = [
                    each.elts[place]
                    for each in elements
                    if isinstance(each, ast.Tuple) and place < len(each.elts)
                ]
                if isinstance(part, ast.Name | ast.Tuple):
                    names |= self._loop_names(part, column)
        return names

    def _uses_at(self, node: ast.AST) -> Iterator[Use]:
        match node:
            case ast.Compare():
                yield from self._use(node, "comparison", (node.left, *node.comparators))
            case ast.MatchValue(value=value):
                yield from self._use(node, "match", (value,))
            case ast.MatchMapping(keys=keys):
                yield from self._use(node, "match", keys)
            case ast.Subscript(slice=key):
                yield from self._use(node, "key", (key,))
            case ast.Dict(keys=keys):
                for each in filter(None, keys):
                    yield from self._use(each, "key", (each,), code=f"{{{ast.unparse(each)}: ...}}")
            case ast.DictComp(key=key):
                yield from self._use(
                    key, "key", (key,), code=f"{{{ast.unparse(key)}: ... for ...}}"
                )
            case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                named = [ast.Constant(keyword.arg) for keyword in keywords if keyword.arg]
                yield from self._use(node, "key", named)
            case ast.Call(func=function, args=arguments, keywords=keywords):
                name = (
                    function.attr
                    if isinstance(function, ast.Attribute)
                    else function.id
                    if isinstance(function, ast.Name)
                    else ""
                )
                is_key = name in _KEY_FUNCTIONS or (
                    name in _KEY_METHODS and isinstance(function, ast.Attribute)
                )
                values = (
                    arguments if is_key else [*arguments, *(keyword.value for keyword in keywords)]
                )
                simple = [
                    each
                    for each in values
                    if isinstance(each, ast.Constant | ast.Name | ast.Attribute | ast.Tuple)
                ]
                yield from self._use(node, "key" if is_key else "argument", simple)

    def _use(
        self, node: ast.AST, how: str, values: Collection[ast.expr | None], *, code: str = ""
    ) -> Iterator[Use]:
        stages = frozenset().union(*(self.stages(value) for value in values))
        if stages:
            text = " ".join((code or ast.unparse(node)).split())
            shown = text if len(text) < 100 else text[:97] + "..."
            line = getattr(node, "lineno", 1)
            yield Use(
                self._module.name, self._module.path, line, "+".join(sorted(stages)), how, shown
            )


_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | _Comprehension


def _nodes_of_scope(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or comprehension without those of the scopes within."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, _Scope):
            yield child
            yield from _nodes_of_scope(child)


def _is_literal_type(node: ast.AST) -> bool:
    """`Literal["documents", "dedup"]` is a type, not a key."""
    return isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal")


@dataclass
class Allowed:
    """An exception: so many uses of a name in one file, for a reason."""

    path: str
    name: str
    times: int
    reason: str


def read_allowed(path: Path) -> list[Allowed]:
    return [
        Allowed(**entry)
        for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("stage_name", [])
    ]


def without_allowed(uses: list[Use], allowed: list[Allowed]) -> tuple[list[Use], list[str]]:
    """(uses that no exception covers, exceptions that cover fewer uses than they say)."""
    left = {(entry.path, entry.name): entry.times for entry in allowed}
    rest = []
    for use in uses:
        if left.get((use.path, use.name), 0) > 0:
            left[use.path, use.name] -= 1
        else:
            rest.append(use)
    return rest, [
        f"{path}: {name!r} is allowed {times} times more than it is used"
        for (path, name), times in left.items()
        if times
    ]
