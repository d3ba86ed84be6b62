"""The reject rules of the sources are those of docs/formats.md."""

import re

import pytest

from tests.conftest import PROJECT
from transforms.sources.registry import KINDS

LISTED = set(
    re.findall(
        r"`([a-z-]+/[a-z-]+)`", (PROJECT / "docs" / "formats.md").read_text(encoding="utf-8")
    )
)
SOURCES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (PROJECT / "transforms" / "sources").glob("*.py")
}
STARTS = "|".join([*KINDS, "extract", "read"])


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_rules_that_are_written_out(name: str) -> None:
    found = set(re.findall(rf'"((?:{STARTS})/[a-z-]+)"', SOURCES[name])) - {
        "text/html",
        "text/plain",
        "text/xml",
        "text/htm",
    }
    if name != "mime.py":
        assert found <= LISTED


@pytest.mark.parametrize("kind", ["warc", "wet"])
def test_rules_that_are_named_after_a_kind(kind: str) -> None:
    rules = set(re.findall(r"{kind}/([a-z-]+)", SOURCES["archive.py"])) | {
        "wrong-length",
        "damaged",
        "truncated",
    }
    assert {f"{kind}/{rule}" for rule in rules} <= LISTED


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_rule_for_what_is_no_text(kind: str) -> None:
    assert f"{kind}/not-text" in LISTED
