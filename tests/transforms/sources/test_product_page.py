"""Reviews on pages of products: found by names and JSON-LD, and left out of the main text."""

import pytest
from resiliparse.parse.html import HTMLTree

from transforms.sources.extractors import extract_main_text
from transforms.sources.main_text import candidates
from transforms.sources.product_page import declares_product, product_reviews

PRODUCT = '{"@context": "https://schema.org", "@type": "Product", "name": "Lamp"}'


def page(linked: str, body: str = "") -> str:
    return (
        f'<html><head><script type="application/ld+json">{linked}</script></head>'
        f"<body>{body}</body></html>"
    )


@pytest.mark.parametrize(
    ("linked", "expected"),
    [
        (PRODUCT, True),
        ('{"@graph": [{"@type": ["Product", "Thing"]}]}', True),
        ('{"@type" : "http://schema.org/ProductGroup"}', True),
        (
            '{"@type": "Review", "itemReviewed": {"@type": "Product"}, "x": {"@type": "Article"}}',
            False,
        ),
        ('{"@type": "ProductCollection"}', False),
        ('{"@type": "Organization"}', False),
        ('{"@type": "Product"', True),
        ("", False),
    ],
)
def test_a_product_without_an_article_is_declared(linked: str, expected: bool) -> None:
    assert declares_product(HTMLTree.parse(page(linked))) is expected


def test_only_blocks_named_reviews_of_such_a_page_are_reviews() -> None:
    body = "<main><p>A lamp of brass.</p><div class=customer-reviews><p>I like it.</p></div></main>"
    for linked, expected in ((PRODUCT, [False, True]), ("{}", [False, False])):
        tree = HTMLTree.parse(page(linked, body))
        assert product_reviews(tree, candidates(tree)[2]).tolist() == expected


def test_reviews_are_no_main_text_of_a_product() -> None:
    about = "The lamp is made of brass and has a shade of hand-blown glass. It is wired for 230 V. "
    review = (
        "I bought two of them for the hall, and my sister, who never liked brass, wants one now. "
    )
    body = (
        f"<nav>Home</nav><main><h1>Lamp</h1><div class=description><p>{about * 3}</p>"
        f"<p>{about * 2}</p></div><div class=customer-reviews><h2>Reviews</h2>"
        + "".join(f"<div class=review><p>{number}. {review * 2}</p></div>" for number in range(9))
        + "</div></main>"
    )
    text = extract_main_text(page(PRODUCT, body)).text
    assert text.count("brass and has a shade") == 5
    assert "my sister" not in text
