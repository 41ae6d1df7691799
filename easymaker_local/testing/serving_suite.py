"""What every model server must do, whatever its framework: subclass ``ServingSuite``, with fixtures ``sample`` and ``client``.

The tests ask a server that runs as a workload, by HTTP, as a client would. What a framework computes is its own tests' matter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from easymaker_local.domain.inference_example import nested

DATATYPES = {
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES",
}  # fmt: skip
Tensors = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Questions to one model, and what is known of their answers.

    ``tensors`` ask in version 2 what ``instances`` ask in version 1. ``wrong`` are tensors that it must refuse, each with what
    the refusal has to name. ``other`` is one more row of instances whose prediction differs from the first one's.
    """

    name: str
    instances: Sequence[Any]
    predictions: Sequence[Any]
    tensors: Tensors
    wrong: Mapping[str, tuple[str, Tensors]]
    is_described: bool = True
    """Whether the model itself says what it takes and gives; code of a user's need not."""
    explains: bool = False
    generates: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ServingSuite:
    """Routes, bodies and errors of the Open Inference Protocol (OI-01…OI-18), for one model.

    ``sample`` is a ``Sample``, ``client`` has the address of a ready server as its ``base_url``.
    """

    # -- health and metadata

    def test_live_and_ready(self, client: httpx.Client, sample: Sample) -> None:
        """OI-06, OI-07, OI-09, OI-02."""
        name = sample.name
        for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{name}/ready", f"/{name}/v2/health/ready"):
            assert client.get(path).status_code == 200, path
        found = client.get(f"/v1/models/{name}")
        assert (found.status_code, found.json()["name"], found.json()["ready"]) == (200, name, True)

    def test_server_and_list(self, client: httpx.Client, sample: Sample) -> None:
        """OI-01, OI-05."""
        for prefix in ("", f"/{sample.name}"):
            server = client.get(f"{prefix}/v2").json()
            assert server["name"] and server["version"]
            assert "binary_tensor_data" in server["extensions"]
            assert client.get(f"{prefix}/v1/models").json() == {"models": [sample.name]}

    def test_metadata_is_real(self, client: httpx.Client, sample: Sample) -> None:
        """OI-08, OI-17: inputs and outputs with their types and shapes, the inputs by the names that requests use."""
        found = client.get(f"/v2/models/{sample.name}").json()
        assert found["name"] == sample.name
        assert found["platform"]
        assert found["versions"]
        named = {tensor["name"] for tensor in sample.tensors} if sample.is_described else set()
        assert {tensor["name"] for tensor in found["inputs"]} == named
        assert bool(found["outputs"]) == sample.is_described
        for tensor in (*found["inputs"], *found["outputs"]):
            assert tensor["datatype"] in DATATYPES, tensor
            assert all(isinstance(size, int) and size >= -1 for size in tensor["shape"]), tensor

    def test_versions(self, client: httpx.Client, sample: Sample) -> None:
        """OI-08…OI-10 with a version in the path; another version is not there."""
        path = f"/v2/models/{sample.name}"
        (version,) = client.get(path).json()["versions"]
        assert client.get(f"{path}/versions/{version}").json() == client.get(path).json()
        assert client.get(f"{path}/versions/{version}/ready").status_code == 200
        assert client.post(f"{path}/versions/{version}/infer", json={"inputs": sample.tensors}).status_code == 200
        _is_error(client.get(f"{path}/versions/other"), 404)
        _is_error(client.post(f"{path}/versions/other/infer", json={"inputs": sample.tensors}), 404)

    # -- inference

    @pytest.mark.parametrize("spelling", ["{}/v1/models/{}/predict", "{}/v1/models/{}:predict"])
    @pytest.mark.parametrize("is_below_name", [False, True])
    def test_version_1(self, client: httpx.Client, sample: Sample, spelling: str, is_below_name: bool) -> None:
        """OI-03, OI-15, OI-16."""
        path = spelling.format(f"/{sample.name}" if is_below_name else "", sample.name)
        answer = client.post(path, json={"instances": sample.instances, **sample.parameters})
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"predictions"}
        assert_close(answer.json()["predictions"], sample.predictions)

    def test_version_2(self, client: httpx.Client, sample: Sample) -> None:
        """OI-10, OI-17: the id comes back, shapes and data agree, and only what was asked for is answered."""
        path = f"/v2/models/{sample.name}/infer"
        answer = client.post(path, json={"id": "a b", "inputs": sample.tensors})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["id"], found["model_name"]) == ("a b", sample.name)
        specs = {tensor["name"]: tensor for tensor in client.get(f"/v2/models/{sample.name}").json()["outputs"]}
        for tensor in found["outputs"]:
            assert len(tensor["data"]) == math.prod(tensor["shape"]), tensor
            if tensor["name"] in specs:
                assert tensor["datatype"] == specs[tensor["name"]]["datatype"]
        assert found["outputs"][0]["shape"][0] == len(sample.instances)
        first = found["outputs"][0]["name"]
        only = client.post(path, json={"inputs": sample.tensors, "outputs": [{"name": first}]}).json()
        assert [tensor["name"] for tensor in only["outputs"]] == [first]
        _is_error(client.post(path, json={"inputs": sample.tensors, "outputs": [{"name": "nope"}]}), 400, "nope")

    def test_root(self, client: httpx.Client, sample: Sample) -> None:
        """VX-06, OI-18: a path of the user's own, which the gateway sends to the root; the body says its style."""
        answer = client.post("/", json={"instances": sample.instances, **sample.parameters})
        assert answer.status_code == 200, answer.text
        assert_close(answer.json()["predictions"], sample.predictions)
        path = f"/v2/models/{sample.name}/infer"
        found, wanted = (client.post(p, json={"inputs": sample.tensors}).json()["outputs"] for p in ("/", path))
        assert [tensor["shape"] for tensor in found] == [tensor["shape"] for tensor in wanted]
        prompt = client.post("/", json={"model": sample.name, "prompt": "a", "max_tokens": 2})
        if sample.generates:
            assert prompt.json()["usage"]["completion_tokens"] <= 2, prompt.text
        else:
            _is_error(prompt, 501)
            _is_error(client.post("/", json={"model": sample.name, "messages": [{"role": "user", "content": "a"}]}), 501)
        _is_error(client.post("/", json={"model": sample.name}), 400)

    def test_without_a_content_type(self, client: httpx.Client, sample: Sample) -> None:
        """Some clients send none."""
        content = json.dumps({"inputs": sample.tensors}).encode()
        answer = client.send(httpx.Request("POST", client.base_url.join(f"/v2/models/{sample.name}/infer"), content=content))
        assert answer.status_code == 200, answer.text

    def test_nested_data(self, client: httpx.Client, sample: Sample) -> None:
        """OI-17: data may be flat or nested as the shape says."""
        path = f"/v2/models/{sample.name}/infer"
        flat = client.post(path, json={"inputs": sample.tensors}).json()["outputs"]
        inputs = [{**tensor, "data": nested(tensor["data"], tensor["shape"])} for tensor in sample.tensors]
        assert client.post(path, json={"inputs": inputs}).json()["outputs"] == flat

    def test_concurrent_answers_belong_to_their_questions(self, client: httpx.Client, sample: Sample) -> None:
        """Batches of any size, mixed, each answered with its own rows."""
        path = f"/v1/models/{sample.name}/predict"
        count = len(sample.instances)

        def ask(number: int) -> tuple[list[Any], list[Any]]:
            rows = [(number + step) % count for step in range(1 + number % 3)]
            body = {"instances": [sample.instances[row] for row in rows], **sample.parameters}
            return client.post(path, json=body).json()["predictions"], [sample.predictions[row] for row in rows]

        with ThreadPoolExecutor(8) as pool:
            for found, wanted in pool.map(ask, range(60)):
                assert_close(found, wanted)

    # -- what is refused

    def test_wrong_tensors(self, client: httpx.Client, sample: Sample) -> None:
        """Wrong shapes, types and names are the client's fault, told by the tensor's name."""
        path = f"/v2/models/{sample.name}/infer"
        assert sample.wrong
        for what, (named, tensors) in sample.wrong.items():
            answer = client.post(path, json={"inputs": tensors})
            assert answer.status_code == 400, (what, answer.text)
            _is_error(answer, 400, named)
        _is_error(client.post(path, json={"inputs": []}), 400)
        first, *others = sample.tensors
        too_few = {**first, "data": first["data"][:-1]}
        _is_error(client.post(path, json={"inputs": [too_few, *others]}), 400, first["name"])
        _is_error(client.post(path, json={"inputs": [{**first, "datatype": "FP8"}, *others]}), 400, first["name"])
        _is_error(client.post(path, json={"inputs": [{**first, "shape": [10**9, 10**9]}, *others]}), 400, first["name"])
        _is_error(client.post(path, json={"inputs": [{**first, "shape": [-1]}, *others]}), 400, first["name"])
        assert client.post(path, json={"inputs": sample.tensors}).status_code == 200

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"inputs": 1}', b"\xff", b"[" * 10_000, b'{"inputs":[{}]}'])
    @pytest.mark.parametrize("path", ["/v1/models/{}/predict", "/v2/models/{}/infer"])
    def test_no_such_body(self, client: httpx.Client, sample: Sample, path: str, body: bytes) -> None:
        """Whatever is sent, the answer is an error of the protocol."""
        _is_error(client.post(path.format(sample.name), content=body), 400)

    def test_no_such_model_or_path(self, client: httpx.Client, sample: Sample) -> None:
        """OI-20."""
        _is_error(client.get("/v2/models/other"), 404, "other")
        _is_error(client.get("/v2/models/other/ready"), 404)
        _is_error(client.post("/v2/models/other/infer", json={"inputs": sample.tensors}), 404)
        _is_error(client.post("/v1/models/other/predict", json={"instances": sample.instances}), 404)
        _is_error(client.get("/nowhere"), 404)
        _is_error(client.get(f"/v2/models/{sample.name}/infer"), 405)

    # -- what not every model can

    @pytest.mark.parametrize("spelling", ["/v1/models/{}/explain", "/v1/models/{}:explain"])
    def test_explain(self, client: httpx.Client, sample: Sample, spelling: str) -> None:
        """OI-04, OI-18."""
        answer = client.post(spelling.format(sample.name), json={"instances": sample.instances})
        if sample.explains:
            assert set(answer.json()) == {"predictions", "explanations"}
            assert len(answer.json()["explanations"]) == len(sample.instances)
        else:
            _is_error(answer, 501)

    @pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/{}/openai/v1"])
    def test_openai(self, client: httpx.Client, sample: Sample, prefix: str) -> None:
        """OI-11, OI-12, OI-14, OI-18."""
        route = prefix.format(sample.name)
        answer = client.post(f"{route}/completions", json={"model": sample.name, "prompt": "a", "max_tokens": 2})
        if sample.generates:
            assert answer.status_code == 200, answer.text
            assert answer.json()["usage"]["completion_tokens"] <= 2
        else:
            _is_error(answer, 501)
            messages = [{"role": "user", "content": "a"}]
            _is_error(client.post(f"{route}/chat/completions", json={"model": sample.name, "messages": messages}), 501)

    def test_metrics(self, client: httpx.Client, sample: Sample) -> None:
        """What was asked is counted, by outcome."""
        path = f"/v2/models/{sample.name}/infer"
        before = client.get("/metrics").text
        client.post(path, json={"inputs": sample.tensors})
        client.post(path, json={"inputs": []})
        after = client.get("/metrics").text
        assert sample.name in after
        assert before != after


def _is_error(answer: httpx.Response, status: int, named: str = "") -> None:
    assert answer.status_code == status, (answer.status_code, answer.text)
    found = answer.json()
    assert set(found) == {"error"}, found
    text = found["error"] if isinstance(found["error"], str) else found["error"]["message"]
    assert text, found
    assert named in text, found
    assert "Traceback" not in text


def assert_close(found: Any, wanted: Any) -> None:
    """Compare answers; numbers may differ by what other arithmetic makes of them."""
    if isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    elif isinstance(wanted, Mapping):
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert_close(found[key], value)
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted), (found, wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    else:
        assert found == wanted
