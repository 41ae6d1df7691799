"""What users send (LG-21): any JSON is taken, or refused with the field at fault; nothing in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.log_entry import LOG_TYPE, MAXIMUM_ENTRY_BYTES, Category, Entry, Source
from easymaker_local.domain.log_intake import MAXIMUM_ENTRIES, entries_of
from easymaker_local.errors import InvalidRequest

NOW = 1_000_000.0


def test_what_the_sdk_sends() -> None:
    """rest-api §9."""
    sent = {
        "category": "easymaker.sdk", "logType": "NHN Cloud - AI EasyMaker", "projectName": "key", "body": "text",
        "logLevel": "WARNING", "projectVersion": "1.0.0", "sendTime": 1735689600.12, "host": "easymaker", "mine": 7,
        "logVersion": "v2",
    }  # fmt: skip
    source = Source(
        easymaker_app_key="local", category="easymaker.sdk", log_level="WARNING", log_type="NHN Cloud - AI EasyMaker",
        host="easymaker", project_name="key",
    )  # fmt: skip
    rest = {"projectVersion": "1.0.0", "sendTime": 1735689600.12, "mine": 7, "logVersion": "v2"}
    for body in (sent, [sent]):
        (entry,) = entries_of(body, "local", NOW)
        assert entry._replace(fields=None) == Entry(source, 1735689600.12, "text")
        assert json.loads(entry.fields or "") == rest


def test_little_is_enough() -> None:
    preset = Source(easymaker_app_key="local", category=Category.SDK, log_type=LOG_TYPE)
    assert entries_of({"body": "x"}, "local", NOW) == [Entry(preset, NOW, "x")]
    assert entries_of([], "local", NOW) == []
    (entry,) = entries_of({"body": {"a": [1]}, "trainingId": 12, "inferenceId": "i", "sendTime": 1735689600120}, "k", NOW)
    assert (entry.body, entry.source.training_id, entry.inference_id, entry.time) == ('{"a": [1]}', "12", "i", 1735689600.12)


DEEP: Any = "x"
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("text", "body"), (None, "body"), ({}, "body"), ([{"body": "x"}, 3], "1"), ([{"body": "x"}, {}], "1.body"),
        ({"body": "x", "host": "h" * 256}, "host"), ({"body": "x", "sendTime": "noon"}, "sendTime"),
        ({"body": "x", "sendTime": 1e300}, "sendTime"), ({"body": "x", "big": "b" * MAXIMUM_ENTRY_BYTES}, "body"),
        ({"body": DEEP}, "body"), ([{"body": "x", "deep": DEEP}], "0"),
        ([{"body": ""}] * (MAXIMUM_ENTRIES + 1), "body"),
    ],
)  # fmt: skip
def test_refused_with_the_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        entries_of(body, "local", NOW)
    assert [fault.field for fault in caught.value.fields] == [field]


def test_a_long_message_becomes_several() -> None:
    text = "한" * MAXIMUM_ENTRY_BYTES
    entries = entries_of({"body": text}, "local", NOW)
    assert len(entries) > 1
    assert "".join(entry.body for entry in entries) == text


def test_a_message_of_several_lines_is_one() -> None:
    (entry,) = entries_of({"body": "one\ntwo\n"}, "local", NOW)
    assert entry.body == "one\ntwo\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["body", "sendTime", "host", "inferenceId", "logLevel", "x"]) | st.text(max_size=5), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json(body: Any) -> None:
    try:
        entries = entries_of(body, "local", NOW)
    except InvalidRequest as error:
        assert error.fields
    else:
        for entry in entries:
            json.loads(entry.fields or "{}", parse_constant=lambda text: pytest.fail(text))
            for text in (*entry.source, entry.body, entry.inference_id, entry.fields):
                assert text is None or isinstance(text.encode(), bytes)
