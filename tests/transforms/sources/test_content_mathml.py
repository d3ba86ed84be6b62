"""Content MathML -> TeX."""

import pytest
from resiliparse.parse.html import HTMLTree

from transforms.sources.page_tree import page_tree
from transforms.sources.render import render


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<apply><plus/><ci>a</ci><cn>2</cn></apply>", "a+2"),
        ("<apply><power/><ci>x</ci><cn>2</cn></apply>", "x^2"),
        (
            "<apply><power/><apply><plus/><ci>x</ci><cn>1</cn></apply><cn>10</cn></apply>",
            "(x+1)^{10}",
        ),
        ("<apply><divide/><cn>1</cn><cn>2</cn></apply>", "\\frac{1}{2}"),
        ("<apply><times/><cn>2</cn><cn>3</cn></apply>", "2 3"),
        ("<apply><minus/><cn>3</cn></apply>", "-3"),
        ("<apply><root/><ci>x</ci></apply>", "\\sqrt{x}"),
        ("<apply><sin/><ci>x</ci></apply>", "\\sin(x)"),
        ("<apply><ci>f</ci><ci>x</ci><ci>y</ci></apply>", "f(x,y)"),
        ("<apply></apply><mi>x</mi>", "x"),
    ],
)
def test_what_an_apply_means(markup: str, expected: str) -> None:
    assert (
        render(page_tree(HTMLTree.parse(f"<body><p><math>{markup}</math></p></body>"))) == expected
    )
