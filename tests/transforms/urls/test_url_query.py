"""Looking for a URL: equal spellings, the same page spelled otherwise, and what is near."""

import pyarrow as pa
import pytest

from transforms.urls.url_query import UrlQuery

URLS = [
    "https://www.example.org/flood/after?b=2",
    "http://example.org/flood/after",
    None,
    "https://example.org/flood/before#top",
    "https://EXAMPLE.org:443/a%7Eb/../flood/before",
    "https://bücher.example/flood",
    "urn:isbn:9780141439600",
    "https://other.example/flood/before",
    "https://example.org/",
    "not a url",
]


@pytest.mark.parametrize(
    ("url", "rows"),
    [
        ("https://www.example.org/flood/after?b=2", [0]),
        ("https://example.org/flood/after?b=2&utm_source=mail#x", [0]),
        ("https://example.org/flood/before", [3, 4]),
        ("HTTPS://WWW.EXAMPLE.ORG/flood/before?fbclid=1", [3, 4]),
        ("https://xn--bcher-kva.example/flood", [5]),
        ("https://bücher.example/flood", [5]),
        ("urn:isbn:9780141439600", [6]),
        ("not a url", [9]),
        ("https://example.org", [8]),
        ("http://example.org/", []),
        ("", []),
    ],
)
def test_which_rows_match(url: str, rows: list[int]) -> None:
    assert UrlQuery(url).matches(pa.array(URLS)).nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("http://example.org/flood/befor", "https://example.org/flood/before#top"),
        ("https://example.com/flood/before", "https://example.org/flood/before#top"),
        ("http://example.org/flood/after/", "http://example.org/flood/after"),
        ("https://nowhere.example/nothing", None),
    ],
)
def test_the_nearest_comes_first(url: str, first: str | None) -> None:
    near = UrlQuery(url).near([pa.array(URLS[:4]), pa.array(URLS[4:])])
    assert (near[0] if near else None) == first
    assert len(near) <= 5
    assert UrlQuery(url).near([]) == []


def test_one_of_many_on_a_host() -> None:
    urls = pa.array([f"https://example.org/item/{number}" for number in range(5000)])
    assert UrlQuery("https://example.org/item/4999").matches(urls).nonzero()[0].tolist() == [4999]
    assert len(UrlQuery("https://example.org/item/x").near([urls])) == 5
