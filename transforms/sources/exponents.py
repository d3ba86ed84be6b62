"""Convert superscripts and subscripts to text by their meaning.

They are exponents, indices, parts of chemical formulas, endings of ordinals, or footnote marks, and
`<sup>` and `<sub>` look alike for all of them. The rules examine the text before and after, as it
is written in encyclopaedias, preprints and question-and-answer pages. docs/extraction.md has the
table of rules.
"""

import re
from typing import NamedTuple

from transforms.sources.exponent_words import (
    ABBREVIATED,
    ATOMIC_NUMBERS,
    FUNCTIONS,
    ORDINALS,
    SHORT_FORMS,
    SYMBOLS,
    UNITS,
    UNITS_AFTER_NUMBERS,
)

_TOKEN = r"(?:\d{1,4}|[a-z]|[ivx]{1,5}|[*†‡§¶‖#∗⁎⁑⁂※✉☆]{1,4})"
_NOTE = re.compile(rf"{_TOKEN}(?:\s?[,;–—-]\s?{_TOKEN}|\s?[*†‡§¶‖#∗⁎✉☆])*,?", re.IGNORECASE)
_DIGITS = re.compile(r"\d{1,4}(?:\s?[,;–—-]\s?\d{1,4})*,?")
_MARKS = re.compile(r"[*†‡§¶‖#∗⁎⁑⁂※✉☆]{1,4}(?:\s?,?\s?[*†‡§¶‖#∗⁎\w])?")
_NOTE_WITH_MARK = re.compile(
    rf"{_TOKEN}(?:\s?,\s?{_TOKEN})*\s?,?\s?[*†‡§¶‖#∗⁎✉☆]{{1,3}}", re.IGNORECASE
)
_SIGNED = re.compile(r"[+−–-]?(?:\d+(?:[.,]\d+)*|\w)")
_CHARGE = re.compile(r"\d{0,2}[+−–⁺⁻•·-]{1,3}|[+−–-]\d{1,2}")
_WORD = re.compile(r"[^\W\d_]+$")
_NUMBER = re.compile(r"\d[\d.,\u00a0\u2009\u202f]*$")
_CURRENCY_BEFORE = re.compile(
    r"(?:[$€£¥₹₽₺₩฿]|\b(?:US|USD|EUR|CHF|R|Rs|kr|zł|R\$))\.?\s?\d[\d.,\s]*$"
)
_CURRENCY_AFTER = re.compile(
    r"\s?(?:[€$£₹₽₺¥]|(?:zł|kr|Kč|EUR|USD|CHF|лв|грн|руб|lei|Ft|DM|TL)(?!\w))"
)
_HOUR_AFTER = re.compile(
    r"\s?(?:Uhr|uhr|h(?!\w)|Hs?(?!\w)|hs(?!\w)|ч(?!\w)|AM|PM|am(?!\w)|pm(?!\w))"
)
_MATH_AFTER = re.compile(r"\s?[=+×·*≡<>≤≥≈/^−∙⋅)-]\s?[\w({√(]|\s?[=≡≤≥≈<>]|\s?mod\b|[)\]]*\s?[×·]")
_MATH_BEFORE = re.compile(r"(?:[=+×·*≡<>≤≥≈/^−∙⋅√Σ∑∫∂(|-]|\d)\s?$")
_ROMAN = re.compile(r"(?:^|[^\w])[IVXLCDM]+$")
_GREEK_AND_LATIN = re.compile(r"[\u0370-\u03ff][A-Za-z]|[A-Za-z][\u0370-\u03ff]")
_ELEMENT_AT_END = re.compile(r"(?:[A-Z][a-z]?)$")
_FORMULA_AT_END = re.compile(r"(?<![A-Za-z])(?:[A-Z][a-z]?|\d+|[()\[\]·•])+$")
# `pCO`, `tCO`, `(CH2)_nCH`: lowercase letters before at least two symbols, or before O, N or H.
_PREFIXED_FORMULA = re.compile(r"(?<![A-Za-z])[a-z]{1,3}(?:(?:[A-Z][a-z]?|\d){2,}|[ONH])$")
_HEXADECIMAL = re.compile(r"(?<![A-Za-z\d])(?:[A-F]{2,}|(?=[A-F]*\d[A-F\d]*[A-F]$)[\dA-F]+)$")
_DEGREES = frozenset(["o", "O", "0", "°", "º", "◦", "∘", "○", "⚬"])
_DEGREE_AFTER = re.compile(r"\s?(?:([CFС])(?!\w)|[NSEWO](?![\w])|\d{1,2}\s?['′’])")
_MONEY = re.compile(r"[€$£¥₹₽](?:\d{2})?|\d{2}\s?€")
_DENOMINATORS = frozenset(["2", "3", "4", "5", "6", "8", "9", "16", "32", "64"])
_WORDS_TOO = frozenset(
    (
        "He",
        "In",
        "I",
        "As",
        "At",
        "No",
        "Be",
        "Am",
        "Es",
        "Er",
        "La",
        "Y",
        "O",
        "Os",
        "Se",
        "Si",
        "Ne",
        "Na",
        "Al",
        "Ta",
    )
)
_NAME_WITH_NUMBER = re.compile(r"(?<!\w)([A-Za-z\u00c0-\u04ff]{2,})[-–]?\d+$")
_LONG_NUMBER = re.compile(r"\d[.,]?\d[.,]?\d$|\d[.,]\d+$")
_UNIT_IN_WORDS = re.compile(
    r".*(?:met(?:er|re|ro)s?|mètres?|метр(?:а|ов)?)"
    r"|inch(?:es)?|pixels?|se[ck]ond(?:e|s|en|es)?|hours?|lit(?:er|re)s?",
    re.IGNORECASE,
)
_LOWER_ROMAN = re.compile(r"m*(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_INDEX = re.compile(r"(?:\d{1,3}|\d{1,2}[.,]\d{1,2})(?:-?eq|e)?")
_BASES = frozenset(
    ("100", "1000", "1,000", "1.000", "128", "256", "512", "1024", "2048", "4096", "365", "625")
)
_LEFT_OPEN = re.compile(r"[(\[{]")


_COMBINING = "".join(map(chr, range(0x300, 0x370)))
_IN_BRACKETS = re.compile(r"\(?\d{1,3}\)")
_SMALL_ROMAN = frozenset(("ii", "iii", "iv", "vi", "vii", "viii", "ix", "xi", "xii"))


FRACTION = "\x02"
"""Marks a subscript in the text after a superscript: `/\x022` behind the 1 of
`<sup>1</sup>/<sub>2</sub>`."""


class Around(NamedTuple):
    """The context of a superscript or subscript.

    before   the paragraph's text before it; the last 80 characters are enough
    after    the text node after it
    joined   another superscript or subscript stands directly before it
    linked   it is a link to a place on the same page, or marked as a reference
    formula  it is inside an element for formulas
    """

    before: str
    after: str
    joined: bool = False
    linked: bool = False
    formula: bool = False


def raised(content: str, around: Around) -> str:
    """The text of `<sup>content</sup>` in its context; empty for a footnote or edit mark.

    A leading `\\b` removes the blank before it.
    """
    content = " ".join(content.split())
    if not content:
        return ""
    before, after = around.before.rstrip(_COMBINING), around.after
    if (
        content in _DEGREES
        and re.search(r"\d\s?$", before)
        and (scale := _DEGREE_AFTER.match(after))
        and (content != "0" or scale[1])
    ):
        return "°"
    if (
        content in SYMBOLS
        and (before[-1:].isalnum() or before[-1:] in "\"'”’)]")
        and not around.formula
    ):
        return SYMBOLS[content]
    if around.formula:
        return _with_marker("^", content)
    if _is_bracketed(content):
        return ""
    if content[0].isdigit() and _starts_fraction(content, before, after):
        return f" {content}" if before[-1:].isdigit() else content
    if (content[0] in ".," and content[1:].isdigit() and before[-1:].isdigit()) or _MONEY.fullmatch(
        content
    ):
        return content
    if around.linked and len(content) <= 20:
        return ""
    if len(content) > 40 or content.count(" ") > 3:
        return f" {content} " if before[-1:].isalnum() else content
    if around.joined:
        return _with_marker("^", content)
    if _is_nuclide(content, before, after):
        return f"^{content}"
    if not before or before[-1].isspace():
        return _raised_alone(content, before, after)
    if _NOTE_WITH_MARK.fullmatch(content) and len(_last_word(before)) > 1:
        return ""
    if _MARKS.fullmatch(content):
        is_exponent = len(content) == 1 and content in "*∗†#" and _is_variable(before)
        return _with_marker("^", content) if is_exponent else ""
    if _IN_BRACKETS.fullmatch(content):
        word = _last_word(before)
        if content[0] != "(" or (len(word) > 1 and word not in FUNCTIONS) or before[-1].isdigit():
            return ""
    if _DIGITS.fullmatch(content):
        return _raised_digits(content, before, after)
    if content.replace(".", "").isalpha():
        return _raised_letters(content, before, after)
    if _NOTE.fullmatch(content) and len(_last_word(before)) > 1:
        return ""
    if before[-1] in ".,;:!?。，、；" and len(content) <= 3:
        return ""
    return _with_marker("^", content)


def lowered(content: str, around: Around) -> str:
    """The text of `<sub>content</sub>` in its context: `H2O`, `x_i`, `a_(n+1)`."""
    content = " ".join(content.split())
    before = around.before
    if not content:
        return ""
    if before[-1:] in ("/", "⁄"):
        return content
    if around.linked and len(content) <= 8:
        return ""
    if len(content) > 40 or content.count(" ") > 3:
        return f" {content}" if before[-1:].isalnum() else content
    if not before or before[-1].isspace():
        return f"_{content}" if content[0].isdigit() and _element_after(around.after) else content
    if not around.formula and _is_chemical(content, before):
        return content
    if (
        re.search(r"(?:PM|(?<![A-Za-z\d])B)$", before)
        and content.replace(".", "").replace(",", "").isdigit()
        and content not in ("0", "1")
    ):
        return content
    return _with_marker("_", content)


def _with_marker(symbol: str, content: str) -> str:
    if (
        _SIGNED.fullmatch(content)
        or _CHARGE.fullmatch(content)
        or content.isalpha()
        or not any(map(str.isalnum, content))
    ):
        return f"{symbol}{content}"
    if content[0] == "(" and content[-1] == ")" and content.count("(") == 1:
        return f"{symbol}{content}"
    return f"{symbol}({content})"


def _is_bracketed(content: str) -> bool:
    return content[0] in "[［【" and content[-1] in "]］】" and len(content) <= 60


def _starts_fraction(content: str, before: str, after: str) -> bool:
    """Whether a superscript number is a numerator.

    It stands alone, or after a whole number and is less than the number behind the slash.
    """
    match = re.match(rf"[/⁄]\s?({FRACTION}?)(\d*)", after)
    if (
        match is None
        or not content.isdigit()
        or len(content) > 4
        or before[-1:].isalpha()
        or before[-1:] in (*")]}|_^",)
    ):
        return False
    lowered_below, below = match.groups()
    if not below:
        return after.strip() in ("/", "⁄")
    if lowered_below or not before[-1:].isdigit():
        return True
    return int(content) < int(below) and below in _DENOMINATORS


def _element_after(after: str) -> str:
    """The chemical symbol at the start of a text, or the empty string."""
    match = re.match(r"[A-Z][a-z]?(?![a-z])", after)
    return (
        match[0]
        if match is not None and match[0] in ATOMIC_NUMBERS and not re.match(r"[A-Z]{3,}", after)
        else ""
    )


def _is_nuclide(content: str, before: str, after: str) -> bool:
    """Whether a superscript is the mass number of the element behind it.

    Otherwise it is the number of a verse or note before a word.
    """
    mass = re.fullmatch(r"(\d{1,3})(?:m\d?)?", content)
    symbol = _element_after(after) if mass else ""
    if not mass or not symbol or (before[-1:].isdigit() and not before[-2:-1].isalpha()):
        return False
    number = ATOMIC_NUMBERS[symbol]
    if not number <= int(mass[1]) <= max(3 * number, 3):
        return False
    if before[-1:].isalpha():
        return len(content) > 1 and _last_word(before) in ATOMIC_NUMBERS
    if symbol in _WORDS_TOO and re.match(r"[’']?\s?[a-z]|\s[A-Z]", after[len(symbol) :]):
        return bool(before.strip()) and before.rstrip()[-1:] not in '.!?:;”’"»'
    return True


def _raised_alone(content: str, before: str, after: str) -> str:
    """The text of a superscript behind a blank or at the start of a paragraph."""
    if re.search(r"(?:^|[^\d.,])10\s$|[×x·*]\s?10\s$", before) and re.fullmatch(
        r"[+−–-]?\d{1,3}", content
    ):
        return f"\b^{content}"
    if content in ("2", "3") and re.search(r"\d\s?(?:[kcmd]?m|ft|км|м|см)\s$", before):
        return f"\b^{content}"
    if _NOTE.fullmatch(content) or _MARKS.fullmatch(content):
        return ""
    return content


def _raised_digits(content: str, before: str, after: str) -> str:
    last = before[-1]
    if last.isdigit():
        return _after_number(content, before, after)
    if last in ")]}|":
        return f"^{content}" if _is_formula_in_brackets(before) and content.isdigit() else ""
    if last in ".,":
        return (
            content if content.isdigit() and len(content) == 2 and _is_price(before, after) else ""
        )
    if last in "′'’″\"" and content.isdigit() and re.search(r"(?:^|[^\w])\w['’′″]+$", before):
        return f"^{content}" if last in "′″" else ""
    if re.search(r"\d0['’]?s$", before):
        # The superscript of a decade (`1990s`) is a footnote mark.
        return ""
    word = _last_word(before)
    if word:
        return (
            f"^{content}"
            if content.replace(",", "").isdigit() and _takes_exponents(word, before, after)
            else ""
        )
    if last in "∇∂∞∑∏√!^_" or (last in "*†" and len(before) > 1):
        return f"^{content}"
    return ""


def _is_price(before: str, after: str) -> bool:
    return bool(_CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after))


def _after_number(content: str, before: str, after: str) -> str:
    match = _NUMBER.search(before)
    number = match[0] if match else ""
    plain = re.sub(r"\D", "", number)
    if len(content) == 2 and content.isdigit():
        if _CURRENCY_BEFORE.search(before):
            return f".{content}"
        if _CURRENCY_AFTER.match(after):
            return f",{content}"
        if _HOUR_AFTER.match(after) and len(plain) <= 2 and int(content) < 60:
            return f":{content}"
    if not content.isdigit() or re.search(r"\d[–-]\d{1,3}$", before):
        return ""
    if (named := _NAME_WITH_NUMBER.search(before)) and named[1] not in FUNCTIONS:
        return ""
    if before[: len(before) - len(number)].endswith(("^", "_")):
        return f"^{content}"
    if (
        len(plain) <= 2
        or (number in _BASES and len(content) <= 2)
        or re.fullmatch(r"[01]\.\d{1,4}", number)
    ):
        return f"^{content}"
    if _MATH_AFTER.match(after) or (
        len(plain) == 3 and content in ("2", "3") and _MATH_BEFORE.search(before[: -len(number)])
    ):
        return f"^{content}"
    return ""


def _is_formula_in_brackets(before: str) -> bool:
    """Whether the brackets that close at the end contain a formula, not words or a year."""
    if before[-1] == "|":
        return True
    opening = {")": "(", "]": "[", "}": "{"}[before[-1]]
    depth, at = 0, len(before)
    for at in range(len(before) - 1, -1, -1):
        depth += (before[at] == before[-1]) - (before[at] == opening)
        if not depth:
            break
    if depth:
        # The opening bracket is outside the examined text.
        return True
    inside = before[at + 1 : -1]
    words = [
        word
        for word in re.findall(r"[^\W\d_]{3,}", inside)
        if word not in FUNCTIONS and word not in UNITS
    ]
    return (
        bool(inside)
        and not words
        and not re.fullmatch(r"\s*\d{4}(?:\s?[–-]\s?\d{2,4})?\s*", inside)
        and not re.fullmatch(r"[A-Z]{2}", inside)
    )


def _last_word(before: str) -> str:
    match = _WORD.search(before)
    return match[0] if match else ""


def _is_variable(before: str) -> bool:
    word = _last_word(before)
    return len(word) == 1 or before[-1:] in ")]"


def _takes_exponents(word: str, before: str, after: str) -> bool:
    """Whether superscript digits after a word are its exponent, and not a footnote mark.

    They are after a variable, a unit or a function.
    """
    ahead = before[: len(before) - len(word)]
    if len(word) == 1:
        return not _is_cjk(word) or word == "米"
    if (
        word in UNITS
        or word in FUNCTIONS
        or (word in UNITS_AFTER_NUMBERS and re.search(r"(?:[\d/]|\bper|sq)[\s.]?$", ahead))
    ):
        return True
    if _UNIT_IN_WORDS.fullmatch(word) and re.search(r"\d[\s-]$", ahead):
        return True
    if _is_cjk(word[-1]):
        return word.endswith(("平米", "立米", "米", "公里", "公分", "メートル")) and bool(
            re.search(r"[\d几数每]\s?$|/$", ahead)
        )
    if len(word) > 4:
        return False
    if _GREEK_AND_LATIN.search(word) or re.fullmatch(r"[\u0370-\u03ff]{1,2}", word):
        return True
    if len(word) <= 3 and (
        re.search(r"(?:\d|[=^√∑∫])\s?$", ahead) and not re.search(r"\d\s$", ahead)
    ):
        return True
    return (
        len(word) <= 3
        and bool(_MATH_BEFORE.search(ahead) or not ahead.strip())
        and bool(re.match(r"\s?[=≡≤≥≈]|\s?[+−]\s?\w", after))
    )


def _is_cjk(character: str) -> bool:
    return (
        "\u3040" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7af"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def _is_time(content: str, before: str, after: str) -> bool:
    """Whether a superscript letter is a unit of time.

    `20<sup>h</sup>30`, `5<sup>h</sup> 12<sup>m</sup> 6.2<sup>s</sup>`.
    """
    if content == "h":
        return (
            re.search(r"(?:^|\D)\d{1,2}$", before) is not None and _MATH_AFTER.match(after) is None
        )
    return (
        content in ("m", "s", "min")
        and re.search(r"\d\s?(?:h|m|min|°|d)\s?\d[\d.,]*$", before) is not None
    )


def _raised_letters(content: str, before: str, after: str) -> str:
    """The text of superscript letters.

    Letters of ordinals and abbreviations are kept, footnote marks are dropped, other letters are
    exponents.
    """
    low = content.lower().rstrip(".")
    word = _last_word(before)
    if before[-1].isdigit():
        if (content == "s" and re.search(r"\d0$", before)) or _is_time(content, before, after):
            return content
        if content in ("a", "b", "c", "d") and _LONG_NUMBER.search(before):
            return ""
        is_ordinal = low in ORDINALS and (
            len(low) > 1
            or low in "eèoaªºᵉ"
            or "\u0400" <= low < "\u0500"
            or "\u0370" <= low < "\u0400"
        )
        if is_ordinal and not (
            len(low) == 1 and _MATH_AFTER.match(after) and _MATH_BEFORE.search(before[:-1])
        ):
            return content
        number = _NUMBER.search(before)
        is_base = (number is not None and len(number[0]) <= 3) or _MATH_AFTER.match(after)
        return f"^{content}" if is_base else ""
    if before[-1] in ".,;:!?»”)’\"'":
        if (
            before[-1] == "."
            and low in ORDINALS
            and (before[-2:-1].isdigit() or low in ("o", "os", "º", "ª"))
        ):
            return content
        if (
            low == "a"
            and re.search(r"(?:^|\W)[DM]\.$", before)
            and re.match(r"\s[A-ZÁÉÍÓÚÑ]", after)
        ):
            # Doña and María.
            return content
        if before[-1] == ")" and _is_formula_in_brackets(before):
            return f"^{content}"
        return "" if len(content) <= 2 else f" {content}"
    if not word:
        return f"^{content}"
    if low == "e" and len(word) > 1 and _LOWER_ROMAN.fullmatch(word):
        # A Roman number in small capitals.
        return content
    if _ROMAN.search(before) and (
        low in ORDINALS and (len(low) > 1 or low == "e" or len(word) > 1)
    ):
        return content
    if len(word) == 1 and low in ("th", "st", "nd", "rd", "ième", "ème", "te"):
        return content
    if len(word) > 2 and content in _SMALL_ROMAN:
        return ""
    if word in ATOMIC_NUMBERS and re.fullmatch("[IVX]+", content):
        return f"^{content}"
    if len(word) == 1 or word == "Nr":
        forms = SHORT_FORMS.get(word, "")
        is_short = (len(low) == 1 and low in forms and content.islower()) or (
            len(low) > 1 and low in ABBREVIATED
        )
        return content if is_short else f"^{content}"
    if word in FUNCTIONS:
        return f"^{content}"
    if len(content) == 1:
        if _is_cjk(content) or (low in ORDINALS and low not in "abcde"):
            return content
        if content.isupper() and _MATH_AFTER.match(after):
            return f"^{content}"
        return "" if content.islower() else f"^{content}" if len(word) <= 2 else ""
    if content.islower() and len(content) <= 4:
        return content
    return f" {content}"


def _is_chemical(content: str, before: str) -> bool:
    """Whether an index counts atoms.

    It is a number of at least 2 behind a chemical symbol, or behind brackets around symbols.
    """
    if content == "x" or content == "X":
        match = _FORMULA_AT_END.search(before)
        return match is not None and match[0] in ("NO", "SO", "CO", "CH", "PO")
    if not _INDEX.fullmatch(content):
        return False
    match = _FORMULA_AT_END.search(before) or _PREFIXED_FORMULA.search(before)
    if match is None or (content == "16" and _HEXADECIMAL.search(before)):
        return False
    token = match[0]
    if before.endswith((")", "]")):
        opened = max(before.rfind("("), before.rfind("["))
        inside = re.findall(r"[A-Z][a-z]?|[^\d\s()\[\]·+−-]", before[opened + 1 :])
        return opened >= 0 and bool(inside) and all(symbol in ATOMIC_NUMBERS for symbol in inside)
    symbol = _ELEMENT_AT_END.search(before)
    if symbol is None or not (symbol[0] in ATOMIC_NUMBERS or symbol[0][-1] in ATOMIC_NUMBERS):
        return False
    alone = token == symbol[0]
    return content not in ("0", "1") or (
        not alone and content == "1" and any(map(str.isdigit, token))
    )
