"""Finders of IBANs, payment card numbers and phone numbers in text; all spans are [start, end)."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
"""Country code -> characters of an IBAN, from the IBAN registry (ISO 13616), release of 2024."""

_IBAN_START = re.compile(r"(?<![\w-])[A-Z]{2}[0-9]{2}(?=[ \u00a0]?[0-9A-Z]{4})")

_CARD = re.compile(
    r"(?<![\w.,+/$€£-])(?:"
    r"[3-6][0-9]{12,18}|2[2-7][0-9]{14}|"
    r"[2-6][0-9]{3}([ \u00a0-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|"
    r"3[0-9]{3}([ \u00a0-])[0-9]{6}\2[0-9]{4,5})(?![\w/-])(?![.,][0-9])"
)

_ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"30[0-5]|3[689]"), (14, 16)),  # Diners Club
    (re.compile(r"352[89]|35[3-8]"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"50|5[6-8]|6"), (16, 18, 19)),  # Maestro
)

_SEPARATOR = r"[ \u00a0.\-–/]"
_ENDS = r"(?![\w@%°])(?![.,:/-][0-9])(?! ?[€$£])"
_BEGINS = r"(?<![\w.,:+/$€£#=@&%-])(?<![\w.,:+/$€£#=@-][(])"
_FORMS = (
    # +49 (0)30 1234-567, +14155550132
    re.compile(
        rf"{_BEGINS}\+[1-9][0-9]{{0,3}}(?:{_SEPARATOR}?\(0?[0-9]{{0,4}}\))?"
        rf"(?:{_SEPARATOR}{{0,2}}[0-9]{{1,12}}){{1,7}}{_ENDS}"
    ),
    # (415) 555-0132, 415-555-0132, 1-415.555.0132
    re.compile(
        rf"{_BEGINS}(?:1[ .-])?(?:\([2-9][0-9]{{2}}\)[ \u00a0]?|[2-9][0-9]{{2}}([.-]))"
        rf"[0-9]{{3}}(?(1)\1|[ .-])[0-9]{{4}}{_ENDS}"
    ),
    # 01 23 45 67 89
    re.compile(rf"{_BEGINS}0[1-9](?:([ \u00a0.])[0-9]{{2}})(?:\1[0-9]{{2}}){{3}}{_ENDS}"),
    # 030/1234567, (030) 1234567
    re.compile(
        rf"{_BEGINS}(?:0[1-9][0-9]{{1,3}} ?/ ?|\(0[1-9][0-9]{{1,3}}\) ?)"
        rf"[1-9][0-9]{{2,4}}[ -]?[0-9]{{2,5}}(?:[ -][0-9]{{1,4}})?{_ENDS}"
    ),
)
_AFTER_WORD = re.compile(
    r"(?i)(?<![^\W_])(?:tel|tél|tlf|telephone|téléphone|telefon|telefono|teléfono|telefone|telefoon|"
    r"phone|ph|fax|telefax|mobile|mobil|móvil|cell|handy|hotline|whatsapp|call us at|"
    r"電話|电话|тел)\b[ \u00a0]?(?:no|number|nummer|nr|n°|#)?"
    r"[ \u00a0]?[.:)]{0,2}[ \u00a0]{0,2}(?P<number>[(]?[0-9][0-9 \u00a0().\-–/]{5,24}[0-9])" + _ENDS
)
_CALLING_CODES = re.compile(
    r"1|7|2(?:0|7|[1-689][0-9])|3(?:[0-469]|[578][0-9])|4(?:[013-9]|2[0-9])|5(?:[1-8]|[09][0-9])"
    r"|6(?:[0-6]|[789][0-9])|8(?:[1246]|[0578][0-9])|9(?:[0-58]|[679][0-9])"
)
_DATE_OR_YEARS = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}[ .\-–/]{1,3}(?:19|20)[0-9]{2}|"
    r"(?:19|20)[0-9]{2}[-./ ](?:0?[1-9]|1[0-2])[-./ ][0-3]?[0-9]|"
    r"[0-3]?[0-9][-./ ](?:0?[1-9]|1[0-2])[-./ ](?:19|20)[0-9]{2})(?![0-9])"
)
_SOME_DIGITS = re.compile(r"[0-9](?:[^\w\n]{0,3}[0-9]){6}")


def find_ibans(text: str) -> Iterator[Span]:
    """Find IBANs with the length of their country and a valid checksum.

    Their groups may be separated by single spaces.
    """
    for match in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2])
        if length is None:
            continue
        symbols = list(match[0])
        end = match.end()
        while len(symbols) < length and end < len(text):
            if text[end] in " \u00a0" and text[end - 1] not in " \u00a0":
                end += 1
                continue
            if not (text[end].isascii() and (text[end].isdigit() or text[end].isupper())):
                break
            symbols.append(text[end])
            end += 1
        ends = end == len(text) or not (text[end].isalnum() or text[end] == "_")
        if (
            len(symbols) == length
            and ends
            and int("".join(str(int(symbol, 36)) for symbol in symbols[4:] + symbols[:4])) % 97 == 1
        ):
            yield match.start(), end


def find_cards(text: str) -> Iterator[Span]:
    """Find card numbers of known issuers with a valid checksum, with or without spacing."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"[^0-9]", "", match[0])
        if any(
            issuer.match(digits) and len(digits) in lengths for issuer, lengths in _ISSUERS
        ) and luhn(digits):
            yield match.span()


def luhn(digits: str) -> bool:
    """Whether the Luhn checksum is valid; numbers of one repeated digit are not."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def find_phones(text: str) -> Iterator[Span]:
    """Find phone numbers.

    These are international numbers with "+", the national formats of North America, France and
    Germany, and any format after a word such as "Tel.".
    """
    if not _SOME_DIGITS.search(text):
        return
    spans: list[Span] = []
    if "+" in text:
        spans += (match.span() for match in _FORMS[0].finditer(text) if _is_international(match[0]))
    for form in _FORMS[1:]:
        spans += (match.span() for match in form.finditer(text))
    spans += (
        match.span("number")
        for match in _AFTER_WORD.finditer(text)
        if _is_national(match["number"])
    )
    last = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= last:
            yield start, end
            last = end


def _is_international(number: str) -> bool:
    digits = re.sub(r"[^0-9]", "", number)
    groups = re.findall(r"[0-9]+", number)
    # A group of zeros indicates a large amount, as in +1 000 000 000.
    return (
        8 <= len(digits) <= 15
        and "000" not in groups[1:]
        and len(set(digits)) > 2
        and _CALLING_CODES.match(digits) is not None
    )


def _is_national(number: str) -> bool:
    digits = re.sub(r"[^0-9]", "", number)
    return (
        7 <= len(digits) <= 15
        and len(set(digits)) > 2
        and number.count("(") == number.count(")")
        and not _DATE_OR_YEARS.search(number)
    )
