"""Rendering: one small page per rule, and its text; docs/extraction.md has the rules in words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from transforms.sources.decoding import decode_html
from transforms.sources.page_tree import TEXT, PageTree, page_tree
from transforms.sources.render import render
from transforms.sources.visible import visible_texts


def text_of(markup: str) -> str:
    return render(page_tree(HTMLTree.parse(f"<body>{markup}</body>")))


LONG = (
    "The river rose in the night, and in the morning the lower fields lay under a sheet of "
    "brown water. "
)
INLINE = {
    "no character between elements is lost": ("これは<b>本</b>だ", "これは本だ"),
    "a link of one character": ("<a>汉</a>族", "汉族"),
    "a dash alone": ("<b>both</b> — <i>always</i>", "both — always"),
    "a dash in an element": ("both <span>—</span> always", "both — always"),
    "a full stop in an element": ("<b>end</b><span>.</span>", "end."),
    "blanks between elements": ("<b>one</b> <i>two</i>", "one two"),
    "blanks inside elements": ("<b>one </b><i> two</i>", "one two"),
    "blanks at the ends of blocks": ("<p> one </p> <p> two </p>", "one\n\ntwo"),
    "a comment is nothing": ("one<!-- x -->two", "onetwo"),
    "line ends of the source": ("one\n  two\tthree", "one two three"),
    "a hard blank": ("5&nbsp;km", "5 km"),
    "soft hyphens": ("Donau&shy;dampf&shy;schiff", "Donaudampfschiff"),
    "wbr": ("super<wbr>cali", "supercali"),
    "zero-width space": ("super\u200bcali", "supercali"),
    "joiners stay": ("می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀"),
    "direction marks stay": ("a\u200fb", "a\u200fb"),
    "ideographic spaces stay": ("春\u3000夏", "春\u3000夏"),
    "a line break": ("one<br>two", "one\ntwo"),
    "two line breaks": ("one<br><br>two", "one\n\ntwo"),
    "two line breaks with blanks": ("one <br /> \n <br> two", "one\n\ntwo"),
    "line breaks in elements": ("one<span><br></span>two<b><br></b>three", "one\ntwo\nthree"),
    "line breaks at the ends": ("<p><br>one<br></p><p>two</p>", "one\n\ntwo"),
    "quotation marks": ("<q>so</q>", "“so”"),
    "nested quotations": ("<q>he said <q>so</q></q>", "“he said ‘so’”"),
    "quotation marks that are there": ("<q>„so“</q>", "„so“"),
    "deleted and inserted": ("<del>old</del> <ins>new</ins> <s>x</s>", "old new x"),
    "abbreviations": ("<abbr title='World'>W</abbr>", "W"),
    "an element nobody knows": ("<x-word>one</x-word>two", "onetwo"),
    "ruby": (
        "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>を",
        "漢字を",
    ),
    "ruby with rb and rtc": (
        "<ruby><rb>漢</rb><rb>字</rb><rtc><rt>かん</rt><rt>じ</rt></rtc></ruby>",
        "漢字",
    ),
    "nested ruby": (
        "<ruby><ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby><rt>とうきょう</rt></ruby>",
        "東京",
    ),
    "buttons do not glue": ("<button>1</button><button>2</button>", "1 2"),
    "pictures do not glue": ("1<img src=a alt=b>2", "1 2"),
    "styled as a block": (
        "<span style='display:block'>1</span><span style='display: block'>2</span>",
        "1\n2",
    ),
    "styled as inline": ("one <div style='display:inline'>two</div> three", "one two three"),
    "entities": ("&lt;b&gt; &amp;amp; &copy;", "<b> &amp; ©"),
}
BLOCKS = {
    "blocks": (
        "<div>one</div><div>two</div>three<p>four</p>five",
        "one\ntwo\nthree\n\nfour\n\nfive",
    ),
    "headings": (
        "<h1>One</h1>two<h2>Three <small>four</small></h2><p>five</p>",
        "One\n\ntwo\n\nThree four\n\nfive",
    ),
    "a rule": ("one<hr>two", "one\n\ntwo"),
    "a quotation": (
        "one<blockquote><p>two</p><p>three</p></blockquote>four",
        "one\n\ntwo\n\nthree\n\nfour",
    ),
    "details": ("<details><summary>one</summary><p>two</p></details>", "one\n\ntwo"),
    "a figure": (
        "one<figure><img src=a alt=x><figcaption>two</figcaption></figure>three",
        "one\n\ntwo\n\nthree",
    ),
    "blocks in links": ("<a href=x><h3>one</h3><p>two</p></a>", "one\n\ntwo"),
    "a definition list": (
        "<dl><dt>one</dt><dd>two</dd><dd>three</dd><dt>four</dt><dd><p>five</p></dd></dl>",
        "one\ntwo\nthree\nfour\n\nfive",
    ),
    "an address": ("<address>one<br>two</address>", "one\ntwo"),
    "a fieldset": ("<fieldset><legend>one</legend><label>two</label></fieldset>", "one\ntwo"),
}
LISTS = {
    "a list": ("<ul><li>one</li><li>two</li></ul>", "• one\n• two"),
    "a list after text": ("a<ul><li>one<li>two</ul>b", "a\n\n• one\n• two\n\nb"),
    "a list near the root": ("<main><article><ul><li>one</li></ul></article></main>", "• one"),
    "nested lists": (
        "<ul><li>one<ul><li>two<ol><li>three</ol></ul><li>four</ul>",
        "• one\n  • two\n    1. three\n• four",
    ),
    "a list in a list": ("<ul><ul><li>one</ul></ul>", "• one"),
    "numbers": ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
    "start": ("<ol start=3><li>one<li>two</ol>", "3. one\n4. two"),
    "start below zero": ("<ol start=-1><li>one<li>two</ol>", "-1. one\n0. two"),
    "start that is no number": ("<ol start=x><li>one</ol>", "1. one"),
    "value": ("<ol><li>one<li value=7>two<li>three</ol>", "1. one\n7. two\n8. three"),
    "reversed": ("<ol reversed><li>one<li>two<li>three</ol>", "3. one\n2. two\n1. three"),
    "reversed with start": ("<ol reversed start=10><li>one<li>two</ol>", "10. one\n9. two"),
    "letters": ("<ol type=a start=26><li>one<li>two</ol>", "z. one\naa. two"),
    "capital letters": ("<ol type=A><li>one</ol>", "A. one"),
    "roman numerals": ("<ol type=i start=3><li>one<li>two</ol>", "iii. one\niv. two"),
    "empty items count": ("<ol><li>one<li><li>three</ol>", "1. one\n3. three"),
    "paragraphs in items": (
        "<ul><li><p>one</p><p>two</p></li><li><p>three</p></li></ul>",
        "• one\n\n  two\n\n• three",
    ),
    "breaks in items": ("<ul><li>one<br>two</li></ul>", "• one\n  two"),
    "an item outside a list": ("<li>one</li>", "• one"),
    "items in elements": ("<ul><div><li>one</li></div></ul>", "• one"),
}
CODE = {
    "code as it stands": (
        "<pre>def f(x):\n    if x:\n\n        return  1\n}\n</pre>",
        "def f(x):\n    if x:\n\n        return  1\n}",
    ),
    "indented first line": ("<p>a</p><pre>    one\n  two</pre>", "a\n\n    one\n  two"),
    "tabs stay": ("<p>a</p><pre>\tone\n\t\ttwo</pre>", "a\n\n\tone\n\t\ttwo"),
    "short lines all stay": (
        "<pre><code>{\n}\n;\n1\nx\nend\n)\n#\n</code></pre>",
        "{\n}\n;\n1\nx\nend\n)\n#",
    ),
    "breaks in code": ("<pre>one<br>  two<br/>three</pre>", "one\n  two\nthree"),
    "coloured code": (
        '<pre><code><span class="k">def</span> <span class="nf">f</span><span class="p">():</span>'
        "\n   "
        ' <span class="k">pass</span></code></pre>',
        "def f():\n    pass",
    ),
    "lines in spans with line ends": (
        '<pre><span class="line">a</span>\n<span class="line">  b</span></pre>',
        "a\n  b",
    ),
    "lines in spans": (
        '<pre><span class="line">a</span><span class="line">  b</span></pre>',
        "a\n  b",
    ),
    "lines in divisions": ("<pre><div>a</div><div>  b</div><div>c</div></pre>", "a\n  b\nc"),
    "lines in items": ("<pre><ol><li>a</li><li>  b</li></ol></pre>", "a\n  b"),
    "lines in rows": (
        '<pre><table><tr><td class="hljs-ln-numbers">1</td><td>a</td></tr><tr><td'
        ' class="hljs-ln-numbers">2</td><td>  b</td></tr></table></pre>',
        "a\n  b",
    ),
    "line numbers beside code": (
        '<table class="highlighttable"><tr><td class="linenos"><pre>1\n2\n3</pre></td><td'
        ' class="code"><pre>a\n  b\nc</pre></td></tr></table>',
        "a\n  b\nc",
    ),
    "line numbers in code": (
        '<pre><span class="lineno">1 </span>a\n<span class="lineno">2 </span>  b</pre>',
        "a\n  b",
    ),
    "a gutter of lines": (
        '<figure class="highlight"><table><tr><td class="gutter"><pre><span class="line">1</span>'
        '<br><span class="line">2</span></pre></td>'
        '<td class="code"><pre><span class="line">a</span><br><span class="line">  b</span></pre>'
        "</td></tr></table></figure>",
        "a\n  b",
    ),
    "copy buttons": ("<pre><button>Copy</button><code>a</code></pre>", "a"),
    "a style of preformatted text": (
        '<p>x</p><div style="white-space: pre">a\n  b</div>',
        "x\n\na\n  b",
    ),
    "a style of kept lines": (
        '<p style="white-space: pre-wrap">a\n  b\n\nc</p>d\ne',
        "a\nb\n\nc\n\nd e",
    ),
    "xmp": ("<p>x</p><xmp>a <b>\n  b</xmp>", "x\n\na <b>\n  b"),
    "inline code": ("use <code>a  b</code> now", "use a b now"),
    "code in a list": ("<ul><li>one<pre>a\n  b</pre></li></ul>", "• one\n\na\n  b"),
}
TABLES = {
    "cells": (
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
        "a\tb\n1\t2",
    ),
    "paragraphs in cells": ("<table><tr><td><p>1</p></td><td><p>2</p></td></tr></table>", "1\t2"),
    "breaks in cells": ("<table><tr><td>1<br>x</td><td>2</td></tr></table>", "1 x\t2"),
    "a caption": ("<table><caption>c</caption><tr><td>1</td><td>2</td></tr></table>", "c\n1\t2"),
    "a table of one column": ("<table><tr><td>1</td></tr><tr><td>2</td></tr></table>", "1\n2"),
    "a table for layout": (
        "<table><tr><td><ul><li>a</li></ul></td><td><h2>b</h2><p>c</p></td></tr></table>",
        "• a\n\nb\n\nc",
    ),
    "a table in a table": (
        "<table><tr><td>x</td><td><table><tr><td>1</td><td>2</td></tr></table></td></tr></table>",
        "x\n\n1\t2",
    ),
    "text around": ("a<table><tr><td>1</td><td>2</td></tr></table>b", "a\n\n1\t2\n\nb"),
    "an exponent in a cell": (
        "<table><tr><td>10<sup>6</sup></td><td>2</td></tr></table>",
        "10^6\t2",
    ),
}
UNSEEN = {
    "scripts and styles": ("<script>1</script><style>p{}</style>a", "a"),
    "an attribute": ("a<p hidden>b</p>", "a"),
    "a style": (
        "a long text<p style='display: none'>b</p><p style='visibility:hidden'>c</p>",
        "a long text",
    ),
    "a page that a script unveils": (
        f"<div style='display:none'><p>{LONG}</p></div>",
        LONG.strip(),
    ),
    "what is hidden parts no paragraph": (
        "one<div hidden>x</div>two<template><p>x</p></template>three<p>4</p>",
        "onetwothree\n\n4",
    ),
    "for screen readers": (
        "a<span class='sr-only'>b</span><span class='visually-hidden'>c</span>",
        "a",
    ),
    "a template": ("a<template><p>b</p></template>", "a"),
    "a shadow root": ("<x-a><template shadowrootmode=open><p>b</p></template></x-a>", "b"),
    "fields of forms": (
        "a<input value=b><textarea>c</textarea><select><option>d</option></select>",
        "a",
    ),
    "a request to switch scripts on": (
        f"<noscript>Please enable JavaScript.</noscript><p>{LONG}</p>",
        LONG.strip(),
    ),
    "an article without scripts": (
        f"<p>Menu</p><noscript><p>{LONG}</p><p>1{LONG}</p><p>2{LONG}</p></noscript>",
        None,
    ),
    "what replaces a film": (
        "a<video>b</video><audio>c</audio><object>d</object><canvas>e</canvas><iframe>f</iframe>",
        "a",
    ),
    "drawings": ("a<svg><title>b</title><text>c</text></svg>", "a"),
    "a closed dialog": (f"{LONG}<dialog>cookies</dialog>", LONG.strip()),
    "names of attributes are no text": (
        "a<span data-text='b' data-content='c' title='d' alt='e'></span>",
        "a",
    ),
    "hidden by part of a name": ("a<p class='hidden-gem' title='hidden'>b</p>", "a\n\nb"),
}
CASES = [
    (group, name, *case)
    for group in (INLINE, BLOCKS, LISTS, CODE, TABLES, UNSEEN)
    for name, case in group.items()
]


@pytest.mark.parametrize(
    ("markup", "expected"), [case[2:] for case in CASES], ids=[case[1] for case in CASES]
)
def test_rendering(markup: str, expected: str | None) -> None:
    found = text_of(markup)
    if expected is None:
        expected = f"Menu\n\n{LONG}\n\n1{LONG}\n\n2{LONG}".replace(" \n", "\n").strip()
    assert found == expected


def test_quotation_marks_are_those_of_the_page_s_language() -> None:
    for language, expected in (
        ("de", "„so“"),
        ("fr-CA", "«so»"),
        ("ja", "「so」"),
        ("en", "“so”"),
        ("xx", "“so”"),
    ):
        assert (
            render(page_tree(HTMLTree.parse(f"<html lang={language}><q>so</q></html>"))) == expected
        )


def test_only_kept_texts_appear_and_structure_only_around_them() -> None:
    page = page_tree(
        HTMLTree.parse(
            "<h1>a</h1><ul><li>b</li><li>c</li></ul><table><tr><td>d</td><td>e</td></tr></table>"
            "<pre>f\n</pre>g"
        )
    )
    for kept in ["c", "ce", "ag", "f", "", "abcdefg"]:
        keep = bytearray(
            tag == TEXT and text.strip() in list(kept)
            for tag, text in zip(page.tags, page.data, strict=True)
        )
        found = render(page, keep=keep)
        assert "".join(found.split()).replace("•", "") == kept
        assert found.count("•") == sum(letter in "bc" for letter in kept)


def test_a_part_of_a_page() -> None:
    page = page_tree(HTMLTree.parse("<p>a</p><div><p>b</p></div><p>c</p>"))
    assert render(page, root=page.tags.index("div")) == "b"
    assert render(page, root=page.tags.index("div"), keep=visible_texts(page)) == "b"


def real_pages(data_folder: Path) -> Iterator[tuple[str, str]]:
    """The address and markup of every shared page."""
    for path in [
        data_folder / "pages" / "pages.warc.gz",
        *sorted((data_folder / "web").glob("pages-*.warc.gz")),
    ]:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                body = record.reader.read()
                yield (
                    record.headers["WARC-Target-URI"],
                    decode_html(body, charset=record.http_charset).text,
                )


WORDS = st.text("ab1漢 \n—", min_size=1, max_size=6)
MARKUP = st.recursive(
    WORDS | st.sampled_from(["<br>", "<img src=a>", "<wbr>", "<!-- 9 -->", "<hr>"]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(
            [
                "b",
                "i",
                "span",
                "a",
                "div",
                "p",
                "ul",
                "li",
                "table",
                "tr",
                "td",
                "pre",
                "blockquote",
                "h2",
                "dl",
                "dd",
                "label",
                "code",
            ]
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(st.lists(MARKUP, max_size=5).map("".join))
def test_no_character_is_lost_doubled_or_moved(markup: str) -> None:
    page = page_tree(HTMLTree.parse(f"<body>{markup}</body>"))
    expected = "".join(
        "".join(
            page.data[node] for node in range(len(page.tags)) if page.tags[node] == TEXT
        ).split()
    )
    assert "".join(render(page).replace("•", "").split()) == expected


NUMBERS = st.recursive(
    st.integers(0, 99_999).map(str)
    | st.sampled_from(
        [
            " ",
            "x",
            ".",
            "<br>",
            "<img>",
            "<math><mfrac><mn>11</mn><mn>22</mn></mfrac><mn>33</mn></math>",
        ]
    )
    | st.sampled_from(
        [
            '<script type="math/tex">44</script>',
            '<img class="tex" alt="$55$">',
            "<a href=#fn1>66</a>",
            "<button>77</button>",
        ]
    ),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(
            ["b", "span", "sup", "sub", "div", "p", "ul", "li", "table", "tr", "td", "pre", "label"]
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=10,
)


INLINE_TAGS = frozenset(
    str.split(
        """a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark rb rp rt ruby s
        samp small span strike strong time tt u var wbr link meta source template noscript"""
    )
)


def runs_of_digits(page: PageTree) -> set[str]:
    """The runs of digits of a page's texts, joined across inline elements."""
    out: list[str] = []
    closing: list[int] = []
    for node, tag in enumerate(page.tags):
        while closing and closing[-1] <= node:
            closing.pop()
            out.append(" ")
        if tag == TEXT:
            out.append(page.data[node].replace("\u00ad", "").replace("\u200b", ""))
        elif tag not in INLINE_TAGS and not (
            tag in ("sup", "sub") and TEXT not in page.tags[node : page.ends[node]]
        ):
            out.append(" ")
            closing.append(page.ends[node])
    return set("".join(sign if sign.isdigit() else " " for sign in "".join(out)).split())


@settings(max_examples=120, deadline=None)
@given(st.lists(NUMBERS, max_size=4).map("".join))
def test_no_run_of_digits_is_made_that_is_not_on_the_page(markup: str) -> None:
    page = page_tree(HTMLTree.parse(f"<body>{markup}</body>"))
    alternatives = {"55"} if "$55$" in markup else set()
    found = set("".join(sign if sign.isdigit() else " " for sign in render(page)).split())
    assert found <= runs_of_digits(page) | alternatives


def with_tags(page: PageTree, **names: str) -> PageTree:
    return PageTree([names.get(tag, tag) for tag in page.tags], page.parents, page.ends, page.data)


@pytest.mark.real_data
def test_real_pages_lose_no_character_and_gain_no_number(data_folder: Path) -> None:
    """Every sixth shared page without formulas.

    Lists have no numbers; for the characters, superscripts are plain text.
    """
    removed = re.compile(r"[\s\u00ad\u200b\u2060\ufeff\x00-\x08•]|[“”„«»‘’‚]")
    changed, gained = [], []
    for number, (url, html) in enumerate(real_pages(data_folder)):
        if number % 3 or re.search(
            "MathJax|katex|<math|math/tex|<q[ >]|white-space: ?pre|<button|vertical-align: "
            '?su|class="[^"]*su[pb]',
            html,
        ):
            continue
        page = page_tree(HTMLTree.parse(html))
        seen = visible_texts(page)
        flat = with_tags(page, sup="span", sub="span", ol="ul")
        own = "".join(
            page.data[node]
            for node in range(len(page.tags))
            if seen[node] and page.tags[node] == TEXT
        )
        if removed.sub("", render(flat)) != removed.sub("", own):
            changed.append(url)
        found = set(
            "".join(
                sign if sign.isdigit() else " " for sign in render(with_tags(page, ol="ul"))
            ).split()
        )
        if found - runs_of_digits(page):
            gained.append((url, found - runs_of_digits(page)))
    assert changed == []
    assert gained == []


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<ol><li>a</li><ol><li>b</li></ol><li>c</li></ol>", "1. a\n   1. b\n2. c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "• a\n  • b"),
        ("<pre>  a\nb</pre>", "  a\nb"),
        ('<table class="highlight"><tr><td class="blob-num"></td><td class="blob-code">def f():'
         '</td></tr><tr><td class="blob-num"></td>'
         '<td class="blob-code">    return 1</td></tr></table>', "def f():\n    return 1"),
        ('<div class="CodeMirror-code"><div><div class="CodeMirror-linenumber">1</div>'
         '<pre class="CodeMirror-line">a</pre></div><div>'
         '<div class="CodeMirror-linenumber">2</div><pre class="CodeMirror-line">  b</pre></div>'
         '</div>', "a\n  b"),
        ('<div class="cm-content"><div class="cm-line">a</div><div class="cm-line">  b</div></div>',
         "a\n  b"),
        ('<p lang="de"><q>a <q>b</q></q></p>', "„a ‚b‘“"),
        ('<p><q lang="ja">a</q> <q>b</q></p>', "「a」 “b”"),
        ("<p><q><b>“a”</b></q></p>", "“a”"),
    ],
)  # fmt: skip
def test_structure_as_old_and_other_editors_write_it(markup: str, expected: str) -> None:
    assert text_of(markup) == expected


def test_hidden_words_in_a_line_stay_hidden_beside_hidden_blocks() -> None:
    page = page_tree(
        HTMLTree.parse(
            f"<body><p>{LONG * 2}<span style='display:none'>00123</span></p><div hidden>"
            f"{LONG}</div></body>"
        )
    )
    texts = [
        page.data[node]
        for node in range(len(page.tags))
        if page.tags[node] == TEXT and visible_texts(page, hidden=True)[node]
    ]
    assert texts == [LONG * 2, LONG]
