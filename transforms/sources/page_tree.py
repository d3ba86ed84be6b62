"""A parsed HTML page as flat lists in document order, which Python reads far faster than nodes of a parser one by one.

lexbor (by resiliparse) parses as browsers do and serialises its tree again: balanced tags, quoted attributes, `<`, `>` and `&`
escaped. That form needs no parser, only a split at `<`. Everything after it works on lists of integers and strings, without recursion.
"""

import re
from dataclasses import dataclass
from html import escape

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
# Elements whose content the serialisation does not escape, and comments. A formula in a script and a listing in `xmp` are content.
_RAW = re.compile(r"<(?:!--|(script|style|iframe|noembed|noframes|xmp|plaintext)(?=[\s>])([^>]*)>)")
_MATH = re.compile(r"""\stype="math/(?:tex|mml|asciimath)""")
_PREFIX = re.compile(
    r"(</?)(?:m|mml|mathml|math):(?=m|semantics|annotation|none|apply|c[ni]\b)"
)  # of MathML
_SVG = re.compile(r"<(/?)svg(?=[\s>])[^>]*>")
_LATEX = re.compile(r"""\sdata-latex="[^"]*\"""")
_ATTRIBUTE = re.compile(r"""\s([^\s=]+)="([^"]*)\"""")


@dataclass(frozen=True, slots=True)
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


def page_tree(tree: HTMLTree, *, without: re.Pattern[str] | None = None) -> PageTree:
    """A tree of resiliparse -> its nodes as lists; time and memory are linear in the size of its serialisation.

    `without`: tags of elements that are left out, as `tags_of` gives them.
    """
    return parse_serialised(tree.document.html if tree.document else "", without=without)


def tags_of(*names: str) -> re.Pattern[str]:
    """The start and end tags of elements of some names; group 1 is the slash of an end tag."""
    return re.compile(rf"<(/?)(?:{'|'.join(names)})(?=[\s>])[^>]*>")


def parse_serialised(html: str, *, without: re.Pattern[str] | None = None) -> PageTree:
    """HTML as lexbor serialises a document -> its nodes as lists."""
    html = _without_raw(html)
    if ":math" in html:
        html = _PREFIX.sub(r"\1", html)
    if "<svg" in html:
        html = _without(html, _SVG, _LATEX)
    if without is not None:
        html = _without(html, without)
    tags: list[str] = []
    parents: list[int] = []
    ends: list[int] = []
    data: list[str] = []
    add_tag, add_parent, add_end, add_data = tags.append, parents.append, ends.append, data.append
    above, count = -1, 0
    begun = ""
    parts = iter(html.split("<"))
    next(parts)  # before the first tag
    for part in parts:
        markup, closed, text = part.partition(">")
        if begun or not closed:  # a name may hold `<`
            begun = f"{begun}{markup}<"
            if not closed:
                continue
            markup, begun = begun[:-1], ""
        if not markup:  # `<>` in raw text that is left
            text = f"<>{text}"
        elif markup[0] == "/":
            if above >= 0 and markup[1:] == tags[above]:
                ends[above] = count
                above = parents[above]
        elif markup[0] != "!":
            tag, blank, attributes = markup.partition(" ")
            add_tag(tag)
            add_parent(above)
            add_data(blank + attributes)
            count += 1
            add_end(count)
            if tag not in VOID:
                above = count - 1
        if text:
            add_tag(TEXT)
            add_parent(above)
            add_data(unescape(text) if "&" in text else text)
            count += 1
            add_end(count)
    while above >= 0:
        ends[above] = count
        above = parents[above]
    return PageTree(tags, parents, ends, data)


def _without_raw(html: str) -> str:
    kept, at = [], 0
    while (found := _RAW.search(html, at)) is not None:
        kept.append(html[at : found.start()])
        tag, attributes = found[1], found[2]
        end = f"</{tag}>" if tag else "-->"
        stop = html.find(
            end, found.end() if tag else found.start() + 2
        )  # `<!-->` is a whole comment
        if stop < 0:
            at = len(html)
        else:
            if tag == "script" and _MATH.search(attributes):
                kept.append(
                    f"<script{attributes}>{escape(html[found.end() : stop], quote=False)}</script>"
                )
            elif tag in ("xmp", "plaintext"):
                kept.append(f"<pre>{escape(html[found.end() : stop], quote=False)}</pre>")
            at = stop + len(end)
    kept.append(html[at:])
    return "".join(kept)


def _without(html: str, tags: re.Pattern[str], but: re.Pattern[str] | None = None) -> str:
    """Serialised HTML without the elements of some tags; those inside one another go together.

    Where `but` is found in one, an element `span` with what was found as its attributes stands in its place.
    """
    kept, depth, start, begun = [], 0, 0, 0
    for found in tags.finditer(html):
        if found[1]:
            if depth == 1:
                start = found.end()
                if but is not None and (attribute := but.search(html, begun, start)):
                    kept.append(f"<span{attribute[0]}></span>")
            depth = max(0, depth - 1)
        else:
            if not depth:
                kept.append(html[start : found.start()])
                begun = found.start()
            depth += 1
    if not depth:
        kept.append(html[start:])
    return "".join(kept)
