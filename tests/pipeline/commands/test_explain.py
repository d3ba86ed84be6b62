"""`tokenmill explain`: every row of every kind of source resolves to its input, and every stage's verdict is told."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipeline.commands.explain.explain import parse_target
from pipeline.commands.explain.explainer import Explainer
from pipeline.commands.explain.reextract import Extractor
from pipeline.commands.explain.stored import StoredDocument, StoredReject
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.all_stages import STAGES
from pipeline.stages.finished import need
from pipeline.stages.run_stages import run_stages
from pipeline.stages.stage import Stage
from tests.bench.explain import resolve_rows
from tests.fuzz.seeds import SEEDS
from tests.pipeline.every_kind import write_every_kind
from tests.pipeline.test_cli import check_error
from tests.pipeline.test_plugins import project  # noqa: F401  a fixture
from transforms.contracts.manifest import read_manifest
from transforms.tokens.shards import open_shard


def make(path: Path, *, stages: Sequence[Stage] = STAGES) -> Path:
    """Runs stages of a configuration in this process; returns the run's folder."""
    progress = StageProgress(Console(quiet=True))
    run_stages(load_config(str(path)), RunnerSettings(workers=1), stages=stages, progress=progress)
    return path.parent / "run"


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with every kind of source; not to be changed."""
    return make(write_every_kind(tmp_path_factory.mktemp("kinds")))


@pytest.fixture(scope="module")
def in_ranges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of the same input, its files read in ranges, with signals."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.stages.documents.planning.SMALLEST_UNIT", 4000)
        patched.setattr("pipeline.stages.documents.planning._LARGEST_UNIT", 4000)
        return make(
            write_every_kind(tmp_path_factory.mktemp("ranges"), signals=True), stages=STAGES[:1]
        )


def everything(explainer: Explainer) -> list[StoredDocument | StoredReject]:
    """All documents and all rejects of a run."""
    return explainer.matching_rows(["id"], lambda batch: np.ones(len(batch), bool))


@pytest.mark.parametrize("made", ["every_kind", "in_ranges"])
def test_every_document_and_reject_of_every_kind_comes_again_from_its_input(
    made: str, request: pytest.FixtureRequest
) -> None:
    explainer = Explainer(Run(str(request.getfixturevalue(made))))
    rows = everything(explainer)
    outcomes = list(Extractor(explainer.inputs).read_again(rows))
    assert len(outcomes) == len(rows)
    assert {outcome.state for _, outcome in outcomes} == {"equal"}
    sources = Counter(row.source for row in rows)
    counters = need(explainer.stages.documents).counters.sources
    assert set(sources) == set(counters)
    assert len(rows) == sum(source.read for source in counters.values())
    assert set(sources) == {*SEEDS, "edited"}
    edits = counters["edited"].done
    assert {
        "pii/email",
        "encoding-noise/invisible",
        "line-rules/counters",
        "language-paragraphs/dropped",
    } <= set(edits)


def test_random_rows_resolve_down_to_their_tokens(every_kind: Path) -> None:
    found = resolve_rows(Run(str(every_kind)), 60, seed=3)
    assert found.right, found.examples
    assert found.rows == 60
    assert found.segments >= 60


@pytest.mark.real_data
def test_the_odd_real_files_resolve(tmp_path: Path, data_folder: Path) -> None:
    explainer = Explainer(
        Run(str(make(write_every_kind(tmp_path, data=data_folder), stages=STAGES[:1])))
    )
    rows = [row for row in everything(explainer) if row.source.startswith("odd")]
    outcomes = list(Extractor(explainer.inputs).read_again(rows))
    assert {outcome.state for _, outcome in outcomes} == {"equal"}
    assert {row.source for row in rows} == {"odd", "odd_wet", "odd_book", "odd_page"}
    assert any(isinstance(row, StoredReject) for row in rows)


def shard_rows(folder: Path) -> list[tuple[Path, int]]:
    return [
        (path, row)
        for path in sorted(folder.glob("shards/*.arrow"))
        for row in range(len(open_shard(str(path))))
    ]


def begins_a_document(path: Path, row: int) -> bool:
    return any(
        segment["token_offset"] == 0
        for segment in open_shard(str(path)).table["segments"][row].as_py()
    )


def test_a_row_shows_each_stretch_and_where_it_came_from(
    tokenmill: Callable, finished: Path
) -> None:
    path, row = next(
        (path, row)
        for path, row in shard_rows(finished)
        if "train-news" in path.name and begins_a_document(path, row)
    )
    values = json.loads(tokenmill("explain", f"{path}:{row}", "--extract", "--json").out)
    stored = open_shard(str(path)).table.slice(row, 1).to_pylist()[0]
    assert [segment["positions"] for segment in values["segments"]] == [
        [segment["start"], segment["start"] + segment["length"] - 1]
        for segment in sorted(stored["segments"], key=lambda one: one["start"])
    ]
    assert values["bytes"] == stored["bytes"]
    texts = {
        f"{part}:{row}": text
        for part, table in parts(finished)
        for row, text in enumerate(table["text"].to_pylist())
    }
    for segment in values["segments"]:
        text = texts[segment["document"]]
        assert segment["text"] in text
        assert text.startswith(segment["text"]) or not segment["begins"]
        assert text.endswith(segment["text"]) or not segment["ends"]
        document = values["documents"][segment["document"]]
        assert document["read_again"]["state"] == "equal"
        assert row in document["shards"]["rows"]
        assert document["input"]["state"] == "there"
        assert document["filters"] == ["gopher", "length"]
        data = Path(document["input"]["path"])
        assert document["origin"] == data.name
    printed = tokenmill("explain", f"{path}:{row}", "--extract").out
    for part in (
        "⟦",
        "byte offset of the line",
        "read again  equal",
        "news (jsonl)",
        f"{path.name}, row",
        "passed gopher, length",
    ):
        assert part in printed
    assert sum(segment["targets"] for segment in values["segments"]) == values["targets"]


def parts(folder: Path) -> list[tuple[int, object]]:
    return [
        (int(path.stem.rpartition("-")[2]), pq.read_table(path))
        for path in sorted(folder.glob("documents/part-*.parquet"))
    ]


def test_rows_of_a_document_follow_each_other(tokenmill: Callable, finished: Path) -> None:
    explainer = Explainer(Run(str(finished)))
    book = next(
        row
        for row in everything(explainer)
        if row.source == "books" and isinstance(row, StoredDocument)
    )
    placed = json.loads(tokenmill("explain", finished, "--id", book.id.hex(), "--json").out)[
        "found"
    ][0]["shards"]
    assert len(placed["rows"]) > 3
    path = finished / "shards" / placed["file"]
    stretches = []
    for row in placed["rows"]:
        values = json.loads(tokenmill("explain", f"{path}:{row}", "--json").out)
        stretches += [
            one for one in values["segments"] if one["document"] == f"{book.part}:{book.row}"
        ]
    assert "".join(one["text"] for one in stretches).startswith(book.text[:50])
    first_tokens = [one["document_tokens"][0] for one in stretches]
    assert first_tokens == sorted(first_tokens)
    assert [one["begins"] for one in stretches] == [True, *[False] * (len(stretches) - 1)]
    assert stretches[-1]["document_tokens"][1] == placed["tokens"]


def test_a_rejected_record_shows_rule_and_value(tokenmill: Callable, finished: Path) -> None:
    rejects = [
        row for row in everything(Explainer(Run(str(finished)))) if isinstance(row, StoredReject)
    ]
    few = next(row for row in rejects if row.rule == "gopher/too-few-words")
    values = json.loads(
        tokenmill("explain", finished, "--id", few.id.hex(), "--extract", "--json").out
    )["found"]
    assert [found["fate"] for found in values] == ["rejected"]
    assert (values[0]["stage"], values[0]["rule"], values[0]["value"]) == (
        "quality",
        "gopher/too-few-words",
        2.0,
    )
    assert values[0]["read_again"]["text"] == "too short"
    printed = tokenmill(
        "explain", finished / "documents" / f"rejects-{few.part:05d}.parquet:{few.row}", "--extract"
    ).out
    assert "gopher/too-few-words: 2, threshold 50  (stage quality)" in " ".join(printed.split(" "))
    assert "equal: the same rule and value" in printed


def test_signals_are_shown_where_they_were_written(in_ranges: Path) -> None:
    explainer = Explainer(Run(str(in_ranges)))
    edited = next(
        row
        for row in everything(explainer)
        if row.source == "edited" and isinstance(row, StoredDocument)
    )
    signals = explainer.explain([edited], extract=False)[0].signals
    assert {"line-rules/removed-words", "language-paragraphs/dropped-characters"} <= set(signals)


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["RUN"], 2, "give one of --url, --id and --document"),
        (["RUN", "--url", "a", "--id", "b"], 2, "one question at a time"),
        (["RUN", "--id", "xyz"], 2, "32 hexadecimal digits"),
        (["RUN", "--document", "3"], 2, "is no address"),
        (["RUN", "--document", "3000:1"], 2, "there is no such part"),
        (["RUN/shards/SHARD"], 2, "add a number from 0 to "),
        (["RUN/shards/SHARD:100000"], 2, "rows, from 0"),
        (["RUN/shards/SHARD:0", "--url", "a"], 2, "not both"),
        (["RUN/shards/none.arrow:0"], 2, "there is no such file"),
        (["RUN/documents/part-00000.parquet:100000"], 2, "rows, from 0"),
        (["RUN/dedup/clusters.parquet:0"], 2, "no file of documents or rejects"),
        (["RUN/input", "--url", "a"], 1, "not finished"),
        (["RUN/dedup/manifest.json"], 2, "give one of"),
    ],
)
def test_wrong_questions(
    tokenmill: Callable, finished: Path, arguments: list[str], status: int, part: str
) -> None:
    shard = next(finished.glob("shards/train-news-*")).name
    check_error(
        tokenmill(
            "explain",
            *(text.replace("RUN", str(finished)).replace("SHARD", shard) for text in arguments),
        ),
        status,
        part,
    )


def test_a_run_that_is_not_finished_tells_what_it_can(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    shutil.rmtree(folder / "shards")
    (folder / "tokenizer" / "manifest.json").unlink()
    found = json.loads(tokenmill("explain", folder, "--document", "0:2", "--json").out)["found"][0]
    assert (found["fate"], found["not_done"]) == ("kept", ["tokenizer", "shards"])
    assert found["dedup"]["verdict"] == "kept"
    assert "not done yet" in tokenmill("explain", folder, "--document", "0:2").out
    (folder / "dedup" / "manifest.json").unlink()
    assert (
        "dedup"
        not in json.loads(tokenmill("explain", folder, "--document", "0:2", "--json").out)["found"][
            0
        ]
    )


def test_a_shard_alone_shows_its_addresses(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    shard = next(finished.glob("shards/train-news-*"))
    (tmp_path / "shards").mkdir()
    shutil.copy(shard, tmp_path / "shards" / shard.name)
    printed = tokenmill("explain", f"{tmp_path}/shards/{shard.name}:0").out
    assert "only addresses are known" in printed
    assert "so the tokens cannot be read" in printed
    assert "of document 0:" in printed
    assert tokenmill("explain", f"{tmp_path}/shards/{shard.name}:0", "--extract").status == 0


@pytest.fixture
def changed(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run and its input, whose plan names the copied files."""
    shutil.copytree(finished.parent, tmp_path, dirs_exist_ok=True)
    for path in (tmp_path / "run" / "documents" / "plan.json", tmp_path / "run" / "run.toml"):
        path.write_text(path.read_text().replace(str(finished.parent), str(tmp_path)))
    return tmp_path


def again(tokenmill: Callable, folder: Path) -> dict:
    return json.loads(
        tokenmill("explain", folder / "run", "--document", "0:1", "--extract", "--json").out
    )["found"][0]["read_again"]


def test_a_changed_input_is_told_with_the_first_difference(
    tokenmill: Callable, changed: Path
) -> None:
    assert again(tokenmill, changed)["state"] == "equal"
    path = changed / "input" / "news-0.jsonl"
    lines = path.read_text().splitlines()
    text = json.loads(lines[1])["text"]
    lines[1] = lines[1].replace(text[100:110], text[100:110].upper())
    path.write_text("\n".join(lines) + "\n")
    outcome = again(tokenmill, changed)
    assert outcome["state"] == "differs"
    assert "@@ line 1, character" in outcome["diff"]
    printed = tokenmill("explain", changed / "run", "--document", "0:1", "--extract").out
    assert "differs: the text" in printed
    assert text[100:110].upper() in printed


def test_input_that_is_missing_or_shorter_is_told(tokenmill: Callable, changed: Path) -> None:
    path = changed / "input" / "news-0.jsonl"
    path.write_text("")
    found = json.loads(
        tokenmill("explain", changed / "run", "--document", "0:1", "--extract", "--json").out
    )["found"][0]
    assert found["read_again"]["state"] == "no record"
    assert found["input"]["state"] == "there, but of 0 bytes"
    path.unlink()
    found = json.loads(
        tokenmill("explain", changed / "run", "--document", "0:1", "--extract", "--json").out
    )["found"][0]
    assert found["read_again"]["state"] == "unreadable"
    assert found["input"]["state"] == "missing"


def test_input_that_was_moved_is_found_by_the_configuration(
    tokenmill: Callable, changed: Path
) -> None:
    shutil.move(changed / "input", changed / "elsewhere")
    path = changed / "run" / "run.toml"
    path.write_text(path.read_text().replace(f"{changed}/input", f"{changed}/elsewhere"))
    assert again(tokenmill, changed)["state"] == "equal"


def test_a_changed_configuration_is_told_where_it_matters(
    tokenmill: Callable, changed: Path
) -> None:
    path = changed / "run" / "run.toml"
    path.write_text(path.read_text().replace("at_least = 300", "at_least = 30000"))
    outcome = again(tokenmill, changed)
    assert outcome["state"] == "rejected"
    assert outcome["rule"] == "length/too-short"
    assert any("sources.news.quality" in note for note in outcome["notes"])


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("a.arrow:3", ("a.arrow", 3)),
        ("s3://b/run/shards/a.arrow:12", ("s3://b/run/shards/a.arrow", 12)),
        ("runs/a", None),
        ("a.arrow", None),
        ("a.arrow:x", None),
        ("run:3", None),
    ],
)
def test_targets(text: str, target: tuple[str, int] | None) -> None:
    assert parse_target(text) == target


def test_the_run_is_left_as_it_was(tokenmill: Callable, finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    tokenmill("explain", finished, "--document", "0:1", "--extract")
    tokenmill("verify", finished)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before
    assert read_manifest(str(finished / "shards")).stage == "shards"


def test_a_plugins_kind_and_filter_read_again_from_a_run_that_was_moved(project: Path) -> None:
    make(project / "tokenmill.toml", stages=STAGES[:1])
    shutil.move(project / "run", project / "moved")
    (project / "my_filters.py").unlink()
    explainer = Explainer(Run(str(project / "moved")))
    rows = everything(explainer)
    assert {outcome.state for _, outcome in Extractor(explainer.inputs).read_again(rows)} == {
        "equal"
    }
    assert {row.rule for row in rows if isinstance(row, StoredReject)} == {
        "shouting/capitals",
        "verses/empty",
    }
    assert explainer.explain(rows[:1], extract=False)[0].locator_meaning in (
        "as the reader of this kind counts",
        "the whole file",
    )


def test_a_run_of_an_earlier_format_is_explained_and_its_export_refused(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    for path in (folder / "documents").glob("part-*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["truncated", "kept"]), path)
    manifest = folder / "documents" / "manifest.json"
    manifest.write_text(
        manifest.read_text().replace('"documents_format": 3', '"documents_format": 2')
    )
    found = json.loads(tokenmill("explain", folder, "--document", "0:2", "--json").out)["found"][0]
    assert (found["truncated"], found["kept"]) == (None, None)
    refused = tokenmill("export", folder, "--format", "jsonl", "--to", tmp_path / "export")
    assert "documents are of format 2" in refused.err
