"""Decoders equal Chromium's TextDecoder, for all pairs, and sentences with one broken byte."""

import functools
import json
import lzma
import re
from typing import Any

import pytest

from tests.transforms.sources.textdecoder import cases
from tests.transforms.sources.textdecoder.ask_chromium import ANSWERS
from transforms.sources import whatwg
from transforms.sources.whatwg import decode, encoding_of

# Deviations of Chromium 156 from the standard, which is followed here:
_BIG5_PAIRS = re.compile(
    rb"\x88[\x62\x64\xa3\xa5]"
)  # two characters each; Chromium gives a control character and half a surrogate
_EUC_JP = re.compile(
    rb"\xa1\xa1|\x8f[\xa1-\xfe](?![\xa1-\xfe])"
)  # the ideographic space is an error; a bad triple shifts the next pair


@functools.cache
def answers() -> dict[str, Any]:
    return json.loads(lzma.decompress(ANSWERS.read_bytes()))


def standard_euc_jp(data: bytes) -> str:
    """Decode EUC-JP by the standard, byte by byte, for inputs that Chromium decodes differently."""
    points, points_0212 = (whatwg._pairs_of(name).points for name in ("euc-jp", "jis0212"))
    text, queue, lead, is_0212 = "", list(data), 0, False
    while queue:
        byte = queue.pop(0)
        if lead == 0x8E and 0xA1 <= byte <= 0xDF:
            text, lead = text + chr(0xFF61 - 0xA1 + byte), 0
        elif lead == 0x8F and 0xA1 <= byte <= 0xFE:
            is_0212, lead = True, byte
        elif lead:
            is_pair = 0xA1 <= lead <= 0xFE and 0xA1 <= byte <= 0xFE
            point = int((points_0212 if is_0212 else points)[lead << 8 | byte]) if is_pair else 0
            lead, is_0212 = 0, False
            if not point and byte < 0x80:
                queue.insert(0, byte)
            text += chr(point or 0xFFFD)
        elif byte < 0x80:
            text += chr(byte)
        elif byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE:
            lead = byte
        else:
            text += "\ufffd"
    return text + "\ufffd" * bool(lead)


def expected(case: cases.Case, answer: str) -> str:
    """Chromium's answer, corrected by the standard where the two differ."""
    if case.encoding == "big5":
        meant = dict(
            zip(
                (b"\x88\x62", b"\x88\x64", b"\x88\xa3", b"\x88\xa5"),
                whatwg._BIG5_PAIRS.values(),
                strict=True,
            )
        )
        pairs = iter(_BIG5_PAIRS.findall(case.data))
        return re.sub("[\x93\xb3]\ufffd", lambda found: meant[next(pairs)], answer)
    return (
        standard_euc_jp(case.data)
        if case.encoding == "euc-jp" and _EUC_JP.search(case.data)
        else answer
    )


def check(each: list[cases.Case], said: list[str], *, departures: int) -> None:
    different = [
        (case, answer, text)
        for case, answer in zip(each, said, strict=True)
        if (text := decode(case.data, case.encoding)) != answer
    ]
    known = [one for one in different if one[2] == expected(one[0], one[1])]
    assert [one for one in different if one not in known] == []
    assert len(known) <= departures


def test_labels() -> None:
    for label, said in answers()["labels"].items():
        assert encoding_of(f"\t {label.upper()}\n") == encoding_of(label)
        assert encoding_of(label) == (said.lower() if said else "replacement")
    assert len(answers()["labels"]) == 228
    for label in (None, "", "utf-7", "utf8mb4", "latin", "windows-1252 ;", "cp437"):
        assert encoding_of(label) is None


@pytest.mark.parametrize("encoding", [name for name in whatwg._NAMES if name != "replacement"])
def test_single_bytes(encoding: str) -> None:
    assert decode(cases.single_bytes(encoding).data, encoding) == answers()["singles"][encoding]


@pytest.mark.parametrize("encoding", cases.PAIRED)
def test_all_pairs(encoding: str) -> None:
    for case, answer in zip(cases.pair_blocks(encoding), answers()["pairs"][encoding], strict=True):
        text = decode(case.data, encoding)
        sequences, found, said = case.data.split(b"\n"), text.split("\n"), answer.split("\n")
        if found == said:
            continue
        assert len(found) == len(said)
        rows = zip(sequences, found, said, strict=False) if len(sequences) == len(found) else ()
        for sequence, one, other in rows:
            assert one == expected(cases.Case(encoding, sequence, ""), other), sequence.hex()


def test_pairs_that_chromium_reads_otherwise() -> None:
    assert (
        decode(b"\x88\x62\x88\x64\x88\xa3\x88\xa5", "big5")
        == "\u00ca\u0304\u00ca\u030c\u00ea\u0304\u00ea\u030c"
    )
    assert decode(b"\xa1\xa1\xa4\xa2", "euc-jp") == "\u3000あ"
    assert decode(b"\x8f\xa2<\xa4\xa2", "euc-jp") == "\ufffd<あ"


def test_a_broken_byte_at_every_position_of_sentences() -> None:
    each = list(cases.sentence_cases())
    assert len(each) > 10_000
    check(each, answers()["sentences"], departures=5)


@pytest.mark.parametrize("encoding", cases.MULTI_BYTE)
def test_random_bytes(encoding: str) -> None:
    said = dict(zip(cases.random_cases(), answers()["random"], strict=True))
    each = list(cases.random_cases((encoding,)))
    check(each, [said[case] for case in each], departures=40 if encoding == "euc-jp" else 5)


@pytest.mark.parametrize("encoding", cases.PAIRED)
def test_blocks_end_where_no_sequence_goes_on(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"".join(case.data for case in cases.random_cases((encoding,)))
    whole = decode(data, encoding)
    for size in (1, 2, 7, 100):
        monkeypatch.setattr(whatwg, "_BLOCK", size)
        assert decode(data, encoding) == whole


def test_a_byte_order_mark_of_its_own_is_no_text() -> None:
    assert [decode("\ufeffa".encode(name), name) for name in ("utf-8", "utf-16le", "utf-16be")] == [
        "a",
        "a",
        "a",
    ]
    assert decode(b"", "replacement") == ""
    assert decode(b"abc", "replacement") == "\ufffd"
    with pytest.raises(LookupError):
        decode(b"a", "cp437")


@pytest.mark.parametrize(
    "name", sorted({name for pair in cases.SENTENCES.values() for name in pair[1].split()})
)
def test_text_that_is_whole_comes_back(name: str) -> None:
    encoding, _, codec = name.partition("=")
    for sentence, encodings in cases.SENTENCES.values():
        if name in encodings.split():
            data = sentence.encode(codec, "ignore")
            assert len(data) > 15
            assert "\ufffd" not in decode(data, encoding)
