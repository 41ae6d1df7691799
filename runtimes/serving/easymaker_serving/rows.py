"""Rows, as version 1 and models of rows have them, from and to tensors (OI-03, FS-12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from easymaker_serving.answers import text_or_base64, to_json
from easymaker_serving.datatypes import BYTES, DTYPES, objects
from easymaker_serving.model import Array, InvalidInput, TensorSpec

OUTPUT = "predictions"
"""What an output is called that the model has no name for."""


def rows_of(tensors: Mapping[str, Array]) -> list[Any]:
    """Return a value per row from one tensor, a dict of them from several. Raises InvalidInput without rows to speak of."""
    sizes = {array.shape[0] if array.ndim else None for array in tensors.values()}
    if len(sizes) != 1 or None in sizes:
        raise InvalidInput("every input needs the same number of rows, along its first dimension")
    columns = {name: _values(array) for name, array in tensors.items()}
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(array: Array) -> list[Any]:
    if array.dtype.kind != "O":
        found: list[Any] = array.tolist()
        return found
    texts = objects([_text(value) for value in array.ravel().tolist()])
    return list(texts.reshape(array.shape).tolist())


def _text(value: Any) -> Any:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def tensors_of(answers: Sequence[Any], outputs: Sequence[TensorSpec]) -> dict[str, Array]:
    """Return a model's answers as tensors; ``outputs`` are those that it declares, whose datatypes they get.

    Numbers and regular lists of them stay such, strings become BYTES, dicts of those one tensor per key, others JSON in BYTES.
    Raises TypeError if the model's answers cannot be what it declares.
    """
    declared = {spec.name: spec.datatype for spec in outputs}
    if answers and all(type(answer) is dict and answer.keys() == answers[0].keys() for answer in answers) and answers[0]:
        columns = {str(key): _column([answer[key] for answer in answers], declared.get(str(key))) for key in answers[0]}
        if all(column is not None for column in columns.values()):
            return {name: column for name, column in columns.items() if column is not None}
    name = outputs[0].name if len(outputs) == 1 else OUTPUT
    column = _column(answers, declared.get(name))
    return {name: _as_json(answers) if column is None else column}


def _column(values: Sequence[Any], datatype: str | None) -> Array | None:
    """Return values as a tensor, of the datatype if one is given; None where they have no form but JSON."""
    array = _regular(values)
    if datatype == BYTES and (array is None or array.dtype != DTYPES[BYTES]):
        return _as_json(values)  # also where they happen to be numbers or empty lists
    return array if array is None or datatype is None else array.astype(DTYPES[datatype], casting="same_kind", copy=False)


def _as_json(values: Sequence[Any]) -> Array:
    return objects([to_json(value) for value in values])


def _regular(values: Sequence[Any]) -> Array | None:
    if all(isinstance(value, (str, bytes)) for value in values):
        return objects([value.encode() if isinstance(value, str) else value for value in values])
    try:
        array: Array = np.array(values)
    except (ValueError, OverflowError, TypeError):  # lists of different lengths
        return None
    return array if array.dtype.kind in "biuf" and not _mixes_booleans(values, array) else None


def _mixes_booleans(values: Iterable[Any], array: Array) -> bool:
    """Whether numpy made numbers of some booleans."""
    return array.dtype.kind != "b" and array.ndim == 1 and any(isinstance(value, bool) for value in values)


def predictions_of(outputs: Mapping[str, Array]) -> Any:
    """Return version 1's predictions: the rows of the only output, or a dict per row of several."""
    if len(outputs) == 1:
        return _json_rows(next(iter(outputs.values())))
    columns = {name: _listed(_json_rows(array)) for name, array in outputs.items()}
    if len({len(column) for column in columns.values()}) != 1:
        return columns  # outputs without a row for each instance
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json_rows(array: Array) -> Any:
    """Return an array that JSON can take as it is, or a list."""
    if array.dtype.kind == "O":
        flat = objects([text_or_base64(v) if isinstance(v, bytes) else v for v in array.ravel().tolist()])
        return flat.reshape(array.shape).tolist()
    if array.dtype.kind == "V" or not array.flags.c_contiguous or not array.ndim:
        return array.astype(np.float32).tolist() if array.dtype.kind == "V" else array.tolist()
    return array


def _listed(values: Any) -> list[Any]:
    found = values.tolist() if isinstance(values, np.ndarray) else values
    return found if isinstance(found, list) else [found]


def key_of(parameters: Mapping[str, Any]) -> bytes:
    """Return the same for parameters that are the same. Raises InvalidInput for what no parameter is."""
    try:
        return orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS) if parameters else b""
    except orjson.JSONEncodeError as exc:  # numbers beyond 64 bits, lists hundreds deep
        raise InvalidInput(f"a parameter cannot be used: {exc}") from None
