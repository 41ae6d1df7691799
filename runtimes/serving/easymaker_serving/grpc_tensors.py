"""Tensors of gRPC messages: typed contents and raw ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from easymaker_serving.datatypes import BYTES, DTYPES, datatype_of, elements, from_binary, objects, protocol_array, to_binary
from easymaker_serving.model import Array, InvalidInput
from easymaker_serving.v2 import check_tensor

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents", BYTES: "bytes_contents",
}  # fmt: skip
"""Where typed values are; FP16 and BF16 have no such place and are always raw."""


def tensors(request: Any) -> dict[str, Array]:
    """Return the inputs of a ModelInferRequest. Raises InvalidInput."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidInput(f"there are {len(raw)} raw_input_contents for {len(request.inputs)} inputs")
    found: dict[str, Array] = {}
    for index, given in enumerate(request.inputs):
        name, datatype, shape = given.name, given.datatype, list(given.shape)
        if name in found:
            raise InvalidInput(f"input '{name}' is there twice")
        count = check_tensor(name, datatype, shape)
        if not raw:
            found[name] = _typed(given, datatype, shape, count)
        elif given.HasField("contents"):
            raise InvalidInput(f"input '{name}' has both contents and raw_input_contents")
        else:
            found[name] = from_binary(memoryview(raw[index]), datatype, shape, count, name)
    return found


def _typed(given: Any, datatype: str, shape: list[int], count: int) -> Array:
    field = _CONTENTS.get(datatype)
    if field is None:
        raise InvalidInput(f"input '{given.name}': {datatype} has to be in raw_input_contents")
    values = getattr(given.contents, field)
    if len(values) != count:
        raise InvalidInput(f"input '{given.name}': {field} has {len(values)} values, the shape {shape} needs {count}")
    if any(each.name != field for each, _ in given.contents.ListFields()):
        raise InvalidInput(f"input '{given.name}': values of {datatype} belong into {field} only")
    try:
        # From a list: numpy takes a message's own container as an array, whose numbers it would cut off silently.
        flat = objects(list(values)) if datatype == BYTES else np.array(list(values), DTYPES[datatype])
    except OverflowError:
        raise InvalidInput(f"input '{given.name}': a number is not one of {datatype}") from None
    return flat.reshape(shape)


def add_outputs(response: Any, outputs: Mapping[str, Array], *, raw: bool) -> None:
    """Write the outputs into a ModelInferResponse: raw, or typed if all of their datatypes can be."""
    arrays = {name: protocol_array(array) for name, array in outputs.items()}
    is_raw = raw or any(datatype_of(array) not in _CONTENTS for array in arrays.values())
    for name, array in arrays.items():
        datatype = datatype_of(array)
        output = response.outputs.add(name=name, datatype=datatype, shape=outputs[name].shape)
        if is_raw:
            response.raw_output_contents.append(bytes(to_binary(array)))
        else:
            flat = array.ravel().tolist()
            values = [elements(value) for value in flat] if datatype == BYTES else flat
            getattr(output.contents, _CONTENTS[datatype]).extend(values)


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as plain values."""
    found: dict[str, Any] = {}
    for name, parameter in given.items():
        choice = parameter.WhichOneof("parameter_choice")
        if choice is not None:
            found[name] = getattr(parameter, choice)
    return found
