"""Wikitext of many languages as text and as Markdown: quotes, code, variants, templates, tables."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sources.markdown_reader import kinds, markdown_text
from transforms.sources.wiki_inline import do_quotes
from transforms.sources.wikitext import wikitext_to_text

QUOTES = [
    ("''Titanic'''s crew", "Titanic's crew"),
    ("''a''", "a"),
    ("'''a'''", "a"),
    ("''''a''''", "'a'"),
    ("'''''a'''''", "a"),
    ("''''''a''''''", "'a'"),
    ("''''''''a", "'''a"),
    ("'''a''b'''''", "ab"),
    ("'''''a'''b''", "ab"),
    ("'''''a''b'''", "ab"),
    ("''a'''b'''c''", "abc"),
    ("''a", "a"),
    ("'''a", "a"),
    ("it's 'a'", "it's 'a'"),
    ("L'''amour'' est", "L'amour est"),
    ("''L'''arbre'''", "Larbre"),
    ("de l''''eau'''", "de l'eau"),
    ("'''a'' b ''' c", "a b  c"),
    ("ab'''cd x '''e ''f''", "ab'''cd x '''e ''f''".replace("'''", "").replace("''", "")),
    ("x l'''a b'''c d'''e ''f", "x l'a bc de f"),
    ("xy'''a ''f", "xy'a f"),
    ("xy '''a ''f", "xy 'a f"),
    ("é'''a ''f xyz'''b c'''d", "éa f xyzb c'd"),
    (" é'''a x y'''b ''c'''d", " éa x y'b cd"),
    ("''''' x", " x"),
]


@pytest.mark.parametrize(("line", "text"), QUOTES)
def test_quotes_as_mediawiki_reads_them(line: str, text: str) -> None:
    assert do_quotes(line) == text


CASES = [
    # protected text
    (
        "<nowiki>''x''</nowiki> <nowiki>{{t}}</nowiki> <nowiki>[[a|b]]</nowiki>",
        "''x'' {{t}} [[a|b]]",
    ),
    ("<nowiki>&lt;b&gt; &amp;amp; <b>x</b></nowiki>", "<b> &amp; <b>x</b>"),
    ("a<nowiki />b, ''' <nowiki/>''' and <NOWIKI>''y''</NOWIKI>", "ab, and ''y''"),
    ("<nowiki>* no list</nowiki>\n<nowiki/># none", "* no list\n# none"),
    ("{{nowrap|<nowiki>a|b=c</nowiki>}}", "a|b=c"),
    ("[[a|<nowiki>b]]c</nowiki>]]", "b]]c"),
    # code and preformatted text
    (
        "T\n<syntaxhighlight lang=\"python\">\nif x:\n    y = '''z'''\n</syntaxhighlight>\nM",
        "T\n\nif x:\n    y = '''z'''\n\nM",
    ),
    (
        "<source lang=c>\n#include <a.h>\n\tint *x = {{1}};\n</source>",
        "#include <a.h>\n\tint *x = {{1}};",
    ),
    ("a <syntaxhighlight lang=c inline>x || y</syntaxhighlight> b", "a x || y b"),
    ("T\n<pre>\na\n  ''b'' &lt; [[c]]\n</pre>", "T\n\na\n  ''b'' < [[c]]"),
    ("T\n\n code ''it''\n   more\n\nE", "T\n\ncode it\n  more\n\nE"),
    ("T\n\n a\n \n   b\n\nE", "T\n\na\n\n  b\n\nE"),
    (
        "''[[Titanic]]'''s and <code><nowiki>{{x}}</nowiki></code> <nowiki><!-- y --></nowiki>",
        "Titanic's and {{x}} <!-- y -->",
    ),
    (
        "T\n<poem>\nRoses are ''red'',\n  violets [[blue]]\n\n:sugar\n</poem>",
        "T\n\nRoses are red,\n  violets blue\n\n  sugar",
    ),
    # lines that look like tables
    ("T\n| a pipe\n! bang\n|- x\nE", "T\n| a pipe\n! bang\n|- x\nE"),
    ("| first\n{|\n| x\n|}\n| after", "| first\n\n| after"),
    ("T\n{| open\n| x || y\n\nAfter", "T\n\nAfter"),
    ("T\n{| open\n| x\n== H ==\nAfter", "T\n\nH\n\nAfter"),
    ("{| \n| a\n{|\n| b\n|}\n| c\n|}\nE", "E"),
    ("{{(!}}\n{{!}} a\n{{!)}}\nE", "E"),
    # language variants
    ("-{zh-hans:计算机; zh-hant:電腦}-是机器", "计算机是机器"),
    ("-{zh-tw:電腦;zh-cn:计算机;}-", "计算机"),
    ("-{zh-hk:的士; zh-tw:計程車}-", "計程車"),
    ("-{zh:甲; zh-hans:乙}-", "甲"),
    ("a-{T|zh-cn:x; zh-tw:y}-b-{H|zh-cn:x;zh-tw:y}-c", "abc"),
    ("-{A|zh-hans:甲;zh-hant:乙}--{原文}--{R|raw}-", "甲原文raw"),
    ("-{zh-hans:-{內}-; zh-hant:x}- -{zh-hans;zh-hant|共用}-", "內 共用"),
    ("-{zh:{{lang|en|foo}}; zh-hk:z}-，-{zh-hans:[[甲|乙]]; zh-hant:丙}-", "foo，乙"),
    ("-{H|巨集=>zh-cn:宏;}-宏", "宏"),
    (
        "-{sr-el:Beograd; sr-ec:Београд}- -{kk-latn:a; kk-cyrl:б}- -{uz-cyrl:б; uz-latn:b}-",
        "Београд б b",
    ),
    ("a -{Windows XP}- -{}- -{{{lang|en|x}}}- b-{{snd}}-c", "a Windows XP x b- – -c"),
    # ruby
    (
        "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>を",
        "漢字を",
    ),
    ("<ruby lang=ja><rb>東京</rb><rt>とうきょう</ruby>へ{{ruby|漢字|かんじ}}", "東京へ漢字"),
    # formulas
    (
        "So <math>x^2 < y</math>, <chem>H2O</chem>, <ce>CO2</ce>.",
        "So x^2 < y, \\ce{H2O}, \\ce{CO2}.",
    ),
    ("Eq:\n: <math>E = mc^2</math>\nEnd", "Eq:\n\nE = mc^2\n\nEnd"),
    ('a <math display="block">\\frac{a}{b}</math> b', "a\n\n\\frac{a}{b}\n\nb"),
    # superscripts and subscripts
    (
        "10<sup>80</sup>, x<sub>i</sub>, H<sub>2</sub>O, m<sup>2</sup>, 10<sup>−3</sup>",
        "10^80, x_i, H2O, m^2, 10^−3",
    ),
    (
        "x<sup>''n''+1</sup> a<sub>n+1</sub> Ca<sup>2+</sup> Na<sup>+</sup>",
        "x^(n+1) a_(n+1) Ca^2+ Na^+",
    ),
    (
        "1<sup>st</sup> XIX<sup>e</sup> M<sup>me</sup> 2<sup>nd</sup> X<sup>TM</sup>",
        "1st XIXe Mme 2nd X™",
    ),
    (
        "word<sup>[1]</sup> und<sup>[[#n|[2]]]</sup> text<sup>*</sup> note<sup>12</sup> 1945<sup>"
        "12</sup>",
        "word und text note 1945",
    ),
    (
        "C<sub>6</sub>H<sub>12</sub>O<sub>6</sub>, SO<sub>4</sub><sup>2−</sup>, Ca(OH)<sub>2</sub>",
        "C6H12O6, SO4^2−, Ca(OH)2",
    ),
    (
        "cosh<sup>2</sup> x, 5 metres<sup>2</sup>, 3 Kilometer<sup>2</sup>, mc<sup>2</sup>",
        "cosh^2 x, 5 metres^2, 3 Kilometer^2, mc^2",
    ),
    ("log<sub>2</sub> x, <sup>14</sup>C, T<sub>1</sub>, B<sub>12</sub>", "log_2 x, ^14C, T_1, B12"),
    # templates whose text is known
    (
        "{{convert|5|to|10|km|mi}} {{cvt|6|ft|2|in|m}} {{convert|3|sqmi}}",
        "5 to 10 km 6 ft 2 in 3 sq mi",
    ),
    (
        "{{val|1.5|0.2|e=-10|u=m}} {{frac|1|2}} {{frac|3|1|4}} {{unité|5|km}}",
        "1.5 ± 0.2 × 10^-10 m 1/2 3 1/4 5 km",
    ),
    (
        "{{lang|de|''Mühle''}} {{lang-fr|moulin}} {{laS|mola}} {{transl|ja|Hepburn|Tōkyō}}",
        "Mühle moulin mola Tōkyō",
    ),
    (
        "{{nowrap|a [[b]]}}{{snd}}{{small|c}} {{abbr|Dr.|Doctor}} x{{sup|2}} {{ill|Name|de|Other}}",
        "a b – c Dr. x^2 Name",
    ),
    (
        "{{nihongo|Tokyo|東京|Tōkyō}}, {{PAGENAME}}, {{formatnum:1234}}",
        "Tokyo (東京, Tōkyō), Mill, 1234",
    ),
    ("{{Quote|Some ''words''|Author}}", "Some words"),
    ("a{{unknown|x}}b {{cite web|url=x}} c {{#if:x|y}} d", "ab c d"),
    # files, categories, other languages
    (
        "[[Datei:x.jpg|mini|Bild [[a]]]][[Fichier:a.png]][[ファイル:x.jpg|thumb|説明]][[파일:x]]T",
        "T",
    ),
    (
        "a[[File:x|thumb|See [http://a.b c]]]b [[File:y|z [[d]] [http://e f].]]c [[g|h [http://i "
        "j]]]",
        "ab c h j",
    ),
    ("[[Kategorie:X]]T[[Категория:Y|*]][[分類:Z]][[カテゴリ:A]]", "T"),
    (
        "[[:Datei:x.jpg]] [[:Kategorie:X|Xe]] [[wikt:mill|mill]] [[Mill (river)|]] [[fr:Moulin]]",
        "Datei:x.jpg Xe mill Mill",
    ),
    # switches, comments, headings
    ("__NOTOC__ __БЕЗ_ОГЛАВЛЕНИЯ__ __目次非表示__ __notoc__ x", "x"),
    ("__init__ and __FILE__", "__init__ and __FILE__"),
    (
        "== H == <!-- c -->\ntext\n<!-- alone -->\nmore\n=== unequal ==\nz",
        "H\n\ntext\nmore\n\n= unequal\n\nz",
    ),
    ("<h2>H</h2>text", "H\n\ntext"),
    # brackets and tags that are text
    (
        'a[b[0]], {"a": {"b": 1}}, [[1,2],[3,4]], f(), <stdio.h>, 1 < 2',
        'a[b[0]], {"a": {"b": 1}}, [[1,2],[3,4]], f(), <stdio.h>, 1 < 2',
    ),
    ("<font color=red>a</font> <center>b</center> <u>c <small>d", "a\n\nb\n\nc d"),
    (
        "&#146;tis &#x92; 5&nbsp;km &amp;eacute; &#91;&#91;x&#93;&#93; &#39;&#39;y&#39;&#39;",
        "’tis ’ 5 km &eacute; [[x]] ''y''",
    ),
    ("&#42; no list\n&#61;&#61; none &#61;&#61;", "* no list\n== none =="),
    # lists
    (
        "<ul><li>one<ul><li>two</li></ul></li>\n<li>three</li></ul><ol><li>x</ol>",
        "• one\n• two\n• three\n• x",
    ),
    ("; term : def\n: ind\n:: ind2\n*# deep\n*: more", "term def\nind\nind2\n• deep\nmore"),
    ("<blockquote>\nQuoted\n\nsecond\n</blockquote>\nafter", "Quoted\n\nsecond\n\nafter"),
    ("<includeonly>x</includeonly>a<noinclude>b</noinclude><onlyinclude>c</onlyinclude>", "abc"),
    ("a <ref name=x> unclosed", "a unclosed"),
    (
        "[http://a.b label] [//x.y z] [mailto:a@b.c d] [ftp://x] http://x.y/a_b",
        "label z d http://x.y/a_b",
    ),
    (
        "It costs $5, *x* _y_ `z` [x](y) ~~s~~ a_b \\* #x\n1. foo\n+ plus\n- minus\n> q",
        "It costs $5, *x* _y_ `z` [x](y) ~~s~~ a_b \\* #x\n1. foo\n+ plus\n- minus\n> q",
    ),
    ("a\n---\nb\n\na\n==\nb", "a\n---\nb\n\na\n==\nb"),
]


@pytest.mark.parametrize(("wikitext", "text"), CASES)
def test_cases(wikitext: str, text: str) -> None:
    assert wikitext_to_text(wikitext, title="Mill") == text


def squeezed(text: str) -> str:
    return re.sub(r"[\s•]", "", text)


@pytest.mark.parametrize("wikitext", [case[0] for case in CASES])
def test_markdown_reads_back_as_the_text(wikitext: str) -> None:
    markdown = wikitext_to_text(wikitext, title="Mill", output="markdown")
    assert squeezed(markdown_text(markdown, tables=False)) == squeezed(
        wikitext_to_text(wikitext, title="Mill")
    )


@pytest.mark.parametrize(
    ("wikitext", "markdown"),
    [
        ("== H ==\nt\n=== # S # ===\nu", "## H\n\nt\n\n### # S \\#\n\nu"),
        ("* a\n** b\n**# c\n**# d\n* e\n\nT", "- a\n  - b\n    1. c\n    2. d\n- e\n\nT"),
        ("# a\n# b\n#* c\n# d", "1. a\n2. b\n   - c\n3. d"),
        ("* a\n*: more\n* b", "- a\n\n  more\n- b"),
        (
            '{| class="x"\n|+ Cap\n! A !! B\n|-\n| style="y" | 1 || x{{!}}y\n|-\n| <code>p</code>'
            "\n|}",
            None,
        ),
        ("{|\n! scope=row | A\n| [[b|c]]<br>d\n|}", "| A | c d |\n| --- | --- |"),
        (
            "<table><tr><th>A</th><th>B</th></tr><tr><td>1 | 2</td><td>3</td></tr></table>",
            "| A | B |\n| --- | --- |\n| 1 \\| 2 | 3 |",
        ),
        ("<syntaxhighlight lang='C++'>\nx ``` y\n</syntaxhighlight>", "````c++\nx ``` y\n````"),
        ("a <code>x ` y</code> b", "a ``x ` y`` b"),
        ("x <math>a_1</math> y\n: <math>b</math>", "x $a_1$ y\n\n$$\nb\n$$"),
        ("{{quote|a\n\nb}}", "> a\n>\n> b"),
        ("a<br>b", "a\\\nb"),
        ("<poem>\na\n  b\n</poem>", "a\\\n\xa0\xa0b"),
        ("1. x\n\n# y", "1\\. x\n\n1. y"),
    ],
)
def test_markdown(wikitext: str, markdown: str | None) -> None:
    expected = (
        "Cap\n\n| A | B |\n| --- | --- |\n| 1 | y |\n| `p` |  |" if markdown is None else markdown
    )
    assert wikitext_to_text(wikitext, output="markdown") == expected


def test_links_by_option() -> None:
    wikitext = "A [[mill (river)|''old'' mill]]s, [https://a.b/x_(y) site] [[File:x.jpg]]."
    address = "https://w.org/{}".format
    kept = wikitext_to_text(wikitext, output="markdown", links=True, address=address)
    assert kept == "A [old mill](https://w.org/mill%20%28river%29)s, [site](https://a.b/x_%28y%29)."
    assert wikitext_to_text(wikitext, output="markdown", address=address) == "A old mills, site."
    assert wikitext_to_text(wikitext, links=True, address=address) == "A old mills, site."


def test_blocks_that_the_parser_finds() -> None:
    markdown = wikitext_to_text(
        "== H ==\n* a\n# b\n\n{|\n! x\n|-\n| y\n|}\n<pre>c</pre>", output="markdown"
    )
    expected = ["heading_open", "bullet_list_open", "ordered_list_open", "table_open", "fence"]
    assert [kind for kind in kinds(markdown) if kind in expected] == expected


MARKS = (
    "{{ }} [[ ]] {{{ | ' '' ''' ! <ref> </ref> <br> <!-- --> === & &amp; [http://a.b ] <nowiki> "
    "</nowiki> <math>x_1</math> <div> </p> < > "
    "- --- __A__ word [[File: é ` `` ``` $ \\ ~~ [ ) 1. 2) + <code> </code> <pre> </pre> <sub> "
    "</sub> <sup> </sup> <poem> </poem> _ __ a_b "
    "*b* <blockquote> </blockquote> &lt;i&gt; ~~~ <source> </source> -{ }- zh: {{nowrap| {{quote| "
    "<li> <ul> </ul> &#42; # 5"
)
PIECES = st.sampled_from(
    [*MARKS.split(), *("\n",) * 4, *(" ",) * 4, "\n* ", "\n# ", "\n** ", "\n: ", "\n ", "\n\n"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_markdown_of_any_wikitext_reads_back_as_the_text(wikitext: str) -> None:
    markdown = wikitext_to_text(wikitext, output="markdown")
    assert squeezed(markdown_text(markdown)) == squeezed(wikitext_to_text(wikitext))
