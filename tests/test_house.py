"""`make house`: what it counts in small made-up packages, and the laws that this project keeps."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

from tests.conftest import PROJECT
from tools.house.__main__ import main
from tools.house.docstrings import docstring_faults, first_line_fault, undescribed
from tools.house.figures import PACKAGES, Figure, all_figures, package_sizes
from tools.house.imports import circles, edges, fans, package_edges, package_fans, project_imports
from tools.house.layers import Layers, read_layers, unplaced_modules, upward_imports
from tools.house.line_coverage import little_covered
from tools.house.mappings import open_mappings
from tools.house.project import Project, functions_of, read_project
from tools.house.shapes import (
    branched_functions,
    complexity,
    equal_base_names,
    equal_class_names,
    long_functions,
    long_lines,
    standard_library_names,
)
from tools.house.stage_names import Allowed, Use, stage_name_uses, without_allowed

Build = Callable[..., Project]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Writes modules, dotted name -> text, and reads them: a project of the packages that the names begin with."""

    def made(modules: dict[str, str]) -> Project:
        for name, text in modules.items():
            path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read_project(tmp_path, sorted({name.split(".")[0] for name in modules}))

    return made


# Imports


def test_imports_name_the_module_and_the_moment(build: Build) -> None:
    project = build(
        {
            "a.__init__": "from . import b",
            "a.b": "import os, a.c.d\nfrom a.c import d, missing\nfrom a.c.d import value",
            "a.c.__init__": "",
            "a.c.d": "from ..b import x\nif TYPE_CHECKING:\n    import a.b\nelse:\n    import a\n",
            "a.e": "class C:\n    def f(self):\n        try:\n            from a import b\n        except ImportError: pass\n",
        }
    )
    found = [(entry.importer, entry.imported, entry.moment) for entry in project_imports(project)]
    assert found == [
        ("a", "a.b", "load"),
        ("a.b", "a.c.d", "load"),
        ("a.b", "a.c.d", "load"),
        ("a.b", "a.c", "load"),
        ("a.b", "a.c.d", "load"),
        ("a.c.d", "a.b", "load"),
        ("a.c.d", "a.b", "typing"),
        ("a.c.d", "a", "load"),
        ("a.e", "a.b", "call"),
    ]
    assert str(project_imports(project)[-1]) == "a/e.py:4: a.e imports a.b (in a function)"


def test_circles_are_the_strongly_connected_components() -> None:
    graph = {
        "a": {"b"},
        "b": {"c", "e"},
        "c": {"a", "d"},
        "d": {"e"},
        "e": {"d", "f"},
        "g": {"a", "g"},
    }
    assert circles(graph) == [["a", "b", "c"], ["d", "e"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) == []


def test_a_circle_closed_by_an_import_in_a_function_is_told_apart(build: Build) -> None:
    project = build({"a.x": "import a.y", "a.y": "def f():\n    import a.x"})
    imports = project_imports(project)
    assert circles(edges(imports, ("load",))) == []
    assert circles(edges(imports)) == [["a.x", "a.y"]]


def test_fans_of_modules_and_of_packages() -> None:
    graph = {"p.a.x": {"p.a.y", "p.b.z"}, "p.c": {"p.a.x", "p.a.y"}, "p.b.z": {"p.c"}}
    assert fans(graph) == {"p.a.x": (1, 2), "p.a.y": (2, 0), "p.b.z": (1, 1), "p.c": (1, 2)}
    assert package_fans(graph, "p.a") == (1, 1)
    assert package_edges(graph, "p") == {"p.a": {"p.b"}, "p.b": {"p.c"}, "p.c": {"p.a"}}


def test_imports_are_those_that_grimp_finds() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    expected = {
        (name, target)
        for name in graph.modules
        for target in graph.find_modules_directly_imported_by(name)
    }
    assert {
        (entry.importer, entry.imported)
        for entry in project_imports(read_project(PROJECT, PACKAGES))
    } == expected


# Layers


CONTRACT = """
[[tool.importlinter.contracts]]
name = "layers"
type = "layers"
containers = ["p"]
exhaustive = true
layers = ["top", "(absent) | left | right", "one : two"]
ignore_imports = ["p.two -> p.top"]

[[tool.importlinter.contracts]]
name = "another"
type = "forbidden"
"""


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    (tmp_path / "pyproject.toml").write_text(CONTRACT)
    (contract,) = read_layers(tmp_path / "pyproject.toml")
    return contract


def test_imports_against_the_layers_count_ignored_or_not(build: Build, layers: Layers) -> None:
    project = build(
        {
            "p.__init__": "import p.two",
            "p.top.a": "from p import left, one",
            "p.left": "from p import right, two",
            "p.right": "",
            "p.one": "from p import two",
            "p.two": "from p import one\ndef f():\n    from p.top.a import x\nfrom p import value",
            "p.new": "import p.top.a",
        }
    )
    assert list(upward_imports(project_imports(project), layers)) == [
        "p/left.py:1: p.left imports p.right: p.left is beside p.right",
        "p/two.py:3: p.two imports p.top.a (in a function): p.two is below p.top",
        "p/two.py:4: p.two imports p: p.two is below p",
    ]
    assert unplaced_modules(project, layers) == ["p.new is in no layer of 'layers'"]


# Names of stages


def uses_of(build: Build, text: str, **modules: str) -> list[str]:
    project = build(
        {"pipeline.x": text} | {name.replace("__", "."): more for name, more in modules.items()}
    )
    return [
        f"{use.how} {use.name}" for use in stage_name_uses(project) if use.module == "pipeline.x"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name == "dedup"', ["comparison dedup"]),
        ('"dedup" in names', ["comparison dedup"]),
        ('name not in ("dedup", "shards")', ["comparison dedup+shards"]),
        ('name in frozenset({"dedup"})', ["comparison dedup"]),
        ('match name:\n    case "dedup" | "shards": pass', ["match dedup", "match shards"]),
        ('match values:\n    case {"dedup": found}: pass', ["match dedup"]),
        ('values["dedup"]["rows"]', ["key dedup"]),
        ('values["dedup" if late else "documents"]', ["key dedup+documents"]),
        ('{"dedup": 1, **others}', ["key dedup"]),
        ("dict(dedup=1)", ["key dedup"]),
        (
            'values.get("dedup", 0); values.pop("shards"); values.setdefault("tokenizer", 1)',
            ["key dedup", "key shards", "key tokenizer"],
        ),
        ('name.startswith("dedup")', ["key dedup"]),
        ('name.endswith(("dedup", "x"))', ["key dedup"]),
        ('getattr(config, "dedup")', ["key dedup"]),
        ('run.stage("dedup")', ["argument dedup"]),
        ('run.stage(name="dedup")', ["argument dedup"]),
        ('for key in ("documents", "kept"):\n    print(counts[key])', []),
        ('def f():\n    for key in ("documents", "kept"):\n        counts[key]', ["key documents"]),
        ('[counts[key] for key in ("documents", "kept")]', ["key documents"]),
        (
            '[rate(all.get(name), other) for name, other in (("dedup", "a"), ("x", "b"))]',
            ["key dedup"],
        ),
        ('[key for key in ("dedup",)] + [counts[key] for key in ("kept",)]', []),
        ('def f():\n    name = "dedup"\n    return values[name]', ["key dedup"]),
        ('STAGE = "dedup"\nname == STAGE', ["comparison dedup"]),
        ('class Names:\n    late = "dedup"\nname == Names.late', ["comparison dedup"]),
        ('class Names(StrEnum):\n    late = "dedup"\nvalues[Names.late.value]', ["key dedup"]),
        ('DEDUP = Stage("dedup", plan)\nstage is DEDUP', ["argument dedup", "comparison dedup"]),
        ('DEDUP = Stage(name="dedup")\nvalues[DEDUP.name]', ["argument dedup", "key dedup"]),
        (
            'class Dedup(Base):\n    name = "dedup"\nDEDUP = Dedup(1)\nstage is DEDUP; x[DEDUP.name]',
            ["comparison dedup", "key dedup"],
        ),
        (
            'STAGES = ("documents", "dedup", "tokenizer", "shards")\nfor name in STAGES:\n    name in STAGES',
            [],
        ),
        (
            'STAGES = ("documents", "dedup", "tokenizer", "shards")\nname == STAGES[0]',
            ["comparison dedup+documents+shards+tokenizer"],
        ),
        ('LATE = ("tokenizer", "shards")\nname in LATE', ["comparison shards+tokenizer"]),
        ('Name = Literal["documents", "dedup"]', []),
        ('config.dedup.rows == 3; title = "shards"; "a dedup b" in text', []),
    ],
)
def test_uses_of_a_stage_name(build: Build, text: str, expected: list[str]) -> None:
    assert uses_of(build, text) == expected


@pytest.mark.parametrize(
    "code",
    [
        "from pipeline.names import STAGE as S\nname == S",
        "from pipeline import names\nname == names.STAGE",
    ],
)
def test_a_constant_of_another_module_counts(build: Build, code: str) -> None:
    modules = {
        "pipeline__names": "from pipeline.first import STAGE",
        "pipeline__first": 'STAGE = "dedup"',
    }
    assert uses_of(build, code, **modules) == ["comparison dedup"]


def test_rooms_of_stages_and_the_module_of_stage_decide_by_name(build: Build) -> None:
    code = 'name == "dedup"'
    names = (
        "pipeline.stages.dedup.report",
        "pipeline.stages.dedup.__init__",
        "pipeline.stages.other",
        "transforms.dedup.x",
    )
    project = build(
        dict.fromkeys(names, code) | {"pipeline.stages.stage": f"class Stage: pass\n{code}"}
    )
    assert [use.module for use in stage_name_uses(project)] == [
        "pipeline.stages.other",
        "transforms.dedup.x",
    ]
    inside = ["pipeline.stages.dedup", "pipeline.stages.dedup.report", "pipeline.stages.stage"]
    assert [use.module for use in stage_name_uses(project, rooms=True)] == inside


def test_an_exception_covers_so_many_uses_and_no_more() -> None:
    uses = [Use("m", "m.py", line, "shards", "key", "") for line in (1, 2)]
    rest, unused = without_allowed(
        uses, [Allowed("m.py", "shards", 1, "why"), Allowed("n.py", "dedup", 2, "why")]
    )
    assert rest == uses[1:]
    assert unused == ["n.py: 'dedup' is allowed 2 times more than it is used"]


# Mappings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a: dict[str, Any], b: Mapping[str, object]) -> dict[str, Any] | None: ...", 3),
        ("x: dict[str, int] = {}; y: dict[Any, str]; z: list[Any]; w: dict[str, list[Any]]", 0),
        ("x: Mapping[str, dict[str, Any]]", 1),
        (
            "x: dict[str, int | Any]; y: dict[str, Optional[Any]]; z: dict[str, Union[int, object]]",
            3,
        ),
        ("Values = dict[str, Any]\ndef f(a: Values) -> list[Values]: ...", 2),
        ("Values: TypeAlias = dict[str, Any]\nMore = Values\nx: More", 1),
        ("Values = NewType('Values', dict[str, Any])\nx: Values", 1),
        ("Each = Callable[[int], dict[str, Any]]\nx: Each", 1),
        ("Value = Any\nx: dict[str, Value]", 1),
        ("class Values(dict[str, Any]): ...\nx: Values", 2),
        ("x: collections.abc.Mapping[str, typing.Any]", 1),
        ("x: 'dict[str, Any]'\ny = cast('dict[str, Any]', x)\nz = cast(dict[str, Any], x)", 3),
        ("def f(a: dict, b: Mapping | None = None): return dict(a)", 2),
        ("def f(a: Any, b: object): ...", 0),
    ],
)
def test_open_mappings(build: Build, text: str, expected: int) -> None:
    assert len(open_mappings(build({"p.x": "from typing import Any\n" + text}))) == expected


@pytest.mark.parametrize(
    "code",
    [
        "from p.y import Values as V\nx: V",
        "from p import y\nx: y.Values",
        "import p.y\nx: p.y.Values",
    ],
)
def test_an_alias_of_another_module_counts_where_it_is_used(build: Build, code: str) -> None:
    project = build({"p.x": code, "p.y": "from typing import Any\nValues = dict[str, Any]"})
    (line,) = open_mappings(project)
    assert line.startswith("p/x.py:2: ")


# Shapes and names


def test_long_functions_and_lines(build: Build) -> None:
    text = (
        'class C:\n    def f(self):\n        """One.\n\n        Two.\n        """\n        return 1\n'
        + "x = 1  # "
        + "é" * 92
    )
    module = build({"p.x": text})["p.x"]
    assert list(long_functions(module, most=5)) == ["p/x.py:2: C.f: 6 lines, 4 of them docstring"]
    assert list(long_functions(module, most=6)) == []
    assert list(long_lines(module)) == ["p/x.py:8: 101 characters"]
    assert list(long_lines(module, most=101)) == []


def test_branched_functions(build: Build) -> None:
    module = build(
        {"p.x": "def f(x):\n" + "    if x: pass\n" * 15 + "def g(x):\n" + "    if x: pass\n" * 14}
    )["p.x"]
    assert list(branched_functions(module)) == ["p/x.py:1: f: complexity 16"]


def test_complexity_is_that_of_ruff() -> None:
    command = [
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select",
        "C901",
        "--config",
        "lint.mccabe.max-complexity=0",
    ]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--output-format", "json", *PACKAGES, "tools", "tests"],
        cwd=PROJECT,
        capture_output=True,
    )
    expected = {
        (
            Path(entry["filename"]).relative_to(PROJECT).as_posix(),
            entry["location"]["row"],
            int(entry["message"].split("(")[1].split()[0]),
        )
        for entry in json.loads(done.stdout)
    }
    project = read_project(PROJECT, (*PACKAGES, "tools", "tests"))
    counted = {
        (module.path, node.lineno, complexity(node))
        for module in project.values()
        for _, node in functions_of(module.tree)
    }
    assert len(expected) > 1000
    assert counted == expected


def test_names_that_mean_two_things(build: Build) -> None:
    project = build(
        {
            "p.tables": "class A: ...",
            "p.q.tables": "class A: ...\nclass B: ...",
            "p.inspect": "",
            "p.q.json.__init__": "",
        }
    )
    assert equal_base_names(project) == ["tables: p/q/tables.py, p/tables.py"]
    assert equal_class_names(project) == ["A: p/q/tables.py:1, p/tables.py:1"]
    names = [line.partition(":")[0] for line in standard_library_names(project)]
    assert names == ["p/inspect.py", "p/q/json/__init__.py"]


def test_sizes_count_all_below_a_package(build: Build) -> None:
    project = build(
        {"p.__init__": "", "p.a": "1\n2\n", "p.q.__init__": "1\n", "p.q.b": "1\n2\n3\n"}
    )
    assert [(size.name, size.files, size.lines) for size in package_sizes(project)] == [
        ("p", 4, 6),
        ("p.q", 2, 4),
    ]


# Docstrings


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Counts words.", None),
        ("Counts words (see `f`.)\n\nMore.", None),
        ("Of a stage:\n\n- one", None),
        ("What is a word?", None),
        ("Counts the words of a text that is\n\nlonger than a line.", "cut"),
        ("Counts the words of a text\nthat is long.\n\nMore.", "over"),
        ("Counts the words of a text\nthat is long.", "over"),
        ("Counts the words of a text\nthat is\n\nlong.", "cut"),
        ("Counts words", "open"),
    ],
)
def test_first_lines_of_docstrings(docstring: str, expected: str | None) -> None:
    assert first_line_fault(docstring) == expected


def test_docstrings_of_modules_classes_and_functions_are_read(build: Build) -> None:
    text = '"""Cut\n\nhere."""\nclass C:\n    """Cut\n\n    here."""\n    def f(self):\n        """Cut\n\n        here."""\n'
    module = build({"p.x": text})["p.x"]
    assert list(docstring_faults(module, "cut")) == [
        "p/x.py:1: p.x: Cut",
        "p/x.py:4: C: Cut",
        "p/x.py:8: f: Cut",
    ]


def test_public_names_without_docstring(build: Build) -> None:
    text = (
        "def f(): ...\ndef _g(): ...\nclass C(NamedTuple):\n    def m(self): ...\n    def __len__(self): ...\n"
        'class D(C):\n    """D."""\n    def m(self): ...\n'
    )
    found = [line.split(": ")[1] for line in undescribed(build({"p.x": text})["p.x"])]
    assert found == ["function f", "class C", "method C.m"]


# Coverage and the command


def test_modules_that_the_tests_hardly_run(build: Build, tmp_path: Path) -> None:
    project = build(
        {"p.well": "1", "p.badly": "1", "p.never": "1", "p.empty": "", "p.__init__": ""}
    )
    numbers = {"p/well.py": (6, 10), "p/badly.py": (5, 10), "p/__init__.py": (0, 0)}
    files = {
        name: {"summary": {"covered_lines": covered, "num_statements": total}}
        for name, (covered, total) in numbers.items()
    }
    (tmp_path / "coverage.json").write_text(json.dumps({"files": files}))
    assert little_covered(tmp_path / "coverage.json", project) == [
        "p/badly.py: 50% of 10 statements",
        "p/never.py: not in the report",
    ]


@pytest.mark.parametrize(("code", "status"), [("x = 1\n", 0), ('name == "dedup"\n', 1)])
def test_check_fails_where_a_bound_is_not_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    status: int,
) -> None:
    monkeypatch.setattr("tools.house.figures.read_allowed", lambda path: [])
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "x.py").write_text(code)
    assert main(["--root", str(tmp_path), "--check"]) == status
    assert main(["--root", str(tmp_path), "--all"]) == 0
    out = capsys.readouterr().out
    assert ("NOT KEPT" in out) == ("pipeline/x.py:1: comparison 'dedup'" in out) == bool(status)


# The laws of this project

HELD = (
    "import circles",
    "imports from a lower to a higher layer",
    "modules in no layer",
    "names of stages compared, matched or used as keys",
    "exceptions that are no longer needed",
    "mappings with Any or object as values, pipeline",
    "mappings with Any or object as values, transforms",
    "modules named like one of the standard library",
    "docstrings cut in mid-sentence by a blank line",
)


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return {figure.name: figure for figure in all_figures(PROJECT, read_project(PROJECT, PACKAGES))}


@pytest.mark.parametrize("name", HELD)
def test_a_bound_is_kept(figures: dict[str, Figure], name: str) -> None:
    figure = figures[name]
    assert figure.most is not None
    assert figure.is_kept, "\n".join(figure.places)
