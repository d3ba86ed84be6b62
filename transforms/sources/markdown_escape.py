"""Plain text as Markdown that renders as the same text (CommonMark 0.31, GitHub's extensions)."""

import re

_SPECIAL = re.compile(
    r"\\(?![A-Za-z0-9])|[`*\[$]|<(?=[A-Za-z/!?])|&(?=#?\w+;)"
    r"|~(?=~)|(?<=~)~|(?<![^\W_])_|_(?![^\W_])"
)
_LINE_START = re.compile(r"(#{1,6}(?=\s|$)|>|[-+](?=\s|$)|=+\s*$|-[-\s]*$|~~~|\||:?-+:?\s*\|)")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_RUN_OF_BACKTICKS = re.compile(r"`+")
_LANGUAGE = re.compile(r"[^\w+#.-]")
_ADDRESS = {
    " ": "%20",
    "(": "%28",
    ")": "%29",
    "<": "%3C",
    ">": "%3E",
    "\\": "%5C",
    "`": "%60",
    "*": "%2A",
    "|": "%7C",
}


def escape(text: str) -> str:
    """Escape the characters of inline text that have a meaning in Markdown."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def escape_start(line: str) -> str:
    """Escape the start of a line that would open a heading, list, quotation, rule or the like."""
    if match := _NUMBERED.match(line):
        return f"{match[1]}\\{line[match.end(1) :]}"
    return f"\\{line}" if _LINE_START.match(line) else line


def code_span(text: str) -> str:
    """Inline code, between as many backticks as it needs."""
    text = " ".join(text.split("\n"))
    if not text.strip():
        return ""
    ticks = "`" * (1 + max((len(run) for run in _RUN_OF_BACKTICKS.findall(text)), default=0))
    pad = " " if text[0] in " `" or text[-1] in " `" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def code_block(text: str, language: str = "") -> str:
    """A fenced code block; the fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in _RUN_OF_BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{_LANGUAGE.sub('', language)}\n{text}\n{fence}"


def link(text: str, address: str) -> str:
    """Escaped text as a link; the text alone if either is empty."""
    target = "".join(_ADDRESS.get(letter, letter) for letter in address.strip())
    return f"[{text}]({target})" if text.strip() and target and "\n" not in target else text


def table_row(cells: list[str]) -> str:
    """Cells of inline Markdown -> a row of a table."""
    return "| " + " | ".join(_bars(" ".join(cell.split())) for cell in cells) + " |"


def _bars(cell: str) -> str:
    return re.sub(
        r"(\\*)\|", lambda match: match[0] if len(match[1]) % 2 else f"{match[1]}\\|", cell
    )
