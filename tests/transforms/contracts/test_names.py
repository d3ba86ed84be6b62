"""Names of the files of stages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.contracts.names import (
    DROPS,
    PARTS,
    REJECTS,
    SIGNATURES,
    pretoken_range_path,
    shard_name,
)


@given(
    st.sampled_from([PARTS, REJECTS, SIGNATURES, DROPS]),
    st.lists(st.integers(0, 10**6), max_size=4, unique=True),
)
def test_numbers_from_names(files, parts: list[int]):
    """Beside other files, in any order; numbers may outgrow five digits."""
    names = [files.name(part) for part in parts]
    assert files.numbers(
        [*names, "manifest.json", "other-00001.parquet", f"{files.prefix}-00001.arrow"]
    ) == sorted(parts)
    assert all(
        files.path("/run/stage", part) == f"/run/stage/{name}"
        for part, name in zip(parts, names, strict=True)
    )


def test_another_file_has_no_number():
    with pytest.raises(ValueError, match="rejects"):
        PARTS.number("rejects-00001.parquet")


def test_names_as_files_of_earlier_versions_have_them():
    assert PARTS.name(7) == "part-00007.parquet"
    assert PARTS.pattern == "part-*.parquet"
    assert shard_name("train", "web", 2, 11) == "train-web-00002-of-00011.arrow"
    assert pretoken_range_path("/work", 3, 64) == "/work/pretokens-00003-of-00064.parquet"
