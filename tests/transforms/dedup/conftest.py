"""Fixtures of the tests of deduplication."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def news(data_folder: Path) -> list[dict[str, Any]]:
    """All Reuters articles: `id`, `title`, `text`. Only for tests marked `real_data`."""
    articles = []
    for path in sorted((data_folder / "news").glob("*.jsonl.gz")):
        with gzip.open(path) as stream:
            articles += [json.loads(line) for line in stream]
    return articles
