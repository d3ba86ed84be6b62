"""Source `epub`: one book per file, its chapters in the order of the spine (EPUB 2 and 3)."""

import functools
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from transforms.clean_text import clean_text
from transforms.sources.decoding import decode_xml
from transforms.sources.html_files import close_empty_elements, plain_text
from transforms.sources.jsonl import parse_date
from transforms.sources.kind import SourceKind
from transforms.sources.metadata import primary_subtag
from transforms.sources.options import LinksOption, OutputOption
from transforms.sources.records import RawDocument, RawReject, Record, RejectedError
from transforms.sources.render import Output

MAX_BYTES = 128 << 20
MAX_CHAPTER_BYTES = 32 << 20
MAX_XML_BYTES = 4 << 20
_CONTAINER = "META-INF/container.xml"
_CHAPTER_TYPES = (
    "application/xhtml+xml",
    "text/html",
    "text/x-oeb1-document",
    "application/x-dtbook+xml",
)
_ADEPT = b"http://ns.adobe.com/adept"
# RuntimeError stands for a compression method or nesting depth that is not supported.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(ParseError, ValueError, KeyError, RuntimeError, MemoryError),
)


def read_epub(
    stream: BinaryIO,
    *,
    output: OutputOption = "text",
    links: LinksOption = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Record]:
    """Read an EPUB -> one document, or one reject with its reason. The locator is always `0`.

    The document is the whole text of the spine's chapters, without the navigation document. At most
    `max_bytes` are decompressed. A book with an encrypted chapter is rejected as a whole. `output`
    and `links` are those of `render`.
    """
    try:
        yield _read_book(
            _Archive(stream, max_bytes),
            functools.partial(_read_chapter, output=output, links=bool(links)),
        )
    except RejectedError as error:
        yield error.reject("0", None)
    except _NoBookError as error:
        yield RawReject("0", f"epub/{error.rule}", detail=str(error))
    except OSError as error:
        if error.errno is not None:
            raise
        yield RawReject("0", "epub/unreadable", detail=f"{type(error).__name__}: {error}")
    except _DAMAGE as error:
        yield RawReject("0", "epub/unreadable", detail=f"{type(error).__name__}: {error}")


class _NoBookError(Exception):
    def __init__(self, rule: str, detail: str):
        super().__init__(detail)
        self.rule = rule


class _Archive:
    """The members of a zip file, of which at most `budget` bytes are decompressed in total."""

    def __init__(self, stream: BinaryIO, budget: int):
        self._zip = _open_zip(stream)
        self._names = frozenset(self._zip.namelist())
        self._budget = budget

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str, *, limit: int) -> bytes:
        """The content of an existing member. Raises _NoBookError if it exceeds `limit` bytes."""
        limit = min(limit, self._budget)
        if self._zip.getinfo(name).flag_bits & 1:
            raise _NoBookError("encrypted", f"{name} has a password")
        with self._zip.open(name) as member:
            data = member.read(limit + 1)
        self._budget -= len(data)
        if len(data) > limit:
            raise _NoBookError("too-large", f"{name} unpacks to more than {limit} bytes")
        return data

    def read_xml(self, name: str) -> Element:
        return fromstring(decode_xml(self.read(name, limit=MAX_XML_BYTES)).text.lstrip())


def _open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """Open a zip file. Raises _NoBookError, or the OSError that `zipfile` reports as a bad file."""
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError) as error:
        # ValueError: a remote file that is shorter than the seek to its end.
        if isinstance(error.__context__, OSError) and error.__context__.errno is not None:
            raise error.__context__ from None
        raise _NoBookError(
            "not-zip", f"the file is no zip archive, or is cut off: {error}"
        ) from error


def _read_book(archive: _Archive, read_chapter: Callable[[str], str]) -> Record:
    if _CONTAINER not in archive:
        raise _NoBookError("no-container", f"there is no {_CONTAINER}")
    container = archive.read_xml(_CONTAINER)
    path = next(
        (unquote(element.get("full-path", "")) for element in container.iterfind(".//{*}rootfile")),
        "",
    )
    if path not in archive:
        raise _NoBookError(
            "no-package", f"the container names the package {path!r}, which is not there"
        )
    package = archive.read_xml(path)
    chapters = _chapters(package, posixpath.dirname(path))
    _check_rights(archive, chapters)
    if missing := [name for name in chapters if name not in archive]:
        raise _NoBookError(
            "missing-chapter",
            f"{len(missing)} of {len(chapters)} chapters are not there: {', '.join(missing[:10])}",
        )
    texts, notes = [], Counter[str]()
    for name in chapters:
        decoded = decode_xml(archive.read(name, limit=MAX_CHAPTER_BYTES))
        texts.append(read_chapter(decoded.text))
        notes.update(dict(decoded.notes))
    text = clean_text("\n\n".join(filter(None, texts)))
    if not text:
        return RawReject(
            "0", "extract/empty", "extract", detail=f"no text in {len(chapters)} chapters"
        )
    title, date, language = (
        " ".join((package.findtext(f".//{{*}}metadata//{{*}}{name}") or "").split())
        for name in ("title", "date", "language")
    )
    return RawDocument(
        "0",
        text,
        title=title or None,
        published=parse_date(date),
        declared_language=primary_subtag(language),
        notes=tuple(notes.items()),
    )


def _chapters(package: Element, folder: str) -> list[str]:
    """The names of the spine's documents in order, without images and the navigation document."""
    items = {item.get("id"): item for item in package.iterfind("{*}manifest/{*}item")}
    chapters = []
    for reference in package.iterfind("{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise _NoBookError(
                "missing-chapter",
                f"the spine names {reference.get('idref')!r}, which is not in the manifest",
            )
        kind = item.get("media-type", _CHAPTER_TYPES[0]).lower()
        if kind in _CHAPTER_TYPES and "nav" not in item.get("properties", "").split():
            chapters.append(
                posixpath.normpath(
                    posixpath.join(folder, unquote(item.get("href", "").partition("#")[0]))
                )
            )
    if not chapters:
        raise _NoBookError("no-chapters", "the package's spine names no document")
    return chapters


def _check_rights(archive: _Archive, chapters: list[str]) -> None:
    """Raise _NoBookError for a book under DRM.

    Encrypted fonts are allowed: publishers obfuscate fonts, and the text remains readable.
    """
    rights, encryption = "META-INF/rights.xml", "META-INF/encryption.xml"
    if rights in archive and _ADEPT in archive.read(rights, limit=MAX_XML_BYTES):
        raise _NoBookError("encrypted", f"{rights} grants rights by Adobe ADEPT")
    if encryption not in archive:
        return
    locked = {
        unquote(element.get("URI", ""))
        for element in archive.read_xml(encryption).iterfind(".//{*}CipherReference")
    }
    if encrypted := [name for name in chapters if name in locked]:
        raise _NoBookError(
            "encrypted",
            f"{len(encrypted)} of {len(chapters)} chapters are encrypted: "
            f"{', '.join(encrypted[:10])}",
        )


def _read_chapter(markup: str, *, output: Output, links: bool) -> str:
    return plain_text(close_empty_elements(markup), output=output, links=links)


EPUB = SourceKind(
    name="epub",
    read=read_epub,
    suffixes=(".epub",),
    compressions=(),
    begins=lambda head: (
        head.data.startswith(b"PK\x03\x04") and b"application/epub+zip" in head.data[:128]
    ),
    decompresses=True,
    books=True,
)
