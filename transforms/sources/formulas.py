"""Extract the TeX of each formula of a page once.

It comes from an annotation, `alttext`, a script or an image's `alt`, or is converted from MathML.
"""

import re
from typing import NamedTuple

from resiliparse.parse.html import HTMLTree

from transforms.sources.mathml import mathml_to_tex
from transforms.sources.page_tree import TEXT, PageTree, page_tree, parse_serialised

_HINTS = ("ath", "katex", "atex", "frac", "tex", "quation", "ormula")
_FORMULA_CLASS = re.compile(
    r"""\sclass="(?:[^"]*\s)?(?:
    (?P<katex>katex(?:-display)?) | (?P<mathjax>MathJax(?:_(?:Display|SVG|SVG_Display|CHTML"""
    r"""|PHTML))?|mjx-chtml|MJXc-display|MathJax_Preview)
    | (?P<wiki>mwe-math-element(?:-inline|-block)?) | (?P<frac>s?frac(?:\stion)?|tion|fraction)
    | (?P<math>(?!math-container)(?:[\w-]*[_-])?(?:math(?:jax)?|tex(?:html|2jax_process)?"""
    r"""|arithmatex|latex|equation|formula)(?:[_-][\w-]*)?)
    )(?:\s[^"]*)?\"""",
    re.VERBOSE,
)
_MATH_IMAGE = re.compile(
    r"""\s(?:class|src|data-src)="[^"]*(?:latex|tex\b|math|equation|formula|codecogs|cht=tx"""
    r"""|mimetex"""
    r"""|texify|/eqn?\d)|\seeimg=\"""",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[a-zA-Z]{2,}|[\^_]\s*[{\w\\]|\\[,;!(\[]")
_SURELY_TEX = re.compile(
    r"\\(?:[a-zA-Z]{2,}\s*[{\[_^]|(?:left|right|frac|sqrt)\b)|^\\[a-zA-Z]{2,}$"
)
_DELIMITED = re.compile(
    r"\s*(?:\$\$(.+?)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]"
    r"|\[/?(?:math|latex|tex)\](.+?)\[/(?:math|latex|tex)\])\s*",
    re.DOTALL,
)
_STYLED = re.compile(
    r"\s*\{\\(?:displaystyle|textstyle|scriptstyle)(?![a-zA-Z])\s*(.*)\}\s*", re.DOTALL
)
_SPACES = re.compile(r"\s+")
_TEX_TYPES = re.compile(
    r"""\sencoding="(?:application/x-(?:la)?tex"""
    r"""|(?:text|application)/(?:x-)?(?:la)?tex|(?:La)?TeX)\"""",
    re.IGNORECASE,
)
_CDATA = re.compile(r"%?\s*<!\[CDATA\[|%?\s*\]\]>")
# Maximum number of nodes whose attributes are examined.
_SEARCHED = 300
_MOST_OF_FRACTION = 40


class Formula(NamedTuple):
    """A formula: `tex` without delimiters, whether it is a display formula, the node after it."""

    tex: str
    display: bool
    end: int


def formula_at(page: PageTree, node: int) -> Formula | None:
    """The formula that an element represents, or None.

    An empty `tex` marks a copy of a formula that follows; it is dropped.
    """
    tag, attributes = page.tags[node], page.data[node]
    end = page.ends[node]
    if tag == "math":
        return Formula(
            _math_tex(page, node),
            'display="block"' in attributes or 'mode="display"' in attributes,
            end,
        )
    if tag == "script":
        return _script_formula(page, node)
    if tag == "img":
        tex = image_formula(page, node)
        return Formula(tex, False, end) if tex else None
    if tag == "mjx-container":
        return _container_formula(page, node)
    if tag == "math-renderer":
        return _formula_by_class(page, node, "math")
    if not any(hint in attributes for hint in _HINTS):
        return None
    match = _FORMULA_CLASS.search(attributes)
    return _formula_by_class(page, node, match.lastgroup or "") if match else None


def image_formula(page: PageTree, node: int) -> str:
    """The TeX in an image's `alt`; empty if that is not TeX."""
    attributes = page.data[node]
    alt = (
        page.attribute(node, "alt")
        or ("latex" in attributes and page.attribute(node, "title"))
        or ""
    ).strip()
    if not alt or len(alt) > 20_000:
        return ""
    if _SURELY_TEX.search(alt) or _STYLED.fullmatch(alt) or _DELIMITED.fullmatch(alt):
        return clean_tex(alt)
    if _MATH_IMAGE.search(attributes) and (
        _COMMAND.search(alt)
        or "mwe-math" in attributes
        or 'class="latex"' in attributes
        or 'class="tex"' in attributes
    ):
        return clean_tex(alt)
    return ""


def clean_tex(tex: str) -> str:
    """Remove delimiters, `\\displaystyle`, line continuations and redundant white space."""
    tex = tex.strip().replace("%\n", "")
    if match := _DELIMITED.fullmatch(tex):
        tex = next(filter(None, match.groups()), "")
    for _ in range(3):
        if (match := _STYLED.fullmatch(tex)) is None or not _is_one_group(tex.strip()):
            break
        tex = match[1]
    for style in ("\\displaystyle", "\\textstyle"):
        if tex.lstrip().startswith(style) and not tex.lstrip()[len(style) :][:1].isalpha():
            tex = tex.lstrip()[len(style) :]
    return _SPACES.sub(" ", tex).strip()


def _is_one_group(tex: str) -> bool:
    depth = 0
    for position, character in enumerate(tex):
        if character in "{}" and (position == 0 or tex[position - 1] != "\\"):
            depth += 1 if character == "{" else -1
            if not depth and position < len(tex) - 1:
                return False
    return True


def _math_tex(page: PageTree, node: int) -> str:
    """The TeX of a `math` element: its annotation, its `alttext`, or the converted MathML."""
    end = page.ends[node]
    for each in range(node + 1, end):
        if (
            page.tags[each] == "annotation"
            and _TEX_TYPES.search(page.data[each])
            and (tex := clean_tex(page.text(each)))
        ):
            return tex
    alternative = page.attribute(node, "alttext") or page.attribute(node, "data-latex") or ""
    if alternative.strip():
        return clean_tex(alternative)
    return mathml_to_tex(page, node)


def _script_formula(page: PageTree, node: int) -> Formula:
    kind = page.attribute(node, "type") or ""
    text = page.text(node)
    if kind.startswith("math/mml"):
        inner = parse_serialised(text)
        tex = _math_tex(inner, 0) if inner.tags and inner.tags[0] == "math" else ""
    else:
        tex = clean_tex(_CDATA.sub("", text))
    return Formula(tex, "mode=display" in kind.replace(" ", ""), page.ends[node])


def _container_formula(page: PageTree, node: int) -> Formula:
    """The formula of a MathJax 3 container: TeX in an attribute, or assistive MathML."""
    end, display = (
        page.ends[node],
        ' display="true"' in page.data[node] or ' display=""' in page.data[node],
    )
    for each in range(node, min(end, node + _SEARCHED)):
        if (
            page.tags[each] != TEXT
            and "latex=" in page.data[each]
            and (tex := page.attribute(each, "data-latex"))
        ):
            return Formula(clean_tex(tex), display, end)
    math = _first_element(page, node, "math")
    return Formula(_math_tex(page, math) if math else "", display, end)


def _first_element(page: PageTree, node: int, tag: str) -> int:
    """The first element with a tag inside a node; 0 if there is none."""
    try:
        return page.tags.index(tag, node + 1, page.ends[node])
    except ValueError:
        return 0


def _formula_by_class(page: PageTree, node: int, kind: str) -> Formula | None:
    end = page.ends[node]
    if kind == "frac":
        text = _fraction(page, node)
        return Formula("\0" + text, False, end) if text else None
    if kind == "math":
        text = page.text(node) if end == node + 2 else ""
        match = _DELIMITED.fullmatch(text)
        if match:
            return Formula(clean_tex(text), match[1] is not None or match[4] is not None, end)
        return None
    if kind == "mathjax":
        return _mathjax_formula(page, node)
    math = _first_element(page, node, "math")
    if math:
        return Formula(
            _math_tex(page, math),
            "katex-display" in page.data[node] or "element-block" in page.data[node],
            end,
        )
    if kind == "wiki":
        image = _first_element(page, node, "img")
        tex = image_formula(page, image) if image else ""
        return Formula(tex, False, end) if tex else None
    return None


def _mathjax_formula(page: PageTree, node: int) -> Formula | None:
    """The formula of MathJax 2 output: its MathML, or empty if the formula's script follows it."""
    end, tags = page.ends[node], page.tags
    if "MathJax_Preview" in page.data[node]:
        return Formula("", False, end) if _script_follows(page, node) else None
    if _script_follows(page, node):
        return Formula("", False, end)
    for each in range(node, min(end, node + _SEARCHED)):
        if (
            tags[each] != TEXT
            and "data-mathml" in page.data[each]
            and (markup := page.attribute(each, "data-mathml"))
        ):
            inner = page_tree(HTMLTree.parse(markup))
            math = _first_element(inner, 0, "math")
            if math:
                return Formula(_math_tex(inner, math), "Display" in page.data[node], end)
    math = _first_element(page, node, "math")
    return Formula(_math_tex(page, math), "Display" in page.data[node], end) if math else None


def _script_follows(page: PageTree, node: int) -> bool:
    """Whether a formula's script is among the next siblings, or inside the node."""
    parent_end = page.ends[page.parents[node]] if page.parents[node] >= 0 else len(page.tags)
    sibling = page.ends[node]
    for _ in range(5):
        if sibling >= parent_end:
            break
        if page.tags[sibling] == "script":
            return True
        if page.tags[sibling] == TEXT and page.data[sibling].strip():
            break
        sibling = page.ends[sibling]
    return page.tags[node] == "div" and bool(_first_element(page, node, "script"))


def _fraction(page: PageTree, node: int) -> str:
    """`1/2` or `3 1/2` of an element with parts named `num` and `den`; empty for any other."""
    whole, parts = "", []
    if page.ends[node] - node > _MOST_OF_FRACTION:
        return ""
    child, end = node + 1, page.ends[node]
    while child < end:
        attributes = page.data[child] if page.tags[child] != TEXT else ""
        text = _SPACES.sub(" ", page.text(child)).strip()
        if re.search(
            r'class="(?:[^"]*\s)?(?:num|den|numerator|denominator|top|bottom)(?:\s[^"]*)?"',
            attributes,
        ):
            parts.append(text)
        elif not parts and text and text not in ("+", "⁄", "/") and "sr-only" not in attributes:
            whole += text
        child = page.ends[child]
    if len(parts) != 2:
        return ""
    return f"{whole} {'/'.join(parts)}".strip()
