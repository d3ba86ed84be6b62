"""Options of export formats: what the registry shows, what is refused."""

import pytest

from transforms.errors import ConfigError
from transforms.export.formats import ExportOptions
from transforms.export.jsonl import JsonlOptions
from transforms.export.llmc import LlmcOptions
from transforms.export.mds import MdsOptions
from transforms.export.registry import FORMATS, describe_formats
from transforms.export.request import ExportRequest, choose_options, format_options

GIVEN = {"file_tokens": 100_000_000, "sequence_length": 0, "compression": "gzip"}


def test_the_help_names_every_format_once() -> None:
    assert (
        describe_formats()
        == "nanogpt, llmc, megatron, datatrove, mds (tokens), parquet or jsonl (documents)"
    )


def test_every_option_has_a_default_a_description_and_formats() -> None:
    options = format_options()
    assert {name: option.default for name, option in options.items()} == GIVEN
    assert all(
        option.description and set(option.formats) <= set(FORMATS) for option in options.values()
    )
    assert options["compression"].choices == ("gzip", "zstd", "none")
    assert (options["file_tokens"].minimum, options["sequence_length"].minimum) == (1, 0)


@pytest.mark.parametrize(
    ("format", "given", "expected"),
    [
        ("nanogpt", GIVEN, ExportOptions()),
        ("llmc", GIVEN | {"file_tokens": 5}, LlmcOptions(file_tokens=5)),
        ("mds", GIVEN | {"sequence_length": 8}, MdsOptions(sequence_length=8)),
        ("jsonl", {"compression": "zstd"}, JsonlOptions(compression="zstd")),
    ],
)
def test_a_format_gets_its_options(format: str, given: dict, expected: ExportOptions) -> None:
    options = choose_options(format, given)
    assert (type(options), options) == (type(expected), expected)


@pytest.mark.parametrize(
    ("format", "given", "what"),
    [
        ("csv", {}, "'csv' is not a format.*\n.*--format\n.*choose from nanogpt, llmc"),
        (
            "nanogpt",
            {"compression": "zstd"},
            "nanogpt has no option --compression.*\n.*\n.*export jsonl, which it is for",
        ),
        (
            "jsonl",
            {"compression": "lzma"},
            "'lzma' is not a compression.*\n.*\n.*choose from gzip, zstd, none",
        ),
        (
            "llmc",
            {"file_tokens": 0},
            "0: input should be greater than or equal to 1.*\n.*--file-tokens",
        ),
    ],
)
def test_what_is_refused(format: str, given: dict, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        choose_options(format, given)


def test_a_request_has_the_options_of_its_format() -> None:
    assert ExportRequest(format="mds", to="x").options == MdsOptions()
    assert ExportRequest(format="jsonl", to="x").values()["options"] == {"compression": "gzip"}
    assert ExportRequest(format="megatron", to="x").values()["options"] == {}
    with pytest.raises(TypeError, match="the options of mds are MdsOptions"):
        ExportRequest(format="mds", to="x", options=JsonlOptions())
