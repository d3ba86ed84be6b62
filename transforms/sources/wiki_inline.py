"""HTML tags, links and quotes of wikitext, in the order of MediaWiki's parser."""

import re
from collections.abc import Callable

from transforms.sources.wiki_marks import (
    ANY,
    BLOCK,
    BLOCK_END,
    BREAK,
    CAPTION,
    CELL,
    CODE,
    CODE_END,
    HEADER_CELL,
    HOLE,
    JOIN,
    LINK,
    LINK_END,
    QUOTE,
    QUOTE_END,
    ROW,
    SCRIPT_END,
    SUB,
    SUP,
    TABLE,
    TABLE_END,
    Item,
    Items,
    plain,
)
from transforms.sources.wiki_names import HTML_TAGS, INTERWIKI

_MAX_NESTED = 30
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>])")
_RUBY = re.compile(
    r"<(?:rt|rp|rtc)(?=[\s/>])[^<>]*>.*?"
    r"(?=<(?:rt|rp|rb|rbc|rtc|/ruby)(?=[\s/>])|</(?:rt|rp|rtc)\s*>|$)",
    re.IGNORECASE | re.MULTILINE,
)
_CODES = frozenset(("code", "tt", "kbd", "samp"))
_BLOCKS = frozenset(("div", "center"))
_CELLS = {"td": CELL, "th": HEADER_CELL, "tr": ROW, "caption": CAPTION}
_LISTS = {"ul": "*", "ol": "#", "dl": ":"}
_ITEMS = {"li": "", "dt": ";", "dd": ":"}
_LINES = frozenset((*_ITEMS, *_LISTS, *_CELLS))
_LINK_MARK = re.compile(r"\[\[(?!\[)|\]\]")
_TITLE = re.compile(r"[^\[\]{}<>\n|]+")
_PROTOCOLS = (
    r"(?:https?|ftps?|sftp|ircs?|ssh|gopher|telnet|nntp|worldwind|svn|git|mms|redis)://"
    r"|(?:mailto|news|tel|urn|xmpp|sms|geo|magnet|bitcoin|sips?):|//"
)
_EXTERNAL = re.compile(
    rf"\[((?:{_PROTOCOLS})[^\s\[\]<>\"{ANY.pattern[1:-1]}]+)([^\[\]\n]*)\]", re.IGNORECASE
)
_PIPE_TRICK = re.compile(r"\s*[(（][^()（）]*[)）]\s*\Z")
_QUOTES = re.compile(r"(''+)")


def mark_tags(text: str) -> str:
    """Replace HTML tags by marks and equivalent wikitext; tags unknown to MediaWiki remain text.

    Readings of ruby (`<rt>`, `<rp>`) are dropped. Lists become lines with `*` and `#`, tables marks
    of rows and cells.
    """
    if "<" not in text:
        return text
    if "<r" in text.lower():
        text = _RUBY.sub("", text)
    out: list[str] = []
    lists: list[str] = []
    at = 0
    # `fresh`: the position is the start of a line.
    fresh = True
    for match in _TAG.finditer(text):
        start, end = match.span()
        name = match[2].lower()
        if start < at or name not in HTML_TAGS:
            continue
        close, other = text.find(">", end), text.find("<", end)
        if close < 0:
            break
        if 0 <= other < close:
            continue
        between = text[at:start]
        piece = _tag(name, lists, closing=bool(match[1]))
        if name in _LINES:
            # Ends of items and lists are adjacent; a blank line between would end the list.
            between = "" if fresh and not between.strip() else between
            fresh = between.rstrip(" ").endswith("\n") or (fresh and not between)
            piece = piece.lstrip("\n") if fresh else piece
        out.append(between)
        out.append(piece)
        fresh = piece.endswith("\n") or (fresh and not piece and not between)
        at = close + 1
    out.append(text[at:])
    return "".join(out)


def _tag(name: str, lists: list[str], *, closing: bool) -> str:
    if name in ("sup", "sub"):
        return SCRIPT_END if closing else SUP if name == "sup" else SUB
    if name in _CODES:
        return CODE_END if closing else CODE
    if name == "br":
        return BREAK
    if name in _BLOCKS:
        return f"\n{BLOCK_END if closing else BLOCK}\n"
    if name == "blockquote":
        return f"\n{QUOTE_END if closing else QUOTE}\n"
    if name == "hr":
        return "\n----\n"
    if name == "p":
        return "\n\n"
    if len(name) == 2 and name[0] == "h" and name[1].isdigit():
        return f" {'=' * int(name[1])}\n" if closing else f"\n{'=' * int(name[1])} "
    if name == "table":
        return f"\n{TABLE_END if closing else TABLE}\n"
    if name in _CELLS:
        return "\n" if closing else f"\n{_CELLS[name]}"
    if name in _LISTS:
        if closing and lists:
            lists.pop()
        elif not closing:
            lists.append(_LISTS[name])
        return "\n"
    if name in _ITEMS and not closing:
        prefix = "".join(lists[-_MAX_NESTED:])
        return f"\n{prefix[:-1] + _ITEMS[name] if _ITEMS[name] else prefix or '*'} "
    return ""


def do_quotes(line: str) -> str:
    """Remove the quotes that make parts of a line bold or italic.

    The rules are those of MediaWiki's `doQuotes`. Of four quotes the first is an apostrophe, of
    more than five all but the last five. If bold and italic are both unclosed, one bold mark is an
    apostrophe before an italic one: the first behind a word of one letter, otherwise behind a
    longer word, otherwise behind a blank.
    """
    if "''" not in line:
        return line
    parts = _QUOTES.split(line)
    bold = italic = 0
    for number in range(1, len(parts), 2):
        count = len(parts[number])
        kept = 3 if count == 4 else min(count, 5)
        parts[number - 1] += "'" * (count - kept)
        parts[number] = "'" * kept
        italic += kept != 3
        bold += kept != 2
    if bold % 2 and italic % 2 and (number := _apostrophe(parts)):
        parts[number - 1] += "'"
    return "".join(parts[::2])


def _apostrophe(parts: list[str]) -> int:
    """The index of the bold mark whose first quote is an apostrophe; 0 if there is none."""
    behind_word = behind_blank = 0
    for number in range(1, len(parts), 2):
        if len(parts[number]) != 3:
            continue
        before = parts[number - 1]
        # MediaWiki checks the last two bytes: a letter beyond ASCII counts as a longer word.
        if before.endswith(" "):
            behind_blank = behind_blank or number
        elif before[-2:-1] == " " and before[-1:].isascii():
            return number
        else:
            behind_word = behind_word or number
    return behind_word or behind_blank


def mark_links(
    text: str, items: Items, *, dropped: frozenset[str], address: Callable[[str], str | None] | None
) -> str:
    """Replace internal links by their text; links to `dropped` namespaces show nothing.

    `address`: title -> URL of a page, which is kept as a mark; None for links without URLs.
    """
    out: list[str] = []
    opened: list[int] = []
    at = 0
    while match := _LINK_MARK.search(text, at):
        out.append(text[at : match.start()])
        at = match.end()
        if (
            match[0] == "]]"
            and opened
            and text.startswith("]", at)
            and _is_open("".join(out[opened[-1] + 1 :]))
        ):
            # The first bracket closes an external link inside a caption.
            out.append("]")
            at -= 1
            continue
        if match[0] == "[[":
            if len(opened) < _MAX_NESTED:
                opened.append(len(out))
            out.append("[[")
        elif opened:
            start = opened.pop()
            inner = "".join(out[start + 1 :])
            del out[start:]
            out.append(_link(inner, items, dropped, address))
        else:
            out.append("]]")
    out.append(text[at:])
    return "".join(out)


def _is_open(text: str) -> bool:
    """Whether the last single bracket of a text is unclosed."""
    return text.rfind("[") > text.rfind("]")


def _link(
    inner: str, items: Items, dropped: frozenset[str], address: Callable[[str], str | None] | None
) -> str:
    target, bar, shown = inner.partition("|")
    title = plain(target).strip()
    prefix, colon, _ = title.partition(":")
    if colon and prefix.strip().lower().replace("_", " ") in dropped:
        return HOLE
    if not _TITLE.fullmatch(title):
        return f"[{JOIN}[{inner}]{JOIN}]" if title else inner.replace("|", "", 1)
    if not bar:
        if INTERWIKI.match(title):
            return HOLE
        text = title.removeprefix(":").replace("''", f"'{JOIN}'")
    elif shown.strip():
        text = "\n".join(map(do_quotes, shown.split("\n")))
    else:
        text = _PIPE_TRICK.sub("", title.removeprefix(":").rpartition(":")[2]).strip()
    if address is not None and (url := address(title.removeprefix(":"))):
        return f"{JOIN}{LINK}{items.put(Item('link', url))}{text}{LINK_END}{JOIN}"
    return f"{JOIN}{text}{JOIN}"


def mark_external_links(text: str, items: Items, *, keep: bool) -> str:
    """Replace external links by their text: `[https://a.example A site]` -> `A site`.

    A link without text shows nothing. `keep` keeps the URL as a mark.
    """

    def shown(match: re.Match[str]) -> str:
        label = match[2].strip()
        if not plain(label).strip() and not label:
            return HOLE
        return f"{LINK}{items.put(Item('link', match[1]))}{label}{LINK_END}" if keep else label

    return _EXTERNAL.sub(shown, text) if "[" in text else text
