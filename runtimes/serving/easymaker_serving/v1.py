"""Version 1 of the protocol: ``instances`` or ``inputs`` in, ``predictions`` out (OI-03, OI-04, OI-15)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import simdjson

from easymaker_serving import large_json
from easymaker_serving.arrays import Nested, array_count, array_from_json, shape_of
from easymaker_serving.large_json import LARGE, UNREADABLE, plain
from easymaker_serving.model import Array, InvalidInput, TensorSpec

INPUT = "input"
"""What the input is called of a model that declares none."""

_DECODER = msgspec.json.Decoder()


@dataclass(slots=True)
class Instances:
    """The body: rows, or columns by name; exactly one is there."""

    rows: Nested | None
    columns: Mapping[str, Any] | None
    parameters: dict[str, Any]
    arrays: int = 0
    """How many arrays the body has at most, where the rows are one of simdjson."""

    def listed(self) -> list[Any]:
        """Return plain rows, as models of rows want them."""
        if self.columns is None:
            return self.rows if isinstance(self.rows, list) else list(self.rows or ())
        sizes = {len(column) if isinstance(column, list) else None for column in self.columns.values()}
        if len(sizes) != 1 or None in sizes:
            raise InvalidInput("'inputs' needs lists of the same length")
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]


def decode(body: bytes | memoryview, *, arrays: bool) -> Instances:
    """Return the body; with ``arrays``, large ones as simdjson's arrays. Raises InvalidInput."""
    try:
        found = _parse(body, arrays=arrays)
    except (msgspec.DecodeError, ValueError, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"the body is not JSON: {exc}") from None
    if not isinstance(found, dict):
        raise InvalidInput("the body has to be an object with 'instances'")
    given = [name for name in ("instances", "inputs") if name in found]
    if len(given) != 1:
        raise InvalidInput("the body needs 'instances' or 'inputs'" + (", not both" if given else ""))
    value = found[given[0]]
    parameters = found.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidInput("'parameters' has to be an object")
    if "signature_name" in found:
        parameters = {**parameters, "signature_name": found["signature_name"]}
    if isinstance(value, dict) and given == ["inputs"] and value:
        return Instances(None, value, parameters)
    if not isinstance(value, (list, simdjson.Array)) or not len(value):
        raise InvalidInput(f"'{given[0]}' has to be a list that is not empty")
    return Instances(value, None, parameters, large_json.arrays_in(body) if isinstance(value, simdjson.Array) else 0)


def _parse(body: bytes | memoryview, *, arrays: bool) -> Any:
    if arrays and len(body) >= LARGE:
        with suppress(*UNREADABLE):
            return _parse_large(body)
    return _DECODER.decode(body)


def _parse_large(text: bytes | memoryview) -> Any:
    document = large_json.parse(text)
    if not isinstance(document, simdjson.Object):
        return None
    found: dict[str, Any] = {}
    for key in document:  # its items() would make lists of everything
        value = document[key]
        found[key] = value if key in ("instances", "inputs") and _is_numeric(value) else plain(value)
    return found


def _is_numeric(value: Any) -> bool:
    """Whether it looks like an array of numbers; others gain nothing from staying where they are."""
    return isinstance(value, simdjson.Array) and len(value) > 0 and isinstance(value[0], (simdjson.Array, float, int))


def tensors(body: Instances, inputs_for: Callable[[Collection[str]], Mapping[str, TensorSpec]]) -> dict[str, Array]:
    """Return the body as tensors in the declared datatypes, or those that the values suggest. Raises InvalidInput.

    ``inputs_for`` returns what is declared for inputs of such names, or of none.
    """
    columns = body.columns if body.columns is not None else _columns(body.rows, inputs_for(()))
    inputs = inputs_for(columns.keys())
    return {name: _tensor(name, value, inputs.get(name), body.arrays) for name, value in columns.items()}


def _columns(rows: Any, inputs: Mapping[str, TensorSpec]) -> Mapping[str, Any]:
    first = rows[0]
    if isinstance(first, dict) and first.keys() != {"b64"}:
        if any(type(row) is not dict or row.keys() != first.keys() for row in rows):
            raise InvalidInput("every instance needs the same names")
        return {name: [row[name] for row in rows] for name in first}
    if len(inputs) <= 1:
        return {next(iter(inputs), INPUT): rows}
    rows = rows.as_list() if isinstance(rows, simdjson.Array) else rows
    if any(type(row) is not list or len(row) != len(inputs) for row in rows):
        names = ", ".join(f"'{name}'" for name in inputs)
        raise InvalidInput(f"an instance has to be an object with {names}, or a list of as many values")
    return dict(zip(inputs, map(list, zip(*rows, strict=True)), strict=True))


def _tensor(name: str, value: Any, spec: TensorSpec | None, arrays: int) -> Array:
    if not isinstance(value, (list, simdjson.Array)):
        raise InvalidInput(f"input '{name}' has to be a list")
    shape = shape_of(value)
    datatype = spec.datatype if spec else _guess(value)
    is_plain = isinstance(value, simdjson.Array) and arrays == array_count(value, shape)
    array = array_from_json(value, datatype, shape, math.prod(shape), name, is_plain=is_plain)
    if spec and spec.shape is not None and len(spec.shape) == array.ndim + 1 and spec.shape[-1] in (1, -1):
        return array[..., None]  # a column of single values
    return array


def _guess(value: Any) -> str:
    """Return the datatype of values for a model that declares none: the narrowest of BOOL, INT64, FP64 and BYTES."""
    if isinstance(value, simdjson.Array):
        value = value.as_list()
    found: set[type] = set()
    stack = [value]
    while stack:
        for each in stack.pop():
            if type(each) is list:
                stack.append(each)
            else:
                found.add(type(each))
    if found <= {bool}:
        return "BOOL"
    if found <= {int}:
        return "INT64"
    return "FP64" if found <= {int, float} else "BYTES"
