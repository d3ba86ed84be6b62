"""Blocks of a page: which texts stand together on a line, and where each stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from transforms.sources.block_features import block_features
from transforms.sources.block_places import block_places
from transforms.sources.block_words import character_classes
from transforms.sources.element_names import TAG_NAMES, WORDS, attribute_bits
from transforms.sources.page_blocks import Blocks, page_blocks
from transforms.sources.page_tree import TEXT, PageTree, page_tree
from transforms.sources.visible import visible_texts


def parsed(html: str) -> tuple[PageTree, Blocks]:
    page = page_tree(HTMLTree.parse(html))
    return page, page_blocks(page, visible_texts(page, hidden=True))


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<p>one <b>two</b></p><p>three</p>", ["one two", "three"]),
        ("<div>before<p>inside</p>after</div>", ["before", "inside", "after"]),
        ("<ul><li>a</li><li>b <a href=x>c</a></li></ul>", ["a", "b c"]),
        ("<p>one<br>two</p>", ["one two"]),
        ("<table><tr><td>1</td><td>2</td></tr></table>", ["1", "2"]),
        ("<pre><div>x = 1</div><div>y = 2</div></pre>", ["x = 1 y = 2"]),
        ("<pre>a\n  b</pre><p>c</p>", ["a b", "c"]),
        ("<div hidden>menu</div><p>text</p>", ["menu", "text"]),
        ("<script>x</script><style>y</style><p>text</p><select><option>1</select>", ["text"]),
        ("<p> </p><p>\n</p>", []),
        ("", []),
    ],
)
def test_runs_of_inline_content_are_blocks(html: str, texts: list[str]) -> None:
    assert parsed(html)[1].texts == texts


def test_names_and_tags_around_a_block() -> None:
    page, blocks = parsed(
        '<body class="article"><nav class="mainMenu"><p id="share-bar">x</p></nav><p>y</p></body>'
    )
    words = list(WORDS)
    near = block_places(page, blocks).near.tolist()
    assert [near[0] >> words.index(name) & 1 for name in ("navigation", "share", "article")] == [
        1,
        1,
        1,
    ]
    assert [blocks.kinds[node] >> TAG_NAMES.index("nav") & 1 for node in blocks.first] == [1, 0]
    assert (
        blocks.names[blocks.first[1]] == 0
    )  # what the body is called holds for no block more than for another


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        (' class="post-content"', {"post", "content"}),
        (' class="entryContent"', {"post", "content"}),
        (' id="Comments"', {"comment"}),
        (' class="shareholder"', set()),
        (' role="navigation" data-x="comment"', {"navigation"}),
    ],
)
def test_names_are_words_of_classes_ids_and_roles(attributes: str, names: set[str]) -> None:
    bits = attribute_bits(attributes)[1]
    assert {name for number, name in enumerate(WORDS) if bits >> number & 1} == names


@pytest.mark.parametrize(
    "html",
    [
        "<html lang='a&amp;b' xml:lang=de title='1\"2<3>&nbsp;' a><head><title>t</title></head><body class=x>y</html>z",
        "<title>t</title><nav>a<nav>b</nav>c</nav><p>d",
        "<head><template><img></template></head>",
        "<frameset><frame></frameset>",
        "",
    ],
)
def test_a_tree_without_its_head_is_otherwise_the_same(html: str) -> None:
    whole, cut = page_tree(HTMLTree.parse(html)), page_tree(HTMLTree.parse(html), without=("head",))
    head = next((node for node, tag in enumerate(whole.tags) if tag == "head"), 0)
    beside = [
        node
        for node in range(len(whole.tags))
        if not head <= node < (whole.ends[head] if head else 0)
    ]
    assert [(whole.tags[node], whole.data[node]) for node in beside] == list(
        zip(cut.tags, cut.data, strict=True)
    )


def test_elements_left_out_go_with_those_inside_and_formulas_stay() -> None:
    html = '<p>a<svg data-latex="x^2"><svg></svg><style>a > b</style></svg></p><nav>b<nav>c</nav>d<!-- </nav> --></nav><p>e'
    page = page_tree(HTMLTree.parse(html), without=("head", "nav"))
    assert [text for tag, text in zip(page.tags, page.data, strict=True) if tag == TEXT] == [
        "a",
        "e",
    ]
    assert page.data[page.tags.index("span")] == ' data-latex="x^2"'


@given(st.lists(st.text("aB1 .漢😀\n›", min_size=1), min_size=1))
def test_characters_are_counted_by_class(texts: list[str]) -> None:
    checks = (
        str.isalpha,
        str.isupper,
        str.isdigit,
        " ".__eq__,
        ".".__eq__,
        "›".__eq__,
        "漢".__eq__,
    )
    counts = [
        [sum(map(check, text.replace("😀", "漢"))) for check in checks] for text in texts
    ]  # beyond the first plane: as ideographs
    assert character_classes(texts, np.array(list(map(len, texts)))).tolist() == counts


TAGS = st.sampled_from(
    [
        "<div>",
        "</div>",
        "<p>",
        "<b>",
        "</b>",
        "<br>",
        "<pre>",
        "</pre>",
        "<ul><li>",
        "</ul>",
        "<td>",
        "text ",
        "漢",
        " ",
        "<nav>",
        "<a href=x>",
    ]
)


@settings(deadline=None)
@given(st.lists(TAGS, max_size=40).map("".join))
def test_every_seen_text_is_in_one_block_and_every_feature_is_a_number(html: str) -> None:
    page, blocks = parsed(html)
    seen = visible_texts(page, hidden=True)
    texts = [
        node
        for node in range(len(page.tags))
        if page.tags[node] == TEXT and seen[node] and page.data[node].strip()
    ]
    assert set(texts) <= set(blocks.nodes)
    assert blocks.nodes == sorted(set(blocks.nodes))
    assert "".join("".join(blocks.texts).split()) == "".join(
        "".join(page.data[node] for node in blocks.nodes).split()
    )
    if blocks.texts:
        features, names = block_features(page, blocks, block_places(page, blocks))
        assert features.shape == (len(names), len(blocks.texts))
        assert len(set(names)) == len(names)
        assert abs(features).max() < float("inf")
