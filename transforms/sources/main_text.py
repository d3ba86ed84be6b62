"""HTML tree -> the main text of the page: resiliparse, on the part of the tree that holds the paragraphs.

Where the paragraphs are is found as Readability and its descendants do it: the text of paragraphs counts for all elements
around them, and the deepest element that holds most of it is the article. Names of classes and ids are read as words of
general use (`sidebar`, `related`, `share`), never as those of a site.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from transforms.sources.boilerplate import drop_boilerplate
from transforms.sources.page_tree import page_tree
from transforms.sources.render import Output, render

_PARAGRAPH = 40
_LEAST_PARAGRAPHS = 200
_COVER = 0.7
_LEAD = range(80, 1_501)
_AFTER = 0.2
_DOUBTFUL = 1_000
_GUARD = 0.4
_MAX_ELEMENTS = 20_000
_MAX_NESTING = 200
_MAX_READ = 30
_INLINE = frozenset(("a", "b", "center", "em", "font", "i", "small", "span", "strong", "u"))
_UNREAD = frozenset(("script", "style", "svg", "iframe", "template", "noscript", "link", "meta"))
_ROOTS = frozenset(("body", "html", "#document"))
_JUNK_TAGS = frozenset(("aside", "nav", "footer", "form", "figcaption"))
_MAYBE_JUNK = ",".join(
    (
        *(f"{tag}[class]" for tag in ("div", "section", "ul", "ol", "dl", "table", "p", "span", "a", "blockquote", "h2", "h3", "h4")),
        *("div[id]", "section[id]", "ul[id]", "figure", *sorted(_JUNK_TAGS)),
    )
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_AROUND = r"""
    comments? | commentlist | comment-?(?:list|s|area|body|content|text|form|section|wrap) | disqus | respond | reply | replies
    | side-?bar\w* | footer | related | recommend\w* | newsletter\w* | cookie\w* | consent | gdpr | breadcrumbs? | widgets? | promo\w*
    | advert\w* | ads? | sponsor\w* | social\w* | share | sharing | popular | trending | modal | popup | overlay | nav | navigation | menu
    | disclaimer | author-?(?:box|bio|info|card) | about-author | bio | paywall | login | signup | register"""
_INSIDE = r"""
    | foot | related\w* | subscri\w* | adsense | addtoany | share(?:s|d|bar|buttons?|daddy|icons?|links?|this|tools?)
    | most-?(?:read|popular|viewed) | latest | recent-?posts?
    | more-?(?:stories|news|articles|posts|on|from) | also-?(?:read|like) | see-?also | similar | navbar | pagination | pager | paging
    | author-?(?:name|meta) | authors? | byline | (?:post|entry|article)-?meta | metadata | meta | tags? | tag-?list | tagcloud | keywords
    | categor(?:y|ies) | dateline | date | timestamp | published | copyright | licen[sc]e | captions? | (?:img|image)-?caption
    | wp-caption-text | image-?(?:text|credit|source) | credits? | gallery | slideshow | carousel | lightbox | print | toolbar | tools
    | ratings? | votes? | poll | donat\w* | outbrain | taboola | search | buttons? | btn | jump-?(?:link|to)s? | skip-?link\w*"""


def _names(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s_-])(?:{alternatives})(?:$|[\s_-])", re.VERBOSE)


_LEAD_JUNK = _names(_AROUND)
_AROUND_JUNK = _names(_AROUND + " | teasers?")
_INSIDE_JUNK = _names(_AROUND + _INSIDE)


@lru_cache(1 << 16)
def _is_named(label: str, names: re.Pattern[str]) -> bool:
    return bool(names.search(_HUMP.sub("-", label[:1000]).lower()))


def _label(element) -> str:  # type: ignore[no-untyped-def]
    return f"{element.getattr('class') or ''} {element.getattr('id') or ''}"


def plain_main_text(tree: HTMLTree) -> str:
    """resiliparse's own main text, one block a line; without comments, post metadata, captions and readings of ruby text."""
    return _convert(tree, main_content=True)


def _convert(tree: HTMLTree, *, main_content: bool) -> str:
    return extract_plain_text(
        tree,
        main_content=main_content,
        preserve_formatting=True,
        alt_texts=False,
        list_bullets=True,
        comments=False,
        post_meta=False,
        skip_elements=["rt", "rp"],
    ).replace("\u00ad", "")


_CHROME = ["nav", "header", "footer", "aside", "form", "select", "button"]


def page_text(tree: HTMLTree) -> str:
    """The words of a page outside its menus and forms, in no form to keep: made in a tenth of `main_text`'s time."""
    return extract_plain_text(
        tree, main_content=False, preserve_formatting=False, links=False, form_fields=False, noscript=False, skip_elements=_CHROME
    )


def main_text(tree: HTMLTree, html: str, *, output: Output = "text", links: bool = False) -> str:
    """The tree of `html`, which is changed -> the page's main text.

    Where the rules would leave little of what resiliparse finds, its text is taken, and where resiliparse finds little of the
    paragraphs that are there, the whole text of their part of the page. Time is linear in the page's size: past fixed numbers
    of elements, of their depth and of text read, the tree is left as it is.
    """
    if tree.body is None:
        return ""
    text = drop_boilerplate(_prune_and_convert(tree, html))
    return render(page_tree(tree), output=output, links=links) if output == "markdown" else text


def _prune_and_convert(tree: HTMLTree, html: str) -> str:
    found = _Paragraphs(tree, budget=_MAX_READ * len(html))
    if found.size < _LEAST_PARAGRAPHS:
        return plain_main_text(tree)
    plain = plain_main_text(tree) if found.size < _DOUBTFUL else None
    article = found.article()
    if article is not None:
        _prune_around(article, found)
    _prune_inside(tree.body, found)
    text = _convert(tree, main_content=True)
    if len(text) < found.size / 2:
        text = _convert(tree, main_content=False)
    if len(text) < found.size / 2:
        text = plain if plain is not None else plain_main_text(HTMLTree.parse(html))
    return plain if plain is not None and len(text) < len(plain) / 4 else text


class _Paragraphs:
    """Where a page's paragraphs are: `size` is their characters, `held_by` how many of them an element holds.

    A paragraph is the text of a `p`, a `blockquote` or an element with `br` children, of 40 characters or more. Those inside
    elements whose name says that they are no article do not count, unless such an element holds half the page.
    """

    def __init__(self, tree: HTMLTree, *, budget: int):
        self._budget = budget
        self._elements: list = []
        self._index: dict = {}
        self._parents: list[int] = []  # an element's parent has a smaller number, the root -1
        self._junk: list[bool] = []
        own, loose = self._count(tree)
        if self._budget < 0:
            own, loose = [0] * len(own), 0
        everything = self._add_up(own)
        half = (sum(own) + loose) / 2
        excluded: list[bool] = []
        for parent, junk, characters in zip(self._parents, self._junk, everything, strict=True):
            excluded.append((parent >= 0 and excluded[parent]) or (junk and characters < half))
        counted = [0 if out else characters for out, characters in zip(excluded, own, strict=True)]
        self._held = self._add_up(counted)
        self.size = sum(counted) + loose

    def held_by(self, element) -> int:  # type: ignore[no-untyped-def]
        number = self._index.get(element)
        return 0 if number is None else self._held[number]

    def article(self):  # type: ignore[no-untyped-def]
        """The deepest element that holds 70% of the page's paragraphs; None if that is the body."""
        holders = [number for number, held in enumerate(self._held) if held >= _COVER * self.size]
        return self._elements[holders[-1]] if holders else None  # they lie inside one another, the innermost has the largest number

    def read(self, element) -> int:  # type: ignore[no-untyped-def]
        """The characters of an element's text, as long as not more than a fixed multiple of the page has been read."""
        if self._budget < 0:
            return 0
        text = element.text or ""
        self._budget -= len(text) + 1
        return len(text.strip())

    def _count(self, tree: HTMLTree) -> tuple[list[int], int]:
        """Numbers the elements around paragraphs -> for each the characters of the paragraphs that are its own; those of the body."""
        candidates = tree.document.query_selector_all("p,blockquote,:has(> br)") if tree.document else None
        if candidates is None or len(candidates) > _MAX_ELEMENTS:
            return [], 0
        sizes: dict[int, int] = {}
        with_breaks = []
        for element in candidates.values():
            characters = self.read(element)
            if characters < _PARAGRAPH:
                continue
            tag = element.tag
            if tag in ("p", "blockquote") or tag in _INLINE:
                number = self._number(element.parent)
                sizes[number] = sizes.get(number, 0) + characters
            elif tag not in _ROOTS:
                with_breaks.append((element, characters))
        for element, characters in with_breaks:
            if element not in self._index:  # else its paragraphs have been counted
                sizes[self._number(element)] = characters
        return [sizes.get(number, 0) for number in range(len(self._elements))], sizes.get(-1, 0)

    def _number(self, element) -> int:  # type: ignore[no-untyped-def]
        """The number of an element, given now to it and to those around it that have none; -1 for the body."""
        new: list = []
        number = -1
        while element is not None and element.tag not in _ROOTS:
            if (known := self._index.get(element)) is not None:
                number = known
                break
            new.append(element)
            element = element.parent
        for element in reversed(new):
            self._parents.append(number)
            number = self._index[element] = len(self._elements)
            self._elements.append(element)
            self._junk.append(element.tag in _JUNK_TAGS or _is_named(_label(element), _AROUND_JUNK))
        return number

    def _add_up(self, own: list[int]) -> list[int]:
        """For each element its own value and those of all elements inside."""
        total = list(own)
        for number in range(len(total) - 1, -1, -1):
            if (parent := self._parents[number]) >= 0:
                total[parent] += total[number]
        return total


def _prune_around(article, found: _Paragraphs) -> None:  # type: ignore[no-untyped-def]
    """Removes what stands beside an article and the elements around it, but for headings and a lead before it.

    After it stays only what holds 20% of the page's paragraphs.
    """
    within = True
    for element, parent in _upwards(article):
        before = True
        for child in parent.child_nodes.values():
            if child == element:
                before = False
                continue
            tag = child.tag
            if tag is None or tag.startswith("#") or tag in _UNREAD:
                continue
            if not (_is_lead(child, tag, found, within=within) if before else found.held_by(child) >= _AFTER * found.size):
                child.remove()
        within = within and parent.tag not in ("article", "main")


def _upwards(element) -> Iterator[tuple]:  # type: ignore[no-untyped-def]
    for _ in range(_MAX_NESTING):
        if element.tag in _ROOTS or (parent := element.parent) is None:
            return
        yield element, parent
        element = parent


def _is_lead(element, tag: str, found: _Paragraphs, *, within: bool) -> bool:  # type: ignore[no-untyped-def]
    if tag in ("h1", "h2", "header"):
        return True
    if tag in _JUNK_TAGS or _is_named(_label(element), _LEAD_JUNK):
        return False
    return found.held_by(element) > 0 or (within and found.read(element) in _LEAD)


def _prune_inside(article, found: _Paragraphs) -> None:  # type: ignore[no-untyped-def]
    """Removes elements whose tag, class or id says that they are no text of the article, unless they hold much of it."""
    candidates = article.query_selector_all(_MAYBE_JUNK)
    if len(candidates) > _MAX_ELEMENTS:
        return
    most = _GUARD * max(found.size, found.read(article))
    for element in candidates.values():
        if element.tag not in _JUNK_TAGS and not _is_named(_label(element), _INSIDE_JUNK):
            continue
        if found.held_by(element) < found.size / 5 and found.read(element) < most:
            element.remove()
