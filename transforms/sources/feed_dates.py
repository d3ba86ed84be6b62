"""Dates in feeds: RFC 822 and ISO 8601, with foreign month names and common mistakes."""

import re
import unicodedata

from transforms.sources.metadata import plausible_date

_MONTHS = (
    "jan janv janvier januar jänner ene enero gen gennaio januari jänn sty styczeń stycznia "
    "янв января ιαν led ledna oca ocak tammi",
    "feb févr fév février februar febrero febbraio februari fev fevereiro lut lutego "
    "фев февр февраля φεβ úno února şub şubat helmi",
    "mar mars märz mrz marzo maart mrt março marca мар марта μαρ bře března mart maalis",
    "apr avr avril abr abril aprile kwi kwietnia апр апреля απρ dub dubna nis nisan huhti",
    "may mai mayo mag maggio mei maio maj maja мая май μαϊ kvě května mayıs touko",
    "jun juin juni junio giu giugno junho cze czerwca июн июня ιουν čvn června haz haziran kesä",
    "jul juil juillet juli julio lug luglio julho lip lipca июл июля ιουλ čvc července "
    "tem temmuz heinä",
    "aug août aout ago agosto augustus sie sierpnia авг августа αυγ srp srpna ağu ağustos elo",
    "sep sept septembre september septiembre set settembre setembro wrz września "
    "сен сент сентября σεπ zář září eyl eylül syys",
    "oct okt octobre oktober octubre ott ottobre out outubro paź października "
    "окт октября οκτ říj října eki ekim loka",
    "nov novembre november noviembre novembro lis listopada ноя нояб ноября νοε listopadu "
    "kas kasım marras",
    "dec déc décembre dez dezember dic diciembre dicembre december dezembro gru grudnia "
    "дек декабря δεκ pro prosince ara aralık joulu",
)
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBERS = {
    unicodedata.normalize("NFC", name): number
    for number, names in enumerate(_MONTHS)
    for name in names.split()
}
_NUMBERS |= {
    "january": 0,
    "february": 1,
    "march": 2,
    "june": 5,
    "july": 6,
    "august": 7,
    "october": 9,
}
_DAY_FIRST = re.compile(
    r"(?:[^\W\d_]+\.?,?\s+)?(\d{1,2})\.?(?:\s+de)?[\s-]+([^\W\d_]+)\.?(?:\s+de)?,?[\s-]+"
    r"(\d{2,4})\b(.*)",
    re.DOTALL,
)
_MONTH_FIRST = re.compile(
    r"(?:[^\W\d_]+\.?,?\s+)?([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b(.*)", re.DOTALL
)
_EAST_ASIAN = re.compile(
    r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일](.*)", re.DOTALL
)
_ISO_APART = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ]+(\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*"
    r"(?:(Z|UTC|GMT)|([-+]\d{2}:?\d{2}))?"
)
_TIME = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp]\.?[Mm]\.?)?\s*"
    r"(?:([-+]\d{2}):?(\d{2})|([A-Za-z]{1,5})\b)?"
)


def feed_date(value: str | None) -> int | None:
    """Parse the date of an entry -> seconds since 1970 in UTC, or None.

    A date without a time zone is in UTC. A date outside 1800-2200 is None.
    """
    text = unicodedata.normalize("NFC", " ".join((value or "").split()))
    if not text or len(text) > 200:
        return None
    for reading in (text, _iso(text), _with_english_month(text)):
        if reading is not None and (seconds := plausible_date(reading)) is not None:
            return seconds
    return plausible_date(int(text)) if re.fullmatch(r"\d{9,10}", text) else None


def _iso(text: str) -> str | None:
    match = _ISO_APART.fullmatch(text)
    return (
        f"{match[1]}T{match[2].replace(',', '.')}{'Z' if match[3] else match[4] or ''}"
        if match
        else None
    )


def _with_english_month(text: str) -> str | None:
    """Convert `Mi, 01. Mai 2024 10:00 +0200`, `May 1st, 2024`, `2024年5月1日` to RFC 2822."""
    if match := _EAST_ASIAN.fullmatch(text):
        return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"
    if match := _DAY_FIRST.fullmatch(text):
        day, name, year, rest = match.groups()
    elif match := _MONTH_FIRST.fullmatch(text):
        name, day, year, rest = match.groups()
    else:
        return None
    month = _NUMBERS.get(name.lower())
    if month is None:
        return None
    return f"{day} {_ENGLISH[month]} {year} {_time(rest)}"


def _time(rest: str) -> str:
    match = _TIME.search(rest)
    if match is None:
        return "00:00:00 +0000"
    hour, minute, second, half, zone, minutes, name = match.groups()
    hours = int(hour) % 12 + (12 if half[0] in "pP" else 0) if half else int(hour)
    if hours > 23:
        return "00:00:00 +0000"
    return f"{hours:02}:{minute}:{second or '00'} {zone + minutes if zone else name or '+0000'}"
