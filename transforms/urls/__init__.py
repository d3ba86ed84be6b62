"""URLs in one spelling, and columns of them searched for one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.urls.normalize import normalize_host, normalize_url, url_host
    from transforms.urls.url_query import UrlQuery
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".normalize": "normalize_host normalize_url url_host",
            ".url_query": "UrlQuery",
        },
    )

__all__ = [
    "UrlQuery",
    "normalize_host",
    "normalize_url",
    "url_host",
]
