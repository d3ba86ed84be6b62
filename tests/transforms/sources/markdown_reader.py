"""The text that a CommonMark parser with GitHub's extensions reads, for tests of round trips."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token


def _formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    end = state.src.find("$", state.pos + 1)
    if end < 0 or end == state.pos + 1:
        return False
    if not silent:
        state.push("math_inline", "math", 0).content = state.src[state.pos + 1 : end]
    state.pos = end + 1
    return True


def _display(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    lines = [
        state.getLines(number, number + 1, state.tShift[number], False).strip()
        for number in range(start, min(end, start + 50))
    ]
    if lines[:1] != ["$$"] or "$$" not in lines[1:]:
        return False
    close = lines.index("$$", 1)
    if not silent:
        state.line = start + close + 1
        state.push("math_block", "math", 0).content = "\n".join(lines[1:close])
    return True


def parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    markdown.inline.ruler.before("escape", "math", _formula)
    markdown.block.ruler.before(
        "fence", "display", _display, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    return markdown


_PARSER = parser()
_SHOWN = frozenset(
    (
        *("text", "text_special", "code_inline", "code_block", "fence"),
        *("math_inline", "math_block", "html_inline", "html_block"),
    )
)


def _texts(tokens: list[Token], *, tables: bool) -> Iterator[str]:
    inside = False
    for token in tokens:
        if token.type in ("table_open", "table_close"):
            inside = token.type == "table_open" and not tables
        if inside:
            continue
        if token.children:
            yield from _texts(token.children, tables=tables)
        elif token.type in ("softbreak", "hardbreak") or token.type.endswith("_close"):
            yield "\n" if not token.type.startswith(("em_", "strong_", "link_", "s_")) else ""
        elif token.type in _SHOWN:
            yield (
                token.content
                if not token.type.endswith("block") and token.type != "fence"
                else f"\n{token.content}\n"
            )


def markdown_text(markdown: str, *, tables: bool = True) -> str:
    """The visible text of a page: text, code, formulas and raw HTML; with or without tables."""
    return "".join(_texts(_PARSER.parse(markdown), tables=tables))


def kinds(markdown: str) -> list[str]:
    """The types of the block tokens, in order."""
    return [token.type for token in _PARSER.parse(markdown)]
