"""Convert MathML to TeX: fractions, indices, roots, tables. Adjacent numbers remain separate."""

import re

from transforms.sources.content_mathml import content_to_tex
from transforms.sources.page_tree import TEXT, PageTree

_NAMES = {
    **dict(
        zip(
            "αβγδεζηθικλμνξπρστυφχψω",
            str.split(
                """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
    upsilon phi chi psi omega
    """
            ),
            strict=True,
        )
    ),
    **dict(
        zip(
            "ΓΔΘΛΞΠΣΦΨΩ",
            str.split(
                """
    Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega
    """
            ),
            strict=True,
        )
    ),
    **{
        "∑": "sum",
        "∏": "prod",
        "∫": "int",
        "∞": "infty",
        "≤": "leq",
        "≥": "geq",
        "≠": "neq",
        "≈": "approx",
        "×": "times",
        "·": "cdot",
        "⋅": "cdot",
    },
    **{
        "→": "to",
        "∈": "in",
        "∉": "notin",
        "⊂": "subset",
        "⊆": "subseteq",
        "∪": "cup",
        "∩": "cap",
        "∂": "partial",
        "∇": "nabla",
        "±": "pm",
        "∓": "mp",
    },
    **{
        "…": "ldots",
        "⋯": "cdots",
        "∀": "forall",
        "∃": "exists",
        "⇒": "Rightarrow",
        "⇔": "Leftrightarrow",
        "≡": "equiv",
        "∼": "sim",
        "∝": "propto",
    },
    **{
        "′": "prime",
        "ϵ": "epsilon",
        "ϕ": "phi",
        "⟨": "langle",
        "⟩": "rangle",
        "∘": "circ",
        "∧": "wedge",
        "∨": "vee",
        "¬": "neg",
        "∅": "emptyset",
    },
    **{
        "÷": "div",
        "↦": "mapsto",
        "←": "leftarrow",
        "↔": "leftrightarrow",
        "∥": "parallel",
        "⊥": "perp",
        "⊗": "otimes",
        "⊕": "oplus",
        "ℓ": "ell",
        "ℏ": "hbar",
    },
}
_FUNCTIONS = frozenset(
    str.split(
        """
    sin cos tan cot sec csc sinh cosh tanh log ln exp lim max min sup inf det dim ker arg gcd deg
    arcsin arccos arctan
    """
    )
)
_ACCENTS = {
    "^": "hat",
    "ˆ": "hat",
    "~": "tilde",
    "˜": "tilde",
    "∼": "tilde",
    "¯": "bar",
    "‾": "overline",
    "―": "overline",
    "→": "vec",
    "⃗": "vec",
    "˙": "dot",
    ".": "dot",
    "¨": "ddot",
    "⏞": "overbrace",
    "⏟": "underbrace",
    "_": "underline",
    "̲": "underline",
    "ˇ": "check",
    "˘": "breve",
}
_INVISIBLE = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064\u200b"))
_LIMITS = frozenset(
    (
        "\\sum",
        "\\prod",
        "\\int",
        "\\lim",
        "\\max",
        "\\min",
        "\\sup",
        "\\inf",
        "\\bigcup",
        "\\bigcap",
        "\\oint",
        "\\iint",
    )
)
_ESCAPED = re.compile(r"([#$%&_{}])")
_OPEN_END = re.compile(r"\\[A-Za-z]+$|[_^]\w$")
_EMPTY = {"none": "-", "mprescripts": "\0", "mspace": " ", "maligngroup": "", "malignmark": ""}
_MAX_DEPTH = 200


def mathml_to_tex(page: PageTree, node: int) -> str:
    """Convert a `math` element of n nodes to TeX in O(n) steps.

    An element nested deeper than 200 is replaced by its text.
    """
    # Children are converted before their parents, from the last node to the first: no recursion.
    tags, ends = page.tags, page.ends
    end = ends[node]
    if _depth(page, node) > _MAX_DEPTH:
        return re.sub(r"\s+", " ", page.text(node)).strip()
    done: dict[int, str] = {}
    for each in range(end - 1, node - 1, -1):
        if tags[each] == TEXT or tags[each] in _EMPTY:
            continue
        parts, child, stop = [], each + 1, ends[each]
        has_text = False
        while child < stop:
            if tags[child] == TEXT:
                has_text = has_text or not page.data[child].isspace()
            elif tags[child] in _EMPTY:
                if mark := _EMPTY[tags[child]]:
                    parts.append(mark.strip("-"))
                # Without its namespace an HTML parser does not know the element as empty, and
                # nests the following nodes in it.
                child += 1
                continue
            elif tags[child] not in ("annotation", "annotation-xml", "mphantom"):
                parts.append(done.pop(child))
            child = ends[child]
        done[each] = _convert(page, each, tags[each], parts, has_text)
    return re.sub(r" {2,}", " ", done[node]).strip()


def _depth(page: PageTree, node: int) -> int:
    """The nesting depth of the elements below a node."""
    deepest = 0
    open_ends: list[int] = []
    for each in range(node, page.ends[node]):
        while open_ends and open_ends[-1] <= each:
            open_ends.pop()
        if page.tags[each] != TEXT:
            open_ends.append(page.ends[each])
            deepest = max(deepest, len(open_ends))
    return deepest


def _convert(page: PageTree, node: int, tag: str, parts: list[str], has_text: bool) -> str:
    if tag in ("ci", "cn"):
        return _token(page, node, "mi" if tag == "ci" else "mn", parts) if has_text else _row(parts)
    if tag in ("mi", "mn", "mo", "mtext", "ms"):
        return _token(page, node, tag, parts)
    if tag == "mfrac":
        top, bottom = _two(parts)
        if 'linethickness="0' in page.data[node]:
            return f"\\binom{{{top}}}{{{bottom}}}"
        return f"\\frac{{{top}}}{{{bottom}}}"
    if tag == "msqrt":
        return f"\\sqrt{{{_row(parts)}}}"
    if tag == "mroot":
        base, index = _two(parts)
        return f"\\sqrt[{index}]{{{base}}}"
    if tag == "msup":
        base, above = _two(parts)
        return f"{_base(base)}{_script('^', above)}"
    if tag == "msub":
        base, below = _two(parts)
        return f"{_base(base)}{_script('_', below)}"
    if tag in ("msubsup", "munderover"):
        base, below, above = [*parts, "", "", ""][:3]
        return f"{_base(base)}{_script('_', below)}{_script('^', above)}"
    if tag in ("mover", "munder"):
        return _accent(tag, *_two(parts))
    if tag == "mmultiscripts":
        return _multiscripts(parts)
    if tag == "mfenced":
        return _fenced(page, node, parts)
    if tag == "mtable":
        return "\\begin{matrix}" + " \\\\ ".join(parts) + "\\end{matrix}"
    if tag in ("mtr", "mlabeledtr"):
        return " & ".join(parts)
    if tag == "maction":
        chosen = page.attribute(node, "selection") or "1"
        return (
            parts[min(int(chosen) if chosen.isdecimal() and len(chosen) < 3 else 1, len(parts)) - 1]
            if parts
            else ""
        )
    if tag == "menclose" and "radical" in page.data[node]:
        return f"\\sqrt{{{_row(parts)}}}"
    if tag == "apply":
        return content_to_tex(page, node, parts)
    if has_text and not parts:
        return _escape(" ".join(page.text(node).split()))
    return _row(parts)


def _token(page: PageTree, node: int, tag: str, parts: list[str]) -> str:
    raw = page.text(node).translate(_INVISIBLE)
    text = " ".join(raw.split())
    if not text:
        return ""
    if tag in ("mtext", "ms"):
        blank = (
            " " if raw[:1].isspace() or raw[:1] == "\u00a0" else "",
            " " if raw[-1:].isspace() or raw[-1:] == "\u00a0" else "",
        )
        return f"\\text{{{blank[0]}{_escape(text)}{blank[1]}}}"
    if text in _NAMES:
        return f"\\{_NAMES[text]}"
    if tag == "mi" and len(text) > 1:
        return f"\\{text}" if text in _FUNCTIONS else f"\\mathrm{{{_escape(text)}}}"
    if tag == "mo" and text in ("−", "-"):
        return "-"
    if tag == "mo" and text in _FUNCTIONS:
        return f"\\{text}"
    return _escape(text)


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", text.replace("\\", "\\backslash "))


def _row(parts: list[str]) -> str:
    """Join parts, with a blank where two would otherwise form one command or one number."""
    out: list[str] = []
    before = ""
    for part in parts:
        if not part:
            continue
        if (
            before
            and part[0].isalnum()
            and ((before[-1].isdigit() and part[0].isdigit()) or _OPEN_END.search(before[-30:]))
        ):
            out.append(" ")
        out.append(part)
        before = part
    return "".join(out)


def _two(parts: list[str]) -> tuple[str, str]:
    return (parts[0], _row(parts[1:])) if len(parts) > 1 else (parts[0] if parts else "", "")


def _base(base: str) -> str:
    return (
        base
        if len(base) <= 1
        or re.fullmatch(r"\\[A-Za-z]+|\d+|\\(?:mathrm|text)\{[^{}]*\}|[)\]]", base)
        else f"{{{base}}}"
        if base
        else "{}"
    )


def _script(symbol: str, content: str) -> str:
    if not content:
        return ""
    return f"{symbol}{content}" if len(content) == 1 else f"{symbol}{{{content}}}"


def _accent(tag: str, base: str, mark: str) -> str:
    symbol = (
        mark
        if mark in _ACCENTS
        else next((shown for shown, name in _NAMES.items() if mark == f"\\{name}"), mark)
    )
    if base not in _LIMITS and symbol in _ACCENTS and (tag == "mover" or symbol in "_⏟̲"):
        return f"\\{_ACCENTS[symbol]}{{{base}}}"
    return f"{_base(base)}{_script('^' if tag == 'mover' else '_', mark)}"


def _multiscripts(parts: list[str]) -> str:
    at = parts.index("\0") if "\0" in parts else len(parts)
    base, after, before = (parts[0] if parts else ""), parts[1:at], parts[at + 1 :]

    def scripts(pairs: list[str]) -> str:
        return "".join(_script("_^"[number % 2], content) for number, content in enumerate(pairs))

    return (f"{{}}{scripts(before)}" if any(before) else "") + _base(base) + scripts(after)


def _fenced(page: PageTree, node: int, parts: list[str]) -> str:
    opened, closed, separators = (
        page.attribute(node, name) for name in ("open", "close", "separators")
    )
    marks = "".join((separators if separators is not None else ",").split())
    body = ""
    for number, part in enumerate(parts):
        if number and marks:
            body += marks[min(number - 1, len(marks) - 1)]
        body += part
    opened = _escape("(" if opened is None else opened)
    closed = _escape(")" if closed is None else closed)
    return f"{opened}{body}{closed}"
