"""Limits before parsing: hostile pages are rejected or take linear time, real pages pass."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from resiliparse.parse.html import HTMLTree

from tests.growth import least_seconds
from tests.transforms.sources.test_render import real_pages
from transforms.sources.page_limits import MAX_ATTRIBUTES, MAX_DEPTH, MAX_OPTIONS, check_page
from transforms.sources.page_tree import page_tree
from transforms.sources.records import RejectedError
from transforms.sources.render import render


def rule_of(page: str) -> str:
    with pytest.raises(RejectedError) as caught:
        check_page(page)
    reject = caught.value.reject("0", None)
    assert reject.stage == "extract"
    assert reject.detail
    return reject.rule


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        (
            "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<p " + " ".join(f'a{number}="1"' for number in range(5_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<p " + " ".join(f"a{number}='>'" for number in range(5_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<p " + " ".join(f'a{number}="<b"' for number in range(5_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<p\n" + "\n".join(f"a{number}" for number in range(5_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<p/" + "/".join(f"a{number}" for number in range(5_000)) + ">x",
            "extract/too-many-attributes",
        ),
        (
            "<P " + "".join(f'a{number}="1"' for number in range(5_000)),
            "extract/too-many-attributes",
        ),
        ("".join(f"<body a{number}=1>" for number in range(10_000)), "extract/too-many-attributes"),
        ("<div>" * 20_000, "extract/too-deep"),
        ("<DIV><span>" * 20_000, "extract/too-deep"),
        ("<b><i><a href=x>" * 40_000, "extract/too-deep"),
        ("<span>" * 10_000 + "<li>x</li>" * 10_000 + "</span>" * 10_000, "extract/too-deep"),
        ("<ul><li>" * 20_000, "extract/too-deep"),
        ("<template>" * 20_000, "extract/too-deep"),
        ("<select>" + "<option>x" * 100_000, "extract/too-many-options"),
        (
            "<SELECT>" + "<OPTION value=1>x</OPTION>" * 30_000 + "</SELECT>",
            "extract/too-many-options",
        ),
        (
            "<p>"
            + "".join(f"<font color={number}>" for number in range(3_000))
            + "</p><p>x" * 3_000,
            "extract/too-many-open-elements",
        ),
        (
            "<p>"
            + "".join(f"<b id={number}>" for number in range(3_000))
            + "</p>"
            + "<p>x" * 3_000
            + "</b>" * 3_000,
            "extract/too-many-open-elements",
        ),
    ],
)
def test_what_a_parser_could_not_read_in_linear_time(page: str, rule: str) -> None:
    assert rule_of(page) == rule


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<p " + " ".join(f"a{number}=1" for number in range(MAX_ATTRIBUTES - 100)) + ">x",
        f'<p data-state="{"a=1 " * 50_000}">x',
        f"<p>{'a=1 ' * 50_000}</p>",
        f"<script>{'a = 1; b = 2;' * 50_000}</script>",
        "<p>x" * 50_000,
        "<li>x" * 50_000,
        "<div><span></div>" * 20_000,
        "<b>x</b> <i>y</i>" * 20_000,
        "<b>x" * 3_000,
        "<p><font color=red>x</font></p>" * 20_000,
        "<select>"
        + "<option>x" * (MAX_OPTIONS - 1)
        + "</select><select>"
        + "<option>x" * (MAX_OPTIONS - 1),
        "<div>" * (MAX_DEPTH - 10) + "<p>x" * 20_000,
        "<tr><td>x" * 20_000,
    ],
)
def test_large_pages_that_are_no_harm(page: str) -> None:
    check_page(page)


@pytest.mark.parametrize(
    "page",
    [
        "<" * 300_000,
        "<a " * 100_000,
        '<a href="' * 100_000,
        "<a" + " " * 300_000,
        "<!--" * 100_000,
        "<p a=" * 90_000,
    ],
)
def test_the_limits_take_linear_time_themselves(page: str) -> None:
    def check(page: str) -> None:
        with contextlib.suppress(RejectedError):
            check_page(page)

    assert least_seconds(lambda: check(page * 2)) < 6 * least_seconds(lambda: check(page)) + 0.1


HOSTILE: dict[str, Callable[[int], str]] = {
    "attributes": lambda n: "<p " + " ".join(f"a{number}=1" for number in range(n)) + ">x",
    "formatting": lambda n: "<b><i><a href=x>" * n,
    "fonts": lambda n: (
        "<p>" + "".join(f"<font color={number}>" for number in range(n)) + "</p><p>x" * n
    ),
    "tables": lambda n: "<table><tr><td>x" * (n // 4),
    "foster": lambda n: "<table><b>" + "x<tr>" * n,
    "lists": lambda n: "<ul><li>x" * (n // 4),
    "quotations": lambda n: "<blockquote>x" * (n // 4),
    "raised": lambda n: "x<sup>2</sup>" * n,
    "raised in raised": lambda n: "<sup>" * n + "x",
    "quotes": lambda n: "<q>x" * n,
    "math": lambda n: "<math>" + "<mrow><mi>x</mi>" * n,
    "katex": lambda n: "<span class=katex>" * n + "x",
    "mathjax": lambda n: "<span class=MathJax>" * n + "x",
    "fractions": lambda n: "<span class=frac>" * n + "x",
    "white space": lambda n: "<span style='white-space:pre'>x" * n,
    "gutters": lambda n: "<div class=gutter>1" * n,
    "anchors": lambda n: "<a href=# class=anchor>#</a>" * n,
    "noscript": lambda n: "<noscript>x" * n,
    "hidden": lambda n: "<div hidden>x" * n,
    "preformatted": lambda n: "<pre>" * n + "x",
    "code": lambda n: "<code>x" * n,
    "emphasis": lambda n: "<p><b>x" + "<i>y</i>" * n,
    "options": lambda n: "<select>" + "<option>x" * n,
    "brackets": lambda n: "[" * n + "](" * n,
    "stars": lambda n: "*_`~" * n,
    "breaks": lambda n: "x<br>" * n,
    "shadow roots": lambda n: "<template shadowrootmode=open>x" * n,
    "ruby": lambda n: "<ruby>x<rt>y" * n,
    "images": lambda n: "<img alt='$x$'>" * n,
    "cells": lambda n: "<table><tr>" + "<td colspan=99>x" * n,
    "numbers": lambda n: "1" * n + "<sup>1</sup>" * n,
    "one text": lambda n: "x " * n * 4,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_take_linear_time(name: str) -> None:
    """Four times the page takes less than eight times the time, and a little."""

    def read(page: str) -> None:
        with contextlib.suppress(RejectedError):
            check_page(page)
            tree = page_tree(HTMLTree.parse(page))
            for output in ("text", "markdown"):
                render(tree, output=output)  # type: ignore[arg-type]

    small, large = (HOSTILE[name](n) for n in (1_000, 4_000))
    assert least_seconds(lambda: read(large)) < 8 * least_seconds(lambda: read(small)) + 0.1


@pytest.mark.real_data
def test_no_real_page_is_rejected(data_folder: Path) -> None:
    count = 0
    for _, html in real_pages(data_folder):
        check_page(html)
        count += 1
    assert count > 1_000
