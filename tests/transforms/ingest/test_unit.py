"""Judging a batch: verdicts do not depend on sharing or signals, and signals hold all values."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sources.test_warc import GOOD
from tests.transforms.sources.test_warc import record as warc_record
from transforms.filters.presets import PRESETS
from transforms.ingest import unit as ingest
from transforms.ingest.settings import FilterConfig, LanguageConfig, SourceConfig
from transforms.ingest.unit import (
    FilterResult,
    InputFile,
    PartPaths,
    count_part,
    ingest_files,
    judge_documents,
    language_screen,
    read_unit,
)
from transforms.sources.records import Origin, RawDocument, RejectedError, documents_batch

SENTENCE = "The old mill stands by the river and nobody has ground corn with it since the flood."
LINES = [
    *(
        f"The old mill number {number} stands by the river "
        "and nobody has ground corn with it since the flood."
        for number in range(40)
    ),
    "Home",
    "About us and all the others",
    "# # # # # # # #",
    "Please turn on javascript to see the river of the mill.",
    "The function of the mill is { return corn; } in the valley.",
    "- a point",
    "And so on ...",
    "Die alte Mühle steht am Fluss, und seit der Flut hat niemand mehr Korn mit ihr gemahlen.",
]
texts_of = st.lists(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=40).map("\n".join), min_size=1, max_size=8
)

FINEWEB = [FilterConfig(name=name, options=dict(options)) for name, options in PRESETS["fineweb"]]


def judged(
    texts: list[str], *, signals: bool, keep: tuple[str, ...] = ("en",), identify: bool = True
) -> FilterResult:
    batch = documents_batch(
        [Origin("web", "file")] * len(texts),
        [RawDocument(str(row), text) for row, text in enumerate(texts)],
    )
    language = LanguageConfig(
        keep=keep, threshold=0.3, characters=1000, model=None, identify=identify
    )
    return judge_documents(
        batch, filters=FINEWEB if identify else [], language=language, signals=signals
    )


def rejected(found: FilterResult) -> dict[str, tuple]:
    columns = ("locator", "rule", "value", "threshold", "excerpt", "stage")
    return {
        row["locator"]: tuple(row[name] for name in columns[1:])
        for part in found.rejects
        for row in part.select(columns).to_pylist()
    }


@settings(deadline=None, max_examples=60)
@given(texts_of)
def test_what_is_shared_or_measured_does_not_change_a_verdict(texts: list[str]) -> None:
    plain, measured = judged(texts, signals=False), judged(texts, signals=True)
    alone = [judged([text], signals=False) for text in texts]
    assert plain.kept.equals(measured.kept)
    assert rejected(plain) == rejected(measured)
    assert plain.kept.column("text").to_pylist() == [
        text for one in alone for text in one.kept.column("text").to_pylist()
    ]
    assert len(plain.kept) + len(rejected(plain)) == len(texts)
    assert [row[0] for row in rejected(plain).values()] == [
        next(iter(rejected(alone[int(locator)]).values()))[0] for locator in rejected(plain)
    ]


@settings(deadline=None, max_examples=60)
@given(texts_of)
def test_signals_have_every_value_of_every_document(texts: list[str]) -> None:
    found = judged(texts, signals=True)
    signals = found.signals
    assert signals is not None
    assert len(signals) == len(texts)
    assert signals.column("kept").to_pylist() == [
        str(row) not in rejected(found) for row in range(len(texts))
    ]
    assert signals.column("characters").to_pylist() == list(map(len, texts))
    for locator, (rule, value, *_) in rejected(found).items():
        if rule in signals.schema.names:
            assert signals.column(rule)[int(locator)].as_py() == value
    # fineweb-quality measures no lines where c4-paper left none.
    for name in signals.schema.names:
        assert not signals.column(name).null_count or name.startswith("fineweb-quality"), name


def test_filters_measure_what_an_earlier_one_rejected() -> None:
    found = judged(["\n".join(LINES[:40])], signals=True)
    assert found.signals is not None
    row = found.signals.to_pylist()[0]
    words = sum(len(re.findall(r"\w+", line)) for line in LINES[:40])
    assert rejected(found)["0"][0].startswith("gopher-repetition/")
    assert row["gopher/too-few-words"] == words
    assert row["c4-paper/too-few-sentences"] == 40
    assert row["fineweb-quality/newlines-per-word"] == 39 / (words + 40)
    assert 0 < row["gopher-repetition/duplicated-5-grams"] < 1


def test_an_empty_batch() -> None:
    found = judged([], signals=True)
    assert (len(found.kept), rejected(found), dict(found.counts)) == (0, {}, {})


def test_documents_of_other_languages_are_measured_too() -> None:
    found = judged([LINES[-1] * 10, SENTENCE * 10], signals=True, keep=("de",))
    assert found.signals is not None
    assert found.signals.column("language").to_pylist() == ["de", "en"]
    assert not np.isnan(np.array(found.signals.column("gopher/too-few-words"))).any()
    assert [row[0] for row in rejected(found).values()][:1] == ["language/not-kept"]
    assert pa.types.is_float64(found.signals.schema.field("gopher/symbol-ratio").type)


def test_without_identification_every_language_is_kept_and_none_is_named() -> None:
    found = judged([LINES[-1] * 10, SENTENCE * 10], signals=False, keep=(), identify=False)
    assert (len(found.kept), rejected(found)) == (2, {})
    assert (
        found.kept.column("language").null_count
        == found.kept.column("language_score").null_count
        == 2
    )


def test_the_screen_rejects_what_is_surely_in_another_language_only() -> None:
    english, german = SENTENCE * 3, LINES[-1] * 3
    settings = LanguageConfig(
        keep=("en",), threshold=0.65, characters=3000, model=None, screen=True
    )
    screen = language_screen(settings)
    assert screen is not None
    for text in (english, f"{german[:40]} {english}", "", "12 34 56", "qqq"):
        screen(text)
    with pytest.raises(RejectedError) as raised:
        screen(german)
    reject = raised.value.reject("7", "http://example.org")
    assert (reject.locator, reject.url, reject.rule, reject.stage) == (
        "7",
        "http://example.org",
        "language/not-kept",
        "language",
    )
    assert reject.value is not None
    assert reject.value > 0.8
    assert reject.excerpt == german
    assert language_screen(replace(settings, keep=())) is None
    assert language_screen(replace(settings, screen=False)) is None


def test_records_passed_over_and_notes_are_counted_by_source_and_read_back(tmp_path: Path) -> None:
    """Also where a unit holds nothing else, for its source would be in no count."""
    requests = [warc_record(b"x", kind=kind) for kind in ("request", "request", "metadata")]
    for name, records, read in (("all", [*requests, GOOD], 1), ("none", requests, 0)):
        path = tmp_path / f"{name}.warc"
        path.write_bytes(b"".join(records))
        file = InputFile(source="web", path=str(path), origin="a", size=path.stat().st_size)
        source = SourceConfig(kind="warc", paths=("x",))
        paths = PartPaths(part=str(tmp_path / "part"), rejects=str(tmp_path / "rejects"))
        language = LanguageConfig(keep=(), threshold=0.0, characters=100, model=None)
        rows, counts = ingest_files([file], sources={"web": source}, language=language, paths=paths)
        values = counts.by_source()["web"]
        assert values.passed_over == {"request": 2, "metadata": 1}
        assert (values.read, values.kept) == (read, read)
        assert count_part(paths) == (rows, counts)


def test_truncated_documents_and_notes_are_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: object, **options: object) -> list[RawDocument]:
        texts = [
            RawDocument(str(number), SENTENCE, truncated=why)
            for number, why in enumerate(("length", None, "time", "length"))
        ]
        return [
            texts[0]._replace(notes=(("replaced-bytes", 3),)),
            *texts[1:],
            RawDocument("9", "short", notes=(("replaced-bytes", 1),)),
        ]

    monkeypatch.setattr(ingest, "read_records", read)
    path = tmp_path / "a"
    path.write_bytes(b"")
    file = InputFile(source="web", path=str(path), origin="a", size=0)
    source = SourceConfig(
        kind="warc", paths=("x",), quality=(FilterConfig(name="length", options={"at_least": 20}),)
    )
    paths = PartPaths(part=str(tmp_path / "part"), rejects=str(tmp_path / "rejects"))
    language = LanguageConfig(keep=(), threshold=0.0, characters=100, model=None)
    rows, counts = ingest_files([file], sources={"web": source}, language=language, paths=paths)
    values = counts.by_source()["web"]
    assert values.truncated == {"length": 2, "time": 1}
    assert values.notes == {"replaced-bytes": 4}
    assert pq.read_table(paths.part)["truncated"].to_pylist() == ["length", None, "time", "length"]
    assert count_part(paths) == (rows, counts)


@pytest.mark.real_data
def test_screened_pages_are_those_that_the_language_filter_rejects(data_folder: Path) -> None:
    """Of 743 pages the screen rejects over 9 in 10 of those to be rejected, and no other page."""
    for language, most_wrong in (("en", 0), ("de", 0), ("fr", 0)):
        outcomes = []
        for screened in (True, False):
            settings = LanguageConfig(
                keep=(language,), threshold=0.65, characters=3000, model=None, screen=screened
            )
            path = data_folder / "web" / "pages-00.warc.gz"
            file = InputFile(source="web", path=str(path), origin="a", size=path.stat().st_size)
            source = SourceConfig(kind="warc", paths=("x",))
            kept, gone = set(), 0
            for batch, unread in read_unit([file], {"web": source}, language_screen(settings)):
                kept |= set(
                    judge_documents(batch, filters=[], language=settings)
                    .kept.column("locator")
                    .to_pylist()
                )
                gone += unread.column("rule").to_pylist().count("language/not-kept")
            outcomes.append((kept, gone))
        (kept, gone), (wanted, none) = outcomes
        assert none == 0
        assert kept <= wanted
        assert len(wanted - kept) <= most_wrong
        assert gone > 0.9 * (247 - len(wanted))
