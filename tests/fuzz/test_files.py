"""The short form of `make fuzz`: some mutated files of every kind, and the untouched ones."""

import random
from pathlib import Path

import pytest

from tests.fuzz.files import Findings, check_case, fuzz, make_case, mutate
from tests.fuzz.seeds import SEEDS
from transforms.sources.registry import KINDS

FILES = [(kind, number) for kind in SEEDS for number in range(len(SEEDS[kind]))]


def test_every_kind_has_a_seed() -> None:
    assert set(SEEDS) >= set(KINDS)


@pytest.mark.parametrize(("kind", "number"), FILES, ids=lambda value: str(value))
def test_untouched_files_have_only_documents_and_known_rejects(
    tmp_path: Path, kind: str, number: int
) -> None:
    suffix, make = SEEDS[kind][number]
    findings = Findings()
    check_case(kind, suffix, make(), tmp_path, findings)
    assert findings.kept + sum(findings.rejected.values()) > 0
    known = {"warc/wrong-length": 1} if kind == "warc" and number in (5, 6) else {}
    assert {
        rule: count
        for rule, count in findings.rejected.items()
        if rule.startswith((f"{kind}/", "read/"))
    } == known or kind == "wikipedia"


def test_mutations_change_files_and_can_be_made_again() -> None:
    data = bytes(range(256)) * 10
    changed = [mutate(data, random.Random(seed)) for seed in range(50)]
    assert sum(item != data for item in changed) > 45
    assert changed == [mutate(data, random.Random(seed)) for seed in range(50)]
    assert mutate(b"", random.Random(0)) == b""
    assert make_case("warc", 3, 0) == make_case("warc", 3, 0) != make_case("warc", 3, 1)


@pytest.mark.parametrize("kind", SEEDS)
def test_mutated_files_are_read_or_rejected(kind: str) -> None:
    assert fuzz(kind, count=40, seed=1).failures == []


def test_a_panic_of_the_archive_reader_costs_the_rest_of_the_file(tmp_path: Path) -> None:
    """A damaged lz4 block, found by an earlier run of this: FastWARC unwraps an error, which Python gets as no `Exception`."""
    findings = Findings()
    suffix, make = SEEDS["warc"][4]
    data = mutate(make(), random.Random("warc 74 3"))
    check_case("warc", suffix, data, tmp_path, findings)
    assert (suffix, set(findings.rejected)) == (".warc.lz4", {"read/broken-file"})


@pytest.mark.parametrize(("kind", "number"), [("parquet", 1502), ("wikipedia", 374)])
def test_what_earlier_runs_found(tmp_path: Path, kind: str, number: int) -> None:
    """Size statistics at which pyarrow ends the process; two pages of one id."""
    check_case(kind, *make_case(kind, number, 0), tmp_path, Findings())
