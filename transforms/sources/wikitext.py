"""Convert MediaWiki markup to plain text or Markdown, in the order of MediaWiki's own parser.

First come comments and extension tags (`wiki_extensions`), then templates and language variants
(`wiki_braces`), HTML tags and links (`wiki_inline`), lines and tables as blocks (`wiki_blocks`),
and the output (`wiki_render`). The time of each step is linear in the length. The output of
templates is unknown except for some families (`wiki_templates`).
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
    """Convert wikitext to plain text, or to GitHub-flavoured Markdown of the same text.

    Markdown includes tables, plain text does not.

    Args:
        wikitext: the source of a page.
        dropped_links: lowercase names of further namespaces to which links show no text, besides
            those that MediaWiki has in many languages.
        title: the page's title, for `{{PAGENAME}}`.
        output: "text" or "markdown".
        links: whether Markdown keeps the URLs of links.
        address: title -> URL of a page; without it internal links are only their text.
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
