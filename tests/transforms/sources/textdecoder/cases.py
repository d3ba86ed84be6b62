"""The bytes given to a browser's TextDecoder: every encoding, valid and broken, in stored order."""

import hashlib
import random
from collections.abc import Iterator
from typing import NamedTuple

PAIRED = ("big5", "euc-jp", "euc-kr", "gb18030", "gbk", "shift_jis")
MULTI_BYTE = (*PAIRED, "iso-2022-jp", "utf-16be", "utf-16le", "utf-8")

# Sentences written for this project, and the Python codecs that encode them. Characters that a
# codec cannot encode are dropped.
SENTENCES: dict[str, tuple[str, str]] = {
    "ar": (
        "خرج الأولاد إلى السوق في الصباح، وعادوا قبل المساء.",
        "windows-1256=cp1256 iso-8859-6=iso8859_6",
    ),
    "bg": ("Реката се разля през нощта — водата стигна до къщите.", "windows-1251=cp1251"),
    "cs": ("Příliš „žluťoučký“ kůň úpěl ďábelské ódy.", "windows-1250=cp1250 iso-8859-2=iso8859_2"),
    "de": (
        "Im Frühjahr 2019 kostete das größte Brötchen 2 € – „schön“.",
        "windows-1252=cp1252 iso-8859-15=iso8859_15 macintosh=mac_roman",
    ),
    "el": (
        "Το πρωί έβρεξε· το ποτάμι ξεχείλισε «ξανά».",
        "windows-1253=cp1253 iso-8859-7=iso8859_7",
    ),
    "et": (
        "Öösel tõusis jõgi üle kallaste, šokk oli suur.",
        "windows-1257=cp1257 iso-8859-13=iso8859_13 iso-8859-4=iso8859_4",
    ),
    "fr": (
        "L’été dernier, l’œuvre coûtait 15 € à peine…",
        "windows-1252=cp1252 iso-8859-15=iso8859_15",
    ),
    "ga": ("Bhí an abhainn ag éirí, ḋá ḃó ar an ḃfaiche.", "iso-8859-14=iso8859_14"),
    "he": (
        "הנהר עלה בלילה, ובבוקר עמדו השדות במים.",
        "windows-1255=cp1255 iso-8859-8=iso8859_8 iso-8859-8-i=iso8859_8",
    ),
    "is": (
        "Áin óx um nóttina og þá stóð ærin í djúpinu.",
        "iso-8859-10=iso8859_10 windows-1252=cp1252",
    ),
    "ja": (
        "川は夜のうちに増水した。カタカナ、ｶﾀｶﾅ、①髙﨑～。",
        "shift_jis=cp932 euc-jp=euc_jp iso-2022-jp=iso2022_jp",
    ),
    "ko": ("밤사이 강물이 불어나 똠방각하 펲시콜라, 漢字도.", "euc-kr=cp949"),
    "mt": ("Ix-xmara żdiedet matul il-lejl, u ħadd ma ġera.", "iso-8859-3=iso8859_3"),
    "pl": ("Zażółć gęślą jaźń – „łódź” płynęła nocą.", "windows-1250=cp1250 iso-8859-2=iso8859_2"),
    "ro": ("Râul a crescut noaptea; țăranii și-au luat oile.", "iso-8859-16=iso8859_16"),
    "ru": (
        "Ночью река вышла из берегов — «вода» дошла до №5.",
        "windows-1251=cp1251 koi8-r=koi8_r ibm866=cp866 iso-8859-5=iso8859_5",
    ),
    "sr": (
        "Ђаци су љуљали ћупове џема, њих шест.",
        "iso-8859-5=iso8859_5 x-mac-cyrillic=mac_cyrillic windows-1251=cp1251",
    ),
    "th": ("แม่น้ำขึ้นสูงในเวลากลางคืน ๑๒ ครั้ง", "windows-874=cp874"),
    "tr": ("Gece ırmak yükseldi, İğdır'da şıçrayan çocuk.", "windows-1254=cp1254"),
    "uk": ("Їжак з’їв ґанок, є ще й інші.", "koi8-u=koi8_u windows-1251=cp1251"),
    "vi": ("Nước sông dâng cao trong đêm, 5.000 ₫.", "windows-1258=cp1258"),
    "yi": ("דער טייך איז געשטיגן בײַ נאַכט.", "windows-1255=cp1255"),
    "zh": ("河水在夜里上涨了，㐀𠀀龥€。", "gb18030=gb18030 gbk=gbk"),
    "zh-tw": ("河水在夜裡上漲了，喺度嘅嘢。", "big5=big5hkscs"),
    "all": ("Über 川 река 강 𠀀 “ok” 😀 é.", "utf-8=utf_8 utf-16le=utf_16_le utf-16be=utf_16_be"),
}
# Bytes at which decoders branch, for the random inputs.
_BRANCH_BYTES = {
    "iso-2022-jp": bytes.fromhex("1b282442 4a494021 30417e5c 0a0e80ff 5f60"),
    "gb18030": bytes.fromhex("81849095 e3303139 417f80ff a1fe3c"),
    "gbk": bytes.fromhex("81849095 e3303139 417f80ff a1fe3c"),
    "euc-jp": bytes.fromhex("8ea2a4b0 dfe0fe41 80ff7f3c"),
    "utf-16le": bytes.fromhex("d8dc0041 dbdffeff 30"),
    "utf-16be": bytes.fromhex("d8dc0041 dbdffeff 30"),
    "utf-8": bytes.fromhex("c0c2dfe0 edeff0f4 f5809fa0 bfbd8f90 41"),
}
_ESCAPES = (
    b"\x1b$B",
    b"\x1b(B",
    b"\x1b(J",
    b"\x1b(I",
    b"\x1b$@",
    b"\x1b$",
    b"\x1b(",
    b"$\x22",
    b"0!",
    b"A",
    b"\xff",
    b"\n",
    b"~",
)


class Case(NamedTuple):
    encoding: str
    data: bytes
    what: str


def sentence_cases() -> Iterator[Case]:
    """Each sentence in each encoding: valid, and with each byte broken in five ways."""
    for language, (sentence, encodings) in SENTENCES.items():
        for pair in encodings.split():
            encoding, _, codec = pair.partition("=")
            data = sentence.encode(codec, "ignore")
            yield Case(encoding, data, f"{language} whole")
            yield from (
                Case(encoding, broken, f"{language} {what}") for what, broken in broken_bytes(data)
            )


def broken_bytes(data: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(len(data)):
        flipped = data[at] ^ (0x80 | (at * 37 & 0x7F))
        yield f"inserted {at}", data[:at] + b"\xff" + data[at:]
        yield f"replaced {at}", data[:at] + b"\xe9" + data[at + 1 :]
        yield f"flipped {at}", data[:at] + bytes([flipped]) + data[at + 1 :]
        yield f"deleted {at}", data[:at] + data[at + 1 :]
        yield f"cut {at}", data[:at]


def random_cases(encodings: tuple[str, ...] = MULTI_BYTE, *, count: int = 600) -> Iterator[Case]:
    """Short inputs, half of whose bytes are those at which decoders branch; deterministic."""
    for encoding in encodings:
        bits = random.Random(int.from_bytes(hashlib.sha256(encoding.encode()).digest()[:4], "big"))
        branch_bytes = _BRANCH_BYTES.get(encoding)
        for number in range(count):
            size = bits.getrandbits(4)
            drawn = [bits.getrandbits(8) for _ in range(size)]
            if encoding == "iso-2022-jp" and number % 4 == 0:
                data = b"".join(_ESCAPES[each % len(_ESCAPES)] for each in drawn[:7])
            elif branch_bytes and number % 2:
                data = bytes(branch_bytes[each % len(branch_bytes)] for each in drawn)
            else:
                data = bytes(each if each % 3 else each | 0x80 for each in drawn)
            yield Case(encoding, data, f"random {number}")


def pair_blocks(encoding: str) -> Iterator[Case]:
    """Every lead byte before every trail byte: one block per lead; a line end closes each pair."""
    for lead in range(0x80, 0x100):
        yield Case(
            encoding,
            b"".join(bytes((lead, trail, 0x0A)) for trail in range(256)),
            f"lead {lead:02x}",
        )
    if encoding == "euc-jp":
        for lead in range(0x80, 0x100):
            yield Case(
                encoding,
                b"".join(bytes((0x8F, lead, trail, 0x0A)) for trail in range(0xA1, 0xFF)),
                f"lead 8f {lead:02x}",
            )
    if encoding == "gb18030":
        for lead in range(0x81, 0xFF):
            tails = [
                bytes((third, fourth, 0x0A))
                for third in (0x81, 0xA0, 0xFE)
                for fourth in (0x30, 0x39)
            ]
            block = b"".join(
                bytes((lead, second)) + tail for second in range(0x30, 0x3A) for tail in tails
            )
            yield Case(encoding, block, f"lead of four {lead:02x}")


def single_bytes(encoding: str) -> Case:
    return Case(encoding, b"".join(bytes((code, 0x0A)) for code in range(256)), "single bytes")
