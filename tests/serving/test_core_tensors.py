"""Tensors in and out: each datatype, in JSON and binary, and everything that is none (OI-10, OI-17)."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import reduce
from typing import Any

import numpy as np
import pytest
from easymaker_serving import v1, v2
from easymaker_serving.datatypes import DTYPES, FLOATS, INTEGERS, from_binary, objects, to_binary
from easymaker_serving.large_json import LARGE
from easymaker_serving.model import Array, InvalidInput, RowModel, TensorSpec
from easymaker_serving.signature import Signature
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.serving.toys import Double, Mirror, Running, rows, serving, tensor

INFER = "/v2/models/toy/infer"
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def tensors(draw: st.DrawFn, datatype: str) -> Array:
    """Any tensor of a datatype without NaN and infinities, which JSON has not."""
    shape = draw(SHAPES)
    if datatype == "BYTES":
        count = int(np.prod(shape, dtype=int))
        return objects(draw(st.lists(st.text(max_size=5).map(str.encode), min_size=count, max_size=count))).reshape(shape)
    if datatype in FLOATS:
        width = 16 if datatype in ("FP16", "BF16") else int(datatype[2:])
        found = draw(arrays.arrays(f"float{width}", shape, elements=st.floats(-1000, 1000, width=width)))
        return found.astype(DTYPES[datatype])
    return draw(arrays.arrays(DTYPES[datatype], shape))


def body_of(array: Array, datatype: str, *, nested: bool) -> bytes:
    flat = array.ravel()
    values = (
        [v.decode() for v in flat] if datatype == "BYTES" else flat.astype(float if datatype == "BF16" else flat.dtype).tolist()
    )
    data: Any = values
    if nested:
        data = np.array(values, dtype=object).reshape(array.shape).tolist()
    described = {"name": "x", "shape": array.shape, "datatype": datatype, "data": data}
    return json.dumps({"inputs": [described]}).encode()


@pytest.mark.parametrize("datatype", DTYPES)
@settings(max_examples=40)
@given(data=st.data(), nested=st.booleans(), large=st.booleans())
def test_json_round_trip(datatype: str, data: st.DataObject, nested: bool, large: bool) -> None:
    """OI-17: flat and nested, by both parsers, and back without a change."""
    array = data.draw(tensors(datatype))
    body = body_of(array, datatype, nested=nested) + b" " * (LARGE if large else 0)
    request = v2.decode(body, None)
    assert request.tensors["x"].dtype == DTYPES[datatype]
    np.testing.assert_array_equal(request.tensors["x"], array)
    text, parts = v2.encode({"id": "a"}, request.tensors, request)
    assert not parts
    answer = json.loads(text)["outputs"][0]
    again = v2.decode(json.dumps({"inputs": [answer]}).encode(), None)
    np.testing.assert_array_equal(again.tensors["x"], array)


@pytest.mark.parametrize("datatype", DTYPES)
@settings(max_examples=40)
@given(data=st.data(), padding=st.integers(0, 9))
def test_binary_round_trip(datatype: str, data: st.DataObject, padding: int) -> None:
    """OI-17: wherever in the body the tensor begins."""
    array = data.draw(tensors(datatype))
    binary = bytes(to_binary(array))
    described = {"name": "x", "shape": array.shape, "datatype": datatype, "parameters": {"binary_data_size": len(binary)}}
    head = json.dumps({"inputs": [described], "parameters": {"binary_data_output": True}}).encode() + b" " * padding
    request = v2.decode(head + binary, len(head))
    found = request.tensors["x"]
    assert found.dtype == DTYPES[datatype]
    assert found.flags.aligned
    np.testing.assert_array_equal(found, array)
    text, parts = v2.encode({"id": "a"}, request.tensors, request)
    assert bytes(parts[0]) == binary
    assert json.loads(text)["outputs"][0]["parameters"] == {"binary_data_size": len(binary)}


@pytest.mark.parametrize("datatype", DTYPES)
@settings(max_examples=40)
@given(data=st.binary(max_size=64), shape=st.lists(st.integers(0, 2**70), max_size=5))
def test_any_bytes_are_a_tensor_or_refused(datatype: str, data: bytes, shape: list[int]) -> None:
    """OI-17: truncated or random bytes, dimensions of any size."""
    try:
        count = v2.check_tensor("x", datatype, shape)
        found = from_binary(memoryview(data), datatype, shape, count, "x")
    except InvalidInput:
        return
    assert found.size == count
    assert bytes(to_binary(found)) == data


@given(st.binary(max_size=200), st.none() | st.integers(-5, 300))
@example(b"\xff", None)
@example(b'{"inputs":[{"na\\u0000me":1}],"x\\u0000":[]}', None)
@example(b"[" * 10000, None)
@example(b'{"inputs":' * 10000, None)
@example(b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[NaN]}]}', None)
@example(b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1e999]}]}', None)
@example(b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":' + b"[" * 3000 + b"]" * 3000 + b"}]}", None)
def test_any_body_is_a_request_or_refused(body: bytes, length: int | None) -> None:
    """OI-10: nothing but InvalidInput comes out."""
    for text in (body, body + b" " * LARGE):
        with suppress(InvalidInput):
            v2.decode(text, length)
        for is_array in (True, False):
            with suppress(InvalidInput):
                v1.tensors(v1.decode(text, arrays=is_array), lambda _: {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("datatype", DTYPES)
@settings(max_examples=40)
@given(data=JSON, shape=st.lists(st.integers(-1, 4), max_size=3), large=st.booleans())
def test_any_data_is_a_tensor_or_refused(datatype: str, data: Any, shape: list[int], large: bool) -> None:
    """OI-10: the tensor that comes out has the values that went in; both parsers agree."""
    described = {"name": "x", "shape": shape, "datatype": datatype, "data": data}
    body = json.dumps({"inputs": [described]}).encode()
    try:
        found = v2.decode(body + b" " * (LARGE if large else 0), None).tensors["x"]
    except InvalidInput:
        return
    assert list(found.shape) == shape
    assert found.dtype == DTYPES[datatype]


@given(JSON, st.sampled_from(["instances", "inputs"]))
def test_any_instances_are_tensors_or_refused(data: Any, name: str) -> None:
    """OI-03, OI-15."""
    body = json.dumps({name: data}).encode()
    several = {n: TensorSpec(n, "INT8", (-1,)) for n in "ab"}
    for inputs in ({}, {"x": TensorSpec("x", "FP32", (-1, 2))}, {"x": TensorSpec("x", "FP32", None)}, several):
        found = []

        def declared(_: Any, inputs: dict[str, TensorSpec] = inputs) -> dict[str, TensorSpec]:
            return inputs

        for text in (body, body + b" " * LARGE):
            try:
                found.append({n: a.tolist() for n, a in v1.tensors(v1.decode(text, arrays=True), declared).items()})
            except InvalidInput:
                found.append(None)
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("INT8", [128]), ("UINT8", [-1]), ("UINT8", [256]), ("INT64", [2**63]), ("UINT64", [2**64]), ("UINT64", [-1]),
        ("INT32", [1.5]), ("INT32", [True]), ("INT32", ["1"]), ("INT32", [None]), ("FP32", [1e39]), ("FP16", [70000]),
        ("BF16", [1e39]), ("FP64", ["1.5"]), ("FP64", [True]), ("FP64", [None]), ("BOOL", [1]), ("BOOL", ["true"]),
        ("BYTES", [1]), ("BYTES", [None]), ("FP8", [1]), ("fp32", [1]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("large", [False, True])
def test_values_that_are_not_of_their_datatype(datatype: str, data: list[Any], large: bool) -> None:
    """OI-17: refused, not bent; the tensor is named."""
    body = json.dumps({"inputs": [{"name": "mine", "shape": [1], "datatype": datatype, "data": data}]}).encode()
    with pytest.raises(InvalidInput, match="'mine'"):
        v2.decode(body + b" " * (LARGE if large else 0), None)


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        ("INT32", [1.0, 2], [1, 2]),
        ("UINT64", [2**64 - 1], [2**64 - 1]),
        ("INT64", [-(2**63)], [-(2**63)]),
        ("FP32", [1, 2.5], [1, 2.5]),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_numbers_are_what_they_are_worth(datatype: str, data: list[Any], expected: list[Any], large: bool) -> None:
    """OI-17: JSON has one kind of number; 1.0 is a whole one."""
    body = json.dumps({"inputs": [{"name": "x", "shape": [len(data)], "datatype": datatype, "data": data}]}).encode()
    assert v2.decode(body + b" " * (LARGE if large else 0), None).tensors["x"].tolist() == expected


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ([4], [[1], [2, 3], [], [0]]), ([4], [1, [2], 3, 4]), ([4, 1], [[1], [2, 3], [], [0]]), ([4], [[1], [2], [3], [4]]),
        ([2, 2], [[1, [2]], [3, 4]]), ([2, 2], [[1, 2], [3, [4]]]), ([2, 2], [[1, 2, 3], [4]]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside", [{}, {"parameters": {"text": "["}}])
@pytest.mark.parametrize("large", [False, True])
def test_lists_that_are_not_of_their_shape(shape: list[int], data: list[Any], beside: dict[str, Any], large: bool) -> None:
    """OI-17: refused, by both parsers, and not read as if the brackets were elsewhere."""
    padding = b" " * (LARGE if large else 0)
    described = {"name": "x", "shape": shape, "datatype": "FP64", "data": data}
    others = [{"name": f"x{n}", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]} for n in range(2)]
    with pytest.raises(InvalidInput):
        v2.decode(json.dumps({"inputs": [described, *others], **beside}).encode() + padding, None)
    if data != [[1], [2], [3], [4]]:
        with pytest.raises(InvalidInput):
            v1.tensors(v1.decode(json.dumps({"instances": data, **beside}).encode() + padding, arrays=True), lambda _: {})


ONE = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}


@pytest.fixture(scope="module")
def double() -> Iterator[Running]:
    with serving(Double()) as running:
        yield running


@pytest.fixture(scope="module")
def mirror() -> Iterator[Running]:
    with serving(Mirror()) as running:
        yield running


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "'x' is missing"),
        ([{**ONE, "name": "z"}], "'z' is unknown"),
        ([ONE, {**ONE, "name": "z"}], "'z' is unknown"),
        ([ONE, ONE], "'x' is there twice"),
        ([{**ONE, "shape": [4]}], "'x': the shape [4] does not fit [-1, 4]"),
        ([{**ONE, "shape": [2, 2]}], "'x': the shape [2, 2] does not fit"),
        ([{**ONE, "shape": [1, 5]}], "'x'"),
        ([{**ONE, "shape": [-1, 4]}], "'x': the shape [-1, 4] has a negative dimension"),
        ([{**ONE, "shape": [10**9, 4]}], "'x'"),
        ([{**ONE, "shape": [10**9, 10**9, 10**9]}], "'x'"),
        ([{**ONE, "shape": [10**9, 0], "data": []}], "'x'"),
        ([{**ONE, "shape": [1] * 40, "data": [1]}], "'x': more than 32 dimensions"),
        ([{**ONE, "shape": "1"}], "shape"),
        ([{**ONE, "shape": [1.5, 4]}], "shape"),
        ([{**ONE, "data": None}], "'x'"),
        ([{**ONE, "data": [[1, 2], [3, 4]]}], "'x'"),
        ([{**ONE, "data": [[1, 2, 3], 4]}], "'x'"),
        ([{**ONE, "datatype": "BYTES", "data": ["a", "b", "c", "d"]}], "'x': the datatype is BYTES, the model takes FP64"),
        ([{**ONE, "parameters": {"binary_data_size": 32}}], "'x'"),
        ([{**ONE, "parameters": {"binary_data_size": -1}}], "'x'"),
        ([{**ONE, "parameters": 3}], "parameters"),
        ("x", "inputs"),
        ([3], "inputs"),
        (None, "inputs"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_a_request_that_does_not_fit_the_model(double: Running, inputs: Any, words: str, large: bool) -> None:
    """OI-08, OI-10: 400 with the tensor's name."""
    body = json.dumps({"inputs": inputs}).encode() + b" " * (LARGE if large else 0)
    status, answer, _ = double.ask("POST", INFER, body)
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"instances": []}, {"instances": 3}, {"instances": [[1, 2, 3]]}, {"instances": [["a"] * 4]},
        {"instances": [[1, 2, 3, None]]}, {"instances": [[1, 2, 3, 4], [1, 2, 3]]}, {"instances": [{"z": [1, 2, 3, 4]}]},
        {"instances": [{"x": [1, 2, 3, 4]}, {}]},
        {"inputs": {}}, {"inputs": {"z": [[1, 2, 3, 4]]}}, {"instances": [1], "inputs": [1]}, [], 3,
        {"instances": [[1, 2, 3, 4]], "parameters": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("large", [False, True])
def test_version_1_refuses_as_well(double: Running, body: Any, large: bool) -> None:
    """OI-03, OI-15."""
    content = json.dumps(body).encode() + b" " * (LARGE if large else 0)
    status, answer, _ = double.ask("POST", "/v1/models/toy:predict", content)
    assert status == 400
    assert list(answer) == ["error"]


@pytest.mark.parametrize("datatype", ["FP32", "INT32", "FP16", "BF16", "BOOL"])
def test_types_that_fit_are_widened(double: Running, datatype: str) -> None:
    """OI-10: a model of FP64 takes what FP64 holds."""
    given_rows = rows(1).astype(DTYPES[datatype])
    status, answer, _ = double.ask("POST", INFER, {"inputs": [tensor("x", given_rows, datatype)]})
    assert (status, answer["outputs"][0]["datatype"]) == (200, "FP64")
    assert answer["outputs"][0]["data"] == (given_rows.astype(float) * 2).ravel().tolist()


def test_types_that_do_not_fit_are_refused() -> None:
    """OI-10."""
    signature = Signature([TensorSpec("x", "FP32", (-1,))], [])
    for datatype in [*sorted(INTEGERS - {"INT8", "INT16", "UINT8", "UINT16"}), "FP64", "BYTES"]:
        with pytest.raises(InvalidInput, match=f"'x': the datatype is {datatype}, the model takes FP32"):
            signature.fit({"x": np.zeros(1, DTYPES[datatype])})


@pytest.mark.parametrize("bad", ["-1", "x", "99999", "9" * 30, "1.5", ""])
def test_wrong_length_of_the_header(double: Running, bad: str) -> None:
    """OI-17: of the binary tensor data extension."""
    body = json.dumps({"inputs": [ONE]}).encode()
    status, answer, _ = double.ask("POST", INFER, body, {"Inference-Header-Content-Length": bad})
    assert (status, list(answer)) == (400, ["error"])


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_wrong_size_of_a_binary_tensor(double: Running, size: int) -> None:
    """OI-17."""
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": size}}]}
    ).encode()
    status, answer, _ = double.ask("POST", INFER, head + bytes(33), {"Inference-Header-Content-Length": str(len(head))})
    assert status == 400
    assert "'x'" in answer["error"] or "left" in answer["error"]


def test_outputs_are_binary_where_it_is_asked_for(mirror: Running) -> None:
    """OI-17: for all, or for one; the rest is JSON."""
    inputs = [tensor("a", np.arange(3), "INT64"), {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["x", "yz"]}]
    outputs = [{"name": "a"}, {"name": "b", "parameters": {"binary_data": True}}]
    _, body, headers = mirror.ask("POST", INFER, {"inputs": inputs, "outputs": outputs})
    length = int(headers["Inference-Header-Content-Length"])
    assert headers["Content-Type"] == "application/octet-stream"
    described = json.loads(body[:length])["outputs"]
    assert described[0]["data"] == [0, 1, 2]
    assert described[1] == {"name": "b", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 11}}
    assert body[length:] == b"\1\0\0\0x\2\0\0\0yz"
    outputs[1]["parameters"] = {"binary_data": False}
    both = {"inputs": inputs, "outputs": outputs, "parameters": {"binary_data_output": True}}
    _, body, headers = mirror.ask("POST", INFER, both)
    described = json.loads(body[: int(headers["Inference-Header-Content-Length"])])["outputs"]
    assert described[0]["parameters"] == {"binary_data_size": 24}
    assert described[1]["data"] == ["x", "yz"]


def test_an_output_that_nobody_declared(mirror: Running) -> None:
    """OI-10: where the metadata names none, what was computed says which there are."""
    body = {"inputs": [tensor("a", np.arange(3), "INT64"), tensor("b", np.arange(2), "INT64")], "outputs": [{"name": "b"}]}
    assert [output["name"] for output in mirror.ask("POST", INFER, body)[1]["outputs"]] == ["b"]
    status, answer, _ = mirror.ask("POST", INFER, {**body, "outputs": [{"name": "zz"}]})
    assert (status, answer) == (400, {"error": "output 'zz' is unknown; the model has 'a', 'b'"})


class _Echo(RowModel):
    """Says of each row what it is told to."""

    outputs = (TensorSpec("score", "FP32", (-1,)), TensorSpec("found", "BYTES", (-1,)))
    max_batch = 8

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        return [parameters.get("answer", row) for row in rows]


@pytest.fixture(scope="module")
def echo() -> Iterator[Running]:
    with serving(_Echo()) as running:
        yield running


@pytest.mark.parametrize("found", ["text", [], [1, 2], [{"a": 1}]])
def test_rows_answer_with_the_declared_datatypes(echo: Running, found: Any) -> None:
    """OI-08, OI-10: in version 2; what is BYTES and no text is JSON, also if it happens to be of numbers, or empty."""
    body = {"inputs": [tensor("x", np.arange(2), "INT64")], "parameters": {"answer": {"score": 0.5, "found": found}}}
    score, other = echo.ask("POST", INFER, body)[1]["outputs"]
    assert score == {"name": "score", "datatype": "FP32", "shape": [2], "data": [0.5, 0.5]}
    assert (other["datatype"], other["shape"]) == ("BYTES", [2])
    assert [text if found == "text" else json.loads(text) for text in other["data"]] == [found] * 2


@pytest.mark.parametrize("value", [10**30, -(2**63) - 1, reduce(lambda inner, _: [inner], range(500), [])])
def test_what_other_encoders_do_not_know(echo: Running, value: Any) -> None:
    """OI-03, OI-10: numbers beyond 64 bits and deep lists come back as they went; as parameters they are refused."""
    path = "/v1/models/toy:predict"
    assert echo.ask("POST", path, {"instances": [value, 1]})[:2] == (200, {"predictions": [value, 1]})
    for where, body in ((path, {"instances": [1]}), (INFER, {"inputs": [tensor("x", np.arange(2), "INT64")]})):
        status, answer, _ = echo.ask("POST", where, {**body, "parameters": {"x": value}})
        assert (status, list(answer)) == (400, ["error"])


def test_bytes_that_are_no_text(mirror: Running) -> None:
    """OI-17: binary they go through, in JSON they cannot."""
    head = json.dumps(
        {"inputs": [{"name": "b", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}}]}
    ).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    status, answer, _ = mirror.ask("POST", INFER, head + b"\1\0\0\0\xff", length)
    assert status == 400
    assert "'b'" in answer["error"]


def test_nan_in_answers_is_null(mirror: Running) -> None:
    """OI-17: JSON has no word for it; binary it stays."""
    data = np.array([np.nan, np.inf, 1.0])
    described = {"name": "x", "shape": [3], "datatype": "FP64", "parameters": {"binary_data_size": 24}}
    head = json.dumps({"inputs": [described]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    status, answer, _ = mirror.ask("POST", INFER, head + data.tobytes(), length)
    assert (status, answer["outputs"][0]["data"]) == (200, [None, None, 1.0])


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
        ("identity", bytes),
    ],
)
def test_compressed_requests(double: Running, encoding: str, encode: Any) -> None:
    """OI-10: as clients may send them."""
    body = encode(json.dumps({"inputs": [ONE]}).encode())
    assert double.ask("POST", INFER, body, {"Content-Encoding": encoding})[1]["outputs"][0]["data"] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [("gzip", b"nothing", 400), ("gzip", gzip.compress(b"{}", mtime=0)[:-3], 400), ("br", b"x", 415), ("deflate", b"", 400)],
)
def test_what_is_not_compressed_as_it_says(double: Running, encoding: str, body: bytes, status: int) -> None:
    """OI-10."""
    assert double.ask("POST", INFER, body, {"Content-Encoding": encoding})[0] == status


@pytest.mark.parametrize("is_kept", [False, True])
def test_large_bodies_stay_arrays(is_kept: bool) -> None:
    """OI-03: even if a view of the body before is still there somewhere."""
    body = json.dumps({"instances": rows(400).tolist()}).encode()
    kept = [v1.decode(body, arrays=True)] if is_kept else []
    found = v1.decode(body, arrays=True)
    assert not isinstance(found.rows, list)
    np.testing.assert_array_equal(v1.tensors(found, lambda _: {})["input"], rows(400))
    assert len(kept) == is_kept


@pytest.mark.parametrize("padding", range(4))
def test_large_binary_bodies(mirror: Running, padding: int) -> None:
    """OI-17: put together from many pieces; wherever the JSON ends, the tensor is what it was."""
    array = np.arange(100_000, dtype=np.float64)
    described = {"name": "x", "shape": [100_000], "datatype": "FP64", "parameters": {"binary_data_size": array.nbytes}}
    head = json.dumps({"inputs": [described], "parameters": {"binary_data_output": True}}).encode() + b" " * padding
    length = {"Inference-Header-Content-Length": str(len(head))}
    status, body, headers = mirror.ask("POST", INFER, head + array.tobytes(), length)
    assert (status, body[int(headers["Inference-Header-Content-Length"]) :]) == (200, array.tobytes())
    assert mirror.ask("POST", INFER, b"x" * 200_000, {"Inference-Header-Content-Length": "x"})[0] == 400
