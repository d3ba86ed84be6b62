"""Which texts of a page its reader sees: all but scripts' and hidden elements', readings of ruby text, edit marks and fallbacks."""

import re

from transforms.sources.page_tree import TEXT, PageTree

_NEVER = frozenset(
    [
        "head",
        "title",
        "style",
        "template",
        "noscript",
        "select",
        "datalist",
        "rt",
        "rp",
        "rtc",
        "audio",
        "video",
        "object",
        "canvas",
        "iframe",
        "progress",
        "meter",
        "textarea",
        "annotation",
        "annotation-xml",
        "mjx-assistive-mml",
        "noembed",
        "noframes",
    ]
)
"""Left out with all they hold: metadata, form values, readings, and what browsers show only where they cannot show the element."""
_HIDDEN = re.compile(
    r"""\shidden(?:=""|="hidden"|="true"|\s|$)|\sstyle="[^"]*(?:display\s*:\s*none|visibility\s*:\s*hidden)""", re.IGNORECASE
)
_UNSEEN_CLASS = re.compile(
    r"""\sclass="[^"]*(?<![\w-])(?:
    sr-only | sr_only | visually-?hidden | u-hidden-visually | screen-?reader-?(?:text|only) | a11y-hidden | assistive-text
    | mw-editsection | editsection | mw-cite-backlink | footnote-back(?:ref|link)? | reversefootnote | noprint\sInline-Template
    | MJX_Assistive_MathML | navbox-styles | mw-empty-elt
    )(?![\w-])""",
    re.VERBOSE,
)
_UNSEEN_HINTS = ("idden", "creen", "sr", "edit", "back", "a11y", "ssistive", "reversefootnote", "noprint")
_GUTTER = re.compile(
    r"""\s(?:class|id)="[^"]*(?<![A-Za-z])(?:linenos?|line-?num(?:ber)?s?(?:-rows)?|gutter|lnt?|blob-num|hljs-ln-n(?:umbers)?|num(?:bers)?
    |code-?line-?number|rouge-gutter|ec-line-number|react-code-line-number)(?![A-Za-z])""",
    re.VERBOSE,
)
_GUTTER_HINTS = ("lin", "gutter", "ln", "num")
_ANCHOR = re.compile(r"""\sclass="[^"]*(?:anchor|headerlink|hash-?link|permalink|header-link|heading-link|bookmark)""")
_ANCHOR_TEXTS = frozenset(("#", "¶", "§", "🔗", "⚓", "link", "Link", "permalink", "Permalink", "​", "\u200b"))
_BACK_TEXTS = frozenset(("↩", "↩︎", "↩️", "↑", "^", "⏎", "⤴", "⤴︎", "↵", "⮌", "⇑", "▲", "⬆", "⇡", "jump up", "Jump up"))
_NOTE = re.compile(r"""\s(?:class|role|epub:type|rel)="[^"]*(?:footnote|noteref|fnref|fn-ref|note-ref|endnote|sdfootnote)""")
_NOTE_MARK = re.compile(r"\s*[\[(]?\s*(?:\d{1,4}|[a-zA-Z]|[*†‡§¶#]{1,3}|[ivxIVX]{1,5}|(?:note|Note|fn|N)\.?\s?\d{1,3})\s*[\])]?[.:]?\s*")
_LEAST_NOSCRIPT = 200


def visible_texts(page: PageTree, root: int = 0) -> bytearray:
    """One byte a node: 1 for the texts below `root` that a reader sees, and for images, whose `alt` may be a formula.

    Elements hidden by attribute or style count as seen where they hold more text than the rest, as on pages that a script unveils;
    `noscript` where it has 200 characters or more that stand nowhere else on the page.
    """
    seen = bytearray(len(page.tags))
    later: list[tuple[int, int, bool]] = []
    _mark(page, root, page.ends[root], seen, later)
    if later:
        _mark_doubtful(page, seen, later)
    return seen


def _mark(page: PageTree, node: int, end: int, seen: bytearray, later: list[tuple[int, int, bool]]) -> None:
    """Marks the seen texts of nodes [node, end). Doubtful parts go to `later`: their range, and whether it is a `noscript`."""
    tags, ends, data = page.tags, page.ends, page.data
    gutters_end = 0
    while node < end:
        tag = tags[node]
        if tag == TEXT:
            seen[node] = 1
            node += 1
            continue
        if tag in _NEVER:
            if tag == "template" and "shadowroot" in data[node]:
                node += 1
                continue
            if tag == "noscript":
                later.append((node + 1, ends[node], True))
            node = ends[node]
            continue
        attributes = data[node]
        if attributes:
            if ("hidden" in attributes or "none" in attributes) and _HIDDEN.search(attributes):
                later.append((node + 1, ends[node], False))
                node = ends[node]
                continue
            if is_unseen(page, node, tag, attributes):
                node = ends[node]
                continue
            if node >= gutters_end and any(hint in attributes for hint in _GUTTER_HINTS) and _GUTTER.search(attributes):
                gutters_end = ends[node]  # no gutter is looked for inside another: that would take time in the square of the depth
                if _holds_numbers_alone(page, node):
                    node = gutters_end
                    continue
        if tag == "img":
            seen[node] = 1
        elif tag == "dialog" and " open" not in attributes:
            later.append((node + 1, ends[node], False))
            node = ends[node]
            continue
        node += 1


def is_unseen(page: PageTree, node: int, tag: str, attributes: str) -> bool:
    """Whether an element's class says that it is for screen readers alone, an edit or footnote mark, an anchor or a line number."""
    if 'class="' not in attributes and tag != "a":
        return False
    if any(hint in attributes for hint in _UNSEEN_HINTS) and _UNSEEN_CLASS.search(attributes):
        return not ("footnote" in attributes and tag in ("div", "section", "ol", "li"))
    return tag == "a" and _is_mark(page, node, attributes)


def _is_mark(page: PageTree, node: int, attributes: str) -> bool:
    size = page.ends[node] - node
    if size > 6:
        return False
    if size == 1:
        return False
    if _ANCHOR.search(attributes):
        return page.text(node).strip() in _ANCHOR_TEXTS
    if "#" in attributes:
        text = page.text(node).strip()
        if text in _BACK_TEXTS:
            return True
        if _NOTE.search(attributes):
            return _NOTE_MARK.fullmatch(text) is not None
    elif "noteref" in attributes or "footnote" in attributes:
        return _NOTE_MARK.fullmatch(page.text(node)) is not None and _NOTE.search(attributes) is not None
    return False


def _holds_numbers_alone(page: PageTree, node: int) -> bool:
    """Whether all texts of a code's gutter are numbers. It stands in or beside `pre`, never a paragraph's number."""
    found = False
    for each in range(node, page.ends[node]):
        if page.tags[each] == TEXT and (text := page.data[each].strip()):
            if not all(part.isdigit() for part in text.split()):
                return False
            found = True
    return found and _is_beside_code(page, node)


def _is_beside_code(page: PageTree, node: int) -> bool:
    for _ in range(8):
        if page.tags[node] in ("pre", "code"):
            return True
        if page.tags[node] in ("table", "figure"):
            return "pre" in page.tags[node : page.ends[node]] or "code" in page.tags[node : page.ends[node]]
        node = page.parents[node]
        if node < 0:
            break
    return False


def _mark_doubtful(page: PageTree, seen: bytearray, later: list[tuple[int, int, bool]]) -> None:
    tags, data = page.tags, page.data
    shown = {data[node].strip() for node in range(len(tags)) if seen[node] and tags[node] == TEXT}
    marks, sizes = (bytearray(len(tags)), bytearray(len(tags))), [0, 0]
    for start, end, is_noscript in later:
        _mark(page, start, end, marks[is_noscript], [])
        for node in range(start, end):
            if marks[is_noscript][node] and tags[node] == TEXT:
                text = data[node].strip()
                if is_noscript and text in shown:
                    marks[True][node] = 0
                sizes[is_noscript] += len(text) * marks[is_noscript][node]
    if sizes[False] > sum(map(len, shown)):
        _merge(seen, marks[False])
    if sizes[True] >= _LEAST_NOSCRIPT:
        _merge(seen, marks[True])


def _merge(seen: bytearray, more: bytearray) -> None:
    at = more.find(1)
    while at >= 0:
        seen[at] = 1
        at = more.find(1, at + 1)
