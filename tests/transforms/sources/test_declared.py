"""Declared encodings of HTML and XML: the prescan sees elements, not what looks like them."""

import pytest

from tests.growth import least_seconds
from transforms.sources.declared import is_known, language_of, meta_label, python_codec, xml_label


@pytest.mark.parametrize(
    ("page", "label"),
    [
        ("<meta charset=utf-8>", "utf-8"),
        ("<META CHARSET = 'GBK' >", "GBK"),
        ('<meta charset="koi8-r"><meta charset=utf-8>', "koi8-r"),
        ("<meta/charset=gbk>", "gbk"),
        ("<meta name=viewport content='width=device-width'\n charset=\tbig5>", "big5"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
            "windows-1251",
        ),
        ("<meta content='text/html;charset = \"gbk\"' http-equiv=content-type>", "gbk"),
        ("<meta http-equiv=content-type content='text/html; charset=euc-kr; x=y'>", "euc-kr"),
        ("<meta content='text/html; charset=koi8-r'>", None),  # no pragma
        ("<meta name=charset content=koi8-r>", None),
        ("<meta name=description content='how to write charset=koi8-r'>", None),
        ("<meta charset=nonsense><meta charset=gbk>", "gbk"),
        ("<meta charset=''><meta charset=gbk>", "gbk"),
        ("<!-- <meta charset=koi8-r> --><meta charset=gbk>", "gbk"),
        ("<!--><meta charset=gbk><!-- -->", "gbk"),
        ("<!-- <meta charset=koi8-r>", None),
        ("<!doctype html><?php <meta charset=koi8-r> ?><meta charset=gbk>", "gbk"),
        ("<a title='<meta charset=koi8-r>'></a><meta charset=gbk>", "gbk"),
        ("</a title='<meta charset=koi8-r>'><meta charset=gbk>", "gbk"),
        ("<script>x = '<meta charset=koi8-r>'</script><meta charset=gbk>", "gbk"),
        ("<STYLE>/* <meta charset=koi8-r> */</Style ><meta charset=gbk>", "gbk"),
        ("<title><meta charset=koi8-r></title><meta charset=gbk>", "gbk"),
        ("<script>x = '<meta charset=koi8-r>'", None),
        ("<metadata charset=koi8-r>", None),
        ("<meta charset=koi8-r charset=gbk>", "koi8-r"),
        ("<meta charset=hz-gb-2312>", "hz-gb-2312"),
        ("<meta charset=iso-2022-cn>", None),  # nobody can read it
        ("charset=koi8-r", None),
        ("<meta charset=", None),
        (
            "<head>" + "<link rel=x href=y>" * 200 + "<meta charset=gbk>",
            "gbk",
        ),  # behind the first 1,024 bytes
        ("<head>" + "x" * 70_000 + "<meta charset=gbk>", None),
    ],
)
def test_meta(page: str, label: str | None) -> None:
    assert meta_label(page.encode()) == label


@pytest.mark.parametrize(
    ("head", "label"),
    [
        ('<?xml version="1.0" encoding="windows-1251"?>', "windows-1251"),
        ("<?xml version='1.0' encoding = 'koi8-r' standalone='yes'?>", "koi8-r"),
        ('\n<?xml version="1.0" encoding="gbk"?>', "gbk"),
        ('<?xml version="1.0"?><a encoding="gbk"/>', None),
        ('<?xml version="1.0" encoding="nonsense"?>', None),
        ('<rss><?xml version="1.0" encoding="gbk"?>', None),
    ],
)
def test_xml(head: str, label: str | None) -> None:
    assert xml_label(head.encode()) == label


def test_language() -> None:
    assert language_of(b"<!doctype html><HTML class=x LANG='zh-TW'>") == "zh-tw"
    assert language_of(b"<html lang=ru>") == "ru"
    assert language_of(b"<html data-lang=ru><p lang=de>") is None


def test_labels_with_a_codec_of_python() -> None:
    assert (
        python_codec("HZ-GB-2312"),
        python_codec("cp437"),
        python_codec("utf-8"),
        python_codec(None),
    ) == ("hz", "cp437", None, None)
    assert [is_known(label) for label in ("ibm850", "UTF8", "iso-2022-cn", "utf-7", "", None)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "part",
    [
        b"<",
        b"<!--",
        b"<a ",
        b"<a b='",
        b'<meta a="',
        b"<script>",
        b"</",
        b"<meta charset",
        b"<meta =",
        b"<meta charset= ",
    ],
)
def test_the_prescan_takes_linear_time(part: bytes) -> None:
    def seconds(size: int) -> float:
        body = b"charset" + part * (size // len(part))
        return least_seconds(lambda: meta_label(body))

    quarter, whole = seconds(1 << 14), seconds(1 << 16)
    # 4 times is linear, 16 times is quadratic.
    assert whole < 10 * max(quarter, 0.001)
