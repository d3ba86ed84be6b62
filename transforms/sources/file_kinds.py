"""Which kind a file is of: by the end of its name, else by its first bytes. For folders and for sources of kind `auto`."""

import re
from collections.abc import Callable

from transforms.sources.registry import KINDS

AUTO = "auto"
PACKED = (".gz", ".bz2", ".zst")
PEEK_BYTES = 1 << 16

_SUFFIXES = {
    "wet": (".warc.wet", ".wet"),
    "warc": (".warc", ".arc.warc"),
    "html": (".html", ".htm", ".xhtml", ".xht"),
    "text": (".txt", ".text"),
    "markdown": (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"),
    "epub": (".epub",),
    "jsonl": (".jsonl", ".ndjson", ".jsonlines", ".jl", ".json"),
    "csv": (".csv", ".tsv", ".tab"),
    "parquet": (".parquet", ".pq", ".parq"),
    "arrow": (".arrow", ".feather", ".ipc", ".arrows"),
    "feed": (".rss", ".atom", ".rdf", ".xml"),
    "wikipedia": (".xml",),
}
"""Ends of names by kind, in lower case, without that of a compression."""
_PACKED_OTHERWISE = {"warc": (*PACKED, ".lz4"), "wet": (*PACKED, ".lz4"), "epub": (), "parquet": ()}
_DUMP = re.compile(r"-(?:pages-articles|pages-meta)[^/]*\.xml")
_PASSED_OVER_FOLDERS = {"__macosx", "_temporary", "_delta_log"}
_PASSED_OVER_FILES = re.compile(r"\..*|_success|_metadata|_common_metadata|_started_.*|_committed_.*|thumbs\.db|desktop\.ini")

_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1\0\0", "arrow"), (b"\xff\xff\xff\xff", "arrow"), (b"WARC/1.", "warc"))
_ROOT = re.compile(r"<(?:[\w.-]+:)?(mediawiki|rss|feed|rdf|html|head|body)\b", re.IGNORECASE)
_ROOTS = {"mediawiki": "wikipedia", "rss": "feed", "feed": "feed", "rdf": "feed"}
_BEFORE_ROOT = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!doctype(?:[^>\[]|\[.*?\])*>|\s)*", re.IGNORECASE | re.DOTALL)
_JSON = re.compile(r"\s*(?:\{\s*(?:\"|\})|\[\s*(?:\{|\]))")


def is_passed_over(name: str) -> bool:
    """Whether a file of a folder is none of its data, by its path inside the folder: hidden, or left by a system or another tool."""
    *folders, file = name.casefold().split("/")
    return bool(_PASSED_OVER_FILES.fullmatch(file)) or any(part.startswith(".") or part in _PASSED_OVER_FOLDERS for part in folders)


def is_named_as(kind: str, path: str) -> bool:
    """Whether a file's name is one that files of a kind have. A plugin's kind that names none takes every name."""
    suffixes = KINDS[kind].suffixes or _SUFFIXES.get(kind, ())
    if not suffixes:
        return True
    name = path.lower()
    packed = next((end for end in _packed(kind) if name.endswith(end)), "")
    name = name.removesuffix(packed)
    if kind == "warc" and name.endswith((".wet", ".wat")):
        return False
    return name.endswith(suffixes)


def suffixes_of(kind: str) -> tuple[str, ...]:
    """Ends of the names of a kind's files; none where every name is one."""
    return KINDS[kind].suffixes or _SUFFIXES.get(kind, ())


def _packed(kind: str) -> tuple[str, ...]:
    return _PACKED_OTHERWISE.get(kind, PACKED)


def kind_of_file(path: str, peek: Callable[[], bytes]) -> str | None:
    """The kind of a file by its name; by its first bytes, decompressed, which `peek` gives, where the name says nothing or is `.xml`'s.

    None where neither tells.
    """
    if _DUMP.search(path):
        return "wikipedia"
    found = [kind for kind in KINDS if suffixes_of(kind) and is_named_as(kind, path)]
    if len(found) == 1:
        return found[0]
    if not found and re.search(r"\.wat(\.gz)?$", path):
        return None
    return kind_of_bytes(peek())


def kind_of_bytes(head: bytes) -> str | None:
    """The kind of a file by its first bytes: signatures, or the root of its markup. Plain text is none: it may be anything."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return "epub" if b"application/epub+zip" in head[:128] else None
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.decode("utf-16", "replace")
    if _JSON.match(text):
        return "jsonl"
    before = _BEFORE_ROOT.match(text)
    if root := _ROOT.match(text, before.end() if before else 0):
        return _ROOTS.get(root[1].lower(), "html")
    return "html" if before and "<!doctype html" in before[0].lower() else None
