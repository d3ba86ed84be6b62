"""`tokenmill explain` and `verify` on a run with every part of deduplication: URLs, lines, evaluation texts, an earlier run."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.commands.explain.explain import explain_id, explain_url
from pipeline.commands.verify.verify import verify_run
from pipeline.run.folder import Run
from tests.bench.explain import resolve_rows
from tests.pipeline.commands.test_verify import Damage, rewrite, wrong_checks
from tests.pipeline.stages.test_dedup_options import both  # noqa: F401  a fixture
from transforms.contracts.plain import to_object


@pytest.mark.parametrize(
    ("url", "fates"),
    [
        ("https://a.org/x", ["in the shards", "dropped"]),
        ("http://a.org/8#top", ["in the shards"]),
        ("http://www.a.org/0?utm_source=mail", ["dropped"]),
    ],
)
def test_a_url_is_found_however_it_is_spelled(both: Path, url: str, fates: list[str]) -> None:
    explained = explain_url(Run(str(both.parent / "run")), url).found
    assert sorted(row.fate for row in explained) == sorted(fates)


def _in_json(folder: Path, id: str) -> dict:
    return to_object(explain_id(Run(str(folder)), id).found[0])


def verdicts(folder: Path) -> dict[str, dict]:
    """By rule, what is said in JSON of the first document that it dropped; under `lines` of one that lost lines."""
    found = {}
    for path in sorted(folder.glob("dedup/drops-*.parquet")):
        for drop in pq.read_table(path).to_pylist():
            found.setdefault(drop["rule"], _in_json(folder, drop["id"].hex()))
    for path in sorted(folder.glob("dedup/lines-*.parquet")):
        for entry in pq.read_table(path).to_pylist():
            found.setdefault("lines", _in_json(folder, entry["id"].hex()))
    return found


def test_every_rule_of_deduplication_is_told(tokenmill: Callable, both: Path) -> None:
    folder = both.parent / "run"
    found = verdicts(folder)
    assert set(found) == {
        "dedup/exact",
        "dedup/url",
        "dedup/against",
        "dedup/contaminated",
        "lines",
    }
    for rule in set(found) - {"lines"}:
        assert found[rule]["fate"] == "dropped"
        assert found[rule]["dedup"]["rule"] == rule
        assert "shards" not in found[rule]
    exact = found["dedup/exact"]["dedup"]
    assert exact["similarity"] == 1.0
    assert exact["keeper"]["then"] == {"verdict": "kept"}
    assert exact["keeper"]["url"].startswith("http://a.org/")
    assert exact["group"]["documents"] == 2
    assert found["dedup/against"]["dedup"]["other"] == "run-1"
    assert found["dedup/contaminated"]["dedup"]["evaluation_texts"][0]["set"] == "riddles"
    assert found["lines"]["dedup"]["lines"] == [
        {"line": 0, "text": "Home | Contact the editors of this page"}
    ]
    printed = tokenmill("explain", folder, "--id", found["dedup/exact"]["id"]).out
    assert re.search(r"dropped by dedup/exact \(similarity 1\) in favour of \d+:\d+", printed)
    assert "which is kept" in printed
    keeper = _in_json(folder, exact["keeper"]["id"])["dedup"]
    assert (keeper["verdict"], keeper["group"]["went_for_it"]) == ("kept", 1)
    assert keeper["group"]["went"][0]["document"] == found["dedup/exact"]["document"]
    assert "0: Home | Contact" in tokenmill("explain", folder, "--id", found["lines"]["id"]).out


def test_the_stretches_of_a_document_that_lost_lines_are_without_them(both: Path) -> None:
    found = resolve_rows(Run(str(both.parent / "run")), 1000, seed=1)
    assert found.right, found.examples


def test_what_is_not_there_is_said_and_is_1(tokenmill: Callable, both: Path) -> None:
    folder = both.parent / "run"
    outcome = tokenmill("explain", folder, "--url", "http://a.org/100")
    assert outcome.status == 1
    assert "no document and no reject" in outcome.out
    assert "near" in outcome.out
    assert "http://a.org/10" in outcome.out
    assert tokenmill("explain", folder, "--id", "0" * 32).status == 1
    values = tokenmill("explain", folder, "--url", "http://nowhere.example/", "--json")
    assert (values.status, json.loads(values.out)["found"], json.loads(values.out)["near"]) == (
        1,
        [],
        [],
    )


def test_the_whole_is_right(both: Path) -> None:
    values = to_object(verify_run(Run(str(both.parent / "run"))))
    assert values["right"], values
    assert (
        next(check for check in values["checks"] if check["check"] == "dedup: removed lines")[
            "checked"
        ]
        == "26 documents that lost lines"
    )


def other_line(rows: list[dict]) -> None:
    rows[0]["lines"] = [5000]


def fewer_characters(rows: list[dict]) -> None:
    rows[0]["characters"] += 1


def another_row(rows: list[dict]) -> None:
    rows[0]["row"] = 4000


def less_similar(rows: list[dict]) -> None:
    next(row for row in rows if row["rule"] == "dedup/against")["similarity"] = 0.2


@pytest.mark.parametrize(
    ("pattern", "edit", "check", "part"),
    [
        ("lines-*", other_line, "dedup: removed lines", "these are not lines of document"),
        ("lines-*", fewer_characters, "dedup: removed lines", "these are not lines of document"),
        ("lines-*", another_row, "dedup: removed lines", "no such document"),
        ("drops-*", less_similar, "dedup: drops and keepers", "less similar than 0.8: "),
    ],
)
def test_damage_to_it_is_found(
    both: Path, tmp_path: Path, pattern: str, edit: Damage, check: str, part: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(both.parent / "run", folder)
    rule = "dedup/against" if pattern == "drops-*" else None
    path = next(
        path
        for path in sorted(folder.glob(f"dedup/{pattern}"))
        if rule is None or rule in pq.read_table(path)["rule"].to_pylist()
    )
    rewrite(path, edit)
    assert part in wrong_checks(folder)[check]
