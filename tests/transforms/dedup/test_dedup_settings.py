"""The `[dedup]` table: defaults that are said in the design, and values that are refused."""

import dataclasses

import pytest
from pydantic import ValidationError

from transforms.dedup.bands import match_probability
from transforms.dedup.settings import DedupConfig


def test_defaults():
    config = DedupConfig()
    assert (config.jaccard, config.ngram, config.bands, config.rows, config.keep) == (0.8, 5, 21, 6, ("longest",))
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
        {"bands": 0},
        {"rows": 65},
        {"seed": -1},
        {"verify": "maybe"},
        {"bucket_limit": 1},
        {"max_drop_rate": 1.5},
        {"keep": ["longer"]},
        {"keep": ["source"]},
        {"keep": ["longest:x"]},
        {"keep": [""]},
        {"unknown": 1},
    ],
)
def test_refused(values: dict):
    with pytest.raises(ValidationError, match=next(iter(values))):
        DedupConfig(**values)


def test_message_names_the_policies():
    with pytest.raises(
        ValidationError, match="'longer' is not a keep policy; it is one of 'longest', 'shortest', 'newest', 'oldest', 'source:NAME'"
    ):
        DedupConfig(keep=["longer"])


def test_list_becomes_tuple():
    assert DedupConfig(keep=["source:books", "newest"]).keep == ("source:books", "newest")
