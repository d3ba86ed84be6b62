"""Superscripts and subscripts in plain text: exponents and indices that carry meaning are marked, marks of notes go."""

import re

_ELEMENTS = frozenset(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd
    In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu
    Am Cm Bk Cf Es Fm Md No Lr D
    """.split()  # noqa: SIM905
)
_UNITS = frozenset("m km cm mm µm μm nm dm ft in mi yd s ms kg g mol K Hz V A W J N px h min ha м км см мм с кг г".split())  # noqa: SIM905
_POWERED = re.compile(  # long words that do have powers: functions and units that are written out
    r"(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|.*m(?:et(?:er|re)|ètre|etro|étro)s?|inch(?:es)?|feet|foot|yards?|miles?|.*метр(?:а|ов)?|seconds?"
    r"|Sekunden?|secondes?|pixels?|log|hours?|litres?|liters?|spin",
    re.IGNORECASE,
)
_FORMULA_END = re.compile(r"(?:[A-Z][a-z]?\d*|[)\]])\Z")
_SYMBOL = re.compile(r"[A-Z][a-z]?\Z")
_WORD = re.compile(r"[^\W\d_]+\Z")
_YEAR = re.compile(r"(?<![\d.,])1\d{3}\Z|(?<![\d.,])20\d\d\Z")
_SIGNED = re.compile(r"[-+−–]?\d+(?:[.,]\d+)?|\d*[-+−–⁺⁻]")
_ORDINAL = re.compile(
    r"(?:st|nd|rd|th|er|ers|re|res|ère|e|es|ème|èmes|ième|o|os|a|as|os|me|mes|lle|lles|gr|r|rs|d|t|te|ter|ten|tm|sm|de|ste|ª|º|й|я|е|го)",
    re.IGNORECASE,
)
_NOTE = re.compile(r"(?:\[[^\[\]]*\]|\([a-z]\)|[*†‡§¶]+)\s*,?\s*")
_SIMPLE = re.compile(r"[-+−–]?[\w.,]*\w|[-+−–*′″]")


def superscript(before: str, content: str) -> str:
    """What a superscript becomes behind the text `before`: `^80`, `^(n+1)`; `th`, `e`, `TM` as they are; empty for a note's mark."""
    content = content.strip()
    if not content or (_NOTE.fullmatch(content) and not (content == "*" and _is_variable(before))):
        return ""
    if not before[-1:].strip() or not (before[-1].isalnum() or before[-1] in ")]}|'’′!"):
        # Behind a stop or a quotation, digits are the number of a note.
        return "" if before[-1:].strip() and content.isdecimal() else content
    if _ORDINAL.fullmatch(content) and (len(content) > 1 or not _is_variable(before) or before[-1] in "IVX"):
        return content
    if content in ("+", "-", "−", "–"):
        return content
    word = _WORD.search(before)
    if content.isdecimal() and (_YEAR.search(before) or (word and len(word[0]) > 3 and not _POWERED.fullmatch(word[0]))):
        return ""
    if word and len(word[0]) > 2 and word[0] not in _UNITS and len(content) == 1 and content.isalpha():
        return ""
    return f"^{_grouped(content)}"


def subscript(before: str, content: str) -> str:
    """What a subscript becomes behind the text `before`: `_i`, `_(n+1)`; digits behind an element's symbol or a group as they are."""
    content = content.strip()
    if not content:
        return ""
    if not before[-1:].strip():
        return content
    if content.isdecimal() and content not in ("0", "1") and _FORMULA_END.search(before):
        symbol = _SYMBOL.search(before)
        if before[-1] in ")]" or (symbol and (symbol[0] in _ELEMENTS or symbol[0][-1:] in _ELEMENTS)):
            return content
    return f"_{_grouped(content)}"


def _is_variable(before: str) -> bool:
    """Whether a text ends with one letter that stands alone."""
    return before[-1:].isalpha() and not before[-2:-1].isalnum()


def _grouped(content: str) -> str:
    return content if _SIGNED.fullmatch(content) or _SIMPLE.fullmatch(content) else f"({content})"
