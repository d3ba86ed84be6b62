"""A parsed HTML page as flat lists in document order, which Python reads far faster than nodes of a parser one by one.

lexbor (by resiliparse) parses as browsers do and serialises its tree again: balanced tags, quoted attributes, `<`, `>` and `&`
escaped. That form needs no parser, only a split at `<`. Everything after it works on lists of integers and strings, without recursion.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from itertools import repeat

import numpy as np
from resiliparse.parse.html import HTMLTree

TEXT = "#text"
VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)
BLOCKS = frozenset(
    str.split(
        """
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1
    h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol optgroup option p pre search section select summary
    table tbody td tfoot th thead title tr ul
    """
    )
)
"""Elements that stand on lines of their own (HTML, section 15.3.3 and on); what is not named here is inline, as in browsers."""
TAG_NUMBERS = {
    tag: number for number, tag in enumerate((TEXT, *sorted(BLOCKS | VOID | {"button"})), start=1)
}
"""Of `PageTree.numbers`."""
IS_BLOCK = np.array([False, *(tag in BLOCKS for tag in TAG_NUMBERS)])
"""By number of a tag."""
_RAW = (
    "script",
    "style",
    "iframe",
    "noembed",
    "noframes",
    "xmp",
    "plaintext",
)  # their content is not escaped
_RAW_NAMES = frozenset(_RAW)
_MATH = re.compile(r"""\stype="math/(?:tex|mml|asciimath)""")
_PREFIX = re.compile(
    r"(</?)(?:m|mml|mathml|math):(?=m|semantics|annotation|none|apply|c[ni]\b)"
)  # of MathML
_LATEX = re.compile(r"""\sdata-latex="[^"]*\"""")
_TAG = re.compile("<([^ >]*)([^>]*)>")  # its name, which may hold `<`, and attributes
_ATTRIBUTE = re.compile(r"""\s([^\s=]+)="([^"]*)\"""")


@dataclass(frozen=True)
class PageTree:
    """n nodes of a page in document order; node 0 is `html`.

    `tags`: lower-case names, `#text` for text. `parents`: number of the parent, -1 for the root. `ends`: number of the node after the last
    descendant, so `range(node + 1, ends[node])` are all descendants. `data`: of a text its characters, of an element its attributes as
    serialised (see `attribute`). Comments, style sheets, scripts but formulas (`script` with a text inside), frames and `svg` are left out.
    """

    tags: list[str]
    parents: list[int]
    ends: list[int]
    data: list[str]

    @cached_property
    def numbers(self) -> np.ndarray:
        """uint8 (n,): the tags as TAG_NUMBERS, 0 for those that are not among them. For what numpy counts over whole pages."""
        return np.fromiter(map(TAG_NUMBERS.get, self.tags, repeat(0)), np.uint8, len(self.tags))

    @cached_property
    def ends_array(self) -> np.ndarray:
        """intp (n,): `ends`."""
        return np.array(self.ends, np.intp)

    def attribute(self, node: int, name: str) -> str | None:
        """The value of an element's attribute; None where it has none."""
        data = self.data[node]
        if name not in data:
            return None
        for key, value in _ATTRIBUTE.findall(data):
            if key == name:
                return unescape(value)
        return None

    def attributes(self, node: int) -> dict[str, str]:
        """All attributes of an element by lower-case name."""
        return {key: unescape(value) for key, value in _ATTRIBUTE.findall(self.data[node])}

    def children(self, node: int) -> list[int]:
        """The numbers of a node's children, in order."""
        found, child, end = [], node + 1, self.ends[node]
        while child < end:
            found.append(child)
            child = self.ends[child]
        return found

    def text(self, node: int) -> str:
        """All text inside a node as it stands in the markup, white space included."""
        return "".join(
            self.data[each] for each in range(node, self.ends[node]) if self.tags[each] == TEXT
        )


def unescape(text: str) -> str:
    """The five references that a serialisation uses -> their characters."""
    if "&" not in text:
        return text
    text = (
        text.replace("&nbsp;", "\u00a0")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
    )
    return text.replace("&amp;", "&")


def page_tree(tree: HTMLTree, *, without: Sequence[str] = ()) -> PageTree:
    """A tree of resiliparse -> its nodes as lists; time and memory are linear in the size of its serialisation.

    `without`: names of elements that are left out with all they hold.
    """
    if tree.document is None:
        return parse_serialised("")
    if (
        "head" in without
        and (body := tree.body) is not None
        and (root := body.parent_element) is not None
    ):
        # The head, with its scripts and styles, is a fifth of a page that then need not be written and read.
        attributes = "".join(
            f' {name}="{_escaped(root.getattr(name) or "")}"' for name in root.attrs
        )
        html = f"<{root.tag}{attributes}>{body.html}</{root.tag}>"
    else:
        html = tree.document.html
    return parse_serialised(html, without=without)


def _escaped(value: str) -> str:
    """The value of an attribute as lexbor serialises it."""
    return escape(value, quote=False).replace('"', "&quot;").replace("\u00a0", "&nbsp;")


def parse_serialised(html: str, *, without: Sequence[str] = ()) -> PageTree:
    """HTML as lexbor serialises a document -> its nodes as lists."""
    html = _without(html, _left_out("svg", *without))
    if ":math" in html:
        html = _PREFIX.sub(r"\1", html)
    if (unclosed := html.find("<", html.rfind(">") + 1)) >= 0:
        html = html[:unclosed]
    parts = _TAG.split(html)
    most = 2 * (len(parts) // 3)
    # Lists of the length that they may have are filled faster than lists that grow; `tags` only by what is no text.
    tags, parents, data = [TEXT] * most, [-1] * most, [""] * most
    ends: list[int] = []
    add_end = ends.append
    above, count = -1, 0
    turns = iter(parts)
    next(turns)  # before the first tag
    for tag, attributes, text in zip(turns, turns, turns, strict=True):
        if not tag:  # `<>` in raw text that is left
            text = f"<{attributes}>{text}"
        elif tag[0] == "/":
            if above >= 0 and tag[1:] == tags[above]:
                ends[above] = count
                above = parents[above]
        elif tag[0] != "!":
            tags[count], parents[count], data[count] = tag, above, attributes
            if tag not in VOID:
                above = count
            count += 1
            add_end(count)
        if text:
            parents[count] = above
            data[count] = unescape(text) if "&" in text else text
            count += 1
            add_end(count)
    while above >= 0:
        ends[above] = count
        above = parents[above]
    for each in (tags, parents, data):
        del each[count:]
    return PageTree(tags, parents, ends, data)


@lru_cache(8)
def _left_out(*names: str) -> re.Pattern[str]:
    """Where comments, raw elements and those of some other names begin (name, attributes), and where the latter end (name)."""
    return re.compile(
        rf"<(?:!--|({'|'.join((*_RAW, *names))})(?=[\s>])([^>]*)>|/({'|'.join(names)})>)"
    )


def _without(html: str, left_out: re.Pattern[str]) -> str:
    """Serialised HTML without comments and the elements of some names; one pass over it, which is most of what it costs.

    Where an `svg` has a formula, an element `span` with that attribute stands in its place. Formulas in a script and listings in `xmp` are
    content and stay, escaped.
    """
    kept: list[str] = []
    start = at = begun = depth = (
        0  # where what is kept begins, how far the page is read, where the outermost left out element begins
    )
    outermost = ""
    while (found := left_out.search(html, at)) is not None:
        tag, attributes, ended = found.groups()
        at = found.end()
        if ended:
            if ended == outermost and depth:
                depth -= 1
                if not depth:
                    start = at
                    if ended == "svg" and (formula := _LATEX.search(html, begun, at)):
                        kept.append(f"<span{formula[0]}></span>")
        elif tag is None or tag in _RAW_NAMES:
            end = f"</{tag}>" if tag else "-->"
            stop = html.find(end, at if tag else found.start() + 2)  # `<!-->` is a whole comment
            at = stop + len(end) if stop >= 0 else len(html)
            if not depth:
                kept.append(html[start : found.start()])
                if tag and stop >= 0:
                    kept.append(_content(tag, attributes, html[found.end() : stop]))
                start = at
        elif not depth:
            kept.append(html[start : found.start()])
            begun, depth, outermost = found.start(), 1, tag
        elif tag == outermost:
            depth += 1
    if not depth:
        kept.append(html[start:])
    return "".join(kept)


def _content(tag: str, attributes: str, raw: str) -> str:
    """What stays of a raw element."""
    if tag == "script" and _MATH.search(attributes):
        return f"<script{attributes}>{escape(raw, quote=False)}</script>"
    if tag in ("xmp", "plaintext"):
        return f"<pre>{escape(raw, quote=False)}</pre>"
    return ""
