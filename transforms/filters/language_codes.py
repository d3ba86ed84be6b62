"""Matches language codes of a configuration to the labels of language models.

Label schemes differ: lid.176 uses `en` (ISO 639-1, else ISO 639-3 and Wikipedia codes); GlotLID,
OpenLID and lid218 use `eng_Latn` (ISO 639-3 and the script by ISO 15924); others use `eng` or
`zh-Hans`. Codes and macrolanguages are those of ISO 639-3, from the package python-iso639
(Apache-2.0), which is imported only where a label differs from the entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

STANDARD = {
    **{
        "aka": "twi",
        "ara": "arb",
        "aym": "ayr",
        "aze": "azj",
        "bal": "bcc",
        "bik": "bcl",
        "bua": "bxr",
        "chm": "mhr",
        "cre": "cwd",
    },
    **{
        "din": "dik",
        "est": "ekk",
        "fas": "pes",
        "ful": "fuc",
        "grn": "gug",
        "iku": "ike",
        "kau": "knc",
        "kok": "knn",
        "kom": "kpv",
    },
    **{
        "kon": "kng",
        "kur": "kmr",
        "lah": "pnb",
        "lav": "lvs",
        "mlg": "plt",
        "mon": "khk",
        "msa": "zsm",
        "nep": "npi",
        "nor": "nob",
    },
    **{
        "oji": "ojg",
        "ori": "ory",
        "orm": "gaz",
        "pus": "pbu",
        "que": "quz",
        "sqi": "als",
        "srd": "src",
        "swa": "swh",
        "uzb": "uzn",
    },
    **{"yid": "ydd", "zha": "zyb", "zho": "cmn", "zza": "diq"},
}
"""Macrolanguage -> its standard member, the one that a model means by a macrolanguage's label.

Source: Unicode CLDR 45, languageAlias with the reason "macrolanguage"; Norwegian and Akan follow
the usage of their ISO 639-1 codes.
"""

_NOT_MEANT = frozenset({("msa", "ind")})
"""(macrolanguage, member) pairs to ignore: Indonesian has its code `id`; `ms` does not mean it."""

_EQUAL = {
    "fil": "tgl",
    "iw": "heb",
    "in": "ind",
    "ji": "yid",
    "jw": "jav",
    "mo": "ron",
    "sh": "hbs",
    "scc": "srp",
    "scr": "hrv",
    "mol": "ron",
}
"""Code -> the ISO 639-3 code of the same language: Filipino (CLDR) and withdrawn codes."""

_WIKIPEDIA = {"als": "gsw"}
"""Codes with another meaning in models with Wikipedia codes: `als` is Alemannic, not Albanian."""

_UNSPACED_SCRIPTS = frozenset(
    {"hani", "hans", "hant", "jpan", "hrkt", "hira", "kana", "thai", "laoo", "khmr", "mymr"}
)
_USUAL_SCRIPTS = {
    "zh": ("hani", "hans", "hant"),
    "ja": ("jpan", "hrkt"),
    "ru": ("cyrl",),
    "ar": ("arab",),
}
_TWO_LETTERS = {
    **{
        "eng": "en",
        "deu": "de",
        "fra": "fr",
        "spa": "es",
        "ita": "it",
        "por": "pt",
        "nld": "nl",
        "swe": "sv",
        "pol": "pl",
        "rus": "ru",
    },
    **{
        "zho": "zh",
        "cmn": "zh",
        "jpn": "ja",
        "ara": "ar",
        "arb": "ar",
        "tha": "th",
        "lao": "lo",
        "khm": "km",
        "mya": "my",
    },
}
"""ISO 639-3 -> ISO 639-1 codes of the languages that filters have rules for."""
UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "km", "my", "wuu", "yue"})


@dataclass(frozen=True)
class _Tag:
    """A parsed label.

    language  the ISO 639-3 code where there is one
    rest      script, region and other subtags in lowercase
    """

    language: str
    rest: frozenset[str]


def labels_of(entry: str, labels: Iterable[str]) -> tuple[str, ...]:
    """The labels of a model that match an entry, in their order; empty if none does.

    `en`, `eng` and `eng_Latn` all match English. The first of these rules with a match decides:
    1. An entry that is a label, or another code of its language (`zho` and `zh`), matches only that
       label.
    2. An entry matches the labels of its language and, for a macrolanguage, of its members (`zh`:
       `cmn_Hani`, `yue_Hani`; `no`: `nob_Latn`, `nno_Latn`; `ms` does not match Indonesian). If it
       names a script, only labels of that script match (`Hani` matches `Hans` and `Hant`).
    3. The standard member of a macrolanguage matches the macrolanguage (`cmn`: `zho_Hans`).
    """
    known = tuple(labels)
    if entry in known:
        return (entry,)
    wikipedia = any(len(label) == 2 for label in known)
    wanted = _parse(entry, False)
    tags = [(label, _parse(label, wikipedia)) for label in known]
    if same := tuple(
        label
        for label, tag in tags
        if label.lower() == entry.lower() or (tag == wanted and not tag.rest)
    ):
        return same
    near = [(label, tag) for label, tag in tags if wanted.rest <= tag.rest]
    of_language = tuple(
        label
        for label, tag in near
        if tag.language == wanted.language or _is_member(tag.language, wanted.language)
    )
    return of_language or tuple(
        label for label, tag in near if STANDARD.get(tag.language) == wanted.language
    )


def labels_of_name(name: str, labels: Iterable[str]) -> tuple[str, ...]:
    """The labels of a model for an English language name, such as "Swahili"; empty if unknown."""
    from iso639 import Language, LanguageNotFoundError

    for full in (name.title(), f"{name.title()} (macrolanguage)"):
        try:
            return labels_of(str(Language.from_name(full).part3), labels)
        except LanguageNotFoundError:
            continue
    return ()


def label_thresholds(
    thresholds: Mapping[str, float], labels: Iterable[str], *, default: float
) -> dict[str, float]:
    """Thresholds by entry -> thresholds by label; the key `default` replaces the default.

    Where several entries match a label, the most specific one decides: the label itself, then an
    entry with a script, then the language, then its macrolanguage.
    """
    known = tuple(labels)
    ranked: list[tuple[int, float, str]] = []
    for entry, threshold in thresholds.items():
        if entry != "default":
            ranked += [
                (_nearness(entry, label), threshold, label) for label in labels_of(entry, known)
            ]
    by_label = dict.fromkeys(known, thresholds.get("default", default))
    for _, threshold, label in sorted(ranked, key=lambda item: item[0]):
        by_label[label] = threshold
    return by_label


def is_same_language(code: str, other: str) -> bool:
    """Whether two labels, of any models, name one language or members of one macrolanguage.

    Bosnian and Croatian are members of one macrolanguage.
    """
    if code == other:
        return True
    first, second = (_parse(label, label == "als").language for label in (code, other))
    return (_macrolanguage(first) or first) == (_macrolanguage(second) or second)


@lru_cache(maxsize=1 << 14)
def names_language(entry: str, code: str) -> bool:
    """Whether an entry, such as the name of a word list, matches a label of an unknown model."""
    return entry == code or (code != "als" and bool(labels_of(entry, (code,))))


@lru_cache(maxsize=1 << 12)
def rules_language(code: str | None) -> str | None:
    """A label of any model -> the code of filter rules: `eng_Latn`, `eng` and `en-GB` are `en`.

    The label of a language in an unusual script (`rus_Latn`), or without rules, is unchanged.
    """
    if code is None:
        return None
    first, *rest = code.replace("-", "_").lower().split("_")
    plain = _TWO_LETTERS.get(first, first)
    scripts = [part for part in rest if len(part) == 4 and part.isalpha()]
    usual = _USUAL_SCRIPTS.get(
        plain, ("latn",) if plain in ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl") else ()
    )
    return code if scripts and usual and scripts[0] not in usual else plain


@lru_cache(maxsize=1 << 12)
def is_unspaced(code: str | None) -> bool:
    """Whether a label is of a language written without spaces; its script decides if it has one."""
    if code is None:
        return False
    scripts = [
        part
        for part in code.replace("-", "_").lower().split("_")[1:]
        if len(part) == 4 and part.isalpha()
    ]
    return (
        scripts[0] in _UNSPACED_SCRIPTS if scripts else rules_language(code) in UNSPACED_LANGUAGES
    )


@lru_cache(maxsize=1 << 14)
def _parse(code: str, wikipedia: bool) -> _Tag:
    first, *others = code.replace("-", "_").lower().split("_")
    rest = frozenset(others)
    if rest & {"hans", "hant"}:
        rest |= {"hani"}
    if wikipedia and not rest:
        first = _WIKIPEDIA.get(first, first)
    return _Tag(_three_letters(first), rest)


@lru_cache(maxsize=1 << 13)
def _three_letters(code: str) -> str:
    """Convert an ISO 639-1, 639-2 or 639-3 code to ISO 639-3; other codes are unchanged."""
    if code in _EQUAL:
        return _EQUAL[code]
    from iso639 import Language, LanguageNotFoundError

    finders = (
        (Language.from_part1,)
        if len(code) == 2
        else (Language.from_part3, Language.from_part2b)
        if len(code) == 3
        else ()
    )
    for find in finders:
        try:
            return str(find(code).part3)
        except LanguageNotFoundError:
            continue
    return code


@lru_cache(maxsize=1 << 13)
def _macrolanguage(code: str) -> str:
    """The macrolanguage that an ISO 639-3 code is a member of, "" if there is none."""
    from iso639 import Language, LanguageNotFoundError

    try:
        macro = (Language.from_part3(code).macrolanguage or "") if len(code) == 3 else ""
    except LanguageNotFoundError:
        return ""
    return "" if (macro, code) in _NOT_MEANT else macro


def _is_member(language: str, macrolanguage: str) -> bool:
    return bool(macrolanguage) and _macrolanguage(language) == macrolanguage


def _nearness(entry: str, label: str) -> int:
    if entry.lower() == label.lower():
        return 3
    tag = _parse(entry, False)
    return 2 if tag.rest else int(_parse(label, False).language == tag.language)
