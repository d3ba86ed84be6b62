"""Signing a part, and reading its candidates again."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import slow_jaccard, slow_shingles, write_documents
from transforms import storage
from transforms.arrays import gather
from transforms.contracts.addresses import pack_address
from transforms.contracts.names import SIGNATURES
from transforms.dedup.near import candidates, sign
from transforms.dedup.near.candidates import CandidateSets, read_texts, verify_pairs, write_sets
from transforms.dedup.near.minhash import minhash_signatures
from transforms.dedup.near.sign import digest_texts, exact_hashes, sets_of, sign_part
from transforms.dedup.near.signatures import signature_schema
from transforms.dedup.near.work_files import work_folder
from transforms.dedup.settings import DedupConfig
from transforms.errors import UserError

_TEXTS = [
    f"document {number} says " + " ".join(f"w{index}" for index in range(number % 40))
    for number in range(200)
]


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("A b", "a B", True),
        ("a  b\n", " a\tb", True),
        ("a b", "ab", False),
        ("a b.", "a b", False),
        ("", " \n", True),
        ("Straße", "STRASSE", False),
        ("É", "é", True),
    ],
)
def test_exact_hash(first: str, second: str, equal: bool):
    one, other = exact_hashes(pa.array([first, second], pa.large_string())).to_pylist()
    assert (one == other) == equal


@pytest.mark.parametrize(("rows", "size"), [(2048, 4 << 20), (7, 4 << 20), (2048, 300)])
def test_signatures_of_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, size: int
):
    """One row a document, in order, the same whatever batches the part is read in."""
    monkeypatch.setattr(sign, "_BATCH_ROWS", rows)
    monkeypatch.setattr(sign, "_BATCH_BYTES", size)
    config = DedupConfig(permutations=14, bands=4, rows=3, keep=("source:books", "longest"))
    write_documents(
        tmp_path / "documents",
        [
            [
                {"text": text, "source": "books" if index % 3 else "web"}
                for index, text in enumerate(_TEXTS)
            ]
        ],
    )
    sign_part(str(tmp_path / "documents"), str(tmp_path), 0, config)
    table = pq.read_table(SIGNATURES.path(str(tmp_path), 0))
    sets = sets_of(pa.array(_TEXTS, pa.large_string()), config)
    expected = minhash_signatures(sets, count=14, seed=config.seed)
    assert table.schema.equals(signature_schema(config), check_metadata=True)
    assert (
        table["id"].to_pylist()
        == pq.read_table(tmp_path / "documents/part-00000.parquet")["id"].to_pylist()
    )
    assert table["source"].to_pylist() == ["books" if index % 3 else "web" for index in range(200)]
    assert table["shingles"].to_pylist() == [len(slow_shingles(text, 5)) for text in _TEXTS]
    assert (
        table["exact"].to_pylist() == exact_hashes(pa.array(_TEXTS, pa.large_string())).to_pylist()
    )
    assert [
        np.frombuffer(row, "<u4").tolist() for row in table["signature"].to_pylist()
    ] == expected.tolist()
    best = min(range(200), key=lambda index: table["order"][index].as_py())
    assert best % 3
    assert len(_TEXTS[best]) == max(len(text) for index, text in enumerate(_TEXTS) if index % 3)


def test_signatures_that_are_there_stay_unless_settings_differ(tmp_path: Path):
    write_documents(tmp_path / "documents", [_TEXTS])
    documents, out = str(tmp_path / "documents"), str(tmp_path)
    sign_part(documents, out, 0, DedupConfig())
    before = Path(SIGNATURES.path(out, 0)).stat().st_ino
    sign_part(documents, out, 0, DedupConfig(jaccard=0.5))
    assert Path(SIGNATURES.path(out, 0)).stat().st_ino == before
    with pytest.raises(UserError, match=r"made with ngram = 5, not 4"):
        sign_part(documents, out, 0, DedupConfig(ngram=4))


def test_empty_part(tmp_path: Path):
    write_documents(tmp_path / "documents", [[]])
    sign_part(str(tmp_path / "documents"), str(tmp_path), 0, DedupConfig())
    assert pq.read_table(SIGNATURES.path(str(tmp_path), 0)).num_rows == 0


@given(rows=st.sets(st.integers(0, 19)))
def test_read_texts_of_rows(tmp_path_factory: pytest.TempPathFactory, rows: set[int]):
    path = tmp_path_factory.mktemp("texts") / "part.parquet"
    pq.write_table(
        pa.table({"text": pa.array([str(number) for number in range(20)], pa.large_string())}),
        path,
        row_group_size=6,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_BATCH_BYTES", 3)
        texts = [
            text
            for batch in read_texts(str(path), np.array(sorted(rows), np.int64))
            for text in batch.to_pylist()
        ]
    assert texts == [str(row) for row in sorted(rows)]


@pytest.mark.parametrize(
    ("block", "batch", "local"),
    [(1, 1, True), (500, 300, True), (500, 300, False), (1 << 23, 1 << 18, True)],
)
def test_verified_pairs_have_the_similarity_of_the_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, batch: int, local: bool
):
    """For any sets read at once, from mapped files and from files read in batches."""
    monkeypatch.setattr(candidates, "_BLOCK", block)
    monkeypatch.setattr(candidates, "_SET_BATCH", batch)
    monkeypatch.setattr(candidates, "_BATCHES_KEPT", 2)
    monkeypatch.setattr(candidates, "_PARTS_KEPT", 1)
    monkeypatch.setattr(storage, "is_local", lambda path: local)
    config = DedupConfig(jaccard=0.7, ngram=2)
    documents, out = str(tmp_path / "documents"), str(tmp_path)
    Path(work_folder(out)).mkdir()
    write_documents(tmp_path / "documents", [_TEXTS[:100], _TEXTS[100:]])
    rows = [np.arange(0, 100, 3), np.arange(1, 100, 4)]
    for part in (0, 1):
        sign_part(documents, out, part, config)
        write_sets(documents, out, part, rows[part], config)
    addresses = np.concatenate([pack_address(part, rows[part]) for part in (0, 1)])
    texts = [_TEXTS[100 * part + row] for part in (0, 1) for row in rows[part]]
    orders = [
        pq.read_table(SIGNATURES.path(out, part))["order"].take(rows[part]).to_pylist()
        for part in (0, 1)
    ]
    left, right = np.triu_indices(len(addresses), 1)
    found = gather(
        verify_pairs(CandidateSets(out), addresses[left], addresses[right], config),
        candidates.edge_schema(config),
    )
    sets = [slow_shingles(text, 2) for text in texts]
    expected = {
        (a, b): slow_jaccard(sets[a], sets[b])
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    }
    expected = {pair: value for pair, value in expected.items() if value >= 0.7}
    ends = [np.searchsorted(addresses, found[name]).tolist() for name in ("first", "second")]
    assert dict(zip(zip(*ends, strict=True), found["similarity"].tolist(), strict=True)) == expected
    assert not found["copy"].any()
    keys = [key for part in orders for key in part]
    assert [row.tobytes() for row in found["second_order"]] == [keys[end] for end in ends[1]]


_ODD = st.text("aΣ éÉ\n\t。，.-漢字\u0301", max_size=60)


@given(_ODD, st.integers(1, 9), st.sampled_from(["words", "characters"]))
def test_a_long_text_in_pieces_is_the_same_text(text: str, piece: int, unit: str):
    config = DedupConfig(unit=unit, ngram=3)
    whole, expected = digest_texts(pa.array([text], pa.large_string()), config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign, "_PIECE_CHARACTERS", piece)
        exact, sets = digest_texts(pa.array([text], pa.large_string()), config)
    assert exact == whole
    assert sets.values.tolist() == expected.values.tolist()


def test_a_long_text_is_cut():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign, "_PIECE_CHARACTERS", 3)
        assert list(sign._pieces("ab cdef  ghi。jk lm")) == ["ab cdef  ", "ghi。", "jk lm"]
