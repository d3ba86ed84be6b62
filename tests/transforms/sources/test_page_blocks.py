"""Blocks of a page: which texts stand together on a line, and where each stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from transforms.sources.block_features import block_features
from transforms.sources.block_places import block_places
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
