"""What is posted to the root says by its body in which style it asks (rest-api §6.13; GW, VX-06)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from easymaker_serving.routes import Route
from easymaker_serving.styles import style_of
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.toys import Double, Running, Talker, rows, serving, tensor

V1, V2, COMPLETION, CHAT = Route.V1_PREDICT, Route.V2_INFER, Route.OPENAI_COMPLETIONS, Route.OPENAI_CHAT
KEYS = ("instances", "inputs", "model", "prompt", "messages", "other")
VALUES = st.sampled_from([None, True, 1.5, "prompt", [], [[1]], {}, {"instances": []}, {"inputs": {"model": "m"}}])


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with serving(Double()) as running:
        yield running


@pytest.fixture(scope="module")
def talker() -> Iterator[Running]:
    with serving(Talker()) as running:
        yield running


def by_the_table(found: set[str]) -> Route:
    """The table of rest-api §6.13, as it stands there."""
    if "instances" in found:
        return V1
    if "inputs" in found:
        return V2
    if {"model", "prompt"} <= found:
        return COMPLETION
    if {"model", "messages"} <= found:
        return CHAT
    return V1


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_the_table(body: dict[str, Any]) -> None:
    """Keys at the top decide, whatever their values hold."""
    assert style_of(json.dumps(body).encode()) == by_the_table(set(body))


@given(st.binary() | VALUES.map(lambda value: json.dumps([value]).encode()))
def test_anything_else_is_version_1(body: bytes) -> None:
    assert style_of(body) is V1


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"inputs":' * 100_000, b'{"inputs": \xff}', b'{"inputs": 1'])
def test_no_json_is_version_1(body: bytes) -> None:
    assert style_of(body) is V1


@pytest.mark.parametrize("path", ["/", "/toy/", "/?a=b"])
def test_both_versions(double: Running, path: str) -> None:
    """OI-15, OI-17: answers in the style of the question."""
    assert double.ask("POST", path, {"instances": rows(1).tolist()})[:2] == (200, {"predictions": [[0, 2, 4, 6]]})
    status, answer, _ = double.ask("POST", path, {"id": "mine", "inputs": [tensor("x", rows(1), "FP64")]})
    assert (status, answer["id"], answer["outputs"][0]["data"]) == (200, "mine", [0, 2, 4, 6])


def test_binary_tensors(double: Running) -> None:
    """OI-10: the header says that JSON is only the beginning of the body."""
    data = np.arange(4, dtype="<f8").tobytes()
    given_ = {"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [given_], "parameters": {"binary_data_output": True}}).encode()
    status, body, headers = double.ask("POST", "/", head + data, {"Inference-Header-Content-Length": str(len(head))})
    length = int(headers["Inference-Header-Content-Length"])
    assert (status, np.frombuffer(body[length:], "<f8").tolist()) == (200, [0, 2, 4, 6])


def test_compressed_and_then_not(double: Running) -> None:
    """What is read of a compressed body leaves no trace in the next request of the connection."""
    content = gzip.compress(json.dumps({"instances": rows(1).tolist()}).encode())
    for _ in range(2):
        status, answer, _ = double.ask("POST", "/", content, {"Content-Encoding": "gzip"})
        assert (status, answer) == (200, {"predictions": [[0, 2, 4, 6]]})


def test_a_large_body(double: Running) -> None:
    many = rows(20_000, start=1000)
    status, answer, _ = double.ask("POST", "/", {"inputs": [tensor("x", many, "FP64")]})
    assert (status, answer["outputs"][0]["data"]) == (200, (many * 2).ravel().tolist())


def test_completions(talker: Running) -> None:
    """OI-11, OI-19: whole and streamed."""
    assert talker.ask("POST", "/", {"model": "toy", "prompt": "hello"})[:2] == (200, {"text": "hello"})
    status, body, headers = talker.ask("POST", "/", {"model": "toy", "prompt": "a b", "stream": True})
    assert (status, headers["Content-Type"], body) == (200, "text/event-stream", b"data: a\n\ndata: b\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"model": "toy", "messages": []}, 501, "OpenAI"),
        ({"model": "toy", "prompt": "a"}, 501, "OpenAI"),
        ({"model": "toy"}, 400, "instances"),
        ({"inputs": 1}, 400, "version 2"),
        (b"", 400, "JSON"),
        (b"[]", 400, "instances"),
        (b'{"inputs": [', 400, "JSON"),
    ],
)
def test_errors(double: Running, body: Any, status: int, words: str) -> None:
    """OI-17, OI-18: as the protocol has them."""
    found, answer, _ = double.ask("POST", "/", body)
    assert (found, list(answer)) == (status, ["error"])
    assert words in answer["error"]


def test_it_counts_as_what_it_is() -> None:
    """OI-20."""
    with serving(Double()) as double:
        double.ask("GET", "/")
        double.ask("POST", "/", {"instances": rows(1).tolist()})
        double.ask("POST", "/", {"inputs": []})
        text = double.ask("GET", "/metrics")[1].decode()
    for route, outcome in (("root", 200), ("v1_predict", 200), ("v2_infer", 400)):
        assert f'requests_total{{model="toy",route="{route}",outcome="{outcome}"}} 1' in text


def test_other_methods(double: Running) -> None:
    """OI-17."""
    status, answer, headers = double.ask("DELETE", "/")
    assert (status, headers["Allow"], list(answer)) == (405, "GET, HEAD, POST", ["error"])
    assert double.ask("HEAD", "/")[:2] == (200, b"")


@pytest.mark.parametrize("body", [{}, b"no JSON", {"instances": []}])
def test_an_explanation_that_nobody_gives(double: Running, body: Any) -> None:
    """OI-18: said before anything is found wrong with the question."""
    assert double.ask("POST", "/v1/models/toy/explain", body)[0] == 501
