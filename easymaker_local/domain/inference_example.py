"""A request that a model answers, from its own metadata, for people to copy (OI-L01)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

_MAX_ELEMENTS = 64
_WORDS = {"BYTES": "text", "BOOL": True}


def example_tensors(metadata: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return version 2 inputs of one row for ``GET /v2/models/{name}``; None if one would be too long to copy."""
    tensors = [_tensor(spec) for spec in metadata["inputs"]]
    if not tensors or sum(len(tensor["data"]) for tensor in tensors) > _MAX_ELEMENTS:
        return None
    return tensors


def example_instances(metadata: Mapping[str, Any]) -> list[Any] | None:
    """Return version 1 instances of one row, likewise; None also if the model takes no rows."""
    tensors = example_tensors(metadata)
    if tensors is None or any(tensor["shape"][0] == 0 for tensor in tensors):
        return None
    rows = {tensor["name"]: nested(tensor["data"], tensor["shape"])[0] for tensor in tensors}
    return [next(iter(rows.values())) if len(rows) == 1 else rows]


def curl(url: str, body: Mapping[str, Any]) -> str:
    """Return a command line for a shell."""
    content = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return f"curl {url} -d '{content}'"


def _tensor(spec: Mapping[str, Any]) -> dict[str, Any]:
    # What varies is one: rows, and lengths of which nobody knows.
    shape = [1 if size == -1 else size for size in spec["shape"]] or [1]
    value = _WORDS.get(spec["datatype"], 0.5 if spec["datatype"].startswith(("FP", "BF")) else 1)
    count = min(prod(shape), _MAX_ELEMENTS + 1)
    return {"name": spec["name"], "shape": shape, "datatype": spec["datatype"], "data": [value] * count}


def nested(data: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return flat data as lists in lists, as ``shape`` says."""
    if len(shape) <= 1:
        return list(data)
    step = len(data) // max(shape[0], 1)
    return [nested(data[index * step : (index + 1) * step], shape[1:]) for index in range(shape[0])]
