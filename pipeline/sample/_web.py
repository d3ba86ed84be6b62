"""The web source: `pages.warc.gz`, `cut-off.warc.gz` and `python-topics.warc.gz`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.sample._html import encode_page
from pipeline.sample._labels import Label, add_note, mark_group
from pipeline.sample._source import (
    Entry,
    derive,
    list_resources,
    parse_entries,
    read_resource,
    read_table,
)
from pipeline.sample._topics import topic_pages
from pipeline.sample._warc import Response, write_file

PAGES = "web/pages.warc.gz"
CUT_OFF = "web/cut-off.warc.gz"
TOPICS = "web/python-topics.warc.gz"
_EPOCH = datetime(2024, 1, 1, 6, 0, tzinfo=UTC)
_CUT_URLS = (
    "https://toolshed.example/how-a-hash-table-forgets",
    "https://toolshed.example/meetings-that-end",
    "https://toolshed.example/first-solder",
)
# The smallest PNG there is: one transparent pixel
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)


def read_pages() -> list[Entry]:
    """The pages as they were written, by file and place in it."""
    pages = []
    for name in list_resources("web", ".txt"):
        language = "en" if name == "spam.txt" else name[:2]
        pages += parse_entries(read_resource("web", name), language=language)
    return pages


def read_variants(pages: list[Entry]) -> list[tuple[str, str, Entry]]:
    """(group, URL of the base, the page made from it) for each entry of `web/variants.toml`."""
    known = {page.key: page for page in pages}
    variants = []
    for table in read_table("web", "variants.toml")["variant"]:
        page = derive(known[table["base"]], table, key=table["url"])
        known[page.key] = page
        variants.append((table["group"], table["base"], page))
    return variants


def _date(number: int) -> str:
    return (_EPOCH + timedelta(minutes=7 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _broken_responses() -> list[tuple[Response, str, str]]:
    """(answer, rule, note) of records that hold no page."""
    missing = b"<!DOCTYPE html><html><head><title>404</title></head><body><h1>Not found</h1><p>There is nothing here.</p></body></html>"
    table = [
        (
            "https://saltmarsh.example/images/tide.png",
            200,
            "image/png",
            _PNG,
            "warc/content-type",
            "a picture",
        ),
        (
            "https://saltmarsh.example/notes/gone",
            404,
            "text/html",
            missing,
            "warc/http-status",
            "HTTP status 404",
        ),
        (
            "https://saltmarsh.example/notes",
            301,
            "text/html",
            b"",
            "warc/http-status",
            "HTTP status 301",
        ),
        (
            "https://saltmarsh.example/notes/blank",
            200,
            "text/html",
            b"",
            "extract/empty",
            "a page of no bytes",
        ),
    ]
    return [
        (Response(url=url, date="", status=status, content_type=kind, body=body), rule, note)
        for url, status, kind, body, rule, note in table
    ]


def _label(page: Entry, *, file: str) -> Label:
    rule = page.settings.get("rule")
    language = None if rule in ("extract/empty", "language/uncertain") else page.language
    note = page.settings.get("note", "")
    if not note and "charset" in page.settings:
        charset, _, declared = page.settings["charset"].partition(" ")
        note = f"encoded in {charset}, declared in the {'HTTP header' if declared == 'header' else 'page'} only"
    return Label(
        source="web",
        key=page.key,
        file=file,
        language=language,
        outcome="rejected" if rule else "kept",
        rule=rule,
        note=note,
    )


def _mark_groups(labels: list[Label], variants: list[tuple[str, str, Entry]]) -> list[Label]:
    """Marks what was planted for deduplication."""
    chain = [
        keys
        for group, *keys in ((group, base, page.key) for group, base, page in variants)
        if group == "chain"
    ]
    for group, base, page in variants:
        if group in ("exact", "near"):
            labels = mark_group(
                labels, group=group, keys=[base, page.key], keeper=base if group == "near" else None
            )
        elif group == "near-miss":
            labels = add_note(
                labels,
                keys=[base, page.key],
                note=f"near miss: {base} and {page.key} begin alike, both stay",
            )
    (first, second), (_, third) = chain
    labels = mark_group(labels, group="near", keys=[first, second], keeper=first)
    return add_note(
        labels, keys=[third], note=f"like {second}, which goes, but not like {first}, which stays"
    )


def lay_out_pages() -> tuple[bytes, list[Label]]:
    """-> (bytes of `pages.warc.gz`, its labels)."""
    pages = read_pages()
    variants = read_variants(pages)
    responses: list[Response] = []
    labels: list[Label] = []
    for page in [*pages, *(page for _, _, page in variants)]:
        if page.key in _CUT_URLS:
            continue
        body, content_type = encode_page(page)
        responses.append(
            Response(url=page.key, date=_date(len(responses)), body=body, content_type=content_type)
        )
        labels.append(_label(page, file=PAGES))
    for response, rule, note in _broken_responses():
        responses.append(replace(response, date=_date(len(responses))))
        labels.append(
            Label(
                source="web", key=response.url, file=PAGES, outcome="rejected", rule=rule, note=note
            )
        )
    data, offsets = write_file("pages.warc.gz", _date(0), responses)
    labels = [replace(label, position=offsets[label.key]) for label in labels]
    return data, _mark_groups(labels, variants)


def lay_out_cut_off() -> tuple[bytes, list[Label]]:
    """-> (bytes of `cut-off.warc.gz`, its labels): two whole pages and one that ends in the middle of its gzip member."""
    pages = {page.key: page for page in read_pages()}
    responses = []
    for number, url in enumerate(_CUT_URLS):
        body, content_type = encode_page(pages[url])
        responses.append(
            Response(url=url, date=_date(1000 + number), body=body, content_type=content_type)
        )
    data, offsets = write_file("cut-off.warc.gz", _date(1000), responses)
    labels = [replace(_label(pages[url], file=CUT_OFF), position=offsets[url]) for url in _CUT_URLS]
    note = "the file ends in the middle of this record"
    labels[-1] = replace(
        labels[-1], language=None, outcome="rejected", rule="warc/truncated", note=note
    )
    start = offsets[_CUT_URLS[-1]]
    return data[: start + (len(data) - start) // 2], labels


def lay_out_topics() -> bytes:
    """-> bytes of `python-topics.warc.gz`."""
    responses = [
        Response(url=url, date=_date(2000 + number), body=page.encode())
        for number, (url, page) in enumerate(topic_pages())
    ]
    return write_file("python-topics.warc.gz", _date(2000), responses)[0]
