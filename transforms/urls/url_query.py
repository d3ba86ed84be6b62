"""Finding a URL among many: those of the same page, or else the most similar ones."""

import difflib
import heapq
from collections.abc import Iterable

import idna
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.urls.normalize import normalize_url, url_host

_NEAR = 5
_LEAST_RATIO = 0.6
_CANDIDATES = 20_000
_SHORTEST_SEGMENT = 4


class UrlQuery:
    """A URL to find.

    Columns are searched for its host first; only URLs of the host are normalised.
    """

    def __init__(self, url: str):
        self.url = url
        self.normalized = normalize_url(url, strip_tracking=True)
        raw = url.partition("://")[2].partition("/")[0].lower().removeprefix("www.")
        ascii_host = url_host(self.normalized) if self.normalized else ""
        self._hosts = {host for host in (raw, ascii_host, _unicode_host(ascii_host)) if host}
        self._segment = url.partition("?")[0].rstrip("/").rpartition("/")[2]

    def matches(self, urls: pa.Array) -> np.ndarray:
        """Which of n URLs are this one, or equal to it once normalised without tracking parameters.

        bool (n,).
        """
        found = _mask(pc.equal(urls, self.url))
        if self.normalized is not None:
            for row in np.flatnonzero(self._has_host(urls) & ~found).tolist():
                found[row] = (
                    normalize_url(urls[row].as_py(), strip_tracking=True) == self.normalized
                )
        return found

    def near(self, columns: Iterable[pa.Array]) -> list[str]:
        """The most similar URLs of its host or with its last path segment, at most five.

        The most similar one comes first. Looks at the first 20,000 such URLs.
        """
        matcher = difflib.SequenceMatcher(b=self.normalized or self.url, autojunk=False)
        best: dict[str, tuple[float, str]] = {}
        left = _CANDIDATES
        for urls in columns:
            related = self._has_host(urls)
            if len(self._segment) >= _SHORTEST_SEGMENT:
                related |= _mask(pc.match_substring(urls, self._segment))
            for url in urls.filter(pa.array(related)).slice(0, left).to_pylist():
                left -= 1
                spelled = normalize_url(url, strip_tracking=True) or url
                matcher.set_seq1(spelled)
                if (
                    spelled not in best
                    and matcher.real_quick_ratio() >= _LEAST_RATIO
                    and matcher.quick_ratio() >= _LEAST_RATIO
                ):
                    best[spelled] = matcher.ratio(), url
            best = dict(
                heapq.nsmallest(_NEAR, best.items(), key=lambda item: (-item[1][0], item[0]))
            )
        return [url for _, url in best.values()]

    def _has_host(self, urls: pa.Array) -> np.ndarray:
        found = np.zeros(len(urls), bool)
        for host in self._hosts:
            found |= _mask(pc.match_substring(urls, host, ignore_case=True))
        return found


def _unicode_host(host: str) -> str:
    """A host in Unicode: `xn--` names are decoded."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except (idna.IDNAError, UnicodeError):
        return host


def _mask(column: pa.Array) -> np.ndarray:
    return pc.fill_null(column, False).to_numpy(zero_copy_only=False).copy()
