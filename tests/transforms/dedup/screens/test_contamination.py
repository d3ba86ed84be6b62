"""Evaluation texts in documents: against sets of word tuples, and what a screen writes."""

import gzip
import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.dedup.small_corpora import (
    drop_duplicates,
    files_of,
    local_pipeline,
    write_documents,
)
from transforms.beam.screen_contaminated import ScreenContaminated
from transforms.contracts.names import CONTAMINATION
from transforms.dedup.screens.contamination import count_matches, find_matches
from transforms.dedup.screens.evaluation_index import (
    evaluation_index_path,
    index_texts,
    open_index,
    read_evaluation_texts,
    write_index,
)
from transforms.dedup.settings import DedupConfig
from transforms.errors import UserError
from transforms.storage.short_names import short_names

_TEXT = st.lists(st.sampled_from(["a", "b", "C", "d.", "c"]), max_size=14).map(" ".join)


def _grams(text: str, width: int) -> set[tuple[str, ...]]:
    words = text.lower().replace(".", "").split()
    return {tuple(words[start : start + width]) for start in range(len(words) - width + 1)}


@given(
    st.lists(_TEXT, max_size=6),
    st.lists(st.lists(_TEXT, max_size=4), min_size=1, max_size=3),
    st.integers(2, 5),
    st.integers(1, 5),
)
def test_equals_sets_of_word_tuples(
    documents: list[str], sets: list[list[str]], ngram: int, shortest: int
):
    names = [f"set{number}" for number in range(len(sets))]
    index, figures = index_texts(zip(names, sets, strict=True), ngram=ngram, shortest=shortest)
    wanted: list[set[tuple[str, ...]]] = []
    for name, texts in zip(names, sets, strict=True):
        sizes = [len(text.split()) for text in texts]
        grams = set().union(*(_grams(text, ngram) for text in texts))
        grams |= {
            gram
            for text, size in zip(texts, sizes, strict=True)
            if shortest <= size < ngram
            for gram in _grams(text, size)
        }
        wanted.append(grams)
        short = sum(size < min(ngram, shortest) for size in sizes)
        assert figures[name] == {"texts": len(texts), "too_short": short, "grams": len(grams)}
    expected = []
    for number, document in enumerate(documents):
        own = set().union(*(_grams(document, width) for width in range(1, ngram + 1)))
        expected += [
            (number, place, len(own & grams)) for place, grams in enumerate(wanted) if own & grams
        ]
    found = find_matches(pa.array(documents, pa.large_string()), index, index.filter_bits())
    assert (
        list(zip(found.documents.tolist(), found.sets.tolist(), found.grams.tolist(), strict=True))
        == expected
    )
    for (document, place, _), excerpt in zip(expected, found.excerpts, strict=True):
        assert excerpt in documents[document].lower()
        assert tuple(excerpt.replace(".", "").split()) in wanted[place]


def test_an_index_survives_its_file(tmp_path: Path):
    index, _ = index_texts(
        [("x", ["one two three"]), ("y", ["one two three four", "a b"])], ngram=3, shortest=2
    )
    write_index(index, str(tmp_path / "index"))
    read = open_index(str(tmp_path / "index"))
    assert (read.hashes.tolist(), read.sets.tolist()) == (
        index.hashes.tolist(),
        index.sets.tolist(),
    )
    assert (read.names, read.widths) == (("x", "y"), (2, 3)) == (index.names, index.widths)


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ('{"text": "a b", "choices": ["c", "d"]}', ["a b", "c", "d"]),
        ('{"text": null, "choices": ["c"]}', ["c"]),
        ('{"choices": "c", "other": 5}', ["c"]),
        ("", []),
    ],
)
def test_fields_of_evaluation_texts(tmp_path: Path, line: str, texts: list[str]):
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    assert list(read_evaluation_texts(str(tmp_path / "e.jsonl.gz"), ("text", "choices"))) == texts


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"question": "x"}', "no text under 'text'; the object has 'question'"),
        ("[1]", "no JSON object"),
        ("{", "not JSON"),
    ],
)
def test_a_line_without_text_is_an_error_not_a_gap(tmp_path: Path, line: str, what: str):
    (tmp_path / "e.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(UserError, match=what) as error:
        list(read_evaluation_texts(str(tmp_path / "e.jsonl"), ("text",)))
    assert error.value.where.endswith("e.jsonl, line 2")


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/b/gsm8k.jsonl.gz"], ["gsm8k"]),
        (["/a/x/test.jsonl", "/a/y/test.jsonl", "/z/arc.jsonl"], ["x/test", "y/test", "arc"]),
        (["e/a.jsonl", "e/a.jsonl.gz"], ["a.jsonl", "a.jsonl.gz"]),
        (["gs://one/run/", "/runs/two"], ["run", "two"]),
        ([], []),
    ],
)
def test_short_names(paths: list[str], names: list[str]):
    assert short_names(paths) == names


_QUESTION = (
    "Natalia sold clips to forty eight of her friends in April and then she sold half as many "
    "in May"
)
_FILLER = " ".join(f"filler{number}" for number in range(60))


def _screen(
    tmp_path: Path, name: str, config: DedupConfig, parts: list[int], workers: int = 1
) -> Path:
    out = tmp_path / name
    (out / "screened").mkdir(parents=True)
    sets = [
        ("gsm", [_QUESTION, "too short"]),
        (
            "other",
            ["Nothing of this stands in any document of the corpus, not one word in a row of it"],
        ),
    ]
    index, figures = index_texts(
        sets, ngram=config.decontaminate_ngram, shortest=config.decontaminate_shortest
    )
    write_index(index, evaluation_index_path(str(out)))
    with local_pipeline(workers) as pipeline:
        _ = (
            pipeline
            | beam.Create(parts, reshuffle=False)
            | ScreenContaminated(str(tmp_path / "documents"), str(out), config)
        )
    (out / "figures.json").write_text(json.dumps(count_matches(str(out), sorted(parts), figures)))
    return out


def test_contaminated_documents_go_first_and_take_nobody_along(tmp_path: Path):
    """Row 0 of part 1 copies row 0 of part 0, plus the question; it would have been the keeper."""
    parts = [
        [_FILLER, "other " + _QUESTION[:60]],
        [f"{_FILLER} {_QUESTION.upper()}!", f"x {_QUESTION} y"],
        [],
    ]
    write_documents(tmp_path / "documents", parts)
    config = DedupConfig(decontaminate=("e.jsonl",), jaccard=0.5)
    outs = [_screen(tmp_path, "a", config, [0, 1, 2]), _screen(tmp_path, "b", config, [2, 1, 0])]
    assert files_of(outs[0]) == files_of(outs[1])
    assert json.loads((outs[0] / "figures.json").read_text()) == {
        "gsm": {"texts": 2, "too_short": 1, "grams": 8, "documents": 2, "matches": 16},
        "other": {"texts": 1, "too_short": 0, "grams": 6, "documents": 0, "matches": 0},
    }
    matches = pq.read_table(CONTAMINATION.path(str(outs[0]), 1)).to_pylist()
    assert [(row["row"], row["set"], row["grams"]) for row in matches] == [
        (0, "gsm", 8),
        (1, "gsm", 8),
    ]
    assert matches[0]["excerpt"] == " ".join(_QUESTION.lower().split()[:13])
    drop_duplicates(tmp_path / "documents", outs[0], config, parts=[0, 1, 2])
    drops = [pq.read_table(outs[0] / f"drops-{part:05d}.parquet").to_pylist() for part in (0, 1, 2)]
    assert [(row["row"], row["rule"], row["other"], row["keeper"]) for row in drops[1]] == [
        (0, "dedup/contaminated", "gsm", None),
        (1, "dedup/contaminated", "gsm", None),
    ]
    assert drops[0] == drops[2] == []


def test_flagged_documents_stay(tmp_path: Path):
    write_documents(tmp_path / "documents", [[_FILLER, _QUESTION]])
    config = DedupConfig(decontaminate=("e.jsonl",), decontaminate_action="flag")
    out = _screen(tmp_path, "out", config, [0])
    drop_duplicates(tmp_path / "documents", out, config, parts=[0])
    assert pq.read_table(out / "drops-00000.parquet").num_rows == 0
    assert pq.read_table(CONTAMINATION.path(str(out), 0))["row"].to_pylist() == [1]


def test_no_evaluation_texts():
    index, figures = index_texts([("empty", [])], ngram=13, shortest=8)
    found = find_matches(pa.array([_QUESTION], pa.large_string()), index, index.filter_bits())
    assert (len(found.documents), figures) == (
        0,
        {"empty": {"texts": 0, "too_short": 0, "grams": 0}},
    )
    assert np.array_equal(index.filter_bits(), np.zeros(1 << 22, bool))
