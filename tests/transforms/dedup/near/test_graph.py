"""From edges to choices and files, against a plain loop over all documents."""

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import slow_jaccard, slow_shingles
from transforms.arrays import empty_batch, to_batch
from transforms.contracts.dedup import DROP_SCHEMA
from transforms.contracts.names import CLUSTERS
from transforms.dedup.keep_order import Traits, order_keys
from transforms.dedup.near.graph import (
    choose_in_components,
    link_copies,
    sort_clusters,
    write_clusters,
    write_drops,
)
from transforms.dedup.near.schemas import edge_schema, exact_schema
from transforms.dedup.near.sign import exact_hashes
from transforms.dedup.settings import DedupConfig

_CONFIG = DedupConfig(jaccard=0.5, ngram=1)

texts_of = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4).map(" ".join),
    min_size=1,
    max_size=9,
)


def find_choices(texts: list[str], addresses: np.ndarray, cuts: int) -> list[dict]:
    """The result of the Beam steps, with the exact pairs in place of candidates; `cuts` batches."""
    column = pa.array(texts, pa.large_string())
    orders = _orders(texts, addresses)
    exact = [
        to_batch(
            exact_schema(_CONFIG),
            exact_hashes(column).take(rows),
            addresses[rows],
            orders.take(rows),
        )
        for rows in (pa.array(rows) for rows in np.array_split(np.arange(len(texts)), cuts))
    ]
    copies = link_copies(exact, _CONFIG)
    gone = set(copies["second"].to_pylist())
    rest = [index for index, address in enumerate(addresses.tolist()) if address not in gone]
    pairs = [
        (a, b, value)
        for a, b in itertools.combinations(rest, 2)
        if (value := slow_jaccard(slow_shingles(texts[a], 1), slow_shingles(texts[b], 1))) >= 0.5
    ]
    first, second = ([pair[index] for pair in pairs] for index in (0, 1))
    near = to_batch(
        edge_schema(_CONFIG),
        addresses[np.array(first, np.int64)],
        addresses[np.array(second, np.int64)],
        np.array([pair[2] for pair in pairs], np.float64),
        np.zeros(len(pairs), bool),
        orders.take(pa.array(first, pa.int64())),
        orders.take(pa.array(second, pa.int64())),
    )
    return choose_in_components([near, copies], _CONFIG).to_pylist()


def _orders(texts: list[str], addresses: np.ndarray) -> pa.Array:
    ids = pa.array([int(address).to_bytes(16, "big") for address in addresses], pa.binary(16))
    lengths = np.array([len(text) for text in texts], np.int64)
    none = pa.nulls(len(texts), pa.timestamp("s"))
    return order_keys(
        _CONFIG.keep,
        Traits(ids=ids, sources=pa.array(["x"] * len(texts)), characters=lengths, published=none),
    )


@given(texts_of, st.integers(1, 3), st.randoms())
def test_equals_a_plain_loop_in_any_order(texts: list[str], cuts: int, random):
    addresses = random.sample(range(50), len(texts))
    order = sorted(range(len(texts)), key=lambda index: (-len(texts[index]), addresses[index]))
    representative = {
        text: next(index for index in order if texts[index] == text) for text in texts
    }
    leaders = [index for index in order if representative[texts[index]] == index]
    sets = [slow_shingles(text, 1) for text in texts]
    kept: list[int] = []
    for index in leaders:
        if all(slow_jaccard(sets[index], sets[other]) < 0.5 for other in kept):
            kept.append(index)
    keeper: dict[int, tuple[int, float]] = {}
    for index in set(leaders) - set(kept):
        value, _, other = max(
            (slow_jaccard(sets[index], sets[other]), -order.index(other), other) for other in kept
        )
        keeper[index] = other, value
    for index in range(len(texts)):
        if representative[texts[index]] != index:
            keeper[index] = keeper.get(
                representative[texts[index]], (representative[texts[index]], 1.0)
            )
    choices = find_choices(texts, np.array(addresses, np.uint64), cuts)
    dropped = {
        row["member"]: (row["keeper"], row["similarity"])
        for row in choices
        if row["keeper"] != row["member"]
    }
    assert dropped == {
        addresses[index]: (addresses[other], value) for index, (other, value) in keeper.items()
    }
    assert {row["member"] for row in choices if row["copy"]} == {
        addresses[i] for i in range(len(texts)) if representative[texts[i]] != i
    }
    assert [(row["component"], row["member"]) for row in choices] == sorted(
        (row["component"], row["member"]) for row in choices
    )
    for component, rows in itertools.groupby(choices, key=lambda row: row["component"]):
        members = [row["member"] for row in rows]
        assert members[0] == component
        assert {row["size"] for row in choices if row["component"] == component} == {len(members)}


def test_files_do_not_depend_on_the_order_of_batches(tmp_path: Path):
    one = find_choices(["a b c", "a b c", "a b d"], np.array([4, 5, 6], np.uint64), 1)
    other = find_choices(["x y", "x y"], np.array([1, 9], np.uint64), 2)
    schema = choose_in_components([empty_batch(edge_schema(_CONFIG))], _CONFIG).schema
    batches = [pa.RecordBatch.from_pylist(rows, schema=schema) for rows in (one, other)]
    drops = [
        batch.filter(pa.compute.not_equal(batch["member"], batch["keeper"])) for batch in batches
    ]
    files = []
    for name, step in (("a", 1), ("b", -1)):
        folder = tmp_path / name
        folder.mkdir()
        assert write_drops(str(folder), 0, drops[::step]) == 3
        write_clusters(
            str(folder),
            [sort_clusters(batches[::step])],
            {"candidate_pairs": 3, "similar_pairs": 2},
        )
        files.append([(folder / file).read_bytes() for file in ("drops-00000.parquet", CLUSTERS)])
    assert files[0] == files[1]
    table = pq.read_table(tmp_path / "a" / "drops-00000.parquet")
    assert table.schema.equals(DROP_SCHEMA)
    assert table["row"].to_pylist() == sorted(table["row"].to_pylist())
