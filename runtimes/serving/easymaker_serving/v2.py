"""Version 2 of the protocol: requests and answers of ``infer``, in JSON and with the binary tensor data extension (OI-10)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import simdjson

from easymaker_serving import large_json
from easymaker_serving.answers import to_json
from easymaker_serving.arrays import MAX_RANK, array_count, array_from_json
from easymaker_serving.datatypes import BYTES, DTYPES, datatype_of, from_binary, protocol_array, to_binary
from easymaker_serving.large_json import LARGE, UNREADABLE, plain
from easymaker_serving.model import Array, InvalidInput

_FEW = 32
_MAX_EMPTY = 4096
"""The largest dimension of a tensor without elements; a model may make an element for each row."""


class _Input(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: Any = None


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class _Infer(msgspec.Struct):
    inputs: list[_Input]
    id: str = ""
    parameters: dict[str, Any] | None = None
    outputs: list[_Output] | None = None


_DECODER = msgspec.json.Decoder(_Infer)


@dataclass(slots=True)
class Inference:
    """A request as the model wants it, and what its answer shall look like."""

    id: str
    tensors: dict[str, Array]
    parameters: dict[str, Any]
    outputs: tuple[str, ...] | None = None
    binary: bool = False
    """Whether outputs are binary if they do not say otherwise."""
    binary_outputs: Mapping[str, bool] | None = None


def decode(body: bytes | memoryview, header_length: int | None) -> Inference:
    """Return the request. ``header_length`` is how long its JSON is; binary tensors follow, in the order of the inputs.

    Raises InvalidInput.
    """
    if header_length is None:
        return _inference(body, memoryview(b""))
    if not 0 <= header_length <= len(body):
        raise InvalidInput(f"Inference-Header-Content-Length is {header_length}, the body has {len(body)} bytes")
    view = memoryview(body)
    return _inference(bytes(view[:header_length]), view[header_length:])


def _parse(text: bytes | memoryview) -> _Infer:
    try:
        if len(text) >= LARGE:
            with suppress(*UNREADABLE):
                return _parse_large(text)
        return _DECODER.decode(text)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise InvalidInput(f"the body is not a request of version 2: {exc}") from None
    except (ValueError, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"the body is not JSON: {exc}") from None


def _parse_large(text: bytes | memoryview) -> _Infer:
    document = large_json.parse(text)
    if not isinstance(document, simdjson.Object):
        raise InvalidInput("the body is not a request of version 2: it is no object")
    # Its items() would make lists of everything; what is asked for by name stays where it is.
    found: dict[str, Any] = {}
    for key in document:
        value = document[key]
        if key == "inputs" and isinstance(value, simdjson.Array):
            found[key] = [_plain_input(each) for each in value]
        else:
            found[key] = plain(value)
    return msgspec.convert(found, _Infer)


def _plain_input(value: Any) -> Any:
    if not isinstance(value, simdjson.Object):
        return plain(value)
    return {key: value[key] if key == "data" else plain(value[key]) for key in value}


def _is_plain(text: bytes | memoryview, request: _Infer) -> bool:
    """Whether it is seen without a look at each element that tensors have no arrays but those of their shapes.

    If one of them has fewer, others may have more; but then it is refused.
    """
    known = 1 + len(request.inputs) + (request.outputs is not None)
    for given in request.inputs:
        if isinstance(given.data, (list, simdjson.Array)):
            known += array_count(given.data, given.shape)
    return large_json.arrays_in(text) == known


def _inference(text: bytes | memoryview, rest: memoryview) -> Inference:
    request = _parse(text)
    is_plain = len(text) >= LARGE and _is_plain(text, request)
    tensors: dict[str, Array] = {}
    for given in request.inputs:
        name = given.name
        if name in tensors:
            raise InvalidInput(f"input '{name}' is there twice")
        size = given.parameters.get("binary_data_size") if given.parameters else None
        if size is None:
            tensors[name] = _json_tensor(given, is_plain=is_plain)
        else:
            tensors[name], rest = _binary_tensor(given, size, rest)
    if rest:
        raise InvalidInput(f"{len(rest)} bytes are left after the inputs")
    found = Inference(request.id, tensors, request.parameters or {})
    if request.outputs is not None or request.parameters:
        _choose_outputs(found, request.outputs)
    return found


def check_tensor(name: str, datatype: str, shape: Sequence[int]) -> int:
    """Return how many elements a tensor has. Raises InvalidInput if there cannot be such a one."""
    if datatype not in DTYPES:
        raise InvalidInput(f"input '{name}': the datatype '{datatype}' is unknown")
    if len(shape) > MAX_RANK:
        raise InvalidInput(f"input '{name}': more than {MAX_RANK} dimensions")
    if shape and min(shape) < 0:
        raise InvalidInput(f"input '{name}': the shape {list(shape)} has a negative dimension")
    count = math.prod(shape)
    if not count and max(shape) > _MAX_EMPTY:
        raise InvalidInput(f"input '{name}': the shape {list(shape)} is too large for a tensor without elements")
    return count


def _json_tensor(given: _Input, *, is_plain: bool) -> Array:
    count = check_tensor(given.name, given.datatype, given.shape)
    data = given.data
    if not isinstance(data, (list, simdjson.Array)):
        if data is None or given.shape:
            raise InvalidInput(f"input '{given.name}': data is missing or no list")
        data = [data]  # no dimensions: the value itself
    return array_from_json(data, given.datatype, given.shape, count, given.name, is_plain=is_plain)


def _binary_tensor(given: _Input, size: Any, rest: memoryview) -> tuple[Array, memoryview]:
    count = check_tensor(given.name, given.datatype, given.shape)
    if type(size) is not int or not 0 <= size <= len(rest):
        raise InvalidInput(f"input '{given.name}': binary_data_size is {size!r}, {len(rest)} bytes are there")
    if given.data is not None:
        raise InvalidInput(f"input '{given.name}' has both data and binary_data_size")
    return from_binary(rest[:size], given.datatype, given.shape, count, given.name), rest[size:]


def _choose_outputs(found: Inference, outputs: list[_Output] | None) -> None:
    parameters = dict(found.parameters)
    found.binary = parameters.pop("binary_data_output", False) is True
    found.parameters = parameters
    if not outputs:
        return
    found.outputs = tuple(output.name for output in outputs)
    if len(set(found.outputs)) != len(outputs):
        raise InvalidInput("an output is asked for twice")
    for output in outputs:
        if output.parameters and "classification" in output.parameters:
            raise InvalidInput(f"output '{output.name}': classification is not offered")
    found.binary_outputs = {
        output.name: output.parameters["binary_data"] is True
        for output in outputs
        if output.parameters and "binary_data" in output.parameters
    }


Parts = list[bytes | memoryview]


def encode(head: dict[str, Any], outputs: Mapping[str, Array], request: Inference) -> tuple[bytes, Parts]:
    """Return the JSON of an answer with the given head, and the binary tensors that follow it.

    Raises InvalidInput where a BYTES output is no text and was not asked for as binary.
    """
    described: list[dict[str, Any]] = []
    parts: Parts = []
    for name, given in outputs.items():
        array = protocol_array(given)
        datatype = datatype_of(array)
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": given.shape}
        if request.binary_outputs.get(name, request.binary) if request.binary_outputs else request.binary:
            data = to_binary(array)
            output["parameters"] = {"binary_data_size": len(data)}
            parts.append(data)
        else:
            output["data"] = _json_data(name, datatype, array)
        described.append(output)
    head["outputs"] = described
    return to_json(head), parts


def _json_data(name: str, datatype: str, array: Array) -> Any:
    if datatype == BYTES:
        try:
            return [value if isinstance(value, str) else bytes(value).decode() for value in array.ravel().tolist()]
        except UnicodeDecodeError:
            raise InvalidInput(f"output '{name}' holds bytes that are no text: ask for it with binary_data") from None
    if datatype == "BF16":
        array = array.astype("float32")
    flat = array.reshape(-1)
    # Of a few numbers a list is made more quickly; shorter floats would get the digits of FP64 in it.
    return flat.tolist() if flat.size <= _FEW and datatype not in ("FP16", "FP32", "BF16") else flat
