"""Tokens: tables of cases, and properties that hold for any text."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.filters.tokens import Tokens, tokenize


def split(*texts: str) -> Tokens:
    return tokenize(pa.array(texts, pa.large_string()))


def tokens_of(text: str) -> list[str]:
    spans = split(text).spans
    return [
        text[start:end]
        for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        (" \n\t", ""),
        ('The mill, "old" (and grey).', 'The mill , " old " ( and grey ) .'),
        ("U.S. and J.R.R. Tolkien", "U.S. and J.R.R. Tolkien"),
        ("Mr. Smith of Acme Inc., USA.", "Mr. Smith of Acme Inc. , USA ."),
        ("(e.g. at 9 a.m.)", "( e.g. at 9 a.m. )"),
        ("u.s. and U.s. but i.e. and vs. and v.s.", "u.s . and U.s . but i.e. and vs. and v.s."),
        (
            "and/or (and/or), and-and/or or/and sand/or",
            "and/or ( and/or ) , and - and / or or / and sand / or",
        ),
        ("cannot, un-cannot cannot-be (id) --id", "can not , un - cannot cannot - be ( i d ) --id"),
        ("--- === - a ==== -b", "--- = = = - a = = = = -b"),
        ("wait... what?..", "wait ... what ? .."),
        ("end…start end...start", "end … start end ... start"),
        ("1,000.50 2/3 10:30 well,then", "1,000.50 2/3 10:30 well , then"),
        ("end.Start and a.b", "end . Start and a.b"),
        ("well-known pre--war 1990-2000 foo-1", "well - known pre -- war 1990 - 2000 foo-1"),
        ("— a—b –", "— a — b –"),
        ("either/or x=y", "either / or x = y"),
        ("AT&T foo_bar O'Brien word(s)", "AT&T foo_bar O'Brien word(s )"),
        ("don't it's we’ll they've I'm cannot", "do n't it 's we ’ll they 've I 'm can not"),
        ("the 1990's boys'", "the 1990 's boys '"),
        ("10km 5pm 3:55pm 100M 2nd", "10 km 5 pm 3:55pm 100 M 2nd"),
        ("$10 20% +5 C++ 5+", "$ 10 20 % +5 C++ 5 +"),
        ("www.a-b.org/c-d name-x@a-b.org, a-b", "www.a-b.org/c-d name-x@a-b.org , a - b"),
        ("#tag @name **x**", "# tag @name * * x * *"),
        ("★new★ ©2020", "★ new ★ © 2020"),
        ("水車mill小屋", "水 車 mill 小 屋"),
        ("e\u0301t\u00e9 na\u00efve", "e\u0301t\u00e9 na\u00efve"),
    ],
)
def test_tokens(text: str, tokens: str) -> None:
    assert tokens_of(text) == tokens.split()


@pytest.mark.parametrize(
    ("text", "words", "letters", "sentences"),
    [
        ("", 0, 0, 0),
        ("The mill. It stands!", 4, 4, 2),
        ("Is it so? 12 -- (yes) • #", 6, 4, 2),
        ("Mr. Smith came", 3, 3, 1),
        ("Wait... no", 2, 2, 1),
        ("one. two. Three", 3, 3, 3),
    ],
)
def test_counts(text: str, words: int, letters: int, sentences: int) -> None:
    tokens = split(text)
    assert (
        tokens.is_word.sum(),
        tokens.has_letter.sum(),
        tokens.sentences_per_document().tolist(),
    ) == (words, letters, [sentences])


def test_a_sentence_that_begins_small_can_be_left_out() -> None:
    tokens = split("one. two. Three", "small first. and on")
    assert tokens.sentences_per_document(before_lowercase=False).tolist() == [2, 1]


TEXTS = st.text(
    st.sampled_from("aB1 .,'’-\n…:/@#()\"$%水\u0301\u200b~+tn*"), max_size=40
) | st.text(max_size=20)


@given(st.lists(TEXTS, max_size=6))
def test_a_row_alone_has_the_tokens_it_has_in_a_batch(texts: list[str]) -> None:
    together = split(*texts)
    pieces = []
    for row, text in enumerate(texts):
        assert tokens_of_row(together, row) == tokens_of(text)
        pieces += [split(text).sentences_per_document()[0]]
    assert together.sentences_per_document().tolist() == pieces


@given(TEXTS)
def test_nothing_but_white_space_is_lost(text: str) -> None:
    assert "".join(tokens_of(text)) == "".join(text.split())


def tokens_of_row(tokens: Tokens, row: int) -> list[str]:
    spans = tokens.spans
    part = slice(spans.offsets[row], spans.offsets[row + 1])
    points = spans.code_points.tolist()
    return [
        "".join(map(chr, points[a:b]))
        for a, b in zip(spans.starts[part].tolist(), spans.ends[part].tolist(), strict=True)
    ]
