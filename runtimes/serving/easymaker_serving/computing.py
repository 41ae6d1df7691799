"""Calls of a model: requests joined into one call, its results cut up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from easymaker_serving.batching import Call
from easymaker_serving.model import Array, Model, RowModel, TensorModel


class TensorComputer:
    """Computes calls whose data are tensors."""

    def __init__(self, model: TensorModel) -> None:
        self._model = model

    def __call__(self, calls: Sequence[Call]) -> Sequence[Mapping[str, Array]]:
        """Return each call's outputs."""
        first = calls[0]
        if len(calls) == 1:
            return [self._arrays(self._model.predict(first.data, first.outputs, first.parameters))]
        joined = {name: np.concatenate([call.data[name] for call in calls]) for name in first.data}
        found = self._arrays(self._model.predict(joined, first.outputs, first.parameters))
        rows = sum(call.rows for call in calls)
        for name, array in found.items():
            if not array.ndim or array.shape[0] != rows:
                raise ValueError(f"Output {name!r} has the shape {array.shape} for {rows} rows")
        parts: list[Mapping[str, Array]] = []
        start = 0
        for call in calls:
            end = start + call.rows
            parts.append({name: array[start:end] for name, array in found.items()})
            start = end
        return parts

    @staticmethod
    def _arrays(outputs: Mapping[str, Array]) -> dict[str, Array]:
        return {name: array if isinstance(array, np.ndarray) else np.asarray(array) for name, array in outputs.items()}


class RowComputer:
    """Computes calls whose data are rows."""

    def __init__(self, model: RowModel) -> None:
        self._model = model

    def __call__(self, calls: Sequence[Call]) -> Sequence[list[Any]]:
        """Return each call's answers."""
        rows = calls[0].data if len(calls) == 1 else [row for call in calls for row in call.data]
        found = list(self._model.predict(rows, calls[0].parameters))
        if len(found) != len(rows):
            raise ValueError(f"The model gave {len(found)} answers to {len(rows)} rows")
        parts: list[list[Any]] = []
        start = 0
        for call in calls:
            end = start + call.rows
            parts.append(found[start:end])
            start = end
        return parts


class Explainer:
    """Computes explanations of calls whose data are version 1's instances."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, calls: Sequence[Call]) -> Sequence[tuple[list[Any], list[Any]]]:
        """Return predictions and explanations."""
        return [self._model.explain(call.data) for call in calls]
