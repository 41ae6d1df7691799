"""Dimensions of an exported program's tensors that vary: which have to be equal, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from easymaker_serving.model import Array, InvalidInput

_MAX_ROWS = 64


class Dimensions:
    """What has to hold of the shapes of inputs beyond their specs."""

    def __init__(self, names: Sequence[str], values: Sequence[torch.Tensor], ranges: Mapping[Any, Any]) -> None:
        self._places: dict[str, list[tuple[str, int]]] = {}
        for name, value in zip(names, values, strict=True):
            for axis, size in enumerate(value.shape):
                if not isinstance(size, int):
                    self._places.setdefault(str(size), []).append((name, axis))
        self._bounds = {str(symbol): (_lower(found.lower), _upper(found.upper)) for symbol, found in ranges.items()}

    def check(self, inputs: Mapping[str, Array]) -> None:
        """Raise InvalidInput for sizes that the program was not exported for."""
        for symbol, places in self._places.items():
            first, axis = places[0]
            size = inputs[first].shape[axis]
            lower, upper = self._bounds.get(symbol, (0, None))
            if size < lower or (upper is not None and size > upper):
                limit = f"at least {lower}" if upper is None else f"from {lower} to {upper}"
                raise InvalidInput(f"input '{first}': dimension {axis} is {size}, it has to be {limit}")
            for name, axis in places[1:]:
                if (other := inputs[name].shape[axis]) != size:
                    raise InvalidInput(f"input '{name}': dimension {axis} is {other}, for '{first}' it is {size}")


def shape_of(value: torch.Tensor) -> tuple[int, ...]:
    """Return the shape with -1 for what varies."""
    return tuple(size if isinstance(size, int) else -1 for size in value.shape)


def rows_per_call(inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor], ranges: Mapping[Any, Any]) -> int:
    """Return how many rows may come together: above 1 where the first dimension of every tensor is the same that varies."""
    firsts = [value.shape[0] if value.ndim else 0 for value in (*inputs, *outputs)]
    symbols = {str(first) for first in firsts}
    if len(symbols) != 1 or any(isinstance(first, int) for first in firsts):
        return 1
    found = {str(symbol): bounds for symbol, bounds in ranges.items()}.get(symbols.pop())
    if found is None or _lower(found.lower) > 1:
        return 1
    return min(_MAX_ROWS, _upper(found.upper) or _MAX_ROWS)


def _lower(bound: Any) -> int:
    """torch assumes that what varies is at least 2, and means nothing by it."""
    return int(bound) if int(bound) > 2 else 0


def _upper(bound: Any) -> int | None:
    return int(bound) if bound.is_Integer else None
