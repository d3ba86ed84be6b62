"""`tokenmill plan`: it says what a run would do, with a run's own figures, and touches nothing."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands.plan.plan import plan_run
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings, Work
from pipeline.runner.fork_server import expected_server
from pipeline.stages import rates
from pipeline.stages.all_stages import STAGES
from pipeline.stages.dedup import estimate as dedup_estimate
from pipeline.stages.dedup import work as dedup
from pipeline.stages.dedup.estimate import estimate_dedup
from pipeline.stages.documents import estimate as documents_estimate
from pipeline.stages.documents import work as documents
from pipeline.stages.documents.estimate import estimate_documents, expected_volume
from pipeline.stages.documents.stage import DOCUMENTS
from pipeline.stages.documents.units import DocumentsUnit
from pipeline.stages.estimate import Survey, Volume
from pipeline.stages.run_stages import run_stages
from pipeline.stages.shards import estimate as shards_estimate
from pipeline.stages.shards import work as shards
from pipeline.stages.shards.estimate import estimate_shards
from pipeline.stages.shards.stage import SHARDS
from pipeline.stages.tokenizer import estimate as tokenizer_estimate
from pipeline.stages.tokenizer import pretokens
from pipeline.stages.tokenizer.estimate import estimate_tokenizer
from pipeline.stages.tokenizer.stage import TOKENIZER
from tests.pipeline.corpus import write_corpus
from tests.pipeline.runs import copy_input
from tests.pipeline.test_cli import check_error
from tests.transforms.dedup.small_corpora import write_documents
from transforms.contracts.manifest import read_manifest
from transforms.contracts.plain import to_object
from transforms.dedup.near.sign import sign_part
from transforms.dedup.near.signatures import signature_bytes
from transforms.dedup.settings import DedupConfig
from transforms.ingest.unit import InputFile
from transforms.sources.registry import KINDS

SETTINGS = RunnerSettings(workers=1)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Everything below a folder: when it was changed, its mode and its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        entry = path.stat()
        found[str(path.relative_to(folder))] = (
            entry.st_mtime_ns,
            entry.st_mode,
            path.read_bytes() if path.is_file() else None,
        )
    return found


def states(values: dict[str, Any]) -> list[str]:
    return [values["stages"][stage.name]["state"] for stage in STAGES]


def planned(path: Path, settings: RunnerSettings = SETTINGS) -> dict[str, Any]:
    run, refusal = plan_run(load_config(str(path)), settings)
    assert refusal is None
    values = to_object(run)
    json.dumps(values)
    return values


def test_before_a_run_everything_is_to_do_and_nothing_is_written(
    tokenmill: Callable, tmp_path: Path
) -> None:
    path = write_corpus(tmp_path)
    before = tree(tmp_path)
    printed = tokenmill("plan", path)
    assert printed.status == 0, printed.err
    values = json.loads(tokenmill("plan", path, "--json").out)
    assert tree(tmp_path) == before
    assert not (tmp_path / "run").exists()
    assert states(values) == ["to do"] * 4
    documents = values["stages"]["documents"]
    files = [file for file in (tmp_path / "input").rglob("*") if file.is_file()]
    assert (documents["files"], documents["units"]) == (
        7,
        len(DOCUMENTS.plan(load_config(str(path)), Run(str(tmp_path / "run"))).units),
    )
    assert documents["input_bytes"] == sum(file.stat().st_size for file in files)
    assert {name: source["files"] for name, source in values["sources"].items()} == {
        "news": 3,
        "books": 4,
    }
    assert sum(source["bytes"] for source in values["sources"].values()) == documents["input_bytes"]
    assert sum(source["units"] for source in values["sources"].values()) == documents["units"]
    assert values["stages"]["dedup"]["disk_bytes"] is None, "the number of documents is not known"
    assert values["total"]["unknown"] == ["disk_bytes", "memory_bytes"]
    shown = " ".join(printed.out.split())
    for part in (
        "documents to do",
        "21 bands of 6 rows; 0.9983 at the threshold",
        "0.8: 0.998",
        "dedup.max_drop_rate = 0.5",
        "are free",
    ):
        assert part in shown
    assert "ranges and passes are known when the documents are" in shown


def test_a_folder_that_cannot_be_written(tokenmill: Callable, tmp_path: Path) -> None:
    path = write_corpus(tmp_path)
    path.write_text(path.read_text().replace('folder = "run"', 'folder = "/proc/run"'))
    assert tokenmill("plan", path).status == 0
    check_error(tokenmill("run", path), 1, "cannot write")


def test_a_file_system_that_is_read_only_is_only_read(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    """Half a run in folders without the right to write, whoever asks: the bits are looked at afterwards, too."""
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "dedup" / "manifest.json").unlink()
    folders = [tmp_path, *(folder for folder in tmp_path.rglob("*") if folder.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        before = tree(tmp_path)
        assert tokenmill("plan", path).status == 0
        assert tree(tmp_path) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_finished_run_has_nothing_left_to_do(tokenmill: Callable, finished: Path) -> None:
    before = tree(finished)
    values = json.loads(tokenmill("plan", finished.parent / "tokenmill.toml", "--json").out)
    assert tree(finished) == before
    assert states(values) == ["done"] * 4
    manifests = {stage.name: read_manifest(str(finished / stage.name)) for stage in STAGES}
    for name, stage in values["stages"].items():
        assert stage["took"]["seconds"] == manifests[name].seconds
        assert stage["took"]["disk_bytes"] == sum(
            entry.bytes for entry in manifests[name].files.values()
        )
    assert values["total"]["seconds"] == values["total"]["disk_bytes"] == 0
    guard = values["guards"]["dedup.max_drop_rate"]
    assert guard["highest"] == {"source": "news", "rate": round(3 / 59, 6)}
    assert values["dedup"]["documents"] == 63
    assert tokenmill("plan", finished).status == 0, "the folder of a run is a configuration, too"


def test_every_state_has_its_keys(tokenmill: Callable, finished: Path, tmp_path: Path) -> None:
    """The keys that scripts read, in their order; what is not known is null and not left out."""
    path = copy_input(finished, tmp_path)
    reads = ["units", "files", "input_bytes"]
    estimate = ["workers", "core_seconds", "seconds", "memory_bytes", "disk_bytes", "notes"]
    per_document = [
        "recall",
        "documents",
        "memory_limit_bytes",
        "band_bytes_per_document",
        "exact_bytes_per_document",
    ]
    values = planned(path)
    assert list(values) == ["kind", "path", "stages", "sources", "dedup", "guards", "total"]
    assert all(list(stage) == ["state", *estimate, *reads] for stage in values["stages"].values())
    assert list(values["dedup"]) == per_document
    assert list(values["sources"]["news"]) == ["kind", "files", "bytes", "units"]
    assert values["guards"] == {
        "max_error_rate": {"limit": 0.2, "highest": None},
        "dedup.max_drop_rate": {"limit": 0.5, "highest": None},
        "screens": [],
        "lines": False,
    }
    assert list(values["total"]) == [
        "seconds",
        "core_seconds",
        "memory_bytes",
        "disk_bytes",
        "unknown",
        "free_disk_bytes",
    ]
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "shards" / "manifest.json").unlink()
    values = planned(path)
    assert list(values["stages"]["dedup"]) == ["state", "took", *reads]
    assert list(values["stages"]["shards"]) == ["state", "units_done", *estimate, *reads]
    exchanged = [
        "ranges",
        "passes",
        "exact_passes",
        "star_rounds",
        "band_bytes",
        "exact_bytes",
        "largest_pass_bytes",
    ]
    assert list(values["dedup"]) == [*per_document, *exchanged]
    path.write_text(path.read_text().replace("vocabulary = 400", "vocabulary = 420"))
    stages = json.loads(tokenmill("plan", path, "--json").out)["stages"]
    assert list(stages["tokenizer"]) == ["state", "refused", *reads]
    assert list(stages["tokenizer"]["refused"]) == ["what", "where", "remedy"]
    assert stages["shards"] == {"state": "not reached"}


def test_what_was_cut_off_resumes_and_only_the_rest_is_estimated(
    finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    whole = planned(path)["stages"]["documents"]
    shutil.copytree(finished / "documents", tmp_path / "run" / "documents")
    documents = tmp_path / "run" / "documents"
    (documents / "manifest.json").unlink()
    (documents / "part-00000.parquet").unlink()
    values = planned(path)
    stage = values["stages"]["documents"]
    assert (stage["state"], stage["units_done"], stage["units"]) == (
        "resumes",
        whole["units"] - 1,
        whole["units"],
    )
    assert 0 < stage["disk_bytes"] < whole["disk_bytes"]
    assert states(values)[1:] == ["to do"] * 3
    shutil.rmtree(documents)
    shutil.copytree(finished, tmp_path / "run", dirs_exist_ok=True)
    for name in ("manifest.json", "signatures-00000.parquet"):
        (tmp_path / "run" / "dedup" / name).unlink()
    values = planned(path)
    assert states(values) == ["done", "resumes", "to do", "to do"]
    parts = len(list((tmp_path / "run" / "documents").glob("part-*")))
    assert (values["stages"]["dedup"]["units_done"], values["stages"]["dedup"]["units"]) == (
        parts - 1,
        parts,
    )


def test_finished_stages_give_their_real_figures(finished: Path, tmp_path: Path) -> None:
    """After the tokenizer the shards are planned from what was kept, its bytes per token and the groups of the stage itself."""
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "shards")
    stage = planned(path)["stages"]["shards"]
    run = Run(str(finished))
    text = sum(source.text_bytes for source in DOCUMENTS.finished(run).counters.sources.values())
    measured = TOKENIZER.finished(run).counters.measured.sources.values()
    bytes_per_token = sum(source.bytes for source in measured) / sum(
        source.tokens for source in measured
    )
    assert stage["disk_bytes"] == pytest.approx(
        text * 60 / 63 / bytes_per_token * 2 * rates.SHARD_OVERHEAD, abs=1
    )
    assert stage["units"] == len(
        SHARDS.plan(load_config(str(path)), Run(str(tmp_path / "run"))).units
    )
    assert not stage["notes"]


@pytest.mark.parametrize(
    ("old", "new", "status", "parts", "expected"),
    [
        (
            "threshold = 0.3",
            "threshold = 0.2",
            1,
            ["language.threshold was 0.3, is 0.2"],
            ["refused", *["not reached"] * 3],
        ),
        (
            "vocabulary = 400",
            "vocabulary = 420",
            1,
            ["vocabulary was 400"],
            ["done", "done", "refused", "not reached"],
        ),
        (
            "max_error_rate = 0.2",
            "max_error_rate = 0.01",
            1,
            ["more than max_error_rate"],
            ["refused", *["not reached"] * 3],
        ),
        (
            "[language]",
            "[dedup]\nmax_drop_rate = 0.01\n[language]",
            1,
            ["more than dedup.max_drop_rate", "dedup-report.md"],
            None,
        ),
    ],
)
def test_what_a_run_would_refuse_is_refused_with_its_error(
    tokenmill: Callable,
    finished: Path,
    tmp_path: Path,
    old: str,
    new: str,
    status: int,
    parts: list[str],
    expected: list[str] | None,
) -> None:
    path = copy_input(finished, tmp_path)
    shutil.copytree(finished, tmp_path / "run")
    path.write_text(path.read_text().replace(old, new))
    before = tree(tmp_path)
    outcome = tokenmill("plan", path, "--json")
    check_error(outcome, status, *parts)
    assert tree(tmp_path) == before
    values = json.loads(outcome.out)
    assert states(values) == (expected or ["done", "refused", "not reached", "not reached"])
    refused = next(
        stage["refused"] for stage in values["stages"].values() if stage["state"] == "refused"
    )
    assert refused["what"] in outcome.err
    table = tokenmill("plan", path)
    assert table.status == status
    assert "refused" in table.out
    if status == 1 and "dedup-report" not in parts[-1]:
        assert tokenmill("run", path).err == outcome.err


def test_too_little_memory_is_seen_once_the_documents_are_counted(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    path.write_text(path.read_text() + '[dedup]\nmemory_limit = "0.001 MB"\nranges = 4\n')
    assert tokenmill("plan", path).status == 0
    shutil.copytree(finished, tmp_path / "run")
    assert tokenmill("plan", path).status == 0, "what is done needs no memory"
    shutil.rmtree(tmp_path / "run" / "dedup")
    outcome = tokenmill("plan", path, "--json")
    check_error(outcome, 2, "dedup.memory_limit = 0.001 MB is too little")
    assert states(json.loads(outcome.out)) == ["done", "refused", "not reached", "not reached"]


def test_a_missing_part_and_missing_evaluation_texts_are_seen(
    tokenmill: Callable, finished: Path, tmp_path: Path
) -> None:
    path = copy_input(finished, tmp_path)
    text = path.read_text()
    path.write_text(text + '[dedup]\ndecontaminate = ["none/*.jsonl"]\n')
    outcome = tokenmill("plan", path, "--json")
    check_error(outcome, 2, "dedup.decontaminate: no file matches")
    assert states(json.loads(outcome.out)) == ["to do", "refused", "not reached", "not reached"]
    path.write_text(text)
    shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "dedup")
    (tmp_path / "run" / "documents" / "part-00001.parquet").unlink()
    check_error(
        tokenmill("plan", path), 1, "a part of the documents is missing", "part-00001.parquet"
    )


@pytest.mark.parametrize(
    ("old", "new", "status", "part"),
    [
        ("input/books/**/*.txt", "input/boks/*.txt", 2, "no file matches"),
        ("seed = 3", "sede = 3", 2, "unknown key"),
        ("seed = 3", "seed = 3", 2, "--nonsense is not an option of Beam"),
    ],
)
def test_wrong_input_is_an_error_as_everywhere(
    tokenmill: Callable, tmp_path: Path, old: str, new: str, status: int, part: str
) -> None:
    path = write_corpus(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    check_error(
        tokenmill("plan", path, *(["--", "--nonsense"] if "nonsense" in part else [])), status, part
    )


def test_the_workers_are_those_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates so slow that more than one worker pays: each stage starts as many as its plan said just before."""
    path = write_corpus(tmp_path)
    works, estimates = (
        (documents, dedup, pretokens, shards),
        (documents_estimate, dedup_estimate, tokenizer_estimate, shards_estimate),
    )
    for module in (*works, *estimates):
        monkeypatch.setattr(module, "BYTES_PER_SECOND", 1000.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    asked: list[tuple[Work, int]] = []
    whole = RunnerSettings.processes

    def noted(self: RunnerSettings, work: Work) -> int:
        asked.append((work, whole(self, work)))
        return 1

    settings = RunnerSettings(workers=0, fork_server=expected_server())
    for stage in STAGES:
        expected = planned(path, settings)["stages"][stage.name]["workers"]
        with monkeypatch.context() as patch:
            patch.setattr(RunnerSettings, "processes", noted)
            asked.clear()
            run_stages(
                load_config(str(path)), settings, stages=[stage], progress=StageProgress(_quiet())
            )
        if asked:
            assert {number for _, number in asked} == {expected}, stage.name
            assert expected > 1


def _quiet() -> Any:
    from rich.console import Console

    return Console(quiet=True)


def test_another_runner_has_workers_of_its_own(tokenmill: Callable, finished: Path) -> None:
    path = finished.parent / "tokenmill.toml"
    path = path.with_name("other.toml")
    path.write_text(
        (finished.parent / "tokenmill.toml")
        .read_text()
        .replace('folder = "run"', 'folder = "none"')
    )
    values = json.loads(tokenmill("plan", path, "--json", "--", "--runner=FnApiRunner").out)
    path.unlink()
    stage = values["stages"]["documents"]
    assert stage["workers"] is stage["seconds"] is stage["memory_bytes"] is None
    assert stage["core_seconds"] >= 0
    assert values["dedup"]["memory_limit_bytes"] is None


def test_kinds_without_a_rate_are_said_to_be_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<rss><channel></channel></rss>")
    (tmp_path / "b.jsonl").write_text('{"text": "a"}\n' * 1000)
    path = tmp_path / "c.toml"
    path.write_text(
        'folder = "run"\n[sources.a]\nkind = "feed"\npaths = ["a.xml"]\n[sources.b]\nkind = "jsonl"\npaths = ["b.jsonl"]\n',
        encoding="utf-8",
    )
    values = planned(path)
    documents, learned = values["stages"]["documents"], values["stages"]["tokenizer"]
    assert documents["notes"] == ["no rate is known for kind 'feed': source 'a' is not counted"]
    assert documents["disk_bytes"] == pytest.approx(
        14_000 * (KINDS["jsonl"].rates[False].parts + 0.001), abs=1
    )
    assert learned["seconds"] is None
    assert values["stages"]["dedup"]["workers"] is None
    assert learned["notes"] == ["known when the documents are"]
    path.write_text(path.read_text().split("[sources.b]")[0])
    alone = planned(path)["stages"]["documents"]
    assert alone["seconds"] is alone["disk_bytes"] is None


def test_estimates_by_hand(tmp_path: Path) -> None:
    """Ten times a file that is twice a megabyte, for one and for two workers."""
    path = write_corpus(tmp_path, extra='[dedup]\nurls = "first"\n')
    config = load_config(str(path))
    rate = KINDS["jsonl"].rates[True]
    file = InputFile(source="news", path="x.jsonl.gz", origin="x.jsonl.gz", size=2_000_000)
    units = [DocumentsUnit(files=(file,), bytes=2_000_000)] * 10
    plan = DOCUMENTS.plan(config, Run(config.folder))
    plan.units[:] = units
    one, two = (
        estimate_documents(
            Survey(config=config, settings=RunnerSettings(workers=workers)), plan, units
        )
        for workers in (1, 2)
    )
    core = 2e7 / rate.bytes_per_second + 2e7 * rate.text / rates.FILTERED_BYTES_PER_SECOND
    assert one.core_seconds == two.core_seconds == pytest.approx(core)
    assert (one.workers, two.workers) == (1, 2)
    assert (one.seconds, two.seconds) == pytest.approx(
        (core + rates.START_SECONDS, core / 2 + rates.START_SECONDS)
    )
    assert one.disk_bytes == pytest.approx(2e7 * (rate.parts + rate.rejects))
    assert one.memory_bytes == rates.DRIVER_MEMORY + rates.INGEST_WORKER_MEMORY
    assert two.memory_bytes == rates.DRIVER_MEMORY + 2 * rates.INGEST_WORKER_MEMORY
    assert any("at most" in note for note in one.notes), "a quality filter and a language"

    volume = expected_volume(config, units)
    assert (volume.text, volume.parts, volume.documents) == (
        pytest.approx(2e7 * rate.text),
        pytest.approx(2e7 * rate.parts),
        None,
    )
    survey = Survey(config=config, settings=RunnerSettings(workers=2), volume=volume)
    found = estimate_dedup(survey)
    assert found.core_seconds == pytest.approx(
        2e7 * rate.parts / dedup.BYTES_PER_SECOND * (1 + rates.OPTION_TIMES["urls"])
    )
    assert found.disk_bytes is found.memory_bytes is None
    counted = estimate_tokenizer(survey)
    assert volume.text is not None
    table, measured = (
        volume.text * rates.PRETOKEN_BYTES_PER_BYTE,
        min(volume.text, config.tokenizer.measure_megabytes * 1e6),
    )
    alone = table / rates.LEARNED_BYTES_PER_SECOND + measured / rates.MEASURED_BYTES_PER_SECOND
    assert counted.core_seconds == pytest.approx(
        volume.text / rates.COUNTED_BYTES_PER_SECOND + alone
    )
    assert counted.seconds == pytest.approx(
        volume.text / rates.COUNTED_BYTES_PER_SECOND / 2 + alone + rates.START_SECONDS
    )
    packed = estimate_shards(
        replace(survey, settings=RunnerSettings(workers=1), kept=0.5, bytes_per_token=4.0),
        None,
        None,
    )
    assert packed.disk_bytes == pytest.approx(2e7 * rate.text * 0.5 / 4 * 2 * rates.SHARD_OVERHEAD)


def test_without_the_search_only_the_options_take_time(tmp_path: Path) -> None:
    path = write_corpus(tmp_path, extra="[dedup]\nenabled = false\nlines = true\n")
    values = planned(path)
    stage = values["stages"]["dedup"]
    assert values["dedup"] is None
    assert stage["disk_bytes"] == 0
    assert stage["core_seconds"] == pytest.approx(
        stage["input_bytes"] / dedup.BYTES_PER_SECOND * rates.OPTION_TIMES["lines"], abs=0.1
    )
    assert values["guards"]["lines"]
    assert not any("signature" in note or "on disk" in note for note in stage["notes"])


def test_memory_of_deduplication_follows_documents_and_limit(tmp_path: Path) -> None:
    """Measured (docs/dedup.md): 2 million documents in one pass 4.3 GB, ten million within 6 GB in six passes 5.0 GB."""
    path = write_corpus(tmp_path, extra='[dedup]\nmemory_limit = "6 GB"\n')
    config = load_config(str(path))

    def memory(documents: int) -> float:
        known = Volume(
            text=1.0,
            parts=1.0,
            documents=documents,
            units=max(documents // 100_000, 1),
            measured=True,
        )
        found = estimate_dedup(
            Survey(config=config, settings=RunnerSettings(workers=2), volume=known)
        ).memory_bytes
        assert found is not None
        return found

    volume = Volume(text=2e9, parts=8e8, documents=2_000_000, units=20, measured=True)
    seconds = estimate_dedup(
        Survey(config=config, settings=RunnerSettings(workers=2), volume=volume)
    ).seconds
    assert seconds == pytest.approx(
        rates.START_SECONDS + 8e8 / dedup.BYTES_PER_SECOND / 2 + 2e6 * rates.DEDUP_DRIVER_SECONDS
    )
    assert memory(1000) < 1e9
    assert memory(1000) <= memory(100_000) <= memory(2_000_000)
    assert 3.0e9 < memory(2_000_000) < 6.2e9
    assert 5.0e9 < memory(10_000_000) < 6.2e9


@pytest.mark.parametrize(
    "config",
    [
        DedupConfig(),
        DedupConfig(permutations=64, keep=("source:web", "newest", "longest"), jaccard=0.9),
    ],
)
def test_bytes_of_a_signature_are_those_on_disk(tmp_path: Path, config: DedupConfig) -> None:
    documents = 4000
    write_documents(
        tmp_path / "documents",
        [[f"document {number} and its {number} words" for number in range(documents)]],
    )
    sign_part(str(tmp_path / "documents"), str(tmp_path), 0, config)
    size = (tmp_path / "signatures-00000.parquet").stat().st_size
    assert size / documents == pytest.approx(signature_bytes(config), rel=0.02)


def test_a_plugin_leaves_nothing_behind(tokenmill: Callable, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from transforms.plugins import register_filter\n"
        "from transforms.filters.verdicts import Verdicts\n"
        "import pyarrow as pa, numpy as np\n"
        '@register_filter("anything")\n'
        "def anything(text: pa.Array, *, least: int = 0) -> Verdicts:\n"
        '    return Verdicts.where(np.ones(len(text), bool), rule="anything/no", value=np.zeros(len(text)), threshold=least)\n'
    )
    path = write_corpus(tmp_path)
    path.write_text(
        'plugins = ["./mine.py"]\n' + path.read_text().replace('"gopher"', '"gopher", "anything"')
    )
    before = tree(tmp_path)
    assert tokenmill("plan", path).status == 0
    assert tree(tmp_path) == before
