"""Comments and extension tags of wikitext: MediaWiki removes them from a page first.

Their content is not wikitext: code, formulas and `<nowiki>` become items, references and galleries
are dropped.
"""

import html
import re
import textwrap

from transforms.sources.wiki_marks import ANY, HOLE, JOIN, VERSE, Item, Items
from transforms.sources.wiki_names import RAW_TAGS

_START = re.compile(rf"<!--|<(/?)({'|'.join(RAW_TAGS)})(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>/]+))")
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_TRANSPARENT = frozenset(("noinclude", "onlyinclude", "section", "translate", "tvar"))
_INDENT = re.compile(r"^(?:[ \t\xa0]|&nbsp;|&#160;)+|^:+")


def decode_entities(text: str) -> str:
    """Decode character references that end with `;`; those of C1 controls are windows-1252."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def take_out(wikitext: str, items: Items) -> str:
    """Remove comments and extension tags; their items are added to `items`.

    A tag without an end is dropped, its content kept. The time is linear in the length: a missing
    end is searched only once.
    """
    source = ANY.sub("", wikitext)
    out: list[str] = []
    at = 0
    missing: set[str] = set()
    while match := _START.search(source, at):
        start, end = match.span()
        out.append(source[at:start])
        if match[2] is None:
            at = _comment_end(source, end, out)
            continue
        name = match[2].lower()
        close = source.find(">", end) if ">" not in missing else -1
        if close < 0:
            missing.add(">")
            out.append(source[start:end])
            at = end
            continue
        at = close + 1
        if match[1]:
            continue
        if source[close - 1] == "/":
            out.append({"nowiki": JOIN}.get(name, HOLE if name not in _TRANSPARENT else ""))
            continue
        if name in _TRANSPARENT:
            continue
        ending = (
            None
            if name in missing
            else re.compile(rf"</{name}\s*>", re.IGNORECASE).search(source, at)
        )
        if ending is None:
            missing.add(name)
            at = len(source) if name == "includeonly" else at
            continue
        out.append(_replaced(name, source[end:close], source[at : ending.start()], items))
        at = ending.end()
    out.append(source[at:])
    return "".join(out)


def _comment_end(source: str, start: int, out: list[str]) -> int:
    """Where a comment ends; one on a line of its own includes the line end."""
    end = source.find("-->", start)
    end = len(source) if end < 0 else end + 3
    before = out[-1]
    line = before.rstrip(" \t")
    if line.endswith("\n") or (not line and all(not part for part in out)):
        stop = end + len(source[end : end + 200]) - len(source[end : end + 200].lstrip(" \t"))
        if source[stop : stop + 1] == "\n":
            out[-1] = line
            return stop + 1
    return end


def _replaced(name: str, attributes: str, content: str, items: Items) -> str:
    if name == "nowiki":
        return items.put(Item("text", decode_entities(content)))
    if name == "pre":
        inner = re.sub(r"</?nowiki\s*/?>", "", content, flags=re.IGNORECASE)
        return items.put(Item("block", _code(decode_entities(inner))))
    if name in ("syntaxhighlight", "source"):
        return _highlighted(attributes, content, items)
    if name in ("math", "chem", "ce"):
        tex = " ".join(html.unescape(content).split())
        if not tex:
            return HOLE
        given = _attributes(attributes)
        tex = tex if name == "math" and given.get("chem") is None else f"\\ce{{{tex}}}"
        return items.put(Item("display" if given.get("display") == "block" else "math", tex))
    return _verse(content, items) if name == "poem" else HOLE


def _attributes(text: str) -> dict[str, str]:
    return {
        match[1].lower(): next(filter(None, match.groups()[1:]), "")
        for match in _ATTRIBUTE.finditer(text)
    }


def _highlighted(attributes: str, content: str, items: Items) -> str:
    given = _attributes(attributes)
    if given.get("enclose") == "none" or re.search(
        r"(?:^|\s)inline\b", attributes.strip().rstrip("/")
    ):
        return items.put(Item("code", " ".join(content.split())))
    language = re.sub(r"[^\w+#.-]", "", given.get("lang", ""))
    return items.put(Item("block", _code(content), language.lower()))


def _code(content: str) -> str:
    """A code block without the blank lines around it; indentation is unchanged."""
    lines = content.replace("\r\n", "\n").split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    return "\n".join(lines).rstrip()


def _verse(content: str, items: Items) -> str:
    """A poem: lines keep their indentation and are otherwise read as wikitext."""
    lines = []
    for line in textwrap.dedent(take_out(content, items).strip("\n")).split("\n"):
        match = _INDENT.match(line)
        depth = (
            0
            if match is None
            else len(match[0]) * 2
            if match[0][0] == ":"
            else len(decode_entities(match[0]))
        )
        lines.append(f"{VERSE}{' ' * depth}{line[match.end() if match else 0 :]}")
    return "\n\n" + "\n".join(lines) + "\n\n"
