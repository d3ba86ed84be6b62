"""JSON Feed (versions 1 and 1.1): one document per item."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from transforms.clean_text import clean_text
from transforms.sources.feed_dates import feed_date
from transforms.sources.feed_entry import html_text, map_c1
from transforms.sources.html_files import absolute_url
from transforms.sources.metadata import primary_subtag
from transforms.sources.records import RawDocument, RawReject, Record


def read_json_feed(text: str) -> Iterator[Record]:
    """Read a JSON Feed -> one document or reject per item, or one reject for another file.

    The locator is the item's number, from 1.
    """
    try:
        feed = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        yield RawReject("start+", "feed/malformed", detail=f"{type(error).__name__}: {error}")
        return
    items = feed.get("items")
    if not isinstance(items, list):
        yield RawReject("start+", "feed/not-a-feed", detail="a JSON object without a list of items")
        return
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield _read_item(item, str(number), feed)
        else:
            yield RawReject(
                str(number),
                "feed/unreadable",
                detail=f"an item is a {type(item).__name__}, not an object",
            )


def _read_item(item: Mapping[str, Any], locator: str, feed: Mapping[str, Any]) -> Record:
    def field(name: str) -> str:
        value = item.get(name)
        return value if isinstance(value, str) else ""

    base = feed.get("home_page_url")
    base = base if isinstance(base, str) else None
    links = [absolute_url(field(name), base) for name in ("url", "external_url") if field(name)]
    url = next(filter(None, (*links, absolute_url(field("id")))), None)
    text = html_text(field("content_html")) or clean_text(
        map_c1(field("content_text") or field("summary"))
    )
    if not text:
        return RawReject(
            locator, "extract/empty", "extract", url=url, detail="no content or summary"
        )
    language = field("language") or feed.get("language")
    return RawDocument(
        locator,
        text,
        url=url,
        title=" ".join(map_c1(field("title")).split()) or None,
        published=feed_date(field("date_published") or field("date_modified")),
        declared_language=primary_subtag(language if isinstance(language, str) else None),
    )
