"""Version 2 over gRPC (OI-13): the same model and queue, typed and raw tensors, codes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import pytest
from easymaker_serving.connection import Limits
from easymaker_serving.datatypes import DTYPES, objects, to_binary
from easymaker_serving.grpc_messages import SERVICE, message

from tests.serving.toys import Array, Double, Gate, Mirror, Running, Words, rows, serving, until

Input = message("ModelInferRequest.InferInputTensor")
Contents = message("InferTensorContents")

CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip


class Client:
    """Calls of one server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def __call__(self, method: str, **fields: Any) -> Any:
        return self.begin(method, **fields).result(timeout=60)

    def begin(self, method: str, **fields: Any) -> Any:
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=message(f"{method}Request").SerializeToString,
            response_deserializer=message(f"{method}Response").FromString,
        )
        return call.future(message(f"{method}Request")(**fields))

    def raw(self, method: str, data: bytes) -> Any:
        return self._channel.unary_unary(f"/{SERVICE}/{method}")(data, timeout=60)


@contextmanager
def client_of(running: Running) -> Iterator[Client]:
    with grpc.insecure_channel(running.grpc_address) as channel:
        yield Client(channel)


@pytest.fixture(scope="module")
def double() -> Iterator[Client]:
    with serving(Double(), grpc=True, limits=Limits(body=100_000)) as running, client_of(running) as client:
        yield client


@pytest.fixture(scope="module")
def mirror() -> Iterator[Client]:
    with serving(Mirror(), grpc=True) as running, client_of(running) as client:
        yield client


def test_metadata_and_health(double: Client) -> None:
    """OI-05 to OI-09."""
    assert double("ServerLive").live
    assert double("ServerReady").ready
    assert double("ServerMetadata").name == "easymaker-serving"
    assert double("ModelReady", name="toy", version="1").ready
    found = double("ModelMetadata", name="toy")
    assert (found.name, list(found.versions), found.platform) == ("toy", ["1"], "toy")
    assert (found.inputs[0].name, found.inputs[0].datatype, list(found.inputs[0].shape)) == ("x", "FP64", [-1, 4])


def test_typed_and_raw(double: Client) -> None:
    """OI-10, OI-17: answered as asked."""
    data = rows(2)
    given = Input(name="x", datatype="FP64", shape=[2, 4], contents=Contents(fp64_contents=data.ravel()))
    answer = double("ModelInfer", model_name="toy", id="mine", inputs=[given])
    assert (answer.model_name, answer.model_version, answer.id) == ("toy", "1", "mine")
    assert list(answer.outputs[0].contents.fp64_contents) == (data * 2).ravel().tolist()
    assert not answer.raw_output_contents
    given = Input(name="x", datatype="FP64", shape=[2, 4])
    answer = double("ModelInfer", model_name="toy", inputs=[given], raw_input_contents=[data.tobytes()])
    assert answer.raw_output_contents[0] == (data * 2).tobytes()
    assert list(answer.outputs[0].shape) == [2, 4]
    parameter = message("InferParameter")(int64_param=5)
    answer = double(
        "ModelInfer", model_name="toy", inputs=[given], raw_input_contents=[data.tobytes()], parameters={"factor": parameter}
    )
    assert answer.raw_output_contents[0] == (data * 5).tobytes()


def _values(datatype: str) -> Array:
    if datatype == "BYTES":
        return objects([b"a", b"\xff", b""])
    return np.array([0, 1, 1]).astype(DTYPES[datatype])


@pytest.mark.parametrize("datatype", DTYPES)
def test_every_datatype(mirror: Client, datatype: str) -> None:
    """OI-17."""
    array = _values(datatype)
    given = Input(name="x", datatype=datatype, shape=[3])
    answer = mirror("ModelInfer", model_name="toy", inputs=[given], raw_input_contents=[bytes(to_binary(array))])
    assert (answer.outputs[0].datatype, answer.raw_output_contents[0]) == (datatype, bytes(to_binary(array)))
    given.contents.SetInParent()
    if datatype not in CONTENTS:
        with pytest.raises(grpc.RpcError) as caught:
            mirror("ModelInfer", model_name="toy", inputs=[given])
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        return
    getattr(given.contents, CONTENTS[datatype]).extend(array.tolist())
    answer = mirror("ModelInfer", model_name="toy", inputs=[given])
    assert list(getattr(answer.outputs[0].contents, CONTENTS[datatype])) == array.tolist()


ONE = {"name": "x", "datatype": "FP64", "shape": [1, 4]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "'x' is missing"),
        ({"inputs": [ONE]}, "'x': fp64_contents has 0 values"),
        ({"inputs": [{**ONE, "contents": {"fp32_contents": [1, 2, 3, 4]}}]}, "'x'"),
        ({"inputs": [{**ONE, "contents": {"fp64_contents": [1, 2, 3, 4], "int_contents": [1]}}]}, "'x'"),
        ({"inputs": [{**ONE, "datatype": "INT8", "contents": {"int_contents": [1, 2, 3, 300]}}]}, "'x'"),
        ({"inputs": [{**ONE, "datatype": "FP8", "contents": {}}]}, "'x': the datatype 'FP8' is unknown"),
        ({"inputs": [{**ONE, "shape": [-1, 4]}]}, "'x'"),
        ({"inputs": [{**ONE, "shape": [2**62, 2**62]}], "raw_input_contents": [b""]}, "'x'"),
        ({"inputs": [ONE], "raw_input_contents": [bytes(31)]}, "'x'"),
        ({"inputs": [ONE], "raw_input_contents": [bytes(32), b""]}, "raw_input_contents"),
        ({"inputs": [ONE, ONE], "raw_input_contents": [bytes(32), bytes(32)]}, "'x' is there twice"),
        ({"inputs": [{**ONE, "contents": {"fp64_contents": [1]}}], "raw_input_contents": [bytes(32)]}, "'x' has both"),
        ({"inputs": [ONE], "raw_input_contents": [bytes(32)], "outputs": [{"name": "z"}]}, "'z' is unknown"),
        ({"inputs": [ONE], "raw_input_contents": [bytes(32)], "outputs": [{"name": "y"}, {"name": "y"}]}, "twice"),
    ],
)
def test_bad_requests(double: Client, fields: dict[str, Any], words: str) -> None:
    """OI-10: INVALID_ARGUMENT with the tensor's name."""
    with pytest.raises(grpc.RpcError) as caught:
        double("ModelInfer", model_name="toy", **fields)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in caught.value.details()


@pytest.mark.parametrize("method", ["ModelInfer", "ModelMetadata", "ModelReady"])
def test_unknown_models_and_versions(double: Client, method: str) -> None:
    """OI-20: NOT_FOUND."""
    prefix = "model_" if method == "ModelInfer" else ""
    for name, version in (("other", ""), ("toy", "7"), ("", "")):
        with pytest.raises(grpc.RpcError) as caught:
            double(method, **{f"{prefix}name": name, f"{prefix}version": version})
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_other_codes(double: Client, capfd: pytest.CaptureFixture[str]) -> None:
    """OI-18: what is not offered, what is no message, what is too large, what the model fails at."""

    def code(call: Any) -> Any:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        return caught.value.code()

    assert code(lambda: double.raw("ModelStatistics", b"")) is grpc.StatusCode.UNIMPLEMENTED
    assert code(lambda: double.raw("ModelInfer", b"\xff\xff")) is grpc.StatusCode.INVALID_ARGUMENT
    large = {"model_name": "toy", "inputs": [Input(**ONE)], "raw_input_contents": [bytes(200_000)]}
    assert code(lambda: double("ModelInfer", **large)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    failing = {**large, "raw_input_contents": [np.full(4, 667.0).tobytes()]}
    with pytest.raises(grpc.RpcError) as caught:
        double("ModelInfer", **failing)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in caught.value.details()
    assert "a secret" in capfd.readouterr().err


def test_models_of_rows() -> None:
    """FS-12, OI-10."""
    with serving(Words(), grpc=True) as running, client_of(running) as client:
        given = Input(name="any", datatype="BYTES", shape=[1], contents=Contents(bytes_contents=[b"abc"]))
        answer = client("ModelInfer", model_name="toy", inputs=[given])
        assert [(each.name, each.datatype) for each in answer.outputs] == [("text", "BYTES"), ("length", "INT64")]
        assert list(answer.outputs[1].contents.int64_contents) == [3]


def test_loading_queue_and_end() -> None:
    """OI-07, OI-20: UNAVAILABLE while it loads, RESOURCE_EXHAUSTED over the queue; cancelled calls are dropped."""
    gate = Gate()
    may_load = threading.Event()

    def load(_: Any) -> Gate:
        assert may_load.wait(60)
        return gate

    with serving(load, grpc=True, max_queue=1, wait=False) as running, client_of(running) as client:
        assert client("ServerLive").live
        assert not client("ServerReady").ready
        assert not client("ModelReady", name="toy").ready
        with pytest.raises(grpc.RpcError) as caught:
            client("ModelMetadata", name="toy")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        may_load.set()
        assert running.loaded.wait(30)

        def ask() -> Any:
            given = Input(name="x", datatype="FP64", shape=[1, 1])
            return client.begin("ModelInfer", model_name="toy", inputs=[given], raw_input_contents=[bytes(8)])

        first = ask()
        assert gate.entered.acquire(timeout=30)
        second = ask()
        until(lambda: b'queue_length{model="toy"} 1' in running.ask("GET", "/metrics")[1], "one waits")
        with pytest.raises(grpc.RpcError) as caught:
            ask().result(timeout=30)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        second.cancel()
        until(lambda: b'route="grpc_ModelInfer",outcome="CANCELLED"' in running.ask("GET", "/metrics")[1], "it is cancelled")
        running.drain()
        gate.open.set()
        assert first.result(timeout=30).raw_output_contents[0] == bytes(8)
        assert gate.batches == [1]
