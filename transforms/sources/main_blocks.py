"""How likely each block of a page is main text -> which blocks are taken.

The choice maximises the expected F1 of the words taken, which is at a threshold of half that F1: certain pages are cut sharply, and of a
page where nothing is certain more is taken (Lipton, Elkan, Naryanaswamy: Optimal thresholding of classifiers to maximize F1, 2014).
"""

from collections.abc import Sequence

import numpy as np

from transforms.sources.block_places import Places
from transforms.sources.block_words import GROUPS, word_groups
from transforms.sources.boilerplate import boilerplate_lines
from transforms.sources.element_names import JUNK_NAMES, TAG_NAMES, WORDS
from transforms.sources.page_blocks import Blocks

_REPEATED = 100  # characters
_ALIKE = 0.4
_FEW = 20  # blocks
_FEW_WORDS = 12
_PLAIN, _ASIDE_AT_MOST = 0.6, 0.1
_SURE = 0.8
_REVIEW = 0.25  # a power of two: products are exact
_ASIDE = sum(
    1 << TAG_NAMES.index(tag)
    for tag in ("nav", "footer", "aside", "form", "button", "figcaption", "hidden")
)
_PICTURE = 1 << list(WORDS).index("picture")
_HEADER = 1 << TAG_NAMES.index("header")
_HEADER_NAME = 1 << list(WORDS).index("header")
_ARTICLE = sum(1 << TAG_NAMES.index(tag) for tag in ("main", "article"))
_TITLE = 1 << TAG_NAMES.index("h1")
_HEADING = sum(1 << TAG_NAMES.index(tag) for tag in ("h2", "h3", "h4"))
_LONGEST_HEADING = 60  # characters
_ASIDE_GROUPS = sum(
    1 << GROUPS.index(name) for name in ("related", "comment", "more", "share", "advert")
)
_EXEMPT = sum(1 << TAG_NAMES.index(tag) for tag in ("table", "dl", "pre", "code"))


def best_expected_f1(probabilities: np.ndarray, words: np.ndarray) -> np.ndarray:
    """float64 (n,) each -> bool (n,): the blocks whose words give the highest expected F1; at least one of n > 0."""
    order = np.argsort(-probabilities, kind="stable")
    sizes, hits = words[order], (probabilities * words)[order]
    expected = 2 * np.cumsum(hits) / np.maximum(1e-9, np.cumsum(sizes) + hits.sum())
    taken = np.zeros(len(order), bool)
    taken[order[: int(np.argmax(expected)) + 1]] = True
    return taken


def without_repeats(texts: Sequence[str], regions: Sequence[int], taken: np.ndarray) -> np.ndarray:
    """m blocks, the element that each stands in, which are taken -> the same without what a page holds twice for two widths of screen.

    Blocks in a row go that all stood in other elements before, if they have 100 characters together, or a single one 200. What is
    said twice in one place stays: a refrain, a line of each item of a list.
    """
    seen: dict[str, int] = {}
    run: list[int] = []
    taken = taken.copy()

    def close() -> None:
        if sum(len(texts[number]) for number in run) >= (
            _REPEATED if len(run) > 1 else 2 * _REPEATED
        ):
            taken[run] = False
        run.clear()

    for number in np.flatnonzero(taken).tolist():
        if seen.setdefault(texts[number], regions[number]) == regions[number]:
            close()
        else:
            run.append(number)
    close()
    return taken


def without_boilerplate(blocks: Blocks, taken: np.ndarray) -> np.ndarray:
    """Blocks and which are taken -> the same without lines that the rules of `boilerplate.py` name; cells and code are no such lines."""
    chosen = np.flatnonzero(taken).tolist()
    exempt = [bool(blocks.kinds[blocks.first[number]] & _EXEMPT) for number in chosen]
    taken = taken.copy()
    for line in boilerplate_lines([blocks.texts[number] for number in chosen], exempt=exempt):
        taken[chosen[line]] = False
    return taken


def choose_blocks(
    blocks: Blocks,
    places: Places,
    probabilities: np.ndarray,
    words: np.ndarray,
    *,
    reviews: np.ndarray,
) -> np.ndarray:
    """Which blocks of a page are taken.

    Args:
        blocks: m blocks.
        places: where they stand.
        probabilities: float64 (m,), how likely each is main text.
        words: float64 (m,), how many words each has.
        reviews: bool (m,), which are customers' reviews of the product that the page is about; see `product_reviews`.

    Returns:
        bool (m,).
    """
    aside = stand_aside(blocks, places)
    if len(words) <= _FEW or not aside.any():
        probabilities = _at_sight(blocks, places, probabilities, words, aside)
    # Reviews look like posts of a forum, and few of the pages that the model has learned from are of shops.
    probabilities = np.where(reviews, _REVIEW * probabilities, probabilities)
    taken = best_expected_f1(with_alike(probabilities, words, places.alike), words)
    outer = aside | _in_headers(blocks) | _named_header(places)
    is_text = taken & (~outer | (probabilities >= _SURE))
    if not is_text.any() and words[taken & (probabilities >= _PLAIN)].sum() < _FEW_WORDS:
        return np.zeros(len(taken), bool)  # menus and notices around nothing
    taken = without_repeats(blocks.texts, places.up[1].tolist(), taken)
    return without_boilerplate(blocks, taken)


def _named_header(places: Places) -> np.ndarray:
    """bool (m,): the blocks beside which an element is called a header."""
    return (places.near & np.uint64(_HEADER_NAME)) != 0


def _in_headers(blocks: Blocks) -> np.ndarray:
    """bool (m,): the blocks inside `header` that are no headings."""
    heading = _HEADING | _TITLE
    pairs = zip(blocks.first, blocks.holder, strict=True)
    return np.array(
        [
            bool(blocks.kinds[node] & _HEADER) and not blocks.own_kinds.get(holder, 0) & heading
            for node, holder in pairs
        ]
    )


def _at_sight(
    blocks: Blocks, places: Places, probabilities: np.ndarray, words: np.ndarray, aside: np.ndarray
) -> np.ndarray:
    """Probabilities for a page of which the model has seen no like: what stands in plain sight is text, what stands aside is not.

    What holds half of the words does not stand aside, whatever it is called.
    """
    around = [blocks.kinds[node] for node in blocks.first]
    own = places.up[0].tolist()
    captions = [bool(blocks.own_names.get(node, 0) & _PICTURE) for node in own]
    aside = aside | _after_aside_headings(blocks, places) | np.array(captions) | _in_headers(blocks)
    inside = np.array([bool(kinds & _ARTICLE) for kinds in around])
    if 2 * words[inside].sum() < words.sum():  # the page does not say where its article is
        inside[:] = True
    plain = inside & ~aside & ~_named_header(places)
    if (
        aside.any() and 2 * words[probabilities >= _SURE].sum() >= words.sum()
    ):  # the model has found the article
        plain[:] = False
    if 2 * words[aside].sum() >= words.sum():
        return np.maximum(probabilities, _PLAIN * plain)
    return np.where(
        aside, np.minimum(probabilities, _ASIDE_AT_MOST), np.maximum(probabilities, _PLAIN * plain)
    )


def stand_aside(blocks: Blocks, places: Places) -> np.ndarray:
    """bool (m,): the blocks that a tag or a name around says are no main text: menus, forms, notices, and what is hidden."""
    kinds = np.array([blocks.kinds[node] for node in blocks.first], np.uint64)
    return ((kinds & np.uint64(_ASIDE)) | (places.near & np.uint64(JUNK_NAMES))) != 0


def _after_aside_headings(blocks: Blocks, places: Places) -> np.ndarray:
    """bool (m,): the blocks from a short heading such as "Related stories" or "Comments" to the next heading."""
    found = np.zeros(len(blocks.texts), bool)
    is_aside = False
    for number, (node, text) in enumerate(zip(places.up[0].tolist(), blocks.texts, strict=True)):
        if blocks.own_kinds.get(node, 0) & _HEADING:
            bits, known = word_groups(text) if len(text) <= _LONGEST_HEADING else (0, 0)
            is_aside = bool(bits & _ASIDE_GROUPS) and 2 * known >= len(text.split())
        found[number] = is_aside
    return found


def with_alike(probabilities: np.ndarray, words: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Moves the probability of each block towards the mean of its group, so that items of a list and cells of a table share a fate."""
    sizes = words + 0.5
    mean = np.bincount(groups, weights=probabilities * sizes) / np.bincount(groups, weights=sizes)
    return (1 - _ALIKE) * probabilities + _ALIKE * mean[groups]
