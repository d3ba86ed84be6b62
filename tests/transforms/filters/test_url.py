"""Filter `url`: each list on both sides, lists as files and archives, and what is no list."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import ConfigError
from transforms.filters.lists import HashSet, hash_all
from transforms.filters.registry import check_filter
from transforms.filters.url import judge_url


def judged(url: str | None, **options: Any) -> str | None:
    return judge_url(pa.array([url], pa.string()), **options).rule[0]


DOMAIN, URL, WORD, SUBSTRING, SOFT = (
    f"url/{rule}"
    for rule in ("blocked-domain", "blocked-url", "blocked-word", "blocked-substring", "soft-words")
)
SOFT_WORDS = {"soft_words": ("bet", "win", "casino")}


@pytest.mark.parametrize(
    ("url", "options", "rule"),
    [
        (None, {"blocked_domains": ("example.com",), "require_http": True}, None),
        ("", {"require_http": True}, None),
        ("http://example.com/", {}, None),
        ("http://example.com/", {"blocked_domains": ("example.com",)}, DOMAIN),
        ("https://WWW.Example.com.:443/x", {"blocked_domains": ("example.com",)}, DOMAIN),
        ("http://a.b.example.com/", {"blocked_domains": ("example.com",)}, DOMAIN),
        ("http://a.b.example.com/", {"blocked_domains": ("*.B.example.com",)}, DOMAIN),
        ("http://notexample.com/", {"blocked_domains": ("example.com",)}, None),
        ("http://example.com.org/", {"blocked_domains": ("example.com",)}, None),
        ("http://example.com/", {"blocked_domains": ("a.example.com",)}, None),
        ("http://some.xyz/", {"blocked_domains": ("xyz",)}, DOMAIN),
        ("http://192.0.2.1/", {"blocked_domains": ("192.0.2.1",)}, DOMAIN),
        ("http://192.0.2.1/", {"blocked_domains": ("2.1", "1")}, None),
        ("http://[2001:db8::1]:8080/", {"blocked_domains": ("[2001:db8:0::1]",)}, DOMAIN),
        ("http://bücher.example/", {"blocked_domains": ("xn--bcher-kva.example",)}, DOMAIN),
        ("http://xn--bcher-kva.example/", {"blocked_domains": ("bücher.example",)}, DOMAIN),
        (
            "http://good.example.com/",
            {"blocked_domains": ("example.com",), "allowed_domains": ("good.example.com",)},
            None,
        ),
        ("http://example.com/bet/win", {**SOFT_WORDS, "allowed_domains": ("example.com",)}, None),
        ("ftp://example.com/", {"blocked_domains": ("example.com",)}, None),
        ("ftp://example.com/", {"require_http": True}, "url/not-http"),
        ("http://example.com/a-bet", {"blocked_words": ("Bet",)}, WORD),
        ("http://bet.example.com/", {"blocked_words": ("bet",)}, WORD),
        ("http://example.com/?q=bet", {"blocked_words": ("bet",)}, WORD),
        ("http://example.com/#bet", {"blocked_words": ("bet",)}, None),
        ("http://example.com/alphabet_2", {"blocked_words": ("bet",)}, None),
        ("http://example.com/alphabet", {"blocked_substrings": ("bet",)}, SUBSTRING),
        ("http://example.com/b-e.t", {"blocked_substrings": ("b.et",)}, SUBSTRING),
        ("http://example.com/b/et", {"blocked_substrings": ("bet",)}, None),
        ("http://example.com/w%C3%B6rter", {"blocked_words": ("wörter",)}, WORD),
        ("http://http.example/", {"blocked_words": ("https",)}, None),
        ("http://example.com/bet/bet", SOFT_WORDS, None),
        ("http://example.com/bet/win", SOFT_WORDS, SOFT),
        ("http://example.com/bet/win", {**SOFT_WORDS, "min_soft_words": 3}, None),
        ("http://example.com/bet", {**SOFT_WORDS, "min_soft_words": 1}, SOFT),
    ],
)
def test_rules(url: str | None, options: dict[str, Any], rule: str | None) -> None:
    assert judged(url, **options) == rule


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://example.com/bad", URL),
        ("https://www.example.com/bad/?", URL),
        ("http://example.com/bad/page?x=1", URL),
        ("http://example.com/bader", None),
        ("http://example.com/", None),
        ("http://sub.example.com/bad", None),
        ("http://example.org/?id=7", URL),
        ("http://example.org/?id=8", None),
        ("http://example.org:8080/x/y", URL),
        ("http://example.org/x/y", None),
        ("http://whole.example/any", None),
        ("http://whole.example", URL),
    ],
)
def test_lists_of_addresses(url: str, rule: str | None, tmp_path: Path) -> None:
    path = tmp_path / "urls"
    path.write_text(
        "# pages\nexample.com/bad/\n\nhttps://example.org/?id=7\nexample.org:8080/x\n"
        "whole.example/\nnot an address\n"
    )
    assert judged(url, url_lists=(str(path),)) == rule


DOMAINS = (
    "# comment\nExample.COM\r\nwww.with-www.example\n*.star.example\nbücher.example\n\n"
    "192.0.2.7\n-odd-.example\n"
)


@pytest.fixture(params=["plain", "gz", "tar.gz"])
def ut1(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """UT1's lists as a folder, as a folder of packed files and as one archive."""
    files = {
        "adult/domains": DOMAINS,
        "adult/urls": "pages.example/x\n",
        "adult/usage": "black",
        "games/domains": "games.example\n",
    }
    if request.param == "tar.gz":
        path = tmp_path / "blacklists.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(f"blacklists/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        return str(path)
    for name, text in files.items():
        path = tmp_path / "ut1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "gz":
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text, encoding="utf-8")
    return str(tmp_path / "ut1")


def test_ut1(ut1: str) -> None:
    urls = [
        "http://a.example.com/",
        "http://with-www.example/",
        "http://x.star.example/",
        "http://xn--bcher-kva.example/",
        "http://192.0.2.7/",
    ]
    urls += ["http://pages.example/x", "http://games.example/", "http://fine.example/"]
    everything = judge_url(pa.array(urls), ut1=(ut1,))
    assert everything.rule.tolist() == [DOMAIN] * 5 + [URL, DOMAIN, None]
    adult = judge_url(pa.array(urls), ut1=(ut1,), ut1_categories=("adult",))
    assert adult.rule.tolist() == [DOMAIN] * 5 + [URL, None, None]
    with pytest.raises(ConfigError, match="no category malware"):
        judge_url(pa.array(urls), ut1=(ut1,), ut1_categories=("adult", "malware"))


def test_one_category_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "domains").write_text("example.com\n")
    assert judged("http://example.com/", ut1=(str(tmp_path),)) == DOMAIN


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("domain_lists", None, "cannot read"),
        ("domain_lists", b"example.com\nexample.org/page\n", "is not a domain"),
        ("domain_lists", b"0.0.0.0 example.com\n", "is not a domain"),
        ("domain_lists", b"\xff\xfe\n", "is not a domain"),
        ("url_lists", None, "cannot read"),
        ("word_lists", b"two words\n", "is not one word"),
        ("word_lists", b"\xff\n", "UTF-8"),
        ("word_lists", b"# nothing\n", "no entry"),
        ("ut1", None, "no CATEGORY/domains"),
    ],
)
def test_lists_that_cannot_be_read_are_configuration_errors(
    option: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "list"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        judged("http://example.com/", **{option: (str(path),)})


def test_packed_lists_that_were_cut_are_configuration_errors(tmp_path: Path) -> None:
    path = tmp_path / "list.gz"
    path.write_bytes(gzip.compress(b"example.com\n" * 99)[:-9])
    for option in ("domain_lists", "url_lists", "word_lists"):
        with pytest.raises(ConfigError):
            judged("http://example.com/", **{option: (str(path),)})


@given(st.sets(st.integers(0, 500)), st.lists(st.integers(0, 500)))
def test_a_hash_set_holds_what_was_put_in(members: set[int], asked: list[int]) -> None:
    found = HashSet([hash_all(map(str, members)), hash_all(map(str, members))])
    assert len(found) == len(members)
    assert found.contains(hash_all(map(str, asked))).tolist() == [
        number in members for number in asked
    ]


def test_a_row_alone_is_judged_as_in_a_batch() -> None:
    urls = [
        None,
        "http://a.example.com/",
        "x",
        "http://example.com/bet/win",
        "http://bet.org/",
        "http://a.example.com/",
        "",
    ]
    options: dict[str, Any] = {
        **SOFT_WORDS,
        "blocked_domains": ("a.example.com",),
        "blocked_words": ("bet",),
        "require_http": True,
    }
    together = judge_url(pa.array(["z", *urls], pa.string())[1:], **options)
    assert together.rule.tolist() == [judged(url, **options) for url in urls]
    assert len(judge_url(pa.array([], pa.string()), **options).keep) == 0


@given(st.lists(st.one_of(st.none(), st.text(), st.text().map("http://".__add__)), max_size=5))
def test_any_text_as_url_is_judged(urls: list[str | None]) -> None:
    urls = [url if url is None else url.encode("utf-8", "replace").decode() for url in urls]
    verdicts = judge_url(
        pa.array(urls, pa.string()),
        blocked_domains=("example.com",),
        blocked_substrings=("bet",),
        **SOFT_WORDS,
    )
    assert len(verdicts.keep) == len(urls)
    assert np.array_equal(verdicts.keep, np.array([rule is None for rule in verdicts.rule], bool))


def test_options_as_toml_gives_them() -> None:
    check_filter("url", {"blocked_domains": ["example.com"], "min_soft_words": 2})
    for wrong in (
        {"blocked_domains": "example.com"},
        {"blocked_domains": [1]},
        {"min_soft_words": "2"},
    ):
        with pytest.raises(ValueError, match=r"list|string|integer"):
            check_filter("url", wrong)
