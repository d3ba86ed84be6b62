"""Formulas: the TeX of each once, from any place in a page; MathML without TeX is converted."""

import pytest
from resiliparse.parse.html import HTMLTree

from transforms.sources.extractors import extract_main_text
from transforms.sources.formulas import clean_tex
from transforms.sources.page_tree import page_tree
from transforms.sources.render import render


def text_of(markup: str, output: str = "text") -> str:
    return render(page_tree(HTMLTree.parse(f"<body>{markup}</body>")), output=output)  # type: ignore[arg-type]


KATEX = (
    '<span class="katex"><span class="katex-mathml"><math'
    ' xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><msup><mi>x</mi><mn>2</mn>'
    '</msup></mrow><annotation encoding="application/x-tex">x^2</annotation></semantics></math>'
    '</span><span class="katex-html" '
    'aria-hidden="true"><span class="base"><span class="mord"><span class="mord mathnormal">'
    'x</span><span class="msupsub">2</span></span>'
    "</span></span></span>"
)
WIKIPEDIA = (
    '<span class="mwe-math-element mwe-math-element-inline"><span class="mwe-math-mathml-inline'
    ' mwe-math-mathml-a11y" style="display: none;">'
    '<math alttext="{\\displaystyle'
    ' x^{2}}"><semantics><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow><annotation '
    'encoding="application/x-tex">'
    "{\\displaystyle x^{2}}</annotation></semantics></math></span><img "
    'src="https://wikimedia.org/api/rest_v1/media/math/render/svg/1" '
    'class="mwe-math-fallback-image-inline" aria-hidden="true" alt="{\\displaystyle x^{2}}"></span>'
)
MATHJAX2 = (
    '<span class="MathJax_Preview" style="color: inherit;">x2</span><span class="MathJax"'
    ' id="MathJax-Element-1-Frame"><nobr><span class="math">'
    '<span>x</span><span>2</span></span></nobr></span><script type="math/tex" '
    'id="MathJax-Element-1">x^2</script>'
)
MATHJAX2_DISPLAY = (
    '<div class="MathJax_Display"><span class="MathJax" id="MathJax-Element-2-Frame"><span '
    'class="math">x2</span></span></div>'
    '<script type="math/tex; mode=display" id="MathJax-Element-2">x^2</script>'
)
MATHJAX2_CHTML = (
    '<span class="MathJax_Preview"></span><span class="mjx-chtml MathJax_CHTML"'
    ' data-mathml="&lt;math&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;">'
    '<span class="mjx-math" aria-hidden="true">x2</span><span'
    ' class="MJX_Assistive_MathML"><math><msup><mi>x</mi><mn>2</mn></msup></math></span>'
    '</span><script type="math/tex">x^2</script>'
)
MATHJAX2_ALONE = (
    '<span class="MathJax" data-mathml="&lt;math&gt;&lt;msup&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;mn&gt;'
    '2&lt;/mn&gt;&lt;/msup&gt;&lt;/math&gt;">'
    '<nobr aria-hidden="true">x2</nobr><span class="MJX_Assistive_MathML"><math><msup><mi>x</mi>'
    "<mn>2</mn></msup></math></span></span>"
)
MATHJAX3 = (
    '<mjx-container class="MathJax" jax="CHTML"><mjx-math'
    ' aria-hidden="true"><mjx-msup><mjx-mi>x</mjx-mi><mjx-mn>2</mjx-mn></mjx-msup></mjx-math>'
    '<mjx-assistive-mml unselectable="on"'
    ' display="inline"><math><msup><mi>x</mi><mn>2</mn></msup></math></mjx-assistive-mml>'
    "</mjx-container>"
)
LATEXML = (
    '<math id="S1.p1.m1" class="ltx_Math" alttext="x^{2}" display="inline"><semantics><msup><mi>'
    "x</mi><mn>2</mn></msup><annotation-xml "
    'encoding="MathML-Content"><apply><ci>x</ci><cn>2</cn></apply></annotation-xml><annotation'
    ' encoding="application/x-tex">x^{2}</annotation>'
    '<annotation encoding="application/x-llamapun">italic_x 2</annotation></semantics></math>'
)
HALF = "<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>"

ONCE = [
    (KATEX, "x^2"),
    (f'<span class="katex-display">{KATEX}</span>', "x^2"),
    (WIKIPEDIA, "x^{2}"),
    (MATHJAX2, "x^2"),
    (MATHJAX2_DISPLAY, "x^2"),
    (MATHJAX2_CHTML, "x^2"),
    (MATHJAX2_ALONE, "x^2"),
    (MATHJAX3, "x^2"),
    (LATEXML, "x^{2}"),
    ('<script type="math/tex">\\frac{1}{2}</script>', "\\frac{1}{2}"),
    ('<script type="math/tex; mode=display">a<b</script>', "a<b"),
    ('<script type="math/tex">% <![CDATA[\na<b %]]></script>', "a<b"),
    ('<script type="math/mml"><math><msup><mi>x</mi><mn>2</mn></msup></math></script>', "x^2"),
    ('<img class="latex" alt="x^2" src="a.png">', "x^2"),
    ('<img class="tex" alt="\\frac{1}{2}" src="a.png">', "\\frac{1}{2}"),
    ('<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle x^{2}}" src="a">', "x^{2}"),
    ('<img alt="$x^2$" src="a.png">', "x^2"),
    ('<img alt="\\(x^2\\)" src="a.png">', "x^2"),
    ('<img alt="\\[x^2\\]" src="a.png">', "x^2"),
    ('<img src="https://latex.codecogs.com/gif.latex?x" alt="\\sqrt{x}">', "\\sqrt{x}"),
    ('<img src="https://s0.wp.com/latex.php?latex=a" alt="x^2" class="latex">', "x^2"),
    ('<img src="chart?cht=tx&amp;chl=a" alt="\\sqrt{x}">', "\\sqrt{x}"),
    ('<span class="math inline">\\(x^2\\)</span>', "x^2"),
    ('<span class="math display">\\[x^2\\]</span>', "x^2"),
    ('<span class="math-container">$x^2$</span>', "$x^2$"),
    ("the value $x^2$ in text", "the value $x^2$ in text"),
    ("the value \\(x^2\\) in text", "the value \\(x^2\\) in text"),
    ('<span class="texhtml"><var>x</var><sup>2</sup></span>', "x^2"),
    ('<span class="texhtml">1945<sup>2</sup></span>', "1945^2"),
    ("<var>x</var><sub>1</sub>", "x_1"),
    (HALF, "\\frac{1}{2}"),
    ('<math alttext="\\frac{1}{2}"><mfrac><mn>1</mn><mn>2</mn></mfrac></math>', "\\frac{1}{2}"),
    ('<mjx-container data-latex="x^2"><mjx-math>x2</mjx-math></mjx-container>', "x^2"),
    (f"<p>one {KATEX} two {WIKIPEDIA} three</p>", "one x^2 two x^{2} three"),
    ('<img class="photo" alt="a cat on $5 and $6" src="cat.jpg">', ""),
    ('<img class="photo" alt="a cat" src="cat.jpg">', ""),
    ('<img src="mathematics-building.jpg" alt="The building of the faculty">', ""),
]


@pytest.mark.parametrize(("markup", "expected"), ONCE)
def test_a_formula_is_its_tex_once(markup: str, expected: str) -> None:
    assert text_of(markup) == expected


MATHML = [
    ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "\\frac{1}{2}"),
    ("<mn>3</mn><mfrac><mn>1</mn><mn>2</mn></mfrac>", "3\\frac{1}{2}"),
    ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
    ("<msup><mn>10</mn><mn>80</mn></msup>", "10^{80}"),
    ("<msup><mi>e</mi><mrow><mo>−</mo><mi>x</mi></mrow></msup>", "e^{-x}"),
    ("<msub><mi>x</mi><mi>i</mi></msub>", "x_i"),
    ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "x_i^2"),
    (
        "<msup><mrow><mo>(</mo><mi>a</mi><mo>+</mo><mi>b</mi><mo>)</mo></mrow><mn>2</mn></msup>",
        "{(a+b)}^2",
    ),
    ("<msqrt><mn>2</mn></msqrt>", "\\sqrt{2}"),
    ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "\\sqrt{x+1}"),
    ("<mroot><mi>x</mi><mn>3</mn></mroot>", "\\sqrt[3]{x}"),
    (
        "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
        "<mi>i</mi>",
        "\\sum_{i=1}^n i",
    ),
    ("<munder><mo>lim</mo><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder>", "\\lim_{x\\to 0}"),
    ("<mover><mi>x</mi><mo>¯</mo></mover>", "\\bar{x}"),
    ("<mover><mi>v</mi><mo>→</mo></mover>", "\\vec{v}"),
    ("<mover accent='true'><mi>x</mi><mo>^</mo></mover>", "\\hat{x}"),
    ("<mfenced><mi>x</mi><mi>y</mi></mfenced>", "(x,y)"),
    ("<mfenced open='[' close=']' separators=';'><mn>1</mn><mn>2</mn></mfenced>", "[1;2]"),
    ("<mi>α</mi><mo>≤</mo><mi>β</mi>", "\\alpha\\leq\\beta"),
    ("<mi>α</mi><mi>x</mi>", "\\alpha x"),
    ("<mn>1</mn><mn>2</mn>", "1 2"),
    ("<mi>sin</mi><mo>&#8289;</mo><mi>x</mi>", "\\sin x"),
    ("<mi>Re</mi>", "\\mathrm{Re}"),
    ("<mtext>if </mtext><mi>x</mi>", "\\text{if }x"),
    (
        "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr><mtr><mtd><mn>3</mn></mtd>"
        "<mtd><mn>4</mn></mtd></mtr></mtable>",
        "\\begin{matrix}1 & 2 \\\\ 3 & 4\\end{matrix}",
    ),
    ("<mmultiscripts><mi>C</mi><mprescripts/><none/><mn>14</mn></mmultiscripts>", "{}^{14}C"),
    ("<mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac>", "\\binom{n}{k}"),
    (
        "<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mfrac><mn>2</mn><mn>3</mn></mfrac>"
        "</mfrac>",
        "\\frac{a+1}{\\frac{2}{3}}",
    ),
    ("<mstyle displaystyle='true'><mi>x</mi></mstyle>", "x"),
    ("<mi>x</mi><mphantom><mn>9</mn></mphantom>", "x"),
    ("<mo>{</mo><mi>x</mi><mo>}</mo>", "\\{x\\}"),
    ("<mn>50</mn><mo>%</mo>", "50\\%"),
    ("x + 1", "x + 1"),
]


@pytest.mark.parametrize(("markup", "expected"), MATHML)
def test_mathml_becomes_tex(markup: str, expected: str) -> None:
    assert text_of(f"<math>{markup}</math>") == expected
    assert (
        text_of(
            f"<math><semantics><mrow>{markup}</mrow><annotation encoding='text/plain'>"
            "q</annotation></semantics></math>"
        )
        == expected
    )


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("$x$", "x"),
        ("$$x$$", "x"),
        ("\\[ x \\]", "x"),
        ("{\\displaystyle {\\frac {1}{2}}}", "{\\frac {1}{2}}"),
        ("{\\displaystyle x}+{y}", "{\\displaystyle x}+{y}"),
        ("\\displaystyle x", "x"),
        ("\\displaystylex", "\\displaystylex"),
        (" a\n  b ", "a b"),
        ("a%\nb", "ab"),
    ],
)
def test_tex_is_cleaned(tex: str, expected: str) -> None:
    assert clean_tex(tex) == expected


def test_formulas_in_markdown() -> None:
    assert text_of(f"<p>one {KATEX} two</p>", "markdown") == "one $x^2$ two"
    assert text_of(f"<p>one {HALF} two</p>", "markdown") == "one $\\frac{1}{2}$ two"
    assert (
        text_of('<p>a<script type="math/tex; mode=display">x^2</script>b</p>', "markdown")
        == "a\n\n$$x^2$$\n\nb"
    )
    # TeX that a parser without formulas would change is in GitHub's code form.
    assert (
        text_of('<p>a <script type="math/tex">\\{x\\}</script></p>', "markdown") == "a $`\\{x\\}`$"
    )
    assert (
        text_of('<script type="math/tex; mode=display">a \\\\ b</script>', "markdown")
        == "```math\na \\\\ b\n```"
    )


MATHML = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (f'<mjx-container><mjx-math><mjx-c></mjx-c></mjx-math><mjx-assistive-mml>'
         f'{MATHML}</mjx-assistive-mml></mjx-container>', "x^2"),
        (f'<mjx-container jax="SVG"><svg><g></g></svg><mjx-assistive-mml>'
         f'{MATHML}</mjx-assistive-mml></mjx-container>', "x^2"),
        ('<mjx-container jax="SVG"><svg><g data-latex="x^2"><g data-latex="x"></g></g></svg>'
         '</mjx-container>', "x^2"),
        (f'<span class="MathJax_SVG" data-mathml="{MATHML.replace("<", "&lt;")}"><svg><path d=""/>'
         f'</svg></span>', "x^2"),
        ("<m:math><m:mfrac><m:mn>1</m:mn><m:mn>2</m:mn></m:mfrac></m:math>", "\\frac{1}{2}"),
        ("<mml:math><mml:mmultiscripts><mml:mi>U</mml:mi><mml:mprescripts/><mml:mn>92</mml:mn>"
         "<mml:mn>235</mml:mn></mml:mmultiscripts></mml:math>",
         "{}_{92}^{235}U"),
        ("<m:math><m:mn>1</m:mn><m:mspace/><m:mn>2</m:mn></m:math>", "1 2"),
        ("<math><maction><mi>a</mi><mi>b</mi></maction><maction selection=2><mi>a</mi><mi>b</mi>"
         "</maction></math>", "ab"),
        ('<math><menclose notation="radical"><mi>x</mi></menclose></math>', "\\sqrt{x}"),
        ("<math-renderer>$x^2$</math-renderer>", "x^2"),
        ('<span class="tex2jax_process">\\(x^2\\)</span>', "x^2"),
        ('<span class="tex"> $ x^2 $ </span>', "x^2"),
        ('<img alt="\\frac{1}{2}" src="/eq1.png">', "\\frac{1}{2}"),
        ('<img alt="C:\\Users\\me" src="/a.png">', ""),
        ('<img eeimg="1" alt="a_1" src="x">', "a_1"),
        ('<img src="https://latex.codecogs.com/svg.image?x^2" title="x^2">', "x^2"),
    ],
)  # fmt: skip
def test_formulas_that_are_drawn_or_prefixed(markup: str, expected: str) -> None:
    page = f"<body><p>We have {markup} here.</p></body>"
    text = f"We have {expected} here.".replace("  ", " ")
    assert render(page_tree(HTMLTree.parse(page))) == text
    assert extract_main_text(f"<html>{page}</html>").text == text
