"""Limits on a page before it is parsed: what would take the parser time or memory in the square of the page's size is rejected.

lexbor parses in linear time but for four things, all measured: attributes of one element (each is compared with those before it),
options of one `select`, a deep stack of open elements that end tags and items look through, and formatting elements left open, which
every later paragraph gets again. The limits lie above real pages: of 1,012 measured ones the largest has 565 attributes on one element,
and 1,200 tags inside one another in its markup, counting those in its scripts.
"""

import re

from transforms.sources.records import RejectedError

MAX_ATTRIBUTES = 2_000  # of one element
MAX_DEPTH = 5_000  # elements open at once
MAX_OPTIONS = 20_000  # of one `select`
MAX_REPEATED = 1_000_000  # elements that formatting left open adds
_MAX_ROOTS = 1_000  # further `html` and `body` tags, whose attributes are added to the first
_HARMLESS, _HARMLESS_DEPTH = 2_500, 10_000  # tags; the square of these takes no time worth a look
_LONG = 4_000  # characters; a tag with more attributes than are allowed has as many without a `<` or without a `>`
_TAG_START = re.compile(r"<[a-zA-Z]")
_ATTRIBUTE = re.compile(
    r"""[\s/]*[^\s/>=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"'][^\s>]*|))?|[\s/=]+(?=[^>])"""
)
_TAG_NAME = re.compile(r"<[a-zA-Z][^\s/>]*")
_NAMES = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)")
_FORMATTING = str.split("b big code em font i s small strike strong tt u")
_FORMATTING_NAMES = re.compile(rf"<(/?(?:{'|'.join(_FORMATTING)}))[\s/>]", re.IGNORECASE)
_ANY_CASE = [[f"[{letter}{letter.upper()}]" for letter in name] for name in _FORMATTING]
_FORMATTING_STARTS = re.compile(  # half as long as IGNORECASE, and half of that again as most tags are ruled out by their first letter
    rf"<(?=[{''.join(sorted({sign for first, *_ in _ANY_CASE for sign in first[1:-1]}))}])(?:{'|'.join(map(''.join, _ANY_CASE))})[\s/>]"
)
_FORMATTING_TAG = re.compile(rf"<(?:{'|'.join(_FORMATTING)})(?=[\s/>])[^>]*", re.IGNORECASE)
_NOT_NESTED = frozenset(
    str.split(
        """area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead tbody tfoot caption colgroup
        option optgroup html head body script style title textarea"""
    )
)


def check_page(html: str) -> None:
    """Raises RejectedError for a page that a parser could not read in linear time; takes linear time itself.

    Rules: `extract/too-many-attributes`, `extract/too-deep`, `extract/too-many-options`, `extract/too-many-open-elements`.
    """
    _check_attributes(html)
    tags = html.count("<")
    if tags < _HARMLESS:
        return
    if tags < _HARMLESS_DEPTH:
        if (
            len(_FORMATTING_STARTS.findall(html)) * tags > MAX_REPEATED
        ):  # no more can be left open than begin
            _check_formatting(
                html, [name.lower() for name in _FORMATTING_NAMES.findall(html)], tags
            )
        return
    names = [name.lower() for name in _NAMES.findall(html)]
    roots = names.count("body") + names.count("html")
    if roots > _MAX_ROOTS:
        _reject("attributes", f"{roots} tags of the document's root and body")
    if names.count("option") > MAX_OPTIONS and (most := _most_options(names)) > MAX_OPTIONS:
        _reject("options", f"a list of {most} options")
    _check_depth(names)
    _check_formatting(html, names, tags)


def _reject(what: str, detail: str) -> None:
    raise RejectedError(
        "extract/too-deep" if what == "deep" else f"extract/too-many-{what}",
        "extract",
        detail=detail,
    )


def _check_attributes(html: str) -> None:
    end = 0
    for start in sorted(_long_tags(html, ">") | _long_tags(html, "<")):
        if start < end:  # inside the tag that was counted last
            continue
        count, end = _attributes(html, start)
        if count > MAX_ATTRIBUTES:
            _reject("attributes", f"an element with more than {MAX_ATTRIBUTES} attributes")


def _long_tags(html: str, sign: str) -> set[int]:
    """Where tags begin that have 4,000 characters or more without `sign` after their first letter.

    Any 4,000 such characters hold half as many from a multiple of 2,000 on, so a few short looks tell that there are none.
    """
    found: set[int] = set()
    half = _LONG // 2
    at = 0
    while at + half <= len(html):
        if html.find(sign, at, at + half) < 0:
            first = html.rfind(sign, 0, at) + 1
            last = html.find(sign, at + half)
            last = len(html) if last < 0 else last
            if sign == "<":  # the one tag that the sign itself begins
                first, tags_end = max(first - 1, 0), first + 1
            else:
                tags_end = last - _LONG
            found.update(
                tag.start()
                for tag in _TAG_START.finditer(html, first, tags_end)
                if last - tag.end() >= _LONG
            )
            at = last
        at = at // half * half + half
    return found


def _attributes(html: str, start: int) -> tuple[int, int]:
    """How many attributes the tag at `start` has, as far as they are counted, and where it ends."""
    name = _TAG_NAME.match(html, start)
    at = name.end() if name else start + 1
    count = 0
    while (found := _ATTRIBUTE.match(html, at)) is not None and count <= MAX_ATTRIBUTES:
        if found.end() == at:
            break
        at = found.end()
        count += 1
    return count, at


def _most_options(names: list[str]) -> int:
    most = here = 0
    for name in names:
        if name == "option":
            here += 1
            most = max(most, here)
        elif name in ("select", "/select"):
            here = 0
    return most


def _check_depth(names: list[str]) -> None:
    """Follows the stack of open elements: an end tag closes what was opened since its element, and nothing where none is open."""
    opened: dict[str, int] = {}
    stack: list[str] = []
    for name in names:
        if name[0] == "/":
            name = name[1:]
            if opened.get(name):
                while (closed := stack.pop()) != name:
                    opened[closed] -= 1
                opened[name] -= 1
        elif name not in _NOT_NESTED:
            opened[name] = opened.get(name, 0) + 1
            stack.append(name)
            if len(stack) > MAX_DEPTH:
                _reject("deep", f"more than {MAX_DEPTH} elements inside one another")


def _check_formatting(html: str, names: list[str], tags: int) -> None:
    """A formatting element that is not closed itself is opened again in every later block; of equal ones three are."""
    opened = dict.fromkeys(_FORMATTING, 0)
    open_now = most = 0
    for name in names:
        if name in opened:
            opened[name] += 1
            open_now += 1
            if open_now > most:
                most = open_now
        elif name[0] == "/" and opened.get(name[1:]):
            opened[name[1:]] -= 1
            open_now -= 1
    if most * tags > MAX_REPEATED:
        most = min(most, 3 * len(set(_FORMATTING_TAG.findall(html))))
        if most * tags > MAX_REPEATED:
            _reject(
                "open-elements", f"up to {most} formatting elements are left open among {tags} tags"
            )
