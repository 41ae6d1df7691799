"""What an estimator takes: numbers in rows, a table with names of columns, or texts.

Estimators do not say so; this is found out once, by calling one with each in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from easymaker_serving.model import Array, InvalidInput, TensorSpec

_NAME = "input"


class Numbers:
    """Rows of numbers in one tensor of any name, or one tensor per column where the estimator knows names of columns."""

    def __init__(self, example: Sequence[float], columns: Sequence[str]) -> None:
        self.specs = (TensorSpec(_NAME, "FP64", (-1, len(example))),)
        self.example: Any = np.array([example])
        self._columns = [TensorSpec(name, "FP64", None) for name in columns]

    def specs_for(self, names: Collection[str]) -> Sequence[TensorSpec]:
        """Return the inputs of a request that names them so."""
        if any(column.name in names for column in self._columns):
            return self._columns
        return [replace(self.specs[0], name=name) for name in names] if len(names) == 1 else self.specs

    def read(self, inputs: Mapping[str, Array]) -> Array:
        """Return the rows as one matrix."""
        if len(inputs) == 1 and not (self._columns and self._columns[0].name in inputs):
            return next(iter(inputs.values()))
        return np.column_stack([_column(column.name, inputs) for column in self._columns])


class Table:
    """One tensor per column; the estimator picks its columns by name, so that it needs a DataFrame."""

    def __init__(self, example: Mapping[str, float | str]) -> None:
        import pandas

        self.specs = tuple(
            TensorSpec(name, "BYTES" if isinstance(value, str) else "FP64", None) for name, value in example.items()
        )
        self.example: Any = pandas.DataFrame([example])
        self._make = pandas.DataFrame

    def specs_for(self, names: Collection[str]) -> Sequence[TensorSpec]:
        """Return the columns."""
        return self.specs

    def read(self, inputs: Mapping[str, Array]) -> Any:
        """Return the rows as a DataFrame."""
        return self._make({spec.name: _texts(spec.name, _column(spec.name, inputs)) for spec in self.specs})


class Texts:
    """One text per row, as the vectorizers take."""

    specs = (TensorSpec(_NAME, "BYTES", (-1,)),)
    example: Any = np.array(["a"], dtype=object)

    def specs_for(self, names: Collection[str]) -> Sequence[TensorSpec]:
        """Return the one input, called as the request does."""
        return [replace(self.specs[0], name=name) for name in names] if len(names) == 1 else self.specs

    def read(self, inputs: Mapping[str, Array]) -> Array:
        """Return the rows as an array of texts."""
        name, column = next(iter(inputs.items()))
        return _texts(name, column)


Reader = Numbers | Table | Texts


def find_inputs(estimator: Any, method: Callable[[Any], Any]) -> tuple[Reader, Any]:
    """Return what ``method`` takes, and what it answered to an example: None if it took none, which says nothing of others."""
    readers = _candidates(estimator)
    for reader in readers:
        try:
            return reader, method(reader.example)
        except Exception as error:  # what another's estimator raises cannot be known
            problem = " ".join(str(error).split())
    print(f"The types of outputs are guessed, since {type(estimator).__name__} took no example: {problem}", file=sys.stderr)
    return readers[-1], None


def _candidates(estimator: Any) -> list[Reader]:
    width = getattr(estimator, "n_features_in_", 0)
    columns = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
    examples = dict(_learnt_values(estimator))
    readers: list[Reader] = []
    if width:
        row = [examples.get(name, examples.get(index, 0.0)) for index, name in enumerate(columns or [None] * width)]
        readers.append(Numbers([value if isinstance(value, float) else 0.0 for value in row], columns))
    if columns:
        readers.append(Table({name: examples.get(name, 0.0) for name in columns}))
    return readers or [Texts()]


def _learnt_values(estimator: Any) -> Iterator[tuple[str | int, float | str]]:
    """Yield a value, text or number, for each column of which a step knows categories; others might be refused."""
    first = _steps(estimator)[0]
    for _, transformer, columns in getattr(first, "transformers_", [("", first, None)]):
        for step in _steps(transformer):
            learnt = getattr(step, "categories_", None)
            if hasattr(step, "vocabulary_"):
                learnt = [["a"]]
            for name, values in zip(_names(columns, len(learnt)), learnt, strict=False) if learnt else ():
                value = values[0]
                if isinstance(value, (str, int, float, np.number)):
                    yield name, value if isinstance(value, str) else float(value)


def _names(columns: Any, count: int) -> Sequence[str | int]:
    if columns is None:
        return range(count)
    if isinstance(columns, (str, int)):
        return [columns]
    return list(columns) if isinstance(columns, Collection) else []  # a slice or a function


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, also of one that a search found best; otherwise the estimator itself."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    return [step for _, step in estimator.steps] if hasattr(estimator, "steps") else [estimator]


def _column(name: str, inputs: Mapping[str, Array]) -> Array:
    column = inputs[name]
    if column.ndim == 2 and column.shape[1] == 1:
        return column[:, 0]
    if column.ndim != 1:
        raise InvalidInput(f"input '{name}': the shape {list(column.shape)} does not fit [-1] or [-1, 1]")
    return column


def _texts(name: str, column: Array) -> Array:
    if column.dtype.kind != "O":
        return column
    try:
        return np.array([item.decode() if isinstance(item, bytes) else item for item in column], dtype=object)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"input '{name}': bytes that are no UTF-8") from error
