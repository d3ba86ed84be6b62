"""MediaWiki markup -> plain text or Markdown, in the order in which MediaWiki's own parser reads a page.

Comments and extension tags come first (`wiki_extensions`), then templates and language variants (`wiki_braces`), HTML tags, links
(`wiki_inline`), then lines and tables become blocks (`wiki_blocks`), which are written out (`wiki_render`). Every step takes time linear in
the length. What a template would have shown is not known but for some families (`wiki_templates`).
"""

from collections.abc import Callable
from typing import Literal

from transforms.sources.wiki_blocks import read_blocks, without_empty_sections
from transforms.sources.wiki_braces import expand_braces
from transforms.sources.wiki_extensions import take_out
from transforms.sources.wiki_inline import mark_external_links, mark_links, mark_tags
from transforms.sources.wiki_marks import Items
from transforms.sources.wiki_names import DROPPED_LINKS
from transforms.sources.wiki_render import to_markdown, to_text

Output = Literal["text", "markdown"]


def wikitext_to_text(
    wikitext: str,
    *,
    dropped_links: frozenset[str] = frozenset(),
    title: str = "",
    output: Output = "text",
    links: bool = False,
    address: Callable[[str], str | None] | None = None,
) -> str:
    """Wikitext -> plain text, or GitHub-flavoured Markdown that reads back as the same text (and its tables, which text leaves out).

    Args:
        wikitext: a page as it was written.
        dropped_links: names of namespaces, in lower case, to which a link shows no text, beside those MediaWiki has in many languages.
        title: the page's, for `{{PAGENAME}}`.
        output: "text" or "markdown".
        links: whether Markdown keeps the addresses of links.
        address: a page's title -> its address; without it internal links are their text alone.
    """
    items = Items()
    keep = links and output == "markdown"
    text = take_out(wikitext.replace("\r\n", "\n").replace("\r", "\n"), items)
    text = mark_tags(expand_braces(text, title=title))
    text = mark_links(
        text, items, dropped=DROPPED_LINKS | dropped_links, address=address if keep else None
    )
    text = mark_external_links(text, items, keep=keep)
    blocks = read_blocks(text, items)
    if output == "markdown":
        return to_markdown(without_empty_sections(blocks), items, links=keep)
    return to_text(
        without_empty_sections([block for block in blocks if block.kind != "table"]), items
    )
