"""What is measured of each block of a page, as one matrix: the input of the model that tells main text from the rest.

Everything is counted with numpy over the whole page, in time linear in its size. Sums are of whole numbers, so that the order of additions
does not matter and every machine finds the same values.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from transforms.sources.block_places import LEVELS, Places
from transforms.sources.block_words import (
    GROUPS,
    HEADING_GROUPS,
    PAGE_GROUPS,
    character_classes,
    word_groups,
)
from transforms.sources.element_names import (
    CONTENT_NAMES,
    JUNK_NAMES,
    LINK_BIT,
    NEAR_NAMES,
    TAG_NAMES,
    UNDER_NAMES,
    WORDS,
)
from transforms.sources.page_blocks import Blocks
from transforms.sources.page_tree import TAG_NUMBERS, PageTree

_SHORT = 200
_OWN_TAGS = tuple(TAG_NAMES.index(tag) for tag in ("p", "li", "h2", "td"))
_HEADING_TAGS = tuple(TAG_NAMES.index(tag) for tag in ("h1", "h2", "h3", "h4"))
_IN_TAGS = tuple(
    TAG_NAMES.index(tag)
    for tag in (
        *(
            "nav",
            "footer",
            "header",
            "aside",
            "form",
            "main",
            "article",
            "section",
            "figure",
            "table",
            "ul",
            "ol",
            "li",
            "dl",
            "p",
        ),
        *(
            "blockquote",
            "a",
            "button",
            "label",
            "details",
            "figcaption",
            "td",
            "noscript",
            "code",
            "hidden",
        ),
    )
)
_PAGE_TAGS = tuple(
    TAG_NAMES.index(tag)
    for tag in ("main", "article", "p", "li", "nav", "footer", "header", "form", "pre", "time")
)
_PAGE_NAMES = tuple(
    list(WORDS).index(name)
    for name in (
        "post",
        "answer",
        "product",
        "price",
        "item",
        "cart",
        "article",
        "comment",
        "code",
        "document",
        "review",
        "list",
    )
)
_COUNTED = ("article", "h2", "h3", "img", "input", "button", "pre", "table")


_MOST = 300  # features


class _Rows:
    """Rows of a matrix of m columns with a name each."""

    def __init__(self, count: int):
        self.names: list[str] = []
        self._matrix = np.empty(
            (_MOST, count), np.float32
        )  # filled in place: to put 200 short rows together at the end takes longer

    def add(self, name: str, values: np.ndarray | float) -> None:
        """A row of m values, or of one."""
        self._matrix[len(self.names)] = values
        self.names.append(name)

    def several(self, names: Sequence[str], values: np.ndarray) -> None:
        """k rows of values (k, m), or (k, 1) where all columns have the same."""
        self._matrix[len(self.names) : len(self.names) + len(names)] = values
        self.names.extend(names)

    def bits(
        self, prefix: str, values: np.ndarray, names: Sequence[str], numbers: Sequence[int]
    ) -> None:
        """A row for each of the numbered bits of uint64 `values`."""
        self.several([f"{prefix} {names[number]}" for number in numbers], _bits(values, numbers))

    def matrix(self) -> np.ndarray:
        return self._matrix[: len(self.names)]


def block_features(page: PageTree, blocks: Blocks, places: Places) -> tuple[np.ndarray, list[str]]:
    """m blocks, m > 0, and where they stand -> float32 (features, m) and the features' names."""
    texts = blocks.texts
    m = len(texts)
    rows = _Rows(m)
    size = np.array(list(map(len, texts)), np.int64)
    total = int(size.sum())
    classes = character_classes(texts, size)
    letters, upper, digits, spaces, stops, marks, wide = classes.T
    half_words = 2 * (spaces + 1) + wide
    link_size, raw_size = _linked(page, blocks)
    link_share = link_size / np.maximum(1, raw_size)
    prose = np.where((stops >= 1) & (size >= 60) & (link_share < 0.5), size, 0)
    all_prose = max(1, int(prose.sum()))

    rows.add("characters", size)
    rows.add("words", half_words / 2)
    rows.add("word length", 2 * letters / half_words)
    rows.add("upper", upper / np.maximum(1, letters))
    rows.add("digits", digits / size)
    rows.add("stops", stops)
    rows.add("stops per word", 2 * stops / half_words)
    rows.add("marks", marks / size)
    rows.add("link share", link_share)
    rows.add("text nodes", np.diff(blocks.starts))
    rows.add("ends", np.array([text[-1] in '.!?…。！？:;"”»)' for text in texts]))
    rows.add("prose", prose)
    said = [
        word_groups(text) if length <= _SHORT else (0, 0)
        for text, length in zip(texts, size.tolist(), strict=True)
    ]
    groups = np.array([bits for bits, _ in said], np.uint64)
    known = np.array([count for _, count in said], np.int64)
    rows.add("known words", 2 * known / half_words)
    seen = Counter(texts)
    rows.add("repeats", np.array([seen[text] for text in texts]))

    order = np.arange(m)
    before = np.cumsum(size) - size
    prose_before = np.cumsum(prose) - prose
    rows.add("position", order / max(1, m - 1))
    rows.add("characters before", before / total)
    rows.add("prose before", prose_before / all_prose)
    rows.add("prose after", (all_prose - prose_before - prose) / all_prose)

    up, near = places.up, places.near
    kinds = np.array([blocks.kinds[node] for node in blocks.first], np.uint64)
    named = np.array([blocks.names[node] for node in blocks.first], np.uint64)
    own_kinds = np.array([blocks.own_kinds.get(node, 0) for node in up[0].tolist()], np.uint64)
    words = list(WORDS)
    rows.bits("in", kinds, TAG_NAMES, _IN_TAGS)
    rows.bits("is", own_kinds, TAG_NAMES, _OWN_TAGS)
    rows.bits("near", near, words, NEAR_NAMES)
    rows.bits("under", named, words, UNDER_NAMES)
    for name, mask in (("junk", JUNK_NAMES), ("content", CONTENT_NAMES)):
        rows.several(
            [f"near {name} names", f"under {name} names"],
            _count_bits(np.stack((near, named)) & np.uint64(mask)),
        )

    _add_holders(
        rows,
        page,
        blocks,
        places,
        link_size=link_size,
        raw_size=raw_size,
        prose=prose,
        all_prose=all_prose,
    )
    _add_places(
        rows, places.alike, size=size, link_size=link_size, prose=prose, known=known, order=order
    )

    heading = (own_kinds & np.uint64(sum(1 << number for number in _HEADING_TAGS))) != 0
    last = np.maximum.accumulate(np.where(heading, order, -1))
    rows.add("since heading", order - last)
    rows.bits(
        "heading says",
        np.where(last >= 0, groups[np.maximum(last, 0)], np.uint64(0)),
        GROUPS,
        HEADING_GROUPS,
    )
    following = np.minimum.accumulate(np.where(heading, order, m)[::-1])[::-1]
    rows.add("to heading", np.append(following[1:], m) - order)
    first_h1 = np.flatnonzero(own_kinds & np.uint64(1 << _HEADING_TAGS[0]))
    rows.add("since h1", order - first_h1[0] if len(first_h1) else np.full(m, -9999))
    rows.add("is heading", heading)
    for by in (-1, 1):
        rows.add(f"characters {by:+d}", _shifted(size, by))
        rows.add(f"link share {by:+d}", _shifted(link_share, by))
        rows.add(f"prose {by:+d}", _shifted(prose, by))
    rows.add("prose around", _window(prose, 5))
    rows.add("links around", _window(link_size, 5))

    rows.add("page blocks", m)
    rows.add("page characters", total)
    rows.add("page prose", all_prose)
    rows.add("page prose share", all_prose / total)
    rows.add("page link share", int(link_size.sum()) / max(1, int(raw_size.sum())))
    rows.add("page mean prose", all_prose / max(1, int((prose > 0).sum())))
    for prefix, values, names, numbers, weights in (
        ("says", groups, GROUPS, PAGE_GROUPS, np.ones(m, np.int64)),
        ("in", kinds, TAG_NAMES, _PAGE_TAGS, size),
        ("under", named, words, _PAGE_NAMES, size),
    ):
        shares = _bits(values, numbers).astype(np.int64) @ weights / weights.sum()
        rows.several([f"page {prefix} {names[number]}" for number in numbers], shares[:, None])
    tally = np.bincount(page.numbers, minlength=len(TAG_NUMBERS) + 1)
    rows.several(
        [f"page {tag} elements" for tag in _COUNTED],
        tally[[TAG_NUMBERS[tag] for tag in _COUNTED], None],
    )
    return rows.matrix(), rows.names


def _bits(values: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
    """uint64 (m,) and k numbers of bits -> uint64 (k, m), 0 or 1."""
    return (values >> np.array(numbers, np.uint64)[:, None]) & np.uint64(1)


def _count_bits(values: np.ndarray) -> np.ndarray:
    """How many bits are set in each of uint64 (k, m)."""
    return np.unpackbits(values.view(np.uint8).reshape(*values.shape, 8), axis=2).sum(
        axis=2, dtype=np.uint8
    )


def _linked(page: PageTree, blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """Characters of each block inside links, and all its characters as they stand in the markup."""
    count = len(blocks.nodes)
    lengths = np.fromiter(map(len, map(page.data.__getitem__, blocks.nodes)), np.int64, count)
    in_link = (
        np.fromiter(map(blocks.kinds.__getitem__, blocks.nodes), np.uint64, count)
        & np.uint64(LINK_BIT)
    ) != 0
    starts = np.array(blocks.starts[:-1])
    return np.add.reduceat(lengths * in_link, starts), np.add.reduceat(lengths, starts)


def _add_holders(
    rows: _Rows,
    page: PageTree,
    blocks: Blocks,
    places: Places,
    *,
    link_size: np.ndarray,
    raw_size: np.ndarray,
    prose: np.ndarray,
    all_prose: int,
) -> None:
    """What the elements around a block hold: characters, shares of links and of prose, blocks; and their like beside them."""
    values = np.stack((raw_size, link_size, prose, np.ones(len(prose), np.int64)))
    by_node = np.zeros((len(values), len(page.tags) + 1), np.int64)
    by_node[:, np.array(blocks.first) + 1] = values
    sums = np.cumsum(by_node, axis=1)
    start = np.stack(places.up[1:LEVELS])
    held, links, text, count = sums[:, page.ends_array[start]] - sums[:, start]
    for name, values in (
        ("held", held),
        ("link share", links / np.maximum(1, held)),
        ("prose share", text / all_prose),
        ("prose density", text / np.maximum(1, held)),
        ("blocks", count),
        ("mean block", held / np.maximum(1, count)),
    ):
        rows.several([f"{name} {level}" for level in range(1, LEVELS)], values)
    for level, count in enumerate(places.siblings):
        rows.add(f"siblings {level}", count)


def _add_places(rows: _Rows, place: np.ndarray, *, size, link_size, prose, known, order) -> None:  # type: ignore[no-untyped-def]
    """What all blocks of the same place are like."""
    count = np.bincount(place)
    for name, values in (
        ("characters", size),
        ("links", link_size),
        ("prose", prose),
        ("known", known),
    ):
        rows.add(f"place {name}", (np.bincount(place, weights=values) / count)[place])
    rows.add("place blocks", count[place])
    rows.add("place share", (np.bincount(place, weights=size) / size.sum())[place])
    first, last = np.full(len(count), len(order)), np.zeros(len(count), np.int64)
    np.minimum.at(first, place, order)
    np.maximum.at(last, place, order)
    rows.add("place first", (first / len(order))[place])
    rows.add("place last", (last / len(order))[place])
    rows.add("page largest place", int(count.max()) / len(order))


def _shifted(values: np.ndarray, by: int) -> np.ndarray:
    """The value of the block `by` places after each; -1 where there is none."""
    moved = np.full(len(values), -1.0)
    if abs(by) < len(values):
        if by > 0:
            moved[:-by] = values[by:]
        else:
            moved[-by:] = values[:by]
    return moved


def _window(values: np.ndarray, reach: int) -> np.ndarray:
    """The sum of whole numbers over each block and `reach` blocks on both sides."""
    sums = np.concatenate(([0], np.cumsum(values)))
    order = np.arange(len(values))
    return sums[np.minimum(order + reach + 1, len(values))] - sums[np.maximum(order - reach, 0)]
