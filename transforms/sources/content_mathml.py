"""Content MathML -> TeX: the notation of an `apply` whose children are converted."""

from transforms.sources.page_tree import TEXT, PageTree

_INFIX = {
    "plus": "+", "minus": "-", "times": " ", "eq": "=", "neq": "\\neq ", "lt": "<", "gt": ">",
    "leq": "\\leq ", "geq": "\\geq ", "approx": "\\approx ", "equivalent": "\\equiv ",
    "in": "\\in ", "union": "\\cup ", "intersect": "\\cap ", "and": "\\wedge ", "or": "\\vee ",
    "implies": "\\Rightarrow ", "subset": "\\subset ", "setdiff": "\\setminus ",
}  # fmt: skip
_SUMS = frozenset(("plus", "minus"))
_GROUPED = frozenset(("times", "power", "minus"))


def content_to_tex(page: PageTree, node: int, parts: list[str]) -> str:
    """Convert an `apply` to TeX, given its converted children with the operator first.

    An unknown operator is written as a function.
    """
    inside = [child for child in page.children(node) if page.tags[child] != TEXT]
    if not inside or len(inside) != len(parts):
        return " ".join(part for part in parts if part)
    operator, values = page.tags[inside[0]], parts[1:]
    # Sums inside these operators need brackets.
    if operator in _GROUPED:
        values = [
            f"({value})" if _is_sum(page, child) else value
            for child, value in zip(inside[1:], values, strict=True)
        ]
    if operator == "divide" and len(values) == 2:
        return f"\\frac{{{values[0]}}}{{{values[1]}}}"
    if operator == "power" and len(values) == 2:
        return f"{values[0]}^{values[1]}" if len(values[1]) == 1 else f"{values[0]}^{{{values[1]}}}"
    if operator == "root" and values:
        return f"\\sqrt{{{values[-1]}}}"
    if operator == "minus" and len(values) == 1:
        return f"-{values[0]}"
    if operator in _INFIX and values:
        return _INFIX[operator].join(values)
    name = parts[0] or f"\\{operator}"
    return f"{name}({','.join(values)})"


def _is_sum(page: PageTree, node: int) -> bool:
    return page.tags[node] == "apply" and any(
        page.tags[child] in _SUMS for child in page.children(node)[:2]
    )
