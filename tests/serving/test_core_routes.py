"""Every route of OI, its spellings, and its errors (OI-01 to OI-18)."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.toys import Double, Pair, Running, Talker, Words, rows, serving, tensor

BODY_V1 = {"instances": rows(1).tolist()}
BODY_V2 = {"inputs": [tensor("x", rows(1), "FP64")]}


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with serving(Double()) as running:
        yield running


@pytest.fixture(scope="module")
def words() -> Iterator[Running]:
    with serving(Words()) as running:
        yield running


@pytest.fixture(scope="module")
def talker() -> Iterator[Running]:
    with serving(Talker()) as running:
        yield running


GETS: list[tuple[str, Any]] = [
    ("/", {"status": "alive"}),
    ("/v1/models", {"models": ["toy"]}),
    ("/v1/models/toy", {"name": "toy", "ready": True}),
    ("/v1/models/toy/versions/1", {"name": "toy", "ready": True}),
    ("/v2", {"name": "easymaker-serving", "version": "1.0.0", "extensions": ["binary_tensor_data", "model_versions"]}),
    ("/v2/", {"name": "easymaker-serving", "version": "1.0.0", "extensions": ["binary_tensor_data", "model_versions"]}),
    ("/v2/health/live", {"live": True}),
    ("/v2/health/ready", {"ready": True}),
    (
        "/v2/models/toy",
        {
            "name": "toy",
            "versions": ["1"],
            "platform": "toy",
            "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}],
            "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, 4]}],
        },
    ),
    ("/v2/models/toy/ready", {"name": "toy", "ready": True}),
    ("/v2/models/toy/versions/1/ready", {"name": "toy", "ready": True}),
]


@pytest.mark.parametrize("prefix", ["", "/toy"])
@pytest.mark.parametrize(("path", "expected"), GETS)
def test_what_is_there(double: Running, prefix: str, path: str, expected: Any) -> None:
    """OI-01, OI-02, OI-05 to OI-09, OI-15, OI-17: below the model's name, as the gateway asks, and without it."""
    assert double.ask("GET", prefix + path)[:2] == (200, expected)


@pytest.mark.parametrize(
    ("prefix", "version", "separator"), list(itertools.product(["", "/toy"], ["", "/versions/1"], ["/", ":"]))
)
def test_predict_in_every_spelling(double: Running, prefix: str, version: str, separator: str) -> None:
    """OI-03, OI-16."""
    path = f"{prefix}/v1/models/toy{version}{separator}predict"
    assert double.ask("POST", path, BODY_V1)[:2] == (200, {"predictions": [[0, 2, 4, 6]]})


@pytest.mark.parametrize("path", ["/v2/models/toy/infer", "/v2/models/toy/versions/1/infer", "/toy/v2/models/toy/infer"])
def test_infer(double: Running, path: str) -> None:
    """OI-10, OI-17."""
    status, answer, _ = double.ask("POST", path, {"id": "mine", **BODY_V2})
    assert status == 200
    assert answer == {
        "model_name": "toy",
        "model_version": "1",
        "id": "mine",
        "outputs": [{"name": "y", "datatype": "FP64", "shape": [1, 4], "data": [0, 2, 4, 6]}],
    }


@pytest.mark.parametrize(("prefix", "separator"), list(itertools.product(["", "/toy"], ["/", ":"])))
def test_explain(words: Running, prefix: str, separator: str) -> None:
    """OI-04, OI-15."""
    status, answer, _ = words.ask("POST", f"{prefix}/v1/models/toy{separator}explain", {"instances": ["abc"]})
    assert (status, answer) == (200, {"predictions": [3], "explanations": ["the length of abc"]})


@pytest.mark.parametrize("path", ["/openai/v1/completions", "/v1/completions", "/toy/openai/v1/completions"])
def test_completions(talker: Running, path: str) -> None:
    """OI-11, OI-14."""
    assert talker.ask("POST", path, {"prompt": "hello"})[:2] == (200, {"text": "hello"})


def test_streamed_completions(talker: Running) -> None:
    """OI-19: in pieces, with nothing that would make a proxy hold them back."""
    status, body, headers = talker.ask("POST", "/openai/v1/completions", {"prompt": "a b", "stream": True})
    assert (status, body) == (200, b"data: a\n\ndata: b\n\ndata: [DONE]\n\n")
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Transfer-Encoding"] == "chunked"


def test_models_of_openai(talker: Running) -> None:
    """OI-14: what clients of OpenAI look up."""
    model = {"id": "toy", "object": "model", "created": 0, "owned_by": "easymaker"}
    assert talker.ask("GET", "/openai/v1/models")[1] == {"object": "list", "data": [model]}
    assert talker.ask("GET", "/openai/v1/models/toy")[1] == model


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/models/toy/explain", BODY_V1),
        ("POST", "/openai/v1/completions", {"prompt": "a"}),
        ("POST", "/openai/v1/chat/completions", {"messages": []}),
        ("POST", "/v1/chat/completions", {"messages": []}),
        ("GET", "/openai/v1/models", None),
    ],
)
def test_what_a_model_does_not_do_is_said(double: Running, method: str, path: str, body: Any) -> None:
    """OI-18."""
    status, answer, _ = double.ask(method, path, body)
    assert status == 501
    assert list(answer) == ["error"]


def test_half_of_openai(talker: Running) -> None:
    """OI-14, OI-18: a model may complete without chatting."""
    assert talker.ask("POST", "/openai/v1/chat/completions", {"messages": []})[0] == 501


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "nothing at /nowhere"),
        ("GET", "/nothing/here", 404, "/nothing/here"),
        ("GET", "/v1/models/other", 404, "model 'other' is unknown"),
        ("POST", "/v1/models/other:predict", 404, "model 'other' is unknown"),
        ("GET", "/v2/models/other", 404, "model 'other' is unknown"),
        ("GET", "/v2/models/toy/versions/7", 404, "version '7'"),
        ("POST", "/v2/models/toy/versions/7/infer", 404, "version '7'"),
        ("GET", "/other/v2/models/toy", 404, "nothing at"),
        ("GET", "/v2/models/toy/infer", 405, "GET"),
        ("POST", "/v2/health/live", 405, "POST"),
        ("DELETE", "/v1/models/toy", 405, "DELETE"),
    ],
)
def test_errors_are_json(double: Running, method: str, path: str, status: int, words: str) -> None:
    """OI-17, OI-20."""
    found, answer, headers = double.ask(method, path, b"{}" if method == "POST" else None)
    assert found == status
    assert list(answer) == ["error"]
    assert words in answer["error"]
    assert ("Allow" in headers) == (status == 405)


@pytest.mark.parametrize("path", ["/v2/models/%74oy", "/v2/models/toy/", "/v2/models/toy?a=b"])
def test_unusual_spellings(double: Running, path: str) -> None:
    """OI-13."""
    assert double.ask("GET", path)[1]["name"] == "toy"


def test_head_has_no_body(double: Running) -> None:
    """OI-06."""
    status, body, headers = double.ask("HEAD", "/v2/health/live")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0


def test_a_post_without_a_body(double: Running) -> None:
    """OI-10: neither length nor chunks is said as such."""
    connection = http.client.HTTPConnection("127.0.0.1", double.port)
    connection.putrequest("POST", "/v2/models/toy/infer")
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_several_inputs_and_chosen_outputs() -> None:
    """OI-03, OI-10: dicts per row in version 1, selection in version 2."""
    with serving(Pair()) as pair:
        found = pair.ask("POST", "/v1/models/toy:predict", {"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": {"b64": "/w=="}}]})
        assert found[1] == {"predictions": [{"next": 2, "name": "x"}, {"next": 3, "name": {"b64": "/w=="}}]}
        columns = {"inputs": {"a": [1, 2], "b": ["x", "y"]}}
        assert pair.ask("POST", "/v1/models/toy:predict", columns)[1]["predictions"][1] == {"next": 3, "name": "y"}
        assert pair.ask("POST", "/v1/models/toy:predict", {"instances": [[1, "x"]]})[1]["predictions"] == [
            {"next": 2, "name": "x"}
        ]
        inputs = [
            {"name": "a", "shape": [1], "datatype": "INT32", "data": [1]},
            {"name": "b", "shape": [1], "datatype": "BYTES", "data": ["x"]},
        ]
        answer = pair.ask("POST", "/v2/models/toy/infer", {"inputs": inputs, "outputs": [{"name": "next"}]})[1]
        assert [output["name"] for output in answer["outputs"]] == ["next"]
        status, answer, _ = pair.ask("POST", "/v2/models/toy/infer", {"inputs": inputs, "outputs": [{"name": "last"}]})
        assert status == 400
        assert "'last'" in answer["error"]


def test_rows_through_version_2(words: Running) -> None:
    """FS-12, OI-10: tensors become rows, answers become tensors."""
    given = {"name": "any", "shape": [2], "datatype": "BYTES", "data": ["a", "bcd"]}
    answer = words.ask("POST", "/v2/models/toy/infer", {"inputs": [given]})[1]
    assert answer["outputs"] == [
        {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a", "bcd"]},
        {"name": "length", "datatype": "INT64", "shape": [2], "data": [1, 3]},
    ]
    answer = words.ask("POST", "/v1/models/toy:predict", {"instances": [{"any": [1]}]})[1]
    assert answer == {"predictions": [{"text": "{'any': [1]}", "length": 12}]}


def test_metrics_count_what_happened() -> None:
    """OI-20: failures are counted beside successes; tokens come from the model."""
    with serving(Talker()) as talker:
        talker.ask("POST", "/openai/v1/completions", {"prompt": "a"})
        talker.ask("POST", "/openai/v1/completions", {})
        talker.ask("POST", "/v1/models/toy:predict", {"instances": [1, 2, 3]})
        status, text, headers = talker.ask("GET", "/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = text.decode().splitlines()
        for line in (
            'easymaker_serving_requests_total{model="toy",route="openai_completions",outcome="200"} 1',
            'easymaker_serving_requests_total{model="toy",route="openai_completions",outcome="400"} 1',
            'easymaker_serving_batch_rows_sum{model="toy"} 3',
            'easymaker_serving_request_seconds_count{model="toy",route="v1_predict"} 1',
            'easymaker_serving_tokens_total{model="toy",kind="generated"} 7',
            'easymaker_serving_ready{model="toy"} 1',
            'easymaker_serving_queue_length{model="toy"} 0',
        ):
            assert line in lines
