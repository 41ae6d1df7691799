"""Values of JSON as arrays: small ones from lists, large ones straight from simdjson's document."""

from __future__ import annotations

import base64
import math
import operator
from itertools import accumulate, chain
from typing import Any, Literal, NoReturn

import numpy as np
import simdjson

from easymaker_serving.datatypes import BYTES, DTYPES, FLOATS, INTEGERS, objects
from easymaker_serving.model import Array, InvalidInput

Nested = list[Any] | simdjson.Array

MAX_RANK = 32
_MANY_ROWS = 4096
"""Rows of a nested array beyond which looking at each one costs more than simdjson saves."""
_NUMBERS = frozenset({int, float})
_TYPES: dict[str, frozenset[type]] = {"BOOL": frozenset({bool}), BYTES: frozenset({str, dict})}
"""What elements are in JSON, where they are not numbers."""
_EXACT = 2.0**53
"""Whole numbers up to here are exact as FP64, which is how JSON's ``1.0`` arrives for an integer."""


def array_from_json(data: Nested, datatype: str, shape: list[int], count: int, name: str, *, is_plain: bool = False) -> Array:
    """Return nested or flat data as a tensor of ``count`` elements. Raises InvalidInput; ``shape`` alone allocates nothing.

    ``is_plain``: it is known that there are no more arrays in it than ``array_count`` says.
    """
    if isinstance(data, simdjson.Array):
        array = _from_buffer(data, datatype, shape, count, is_plain=is_plain)
        if array is not None:
            return array.reshape(shape)
        data = data.as_list()
    is_flat = len(data) == count and count and type(data[0]) is not list
    flat = data if is_flat else _flat(data, shape, name)
    return _from_list(flat, datatype, name).reshape(shape)


def shape_of(data: Nested) -> list[int]:
    """Return the shape that nested lists have if they are regular, from the first of each."""
    shape: list[int] = []
    value: Any = data
    while isinstance(value, (list, simdjson.Array)):
        shape.append(len(value))
        if len(shape) > MAX_RANK:
            raise InvalidInput(f"lists are nested more than {MAX_RANK} deep")
        if not len(value):
            break
        value = value[0]
    return shape


def array_count(data: Nested, shape: list[int]) -> int:
    """Return of how many arrays flat or regular data of a shape consists, itself included."""
    if not (len(data) and isinstance(data[0], (list, simdjson.Array))):
        return 1
    return sum(accumulate(shape[:-1][:MAX_RANK], operator.mul, initial=1))


def _from_buffer(data: simdjson.Array, datatype: str, shape: list[int], count: int, *, is_plain: bool) -> Array | None:
    """Return the flat numbers, or None where the slower way has to say what is wrong or can do more.

    simdjson flattens as it copies, so it has to be known before that the data is regular.
    """
    kind: Literal["d", "i"] = "d" if datatype in FLOATS else "i"
    if not (datatype in FLOATS or datatype in INTEGERS - {"UINT64"}):
        return None
    is_nested = len(data) > 0 and isinstance(data[0], simdjson.Array)
    if not _is_regular(data, shape if is_nested else [count], is_plain=is_plain):
        return None
    try:
        numbers = np.frombuffer(data.as_buffer(of_type=kind), np.float64 if kind == "d" else np.int64)
    except (TypeError, ValueError):
        return None
    if len(numbers) != count:
        return None
    if datatype in ("FP64", "INT64"):
        return numbers
    dtype = DTYPES[datatype]
    if kind == "i":
        bounds = np.iinfo(dtype)
        fits = not count or (int(numbers.min()) >= bounds.min and int(numbers.max()) <= bounds.max)
        return numbers.astype(dtype) if fits else None
    return _narrowed(numbers, dtype)


def _narrowed(numbers: Array, dtype: np.dtype[Any]) -> Array | None:
    with np.errstate(over="ignore"):
        array = numbers.astype(dtype)
    # JSON has no infinity, so one that is here now came from a number too large.
    return array if bool(np.isfinite(array).all()) else None


def _is_regular(data: simdjson.Array, shape: list[int], *, is_plain: bool) -> bool:
    if not shape or len(data) != shape[0] or math.prod(shape[:-1]) > _MANY_ROWS:
        return False
    if len(shape) == 1:
        return is_plain or not any(isinstance(value, simdjson.Array) for value in data)
    return all(isinstance(row, simdjson.Array) and _is_regular(row, shape[1:], is_plain=is_plain) for row in data)


def _flat(data: list[Any], shape: list[int], name: str) -> list[Any]:
    if not data and not math.prod(shape):
        return data
    if not shape:
        raise InvalidInput(f"input '{name}': a tensor without dimensions has one value")
    rest = data
    for depth, size in enumerate(shape):
        if depth:
            if any(type(part) is not list or len(part) != size for part in rest):
                raise InvalidInput(f"input '{name}': the data does not have the shape {shape}")
            rest = list(chain.from_iterable(rest))
        elif len(rest) != size:
            raise InvalidInput(
                f"input '{name}': the data has {_counted(data)} elements, the shape {shape} needs {math.prod(shape)}"
            )
    return rest


def _counted(data: list[Any]) -> str:
    return str(len(data)) if not (data and type(data[0]) is list) else " × ".join(map(str, shape_of(data)))


def _from_list(flat: list[Any], datatype: str, name: str) -> Array:
    types = set(map(type, flat))
    wanted = _TYPES.get(datatype, _NUMBERS)
    if not types <= wanted:
        _refuse(flat, wanted, datatype, name)
    if datatype == BYTES:
        return _strings(flat, types, name)
    if datatype == "BOOL":
        return np.array(flat, np.bool_)
    try:
        return np.array(flat, np.float64) if datatype == "FP64" else _numbers(flat, types, datatype)
    except (OverflowError, ValueError):
        raise InvalidInput(f"input '{name}': a number is not one of {datatype}") from None


def _numbers(flat: list[Any], types: set[type], datatype: str) -> Array:
    """Return numbers in another datatype than FP64. Raises OverflowError or ValueError for those that it has not."""
    dtype = DTYPES[datatype]
    if datatype in INTEGERS:
        if float in types:
            whole = np.array(flat, np.float64)
            if not bool(((np.abs(whole) <= _EXACT) & (whole == np.floor(whole))).all()):
                raise ValueError
            flat = [int(value) for value in flat]
        return np.array(flat, dtype)
    array = _narrowed(np.array(flat, np.float64), dtype)
    if array is None:
        raise OverflowError
    return array


def _strings(flat: list[Any], types: set[type], name: str) -> Array:
    try:
        if dict not in types:
            return objects([value.encode() for value in flat])
        return objects([_bytes(value) for value in flat])
    except (TypeError, ValueError):  # a lone surrogate, an object that is something else, no base64
        raise InvalidInput(f"input '{name}': a value is neither text nor {{\"b64\": …}}") from None


def _bytes(value: Any) -> bytes:
    """Return a string's bytes; version 1 writes those that are no text as ``{"b64": …}``."""
    if isinstance(value, str):
        return value.encode()
    if value.keys() != {"b64"}:
        raise ValueError
    return base64.b64decode(value["b64"], validate=True)


def _refuse(flat: list[Any], wanted: frozenset[type], datatype: str, name: str) -> NoReturn:
    wrong = next((value for value in flat if type(value) not in wanted), None)
    kind = {type(None): "null", str: "a string", bool: "a boolean", list: "a list", dict: "an object"}.get(
        type(wrong), "a number"
    )
    raise InvalidInput(f"input '{name}': {kind} is not a value of {datatype}")
