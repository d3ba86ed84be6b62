"""Content types as servers declare them, and types by the first bytes."""

import gzip

import pytest
import zstandard

from transforms.sources.mime import (
    BINARY,
    HTML,
    PLAIN,
    XHTML,
    MimeType,
    is_json,
    is_page,
    looks_like_text,
    parse_content_type,
    sniff,
)

UTF8 = "utf-8"


@pytest.mark.parametrize(
    ("values", "essence", "charset"),
    [
        ([], "", None),
        ([""], "", None),
        (["  "], "", None),
        (["*/*"], "", None),
        (["*/*; charset=utf-8"], "", UTF8),
        ([";charset=utf-8"], "", UTF8),
        (["charset=utf-8"], "", UTF8),
        (["unknown/unknown"], "", None),
        (["application/unknown"], "", None),
        (["text"], "", None),
        (["none"], "", None),
        (["text/html"], HTML, None),
        (["TEXT/HTML"], HTML, None),
        ([" \ttext/html ;charset=UTF-8 "], HTML, "UTF-8"),
        (["text/html charset=utf-8"], HTML, UTF8),
        (["text/html, charset=utf-8"], HTML, UTF8),
        (["text/html charset: utf-8"], HTML, UTF8),
        (["text/html,text/html"], HTML, None),
        (["text/html, text/html; charset=utf-8"], HTML, UTF8),
        (["text/html; charset=utf-8, text/html"], HTML, UTF8),
        (["text/html; charset=utf-8", "text/html; charset=windows-1251"], HTML, "windows-1251"),
        (["text/html; charset=utf-8", "text/plain"], PLAIN, None),
        (["text/plain", "text/html"], HTML, None),
        (["text/html", "*/*"], HTML, None),
        (["text/html", ""], HTML, None),
        (["", "text/html"], HTML, None),
        (["text/html:"], HTML, None),
        (["text/html: charset=utf-8"], HTML, UTF8),
        (["text/html."], HTML, None),
        (['"text/html"'], HTML, None),
        (["'text/html'; charset='utf-8'"], HTML, UTF8),
        (["text/htm"], HTML, None),
        (["html"], HTML, None),
        (["text/x-html; charset=koi8-r"], HTML, "koi8-r"),
        (['text/html;;charset="utf-8"'], HTML, UTF8),
        (["text/html; charset=utf-8; charset=latin1"], HTML, UTF8),
        (["text/html;charset"], HTML, None),
        (["text/html;charset="], HTML, None),
        (['text/html; charset=""'], HTML, None),
        (["text/html; charset = gbk"], HTML, "gbk"),
        (["text/html;CHARSET=Shift_JIS"], HTML, "Shift_JIS"),
        (['text/html; charset="utf-8'], HTML, UTF8),
        (['text/html; a="b,c"; charset=utf-8'], HTML, UTF8),
        (["text/html; xcharset=latin1; charset=utf-8"], HTML, UTF8),
        (["text/html; boundary=x; charset=utf-8 foo"], HTML, UTF8),
        (["Content-Type: text/html"], HTML, None),
        (["application/xhtml+xml; charset=utf-8"], XHTML, UTF8),
        (["application/xhtml"], HTML, None),
        (["text/plain"], PLAIN, None),
        (["plain/text"], PLAIN, None),
        (["text/css"], "text/css", None),
        (["text/html\x00"], HTML, None),
        (["text/vnd.wap.wml"], "text/vnd.wap.wml", None),
        (["image/svg+xml"], "image/svg+xml", None),
        (["application/pdf;qs=0.001"], "application/pdf", None),
        (["text/html" + ";" * 100_000 + "charset=utf-8"], HTML, None),
    ],
)
def test_types_as_servers_write_them(values: list[str], essence: str, charset: str | None) -> None:
    assert parse_content_type(values) == MimeType(essence, charset)


PAGE = (
    b"<!DOCTYPE html><html><head><title>Flood</title></head><body><p>The river rose.</p></body>"
    b"</html>"
)


@pytest.mark.parametrize(
    ("body", "essence"),
    [
        (PAGE, HTML),
        (b"\xef\xbb\xbf\r\n \t" + PAGE, HTML),
        (b"\xff\xfe" + PAGE.decode().encode("utf-16-le"), HTML),
        (b"\xfe\xff" + PAGE.decode().encode("utf-16-be"), HTML),
        (b"<!-- saved --><HTML lang=en>", HTML),
        (
            b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x">'
            b'<html xmlns="x">',
            HTML,
        ),
        (b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">', HTML),
        (b"<p>one", HTML),
        (b"<br >", HTML),
        (b"<A href=x>", HTML),
        (b"<table>", HTML),
        (b"<pre>", None),
        (b"<abc>", None),
        (b"5 < 6", None),
        (b"", None),
        (b"The river rose.\n", None),
        ("Die Bäche".encode("latin-1"), None),
        ("夜里".encode("gb18030"), None),
        (b"\x1b$B@n\x1b(B", None),
        (b'<?xml version="1.0"?><rss version="2.0">', "application/rss+xml"),
        (b"<!-- x --><rss version='2.0'>", "application/rss+xml"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", "application/atom+xml"),
        (b"<?xml version='1.0'?><rdf:RDF xmlns:rdf='x'>", "application/rdf+xml"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", "image/svg+xml"),
        (b"<?xml version='1.0'?><urlset>", "text/xml"),
        (b"<?xml version='1.0'?><anything/>", "text/xml"),
        (b"<?xml version='1.0' encoding='utf-8'?>", "text/xml"),
        (b"%PDF-1.4\n%\xe2\xe3", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wave"),
        (b"PK\x03\x04", "application/zip"),
        (gzip.compress(PAGE, mtime=0), "application/gzip"),
        (zstandard.compress(PAGE), "application/zstd"),
        (b"Rar!\x1a\x07\0", "application/x-rar-compressed"),
        (b"ID3\x03\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3\x01", "video/webm"),
        (b"wOF2\0", "font/woff2"),
        (b"\0\1\0\0\0", "font/ttf"),
        (b"ID3 tags are short.", None),
        (b"BZhao went home", None),
        (b"GIF89a is a format of images.", None),
        ("熟壕".encode("gbk") + b"\xca\xfe\xba\xbe", None),
        (b"\xca\xfe\xba\xbe\xd6\xd0\xce\xc4", None),
        (b"<?xml version='1.0'?><!--" + b" licence" * 2000 + b"--><!DOCTYPE html><html>", HTML),
        (b"<?xml version='1.0'?><!--" + b" licence" * 2000 + b"--><rss>", "application/rss+xml"),
        (b"<?xml version='1.0'?><div>", HTML),
        (b"RIFFs were played", None),
        (bytes(range(256)), BINARY),
        (b"text with a \x01 in it", BINARY),
        (b"text with a page break \x0c and \x1b in it", None),
        (PAGE[:40] + b"\0" + PAGE, HTML),
    ],
)
def test_types_as_bytes_show_them(body: bytes, essence: str | None) -> None:
    assert sniff(body) == essence


README = (
    b'<p align="center">\n<img src="logo.png">\n</p>\n\n# The tool\n\nIt reads.\n\n- one\n- '
    b"two\n\nText.\nMore.\nMore.\nMore.\nEnd.\n"
)


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (PAGE, True),
        (b"\n\n" + PAGE, True),
        (b"<!-- x -->\n" + PAGE, True),
        (b"\xff\xfe" + PAGE.decode().encode("utf-16-le"), True),
        (b"<HTML>\nplain lines\n" + b"line\n" * 100, True),
        (b"<div><p>One</p>\n<p>Two</p></div>", True),
        (README, False),
        (b"The tag <html> begins a page.\n", False),
        (b"<b>Note:</b> plain text follows\n" + b"line\n" * 10, False),
        (b"", False),
    ],
)
def test_what_is_a_page_though_it_is_called_plain_text(body: bytes, page: bool) -> None:
    assert is_page(body) is page


def test_json_and_text() -> None:
    assert is_json(b'\xef\xbb\xbf {"a": [1, 2]}\n')
    assert is_json(b"[]")
    assert not is_json(b"[citation needed]")
    assert not is_json(b"{{template}}")
    assert not is_json(b"[" * 100_000 + b"]" * 100_000)
    assert looks_like_text("Bäche".encode("latin-1"))
    assert looks_like_text(b"\xff\xfea\0")
    assert not looks_like_text(gzip.compress(b"a"))
    assert not looks_like_text(b"a\0b")
