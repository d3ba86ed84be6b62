"""The configuration: what is read, what is refused, and what the error says."""

import inspect
import sys
import types
from pathlib import Path

import pytest

from pipeline.config.load import config_toml, load_config, parse_config
from pipeline.config.schema import Config
from pipeline.config.template import commented_template
from transforms.errors import ConfigError
from transforms.filters.language import bundled_model
from transforms.sources.registry import KINDS

SOURCE = {"kind": "jsonl", "paths": ["a/*.jsonl"]}


def parse(**values: object) -> Config:
    return parse_config(
        {"folder": "run", "sources": {"web": SOURCE}} | values, where="/base/tokenmill.toml"
    )


def test_the_smallest_file_has_a_folder_and_a_source() -> None:
    config = parse()
    assert config.folder == "/base/run"
    assert config.sources["web"].paths == ("/base/a/*.jsonl",)
    assert (config.dedup.jaccard, config.shards.sequence_length, config.language.threshold) == (
        0.8,
        2048,
        0.65,
    )


def test_urls_stay_and_single_values_become_lists() -> None:
    config = parse(
        folder="s3://bucket/run",
        sources={"web": SOURCE | {"paths": "gs://b/*.jsonl", "quality": "gopher"}},
    )
    assert config.folder == "s3://bucket/run"
    assert config.sources["web"].paths == ("gs://b/*.jsonl",)
    assert config.sources["web"].quality[0].name == "gopher"


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    config = parse(
        sources={
            "web": SOURCE
            | {"quality": ["gopher", {"name": "length", "at_least": 5}], "fields": {"text": "body"}}
        },
        train={"mixture": {"web": 1.0}, "layers": 2},
    )
    path = tmp_path / "run.toml"
    path.write_text(config_toml(config), encoding="utf-8")
    assert load_config(str(path)) == config


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_options(kind: str) -> None:
    source = {"kind": kind, "paths": ["a"]} | (
        {"fields": {"text": "body"}} if "fields" in KINDS[kind].options else {}
    )
    config = parse(sources={"web": source | ({"delimiter": "\t"} if kind == "csv" else {})})
    options = config.sources["web"].reader_options()
    assert tuple(options) == tuple(KINDS[kind].options)
    assert options.get("delimiter") == ("\t" if kind == "csv" else None)
    inspect.signature(KINDS[kind].read).bind(None, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_the_extractor_is_for_kinds_that_look_for_the_main_text(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"kind": kind, "paths": ["a"], "extractor": "trafilatura"}
    monkeypatch.setitem(sys.modules, "trafilatura", types.ModuleType("trafilatura"))
    if kind in ("warc", "html"):
        assert (
            parse(sources={"web": source}).sources["web"].reader_options()["extractor"]
            == "trafilatura"
        )
        return
    with pytest.raises(ConfigError, match=f"'extractor' is not for kind '{kind}'"):
        parse(sources={"web": source})


@pytest.mark.parametrize("kind", ["warc", "html", "epub", "jsonl", "text"])
def test_markdown_is_for_kinds_that_have_structure(kind: str) -> None:
    source = {"kind": kind, "paths": ["a"], "output": "markdown", "links": True}
    if kind in ("warc", "html", "epub"):
        options = parse(sources={"web": source}).sources["web"].reader_options()
        assert (options["output"], options["links"]) == ("markdown", True)
    else:
        with pytest.raises(ConfigError, match=f"is not for kind '{kind}'"):
            parse(sources={"web": source})


def test_an_extractor_that_is_not_installed_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(
        ConfigError,
        match=r"(?s)'trafilatura' needs a package.*pip install 'tokenmill\[trafilatura\]'",
    ):
        parse(sources={"web": {"kind": "warc", "paths": ["a"], "extractor": "trafilatura"}})


def test_the_commented_template_shows_every_key_with_its_default(tmp_path: Path) -> None:
    path = tmp_path / "tokenmill.toml"
    path.write_text(commented_template(folder="/base/run"), encoding="utf-8")
    config = load_config(str(path))
    expected = parse_config(
        {
            "folder": "/base/run",
            "sources": {"news": {"kind": "jsonl", "paths": [f"{tmp_path}/news/*.jsonl.gz"]}},
        },
        where=str(path),
    )
    assert config == expected
    template = commented_template()
    for key in (
        "seed",
        "max_error_rate",
        "threshold",
        "jaccard",
        "vocabulary",
        "sequence_length",
        "learning_rate",
        "mixture",
    ):
        [line] = [
            line for line in template.splitlines() if line.removeprefix("# ").startswith(f"{key} =")
        ][:1]
        above = template.splitlines()[template.splitlines().index(line) - 1]
        assert above.startswith("# "), key


@pytest.mark.parametrize(
    ("values", "what", "remedy"),
    [
        ({"sedd": 1}, "unknown key sedd; did you mean 'seed'", "allowed keys: folder, sources"),
        (
            {"dedup": {"jacard": 1}},
            "unknown key dedup.jacard; did you mean 'jaccard'",
            "allowed keys: enabled, jaccard",
        ),
        (
            {"sources": {"web": SOURCE | {"qualty": 1}}},
            "unknown key sources.web.qualty; did you mean 'quality'",
            "allowed keys: kind, paths",
        ),
        (
            {"dedup": {"jaccard": 1.5}},
            "dedup.jaccard = 1.5: input should be less than or equal to 1",
            "",
        ),
        (
            {"sources": {"web": SOURCE | {"kind": "pdf"}}},
            "sources.web.kind = 'pdf': it is not a kind of source; there are warc, wet, html",
            "",
        ),
        ({"sources": {"web": {"kind": "warc"}}}, "sources.web.paths is missing", "add 'paths'"),
        ({"sources": {}}, "sources", ""),
        ({"sources": {"We b": SOURCE}}, "sources", "match pattern"),
        (
            {"sources": {"web": SOURCE | {"quality": ["gofer"]}}},
            "'gofer' is not a filter; there are",
            "",
        ),
        (
            {"sources": {"web": SOURCE | {"quality": [{"name": "length", "least": 1}]}}},
            "'least' is not an option of filter 'length'",
            "",
        ),
        (
            {"sources": {"web": {"kind": "warc", "paths": ["a"], "fields": {"text": "b"}}}},
            "'fields' is not for kind 'warc'",
            "",
        ),
        (
            {"sources": {"web": SOURCE | {"delimiter": ";"}}},
            "'delimiter' is not for kind 'jsonl'",
            "",
        ),
        ({"sources": {"web": SOURCE | {"reflow": False}}}, "'reflow' is not for kind 'jsonl'", ""),
        (
            {"sources": {"web": SOURCE | {"kind": "csv", "delimiter": ";;"}}},
            "sources.web.delimiter = ';;': string should match",
            "",
        ),
        (
            {"language": {"keep": ["enn"]}},
            "language: 'enn' is not a language of the model; did you mean 'nn'? it knows 'nn', 'en'",
            "",
        ),
        (
            {"language": {"keep": ["swahili"]}},
            "language: 'swahili' is not a language of the model; did you mean 'sw'? it knows 'sw'",
            "",
        ),
        (
            {"language": {"threshold": {"default": 0.6, "swe_": 0.4}}},
            "language: 'swe_' is not a language of the model; did you mean",
            "",
        ),
        (
            {"language": {"threshold": {"sw": 1.4}}},
            "language.threshold: sw = 1.4 is not a number from 0 to 1",
            "",
        ),
        (
            {"language": {"threshold": True}},
            "language.threshold = True: default = True is not a number from 0 to 1",
            "",
        ),
        (
            {"language": {"lowercase": "always"}},
            "language.lowercase = 'always': it is true, false or \"auto\"",
            "",
        ),
        (
            {"language": {"keep": ["en"], "model": "missing.bin"}},
            "cannot load the language model",
            "",
        ),
        (
            {"language": {"keep": ["en"], "identify": False}},
            "keep names languages, which are not known with identify = false",
            "",
        ),
        (
            {
                "language": {"identify": False},
                "sources": {"web": SOURCE | {"quality": ["length", "gopher"]}},
            },
            "filter 'gopher' of source 'web' asks for the language",
            "",
        ),
        (
            {"language": {"identify": False}, "dedup": {"keep": ["quality"]}},
            "dedup.keep names 'quality', the score of the language",
            "",
        ),
        ({"dedup": {"keep": ["source:boks"]}}, "dedup.keep names source 'boks'; there are web", ""),
        ({"dedup": {"keep": ["biggest"]}}, "dedup.keep", ""),
        ({"train": {"mixture": {"boks": 1}}}, "train.mixture names source 'boks'", ""),
        (
            {"sources": {"web": SOURCE | {"quality": [{"name": "length", "at_least": "300"}]}}},
            "option 'at_least' of filter 'length'",
            "",
        ),
        ({"shards": {"shard_megabytes": float("inf")}}, "shards.shard_megabytes = inf", ""),
        ({"train": {"clip": float("nan")}}, "train.clip = nan", ""),
        ({"shards": {"sequence_length": "many"}}, "shards.sequence_length = 'many'", ""),
    ],
)
def test_errors_name_the_file_the_key_and_what_is_allowed(
    values: dict, what: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(**values)
    assert what in str(caught.value)
    assert remedy in str(caught.value) or remedy == "match pattern"
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.exit_code == 2


def test_a_preset_is_written_out() -> None:
    config = parse(sources={"web": SOURCE | {"quality": ["fineweb", "length"]}})
    assert [entry.name for entry in config.sources["web"].quality] == [
        "gopher-repetition",
        "gopher",
        "c4-paper",
        "fineweb-quality",
        "length",
    ]
    assert config.sources["web"].quality[2].options == {"end_marks": False}


def test_a_run_is_found_by_its_url(tmp_path: Path) -> None:
    config = parse_config(
        {"folder": ".", "sources": {"web": SOURCE}, "language": {}},
        where="s3://bucket/deep/run/run.toml",
    )
    assert config.folder == "s3://bucket/deep/run"
    assert config.sources["web"].paths == ("s3://bucket/deep/run/a/*.jsonl",)
    assert parse(folder="file:///x/run").folder == "/x/run"


def test_a_relative_model_lies_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lid.ftz").write_bytes(Path(bundled_model()).read_bytes())
    monkeypatch.chdir("/")
    path = tmp_path / "c.toml"
    path.write_text(
        'folder = "run"\n[language]\nkeep = ["en"]\nmodel = "lid.ftz"\n[sources.a]\nkind = "text"\npaths = ["*.txt"]\n'
    )
    assert load_config(str(path)).language.model == str(tmp_path / "lid.ftz")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("folder = ", "not valid TOML"),
        ("folder = 'a\n", "not valid TOML"),
        (None, "no such configuration"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str | None, what: str) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=what):
        load_config(str(path))
