"""Superscripts and subscripts of single sites: nuclides, degrees, times, verses, law, notes.

The same text comes from HTML pages and from wikitext.
"""

import pytest
from resiliparse.parse.html import HTMLTree

from tests.transforms.sources import test_exponents as pages
from transforms.sources.page_tree import page_tree
from transforms.sources.render import render
from transforms.sources.wikitext import wikitext_to_text

CASES = [
    ("<sup>99m</sup>Tc scan", "^99mTc scan"),
    ("<sup>1</sup>H NMR (<sup>13</sup>C)", "^1H NMR (^13C)"),
    ("[<sup>18</sup>F]FDG", "[^18F]FDG"),
    ("<sup>14</sup>C dating", "^14C dating"),
    ("<sup>12</sup>In the beginning", "In the beginning"),
    ("<sup>2</sup>And the earth", "And the earth"),
    ("it was good. <sup>4</sup>He said", "it was good. He said"),
    ("<sup>1</sup>B.S.N. degree", "B.S.N. degree"),
    ("20<sup>o</sup>C", "20°C"),
    ("20 <sup>o</sup>C", "20 °C"),
    ("37<sup>0</sup>C", "37°C"),
    ("52<sup>o</sup>31'N", "52°31'N"),
    ("5<sup>o</sup> piso", "5o piso"),
    ("10<sup>6</sup>/10<sup>3</sup>", "10^6/10^3"),
    ("10<sup>6</sup>/ml", "10^6/ml"),
    ("π<sup>2</sup>/6", "π^2/6"),
    ("2<sup>1</sup>/2 cups", "2 1/2 cups"),
    ("10<sup>1</sup>/<sub>2</sub> feet", "10 1/2 feet"),
    ("tCO<sub>2</sub>, pO<sub>2</sub>", "tCO2, pO2"),
    ("CH<sub>3</sub>(CH<sub>2</sub>)<sub>n</sub>CH<sub>3</sub>", "CH3(CH2)_nCH3"),
    ("FF<sub>16</sub>, 1A2B<sub>16</sub>", "FF_16, 1A2B_16"),
    ("12,000<sup>a</sup> people, 2019<sup>a</sup>", "12,000 people, 2019"),
    ("the 1990s<sup>5</sup>", "the 1990s"),
    ("COVID-19<sup>1</sup>, IL6<sup>3</sup>", "COVID-19, IL6"),
    ("约为10<sup>80</sup>个", "约为10^80个"),
    ("10<sup>1)</sup> und, 10<sup>(2)</sup>", "10 und, 10"),
    ("§ 5<sup>bis</sup>, 12<sup>ter</sup>", "§ 5bis, 12ter"),
    ("5<sup>€50</sup>, 5<sup>€</sup>", "5€50, 5€"),
    ("D.<sup>a</sup> María", "D.a María"),
    ("Smith, J.<sup>a</sup>, Doe", "Smith, J., Doe"),
    ("20<sup>h</sup>30", "20h30"),
    ("12<sup>h</sup>34<sup>m</sup>56.7<sup>s</sup>", "12h34m56.7s"),
    ("2<sup>m</sup>", "2^m"),
    ("xix<sup>e</sup> siècle", "xixe siècle"),
    ("C<sup>ie</sup>", "Cie"),
    ("5 metres<sup>2</sup>, the perimeter<sup>2</sup>", "5 metres^2, the perimeter"),
]
STACKED = (
    '<span style="display:inline-block;margin-bottom:-0.3em;vertical-align:-0.4em;'
    'line-height:1em">{}</span>'
)
MARKUP = [
    (
        '3<span class="frac"><span class="sr-only">+</span><span class="num">1</span>⁄<span '
        'class="den">2</span></span> in',
        "3 1/2 in",
    ),
    (STACKED.format("235<br>92") + "U decays", "^235_92U decays"),
    ("1.23" + STACKED.format("+0.05<br>−0.04") + " M", "1.23^+0.05_−0.04 M"),
    ("SO" + STACKED.format("<sup>2−</sup><br><sub>4</sub>") + " ion", "SO4^2− ion"),
    ('10<sup><xref ref-type="bibr" rid="r1">1</xref></sup> on', "10 on"),
    ("10<sup>6</sup>/<i>L</i>", "10^6/L"),
    (
        '10<sup>th</sup><span class="ltx_note"><sup class="ltx_note_mark">1</sup><span '
        'class="ltx_note_outer">1A note.</span></span> is',
        "10th is",
    ),
]


@pytest.mark.parametrize(("markup", "expected"), [*CASES, *MARKUP])
def test_pages(markup: str, expected: str) -> None:
    assert render(page_tree(HTMLTree.parse(f"<body><p>{markup}</p></body>"))) == expected


TABLES = [
    *pages.EXPONENTS, *pages.UNITS, *pages.INDICES, *pages.CHEMISTRY, *pages.ORDINALS,
    *pages.FRACTIONS, *pages.PRICES, *pages.FOOTNOTES,
]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        *CASES,
        *(
            case
            for case in TABLES
            if not any(
                sign in case[0] for sign in ("<a", "style=", "class=", "<h2", "<p>", "<div", "<img")
            )
        ),
    ],
)
def test_wikitext_has_the_same_rules(markup: str, expected: str) -> None:
    assert wikitext_to_text(markup, title="Mill") == expected
