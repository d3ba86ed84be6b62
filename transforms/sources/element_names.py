"""The meaning of the tags, classes, ids and roles of elements, as bits of an integer."""

import re
from functools import lru_cache

WORDS: dict[str, str] = {
    "comment": "comment commentlist disqus respond discussion kommentar kommentare commentaire "
    "comentario",
    "reply": "reply replie",
    "post": "post message msg thread topic entry",
    "answer": "answer question qa",
    "sidebar": "sidebar aside rail widget secondary complementary side",
    "footer": "footer foot bottom colophon contentinfo",
    "header": "header masthead topbar head top",
    "lead": "hero jumbotron intro introduction lead lede standfirst deck summary abstract subtitle "
    "subheading",
    "teaser": "teaser excerpt snippet preview blurb",
    "navigation": "nav navbar navigation menu menubar submenu dropdown megamenu subnav sitemap",
    "breadcrumb": "breadcrumb crumb",
    "pagination": "pagination pager paging page next prev previous",
    "contents": "toc contents tableofcontents anchor jump",
    "tab": "tab tablist tabpanel panel",
    "related": "related recommend recommended recommendation similar also upsell crosssell "
    "suggestion suggested",
    "more": "more popular trending latest recent most recently viewed",
    "share": "share sharing social follow facebook twitter linkedin pinterest whatsapp",
    "advert": "promo promotion ad advert advertisement sponsor sponsored banner outbrain taboola "
    "adsense",
    "overlay": "cookie consent gdpr modal popup overlay dialog lightbox drawer offcanvas toast "
    "notice alert",
    "account": "newsletter subscribe subscription signup login signin register account paywall "
    "form input",
    "author": "author byline bio avatar user username profile member autor auteur poster",
    "date": "date time timestamp published dateline datum datetime",
    "meta": "meta metadata info detail stat view count counter",
    "tag": "tag category categorie label keyword badge taxonomy chip pill",
    "picture": "caption figure credit image img photo picture thumb thumbnail icon",
    "gallery": "gallery video media carousel slider swiper slideshow slide slick",
    "title": "title headline heading name",
    "content": "content body text copy prose richtext rte wysiwyg markdown texte inhalt contenido",
    "article": "article story blog news articlebody artikel",
    "main": "main primary",
    "description": "description desc overview about",
    "price": "price cost sale discount amount currency pricing offer deal",
    "cart": "cart basket buy checkout wishlist quantity qty shipping delivery stock variant swatch "
    "minicart",
    "review": "review rating star testimonial",
    "product": "product sku pdp produkt",
    "item": "item card tile cell",
    "list": "list listing result grid feed collection archive catalog row column col",
    "filter": "filter sort facet search refine toolbar tool control",
    "button": "button btn cta link action toggle badge",
    "specification": "spec specification attribute feature property propertie ingredient benefit",
    "accordion": "faq accordion collapse collapsible expand expandable details",
    "code": "code highlight sourcecode terminal snippet syntax pre",
    "unseen": "hidden visually sr screen reader invisible print skip hide offscreen assistive "
    "noprint",
    "legal": "copyright legal terms disclaimer privacy rights disclosure",
    "reference": "footnote reference citation ref reflist note",
    "vote": "vote score like votes upvote reaction flag report",
    "quote": "signature sig quote quoted bbcodeblock",
    "company": "team contact address location hours map office partner client logo brand",
    "event": "event schedule calendar program session",
    "document": "doc documentation docs document api guide tutorial reference",
}
"""Words of classes, ids and roles, in groups of one meaning; none is specific to a site.

A plural that ends in s matches its singular.
"""

TAGS = tuple(
    tuple(tags.split("+"))
    for tags in str.split(
        """
        nav footer header aside form+fieldset main article section figure table ul+menu ol li
        dl+dt+dd p blockquote pre h1 h2 h3 h4+h5+h6 a button label+legend details+summary
        figcaption+caption th td tr time noscript strong+b code+kbd+samp dialog address
        """
    )
)
"""Tags, each with one bit; those joined by + share a bit."""

TAG_BITS = {tag: 1 << number for number, tags in enumerate(TAGS) for tag in tags}
HIDDEN_BIT = 1 << len(TAGS)
_WORD_BITS: dict[str, int] = {}  # by word, in the three forms that `_WORD` finds
for _number, _words in enumerate(WORDS.values()):
    for _word in _words.split():
        for _form in (_word, _word.capitalize(), _word.upper()):
            _WORD_BITS[_form] = _WORD_BITS.get(_form, 0) | 1 << _number
for _form, _bits in list(_WORD_BITS.items()):
    _WORD_BITS.setdefault(f"{_form}{'S' if _form.isupper() else 's'}", _bits)
_KNOWN_WORDS = frozenset(_WORD_BITS)
LINK_BIT = TAG_BITS["a"]

TAG_NAMES = (*(tags[0] for tags in TAGS), "hidden")
_JUNK = """comment reply sidebar footer navigation breadcrumb pagination contents related more
    share advert overlay account author date meta tag gallery cart filter button legal vote"""
_CONTENT = "content article main description post answer title"
_NEAR = """comment related author date meta picture gallery content article main description
    price cart review product item list button advert overlay account navigation lead teaser
    title post"""
_UNDER = """comment post answer sidebar footer lead navigation related overlay account author
    meta content article main description cart review product item accordion unseen legal
    reference document"""


def _mask(names: str) -> int:
    return sum(1 << number for number, name in enumerate(WORDS) if name in names.split())


JUNK_NAMES, CONTENT_NAMES = _mask(_JUNK), _mask(_CONTENT)
"""Groups of WORDS that are evidence against main text, and for it."""
NEAR_NAMES = tuple(list(WORDS).index(name) for name in _NEAR.split())
UNDER_NAMES = tuple(list(WORDS).index(name) for name in _UNDER.split())

_WORD = re.compile(r"[a-z]+|[A-Z](?:[a-z]+|[A-Z]*(?![a-z]))")
_HIDDEN = re.compile(r'\shidden(?:=|\s|$)|display:\s*none|aria-hidden="true"')
_LABEL = re.compile(r' (class|id|role|itemprop)="([^"]*)"')


@lru_cache(1 << 15)
def name_bits(label: str) -> int:
    """The value of a class, id, role or itemprop -> one bit for each group of WORDS it matches."""
    bits = 0
    for word in _KNOWN_WORDS.intersection(_WORD.findall(label[:500])):
        bits |= _WORD_BITS[word]
    return bits


def attribute_bits(attributes: str) -> tuple[int, int, str]:
    """Serialised attributes of an element -> (HIDDEN_BIT or 0, bits of its names, class)."""
    bits, named, label = 0, 0, ""
    if ("hidden" in attributes or "none" in attributes) and _HIDDEN.search(attributes):
        bits = HIDDEN_BIT
    for name, value in _LABEL.findall(attributes):
        named |= name_bits(value)
        if name == "class":
            label = value
    return bits, named, label
