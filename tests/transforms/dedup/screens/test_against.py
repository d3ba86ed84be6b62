"""Documents kept by earlier runs: exact and near matches, their keepers, and wrong settings."""

import itertools
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import (
    drop_duplicates,
    files_of,
    local_pipeline,
    slow_jaccard,
    slow_shingles,
    write_documents,
)
from transforms.beam.screen_against import ScreenAgainst
from transforms.contracts.addresses import pack_address
from transforms.contracts.manifest import FileEntry, Manifest, write_manifest
from transforms.dedup.screens.earlier_pairs import cross_pairs, read_oversized
from transforms.dedup.screens.earlier_runs import OWN, EarlierRun, open_runs
from transforms.dedup.screens.screened import screened_drops
from transforms.dedup.settings import DedupConfig
from transforms.errors import ConfigError, UserError

_WORDS = [f"word{number}" for number in range(100)]
_BASE = " ".join(_WORDS)
_NEAR = " ".join([*_WORDS[:-1], "other"])
_HALF = " ".join([*_WORDS[:60], *(f"end{number}" for number in range(40))])


def _manifest(folder: Path, stage: str, fingerprint: str, upstream: str = "") -> None:
    files = {
        path.name: FileEntry(rows=pq.read_metadata(path).num_rows, bytes=0, sha256="")
        for path in folder.glob("*.parquet")
    }
    values = {
        "configuration": {},
        "counters": {},
        "versions": {},
        "seconds": 0.0,
        "cpu_seconds": 0.0,
    }
    write_manifest(
        str(folder),
        Manifest(stage=stage, fingerprint=fingerprint, upstream=upstream, files=files, **values),
    )


def _earlier(folder: Path, parts: list, config: DedupConfig | None = None) -> Path:
    """A run of which documents and dedup are finished."""
    write_documents(folder / "documents", parts)
    drop_duplicates(
        folder / "documents",
        folder / "dedup",
        config or DedupConfig(),
        parts=list(range(len(parts))),
    )
    _manifest(folder / "documents", "documents", "d" + folder.name)
    _manifest(folder / "dedup", "dedup", "f" + folder.name, "d" + folder.name)
    return folder


def _screen(
    tmp_path: Path,
    out: Path,
    runs: list[EarlierRun],
    *,
    parts: list[int],
    ranges: int = 2,
    passes: int = 1,
    config: DedupConfig,
) -> list[list[dict]]:
    (out / "screened").mkdir(parents=True)
    with local_pipeline(1) as pipeline:
        _ = (
            pipeline
            | beam.Create(parts, reshuffle=False)
            | ScreenAgainst(str(tmp_path / "documents"), str(out), config, runs, ranges, passes)
        )
    return [
        screened_drops(str(out), part, config, screens=("against",)).to_pylist()
        for part in sorted(parts)
    ]


def _ids(documents: Path, part: int) -> list[bytes]:
    return pq.read_table(documents / f"part-{part:05d}.parquet", columns=["id"])["id"].to_pylist()


def test_exact_and_near_matches_go_and_name_run_and_document(tmp_path: Path):
    """Dropped documents of earlier runs do not match; the most similar wins, then the first run."""
    one = _earlier(tmp_path / "one", [["alone here", _HALF], [_BASE, _BASE + " "]])
    two = _earlier(tmp_path / "two", [["...", _BASE, "unrelated words in this text"]])
    parts = [
        [_BASE.upper(), _NEAR, "nothing like it at all"],
        ["...", " ".join([*_WORDS, "and"]), _HALF],
        [],
    ]
    write_documents(tmp_path / "documents", parts)
    config = DedupConfig(against=(str(one), str(two)))
    runs = open_runs(config.against, config, own=str(tmp_path))
    assert [(run.name, run.kept, run.parts, run.documents is not None) for run in runs] == [
        ("one", 3, (0, 1), True),
        ("two", 3, (0,), True),
    ]
    found = _screen(tmp_path, tmp_path / "out", runs, parts=[0, 1, 2], config=config)
    kept = [
        row
        for row in (0, 1)
        if row not in pq.read_table(one / "dedup" / "drops-00001.parquet")["row"].to_pylist()
    ]
    keeper = pack_address(1, kept[0])
    near = round(slow_jaccard(slow_shingles(_NEAR, 5), slow_shingles(_BASE, 5)), 6)
    more = round(slow_jaccard(slow_shingles(_BASE + " and", 5), slow_shingles(_BASE, 5)), 6)
    assert [
        [(row["row"], row["keeper"], row["other"], round(row["similarity"], 6)) for row in rows]
        for rows in found
    ] == [
        [(0, keeper, "one", 1.0), (1, keeper, "one", near)],
        [(0, 0, "two", 1.0), (1, keeper, "one", more), (2, 1, "one", 1.0)],
        [],
    ]
    assert {row["keeper_id"] for row in found[0]} == {_ids(one / "documents", 1)[kept[0]]}
    assert [row["id"] for row in found[1]] == _ids(tmp_path / "documents", 1)
    assert {row["rule"] for rows in found for row in rows} == {"dedup/against"}
    drop_duplicates(tmp_path / "documents", tmp_path / "out", config, parts=[0, 1, 2])
    assert [
        pq.read_metadata(tmp_path / "out" / f"drops-0000{part}.parquet").num_rows
        for part in (0, 1, 2)
    ] == [2, 3, 0]


def test_without_its_documents_a_run_is_compared_by_signatures(tmp_path: Path):
    one = _earlier(tmp_path / "one", [[_BASE, "alone"]])
    (one / "documents" / "manifest.json").unlink()
    write_documents(tmp_path / "documents", [[_NEAR, _HALF, _BASE]])
    config = DedupConfig(against=(str(one),))
    runs = open_runs(config.against, config, own="x")
    assert runs[0].documents is None
    (rows,) = _screen(tmp_path, tmp_path / "out", runs, parts=[0], config=config)
    assert [row["row"] for row in rows] == [0, 2]
    assert rows[0]["similarity"] == pytest.approx(
        slow_jaccard(slow_shingles(_NEAR, 5), slow_shingles(_BASE, 5)), abs=0.15
    )
    assert rows[0]["similarity"] * 126 == pytest.approx(
        round(rows[0]["similarity"] * 126), abs=1e-3
    )


def test_same_bytes_whatever_the_ranges_passes_and_the_order_of_parts(tmp_path: Path):
    texts = [" ".join(f"d{number}w{index}" for index in range(30)) for number in range(20)]
    runs = [_earlier(tmp_path / name, [texts[:9], texts[5:15]]) for name in ("one", "two")]
    write_documents(
        tmp_path / "documents", [[text + " more" for text in texts[:7]], texts[7:18], texts[18:]]
    )
    config = DedupConfig(against=tuple(map(str, runs)))
    opened = open_runs(config.against, config, own="x")
    for ranges, passes, parts in zip(
        (1, 2, 16), (1, 7, 2), itertools.permutations([0, 1, 2]), strict=False
    ):
        found = _screen(
            tmp_path,
            tmp_path / str(ranges),
            opened,
            parts=list(parts),
            ranges=ranges,
            passes=passes,
            config=config,
        )
        assert [len(rows) for rows in found] == [7, 8, 0]
        for name in (
            path
            for path in (tmp_path / str(ranges) / "screened").iterdir()
            if not path.name.startswith("against-0")
        ):
            name.unlink()
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2") == files_of(tmp_path / "16")


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(OWN, 1), st.integers(0, 30)),
        unique=True,
        max_size=25,
    ),
    st.integers(2, 4),
)
def test_pairs_equal_a_plain_loop(rows: list[tuple[int, int, int]], limit: int):
    kinds = (np.uint64, np.int32, np.uint64)
    hashes, runs, addresses = (
        np.array([row[index] for row in rows], kind) for index, kind in enumerate(kinds)
    )
    expected, oversized = [], 0
    for value in {row[0] for row in rows}:
        own = [row[2] for row in rows if row[:2] == (value, OWN)]
        others = sorted(row[1:] for row in rows if row[0] == value and row[1] != OWN)
        oversized += bool(own) and len(others) > limit
        expected += [(run, address, other) for address in own for run, other in others[:limit]]
    pairs, counted = cross_pairs(hashes, runs, addresses, limit=limit)
    assert sorted(
        zip(*(pairs.column(name).to_pylist() for name in ("run", "own", "other")), strict=True)
    ) == sorted(expected)
    assert counted == oversized


def test_oversized_buckets_are_counted(tmp_path: Path):
    near = [" ".join([*_WORDS, f"tail{number}", f"t{number}"]) for number in range(6)]
    one = _earlier(tmp_path / "one", [near], DedupConfig(jaccard=1.0))
    write_documents(tmp_path / "documents", [[_BASE]])
    config = DedupConfig(against=(str(one),), bucket_limit=2)
    (rows,) = _screen(
        tmp_path,
        tmp_path / "out",
        open_runs(config.against, config, own="x"),
        parts=[0],
        config=config,
    )
    assert len(rows) == 1
    assert read_oversized(str(tmp_path / "out")) > 0


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (DedupConfig(seed=2), r"the run 'one' was made with seed = 2, this one has 1"),
        (DedupConfig(ngram=4), r"the run 'one' was made with ngram = 4, this one has 5"),
        (
            DedupConfig(permutations=130),
            r"the run 'one' was made with permutations = 130, this one has 126",
        ),
        (
            DedupConfig(unit="characters"),
            r"the run 'one' was made with unit = characters, this one has words",
        ),
    ],
)
def test_other_settings_are_refused_and_named(tmp_path: Path, other: DedupConfig, what: str):
    one = _earlier(tmp_path / "one", [[_BASE]], other)
    with pytest.raises(ConfigError, match=what):
        open_runs((str(one),), DedupConfig(), own="x")


def test_the_keep_policy_and_the_division_into_bands_may_differ(tmp_path: Path):
    one = _earlier(tmp_path / "one", [[_BASE]], DedupConfig(keep=("shortest",), bands=14, rows=9))
    assert open_runs((str(one),), DedupConfig(), own="x")[0].kept == 1


def test_a_run_that_is_not_finished_is_this_one_or_has_no_signatures(tmp_path: Path):
    with pytest.raises(UserError, match="not finished"):
        open_runs((str(tmp_path / "absent"),), DedupConfig(), own="x")
    one = _earlier(tmp_path / "one", [[_BASE]])
    with pytest.raises(ConfigError, match="names this run itself"):
        open_runs((str(one) + "/",), DedupConfig(), own=str(one))
    (one / "dedup" / "signatures-00000.parquet").unlink()
    _manifest(one / "dedup", "dedup", "f")
    with pytest.raises(ConfigError, match="has no signatures"):
        open_runs((str(one),), DedupConfig(), own="x")
