"""Lines of the gateway as entries: the product's fields, levels, words; and whatever else may stand in a file (LG, LG-L04)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.access_log import entry_of, parse

LINE = {
    "time": "1700000000.123456", "id": "6b1c", "stage": "s1", "model": "iris", "method": "POST",
    "path": "/shop/iris/v1/models/iris/predict", "status": 200, "grpc_status": None, "ms": 12, "received": 120, "sent": 30,
    "flags": None,
}  # fmt: skip


def line(**fields: Any) -> bytes:
    return json.dumps({**LINE, **fields}).encode()


def test_fields() -> None:
    """LG-06…LG-11, LG-13…LG-17."""
    entry = entry_of(parse(line()), "local", "e1")
    source = entry.source
    assert (source.easymaker_app_key, source.category, source.log_level, source.log_type) == (
        "local", "easymaker.inference", "INFO", "NHNCloud-AIEasyMaker",
    )  # fmt: skip
    assert (source.endpoint_id, source.endpoint_stage_id, source.action, source.model_name) == (
        "e1", "s1", "Endpoint.Model", "iris",
    )  # fmt: skip
    assert (entry.time, entry.inference_id) == (1_700_000_000.123456, "6b1c")
    assert entry.body == "POST /shop/iris/v1/models/iris/predict: 200 in 12 ms, 120 bytes in, 30 bytes out"
    assert source.training_id is None


@pytest.mark.parametrize(
    ("status", "grpc_status", "level"),
    [
        (200, None, "INFO"), (304, None, "INFO"), (400, None, "WARNING"), (404, None, "WARNING"), (413, "-", "WARNING"),
        (500, None, "ERROR"), (503, None, "ERROR"), (504, None, "ERROR"), (0, None, "ERROR"), (200, 0, "INFO"),
        (200, 3, "WARNING"), (200, 5, "WARNING"), (200, 8, "ERROR"), (200, 14, "ERROR"), (200, "14", "ERROR"),
    ],
)  # fmt: skip
def test_levels(status: int, grpc_status: Any, level: str) -> None:
    """LG-08, OI-20."""
    assert parse(line(status=status, grpc_status=grpc_status)).level == level


def test_words() -> None:
    """LG-09."""
    assert "no answer in 12 ms" in parse(line(status=0)).body
    assert "200, gRPC status 5 in" in parse(line(grpc_status=5)).body
    assert parse(line(status=503, flags="UH")).body.endswith("(UH)")


@pytest.mark.parametrize("model", [None, "", "-"])
def test_no_model(model: Any) -> None:
    """LG-17: where no model is meant, or an unknown one."""
    assert entry_of(parse(line(model=model)), "local", None).source.model_name is None


@pytest.mark.parametrize("count", range(1, len(line()) - 1, 7))
def test_after_half_a_line(count: int) -> None:
    """A gateway that was killed while it wrote; the next one goes on behind it."""
    assert parse(line(id="first")[:count] + line(id="second")).inference_id == "second"


def test_a_path_with_quotes_and_braces() -> None:
    path = '/shop/%7B?a={"b":"{\\"c'
    assert parse(line(path=path)).path == path
    assert parse(line(path=path)[:-9] + line(id="second")).inference_id == "second"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'"stage"', b"\xff", b"[" * 100_000, b"{}", line(stage=None), line(time=float("nan"))]
)
def test_no_such_line(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)


@given(st.binary() | st.dictionaries(st.sampled_from([*LINE]), VALUES).map(lambda changed: line(**changed)))
def test_what_is_taken_can_be_stored(text: bytes) -> None:
    """Anything else is refused by name, or one line would hold up all that come after it."""
    try:
        entry = entry_of(parse(text), "local", None)
    except ValueError:
        return
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE found (time REAL NOT NULL, id TEXT, body TEXT NOT NULL, source TEXT NOT NULL) STRICT")
    db.execute("INSERT INTO found VALUES (?, ?, ?, ?)", (entry.time, entry.inference_id, entry.body, json.dumps(entry.source)))
    db.close()
