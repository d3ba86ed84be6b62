"""Preformatted text: `pre` with all its blanks, with or without the elements of a highlighter."""

import re

from transforms.sources.exponents import Around, lowered, raised
from transforms.sources.formulas import formula_at
from transforms.sources.page_tree import BLOCKS, TEXT, PageTree

_LINE = re.compile(
    r"""\sclass="(?:[^"]*\s)?(?:line|code-?line|view-line|token-line|cl|hljs-ln-line"""
    r"""|CodeMirror-line|cm-line|lineContent|row)(?:\s[^"]*)?\""""
)
_LANGUAGE = re.compile(
    r"""\s(?:class|data-lang|data-language|data-enlighter-language|data-code-language|lang"""
    r"""|language)="([^"]*)\"""",
    re.IGNORECASE,
)
_IN_CLASS = re.compile(
    r"""(?:^|\s)(?:language-|lang-|highlight-source-|highlight-(?!source|text)|sourceCode\s+"""
    r"""|brush:\s*|hljs\s+|codehilite\s+|mw-highlight-lang-|code-|prettyprint\s+lang-|syntax-)
    ([\w+#.-]+)""",
    re.VERBOSE,
)
_BRUSH = re.compile(r"brush:\s*([\w+#-]+)")
_SOURCE_CODE = re.compile(
    r"(?:^|\s)sourceCode\s+([\w+#-]+)|(?:^|\s)([\w+#-]+)\s+sourceCode(?:\s|$)"
)
_NO_LANGUAGE = frozenset(
    str.split(
        """
    block wrapper none text plaintext plain highlight toolbar box container inline snippet example
    content default auto nohighlight line-numbers copy hljs line numbers area body wrap header
    undefined
    """
    )
)
_CODE_CELL = re.compile(
    r"""\sclass="(?:[^"]*\s)?(?:blob-code|blob-code-inner|hljs-ln-code|line-content"""
    r"""|code-line)(?:\s[^"]*)?\""""
)
# Number of first nodes of a table that are searched for code cells.
_FIRST_CELLS = 20
_SKIPPED = frozenset(("button", "select"))
_FORMULAS = frozenset(("math", "script", "img", "mjx-container"))
_INLINE = frozenset((TEXT, "sup", "sub", "a", "b", "i", "em", "strong", "span"))
# Characters of an element's attributes in which languages are searched.
_LONGEST = 2_000
# Maximum number of nodes of a superscript or subscript.
_SMALL = 8
# Mark where a digit must not join the number before it.
_APART = "\x01"


def preformatted(page: PageTree, node: int, keep: bytearray) -> str:
    """The kept text of an element unchanged; elements that are lines end with a line end."""
    tags, ends, data = page.tags, page.ends, page.data
    end = ends[node]
    out: list[str] = []
    # The ends of the open elements, and whether a line ends with them.
    closing: list[tuple[int, bool]] = []
    line_end = -1
    each = node + 1
    while each < end:
        while closing and closing[-1][0] <= each:
            if closing.pop()[1]:
                _end_line(out)
            else:
                _add_apart(out, "")
        tag = tags[each]
        if tag == TEXT:
            if keep[each]:
                out.append(data[each])
        elif tag == "br":
            out.append("\n")
        elif tag in _SKIPPED:
            _add_apart(out, "")
            each = ends[each]
            continue
        elif (
            tag in ("sup", "sub")
            and 1 < ends[each] - each <= _SMALL
            and _INLINE.issuperset(tags[each : ends[each]])
        ):
            _add_apart(out, _script(page, each, keep, "".join(out[-3:])))
            each = ends[each]
            continue
        elif tag in _FORMULAS and (formula := formula_at(page, each)):
            _add_apart(out, formula.tex if keep.find(1, each, formula.end) >= 0 else "")
            each = formula.end
            continue
        elif tag in ("img", "sup", "sub"):
            _add_apart(out, "")
            closing.append((ends[each], False))
        elif tag in BLOCKS:
            _end_line(out)
            if (
                tag in ("td", "th")
                and out
                and page.parents[each] != each - 1
                and not out[-1].endswith("\n")
            ):
                out.append("\t")
            elif tag not in ("td", "th"):
                closing.append((ends[each], True))
        elif data[each] and "class=" in data[each] and _LINE.search(data[each]):
            if line_end == each and out and not out[-1].endswith("\n"):
                out.append("\n")
            line_end = ends[each]
        each += 1
    text = (
        re.sub(f"{_APART}(?=([0-9])?)", lambda match: " " if match[1] else "", "".join(out))
        if _APART in out
        else "".join(out)
    )
    text = text.replace("\r\n", "\n").replace("\u00a0", " ")
    return (
        re.sub(r"^(?:[ \t]*\n)+|[ \t\n]+$", "", re.sub("[\u00ad\u200b\ufeff]", "", text))
        if text.strip()
        else ""
    )


def is_code_table(page: PageTree, node: int) -> bool:
    """Whether a table without `pre` shows lines of code in cells, as on code hosts."""
    inside = range(node + 1, min(page.ends[node], node + _FIRST_CELLS))
    return "pre" not in page.tags[node : page.ends[node]] and any(
        page.tags[each] == "td" and _CODE_CELL.search(page.data[each]) for each in inside
    )


def _script(page: PageTree, node: int, keep: bytearray, before: str) -> str:
    """The text of a superscript or subscript inside code."""
    end = page.ends[node]
    content = "".join(
        page.data[each] for each in range(node, end) if page.tags[each] == TEXT and keep[each]
    )
    around = Around(
        before[-80:], page.data[end][:80] if end < len(page.tags) and page.tags[end] == TEXT else ""
    )
    return (
        raised(content, around) if page.tags[node] == "sup" else lowered(content, around)
    ).removeprefix("\b")


def _add_apart(out: list[str], text: str) -> None:
    """Append text that is not on the page; digits before or after remain separate numbers."""
    before = next((part[-1] for part in reversed(out) if part), "")
    if before.isdigit() and text[:1].isdigit():
        out.append(" ")
    if text:
        out.append(text)
    if (text or before)[-1:].isdigit():
        out.append(_APART)


def _end_line(out: list[str]) -> None:
    if out and not out[-1].endswith("\n"):
        out.append("\n")


def code_language(page: PageTree, node: int) -> str:
    """The language declared by a code block, its `code` child or two ancestors; empty if none."""
    around = [node, *(each for each in page.children(node)[:2] if page.tags[each] == "code")]
    parent = page.parents[node]
    for _ in range(2):
        if parent < 0 or page.tags[parent] in ("body", "article", "main", "td", "li"):
            break
        around.append(parent)
        parent = page.parents[parent]
    for each in around:
        if page.tags[each] != TEXT and (language := _named_language(page.data[each][:_LONGEST])):
            return language
    return ""


def _named_language(attributes: str) -> str:
    for match in _LANGUAGE.finditer(attributes):
        name, value = match[0].split("=")[0].strip().lower(), match[1]
        if name == "class":
            language = _of_class(value)
        elif name == "lang":
            # A natural language.
            continue
        else:
            language = value.strip()
        language = language.lower().strip(".")
        if language and language not in _NO_LANGUAGE and re.fullmatch(r"[\w+#.-]{1,30}", language):
            return language
    return ""


def _of_class(value: str) -> str:
    if match := _BRUSH.search(value):
        return match[1]
    if match := _SOURCE_CODE.search(value):
        return match[1] or match[2]
    for match in _IN_CLASS.finditer(value):
        if match[1].lower() not in _NO_LANGUAGE:
            return match[1]
    return ""
