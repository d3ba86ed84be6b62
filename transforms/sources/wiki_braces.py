"""Templates, arguments and language variants of wikitext: `{{…}}`, `{{{…}}}` and `-{…}-`."""

import re

from transforms.sources.wiki_marks import HOLE
from transforms.sources.wiki_names import VARIANT_RANK
from transforms.sources.wiki_templates import expand

_MAX_DEPTH = 60
_TOKEN = re.compile(r"-\{(?!\{)|-\{(?=\{\{(?!\{))|\{{2,}|\}-|\}{2,}|\[\[|\]\]|\|")
_CODE = "|".join(sorted(VARIANT_RANK, key=len, reverse=True))
_RULE_SPLIT = re.compile(rf";\s*(?=(?:[^;:=]*=>\s*)?(?:{_CODE})\s*:)", re.IGNORECASE)
_RULE = re.compile(
    rf"\s*(?:(?P<from>[^;:=]*)=>\s*)?(?P<code>{_CODE})\s*:(?P<text>.*)", re.IGNORECASE | re.DOTALL
)
_FLAGS = re.compile(rf"\s*(?:[ATRDHNSL+-]|{_CODE})?(?:\s*;\s*(?:[ATRDHNSL+-]|{_CODE}))*\s*")
_ENTITY_END = re.compile(r"&#?\w{1,31}\Z")


class _OpenConstruct:
    """An open construct: its `opener`, and the `parts` between its bars."""

    __slots__ = ("opener", "parts")

    def __init__(self, opener: str):
        self.opener = opener
        self.parts: list[list[str]] = [[]]

    def texts(self) -> list[str]:
        return ["".join(part) for part in self.parts]


def expand_braces(text: str, *, title: str) -> str:
    """Replace templates, arguments and language variants by their output.

    The wikitext has no extension tags. Unclosed braces are kept; constructs nested deeper than 60
    are not expanded. The time is linear in the length.
    """
    stack = [_OpenConstruct("")]
    at = 0
    for match in _TOKEN.finditer(text):
        if match.start() < at:
            continue
        stack[-1].parts[-1].append(text[at : match.start()])
        at = match.end()
        token = match[0]
        top = stack[-1]
        if token == "|":
            if top.opener:
                top.parts.append([])
            else:
                top.parts[-1].append(token)
        elif token[0] == "{" or token in ("[[", "-{"):
            if len(stack) <= _MAX_DEPTH:
                stack.append(_OpenConstruct(token))
            else:
                top.parts[-1].append(token)
        elif token == "}-":
            at = _close_variant(stack, at)
        elif token == "]]":
            if top.opener == "[[":
                _flatten(stack, token)
            else:
                top.parts[-1].append(token)
        else:
            at = _close_braces(stack, match.start(), len(token), title, text)
    stack[-1].parts[-1].append(text[at:])
    while len(stack) > 1:
        _flatten(stack, "")
    return "".join(stack[0].parts[0])


def _flatten(stack: list[_OpenConstruct], closer: str) -> None:
    """Append the text since the last opener unchanged to the construct around it."""
    top = stack.pop()
    into = stack[-1].parts[-1]
    into.append(top.opener)
    for number, part in enumerate(top.parts):
        if number:
            into.append("|")
        into.extend(part)
    into.append(closer)


def _close_variant(stack: list[_OpenConstruct], at: int) -> int:
    depth = next(
        (number for number in range(len(stack) - 1, 0, -1) if stack[number].opener == "-{"), 0
    )
    if not depth or any(each.opener[0] == "{" for each in stack[depth + 1 :]):
        stack[-1].parts[-1].append("}")
        return at - 1
    while len(stack) > depth + 1:
        _flatten(stack, "")
    stack[-2].parts[-1].append(_variant(stack.pop().texts()))
    return at


def _close_braces(
    stack: list[_OpenConstruct], start: int, count: int, title: str, text: str
) -> int:
    """Close the templates and arguments that `count` braces end -> next position."""
    while count >= 2:
        depth = next(
            (number for number in range(len(stack) - 1, 0, -1) if stack[number].opener != "[["), 0
        )
        if not depth:
            break
        if stack[depth].opener == "-{":
            # `}}-` may be the end of a variant behind a brace of its text.
            break
        while len(stack) > depth + 1:
            _flatten(stack, "")
        top = stack.pop()
        taken = 3 if min(len(top.opener), count) >= 3 else 2
        texts = top.texts()
        shown = HOLE if taken == 3 else expand(texts[0], texts[1:], title=title)
        left = len(top.opener) - taken
        start, count = start + taken, count - taken
        if left >= 2:
            stack.append(_OpenConstruct("{" * left))
            stack[-1].parts[-1].append(shown)
        else:
            stack[-1].parts[-1].append("{" * left + shown)
    if count and text.startswith("-", start + count) and any(each.opener == "-{" for each in stack):
        stack[-1].parts[-1].append("}" * (count - 1))
        return _close_variant(stack, start + count + 1)
    stack[-1].parts[-1].append("}" * count)
    return start + count


def _variant(parts: list[str]) -> str:
    """Convert `-{FLAGS|RULES}-` to the text of the base variant; empty for a mere definition.

    The base variant is the language itself, then MediaWiki's fallback order (zh-hans, zh-hant,
    zh-cn, …; sr-ec; kk-cyrl; uz-latn), then the first one written.
    """
    flags: set[str] = set()
    if len(parts) > 1 and _FLAGS.fullmatch(parts[0]):
        flags = {flag.strip() for flag in parts[0].split(";")}
        parts = parts[1:]
    text = "|".join(parts)
    if flags & {"T", "H", "-", "D", "N"} or ("+" in flags and "A" not in flags):
        return HOLE
    if "R" in flags:
        return text
    rules = _RULE_SPLIT.split(text)
    read = [_RULE.fullmatch(rule) for rule in rules]
    if read[0] is None:
        return text.strip() if flags else text
    shown = [
        (VARIANT_RANK[rule["code"].lower()], rule["text"]) for rule in read if rule is not None
    ]
    best = min(shown, key=lambda each: each[0])[1].strip()
    return best[:-1].rstrip() if best.endswith(";") and not _ENTITY_END.search(best[:-1]) else best
