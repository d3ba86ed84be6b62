"""Kept columns: every type of Arrow and JSON becomes JSON, and equal input yields equal text."""

import datetime
import decimal
import io
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources.columns import MISSING, find_value
from transforms.sources.kept import count_kinds, json_values, kept_text
from transforms.sources.nested import check_values, find_place, take_place
from transforms.sources.tables import read_arrow, read_parquet

BIG = (1 << 53) + 1
MOMENT = datetime.datetime(2024, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.UTC)
COLUMNS: list[tuple[Any, list[Any]]] = [
    (pa.array([BIG, None, -(1 << 63)]), [BIG, None, -(1 << 63)]),
    (pa.array([(1 << 64) - 1], pa.uint64()), [(1 << 64) - 1]),
    (pa.array([0.1, math.nan, math.inf, None]), [0.1, "NaN", "Infinity", None]),
    (pa.array([0.1, 1e-8], pa.float32()), [0.1, 1e-08]),
    (pa.array([np.float16(0.1)], pa.float16()), [0.1]),
    (pa.array([True, None]), [True, None]),
    (pa.array(["é", None, ""]), ["é", None, ""]),
    (pa.array(["é"], pa.large_string()), ["é"]),
    (pa.array(["é"], pa.string_view()), ["é"]),
    (pa.array(["a", "b", None]).dictionary_encode(), ["a", "b", None]),
    (pa.array([b"\xff\0", None]), ["/wA=", None]),
    (pa.array([b"ab"], pa.binary(2)), ["YWI="]),
    (pa.array([decimal.Decimal("1.10"), None], pa.decimal128(38, 2)), ["1.10", None]),
    (pa.array([MOMENT], pa.timestamp("ms", "UTC")), ["2024-02-03T04:05:06.789Z"]),
    (pa.array([MOMENT], pa.timestamp("us", "Europe/Paris")), ["2024-02-03T04:05:06.789000Z"]),
    (
        pa.array([1700000000123456789, None], pa.timestamp("ns")),
        ["2023-11-14T22:13:20.123456789", None],
    ),
    (pa.array([datetime.date(2024, 2, 3)]), ["2024-02-03"]),
    (pa.array([datetime.time(4, 5, 6)], pa.time32("s")), ["04:05:06"]),
    (pa.array([1500], pa.duration("ms")), ["1.500s"]),
    (pa.array([{"a": 1, "b": {"c": [None, 2]}}, None]), [{"a": 1, "b": {"c": [None, 2]}}, None]),
    (pa.array([[1, 2], None, []]), [[1, 2], None, []]),
    (pa.array([["a"], None], pa.large_list(pa.string())), [["a"], None]),
    (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)), [[1, 2], None, [3, 4]]),
    (pa.array([[1], None, [2, 3]], pa.list_view(pa.int8())), [[1], None, [2, 3]]),
    (pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())), [{"k": 1}, None, {}]),
    (pa.array([[(1, "a")]], pa.map_(pa.int8(), pa.string())), [[[1, "a"]]]),
    (pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int8())), [[["k", 1], ["k", 2]]]),
    (pa.nulls(2), [None, None]),
]


@pytest.mark.parametrize(
    ("column", "expected"), COLUMNS, ids=lambda value: str(getattr(value, "type", ""))[:30]
)
def test_values_of_every_type_of_arrow(column: pa.Array, expected: list[Any]) -> None:
    padded = pa.concat_arrays([column, column])
    for found in (json_values(column), json_values(padded.slice(len(column)))):
        assert kept_text({"x": found}) == kept_text({"x": expected})
    check_values(padded.slice(1))
    assert json.loads(kept_text({"x": expected})) == {"x": expected}


@pytest.mark.parametrize("form", ["parquet", "stream", "file"])
def test_columns_go_with_their_documents(form: str) -> None:
    kinds = [
        column
        for column, _ in COLUMNS
        if column.type not in (pa.list_view(pa.int8()), pa.float16(), pa.time32("s"))
    ]
    table = pa.table(
        {"text": ["one"], **{str(number): column[:1] for number, column in enumerate(kinds)}}
    )
    out = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, out)
    else:
        with (pa.ipc.new_stream if form == "stream" else pa.ipc.new_file)(
            out, table.schema
        ) as writer:
            writer.write_table(table)
    read = read_parquet if form == "parquet" else read_arrow
    names = [name for name in table.column_names if name != "text"]
    [found] = read(io.BytesIO(out.getvalue()), fields={}, keep_columns=[*names, "absent"])
    assert json.loads(found.kept) == {
        name: json_values(column)[0] for name, column in zip(names, kinds, strict=True)
    }


def test_a_string_that_is_not_utf8_costs_no_other_value() -> None:
    column = pa.array([b"\xff", b"b"]).view(pa.string())
    assert json_values(column) == ["\ufffd", "b"]
    check_values(column)


def test_offsets_that_lead_outside_are_refused() -> None:
    out = io.BytesIO()
    table = pa.table({"text": ["abcde", "fghij"], "meta": [{"a": "12345"}, {"a": "67890"}]})
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    offsets = np.array([0, 5, 10], np.int32).tobytes()
    assert out.getvalue().count(offsets) == 2
    for at in (out.getvalue().index(offsets), out.getvalue().rindex(offsets)):
        damaged = bytearray(out.getvalue())
        damaged[at + 4 : at + 8] = np.int32(1 << 30).tobytes()
        with pytest.raises(OSError, match="offset"):
            list(read_arrow(io.BytesIO(bytes(damaged)), fields={}, keep_columns=["meta"]))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_json_comes_back(values: dict[str, Any]) -> None:
    assert json.loads(kept_text(values)) == values
    assert kept_text(values) == kept_text(dict(values))


def test_text_is_one_line_of_utf8() -> None:
    assert kept_text({"a": "\ud800\n\0", "b": [math.nan, -math.inf], "c": "\ud83d\ude00"}) == (
        '{"a":"\ufffd\\n\\u0000","b":["NaN","-Infinity"],"c":"\U0001f600"}'
    )


def test_kinds_are_counted() -> None:
    texts = [
        '{"a":1,"b":null}',
        None,
        '{"a":9007199254740993,"b":"x"}',
        '{"a":1e3,"b":"NaN"}',
        '{"a":99999999999999999999,"b":[1]}',
        '{"a":true}',
    ]
    assert count_kinds(texts) == {
        "a": {"integer": 1, "int64": 1, "number": 1, "other": 1, "boolean": 1},
        "b": {"null": 1, "string": 1, "special": 1, "other": 1},
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("meta", {"url": "u", "titles": ["a", {"x": 1}], "n": None}),
        ("meta.url", "literal"),  # a key with a dot wins
        ("meta.titles.0", "a"),
        ("meta.titles.1.x", 1),
        ("meta.n", None),
        ("a.b", {"c": 2}),
        ("a.b.c", 2),
        ("meta.titles.2", MISSING),
        ("meta.titles.-1", MISSING),
        ("meta.titles.x", MISSING),
        ("meta.absent", MISSING),
        ("text.0", MISSING),
        (".", MISSING),
        ("", MISSING),
    ],
)
def test_paths(path: str, value: Any) -> None:
    record = {
        "text": "t",
        "meta": {"url": "u", "titles": ["a", {"x": 1}], "n": None},
        "meta.url": "literal",
        "a.b": {"c": 2},
    }
    assert find_value(record, path) == value
    table = pa.table(
        {
            "text": ["t"],
            "meta": [{"url": "u", "titles": ["a"]}],
            "meta.url": ["literal"],
            "a.b": [{"c": 2}],
        }
    )
    place = find_place(table.schema, path)
    if value is MISSING and not path.startswith("meta.titles"):
        assert place is None
    elif place is not None and path in (
        "meta.url",
        "meta.titles.0",
        "meta.titles.2",
        "a.b",
        "a.b.c",
    ):
        assert take_place(table.to_batches()[0], place).to_pylist() == [
            None if value is MISSING else value
        ]
