"""Remove comments and links from a paragraph of Markdown; code and escapes are unchanged."""

import html
import re

_TOKEN = re.compile(r"\\.|`+|!?\[|\]|<", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_AUTOLINK = re.compile(
    r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+)>"
)
_TAG = re.compile(r"</?(?:a|img)(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*'){0,4000}>", re.IGNORECASE)
_ALT = re.compile(r"\salt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))", re.IGNORECASE)
_DESTINATION = re.compile(
    r"""\([ \t\n]{0,99}
        (?:<[^<>\n]{0,4000}>|(?:\\.|[^\s()<>\\]|\((?:\\.|[^\s()\\]){0,999}\)){0,4000})
        (?:[ \t\n]{1,99}(?:"(?:\\."""
    r"""|[^"\\]){0,999}"|'(?:\\.|[^'\\]){0,999}'|\((?:\\.|[^()\\]){0,999}\)))?
        [ \t\n]{0,99}\)""",
    re.VERBOSE | re.DOTALL,
)
_LABEL = re.compile(r"\[((?:\\.|[^\[\]\\]){0,999})\]", re.DOTALL)


def normalized_label(label: str) -> str:
    """Normalize a reference's label for matching: white space and case."""
    return " ".join(label.split()).casefold()


def without_comments(
    text: str,
    *,
    links: bool = True,
    references: frozenset[str] = frozenset(),
    inside_html: bool = False,
) -> str:
    """Remove the HTML comments of a paragraph; without `links` also links and images.

    A link or image is replaced by its text. `references` are the normalized labels that the
    document defines. With `inside_html`, only HTML links are recognised, as in an HTML block. The
    time is linear in the length.
    """
    out: list[str] = []
    # `opened` has the positions of open brackets in `out`, `missing` the lengths of runs of
    # backticks that do not occur again.
    opened: list[int] = []
    missing: set[int] = set()
    comments = True
    at = 0
    while match := _TOKEN.search(text, at):
        out.append(text[at : match.start()])
        at = match.end()
        token = match[0]
        if token[0] == "`" and not inside_html:
            end = _code_end(text, at, len(token), missing)
            out.append(text[match.start() : end])
            at = end
        elif token == "<":
            at, shown, comments = _angle(text, match.start(), comments=comments, links=links)
            if not shown and out[-1].endswith(" ") and text.startswith(" ", at):
                at += 1
            out.append(shown)
        elif links or inside_html or token[0] == "\\":
            out.append(token)
        elif token == "]":
            at = _close(text, at, out, opened, references)
        else:
            opened.append(len(out))
            out.append(token)
    out.append(text[at:])
    return "".join(out)


def _code_end(text: str, at: int, count: int, missing: set[int]) -> int:
    """Where a code span ends; behind its opening backticks if nothing closes it."""
    if count not in missing:
        closing = re.compile(rf"(?<!`)`{{{count}}}(?!`)").search(text, at)
        if closing is not None:
            return closing.end()
        missing.add(count)
    return at


def _angle(text: str, start: int, *, comments: bool, links: bool) -> tuple[int, str, bool]:
    """Read from a `<` on -> (next position, output, whether comments can still end)."""
    if text.startswith("<!--", start):
        if comments and (match := _COMMENT.match(text, start)):
            return match.end(), "", True
        return start + 4, "<!--", False
    if not links:
        if match := _AUTOLINK.match(text, start):
            return match.end(), match[1], comments
        if match := _TAG.match(text, start):
            alt = _ALT.search(match[0]) if match[0][1:4].lower() == "img" else None
            return (
                match.end(),
                html.unescape(next(filter(None, alt.groups()), "")) if alt else "",
                comments,
            )
    return start + 1, "<", comments


def _close(
    text: str, at: int, out: list[str], opened: list[int], references: frozenset[str]
) -> int:
    """Read a closing bracket, of a link whose text is kept or alone -> next position."""
    if not opened:
        out.append("]")
        return at
    start = opened.pop()
    end = None
    if text.startswith("(", at) and (match := _DESTINATION.match(text, at)):
        end = match.end()
    elif references:
        label = _LABEL.match(text, at)
        if label is not None and label[1].strip():
            end = label.end() if normalized_label(label[1]) in references else None
        elif (
            sum(map(len, out[start + 1 :][:200])) < 1000
            and normalized_label("".join(out[start + 1 :])) in references
        ):
            end = label.end() if label is not None else at
    if end is None:
        out.append("]")
        return at
    out[start] = ""
    return end
