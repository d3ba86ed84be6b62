"""Source `markdown`: front matter, comments, links by option, and code that is unchanged."""

import io
import random
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.transforms.sources.markdown_reader import markdown_text
from transforms.sources.markdown import markdown_body, read_markdown
from transforms.sources.records import RawDocument, RawReject, Record

MAY = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp())


def read(text: str | bytes, **options: bool) -> Record:
    [record] = read_markdown(
        io.BytesIO(text.encode() if isinstance(text, str) else text), **options
    )
    return record


@pytest.mark.parametrize(
    ("front", "title", "published", "language", "url"),
    [
        (
            "---\ntitle: T\ndate: 2024-05-01\nlang: de-AT\ncanonical_url: https://a.org/x\n---\n",
            "T",
            MAY,
            "de",
            "https://a.org/x",
        ),
        (
            "---\ntitle: 'A: \"b\"'\ndate: 2024-05-01 00:00:00 +0000\nlang: no\npermalink: /x/\n"
            "---\n",
            'A: "b"',
            MAY,
            "no",
            None,
        ),
        ("---\ntitle: A: b\nlayout: post\ndate: 1 May 2024\n---\n", "A: b", MAY, None, None),
        (
            "---\ntitle: >\n  Folded\n  title\ntags: [a, b]\nnested:\n  title: no\n...\n",
            "Folded title",
            None,
            None,
            None,
        ),
        ("---\r\ntitle: T\r\n---\r\n", "T", None, None, None),
        ("\ufeff---\ntitle: T\n---\n", "T", None, None, None),
        (
            '+++\ntitle = "T"\ndate = 2024-05-01T02:00:00+02:00\nlanguage = "fr"\n[params]\nx = '
            "1\n+++\n",
            "T",
            MAY,
            "fr",
            None,
        ),
        ("+++\ntitle = broken value\n+++\n", "broken value", None, None, None),
        (
            '{\n  "title": "T",\n  "date": "2024-05-01",\n  "url": "https://a.org/"\n}\n',
            "T",
            MAY,
            None,
            "https://a.org/",
        ),
        ("% T\n% Author\n% May 1, 2024\n", "T", MAY, None, None),
        ("---\n---\n", None, None, None, None),
        ("---\npublished: true\ncreated: 2024-05-01\nTitle: T\n---\n", "T", MAY, None, None),
        ("---\ndate: 2024-13-77\ntitle: 12\n---\n", "12", None, None, None),
    ],
)
def test_front_matter(
    front: str, title: str | None, published: int | None, language: str | None, url: str | None
) -> None:
    assert read(f"{front}\nText.\n") == RawDocument("0", "Text.", url, title, published, language)


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nText between rules\n\n---\n\nmore",
        "---\nText between rules\n---\nmore",
        "---\n- a\n- b\n---\nmore",
        "Text\n\n---\ntitle: T\n---",
        '{ "no": front matter',
        "{% include x %}\n\nText",
        "+++ no front matter",
        "---\ntitle: T\n\nnever closed",
        "100% sure\n% of it",
    ],
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    assert read(text) == RawDocument("0", text)


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\n"
        + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n"
            for n in range(20)
        ),
        "a: &a {b: c}\nd: {<<: [*a, *a]}\n",
        "a: " + "[" * 5_000,
        "a: !!python/object/apply:os.system [x]\n",
    ],
)
def test_front_matter_that_means_harm_is_only_text(bomb: str) -> None:
    record = read(f"---\ntitle: T\n{bomb}\n---\nText")
    assert isinstance(record, RawDocument)
    assert (record.text, record.title) == ("Text", "T")


def test_a_title_from_the_first_heading() -> None:
    assert read("# A *title* [x](y) #\n\nText")[3] == "A title x"
    assert read("A title\n=======\n\nText")[3] == "A title"
    assert read("Text\n\n# Later")[3] is None
    assert read("---\ntitle: T\n---\n# Other")[3] == "T"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a <!-- c --> b", "a b"),
        ("a\n\n<!-- c\n\nd -->\n\nb", "a\n\nb"),
        ("a\n<!-- c -->\nb", "a\n\nb"),
        ("- a <!-- c -->\n- b\n<!-- d -->", "- a\n- b"),
        ("a <!-- c\nd --> b", "a b"),
        ("<!-- c -->\n# H", "# H"),
        ("> a <!-- c -->\n> b", "> a\n> b"),
        ("`<!-- c -->` and ``a ` <!-- c -->``", "`<!-- c -->` and ``a ` <!-- c -->``"),
        ("\\<!-- c -->", "\\<!-- c -->"),
        ("```\n<!-- c -->\n```", "```\n<!-- c -->\n```"),
        ("- x\n\n  ~~~\n  <!-- c -->\n  ~~~", "- x\n\n  ~~~\n  <!-- c -->\n  ~~~"),
        ("a\n\n    <!-- c -->\n", "a\n\n    <!-- c -->"),
        ("<!--\n```\nx\n```\n-->\n\na", "a"),
        ("a <!-- open", "a <!-- open"),
        ("<pre>\n<!-- c -->\n</pre>", "<pre>\n<!-- c -->\n</pre>"),
        (
            "import X from './x'\nimport {A,\n  B} from \"y\"\n\n# T\n\nimport this from 'x' today",
            "# T\n\nimport this from 'x' today",
        ),
        ("```js\nimport X from 'x'\n```", "```js\nimport X from 'x'\n```"),
        ("a  \nb\\\nc\n\n\n\nd <!-- c -->", "a  \nb\\\nc\n\n\n\nd"),
    ],
)
def test_comments_and_imports_go(written: str, text: str) -> None:
    assert markdown_body(written) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('[a](b) [c](<d e> \'T\') [f](g "T\\"") [h](i(j)k) [l]()', "a c f h l"),
        ("![alt *x*](i.png) [![Badge](b.svg)](l)", "alt *x* Badge"),
        (
            "[a][r], [r], [Some  ref][], [no], [x][no]\n\n[R]: http://r\n[some ref]: <x> 'T'",
            "a, r, Some  ref, [no], [x][no]",
        ),
        ("text [^1]\n\n[^1]: note", "text [^1]\n\n[^1]: note"),
        (
            "<http://x.y/a_b> <a@b.c> http://bare.z <b>x</b>",
            "http://x.y/a_b a@b.c http://bare.z <b>x</b>",
        ),
        ("`[a](b)` \\[a](b) [a\\](b)", "`[a](b)` \\[a](b) [a\\](b)"),
        ("[a [b] c](d) [`x](y)`](z)", "a [b] c `x](y)`"),
        (
            "- [ ] task [z](q)\n> [q](w)\n\n| [t](u) | b |\n|---|---|",
            "- [ ] task z\n> q\n\n| t | b |\n|---|---|",
        ),
        (
            "```\n[a](b)\n[r]: x\n```\n\n    [a](b)\n\n[r]: y",
            "```\n[a](b)\n[r]: x\n```\n\n    [a](b)",
        ),
        (
            '<a href="x">html</a> <img src="y" alt="pic &amp; co"> <article>',
            "html pic & co <article>",
        ),
        ("[a](b\nc) [a] (b) [a](b c)", "[a](b\nc) [a] (b) [a](b c)"),
        ("# [H](x)\n\n[a\nb](c)", "# H\n\na\nb"),
        ("1 [a](b)\n[r]: x\n\ny", "1 a\n[r]: x\n\ny"),
    ],
)
def test_links_to_their_text(written: str, text: str) -> None:
    assert markdown_body(written, links=False) == text
    record = read(written)
    assert isinstance(record, RawDocument)
    assert record.text == written.strip()
    assert read(written, links=False)[1] == text


@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n", " \n", "---\ntitle: T\n---\n\n"])
def test_code_that_a_file_begins_with_keeps_its_indentation(before: str) -> None:
    assert read(f"{before}    x = 1\n      y\n\nText\n")[1] == "    x = 1\n      y\n\nText"


def test_rejects() -> None:
    undecodable = read(bytes(range(256)) * 40)
    assert isinstance(undecodable, RawReject)
    assert (undecodable.rule, undecodable.stage) == ("markdown/not-text", "read")
    for empty in ("", "---\ntitle: T\n---\n", "<!-- only -->"):
        record = read(empty)
        assert isinstance(record, RawReject)
        assert (record.rule, record.stage) == ("extract/empty", "extract")


BLOCKS = (
    *(
        "Text with [a](b) and `code`.",
        "# H",
        "- item\n- [x](y)\n  more",
        "> quote <!-- c -->",
        "<!-- block -->",
        "[r]: http://r",
    ),
    *(
        "| a | b |\n|---|---|\n| [t](u) | v |",
        "Setext\n======",
        "1. one\n\n   two [r]",
        "***",
        "[r] and [r][] <http://x.y>",
    ),
    *(
        "    indented [a](b) <!-- c -->",
        "<div>\n[a](b)\n</div>",
        "- a\n\n      code [a](b)",
        "> ```\n> [a](b)\n> ```",
        "[^1]: n",
    ),
    *("- ```\n  <!-- x -->\n  ```", "text[^1]", "![i](j)"),
)
CODES = (
    "[a](b)",
    "<!-- c -->",
    "[r]: x",
    "  indented  ",
    "",
    "\tx",
    "~~~",
    "``",
    "---",
    "import x from 'y'",
    "a `b`",
    "> q",
    "- i",
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    blocks = []
    for _ in range(draw(st.integers(0, 9))):
        if chance.random() < 0.3:
            mark = chance.choice(["```", "~~~~", "`````"])
            inner = [
                code
                for code in chance.choices(CODES, k=chance.randrange(5))
                if not code.startswith(mark)
            ]
            blocks.append("\n".join([f"{mark}py", *inner, mark]))
        else:
            blocks.append(chance.choice(BLOCKS))
    return "\n\n".join(blocks)


def code_of(markdown: str) -> list[str]:
    return [
        token.content
        for token in MarkdownIt("commonmark").parse(markdown)
        if token.type in ("fence", "code_block")
    ]


@pytest.mark.parametrize(
    "between",
    [
        "[r]: http://r",
        "<!-- block -->",
        "[r]: http://r\n\n<!-- block -->",
        "<!-- a -->\n\n[r]: http://r",
    ],
)
@pytest.mark.parametrize("item", ["- item", "1. one\n\n   two", "> - item\n\n- item"])
def test_what_parts_a_list_from_code_stays(item: str, between: str) -> None:
    """Without a separator the code would be a paragraph of the list."""
    document = f"{item}\n\n{between}\n\n    code [a](b)\n\nend"
    assert code_of(document) == ["code [a](b)\n"]
    for links in (True, False):
        assert code_of(markdown_body(document, links=links)) == ["code [a](b)\n"]


@given(documents(), st.booleans())
@settings(deadline=None)
def test_code_is_the_same_to_the_byte(document: str, links: bool) -> None:
    assert code_of(markdown_body(document, links=links)) == code_of(document.strip("\n").rstrip())


@example("- item\n- [x](y)\n  more\n\n[r]: http://r\n\n    indented [a](b)")
@given(documents())
@settings(deadline=None)
def test_links_leave_the_text_that_a_parser_reads(document: str) -> None:
    document = (
        document.replace("<!-- block -->", "")
        .replace(" <!-- c -->", "")
        .replace("<!-- c -->", "")
        .replace("<!-- x -->", "x")
    )
    assert (
        markdown_text(markdown_body(document, links=False)).split()
        == markdown_text(document).split()
    )


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "]",
        "[a](",
        "[a](b ",
        "[a](b '",
        "`",
        "<!--",
        "<a ",
        "<a x='",
        "![",
        "[a]: b\n",
        "[a][",
        "<x:",
        "\\",
        "> ",
        "- ",
        "a\n<!-- c -->\n",
        "import a from 'b'\n",
    ],
)
@pytest.mark.parametrize("links", [True, False])
def test_linear_time(unit: str, links: bool) -> None:
    markdown_body(unit * 5_000 + "<!-- x --> [a](b)", links=links)


@pytest.mark.parametrize(
    "front",
    [
        "---\n" + "a: b\n" * 5_000 + "---\n",
        "---\n" + "a\n" * 20_000,
        "+++\n" * 2_000,
        "{" * 20_000,
        "% a\n" * 5_000,
    ],
)
def test_long_front_matter_takes_linear_time(front: str) -> None:
    assert isinstance(read(f"{front}\nText"), RawDocument)
