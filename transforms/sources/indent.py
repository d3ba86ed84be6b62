"""Clean a text but keep the indentation of its first line, which may be code."""

import re

from transforms.clean_text import clean_text

_BLANK_LINES = re.compile(r"(?:[ \t]*[\r\n])*")


def clean_indented(text: str) -> str:
    """Like `clean_text`, but the first line keeps its indentation."""
    text = text.lstrip("\ufeff")
    start = _BLANK_LINES.match(text)
    first = text[start.end() if start else 0 :]
    cleaned = clean_text(first)
    return first[: len(first) - len(first.lstrip(" \t"))] + cleaned if cleaned else ""
