"""The Beam transform on small corpora: drops and files, which depend on the input only."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
import pytest
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.testing.util import assert_that, equal_to

from tests.transforms.dedup.small_corpora import (
    day,
    drop_duplicates,
    files_of,
    local_pipeline,
    slow_jaccard,
    slow_shingles,
    write_documents,
)
from transforms.arrays import to_batch
from transforms.beam.coders import RecordBatchCoder
from transforms.beam.components import ConnectedComponents
from transforms.beam.drop_duplicates import DropDuplicates, count_documents
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.dedup import CLUSTER_SCHEMA, DROP_SCHEMA
from transforms.contracts.plain import to_object
from transforms.dedup.near.exchange import Exchange
from transforms.dedup.near.schemas import FOREST_SCHEMA, PAIR_SCHEMA
from transforms.dedup.settings import DedupConfig
from transforms.dedup.summary import summarise
from transforms.errors import UserError

_WORDS = [f"word{number}" for number in range(100)]
_BASE = " ".join(_WORDS)
_NEAR = " ".join([*_WORDS[:-1], "other"])
_LONGER = " ".join([*_WORDS, "and", "more"])


def _texts(count: int) -> list[str]:
    return [" ".join(f"d{number}w{index}" for index in range(30)) for number in range(count)]


def _drops(out: Path, part: int) -> list[dict]:
    table = pq.read_table(out / f"drops-{part:05d}.parquet")
    assert table.schema.equals(DROP_SCHEMA)
    return table.to_pylist()


def _address(part: int, row: int) -> int:
    return pack_address(part, row)


def test_what_goes_and_for_whom(tmp_path: Path):
    """Keepers, similarities and rules of near-duplicates and of exact copies.

    0/1 is a near-duplicate of 1/0, which is longer; 0/2 is an exact copy of 0/1 and has the same
    similarity; 1/2 is a copy of 0/0.
    """
    unrelated = _texts(3)
    parts = [
        [unrelated[0], _BASE, _BASE.upper() + "\n"],
        [_LONGER, unrelated[1], " " + unrelated[0]],
        [],
    ]
    write_documents(tmp_path / "documents", parts)
    out = tmp_path / "out"
    drop_duplicates(tmp_path / "documents", out, DedupConfig(), parts=[2, 0, 1])

    near = slow_jaccard(slow_shingles(_BASE, 5), slow_shingles(_LONGER, 5))
    ids = {
        (part, row): one
        for part in (0, 1)
        for row, one in enumerate(_ids(tmp_path / "documents", part))
    }
    # Of 0/1 and 0/2 the one with the line feed is longer, so it represents both; of 0/0 and 1/2 the
    # one with the space.
    assert [
        (drop["row"], drop["rule"], drop["keeper"], round(drop["similarity"], 6))
        for drop in _drops(out, 0)
    ] == [
        (0, "dedup/exact", _address(1, 2), 1.0),
        (1, "dedup/exact", _address(1, 0), round(near, 6)),
        (2, "dedup/near", _address(1, 0), round(near, 6)),
    ]
    assert [(drop["id"], drop["keeper_id"]) for drop in _drops(out, 0)] == [
        (ids[0, 0], ids[1, 2]),
        (ids[0, 1], ids[1, 0]),
        (ids[0, 2], ids[1, 0]),
    ]
    assert _drops(out, 1) == []
    assert _drops(out, 2) == []
    clusters = pq.read_table(out / "clusters.parquet")
    assert clusters.schema.equals(CLUSTER_SCHEMA)
    assert [
        (row["component"], row["size"], row["member"], row["keeper"])
        for row in clusters.to_pylist()
    ] == [
        (_address(0, 0), 2, _address(0, 0), _address(1, 2)),
        (_address(0, 0), 2, _address(1, 2), _address(1, 2)),
        (_address(0, 1), 3, _address(0, 1), _address(1, 0)),
        (_address(0, 1), 3, _address(0, 2), _address(1, 0)),
        (_address(0, 1), 3, _address(1, 0), _address(1, 0)),
    ]
    assert to_object(summarise(str(out), str(tmp_path / "documents"))) == {
        "documents": 6,
        "kept": 3,
        "dropped": 3,
        "exact": 2,
        "near": 1,
        "sources": {"web": {"documents": 6, "kept": 3, "dropped": 3, "exact": 2, "near": 1}},
        "similarity": {"0.96": 2, "1.00": 1},
        "components": 2,
        "largest_component": 3,
        "candidate_pairs": 1,
        "similar_pairs": 1,
        "oversized_buckets": 0,
        "oversized_documents": 0,
        "skipped_pairs": 0,
    }
    assert sorted(files_of(out)) == [
        "clusters.parquet",
        *(f"{kind}-0000{part}.parquet" for kind in ("drops", "signatures") for part in (0, 1, 2)),
    ]


def _ids(documents: Path, part: int) -> list[bytes]:
    return pq.read_table(documents / f"part-{part:05d}.parquet", columns=["id"])["id"].to_pylist()


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        (("longest",), 2),
        (("shortest",), 1),
        (("newest",), 1),
        (("oldest",), 2),
        (("source:books", "longest"), 0),
        (("source:books", "oldest"), 0),
        (("quality",), 1),
        (("quality:language_score", "longest"), 1),
    ],
)
def test_keep_policies(tmp_path: Path, keep: tuple[str, ...], stays: int):
    documents = [
        {"text": _BASE, "source": "books", "published": day(1), "language_score": 0.5},
        {"text": _NEAR[:-2], "source": "web", "published": day(2), "language_score": 0.75},
        {"text": _LONGER, "source": "web", "published": day(0)},
    ]
    write_documents(tmp_path / "documents", [documents])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(keep=keep), parts=[0])
    assert {0, 1, 2} - {drop["row"] for drop in _drops(tmp_path / "out", 0)} == {stays}
    assert {drop["keeper"] for drop in _drops(tmp_path / "out", 0)} == {stays}


def test_drop_all(tmp_path: Path):
    """All documents with duplicates are dropped; a would-be keeper names its most similar one."""
    write_documents(tmp_path / "documents", [[_BASE, _BASE, _LONGER, *_texts(2), "one", "One"]])
    drop_duplicates(
        tmp_path / "documents", tmp_path / "out", DedupConfig(keep=("drop-all",)), parts=[0]
    )
    drops = _drops(tmp_path / "out", 0)
    assert [drop["row"] for drop in drops] == [0, 1, 2, 5, 6]
    assert [drop["rule"] for drop in drops] == [
        "dedup/exact",
        "dedup/exact",
        "dedup/near",
        "dedup/exact",
        "dedup/exact",
    ]
    assert {(drop["row"], drop["keeper"]) for drop in drops[3:]} == {(5, 6), (6, 5)}
    assert all(drop["row"] != drop["keeper"] for drop in drops)
    assert to_object(summarise(str(tmp_path / "out"), str(tmp_path / "documents")))["kept"] == 2


def test_a_column_that_is_not_there(tmp_path: Path):
    write_documents(tmp_path / "documents", [_texts(1)])
    for column, message in (
        ("grade", "'grade', which documents do not have"),
        ("url", "'url', which documents have as string, not as"),
    ):
        with pytest.raises(Exception, match=message):
            drop_duplicates(
                tmp_path / "documents",
                tmp_path / column,
                DedupConfig(keep=(f"quality:{column}",)),
                parts=[0],
            )


def test_contained_documents_go(tmp_path: Path):
    """A quotation of a third of a text is no near-duplicate by Jaccard, and goes by containment."""
    quotation = " ".join(_WORDS[:34])
    write_documents(tmp_path / "documents", [[_BASE, quotation, *_texts(2)]])
    for similarity, expected in (("jaccard", []), ("containment", [(1, 0, 1.0)])):
        config = DedupConfig(similarity=similarity, permutations=128, bands=64, rows=2)
        drop_duplicates(tmp_path / "documents", tmp_path / similarity, config, parts=[0])
        assert [
            (drop["row"], drop["keeper"], drop["similarity"])
            for drop in _drops(tmp_path / similarity, 0)
        ] == expected


def test_cheaper_verification(tmp_path: Path):
    """`signature` estimates, `none` takes all candidates; neither reads the documents again."""
    parts = [[_BASE, _LONGER], [" ".join([*_WORDS[:70], *_texts(1)[0].split()]), *_texts(3)]]
    write_documents(tmp_path / "documents", parts)
    found = {}
    for verify in ("exact", "signature", "none"):
        config = DedupConfig(verify=verify, permutations=256, bands=128, rows=2)
        drop_duplicates(tmp_path / "documents", tmp_path / verify, config, parts=[0, 1])
        drops = [drop for part in (0, 1) for drop in _drops(tmp_path / verify, part)]
        found[verify] = {drop["id"]: drop["similarity"] for drop in drops}
    assert found["exact"].keys() == found["signature"].keys()
    assert len(found["exact"]) == 1
    assert len(found["none"]) == 2
    for one, similarity in found["signature"].items():
        assert abs(similarity - found["exact"][one]) < 0.1
        assert similarity == found["none"][one]


def test_rounds_of_contraction_and_exact_passes_leave_no_trace(tmp_path: Path):
    texts = [
        *_texts(9),
        _BASE,
        _NEAR,
        *(" ".join([*_WORDS, *(["x"] * number)]) for number in range(12)),
        _LONGER,
        _BASE,
        _LONGER.upper(),
    ]
    write_documents(tmp_path / "documents", [texts[:13], texts[13:]])
    for rounds in (0, 1, 3):
        out = tmp_path / str(rounds)
        out.mkdir()
        with local_pipeline(1) as pipeline:
            exchange = Exchange(ranges=5, exact_passes=rounds + 1, rounds=rounds)
            _ = (
                pipeline
                | beam.Create([0, 1])
                | DropDuplicates(str(tmp_path / "documents"), str(out), DedupConfig(), exchange)
            )
    assert files_of(tmp_path / "0") == files_of(tmp_path / "1") == files_of(tmp_path / "3")
    assert to_object(summarise(str(tmp_path / "0"), str(tmp_path / "documents")))["dropped"] == 16


def test_nothing_alike_and_nothing_in_it(tmp_path: Path):
    """Texts without words match only if equal; a corpus without duplicates still gets all files."""
    write_documents(tmp_path / "documents", [["", "...", "!!!", *_texts(2)], []])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=[0, 1])
    assert _drops(tmp_path / "out", 0) == _drops(tmp_path / "out", 1) == []
    summary = to_object(summarise(str(tmp_path / "out"), str(tmp_path / "documents")))
    assert (
        summary["documents"],
        summary["dropped"],
        summary["components"],
        summary["largest_component"],
    ) == (5, 0, 0, 0)


def test_short_and_empty_copies(tmp_path: Path):
    write_documents(tmp_path / "documents", [["one", "", "One ", " ", "two three"]])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=[0])
    assert [
        (drop["row"], drop["keeper"], drop["rule"]) for drop in _drops(tmp_path / "out", 0)
    ] == [
        (0, 2, "dedup/exact"),
        (1, 3, "dedup/exact"),
    ]


def test_oversized_bucket_is_counted_and_kept_honest(tmp_path: Path):
    """Forty near-copies in buckets of at most four: hub and chain match all with the first."""
    texts = [
        " ".join([*_WORDS, *(f"tail{number}x{index}" for index in range(2))])
        for number in range(40)
    ]
    write_documents(tmp_path / "documents", [texts[:20], texts[20:]])
    drop_duplicates(
        tmp_path / "documents", tmp_path / "out", DedupConfig(bucket_limit=4), parts=[0, 1]
    )
    summary = to_object(summarise(str(tmp_path / "out"), str(tmp_path / "documents")))
    assert summary["oversized_buckets"] > 0
    assert summary["oversized_documents"] > 4 * summary["oversized_buckets"]
    assert summary["skipped_pairs"] > 0
    assert summary["candidate_pairs"] < 40 * 39 // 2
    assert summary["components"] == 1
    for part in (0, 1):
        for drop in _drops(tmp_path / "out", part):
            part, row = unpack_address(drop["keeper"])
            keeper = texts[20 * part + row]
            assert (
                slow_jaccard(
                    slow_shingles(texts[20 * part + drop["row"]], 5), slow_shingles(keeper, 5)
                )
                >= 0.8
            )


def test_same_bytes_whatever_the_order_workers_ranges_and_passes(tmp_path: Path):
    alike = [
        " ".join([*_texts(30)[29].split() * 3, *(f"x{number}y{index}" for index in range(3))])
        for number in range(8)
    ]
    texts = [*_texts(20), _BASE, _NEAR, *alike, _LONGER, _BASE, *_texts(6)]
    write_documents(tmp_path / "documents", [texts[:9], texts[9:21], texts[21:24], texts[24:]])
    cases = (
        (0, 0, 1, [0, 1, 2, 3]),
        (4, 1, 1, [3, 1, 0, 2]),
        (64, 7, 1, [2, 3, 1, 0]),
        (4, 7, 2, [1, 2, 3, 0]),
    )
    for number, (ranges, passes, workers, parts) in enumerate(cases):
        config = DedupConfig(ranges=ranges, passes=passes, bucket_limit=3)
        drop_duplicates(
            tmp_path / "documents", tmp_path / str(number), config, parts=parts, workers=workers
        )
    one, *others = (files_of(tmp_path / str(number)) for number in range(len(cases)))
    assert all(other == one for other in others)
    summary = to_object(summarise(str(tmp_path / "0"), str(tmp_path / "documents")))
    assert summary["dropped"] == 9 + 7
    assert summary["oversized_buckets"] > 0


def test_same_documents_stay_whatever_order_files_came_in(tmp_path: Path):
    """The order of files affects addresses only.

    Hubs of oversized buckets follow the keep order, ties the ids.
    """
    alike = [
        " ".join([*_WORDS, *(f"tail{number}x{index}" for index in range(number % 5))])
        for number in range(40)
    ]
    rows = [
        {"text": text, "locator": str(number)}
        for number, text in enumerate([*_texts(5), *alike, _NEAR, _LONGER])
    ]
    found = []
    for name, order in (("a", rows), ("b", rows[::-1]), ("c", rows[20:] + rows[:20])):
        write_documents(tmp_path / f"documents-{name}", [order[:15], order[15:]])
        drop_duplicates(
            tmp_path / f"documents-{name}",
            tmp_path / name,
            DedupConfig(bucket_limit=4),
            parts=[0, 1],
        )
        drops = [drop for part in (0, 1) for drop in _drops(tmp_path / name, part)]
        found.append(
            sorted(
                (drop["id"], drop["rule"], drop["keeper_id"], drop["similarity"]) for drop in drops
            )
        )
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 30


def test_resumes_from_signatures_and_leftovers(tmp_path: Path):
    write_documents(tmp_path / "documents", [[*_texts(3), _BASE], [_LONGER, *_texts(2)]])
    out = tmp_path / "out"
    drop_duplicates(tmp_path / "documents", out, DedupConfig(), parts=[0, 1])
    whole = files_of(out)
    signed = (out / "signatures-00000.parquet").stat().st_ino
    for name in ("signatures-00001.parquet", "drops-00000.parquet", "clusters.parquet"):
        (out / name).unlink()
    (out / "work").mkdir()
    (out / "work" / "sets-00000.arrow").write_bytes(b"cut off")
    drop_duplicates(tmp_path / "documents", out, DedupConfig(), parts=[0, 1])
    assert files_of(out) == whole
    assert (out / "signatures-00000.parquet").stat().st_ino == signed


def test_names_of_the_committed_files(tmp_path: Path):
    write_documents(tmp_path / "documents", [_texts(2), _texts(2)])
    out = tmp_path / "out"
    out.mkdir()
    with local_pipeline(1) as pipeline:
        names = (
            pipeline
            | beam.Create([0, 1])
            | DropDuplicates(str(tmp_path / "documents"), str(out), DedupConfig())
        )
        assert_that(
            names,
            equal_to(
                [
                    str(out / name)
                    for name in ("clusters.parquet", "drops-00000.parquet", "drops-00001.parquet")
                ]
            ),
        )


def test_documents_are_counted_from_footers(tmp_path: Path):
    write_documents(tmp_path, [_texts(50), [], _texts(7)])
    assert count_documents(str(tmp_path)) == 57


def test_batches_cross_as_arrow(tmp_path: Path):
    """Collections of batches have an element type with the registered coder; none uses pickle."""
    types: dict[str, object] = {}

    class Collect(PipelineVisitor):
        def visit_transform(self, node: AppliedPTransform) -> None:
            for tag, output in node.outputs.items():
                types[f"{node.full_label}[{tag}]"] = output.element_type

    pipeline = local_pipeline(1)
    exchange = Exchange(ranges=2, passes=2, exact_passes=2, rounds=1)
    _ = (
        pipeline
        | beam.Create([0])
        | DropDuplicates(str(tmp_path), str(tmp_path), DedupConfig(), exchange)
    )
    pipeline.visit(Collect())
    ours = {
        label: str(kind) for label, kind in types.items() if label.startswith("DropDuplicates/")
    }
    # The sum of counts is the only untyped collection: its elements are pairs of a name and an int.
    assert [label for label, kind in ours.items() if "Any" in kind] == [
        "DropDuplicates/Write/CombinePerKey(sum)/Combine/ParDo(CombineValuesDoFn)[None]"
    ]
    batches = {label: kind for label, kind in types.items() if "RecordBatch" in str(kind)}
    assert len(batches) > 20
    for label, kind in batches.items():
        assert RecordBatchCoder.__name__ in str(beam.coders.registry.get_coder(kind)), label
    assert (
        ours["DropDuplicates/Band/Pair/Emit 1 of 2[None]"]
        == "Tuple[Tuple[<class 'int'>, <class 'int'>], <class 'bytes'>]"
    )
    assert ours["DropDuplicates/Write/Names[None]"] == "<class 'str'>"


def test_components_by_combine():
    """The combine gives the same forest for any grouping of its inputs."""
    addresses = pack_address(1, np.arange(6))
    batches = [
        to_batch(PAIR_SCHEMA, addresses[[first]], addresses[[second]])
        for first, second in ((4, 3), (0, 1), (1, 2), (3, 5))
    ]
    combine = ConnectedComponents()
    accumulators = [combine.add_input(combine.create_accumulator(), batch) for batch in batches]
    merged = combine.extract_output(
        combine.merge_accumulators(
            [accumulators[2], accumulators[0], combine.create_accumulator(), *accumulators[1::2]]
        )
    )
    one = combine.create_accumulator()
    for batch in batches:
        one = combine.add_input(one, batch)
    assert (
        merged
        == combine.extract_output(combine.compact(one))
        == to_batch(FOREST_SCHEMA, addresses, addresses[[0, 0, 0, 3, 3, 3]])
    )


def test_other_settings_in_the_way(tmp_path: Path):
    write_documents(tmp_path / "documents", [_texts(2)])
    drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(), parts=[0])
    with pytest.raises(Exception, match="made with seed = 1, not 2") as error:
        drop_duplicates(tmp_path / "documents", tmp_path / "out", DedupConfig(seed=2), parts=[0])
    assert UserError.__name__ in str(error.value) or isinstance(error.value, UserError)
