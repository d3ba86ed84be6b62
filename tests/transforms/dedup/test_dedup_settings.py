"""The `[dedup]` table: defaults that are said in the design, and values that are refused."""

import dataclasses

import pytest
from pydantic import ValidationError

from transforms.dedup.near.bands import match_probability
from transforms.dedup.settings import DedupConfig


def test_defaults():
    config = DedupConfig()
    assert (config.jaccard, config.ngram, config.bands, config.rows, config.keep) == (
        0.8,
        5,
        21,
        6,
        ("longest",),
    )
    assert config.permutations == 126
    assert match_probability(config.jaccard, bands=config.bands, rows=config.rows) > 0.995


def test_every_field_is_described():
    fields = DedupConfig.__pydantic_fields__
    assert set(fields) == {field.name for field in dataclasses.fields(DedupConfig)}
    assert all(field.description for field in fields.values())


@pytest.mark.parametrize(
    "values",
    [
        {"jaccard": 0},
        {"jaccard": 1.1},
        {"ngram": 0},
        {"rows": 65},
        {"passes": -1},
        {"seed": -1},
        {"verify": "maybe"},
        {"bucket_limit": 1},
        {"max_drop_rate": 1.5},
        {"keep": ["longer"]},
        {"keep": ["source"]},
        {"keep": ["longest:x"]},
        {"keep": [""]},
        {"keep": ["quality:"]},
        {"keep": ["drop-all:x"]},
        {"memory_limit": "6"},
        {"memory_limit": "6 TB"},
        {"similarity": "cosine"},
        {"unit": "bytes"},
        {"unknown": 1},
    ],
)
def test_refused(values: dict):
    with pytest.raises(ValidationError, match=next(iter(values))):
        DedupConfig(**values)


def test_message_names_the_policies():
    with pytest.raises(
        ValidationError,
        match="'longer' is not a keep policy; it is one of 'longest', 'shortest', 'newest', "
        "'oldest', 'source:NAME', 'quality'",
    ):
        DedupConfig(keep=["longer"])


def test_list_becomes_tuple():
    assert DedupConfig(keep=["source:books", "newest"]).keep == ("source:books", "newest")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bands": 21}, "set both bands and rows, or neither"),
        ({"rows": 6}, "set both bands and rows, or neither"),
        ({"bands": 32, "rows": 8}, "bands \\* rows = 256 is more than permutations = 126"),
        ({"jaccard": 0.02}, "126 permutations find pairs of similarity 0.02 too rarely"),
        (
            {"similarity": "containment", "keep": ["newest", "longest"]},
            "needs keep = \\['longest', ...\\]",
        ),
        (
            {"keep": ["drop-all", "longest"]},
            "'drop-all' in keep leaves nothing to the other policies",
        ),
    ],
)
def test_settings_that_do_not_go_together(values: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        DedupConfig(**values)


@pytest.mark.parametrize(("jaccard", "expected"), [(0.5, (42, 3)), (0.8, (21, 6)), (1.0, (1, 126))])
def test_bands_follow_the_threshold(jaccard: float, expected: tuple[int, int]):
    config = DedupConfig(jaccard=jaccard)
    assert (config.bands, config.rows, config.permutations) == (*expected, 126)


@pytest.mark.parametrize(
    ("limit", "expected"), [("", 0), ("800 MB", 800_000_000), ("1.5GB", 1_500_000_000)]
)
def test_memory_limit(limit: str, expected: int):
    assert DedupConfig(memory_limit=limit).memory_bytes == expected
