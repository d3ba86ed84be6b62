"""Normalised URLs: a table of spellings, and that normalising twice is normalising once."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.urls.normalize import normalize_host, normalize_url, url_host


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://example.com/", "http://example.com/"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com?q", "http://example.com/?q"),
        ("HTTP://Example.COM/Path", "http://example.com/Path"),
        ("https://www.example.com/a", "https://example.com/a"),
        ("https://www.www.example.com/a", "https://example.com/a"),
        ("https://www.com/", "https://www.com/"),
        ("https://wwwexample.com/", "https://wwwexample.com/"),
        ("https://www2.example.com/", "https://www2.example.com/"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:/a", "http://example.com/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("http://example.com:0080/", "http://example.com/"),
        ("http://example.com:08080/", "http://example.com:8080/"),
        ("http://example.com:65536/", None),
        ("http://example.com:x/", None),
        ("http://example.com:٣/", None),
        ("http://user:secret@example.com/a", "http://example.com/a"),
        ("http://a@b@example.com/a", "http://example.com/a"),
        ("http://example.com/a#part", "http://example.com/a"),
        ("http://example.com/#!/a", "http://example.com/"),
        ("http://example.com/a?", "http://example.com/a"),
        ("http://example.com/a?b#c?d", "http://example.com/a?b"),
        ("http://example.com/a?b?c=/d", "http://example.com/a?b?c=/d"),
        ("http://example.com/a//b/", "http://example.com/a//b/"),
        ("http://example.com/a/./b/../c", "http://example.com/a/c"),
        ("http://example.com/../../a", "http://example.com/a"),
        ("http://example.com/a/..", "http://example.com/"),
        ("http://example.com/a/.", "http://example.com/a/"),
        ("http://example.com/a/%2e%2E/b", "http://example.com/b"),
        ("http://example.com/.well-known/x", "http://example.com/.well-known/x"),
        ("http://example.com/a..b/c...", "http://example.com/a..b/c..."),
        ("http://example.com/%7euser/%41%2f", "http://example.com/~user/A%2F"),
        ("http://example.com/100%", "http://example.com/100%25"),
        ("http://example.com/%zz%%41", "http://example.com/%25zz%25A"),
        ("http://example.com/%2541", "http://example.com/%2541"),
        ("http://example.com/a b", "http://example.com/a%20b"),
        ("http://example.com/ä?ö=ü", "http://example.com/%C3%A4?%C3%B6=%C3%BC"),
        ("http://example.com/%c3%a4", "http://example.com/%C3%A4"),
        ('http://example.com/"<>`{}|^', "http://example.com/%22%3C%3E%60%7B%7D%7C%5E"),
        ("http://example.com/\ud800", "http://example.com/%ED%A0%80"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
        ("http://faß.example/", "http://xn--fa-hia.example/"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://under_score.example/", "http://under_score.example/"),
        ("http://192.0.2.1/a", "http://192.0.2.1/a"),
        ("http://[2001:DB8:0:0::1]:80/a", "http://[2001:db8::1]/a"),
        ("http://[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("http://[nonsense]/", None),
        ("http://[::1%25eth0]/", None),
        ("http:\\\\example.com\\a\\b", "http://example.com/a/b"),
        ("http:///example.com/a", "http://example.com/a"),
        (" http://example.com/a\n", "http://example.com/a"),
        ("http://exa\tmple.com/a\nb", "http://example.com/ab"),
        ("http://example.com/?b=2&a=1", "http://example.com/?b=2&a=1"),
        ("", None),
        ("example.com/a", None),
        ("//example.com/a", None),
        ("ftp://example.com/a", None),
        ("urn:isbn:0451450523", None),
        ("mailto:someone@example.com", None),
        ("http://", None),
        ("http:///", None),
        ("http://?q", None),
        ("http://a b.example/", None),
        ("http://-.example/", None),
        ("http://a..example/", None),
        ("http://" + "a" * 254 + "/", None),
        ("http://☃.example/", "http://xn--n3h.example/"),
        ("http://\ufffd.example/", None),
    ],
)
def test_one_spelling(url: str, normal: str | None) -> None:
    assert normalize_url(url) == normal


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://example.com/a?utm_source=x&id=3&UTM_Medium=y", "http://example.com/a?id=3"),
        ("http://example.com/a?gclid=1&fbclid=2", "http://example.com/a"),
        ("http://example.com/a?PHPSESSID=1&q=2&&", "http://example.com/a?q=2"),
        ("http://example.com/a;jsessionid=1F?q=2", "http://example.com/a?q=2"),
        ("http://example.com/a?id=utm_source&side=1", "http://example.com/a?id=utm_source&side=1"),
        ("http://example.com/a?b=2&a=1&a=0", "http://example.com/a?a=0&a=1&b=2"),
    ],
)
def test_tracking_parameters_go_and_queries_are_sorted_where_that_is_asked(
    url: str, normal: str
) -> None:
    assert normalize_url(url, strip_tracking=True, sort_query=True) == normal


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com/a:b", "example.com"),
        ("http://example.com:81/", "example.com"),
        ("http://[::1]:81/", "[::1]"),
        ("http://[::1]/", "[::1]"),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert url_host(url) == host


PIECES = [
    "http://",
    "https://",
    "www.",
    "a",
    "B.c",
    "ä",
    "例",
    "/",
    "//",
    ".",
    "..",
    "%",
    "%2e",
    "%41",
    "%c3",
    "?",
    "&",
    "=",
    ";",
    "#",
    ":",
    "80",
]
PIECES += [
    "@",
    "[",
    "]",
    "::1",
    "\\",
    " ",
    "\t",
    "utm_x=1",
    "jsessionid=2",
    "sid=",
    "xn--",
    "xn--bcher-kva",
    "-",
    "\ud800",
    "\u200d",
    "。",
]


@settings(max_examples=400)
@given(
    st.one_of(
        st.lists(st.sampled_from(PIECES), max_size=14).map(
            lambda parts: "http://a" + "".join(parts)
        ),
        st.text(),
    ),
    st.booleans(),
    st.booleans(),
)
@example("http://a/;jsessionid=1;jsessionid=2/..", True, False)
def test_normalising_twice_is_normalising_once(
    url: str, strip_tracking: bool, sort_query: bool
) -> None:
    once = normalize_url(url, strip_tracking=strip_tracking, sort_query=sort_query)
    if once is not None:
        assert once.isascii()
        assert normalize_url(once, strip_tracking=strip_tracking, sort_query=sort_query) == once
        assert normalize_host(url_host(once)) == url_host(once)
