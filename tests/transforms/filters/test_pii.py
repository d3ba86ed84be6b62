"""Filter `pii`: matches and look-alikes, tags and counts, and adversarially slow texts."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import DATA
from tests.growth import least_seconds
from transforms.filters.pii import FINDERS, judge_pii, replace_all
from transforms.filters.pii_numbers import IBAN_LENGTHS, luhn
from transforms.filters.registry import check_filter
from transforms.sources.records import RawDocument
from transforms.sources.registry import read_records

TAGS = {"email": "<EMAIL>", "iban": "<IBAN>", "card": "<CARD>", "ip": "<IP>", "phone": "<PHONE>"}


def cleaned(text: str, **options: Any) -> str:
    return judge_pii(pa.array([text], pa.large_string()), **options).text[0].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to john@example.com.", "write to <EMAIL>."),
        ("<john.o'neil+news@mail.example.co.uk>", "<<EMAIL>>"),
        ("mailto:john@example.com?subject=x", "mailto:<EMAIL>?subject=x"),
        ("'john@example.com'", "'<EMAIL>'"),
        ("...john@example.com", "...<EMAIL>"),
        ("müller@bücher.example.de", "<EMAIL>"),
        ("请联系john@example.com谢谢", "请联系<EMAIL>谢谢"),
        ("a@b.example,c@d.example", "<EMAIL>,<EMAIL>"),
        ("john_doe-1@x-y.example", "<EMAIL>"),
        ("icon@2x.png and me@home", None),
        ("@john on example.com", None),
        ("john@localhost", None),
        ("john @ example.com", None),
        ("a@b.c", None),
        ("5 apples@1.50 each", None),
        ("from 8.8.8.8.", "from <IP>."),
        ("(93.184.216.34)", "(<IP>)"),
        ("2001:4860:4860::8888 answers", "<IP> answers"),
        ("at 2606:2800:220:1:248:1893:25c8:1946", "at <IP>"),
        ("http://8.8.4.4/x", "http://<IP>/x"),
        ("192.168.1.1 10.0.0.1 172.16.0.9 127.0.0.1 169.254.1.1", None),
        ("192.0.2.1 198.51.100.7 203.0.113.9 0.0.0.0 255.255.255.255 224.0.0.251", None),
        ("fe80::1 ::1 2001:db8::1 fd00::1", None),
        ("version 1.2.3.4 and v. 1.2.3.4 and Release: 10.4.11.2", None),
        ("v1.2.3.4", None),
        ("1.2.3.4.5", None),
        ("1.2.3", None),
        ("256.1.1.1 and 01.02.03.04", None),
        ("at 12:30:45 on std::vector a::b", None),
        ("MAC 00:1a:2b:3c:4d:5e", None),
        ("8.8.8.8-beta", None),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", "IBAN <IBAN> BIC COBADEFF"),
        ("GB29NWBK60161331926819", "<IBAN>"),
        ("NO93 8601 1117 947.", "<IBAN>."),
        ("MT84MALT011000012345MTLCAST001S", "<IBAN>"),
        ("FR14 2004 1010 0505 0001 3M02 606", "<IBAN>"),
        ("DE88 3704 0044 0532 0130 00", None),
        ("DE89 3704 0044 0532 0130 0", None),
        ("DE89370400440532013000X", None),
        ("XX89 3704 0044 0532 0130 00", None),
        ("card 4111 1111 1111 1111,", "card <CARD>,"),
        ("4111111111111111", "<CARD>"),
        ("5555-5555-5555-4444", "<CARD>"),
        ("3782 822463 10005", "<CARD>"),
        ("2223003122003222", "<CARD>"),
        ("4111 1111 1111 1112", None),
        ("4111-1111 1111-1111", None),
        ("1111 1111 1111 1117", None),
        ("0000 0000 0000 0000", None),
        ("9780306406157", None),
        ("order A4111111111111111", None),
        ("4111111111111111.5", None),
        ("call +49 30 1234567 now", "call <PHONE> now"),
        ("+1 (415) 555-0132", "<PHONE>"),
        ("+14155550132", "<PHONE>"),
        ("+44 20 7946 0958.", "<PHONE>."),
        ("+49 (0)30 1234-567", "<PHONE>"),
        ("+41.31.322.55.11", "<PHONE>"),
        ("+420 123 456 789", "<PHONE>"),
        ("(415) 555-0132", "<PHONE>"),
        ("415-555-0132", "<PHONE>"),
        ("415.555.0132", "<PHONE>"),
        ("1-800-555-0132", "<PHONE>"),
        ("01 23 45 67 89", "<PHONE>"),
        ("01.23.45.67.89", "<PHONE>"),
        ("030/1234567", "<PHONE>"),
        ("(030) 1234567", "<PHONE>"),
        ("Tel.: 0471 80 60 745", "Tel.: <PHONE>"),
        ("Tel 030-12345678, Fax 030-12345679", "Tel <PHONE>, Fax <PHONE>"),
        ("Phone: 020 7946 0958", "Phone: <PHONE>"),
        ("Telefon (030) 123 45 67", "Telefon <PHONE>"),
        ("Tél. 04 91 12 34 56", "Tél. <PHONE>"),
        ("2023-11-23 and 23.11.2023 and 11/23/2023", None),
        ("1939-1945, 2010–2015, 1999/2000", None),
        ("mobile 2010-2015 and phone: 2023-01-01", None),
        ("phone 12 or telephone 5 times", None),
        ("$415-555-0132 or 415,555,0132", None),
        ("ISBN 978-3-16-148410-0 and 0-306-40615-2", None),
        ("ISBN 9783161484100 ISSN 2049-3630", None),
        ("1,234,567.89 and 1.234.567,89 and 10 000 000", None),
        ("+1 000 000 000 people, +15%, +100000", None),
        ("grew by +3.5 to +12345678%", None),
        ("a1+4915208649244", None),
        ("2+49 30 1234567", None),
        ("123-456-7890", None),
        ("415-555-01325 and 5415-555-0132", None),
        ("078-05-1120", None),
        ("12:30-13:30, 8.30-9.45 Uhr", None),
        ("1620000000 1620000000000", None),
        ("3.14159265358979", None),
        ("RFC 2119, 10.1000/182, arXiv:2306.01116", None),
        ("§ 823 Abs. 1 BGB, 80331 München", None),
        ("#415-555-0132", None),
        ("id=4155550132&x=415-555-0132-9", None),
        ("5-4-3-2-1-0-1-2-3", None),
        ("49 30 1234567", None),
        ("hotel 1234567", None),
        ("100 200 3000 € and 1 2 3 4 5 6 7 8 9", None),
    ],
)
def test_finds_and_what_only_looks_like_one(text: str, expected: str | None) -> None:
    assert cleaned(text) == (text if expected is None else expected)


GOLDEN = (
    "Ann <ann@example.org>, Tel. +49 30 1234567\n8.8.8.8 or 192.168.0.1\n"
    "4111 1111 1111 1111; DE89 3704 0044 0532 0130 00; bob@example.org"
)


def test_tags_and_counts() -> None:
    verdicts = judge_pii(pa.array(["nothing", GOLDEN], pa.large_string()))
    assert verdicts.keep.tolist() == [True, True]
    assert verdicts.text.to_pylist() == [
        "nothing",
        "Ann <<EMAIL>>, Tel. <PHONE>\n<IP> or 192.168.0.1\n<CARD>; <IBAN>; <EMAIL>",
    ]
    assert {name: counts.tolist() for name, counts in verdicts.counts.items()} == {
        "pii/email": [0, 2],
        "pii/iban": [0, 1],
        "pii/card": [0, 1],
        "pii/ip": [0, 1],
        "pii/phone": [0, 1],
    }


def test_only_the_kinds_that_are_asked_for_and_fineweb_s_tags() -> None:
    options: dict[str, Any] = {
        "kinds": ("email", "ip"),
        "email_tag": "email@example.com",
        "ip_tag": "22.214.171.124",
    }
    once = cleaned(GOLDEN, **options)
    assert once == GOLDEN.replace("ann@example.org", "email@example.com").replace(
        "bob@example.org", "email@example.com"
    ).replace("8.8.8.8", "22.214.171.124")
    again = judge_pii(pa.array([once], pa.large_string()), **options)
    assert again.text.to_pylist() == [once]
    assert not any(counts.any() for counts in again.counts.values())


def test_kinds_are_a_closed_list() -> None:
    check_filter("pii", {"kinds": ["email", "ip"]})
    with pytest.raises(ValueError, match="'email'"):
        check_filter("pii", {"kinds": ["mail"]})


def test_checksums() -> None:
    assert luhn("79927398713")
    assert [luhn(f"7992739871{digit}") for digit in range(10)].count(True) == 1
    assert not luhn("0" * 16)
    assert (
        len(IBAN_LENGTHS)
        == sum(1 for code in IBAN_LENGTHS if code.isalpha() and len(code) == 2)
        > 80
    )


PIECES = [
    "john@example.com",
    "+49 30 1234567",
    "415-555-0132",
    "8.8.8.8",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "Tel. ",
    "030 ",
]
PIECES += [
    "2001:4860:4860::8888",
    "@",
    ".",
    "+",
    "-",
    " ",
    "\n",
    "1",
    "12",
    "(",
    ")",
    "/",
    ":",
    "a",
    "ä",
    "谢",
    "\u00a0",
    "v",
]


@settings(max_examples=300, deadline=None)
@example("john@example.com" + "+49 30 1234567" * 9)
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=10).map("".join), st.text()))
def test_doing_it_again_changes_nothing(text: str) -> None:
    once, _ = replace_all(text, tags=TAGS)
    assert replace_all(once, tags=TAGS) == (once, {})


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=4))
def test_a_row_alone_is_edited_as_in_a_batch(texts: list[str]) -> None:
    together = judge_pii(pa.array(["x", *texts], pa.large_string())[1:])
    assert together.text.to_pylist() == [cleaned(text) for text in texts]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a@",
        "@",
        "a.",
        "1",
        "1 ",
        "1.",
        "+1 ",
        "+",
        "1-",
        "tel. ",
        "AA11",
        "DE89 ",
        ":",
        "a:",
        "4444 ",
        "(",
        "+1(",
        "01 ",
        " ",
    ],
)
def test_texts_made_to_be_slow_take_time_in_proportion_to_their_length(piece: str) -> None:
    times = []
    for length in (100_000, 400_000):
        text = (piece * length)[:length]
        times.append(least_seconds(lambda text=text: replace_all(text, tags=TAGS)))
    # Quadratic time would be 16 times as much.
    assert times[1] < 10 * max(times[0], 0.01)


@pytest.mark.real_data
def test_on_real_pages_little_is_replaced_and_never_twice() -> None:
    texts = [
        record.text
        for record in read_records(str(DATA / "web" / "pages-00.warc.gz"), kind="warc", options={})
        if isinstance(record, RawDocument)
    ]
    once = judge_pii(pa.array(texts, pa.large_string()))
    twice = judge_pii(once.text)
    assert twice.text.equals(once.text)
    found = {name: int(counts.sum()) for name, counts in once.counts.items()}
    assert found["pii/email"] > 10
    assert 5 < found["pii/phone"] < 100
    assert found["pii/ip"] + found["pii/card"] < 10
    assert set(found) == {f"pii/{kind}" for kind in FINDERS}
