"""Plugins: what docs/own-filter.md shows works, also in worker processes and without the file; what is wrong is told."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config
from pipeline.run.folder import Run
from tests.conftest import PROJECT
from tests.pipeline.runs import digests, run, stage_manifest
from transforms.errors import ConfigError, UserError
from transforms.filters.registry import FILTERS
from transforms.plugins import load_plugins, read_plugins

BLOCK = re.compile(r"```(?:python|toml)\n# (\S+)\n(.*?)```", re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of docs/own-filter.md and two files of poems: one verse is empty, one shouts."""
    for name, text in BLOCK.findall(
        (PROJECT / "docs" / "own-filter.md").read_text(encoding="utf-8")
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "poems").mkdir()
    (tmp_path / "poems" / "a.txt").write_text(
        "The river rose\n---\nTHE MILL STOOD STILL\n---\n\n---\nand nobody ground corn"
    )
    (tmp_path / "poems" / "b.txt").write_text("One verse")
    return tmp_path


def kept_texts(folder: Path) -> list[str]:
    return [
        text
        for path in sorted((folder / "run" / "documents").glob("part-*"))
        for text in pq.read_table(path)["text"].to_pylist()
    ]


def test_the_filter_and_the_source_of_the_documentation(project: Path, tokenmill) -> None:
    done = tokenmill("ingest", str(project / "tokenmill.toml"), "--workers", "2")
    assert done.status == 0, done.err
    assert kept_texts(project) == ["The river rose", "and nobody ground corn", "One verse"]
    counts = stage_manifest(Run(str(project / "run")), "documents").counters["sources"]["poems"]
    assert counts["rejected"] == {"shouting/capitals": 1, "verses/empty": 1}
    rejects = [
        row
        for path in (project / "run" / "documents").glob("rejects-*")
        for row in pq.read_table(path).to_pylist()
    ]
    shouting = next(row for row in rejects if row["rule"] == "shouting/capitals")
    assert (shouting["locator"], shouting["threshold"], round(shouting["value"], 2)) == (
        "1",
        0.2,
        0.85,
    )


def test_a_run_keeps_its_plugins_and_can_be_moved(project: Path) -> None:
    run(project / "tokenmill.toml")
    before = digests(project / "run")
    shutil.move(project / "run", project / "moved")
    (project / "my_filters.py").unlink()
    config = load_config(str(project / "moved" / "run.toml"))
    assert config.sources["poems"].options == {"mark": "---"}
    shutil.move(project / "moved", project / "run")
    run(project / "run" / "run.toml")
    assert digests(project / "run") == before


def test_a_changed_plugin_is_another_configuration(project: Path) -> None:
    run(project / "tokenmill.toml")
    plugin = project / "my_filters.py"
    plugin.write_text(plugin.read_text().replace("share <= max_capitals", "share < max_capitals"))
    with pytest.raises(UserError, match="plugins"):
        run(project / "tokenmill.toml")


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (
            "my_filters.py",
            "import numpy as np",
            "import numpy as np\nimport no_such_package",
            r"ModuleNotFoundError: .*no_such_package.*\(line 2\)",
        ),
        (
            "my_filters.py",
            "def judge_shouting(",
            "def judge_shouting((",
            "the plugin fails: .*line",
        ),
        ("my_filters.py", '"shouting"', '"gopher"', "the name 'gopher' is taken"),
        ("my_filters.py", '"verses"', '"warc"', "the name 'warc' is taken"),
        ("my_filters.py", '"shouting"', '"Shouting!"', "'Shouting!' is not a name"),
        (
            "tokenmill.toml",
            "my_filters.py",
            "no_filters.py",
            "cannot read the plugin: .*No such file",
        ),
        ("tokenmill.toml", '"./my_filters.py"', '"no_such_module_x"', "ModuleNotFoundError"),
        ("tokenmill.toml", 'plugins = ["./my_filters.py"]', "plugins = 3", "plugins"),
        (
            "tokenmill.toml",
            'kind = "verses"',
            'kind = "curses"',
            "it is not a kind of source; there are warc, ",
        ),
        (
            "tokenmill.toml",
            "mark =",
            "marc =",
            "'marc' is not an option of kind 'verses'; it has mark",
        ),
        (
            "tokenmill.toml",
            "max_capitals = 0.2",
            'max_capitals = "few"',
            "option 'max_capitals' of filter 'shouting'",
        ),
    ],
)
def test_what_is_wrong_is_told(project: Path, file: str, old: str, new: str, what: str) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=what):
        load_config(str(project / "tokenmill.toml"))


def test_kinds_of_the_package_take_no_options(project: Path) -> None:
    text = (project / "tokenmill.toml").read_text()
    (project / "tokenmill.toml").write_text(text.replace('kind = "verses"', 'kind = "text"'))
    with pytest.raises(ConfigError, match="'mark' is not an option of kind 'text'"):
        load_config(str(project / "tokenmill.toml"))


def test_a_required_option_must_be_given(project: Path) -> None:
    plugin = project / "my_filters.py"
    plugin.write_text(plugin.read_text().replace('mark: str = "%"', "mark: str, size: int"))
    with pytest.raises(ConfigError, match="kind 'verses' needs the option 'size'"):
        load_config(str(project / "tokenmill.toml"))


def test_threads_may_load_plugins_side_by_side(project: Path) -> None:
    plugins = read_plugins([str(project / "my_filters.py")])
    with ThreadPoolExecutor(4) as threads:
        for known in threads.map(
            lambda _: (load_plugins(plugins), "shouting" in FILTERS)[1], range(400)
        ):
            assert known
    load_plugins(())
    assert "shouting" not in FILTERS
