"""What a page says about itself: title, date and language, in a fixed order, and never an error."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from transforms.sources.metadata import Metadata, plausible_date, primary_subtag, read_metadata

MARCH = 1583971200  # 2020-03-12T00:00:00Z


def read(head: str = "", *, body: str = "", root: str = "<html>") -> Metadata:
    return read_metadata(
        HTMLTree.parse(f"<!doctype html>{root}<head>{head}</head><body>{body}</body></html>")
    )


def linked(**values: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(values)}</script>'


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        (
            '<title>Flood | Site</title><meta property="og:title" content=" Flood\n&amp; field ">',
            "<h1>H</h1>",
            "Flood & field",
        ),
        (
            "<title>Flood | Site</title>" + linked(**{"@type": "NewsArticle", "headline": "Flood"}),
            "",
            "Flood",
        ),
        (
            "<title>Flood | Site</title>" + linked(**{"@type": "Organization", "headline": "Us"}),
            "",
            "Flood | Site",
        ),
        ('<title> Flood </title><meta property="og:title" content=" ">', "<h1>H</h1>", "Flood"),
        ("", "<h1>The <b>flood</b></h1>", "The flood"),
        ("", "<p>Text", None),
    ],
)
def test_the_order_of_titles(head: str, body: str, title: str | None) -> None:
    assert read(head, body=body).title == title


DAY = "2020-03-12"


@pytest.mark.parametrize(
    ("head", "body", "published"),
    [
        (linked(**{"@type": "NewsArticle", "datePublished": DAY}), "", MARCH),
        (
            linked(
                **{"@type": ["Thing", "BlogPosting"], "datePublished": "2020-03-12T02:00:00+02:00"}
            ),
            "",
            MARCH,
        ),
        (
            linked(
                **{"@graph": [{"@type": "WebSite"}, {"@type": "Article", "datePublished": DAY}]}
            ),
            "",
            MARCH,
        ),
        (linked(**{"@type": "Person", "datePublished": DAY}), "", None),
        (
            linked(**{"@type": "Article", "datePublished": "0001-01-01"}),
            f'<time pubdate datetime="{DAY}">',
            MARCH,
        ),
        (
            '<script type="application/ld+json">{"@type": "Article", "datePublished": '
            '"2020-</script>',
            "",
            None,
        ),
        (
            '<script type="application/ld+json">' + "[" * 50_000 + '"datePublished"</script>',
            "",
            None,
        ),
        (
            f'<meta property="article:published_time" content="{DAY}T00:00:00Z"><meta name=date '
            "content=2019-01-01>",
            "",
            MARCH,
        ),
        (f'<meta name="DC.date" content="{DAY}">', "", MARCH),
        (
            '<meta name="date" content="last Tuesday"><meta name="dcterms.created" '
            'content="12.03.2020">',
            "",
            MARCH,
        ),
        ("", f'<span itemprop="datePublished" content="{DAY}">yesterday</span>', MARCH),
        (
            "",
            f'<article><time datetime="{DAY}">12 March</time><time datetime="2021-01-01">'
            "later</time></article>",
            MARCH,
        ),
        ("", f'<aside><time datetime="{DAY}">an event</time></aside>', None),
        ("", '<article><time datetime="P2D">two days</time></article>', None),
    ],
)
def test_the_order_of_dates(head: str, body: str, published: int | None) -> None:
    assert read(head, body=body).published == published


@pytest.mark.parametrize(
    ("root", "head", "language"),
    [
        ('<html lang="de-AT">', '<meta property="og:locale" content="en_GB">', "de"),
        ('<html xml:lang="pt_BR">', "", "pt"),
        ('<html lang="">', '<meta http-equiv="Content-Language" content="DE, en">', "de"),
        ("<html>", '<meta property="og:locale" content="en_GB">', "en"),
        ('<html lang="english">', "", None),
        ('<html lang="und">', "", None),
    ],
)
def test_the_language_a_page_declares(root: str, head: str, language: str | None) -> None:
    assert read(head, root=root).language == language


@pytest.mark.parametrize(
    ("value", "code"),
    [("de_DE.UTF-8", "de"), (" nds ", "nds"), ("x-klingon", None), (None, None), ("d", None)],
)
def test_primary_subtags(value: str | None, code: str | None) -> None:
    assert primary_subtag(value) == code


@pytest.mark.parametrize(
    "value", ["0001-01-01", "9999-12-31", True, None, [], {}, "soon", float("nan")]
)
def test_dates_that_are_none(value: object) -> None:
    assert plausible_date(value) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(JSON, JSON, st.text(max_size=50))
def test_no_linked_data_raises(kind: object, date: object, tail: str) -> None:
    found = read(
        linked(
            **{"@type": kind, "datePublished": date, "headline": date, "@graph": [kind, date]}
        ).replace("</", tail + "</", 1)
    )
    assert isinstance(found, Metadata)
