"""The output of some families of templates, by their names in many wikis; others show nothing.

The source of a template is not part of an exported article, so its output is known only if its
arguments state it: wrappers of text (`nowrap`, `lang`), values (`convert`), symbols (`snd`),
quotations. docs/text-books.md lists the families.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from transforms.sources.wiki_marks import CODE, CODE_END, HOLE, JOIN, QUOTE, QUOTE_END

_NAMED = re.compile(r"\s*([\w .-]{1,40}?)\s*=")
_NUMBER = re.compile(r"\s*[-−+]?[\d.,/⁄+]+(?:e[-+]?\d+)?\s*", re.IGNORECASE)
_RANGES = {
    **{
        "to": " to ",
        "and": " and ",
        "or": " or ",
        "by": " by ",
        "x": " × ",
        "×": " × ",
        "xx": " × ",
        "+/-": " ± ",
        "±": " ± ",
    },
    **{
        "-": "–",
        "–": "–",
        "to(-)": "–",
        "to about": " to about ",
        "and(-)": " and ",
        "*": " × ",
        ",": ", ",
    },
}
_UNITS = {
    **{
        "sqmi": "sq mi",
        "sqft": "sq ft",
        "sqkm": "km^2",
        "sqm": "m^2",
        "km2": "km^2",
        "m2": "m^2",
        "cm2": "cm^2",
        "m3": "m^3",
    },
    **{
        "C": "°C",
        "F": "°F",
        "C-change": "°C",
        "F-change": "°F",
        "cuft": "cu ft",
        "foot": "feet",
        "inch": "inches",
        "acre": "acres",
    },
    **{
        "mile": "miles",
        "pound": "pounds",
        "metre": "metres",
        "meter": "meters",
        "mi2": "sq mi",
        "cm3": "cm^3",
        "km3": "km^3",
        "usgal": "US gal",
    },
}
_SYMBOLS = {
    **{
        "!": "|",
        "!!": "||",
        "(!": "{|",
        "!)": "|}",
        "!-": "|-",
        "!+": "|+",
        "=": "=",
        "pipe": f"{JOIN}|",
        "colon": f"{JOIN}:",
    },
    **{
        "asterisk": f"{JOIN}*",
        "hash": f"{JOIN}#",
        "'": f"{JOIN}'{JOIN}",
        "'s": f"{JOIN}'s",
        "-'": f"{JOIN}'{JOIN}",
        "shy": "",
        "wbr": "",
    },
    **dict.fromkeys(("snd", "spnd", "sndash", "spaced ndash", "spaced en dash"), " – "),
    **dict.fromkeys(("ndash", "en dash", "en-dash", "endash"), "–"),
    **dict.fromkeys(("mdash", "em dash", "emdash", "—"), "—"),
    **dict.fromkeys(
        ("nbsp", "space", "thinsp", "thin space", "hair space", "hairsp", "nnbsp"), " "
    ),
    **dict.fromkeys(("·", "dot", "middot"), " · "),
    **dict.fromkeys(("•", "bull", "bullet"), " • "),
    **{
        "pi": "π",
        "euro": "€",
        "minus": "−",
        "times": "×",
        "±": "±",
        "plusminus": "±",
        "тире": " — ",
    },
}
_FIRST = frozenset(
    """
    nowrap nobr nobreak small smaller big large larger huge center em strong abbr tooltip sc
    smallcaps smcaps var mvar math unicode typo sic vanchor ill le bigmath small-caps aut esd s
    hanja 한자 ルビ furigana 仮リンク 読み仮名 keypress key nihongo2 zitat cita citazione citation
    цитата noitalic nobold script vjazyce2 aequivalenz polytonic
    """.split()  # noqa: SIM905
) | {
    "no wrap",
    "small caps",
    "visible anchor",
    "not a typo",
    "interlanguage link",
    "interlanguage link multi",
    '"',
    "non-breaking",
}
_LAST = frozenset(
    (
        "lang",
        "langue",
        "transl",
        "translit",
        "transliteration",
        "llang",
        "resize",
        "color",
        "font",
        "font color",
        "colour",
    )
)
_FIRST_NAMES = re.compile(r"lang-[\w-]+|ruby(?:-[\w-]+)?|link-[\w-]+|ill-[\w-]+|[a-z]{2,3}S")
_QUOTES = frozenset(
    (
        "quote",
        "blockquote",
        "block quote",
        "bquote",
        "cquote",
        "quotation",
        "poemquote",
        "citation bloc",
        "zitat block",
    )
)
_CODES = frozenset(("code", "mono", "tt", "kbd", "samp", "codett", "inline-code"))
_VALUES = frozenset(
    (
        "nombre",
        "unité",
        "unite",
        "unit",
        "unidad",
        "unità",
        "число",
        "num",
        "formatnum",
        "zahl",
        "physics unit",
    )
)

Arguments = Mapping[str, str]


def expand(name: str, parts: Sequence[str], *, title: str) -> str:
    """Expand a template by name and arguments to wikitext; HOLE if its output is unknown.

    `title`: the page's title, for `{{PAGENAME}}`.
    """
    name = re.sub(
        r"^(?:safesubst|subst):", "", " ".join(name.replace("_", " ").split()), flags=re.IGNORECASE
    )
    lower = name.lower()
    if lower in _SYMBOLS and not (parts and lower in ("sic", "'")):
        return _SYMBOLS[lower]
    if name in ("PAGENAME", "FULLPAGENAME", "SUBPAGENAME", "BASEPAGENAME"):
        return title or HOLE
    function, colon, value = name.partition(":")
    if colon and (change := _FUNCTIONS.get(function.lower())):
        return change(value.strip())
    arguments = _arguments(parts)
    expanded = _expand_family(name, lower, arguments)
    return expanded.strip() or HOLE if expanded is not None else HOLE


def _arguments(parts: Sequence[str]) -> dict[str, str]:
    """Arguments by name; positional ones are named "1", "2", … in order."""
    arguments: dict[str, str] = {}
    position = 0
    for part in parts:
        if match := _NAMED.match(part):
            arguments[match[1].lower()] = part[match.end() :].strip()
        else:
            position += 1
            arguments[str(position)] = part
    return arguments


def _positional(arguments: Arguments) -> list[str]:
    values: list[str] = []
    while (value := arguments.get(str(len(values) + 1))) is not None:
        values.append(value)
    return values


def _expand_family(name: str, lower: str, arguments: Arguments) -> str | None:
    first = arguments.get("1", "")
    if special := _SPECIAL.get(lower):
        return special(arguments)
    if lower in _LAST:
        return next(
            filter(str.strip, reversed(_positional(arguments)[1:])),
            arguments.get("texte") or arguments.get("text"),
        )
    if lower in _QUOTES:
        quoted = first if first.strip() else arguments.get("text") or arguments.get("quote") or ""
        return f"\n{QUOTE}\n{quoted.strip()}\n{QUOTE_END}\n" if quoted.strip() else None
    if lower in _CODES:
        return f"{CODE}{first}{CODE_END}"
    if lower in _VALUES:
        return " ".join(value.strip() for value in _positional(arguments)[:2])
    if lower in _FIRST or _FIRST_NAMES.fullmatch(lower) or _FIRST_NAMES.fullmatch(name):
        return arguments.get("lt") or first
    return None


def _convert(arguments: Arguments) -> str | None:
    """`{{convert|5|to|10|km|mi}}` -> `5 to 10 km`: the measured value, not the converted one."""
    values = [value.strip() for value in _positional(arguments)]
    if not values or not _NUMBER.fullmatch(values[0]):
        return None
    text, at = values[0], 1
    while at + 1 < len(values) and values[at] in _RANGES and _NUMBER.fullmatch(values[at + 1]):
        text += _RANGES[values[at]] + values[at + 1]
        at += 2
    if at >= len(values):
        return text
    text += f" {_UNITS.get(values[at], values[at])}"
    if (
        at + 2 < len(values)
        and _NUMBER.fullmatch(values[at + 1])
        and not _NUMBER.fullmatch(values[at + 2])
    ):
        text += f" {values[at + 1]} {_UNITS.get(values[at + 2], values[at + 2])}"
    return text


def _value(arguments: Arguments) -> str | None:
    values = [value.strip() for value in _positional(arguments)]
    if not values:
        return None
    text = values[0] + (f" ± {values[1]}" if len(values) > 1 and values[1] else "")
    text += f" × 10^{arguments['e']}" if arguments.get("e") else ""
    unit = arguments.get("u") or arguments.get("ul") or arguments.get("unit")
    return f"{text} {unit}" if unit else text


def _fraction(arguments: Arguments) -> str | None:
    values = [value.strip() for value in _positional(arguments)]
    if not values:
        return None
    if len(values) == 1:
        return f"1/{values[0]}"
    return (
        f"{values[0]}/{values[1]}" if len(values) == 2 else f"{values[0]} {values[1]}/{values[2]}"
    )


def _nihongo(arguments: Arguments) -> str | None:
    """`{{nihongo|English|kanji|romaji}}` -> `English (kanji, romaji)`."""
    english, *more = [value.strip() for value in _positional(arguments)] or [""]
    inside = ", ".join(filter(None, more[:2]))
    return f"{english} ({inside})" if english and inside else english or inside


def _nihongo3(arguments: Arguments) -> str | None:
    english, kanji, romaji = ([value.strip() for value in _positional(arguments)] + ["", "", ""])[
        :3
    ]
    return _nihongo({"1": romaji or english, "2": kanji, "3": english if romaji else ""})


def _concatenated(arguments: Arguments) -> str | None:
    return "".join(value.strip() for value in _positional(arguments))


def _date(arguments: Arguments) -> str | None:
    return " ".join(filter(None, (value.strip() for value in _positional(arguments)[:3])))


def _circa(arguments: Arguments) -> str | None:
    return f"c. {arguments['1'].strip()}" if arguments.get("1", "").strip() else None


def _script(tag: str) -> Callable[[Arguments], str | None]:
    return lambda arguments: (
        f"<{tag}>{arguments['1'].strip()}</{tag}>" if arguments.get("1", "").strip() else None
    )


def _power(arguments: Arguments) -> str | None:
    return f"×10^{arguments['1'].strip()}" if arguments.get("1", "").strip() else None


def _translated(arguments: Arguments) -> str | None:
    """A link to an article of another wiki: its shown name, or its name in this wiki."""
    return arguments.get("2", "").strip() or arguments.get("1")


def _third(arguments: Arguments) -> str | None:
    return arguments.get("4", "").strip() or arguments.get("3")


_SPECIAL: dict[str, Callable[[Arguments], str | None]] = {
    **dict.fromkeys(("convert", "cvt"), _convert),
    "val": _value,
    **dict.fromkeys(("frac", "fraction", "sfrac", "bruch"), _fraction),
    **dict.fromkeys(("nihongo", "nihongo krt", "nihongo foot"), _nihongo),
    "nihongo3": _nihongo3,
    **dict.fromkeys(("chem", "chem2", "ce"), _concatenated),
    **dict.fromkeys(("date", "date-", "дата"), _date),
    **dict.fromkeys(("circa", "c.", "ca.", "ca"), _circa),
    "sub": _script("sub"),
    "sup": _script("sup"),
    **dict.fromkeys(("e", "esp"), _power),
    **dict.fromkeys(("iw", "не переведено", "нп", "нп3", "нп5"), _translated),
    "tsl": _third,
}
_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "formatnum": str,
    "urlencode": str,
}
