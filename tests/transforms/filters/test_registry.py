"""Requirements on all registered filters, with options as in TOML.

`perplexity`, whose package is optional, has a separate test.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.filters.test_fasttext_classifier import write_model
from transforms.clean_text import clean_text
from transforms.contracts.documents import DOCUMENT_SCHEMA
from transforms.filters.filter import Columns
from transforms.filters.registry import FILTERS, check_filter, judge
from transforms.sources.records import Origin, RawDocument, RawReject, documents_batch
from transforms.sources.registry import read_records
from transforms.urls.normalize import normalize_url

SENTENCE = "The old mill stands by the river and nobody has ground corn with it since the flood. "
TEXTS = [
    "",
    SENTENCE * 9,
    "Home\nMenu\n3 likes",
    "schÃ¶n\x01 tel. 030 1234567, a@b.example",
    "bad word",
    "\u0308",
    "Der alte Müller mahlt das Korn. " * 5,
]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Options that the filters cannot do without, and one list each of those that take lists."""
    folder = tmp_path_factory.mktemp("options")
    (folder / "domains").write_text("example.com\n")
    return {
        "url": {"blocked_domains": ["example.org"], "domain_lists": [str(folder / "domains")]},
        "blocked-words": {"words": ["bad word"]},
        "fasttext-classifier": {
            "model": str(write_model(folder / "model.bin")),
            "labels": ["good"],
        },
        "pii": {"kinds": ["email", "phone"]},
    }


def batch_of(texts: list[str]) -> pa.RecordBatch:
    urls = [None, "https://example.com/a", "http://example.net/", "no url", "http://example.org"]
    documents = [
        RawDocument(locator=str(row), text=clean_text(text), url=urls[row % len(urls)])
        for row, text in enumerate(texts)
    ]
    batch = documents_batch([Origin("web", "file")] * len(documents), documents)
    languages = pa.array(
        [["en", "de", None][row % 3] for row in range(len(texts))], pa.string()
    ).dictionary_encode()
    return batch.set_column(
        batch.schema.get_field_index("language"), DOCUMENT_SCHEMA.field("language"), languages
    )


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"perplexity"}))
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.one_of(st.sampled_from(TEXTS), st.text()), min_size=0, max_size=5))
def test_verdicts_are_complete_and_texts_stay_as_documents_hold_them(
    name: str, texts: list[str], options: dict[str, dict[str, Any]]
) -> None:
    batch = batch_of(texts)
    given_options = options.get(name, {})
    check_filter(name, given_options)
    verdicts = judge(Columns(batch), name=name, options=given_options)
    rows = len(batch)
    assert verdicts.keep.dtype == bool
    for column in (
        verdicts.keep,
        verdicts.rule,
        verdicts.value,
        verdicts.threshold,
        *verdicts.counts.values(),
        *verdicts.signals.values(),
    ):
        assert column.shape == (rows,)
    assert np.array_equal(verdicts.keep, [rule is None for rule in verdicts.rule])
    assert all(rule.startswith(f"{name}/") for rule in verdicts.rule if rule)
    if verdicts.text is not None:
        assert verdicts.text.type == pa.large_string()
        for keep, text in zip(verdicts.keep, verdicts.text.to_pylist(), strict=True):
            assert not keep or clean_text(text) == text


def test_options_that_name_files_are_options() -> None:
    for name, chosen in FILTERS.items():
        assert set(chosen.files) <= set(chosen.options()), name


@pytest.mark.real_data
def test_urls_of_real_pages_have_one_spelling(data_folder: Path) -> None:
    records = read_records(str(data_folder / "web" / "pages-00.warc.gz"), kind="warc", options={})
    urls = [
        record.url
        for record in records
        if isinstance(record, RawDocument | RawReject) and record.url
    ]
    normal = [normalize_url(url) for url in urls]
    assert len(urls) > 200
    assert [found is not None for found in normal] == [
        url.startswith(("http://", "https://")) for url in urls
    ]
    assert all(found is None or normalize_url(found) == found for found in normal)
