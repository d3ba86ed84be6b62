"""The shards stage: how documents are divided, which encoder is used, and what the files hold, by both packings."""

import functools
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tokenizers import Tokenizer

import pipeline.stages.shards.division
import pipeline.stages.shards.work
from pipeline.config.load import load_config
from pipeline.progress import StageProgress
from pipeline.run.folder import Run
from pipeline.runner.beam import RunnerSettings
from pipeline.stages.run_stages import run_stages
from pipeline.stages.shards.division import Part, slice_parts
from pipeline.stages.shards.stage import SHARDS
from tests.pipeline.runs import digests
from transforms.contracts.addresses import pack_address
from transforms.contracts.manifest import read_manifest
from transforms.contracts.names import DROPS, PARTS
from transforms.corpus import read_kept
from transforms.errors import UserError
from transforms.tokens.encode import encode_texts, load_tokenizer
from transforms.tokens.encoders import ChosenEncoder
from transforms.tokens.shards import open_shard

EMPTY_BYTES = 2_400


def part(number: int, rows: int, size: int) -> Part:
    return Part(number, f"part-{number}", f"drops-{number}", rows, rows, size, size)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 500)), max_size=8), st.integers(1, 12))
def test_slices_are_all_rows_in_order(sizes: list[tuple[int, int]], count: int) -> None:
    parts = [part(number, rows, size) for number, (rows, size) in enumerate(sizes)]
    slices = slice_parts(parts, count if sum(size for _, size in sizes) else 1)
    rows = [
        (piece.part.number, row)
        for pieces in slices
        for piece in pieces
        for row in range(piece.first, piece.end)
    ]
    assert rows == [(each.number, row) for each in parts for row in range(each.rows)]
    assert all(slices)
    assert len(slices) <= count


def test_slices_are_of_about_equal_size() -> None:
    parts = [part(0, 1000, 10_000), part(1, 50, 500), part(2, 300, 9_500)]
    sizes = [
        sum(piece.part.size * (piece.end - piece.first) / piece.part.rows for piece in pieces)
        for pieces in slice_parts(parts, 4)
    ]
    assert sizes == pytest.approx([5_000] * 4, abs=40)


def configured(finished: Path, folder: Path, **shards: object) -> Path:
    """The finished run up to its tokenizer, with other settings for the shards."""
    shutil.copytree(finished.parent, folder, dirs_exist_ok=True)
    shutil.rmtree(folder / "run" / "shards")
    path = folder / "tokenmill.toml"
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in shards.items())
    path.write_text(path.read_text(encoding="utf-8") + settings, encoding="utf-8")
    return path


def make_shards(path: Path, *, workers: int = 1) -> Path:
    progress = StageProgress(Console(quiet=True))
    run_stages(
        load_config(str(path)), RunnerSettings(workers=workers), stages=[SHARDS], progress=progress
    )
    return path.parent / "run"


def streams(run: Path) -> dict[int, list[int]]:
    """{address: ids} of every document, put together again from the segments of all shards."""
    found: dict[int, dict[int, int]] = {}
    for path in (run / "shards").glob("*.arrow"):
        shard = open_shard(str(path))
        rows = np.concatenate(list(shard.token_chunks())) if len(shard) else []
        for tokens, segments in zip(rows, shard.table["segments"].to_pylist(), strict=True):
            for segment in segments:
                start, offset = segment["start"], segment["token_offset"]
                for index in range(1, segment["length"] + segment["ends"]):
                    stream = found.setdefault(segment["document"], {})
                    assert offset + index not in stream
                    stream[offset + index] = int(tokens[start + index])
    return {
        address: [stream[index] for index in range(1, len(stream) + 1)]
        for address, stream in found.items()
    }


def expected_streams(run: Path) -> dict[int, list[int]]:
    """The ids that the reference encoder gives each kept document, and the end of text."""
    path = run / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(path.read_bytes(), path=str(path))
    expected = {}
    for part_path in sorted((run / "documents").glob("part-*")):
        number = PARTS.number(part_path.name)
        for rows, batch in read_kept(
            str(part_path), DROPS.path(str(run / "dedup"), number), columns=["text"]
        ):
            for row, text in zip(rows.tolist(), batch.column("text").to_pylist(), strict=True):
                expected[pack_address(number, row)] = [
                    *encode_texts(tokenizer, [text]).ids.tolist(),
                    tokenizer.token_to_id("<|endoftext|>"),
                ]
    return expected


@pytest.mark.parametrize("packing", ["best-fit", "concat"])
def test_every_token_of_every_kept_document_is_a_target_once(
    finished: Path, tmp_path: Path, packing: str
) -> None:
    """With shards cut inside parts: 4 of them for each source, which is less than the plan makes of its own accord."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.stages.shards.division, "SMALLEST_SHARD", 2_000)
        patch.setattr(pipeline.stages.shards.division, "LEAST_ROWS", 8)
        run = make_shards(configured(finished, tmp_path, packing=packing, shard_megabytes=0.004))
    manifest = read_manifest(str(run / "shards"))
    assert len(manifest.files) > 12
    assert streams(run) == expected_streams(run)
    totals = Counter[str]()
    for sources in manifest.counters.values():
        for counts in sources.values():
            totals.update(counts)
    assert totals["positions"] == totals["targets"] + totals["padding"]
    assert totals["targets"] == sum(map(len, expected_streams(run).values()))
    assert manifest.details == {"encoder": {"name": "tiktoken", "reason": ""}}
    assert "encoded by tiktoken" in SHARDS.summary(SHARDS.finished(Run(str(run))))


def test_concat_with_two_workers_gives_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    once, again = (
        make_shards(
            configured(finished, tmp_path / str(workers), packing="concat", shard_megabytes=0.01),
            workers=workers,
        )
        for workers in (1, 2)
    )
    assert digests(once) == digests(again)
    assert digests(once) != digests(finished)


def test_the_reference_encoder_gives_the_same_bytes_and_says_why_it_was_used(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def choose(data: bytes, tokenizer: Tokenizer, *, sample: list[str]) -> ChosenEncoder:
        return ChosenEncoder(
            functools.partial(encode_texts, tokenizer),
            "tokenizers",
            f"a test of {len(sample)} texts wants it",
        )

    monkeypatch.setattr("pipeline.stages.shards.work.choose_encoder", choose)
    run = make_shards(configured(finished, tmp_path))
    assert digests(run) == digests(finished)
    assert re.search(
        "encoded by tokenizers because a test of [1-9][0-9]* texts wants it",
        SHARDS.summary(SHARDS.finished(Run(str(run)))),
    )


def test_a_document_that_is_lost_stops_the_run(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured(finished, tmp_path)
    kept = pipeline.stages.shards.work._read_splits

    def lose_one(*arguments: object, **options: object):
        for split, addresses, texts in kept(*arguments, **options):
            yield split, addresses[1:], texts[1:]

    monkeypatch.setattr("pipeline.stages.shards.work._read_splits", lose_one)
    with pytest.raises(UserError, match="documents are kept and"):
        make_shards(path)
    assert not (tmp_path / "run" / "shards" / "manifest.json").exists()


@pytest.mark.parametrize("megabytes", [0.004, 0.01])
def test_shards_are_about_as_large_as_is_asked_for(
    finished: Path, tmp_path: Path, megabytes: float
) -> None:
    """Of the news, since four books cannot be shared out evenly: both files of a shard, but for what a file has without rows."""
    run = make_shards(configured(finished, tmp_path, shard_megabytes=megabytes))
    sizes: Counter[str] = Counter()
    for path in (run / "shards").glob("*-news-*.arrow"):
        sizes[path.name.partition("-")[2]] += path.stat().st_size - EMPTY_BYTES
    assert len(sizes) >= 3
    assert max(sizes.values()) < 1.5e6 * megabytes
    assert np.mean(list(sizes.values())) > 0.6e6 * megabytes


def test_rows_of_a_part_are_read_without_the_rest(finished: Path) -> None:
    for path in sorted((finished / "documents").glob("part-*")):
        drops = str(finished / "dedup" / f"drops-{path.stem[5:]}.parquet")
        whole = numbered_texts(path, drops, None)
        for rows in (range(0, 0), range(0, 2), range(1, 3), range(0, 100), range(90, 95)):
            assert numbered_texts(path, drops, rows) == [pair for pair in whole if pair[0] in rows]


def numbered_texts(path: Path, drops: str, rows: range | None) -> list[tuple[int, str]]:
    kept = read_kept(str(path), drops, columns=["text"], rows=rows)
    return [
        pair
        for numbers, batch in kept
        for pair in zip(numbers.tolist(), batch["text"].to_pylist(), strict=True)
    ]
