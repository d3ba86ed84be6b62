"""How likely each block of a page is main text -> which blocks are taken.

The choice maximises the expected F1 of the words taken, which is at a threshold of half that F1: certain pages are cut sharply, and of a
page where nothing is certain more is taken (Lipton, Elkan, Naryanaswamy: Optimal thresholding of classifiers to maximize F1, 2014).
"""

from collections.abc import Sequence

import numpy as np

from transforms.sources.block_places import Places
from transforms.sources.boilerplate import boilerplate_lines
from transforms.sources.element_names import JUNK_NAMES, TAG_NAMES
from transforms.sources.page_blocks import Blocks

_REPEATABLE = 20  # characters: shorter texts may stand on a page often
_PARAGRAPH = 400
_ALIKE = 0.4
_FEW, _PLAIN = 20, 0.6
"""Of a page with few blocks, or with nothing aside, the model, which learned from whole pages, is not asked what stands in plain sight."""
_ASIDE = sum(1 << TAG_NAMES.index(tag) for tag in ("nav", "footer", "aside", "form", "button", "figcaption", "hidden"))
_EXEMPT = sum(1 << TAG_NAMES.index(tag) for tag in ("table", "dl", "pre", "code"))


def best_expected_f1(probabilities: np.ndarray, words: np.ndarray) -> np.ndarray:
    """float64 (n,) each -> bool (n,): the blocks whose words give the highest expected F1; at least one of n > 0."""
    order = np.argsort(-probabilities, kind="stable")
    sizes, hits = words[order], (probabilities * words)[order]
    expected = 2 * np.cumsum(hits) / np.maximum(1e-9, np.cumsum(sizes) + hits.sum())
    taken = np.zeros(len(order), bool)
    taken[order[: int(np.argmax(expected)) + 1]] = True
    return taken


def without_repeats(texts: Sequence[str], taken: np.ndarray) -> np.ndarray:
    """Blocks and which are taken -> the same without what stands on the page twice, as for wide and narrow screens.

    A text of 20 characters or more goes from its second time on when the taken block before or after it repeats too, or when it is
    a long paragraph. A line that only recurs in each item of a list stays.
    """
    chosen = np.flatnonzero(taken).tolist()
    found = [texts[number] for number in chosen]
    seen: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    taken = taken.copy()
    for position, text in enumerate(found):
        before = found[position - 1] if position else ""
        after = found[position + 1] if position + 1 < len(found) else ""
        if text in seen and len(text) >= _REPEATABLE and (len(text) >= _PARAGRAPH or (before, text) in pairs or (text, after) in pairs):
            taken[chosen[position]] = False
        seen.add(text)
        pairs.add((before, text))
    return taken


def without_boilerplate(blocks: Blocks, taken: np.ndarray) -> np.ndarray:
    """Blocks and which are taken -> the same without lines that the rules of `boilerplate.py` name; cells and code are no such lines."""
    chosen = np.flatnonzero(taken).tolist()
    exempt = [bool(blocks.kinds[blocks.first[number]] & _EXEMPT) for number in chosen]
    taken = taken.copy()
    for line in boilerplate_lines([blocks.texts[number] for number in chosen], exempt=exempt):
        taken[chosen[line]] = False
    return taken


def choose_blocks(blocks: Blocks, places: Places, probabilities: np.ndarray, words: np.ndarray) -> np.ndarray:
    """m blocks, where they stand, float64 (m,) how likely each is main text and how many words it has -> bool (m,): which are taken."""
    aside = stand_aside(blocks, places)
    if len(words) <= _FEW or not aside.any():
        probabilities = np.maximum(probabilities, _PLAIN * ~aside)
    taken = best_expected_f1(with_alike(probabilities, words, places.alike), words)
    taken = without_repeats(blocks.texts, taken)
    return without_boilerplate(blocks, taken)


def stand_aside(blocks: Blocks, places: Places) -> np.ndarray:
    """bool (m,): the blocks that a tag or a name around says are no main text: menus, forms, notices, and what is hidden."""
    kinds = np.array([blocks.kinds[node] for node in blocks.first], np.uint64)
    return ((kinds & np.uint64(_ASIDE)) | (places.near & np.uint64(JUNK_NAMES))) != 0


def with_alike(probabilities: np.ndarray, words: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Moves the probability of each block towards the mean of its group, so that items of a list and cells of a table share a fate."""
    sizes = words + 0.5
    mean = np.bincount(groups, weights=probabilities * sizes) / np.bincount(groups, weights=sizes)
    return (1 - _ALIKE) * probabilities + _ALIKE * mean[groups]
