"""Removal of wiki markup: by construct, and for arbitrary text."""

import mwparserfromhell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sources.wikitext import wikitext_to_text

DROPPED = frozenset(("file", "image", "category"))


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Bold''', ''italic'' and '''''both'''''.", "Bold, italic and both."),
        (
            "A [[link]], a [[page|shown link]], [[link]]s, [[:Category:Mills|mills]].",
            "A link, a shown link, links, mills.",
        ),
        ("A [[page#part|''shown'' link]].", "A shown link."),
        ("Before [[File:A.jpg|thumb|A [[caption]] with {{t}}]]after.", "Before after."),
        ("Text.\n[[Category:Mills]]\n[[category: Rivers|*]]\n[[de:Mühle]]", "Text."),
        (
            "[https://a.example A site], [https://a.example], https://b.example.",
            "A site,, https://b.example.",
        ),
        ("Text{{template|a={{b|c}}|d}} goes on.", "Text goes on."),
        ("The mill (''Mühle''; {{lang|de|x}}) stands.", "The mill (Mühle; x) stands."),
        ("The mill ({{IPA|x}}; [[Mill|mill]]) stands.", "The mill (mill) stands."),
        ("The mill ({{IPA|x}}) stands {{when}}.", "The mill stands."),
        ('Fact.<ref>Book</ref><ref name=a /><ref name="b">{{cite|x}}</ref> More.', "Fact. More."),
        ("A <!-- hidden --> comment<!--\n-->.", "A comment."),
        ("So <math>x^2 < y</math> holds.", "So x^2 < y holds."),
        (
            "Caf&eacute; &amp; bar, 3&nbsp;km, 5&#160;&#x2013; 7 &lt;b&gt;",
            "Café & bar, 3 km, 5 – 7 <b>",
        ),
        (
            "* One\n* Two\n** Three\n# Four\n: Five\n; Six : seven",
            "• One\n• Two\n• Three\n• Four\nFive\nSix seven",
        ),
        (
            'Text.\n{| class="wikitable"\n|+ Caption\n! A !! B\n|-\n| 1 || 2\n|}\nMore.',
            "Text.\n\nMore.",
        ),
        ("Text.\n<table><tr><td>1</td></tr></table>\nMore.", "Text.\n\nMore."),
        ("Text.\n<gallery>\nFile:A.jpg|B\n</gallery>\nMore.", "Text.\n\nMore."),
        ("One<br>two<br />three", "One\ntwo\nthree"),
        ('<small>Small</small>, <span style="x">span</span>, H<sub>2</sub>O', "Small, span, H2O"),
        ("<nowiki>[[not a link]]</nowiki>", "[[not a link]]"),
        ("<div>\nA block\n</div>\nafter", "A block\n\nafter"),
        ("__NOTOC__\nText.\n----\nMore. __KEIN_INHALTSVERZEICHNIS__", "Text.\n\nMore."),
        (
            "== Heading ==\nText.\n=== Sub ''heading'' ===\nMore.",
            "Heading\n\nText.\n\nSub heading\n\nMore.",
        ),
        (
            "Text.\n== See also ==\n{{portal}}\n== Notes ==\n<references />\n== End ==\nWords.",
            "Text.\n\nEnd\n\nWords.",
        ),
        (
            "Text.\n== A ==\n=== B ===\n== C ==\n=== D ===\nWords.\n=== E ===\n",
            "Text.\n\nC\n\nD\n\nWords.",
        ),
        ("Broken [[link and {{template and '''bold", "Broken link and template and bold"),
        ("Text {{{1|default}}} here.", "Text here."),
        ("", ""),
        ("{{only|a template}}", ""),
    ],
)
def test_markup(wikitext: str, text: str) -> None:
    assert wikitext_to_text(wikitext, dropped_links=DROPPED) == text


@pytest.mark.parametrize(
    "unit",
    [
        "{{",
        "[[",
        "{{{",
        "{{a|",
        "{{a|b=",
        "[[a|",
        "{|\n",
        "{|\n|-\n|",
        "<div>",
        "<p>",
        "<ref name=a>",
        "<span style='",
        "[http://a ",
        "<!--",
        "[[a|{{b|<i>",
    ],
)
def test_open_constructs_take_linear_time(unit: str) -> None:
    wikitext_to_text(unit * 20_000)


MARKS = (
    "{{ }} [[ ]] {{{ }}} | = '' ''' {| |} |- ! <ref> </ref> <ref/> <br> <!-- --> == === & &amp; "
    "&#x110000; &#0; [http://a.b ] * # : ; "
    "<nowiki> </nowiki> <math> </math> <div> </div> </p> < > - --- __A__ word [[File: [[Category: "
    "é 𝒳"
)
PIECES = st.sampled_from([*MARKS.split(), "\n", " ", "\ud800"])


@given(st.lists(PIECES | st.text(max_size=3), max_size=60).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_wikitext_becomes_text(wikitext: str) -> None:
    text = wikitext_to_text(wikitext, dropped_links=DROPPED)
    assert text == text.strip("\n")
    assert "\n\n\n" not in text


SIMPLE = (
    "word",
    " ",
    "\n",
    "[[a|b]]",
    "[[c]]s",
    "'''d''' ",
    "''e'' ",
    "{{t|x={{u}}}}",
    "&amp;",
    "<b>f</b>",
    "<!-- g -->",
    "[http://h.i j]",
    "(k)",
    "é,",
)


@given(st.lists(st.sampled_from(SIMPLE), max_size=40).map("".join))
@settings(deadline=None)
def test_the_parser_s_own_text_is_the_same_where_nothing_else_is_dropped(wikitext: str) -> None:
    own = mwparserfromhell.parse(wikitext).strip_code()
    assert (
        wikitext_to_text(wikitext, dropped_links=DROPPED).split() == own.replace(" ,", ",").split()
    )
