"""Filter `pii`: replaces e-mail and IP addresses, IBANs, card numbers and phone numbers by tags.

FineWeb (Penedo et al. 2024, arXiv:2406.17557) replaces e-mail and public IP addresses, Dolma
(Soldaini et al. 2024, arXiv:2402.00159) phone numbers too. Card numbers and IBANs are replaced only
if their checksum is valid: Luhn (ISO/IEC 7812-1) and mod 97 (ISO 13616). Phone numbers have no
checksum and are matched only in unambiguous formats; see `transforms.filters.pii_numbers`.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
import pyarrow as pa

from transforms.filters.filter import Filter
from transforms.filters.pii_numbers import find_cards, find_ibans, find_phones
from transforms.filters.verdicts import Verdicts

Kind = Literal["email", "iban", "card", "ip", "phone"]
Span = tuple[int, int]

# Adjacent numbers without a gap are found one per pass.
_PASSES = 64
_LETTERS = "A-Za-z0-9_À-ÖØ-öø-ɏ"
_AT = re.compile(rf"(?<=[{_LETTERS}.%+-])@(?=[{_LETTERS}])")
_LOCAL_REVERSED = re.compile(rf"[{_LETTERS}.%+'-]{{1,64}}")
_MAIL_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9À-ÖØ-öø-ɏ-]{1,63}\.){1,10}([A-Za-z]{2,24})(?![A-Za-z0-9_@])"
)
_FILE_ENDINGS = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html", "htm", "pdf"}
)
_IPV4 = re.compile(r"(?<![\w.:-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-])(?!\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])(?!\.\w)")
_VERSION = re.compile(
    r"(?i)(?:\bv|\bver(?:sion)?s?|\brelease|\bbuild|\bfirmware|\bdriver|\bkernel|\bsection"
    r"|\bchapter|§)[\s.:]{0,3}$"
)
_DENSE = re.compile(r"[0-9](?:[^0-9\n]{0,5}[0-9]){6}|[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_UNICAST = ipaddress.ip_network("2000::/3")


def judge_pii(
    text: pa.LargeStringArray,
    *,
    kinds: tuple[Kind, ...] = ("email", "iban", "card", "ip", "phone"),
    email_tag: str = "<EMAIL>",
    ip_tag: str = "<IP>",
    phone_tag: str = "<PHONE>",
    iban_tag: str = "<IBAN>",
    card_tag: str = "<CARD>",
) -> Verdicts:
    """Replaces personal data of the given `kinds` by tags and keeps all documents.

    `pii/KIND` counts the replacements. FineWeb's tags are "email@example.com" and addresses such as
    "22.214.171.124". Private, loopback, link-local, multicast and documentation IP addresses are
    kept, as are four numbers with dots after "version", "release", "section" and similar words. In
    other places a version such as 1.2.3.4 cannot be distinguished from an address and is replaced.
    """
    tags = {
        "email": email_tag,
        "ip": ip_tag,
        "phone": phone_tag,
        "iban": iban_tag,
        "card": card_tag,
    }
    chosen = [kind for kind in FINDERS if kind in kinds]
    counts = {f"pii/{kind}": np.zeros(len(text), np.int64) for kind in chosen}
    cleaned = []
    for row, string in enumerate(text.to_pylist()):
        string, replaced = replace_all(string, tags={kind: tags[kind] for kind in chosen})
        cleaned.append(string)
        for kind, number in replaced.items():
            counts[f"pii/{kind}"][row] = number
    return (
        Verdicts.kept(len(text)).with_text(pa.array(cleaned, pa.large_string())).with_counts(counts)
    )


def replace_all(text: str, *, tags: dict[str, str]) -> tuple[str, Counter[str]]:
    """Replace all matches in a text; returns the text and the number of replacements by kind.

    Where two matches overlap, the kind that is first in FINDERS is replaced. The search repeats
    until no match is left, because a tag can expose another match: the function is idempotent.
    """
    counts: Counter[str] = Counter()
    for _ in range(_PASSES):
        spans = [
            (start, end, kind)
            for start, end, kind in _find(text, tags)
            if text[start:end] != tags[kind]
        ]
        if not spans:
            break
        order = list(FINDERS)
        taken: list[tuple[int, int, str]] = []
        covered = bytearray(len(text))
        for start, end, kind in sorted(spans, key=lambda span: (order.index(span[2]), span[0])):
            if 1 not in covered[start:end]:
                taken.append((start, end, kind))
                covered[start:end] = b"\1" * (end - start)
        pieces: list[str] = []
        last = 0
        for start, end, kind in sorted(taken):
            pieces += [text[last:start], tags[kind]]
            last = end
            counts[kind] += 1
        text = "".join([*pieces, text[last:]])
    return text, counts


def _find(text: str, kinds: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield all matches as (start, end, kind).

    No number spans a line break, so only lines with enough adjacent digits are searched for them.
    """
    numbers = [kind for kind in kinds if kind != "email"]
    if "email" in kinds:
        for start, end in find_emails(text):
            yield start, end, "email"
    for begin, line in _lines_with(_DENSE, text) if numbers else ():
        for kind in numbers:
            for start, end in FINDERS[kind](line):
                yield begin + start, begin + end, kind
    for begin, line in _lines_with(_COLONS, text) if "ip" in kinds else ():
        if not _DENSE.search(line):
            for start, end in find_addresses(line):
                yield begin + start, begin + end, "ip"


def _lines_with(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with a match of the pattern, each with the position of its start."""
    position = 0
    while match := pattern.search(text, position):
        begin = text.rfind("\n", 0, match.start()) + 1
        position = text.find("\n", match.end())
        position = position if position >= 0 else len(text)
        yield begin, text[begin:position]


def find_emails(text: str) -> Iterator[Span]:
    """Find addresses such as first.last+tag@sub.example.com; at most 64 characters before "@"."""
    if "@" not in text:
        return
    last = 0
    for at in _AT.finditer(text):
        position = at.start()
        domain = _MAIL_DOMAIN.match(text, position + 1)
        if domain is None or domain[1].lower() in _FILE_ENDINGS:
            continue
        local = _LOCAL_REVERSED.match(text[max(last, position - 64) : position][::-1])
        name = local[0][::-1].lstrip(".%+'-") if local else ""
        if name:
            yield position - len(name), domain.end()
            last = domain.end()


def find_addresses(text: str) -> Iterator[Span]:
    """Find public IP addresses, version 4 and 6."""
    for match in _IPV4.finditer(text):
        if _is_public(match[0]) and not _VERSION.search(
            text[max(match.start() - 12, 0) : match.start()]
        ):
            yield match.span()
    for match in _IPV6.finditer(text) if ":" in text else ():
        if _is_public(match[0]):
            yield match.span()


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed not in _UNICAST:
        return False
    return parsed.is_global and not parsed.is_multicast


FINDERS: dict[str, Callable[[str], Iterator[Span]]] = {
    "email": find_emails,
    "iban": find_ibans,
    "card": find_cards,
    "ip": find_addresses,
    "phone": find_phones,
}
"""Kind -> function that yields its character spans [start, end) in a text, in order of precedence.

Each function yields its spans from left to right.
"""


PII = Filter(name="pii", judge=judge_pii)
