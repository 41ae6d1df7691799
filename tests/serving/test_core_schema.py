"""Whatever can be asked of a model server by its document is answered: no failure of ours, errors in the protocol's form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from tests.serving.toys import Double, Running, Words, serving

REQUESTS = 80
DATATYPES = ["BOOL", "UINT8", "INT8", "INT32", "INT64", "UINT64", "FP16", "BF16", "FP32", "FP64", "BYTES"]

ANY: dict[str, Any] = {}
TENSOR = {
    "type": "object", "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"type": "string", "enum": ["x", "y", "text"]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 4}, "maxItems": 3},
        "datatype": {"type": "string", "enum": DATATYPES},
        "data": {"type": "array", "items": {"type": ["number", "string", "boolean", "array"]}},
        "parameters": {"type": "object"},
    },
}  # fmt: skip
V1 = {"type": "object", "properties": {"instances": {"type": "array"}, "inputs": ANY, "parameters": {"type": "object"}}}
V2 = {
    "type": "object", "required": ["inputs"],
    "properties": {
        "id": {"type": "string"}, "parameters": {"type": "object"}, "inputs": {"type": "array", "items": TENSOR},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"enum": ["x", "y", "text", "length"]}, "parameters": {"type": "object"}},
            },
        },
    },
}  # fmt: skip
CHAT = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {"model": {"enum": ["toy", "other"]}, "messages": {"type": "array"}, "stream": {"type": "boolean"}},
}


def document() -> dict[str, Any]:
    """Return the routes that take bodies, as OpenAPI has them (OI-03, OI-04, OI-10, OI-12)."""
    bodies = {
        "/v1/models/toy/predict": V1, "/v1/models/toy:explain": V1, "/v2/models/toy/infer": V2,
        "/openai/v1/chat/completions": CHAT,
    }  # fmt: skip
    paths = {
        path: {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                "responses": {"default": {"description": "an answer, or an error of the protocol"}},
            }
        }
        for path, schema in bodies.items()
    }
    return {"openapi": "3.1.0", "info": {"title": "Open Inference Protocol", "version": "2"}, "paths": paths}


OPERATIONS = {
    found.ok().label: found.ok() for found in schemathesis.openapi.from_dict(document()).get_all_operations()
}  # fmt: skip


@pytest.fixture(scope="module", params=[Double, Words])
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(request.param()) as made:
        yield made


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_failure_of_ours(running: Running, label: str) -> None:
    """OI-17, OI-18, OI-20: 501 is the only answer above 499, and every error has the protocol's form."""
    operation = OPERATIONS[label]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    seen: Counter[int] = Counter()

    @settings(
        max_examples=REQUESTS, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=st.one_of(good, bad))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=f"http://127.0.0.1:{running.port}")
        seen[answer.status_code] += 1
        assert answer.status_code < 500 or answer.status_code == 501, answer.text
        if answer.status_code >= 400:
            assert list(answer.json()) == ["error"], answer.text

    ask()
    assert sum(seen.values()) >= REQUESTS / 2, seen
    assert running.ask("GET", "/v2/health/ready")[0] == 200
