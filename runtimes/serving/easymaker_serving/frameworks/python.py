"""Python: a class in ``predict.py`` serves anything else.

``predict.py`` lies at the top of the artifact and defines one class with a method ``predict``; if it defines several, the one
called ``Model`` is taken. Modules beside the file can be imported. The class::

    class Model:
        batch_size = 1  # the default; above 1: one call may get the rows of several requests, up to about so many
        inputs = [("text", "BYTES", [-1])]  # optional, for the metadata: name, datatype, shape with the rows first
        outputs = [("length", "INT64", [-1])]  # likewise

        def load(self, path, parameters):
            "Optional. Called once, before the first request; path: the artifact, parameters: the model's, names to texts."

        def predict(self, rows):
            "Return a list with one answer per row. Rows and answers are values of JSON; arrays of NumPy are answers, too."

        def explain(self, rows):
            "Optional. Return a list with one explanation per row."

``__init__`` is called without arguments. ``predict`` may have a second argument ``parameters``: the request's. A ValueError or
TypeError says that the rows cannot be used: its text is the answer, with status 400. Any other exception is the model's own
failure and answered with 500. The model's parameter ``batch_size`` overrules the class.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from easymaker_serving.frameworks.rows import batch_size, check_answers
from easymaker_serving.model import InvalidInput, LoadFailed, LoadSettings, RowModel, TensorSpec
from easymaker_serving.signature import check_specs

_FILE = "predict.py"


class PythonModel(RowModel):
    """An object of the user's class."""

    platform = "python"

    def __init__(self, served: Any, max_batch: int) -> None:
        self._served = served
        self.max_batch = max_batch
        self.inputs = _specs(served, "inputs")
        self.outputs = _specs(served, "outputs")
        self._takes_parameters = "parameters" in inspect.signature(served.predict).parameters

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        """Call the user's ``predict``."""
        more = {"parameters": dict(parameters)} if self._takes_parameters else {}
        return self._call("predict", rows, **more)

    def close(self) -> None:
        """Call the user's ``close``, if there is one."""
        if hasattr(self._served, "close"):
            self._served.close()

    def _call(self, method: str, rows: list[Any], **more: Any) -> list[Any]:
        try:
            answers = getattr(self._served, method)(rows, **more)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"the rows cannot be used: {error}") from error
        return check_answers(answers, len(rows), f"{method!r} of {_FILE!r}")


class ExplainedPythonModel(PythonModel):
    """One whose class has ``explain``."""

    explains: ClassVar[bool] = True

    def explain(self, instances: list[Any]) -> tuple[list[Any], list[Any]]:
        """Call the user's ``predict`` and ``explain``."""
        return self.predict(instances, {}), self._call("explain", instances)


def load(settings: LoadSettings) -> PythonModel:
    """Import ``predict.py`` and make an object of its class."""
    folder = settings.path.parent if settings.path.name == _FILE else settings.path
    if not (folder / _FILE).is_file():
        raise LoadFailed(f"{_FILE!r} is missing.")
    sys.path.insert(0, str(folder.resolve()))
    sys.dont_write_bytecode = True  # the artifact is not ours
    try:
        served = _choose(importlib.import_module("predict"))()
        if hasattr(served, "load"):
            served.load(folder, dict(settings.parameters))
    except ModuleNotFoundError as error:
        raise LoadFailed(f"{_FILE!r} needs the module {error.name!r}, which is not installed here.") from error
    except LoadFailed:
        raise
    except Exception as error:
        raise LoadFailed(f"{_FILE!r} cannot be loaded: {type(error).__name__}: {error}") from error
    kind = ExplainedPythonModel if hasattr(served, "explain") else PythonModel
    return kind(served, batch_size(settings.parameters, getattr(served, "batch_size", 1)))


def _specs(served: Any, what: str) -> tuple[TensorSpec, ...]:
    listed = getattr(served, what, ())
    try:
        specs = tuple(TensorSpec(str(name), str(datatype), tuple(map(int, shape))) for name, datatype, shape in listed)
        check_specs(specs)
    except (TypeError, ValueError) as error:
        raise LoadFailed(f"{what!r} of {_FILE!r} has to list tensors as (name, datatype, shape): {error}") from error
    return specs


def _choose(module: Any) -> type:
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, "predict")
    }
    if len(classes) == 1:
        return next(iter(classes.values()))
    if "Model" not in classes:
        found = ", ".join(map(repr, classes)) or "none"
        raise LoadFailed(f"{_FILE!r} has to define one class with a method 'predict', or one called 'Model'; found: {found}.")
    return classes["Model"]
