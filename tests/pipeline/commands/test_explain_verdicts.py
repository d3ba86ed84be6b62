"""`tokenmill explain` in rare cases: chains and cycles of drops, keepers without an address."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from pipeline.commands.explain.dedup import explain_dedup
from pipeline.commands.explain.explained import ExplainedDocument, ExplainedMatches, InNoShard
from pipeline.commands.explain.inputs import InputState
from pipeline.commands.explain.outcomes import (
    NowKept,
    OtherColumns,
    Outcome,
    ReadAgainOutcome,
    RejectedAgain,
)
from pipeline.commands.explain.tables import print_explanation
from pipeline.commands.explain.verdicts import DedupVerdict, KnownBy
from pipeline.run.folder import Run
from transforms.contracts.dedup import DROP_SCHEMA
from transforms.contracts.names import DROPS
from transforms.contracts.plain import JsonObject, to_object

ID = bytes(range(16))


def drop(
    row: int,
    rule: str,
    *,
    keeper: int | None = None,
    known: bool = True,
    similarity: float | None = None,
    other: str | None = None,
):
    keeper_id = ID if known else None
    return {
        "row": row,
        "id": ID,
        "rule": rule,
        "keeper": keeper,
        "keeper_id": keeper_id,
        "similarity": similarity,
        "other": other,
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Drops of rows 0 to 7 of a part.

    0 in favour of 1, 1 of 2, 2 of a document of run-1; 3 and 4 of each other; 7 of 8, which is
    kept. 5 and 6 match a run and an evaluation set, and no address is known.
    """
    (tmp_path / "dedup").mkdir()
    drops = [
        drop(0, "dedup/exact", keeper=1, similarity=1.0),
        drop(1, "dedup/url", keeper=2),
        drop(2, "dedup/against", keeper=1 << 32 | 7, similarity=0.5, other="run-1"),
        drop(3, "dedup/near", keeper=4, similarity=0.75),
        drop(4, "dedup/near", keeper=3, similarity=0.75),
        drop(5, "dedup/against", other="run-1"),
        drop(6, "dedup/contaminated", known=False, other="riddles"),
        drop(7, "dedup/near", keeper=8, similarity=0.25),
    ]
    pq.write_table(
        pa.Table.from_pylist(drops, schema=DROP_SCHEMA), DROPS.path(str(tmp_path / "dedup"), 0)
    )
    return Run(str(tmp_path))


def verdict_on(run: Run, row: int) -> DedupVerdict:
    known_by = KnownBy(
        source="web", origin="a.jsonl", locator="0", url="http://a.org/", excerpt="text"
    )
    return explain_dedup(run, row, text="text", group=None, describe=lambda address: known_by)


def explained(
    dedup: DedupVerdict | None = None, shards: InNoShard | None = None
) -> ExplainedDocument:
    return ExplainedDocument(
        fate="kept",
        row="part-00000.parquet:0",
        id=ID.hex(),
        source="web",
        source_kind="jsonl",
        origin="a.jsonl",
        input=InputState(path="a.jsonl", bytes=4, state="there"),
        locator="0",
        locator_meaning="byte offset",
        url=None,
        document="0:0",
        title=None,
        published=None,
        language="en",
        language_score=0.5,
        declared_language=None,
        truncated=None,
        kept=None,
        filters=(),
        characters=4,
        excerpt="text",
        dedup=dedup,
        shards=shards,
        not_done=(),
    )


def printed(document: ExplainedDocument) -> str:
    file = io.StringIO()
    print_explanation(
        Console(file=file, width=200), ExplainedMatches(path="run", found=(document,))
    )
    return file.getvalue()


def keeper(document: str | None, **more: object) -> JsonObject:
    known_by = (
        {
            "source": "web",
            "origin": "a.jsonl",
            "locator": "0",
            "url": "http://a.org/",
            "excerpt": "text",
        }
        if more.pop("here")
        else {}
    )
    return {"document": document, "id": ID.hex(), **known_by, **more}


def test_a_chain_of_drops_is_followed_to_its_end_and_keeps_its_nulls(run: Run) -> None:
    last = {
        "verdict": "dropped",
        "rule": "dedup/against",
        "similarity": 0.5,
        "other": "run-1",
        "keeper": keeper("1:7", here=False),
    }
    then = {
        "verdict": "dropped",
        "rule": "dedup/url",
        "similarity": None,
        "other": None,
        "keeper": keeper("0:2", here=True, then=last),
    }
    first = {
        "verdict": "dropped",
        "rule": "dedup/exact",
        "similarity": 1.0,
        "keeper": keeper("0:1", here=True, then=then),
    }
    dedup = verdict_on(run, 0)
    assert to_object(dedup) == first
    text = printed(explained(dedup))
    for line in (
        "duplicates  dropped by dedup/exact (similarity 1) in favour of 0:1",
        "dropped by dedup/url in favour of 0:2",
        "dropped by dedup/against (similarity 0.5) in favour of 1:7 of run-1",
    ):
        assert line in text
    assert "which is kept" not in text


def test_a_chain_ends_at_the_document_that_is_kept(run: Run) -> None:
    dedup = verdict_on(run, 7)
    assert to_object(dedup)["keeper"] == keeper("0:8", here=True, then={"verdict": "kept"})
    assert "which is kept" in printed(explained(dedup))


def test_a_cycle_of_drops_ends_where_it_began(run: Run) -> None:
    then = {
        "verdict": "dropped",
        "rule": "dedup/near",
        "similarity": 0.75,
        "other": None,
        "keeper": keeper("0:3", here=True),
    }
    assert to_object(verdict_on(run, 3)) == {
        "verdict": "dropped",
        "rule": "dedup/near",
        "similarity": 0.75,
        "keeper": keeper("0:4", here=True, then=then),
    }


def test_keepers_without_an_address(run: Run) -> None:
    elsewhere = verdict_on(run, 5)
    assert to_object(elsewhere)["keeper"] == {"document": None, "id": ID.hex()}
    assert "dropped by dedup/against in favour of a document of run-1" in printed(
        explained(elsewhere)
    )
    contaminated = verdict_on(run, 6)
    assert "keeper" not in to_object(contaminated)
    assert "dropped by dedup/contaminated, matches riddles" in printed(explained(contaminated))


def test_a_kept_document_that_is_in_no_shard(run: Run) -> None:
    dedup = verdict_on(run, 8)
    missing = explained(dedup, InNoShard())
    assert to_object(missing)["shards"] is None
    assert "none, though it was kept" in printed(missing)
    assert "shards" not in to_object(explained(dedup))
    assert to_object(explained(dedup))["dedup"] == {"verdict": "kept"}
    assert "kept; no duplicates" in printed(missing)


@pytest.mark.parametrize(
    ("outcome", "values", "line"),
    [
        (
            NowKept(why="it would be a document now", text="t"),
            {"state": "kept", "text": "t"},
            "kept: it would be a document now",
        ),
        (
            OtherColumns(columns=("url", "title")),
            {"state": "differs", "columns": ["url", "title"]},
            "differs: url, title",
        ),
        (
            RejectedAgain(
                state="differs",
                stage="quality",
                rule="a/b",
                value=None,
                threshold=None,
                detail=None,
                text=None,
            ),
            {"state": "differs", "value": None, "threshold": None, "detail": None, "text": None},
            "differs: a/b None",
        ),
    ],
)
def test_outcomes_of_reading_again(outcome: Outcome, values: JsonObject, line: str) -> None:
    written = to_object(ReadAgainOutcome(outcome=outcome, notes=("pyarrow was 1, is 2",)))
    assert values.items() <= written.items()
    assert written["notes"] == ["pyarrow was 1, is 2"]
    assert outcome.line == line
