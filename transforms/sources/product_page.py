"""Reviews by customers on the page of a product, found by what the page says of itself in JSON-LD."""

import re

import numpy as np
from resiliparse.parse.html import HTMLTree

from transforms.sources.element_names import WORDS
from transforms.sources.page_blocks import Blocks

_MAX_SCRIPTS = 20
_MAX_TYPES = 2_000  # of one script
_TYPE = re.compile(r'"@type"\s{0,100}:\s{0,100}\[?\s{0,100}"(?:https?://schema\.org/)?(\w{1,40})"')
_PRODUCT = frozenset(("Product", "ProductGroup", "IndividualProduct"))
_ARTICLE = frozenset(
    ("Article", "NewsArticle", "BlogPosting", "TechArticle", "Report", "ScholarlyArticle")
)
_REVIEW = np.uint64(1 << list(WORDS).index("review"))


def product_reviews(tree: HTMLTree, blocks: Blocks) -> np.ndarray:
    """bool (m,): the blocks in elements named after reviews or ratings; none unless the page declares a product."""
    names = np.array([blocks.names[node] for node in blocks.first], np.uint64)
    reviews = (names & _REVIEW) != 0
    return reviews if reviews.any() and declares_product(tree) else np.zeros(len(names), bool)


def declares_product(tree: HTMLTree) -> bool:
    """Whether the JSON-LD of a page has a product and no article: a test of products is an article."""
    if tree.document is None:
        return False
    found: set[str] = set()
    scripts = tree.document.query_selector_all('script[type*="ld+json" i]').values()
    for script in scripts[:_MAX_SCRIPTS]:
        types = _TYPE.finditer(script.text or "")
        found.update(match[1] for _, match in zip(range(_MAX_TYPES), types, strict=False))
    return bool(found & _PRODUCT) and not found & _ARTICLE
