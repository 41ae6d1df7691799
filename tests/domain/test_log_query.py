"""The query language (LG-L02): what parses to what, and where it says that it does not."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from easymaker_local.domain.log_query import (
    MAXIMUM_DEPTH,
    MAXIMUM_LENGTH,
    MAXIMUM_TERMS,
    And,
    Everything,
    FieldIs,
    HasField,
    LogQueryError,
    Node,
    Not,
    Or,
    Text,
    TimeRange,
    parse,
)

A, B, C = Text("a"), Text("b"), Text("c")

QUERIES: list[tuple[str, Node]] = [
    # LG-03, LG-04, LG-05: literally
    ('category:"easymaker.training"', FieldIs("category", "easymaker.training")),
    ('category:"easymaker.inference"', FieldIs("category", "easymaker.inference")),
    ('logType:"NHNCloud-AIEasyMaker"', FieldIs("logType", "NHNCloud-AIEasyMaker")),
    ("", Everything()),
    ("  \n ", Everything()),
    ("*", Everything()),
    ("a", A),
    ('"a b"', Text("a b")),
    ('"a b"*', Text("a b", prefix=True)),
    ("a*", Text("a", prefix=True)),
    ("body:a", A),
    ("body:*", Everything()),
    ("a b", And((A, B))),
    ("a AND b", And((A, B))),
    ("a OR b c", Or((A, And((B, C))))),
    ("a OR b AND c", Or((A, And((B, C))))),
    ("(a OR b) c", And((Or((A, B)), C))),
    ("NOT a b", And((Not(A), B))),
    ("NOT NOT a", Not(Not(A))),
    ("NOT (a b)", Not(And((A, B)))),
    ("a AND NOT b", And((A, Not(B)))),
    ("and or not", And((Text("and"), Text("or"), Text("not")))),
    ('"AND"', Text("AND")),
    (r'"a \"b\" \\c"', Text(r'a "b" \c')),
    ('"*"', Text("*")),
    ("trainingId:61b4*", FieldIs("trainingId", "61b4", prefix=True)),
    ("trainingId:*", HasField("trainingId")),
    ('my.field-1:"x y"', FieldIs("my.field-1", "x y")),
    ('stage:""', FieldIs("stage", "")),
    ("node:0", FieldIs("node", "0")),
    ("12:30", Text("12:30")),
    ("loss=0.5", Text("loss=0.5")),
    ("학습 필드:값", And((Text("학습"), FieldIs("필드", "값")))),
    ("time:[1970-01-01T00:00:10 TO *]", TimeRange(10.0, None)),
    ("time:[ * TO 1970-01-01T01:00:00+01:00 ]", TimeRange(None, 0.0)),
    ("time:[1970-01-01 TO 1970-01-02]", TimeRange(0.0, 86400.0)),
    ("time:[1970-01-01T00:00Z TO *] a", And((TimeRange(0.0, None), A))),
]


@pytest.mark.parametrize(("text", "node"), QUERIES, ids=[text for text, _ in QUERIES])
def test_query(text: str, node: Node) -> None:
    assert parse(text) == node


FAULTS = [
    ('a "b', 2, "quotation mark"),
    ("a (b", 2, "never closed"),
    ("a) b", 1, "never opened"),
    ("a AND", 5, "missing"),
    ("a OR", 4, "missing"),
    ("NOT", 3, "missing"),
    ("()", 1, "missing"),
    ("OR a", 0, "missing"),
    ("a AND AND b", 6, "missing"),
    ("a AND OR b", 6, "missing"),
    ("category:", 9, "value of category"),
    ("category: )", 9, "value of category"),
    ("a:b:c", 2, "quotes"),
    ("a*b", 1, "end of a word"),
    ("***", 0, "end of a word"),
    ('""', 0, "nothing between"),
    ("time:5", 5, "range"),
    ("time:[a TO b]", 6, "is no time"),
    ("time:[* TO 2026-13-01]", 11, "is no time"),
    ("time:[1]", 5, "a range is written"),
    ("x:[1 TO 2]", 2, "only time"),
    ("[1 TO 2]", 0, "needs its field"),
    ("time:[1 TO", 5, "never closed"),
    ("]", 0, "never opened"),
    ("a " * (MAXIMUM_TERMS + 1), 2 * MAXIMUM_TERMS, "at most"),
    ("(" * 100, MAXIMUM_DEPTH, "deeper"),
    ("NOT " * 100 + "a", 4 * MAXIMUM_DEPTH, "deeper"),
    ("a" * (MAXIMUM_LENGTH + 1), MAXIMUM_LENGTH, "at most"),
]


@pytest.mark.parametrize(("text", "position", "words"), FAULTS, ids=[text[:20] for text, _, _ in FAULTS])
def test_fault_with_its_position(text: str, position: int, words: str) -> None:
    with pytest.raises(LogQueryError, match=words) as caught:
        parse(text)
    assert caught.value.position == position


PIECES = st.sampled_from(
    [
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        '"',
        "[",
        "]",
        " TO ",
        "*",
        ":",
        "time:",
        "a",
        "category:",
        "\\",
        " ",
        "2026-01-01",
        "0",
        "é",
    ]
)


@settings(max_examples=500)
@given(st.text(max_size=80) | st.lists(PIECES, max_size=30).map("".join) | st.lists(PIECES, max_size=30).map(" ".join))
@example("time:[0001-01-01T00:00+14:00 TO *]")
@example("time:[9999-12-31T23:59-14:00 TO *]")
def test_any_text_parses_or_has_a_position(text: str) -> None:
    try:
        parse(text)
    except LogQueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.message
