"""Which texts of a page its reader sees: all but scripts' and hidden elements', readings of ruby text, edit marks and fallbacks."""

import re
from itertools import compress

from transforms.sources.page_tree import BLOCKS, TEXT, PageTree

_NEVER = frozenset(
    str.split(
        """
    head title style template noscript select datalist rt rp rtc audio video object canvas iframe progress meter textarea annotation
    annotation-xml noembed noframes
    """
    )
)
"""Left out with all they hold: metadata, form values, readings, and what browsers show only where they cannot show the element."""
HIDDEN = re.compile(
    r"""\shidden(?:=""|="hidden"|="true"|\s|$)|\sstyle="[^"]*(?:display\s*:\s*none|visibility\s*:\s*hidden)""",
    re.IGNORECASE,
)
_UNSEEN_NAMES = frozenset(
    str.split(
        """
    sr-only sr_only visuallyhidden visually-hidden u-hidden-visually screenreadertext screenreader-text screen-readertext screen-reader-text
    screenreaderonly screenreader-only screen-readeronly screen-reader-only a11y-hidden assistive-text mw-editsection editsection
    mw-cite-backlink footnote-back footnote-backref footnote-backlink reversefootnote MJX_Assistive_MathML navbox-styles mw-empty-elt
    CodeMirror-linenumber CodeMirror-gutter-wrapper CodeMirror-measure cm-gutters ace_gutter ltx_note_mark ltx_note_outer
    """
    )
)
_NAME = re.compile(r"[\w-]+")
_INLINE_TEMPLATE = re.compile(r"(?<![\w-])noprint\sInline-Template(?![\w-])")
_GUTTER = re.compile(
    r"""(?<![A-Za-z])(?:linenos?|line-?num(?:ber)?s?(?:-rows)?|gutter|lnt?|blob-num|hljs-ln-n(?:umbers)?|num(?:bers)?
    |code-?line-?number|rouge-gutter|ec-line-number|react-code-line-number)(?![A-Za-z])""",
    re.VERBOSE,
)
_HIDDEN_BLOCK, _NOSCRIPT, _HIDDEN_WORD = range(3)
_LONGEST_WORD = 60  # characters
_NOTHING, _MATHML, _NUMBERS, _UNSEEN, _HIDES = range(5)
_ANCHOR = re.compile(
    r"""\sclass="[^"]*(?:anchor|headerlink|hash-?link|permalink|header-link|heading-link|bookmark)"""
)
_ANCHOR_TEXTS = frozenset(
    ("#", "¶", "§", "🔗", "⚓", "link", "Link", "permalink", "Permalink", "​", "\u200b")
)
_BACK_TEXTS = frozenset(
    ("↩", "↩︎", "↩️", "↑", "^", "⏎", "⤴", "⤴︎", "↵", "⮌", "⇑", "▲", "⬆", "⇡", "jump up", "Jump up")
)
_NOTE = re.compile(
    r"""\s(?:class|role|epub:type|rel)="[^"]*(?:footnote|noteref|fnref|fn-ref|note-ref|endnote|sdfootnote)"""
)
_NOTE_MARK = re.compile(
    r"\s*[\[(]?\s*(?:\d{1,4}|[a-zA-Z]|[*†‡§¶#]{1,3}|[ivxIVX]{1,5}|(?:note|Note|fn|N)\.?\s?\d{1,3})\s*[\])]?[.:]?\s*"
)
_LEAST_NOSCRIPT = 200
_TOLD_BY_TAG = _NEVER | {"mjx-container", "dialog", "a", "img"}
_PRE = frozenset(("pre", "code"))
_NOTES = frozenset(("div", "section", "ol", "li"))


def visible_texts(page: PageTree, root: int = 0, *, hidden: bool = False) -> bytearray:
    """One byte a node: 1 for the texts below `root` that a reader sees, and for images and drawings, which may be formulas.

    Elements hidden by attribute or style count as seen where they hold more text than the rest, as on pages that a script unveils, and
    always with `hidden`, but for single words in a line. So does `noscript` where it has 200 characters or more that stand nowhere else
    on the page.
    """
    seen = bytearray(len(page.tags))
    later: list[tuple[int, int, int]] = []
    _mark(page, root, page.ends[root], seen, later)
    if later:
        _mark_doubtful(page, seen, later, hidden)
    return seen


def _mark(
    page: PageTree, node: int, end: int, seen: bytearray, later: list[tuple[int, int, int]]
) -> None:
    """Marks the seen texts of nodes [node, end). Doubtful parts go to `later`: their range, and which they are."""
    tags, ends, data = page.tags, page.ends, page.data
    kinds: dict[str, int] = {"": _NOTHING}  # by attributes
    classes: dict[str, int] = {}
    with_code: dict[int, bool] = {}
    gutters_end = past = 0
    for number, tag, attributes in zip(
        range(node, end), tags[node:end], data[node:end], strict=True
    ):
        if number < past:
            continue
        if tag == TEXT:
            seen[number] = 1
            continue
        if (kind := kinds.get(attributes)) is None:
            kind = kinds[attributes] = _kind(attributes, classes)
        if not kind and tag not in _TOLD_BY_TAG:  # nine of ten elements
            continue
        if tag in _NEVER:
            if tag != "template" or "shadowroot" not in attributes:
                past = ends[number]
                if tag == "noscript":
                    later.append((number + 1, past, _NOSCRIPT))
            continue
        if tag == "mjx-container":
            seen[number] = 1  # a formula that is drawn: its signs may be no text
            past = ends[number]
            continue
        if kind and "data-mathml" in attributes:
            seen[number] = 1
        if kind and ends[number] - number == 1:
            kind = _NOTHING
        if kind == _HIDES or (tag == "dialog" and " open" not in attributes):
            past = ends[number]
            later.append(
                (number + 1, past, _HIDDEN_WORD if _is_word(page, number) else _HIDDEN_BLOCK)
            )
        elif kind == _UNSEEN and not (tag in _NOTES and "footnote" in attributes):
            past = ends[number]
        elif kind == _NUMBERS and number >= gutters_end:
            gutters_end = ends[
                number
            ]  # no gutter is looked for inside another: that would take time in the square of the depth
            if _holds_numbers_alone(page, number, with_code):
                past = gutters_end
        elif tag == "a":
            if _is_mark(page, number, attributes):
                past = ends[number]
        elif tag == "img":
            seen[number] = 1


def _is_word(page: PageTree, node: int) -> bool:
    """Whether a hidden element is a piece of a line: a key to sort by, a number for machines, a mark. No script unveils an article so."""
    end = page.ends[node]
    if (
        page.tags[node] in BLOCKS
        or end - node > _LONGEST_WORD
        or not BLOCKS.isdisjoint(page.tags[node:end])
    ):
        return False
    return len(page.text(node).strip()) <= _LONGEST_WORD


def _kind(attributes: str, classes: dict[str, int]) -> int:
    """What an element's attributes say of its text. The same classes come again and again: `classes` has those looked at."""
    if ("hidden" in attributes or "none" in attributes) and HIDDEN.search(attributes):
        return _HIDES
    kind = _NOTHING
    if (at := attributes.find('class="')) >= 0:
        value = attributes[at + 7 : attributes.find('"', at + 7)]
        if (found := classes.get(value)) is None:
            found = classes[value] = _class_kind(value)
        kind = found
    return kind or (_MATHML if "data-mathml" in attributes else _NOTHING)


def _class_kind(value: str) -> int:
    """What a class says of the text inside."""
    if not _UNSEEN_NAMES.isdisjoint(_NAME.findall(value)) or (
        "Inline-Template" in value and _INLINE_TEMPLATE.search(value)
    ):
        return _UNSEEN
    # The pattern matches nothing without one of these, which are found ten times as fast.
    may_be_gutter = "num" in value or "ln" in value or "gutter" in value or "lineno" in value
    return _NUMBERS if may_be_gutter and _GUTTER.search(value) else _NOTHING


def _is_mark(page: PageTree, node: int, attributes: str) -> bool:
    """Whether a link is an anchor beside a heading, a footnote's mark, or the way back from a footnote."""
    size = page.ends[node] - node
    if not 1 < size <= 6:
        return False
    if page.tags[node + 1] == TEXT:
        text = page.data[node + 1]
        if len(text) > 40:
            return False
        text = (text if size == 2 else page.text(node)).strip()
    else:
        text = page.text(node).strip()
    if len(text) > 12:
        return False
    if text in _ANCHOR_TEXTS and _ANCHOR.search(attributes):
        return True
    if "#" in attributes and text in _BACK_TEXTS:
        return True
    return _NOTE_MARK.fullmatch(text) is not None and _NOTE.search(attributes) is not None


def _holds_numbers_alone(page: PageTree, node: int, with_code: dict[int, bool]) -> bool:
    """Whether all texts of a code's gutter are numbers. It stands in or beside `pre`, never a paragraph's number."""
    found = False
    for each in range(node, page.ends[node]):
        if page.tags[each] == TEXT and (text := page.data[each].strip()):
            if not all(part.isdigit() for part in text.split()):
                return False
            found = True
    return found and _is_beside_code(page, node, with_code)


def _is_beside_code(page: PageTree, node: int, with_code: dict[int, bool]) -> bool:
    """Whether an element stands in code, or in a table or figure that holds code, of which `with_code` remembers what is known."""
    for _ in range(8):
        tag = page.tags[node]
        if tag in _PRE:
            return True
        if tag in ("table", "figure"):
            if node not in with_code:
                with_code[node] = not _PRE.isdisjoint(page.tags[node : page.ends[node]])
            if with_code[node]:
                return True
        node = page.parents[node]
        if node < 0:
            break
    return False


def _mark_doubtful(
    page: PageTree, seen: bytearray, later: list[tuple[int, int, int]], all_hidden: bool
) -> None:
    tags, data = page.tags, page.data
    marks = tuple(bytearray(len(tags)) for _ in range(3))
    texts: tuple[list[int], ...] = ([], [], [])
    for start, end, kind in later:
        _mark(page, start, end, marks[kind], [])
        texts[kind].extend(
            node for node in range(start, end) if marks[kind][node] and tags[node] == TEXT
        )
    if _size(page, texts[_NOSCRIPT]) >= _LEAST_NOSCRIPT:
        shown = {
            data[node].strip() for node in range(len(tags)) if seen[node] and tags[node] == TEXT
        }
        repeated = [node for node in texts[_NOSCRIPT] if data[node].strip() in shown]
        if _size(page, texts[_NOSCRIPT]) - _size(page, repeated) >= _LEAST_NOSCRIPT:
            for node in repeated:
                marks[_NOSCRIPT][node] = 0
            _merge(seen, marks[_NOSCRIPT])
    hidden = _size(page, texts[_HIDDEN_BLOCK]) + _size(page, texts[_HIDDEN_WORD])
    is_veiled = _holds_less(page, seen, hidden)
    if is_veiled or all_hidden:
        _merge(seen, marks[_HIDDEN_BLOCK])
    if is_veiled:
        _merge(seen, marks[_HIDDEN_WORD])


def _size(page: PageTree, nodes: list[int]) -> int:
    """The characters of texts without the white space around them."""
    return sum(len(page.data[node].strip()) for node in nodes if page.tags[node] == TEXT)


def _holds_less(page: PageTree, seen: bytearray, size: int) -> bool:
    """Whether the seen texts have fewer characters; they are counted only until they have as many."""
    for node in compress(range(len(seen)), seen):
        if size <= 0:
            break
        if page.tags[node] == TEXT:
            size -= len(page.data[node].strip())
    return size > 0


def _merge(seen: bytearray, more: bytearray) -> None:
    at = more.find(1)
    while at >= 0:
        seen[at] = 1
        at = more.find(1, at + 1)
