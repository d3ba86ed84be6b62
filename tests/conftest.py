"""Fixtures that all tests share. Nothing here needs a network or a GPU."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TOKENMILL_DATA", PROJECT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on real data are skipped, and say why, where the data folder is absent."""
    if DATA.is_dir():
        return
    absent = pytest.mark.skip(reason=f"no real data at {DATA}; set TOKENMILL_DATA")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real inputs; only for tests marked `real_data`."""
    return DATA
