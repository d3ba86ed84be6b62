"""Filter `url`: block lists of domains, URLs and words in the URL.

The rules are those of RefinedWeb (Penedo et al. 2023, arXiv:2306.01116, appendix G.1): a list of
domains (RefinedWeb and FineWeb use UT1, the list of the University of Toulouse) and three lists of
words. "Strict" words match anywhere, with "-" and "." removed from the URL as in DCLM; "hard" words
match whole words; "soft" words reject a URL that has two of them. The filter ships no list.
"""

import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import BinaryIO
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from transforms import storage
from transforms.config_types import ConfigPath
from transforms.errors import ConfigError
from transforms.filters.filter import Filter
from transforms.filters.lists import (
    HashSet,
    bad_list,
    hash_all,
    hash_bytes,
    open_list,
    open_members,
    read_entries,
    read_hashes,
)
from transforms.filters.verdicts import Verdicts
from transforms.storage import globs
from transforms.urls.normalize import normalize_host, normalize_url, url_host

_NOT_WORD = re.compile(r"[\W_]+")
_UNUSUAL = re.compile(rb"(?m)^(?:www\.|[^a-z0-9_\n]|[a-z0-9_.-]*(?:[.-]$|[^a-z0-9_.\n-])).*")
"""Lines of a domain list that are not a host in the spelling of `normalize_host`."""

_BLOCK_LINES = 1 << 16
_UT1_FILES = ("domains", "urls")


def judge_url(
    url: pa.StringArray,
    *,
    blocked_domains: tuple[str, ...] = (),
    domain_lists: tuple[ConfigPath, ...] = (),
    url_lists: tuple[ConfigPath, ...] = (),
    ut1: tuple[ConfigPath, ...] = (),
    ut1_categories: tuple[str, ...] = (),
    blocked_words: tuple[str, ...] = (),
    word_lists: tuple[ConfigPath, ...] = (),
    blocked_substrings: tuple[str, ...] = (),
    substring_lists: tuple[ConfigPath, ...] = (),
    soft_words: tuple[str, ...] = (),
    soft_word_lists: tuple[ConfigPath, ...] = (),
    min_soft_words: int = 2,
    allowed_domains: tuple[str, ...] = (),
    require_http: bool = False,
) -> Verdicts:
    """Rejects documents by their URL.

    Rules in order:
    - `url/not-http`, only with `require_http`: the value is not an http(s) URL;
    - `url/blocked-domain`: the host is a domain, or a subdomain of one, of `blocked_domains`, the
      files `domain_lists` or UT1;
    - `url/blocked-url`: the URL, or a path above it, is in the files `url_lists` or UT1;
    - `url/blocked-substring`: the URL contains one of `blocked_substrings` or of the files
      `substring_lists`;
    - `url/blocked-word`: the URL has one of `blocked_words`, or of `word_lists`, as a whole word;
    - `url/soft-words`: the URL has `min_soft_words` different ones of `soft_words` or of
      `soft_word_lists`; the value is their number.

    Documents without a URL, with one that cannot be parsed, and on `allowed_domains` or their
    subdomains are kept. Words are compared in lowercase, after percent-decoding. `ut1` names
    folders with CATEGORY/domains and CATEGORY/urls, plain or .gz, or tar archives of them;
    `ut1_categories` selects categories, all if empty.
    """
    addresses, rows = _Addresses.of(url.to_pylist()), len(url)
    verdicts = (
        Verdicts.where(~addresses.strange, rule="url/not-http")
        if require_http
        else Verdicts.kept(rows)
    )
    judged = addresses.known & ~addresses.on_any(_domains((), tuple(allowed_domains)))
    domains, pages = _ut1(tuple(ut1), tuple(ut1_categories)) if ut1 else (None, None)
    on_domain, on_page = np.zeros(rows, bool), np.zeros(rows, bool)
    for listed in (_domains(tuple(domain_lists), tuple(blocked_domains)), domains):
        if listed is not None and len(listed):
            on_domain |= addresses.on_any(listed)
    for listed_pages in (_pages(tuple(url_lists)), pages):
        if listed_pages is not None and len(listed_pages.pages):
            on_page |= listed_pages.match(addresses)
    strict = _words(tuple(blocked_substrings), tuple(substring_lists), False)
    hard, soft = (
        _words(tuple(blocked_words), tuple(word_lists), True),
        _words(tuple(soft_words), tuple(soft_word_lists), True),
    )
    blocked, hits, count = _match_words(addresses.urls, judged, strict=strict, hard=hard, soft=soft)
    return (
        verdicts.then(Verdicts.where(~(judged & on_domain), rule="url/blocked-domain"))
        .then(Verdicts.where(~(judged & on_page), rule="url/blocked-url"))
        .then(Verdicts.where(~blocked, rule="url/blocked-substring"))
        .then(Verdicts.where(~hits, rule="url/blocked-word"))
        .then(
            Verdicts.where(
                count < max(min_soft_words, 1),
                rule="url/soft-words",
                value=count,
                threshold=min_soft_words,
            )
        )
    )


class _Addresses:
    """The URLs of a batch.

    urls     the normalised URLs, None where there is none
    known    bool [rows]: the row has a normalised URL
    strange  bool [rows]: the row has a value that is not an http(s) URL
    """

    def __init__(self, urls: list[str | None], strange: np.ndarray):
        self.urls = urls
        self.strange = strange
        self.known = np.fromiter((address is not None for address in urls), bool, len(urls))
        self.hosts = [url_host(address) if address else "" for address in urls]
        # The hashes of all domains above each distinct host of the batch, with the host's number.
        self._number = {host: number for number, host in enumerate(dict.fromkeys(self.hosts))}
        suffixes: list[bytes] = []
        counts = []
        for host in self._number:
            before = len(suffixes)
            _add_suffixes(suffixes, host.encode())
            counts.append(len(suffixes) - before)
        self._hashes = hash_bytes(suffixes)
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._rows = np.fromiter(map(self._number.__getitem__, self.hosts), np.int64, len(urls))

    @classmethod
    def of(cls, urls: Sequence[str | None]) -> "_Addresses":
        normal = [normalize_url(address) if address else None for address in urls]
        strange = np.fromiter(
            (bool(raw) and address is None for raw, address in zip(urls, normal, strict=True)),
            bool,
            len(normal),
        )
        return cls(normal, strange)

    def on_any(self, domains: HashSet) -> np.ndarray:
        """Whether the host is one of the domains or a subdomain of one: bool [rows]."""
        if not len(domains):
            return np.zeros(len(self.urls), bool)
        hit = np.zeros(len(self._number), bool)
        hit[self._owners[domains.contains(self._hashes)]] = True
        return hit[self._rows]


def _add_suffixes(suffixes: list[bytes], host: bytes) -> None:
    """Append a host and all domains above it to `suffixes`; for an IP address, only the address."""
    if host:
        suffixes.append(host)
        if not host[-1:].isdigit() and host[-1:] != b"]":
            dot = host.find(b".") + 1
            while dot:
                suffixes.append(host[dot:])
                dot = host.find(b".", dot) + 1


class _Pages:
    """A list of URLs; `hosts` are those of its entries, URLs of other hosts are not looked up."""

    def __init__(self, blocks: Iterable[tuple[np.ndarray, np.ndarray]]):
        listed = list(blocks)
        self.hosts, self.pages = (
            HashSet(hosts for hosts, _ in listed),
            HashSet(pages for _, pages in listed),
        )

    def match(self, addresses: _Addresses) -> np.ndarray:
        matched = np.zeros(len(addresses.urls), bool)
        for row in np.flatnonzero(self.hosts.contains(hash_all(map(_authority, addresses.urls)))):
            matched[row] = self.pages.contains(
                hash_all(_prefixes(_page_key(addresses.urls[row] or "")))
            ).any()
        return matched


def _authority(address: str | None) -> str:
    return address.split("/", 3)[2] if address else ""


def _page_key(address: str) -> str:
    """A normalised URL without its scheme and its final slash."""
    return address.partition("://")[2].rstrip("/")


def _prefixes(key: str) -> list[str]:
    """The entries that block a page: its key, the key without query, and all folders above it.

    The host alone is not among them, unless it is the page.
    """
    path = key.partition("?")[0].rstrip("/")
    prefixes = [key, path]
    while (slash := path.rfind("/")) > 0:
        path = path[:slash]
        prefixes.append(path)
    return prefixes if len(prefixes) == 2 else prefixes[:-1]


@lru_cache(maxsize=16)
def _domains(paths: tuple[str, ...], inline: tuple[str, ...]) -> HashSet:
    blocks = [hash_all(_inline_domain(domain) for domain in inline)]
    for path in paths:
        with open_list(path) as stream:
            blocks += read_hashes(stream, path=path, normalize=_Domains(path))
    return HashSet(blocks)


def _inline_domain(domain: str) -> str:
    host = normalize_host(domain.strip().removeprefix("*.").removeprefix("."))
    if host is None:
        raise ConfigError(
            f"{domain!r} is not a domain",
            where="filter url",
            remedy='name domains such as "example.com"',
        )
    return host


class _Domains:
    """Callable that converts the lines of a domain list to normalised hosts."""

    def __init__(self, path: str):
        self._path = path

    def __call__(self, lines: bytes) -> Iterator[bytes]:
        lines = lines.lower().replace(b"\r", b"")
        unusual = _UNUSUAL.findall(lines)
        yield from (_UNUSUAL.sub(b"", lines) if unusual else lines).split()
        for line in map(bytes.strip, unusual):
            if line and not line.startswith(b"#"):
                yield self._unusual(line.decode("utf-8-sig", "replace")).encode()

    def _unusual(self, line: str) -> str:
        host = normalize_host(line.removeprefix("*.").removeprefix("."))
        if host is not None:
            return host
        if "/" in line or any(sign.isspace() for sign in line) or "\ufffd" in line:
            raise bad_list(self._path, f"{line[:80]!r} is not a domain")
        # Lists of millions of entries have a few invalid ones, which match nothing.
        return line


@lru_cache(maxsize=16)
def _pages(paths: tuple[str, ...]) -> _Pages:
    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for path in paths:
            with open_list(path) as stream:
                yield from _page_blocks(stream, path)

    return _Pages(blocks())


def _page_blocks(stream: Iterable[bytes], path: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read a list of URLs in blocks; yields the hashes of their hosts and of the URLs, uint64."""
    lines = iter(stream)
    try:
        while block := list(islice(lines, _BLOCK_LINES)):
            entries = (line.strip().decode("utf-8-sig", "replace") for line in block)
            addresses = (
                normalize_url(entry if "://" in entry else f"http://{entry}")
                for entry in entries
                if entry and not entry.startswith("#")
            )
            keys = [_page_key(address) for address in addresses if address]
            yield np.unique(hash_all(key.partition("/")[0] for key in keys)), hash_all(keys)
    except (OSError, EOFError, zlib.error) as error:
        raise bad_list(path, str(error)) from error


@lru_cache(maxsize=4)
def _ut1(paths: tuple[str, ...], categories: tuple[str, ...]) -> tuple[HashSet, _Pages]:
    """Load UT1 folders or archives: returns their domains and their URLs. Raises ConfigError."""
    hashes: list[np.ndarray] = []
    pages: list[tuple[np.ndarray, np.ndarray]] = []
    seen: set[str] = set()
    for path in paths:
        is_folder = False
        for name, stream in _ut1_files(path):
            folder, file = posixpath.split(name)
            category = posixpath.basename(folder)
            if categories and category not in categories:
                continue
            seen.add(category)
            is_folder = True
            if file.startswith("domains"):
                hashes += read_hashes(
                    stream, path=f"{path}: {name}", normalize=_Domains(f"{path}: {name}")
                )
            else:
                pages += _page_blocks(stream, f"{path}: {name}")
        if not is_folder:
            wanted = " or ".join(categories) or "CATEGORY"
            raise ConfigError(
                f"no {wanted}/domains or {wanted}/urls in it",
                where=path,
                remedy="name a folder or archive of UT1's lists",
            )
    if missing := set(categories) - seen:
        raise ConfigError(
            f"there is no category {', '.join(sorted(missing))}",
            where=", ".join(paths),
            remedy="correct ut1_categories",
        )
    return HashSet(hashes), _Pages(pages)


def _ut1_files(path: str) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the files CATEGORY/domains and CATEGORY/urls of a folder or archive, with names."""
    if ".tar" in posixpath.basename(path) or path.endswith(".tgz"):
        yield from (
            (name, stream)
            for name, stream in open_members(path)
            if posixpath.basename(name) in _UT1_FILES
        )
        return
    for depth in ("", "*"):
        for file in _UT1_FILES:
            for suffix in ("", ".gz"):
                for entry in storage.list_files(
                    storage.join(globs.escape(path), depth, file + suffix)
                ):
                    with open_list(entry.path) as stream:
                        yield entry.path.removesuffix(".gz"), stream


@lru_cache(maxsize=16)
def _words(inline: tuple[str, ...], paths: tuple[str, ...], whole: bool) -> frozenset[str]:
    listed = [*inline, *(entry for path in paths for entry in read_entries(path))]
    words = {word.strip().lower() for word in listed}
    for word in words:
        if whole and _NOT_WORD.search(word):
            raise ConfigError(
                f"{word!r} is not one word",
                where="filter url",
                remedy="whole words have letters and digits only",
            )
    return frozenset(
        (word if whole else word.replace("-", "").replace(".", "")) for word in words
    ) - {""}


def _match_words(
    urls: Sequence[str | None],
    rows: np.ndarray,
    *,
    strict: frozenset[str],
    hard: frozenset[str],
    soft: frozenset[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match the words of the URLs in the rows where bool `rows` is true.

    Returns bool [rows], has a strict word; bool [rows], has a hard word; int64 [rows], the number
    of different soft words.
    """
    blocked, hits, count = (
        np.zeros(len(urls), bool),
        np.zeros(len(urls), bool),
        np.zeros(len(urls), np.int64),
    )
    if not (strict or hard or soft):
        return blocked, hits, count
    anywhere = re.compile("|".join(map(re.escape, sorted(strict)))) if strict else None
    for row in np.flatnonzero(rows).tolist():
        address = (urls[row] or "").partition("://")[2].lower()
        if "%" in address:
            address = unquote(address).lower()
        if anywhere:
            blocked[row] = anywhere.search(address.replace("-", "").replace(".", "")) is not None
        if hard or soft:
            words = set(_NOT_WORD.split(address))
            hits[row] = not hard.isdisjoint(words)
            count[row] = len(soft & words)
    return blocked, hits, count


URL = Filter(name="url", judge=judge_url, columns=("url",))
