"""A page's tree -> its main text: blocks, what is measured of them, a model that knows main text, and the rendering of what is taken."""

import numpy as np
from resiliparse.parse.html import HTMLTree

from transforms.sources.block_features import block_features
from transforms.sources.block_model import block_model
from transforms.sources.block_places import block_places
from transforms.sources.element_names import TAG_NAMES
from transforms.sources.main_blocks import choose_blocks
from transforms.sources.page_blocks import Blocks, page_blocks
from transforms.sources.page_tree import TAG_NUMBERS, TEXT, PageTree, page_tree
from transforms.sources.product_page import product_reviews
from transforms.sources.render import Output, render
from transforms.sources.visible import visible_texts

_MAX_BLOCKS = 50_000
"""Beyond them a page is no document to measure: 60 MB of features, where real pages have some hundreds of blocks."""
_HEAD = ("head",)  # no reader sees it, and it is a twentieth of the nodes
_CHROME = (*_HEAD, "nav", "footer")
_LITTLE = 500  # characters
_AROUND = sum(
    1 << TAG_NAMES.index(tag) for tag in ("nav", "header", "footer", "aside", "form", "button")
)


def main_text(tree: HTMLTree, *, output: Output = "text", links: bool = False) -> str:
    """A page -> its main text: articles, posts, products and lists, without menus, teasers and notices. docs/extraction.md tells how.

    Takes time and memory in proportion to the page. `output` and `links` are those of `render`.
    """
    page, seen, blocks = candidates(tree)
    if not blocks.texts:
        return ""
    return render(
        page, keep=_kept(page, seen, blocks, _taken(tree, page, blocks)), output=output, links=links
    )


def candidates(tree: HTMLTree) -> tuple[PageTree, bytearray, Blocks]:
    """A page -> its nodes without menus and footers, which of their texts a reader may see, and the blocks of these.

    Menus and footers hold a third of the blocks of most pages and hardly any main text. Where little is left without them they stay.
    """
    page, seen, blocks = _seen(page_tree(tree, without=_CHROME))
    if sum(map(len, blocks.texts)) < _LITTLE:
        return _seen(page_tree(tree, without=_HEAD))
    return page, seen, blocks


def _seen(page: PageTree) -> tuple[PageTree, bytearray, Blocks]:
    seen = visible_texts(page, hidden=True) if page.tags else bytearray()
    return page, seen, page_blocks(page, seen)


def page_text(tree: HTMLTree) -> str:
    """The words of a page outside its menus and forms, one block a line: a sample for the language, nothing to keep."""
    page = page_tree(tree, without=_CHROME)
    if not page.tags:
        return ""
    blocks = page_blocks(page, visible_texts(page))
    return "\n".join(
        text
        for text, node in zip(blocks.texts, blocks.first, strict=True)
        if not blocks.kinds[node] & _AROUND
    )


def _taken(tree: HTMLTree, page: PageTree, blocks: Blocks) -> np.ndarray:
    if len(blocks.texts) > _MAX_BLOCKS:
        return np.array([not blocks.kinds[node] & _AROUND for node in blocks.first])
    places = block_places(page, blocks)
    features, names = block_features(page, blocks, places)
    words = features[names.index("words")].astype(np.float64)
    likely = block_model().probabilities(features, names)
    return choose_blocks(blocks, places, likely, words, reviews=product_reviews(tree, blocks))


def _kept(page: PageTree, seen: bytearray, blocks: Blocks, taken: np.ndarray) -> bytearray:
    """One byte a node: 1 for the texts of taken blocks, and for images and drawings in them or right after them, which may be formulas."""
    keep = np.zeros(len(page.tags), np.uint8)
    keep[np.array(blocks.nodes)[np.repeat(taken, np.diff(blocks.starts))]] = 1
    drawn = np.flatnonzero(
        (np.frombuffer(seen, np.uint8) == 1) & (page.numbers != TAG_NUMBERS[TEXT])
    )
    block = np.searchsorted(blocks.first, drawn, side="right") - 1
    keep[drawn] = (block >= 0) & taken[block]
    return bytearray(keep)
