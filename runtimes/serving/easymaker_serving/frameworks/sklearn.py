"""scikit-learn: models that joblib, pickle or skops saved (SK-01…SK-03).

joblib's and pickle's files execute code when they are loaded. skops' do not: types beyond those that it trusts itself have to
be listed in the parameter ``trusted_types``, with commas between them.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from easymaker_serving.datatypes import datatype_of, objects, protocol_array
from easymaker_serving.frameworks.sklearn_inputs import find_inputs
from easymaker_serving.frameworks.sklearn_linear import compile_predict
from easymaker_serving.model import Array, InvalidInput, LoadFailed, LoadSettings, TensorModel, TensorSpec

_SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops")
_METHODS = ("predict", "predict_proba", "decision_function", "transform")


class SklearnModel(TensorModel):
    """An estimator; its outputs are those of its methods ``predict``, ``predict_proba``, ``decision_function``, ``transform``.

    Usual is the first that it has; others are computed where a request asks for them. The input is one tensor of whatever name,
    or one per column by the names that the estimator was fitted with.
    """

    platform = "sklearn"
    max_batch = 256  # a call costs much the same for one row and for hundreds

    def __init__(self, estimator: Any) -> None:
        methods = {name: getattr(estimator, name) for name in _METHODS if hasattr(estimator, name)}
        if not methods:
            raise LoadFailed(f"{type(estimator).__name__} has none of the methods {', '.join(_METHODS)}.")
        self._usual = next(iter(methods))
        self._reader, answer = find_inputs(estimator, methods[self._usual])
        self.inputs = self._reader.specs
        if "predict" in methods:
            methods["predict"] = compile_predict(estimator) or methods["predict"]
        self._methods = methods
        self.outputs = self._guess(estimator) if answer is None else self._describe(answer)
        self._texts = self._encoded_classes(estimator)

    def signature_for(
        self, names: Collection[str], parameters: Mapping[str, Any]
    ) -> tuple[Sequence[TensorSpec], Sequence[TensorSpec]]:
        """Return what the reader of rows makes of the names."""
        return self._reader.specs_for(names), self.outputs

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Compute each output by the method of its name."""
        try:
            rows = self._reader.read(inputs)
            return {name: self._as_tensor(self._methods[name](rows)) for name in outputs or (self._usual,)}
        except (ValueError, TypeError) as error:
            names = ", ".join(f"'{name}'" for name in inputs)
            raise InvalidInput(f"input {names}: {str(error).partition(chr(10))[0]}") from error

    def _describe(self, usual: Any) -> list[TensorSpec]:
        """Return specs of all outputs, and forget those that are no tensor, as predict_proba's of several targets."""
        specs = []
        for name in list(self._methods):
            try:
                array = protocol_array(_plain(usual if name == self._usual else self._methods[name](self._reader.example)))
                specs.append(TensorSpec(name, datatype_of(array), (-1, *array.shape[1:])))
            except (ValueError, TypeError, AttributeError):
                del self._methods[name]
        if self._usual not in self._methods:
            raise LoadFailed(f"What {self._usual!r} of this model returns is no tensor.")
        return specs

    def _guess(self, estimator: Any) -> list[TensorSpec]:
        classes = getattr(estimator, "classes_", None)
        label = datatype_of(protocol_array(classes)) if isinstance(classes, np.ndarray) else "FP64"
        return [
            TensorSpec(name, label, (-1,)) if name == "predict" else TensorSpec(name, "FP64", (-1, -1))
            for name in self._methods
        ]

    def _encoded_classes(self, estimator: Any) -> dict[Any, bytes]:
        """Return the BYTES of each label that is a text: encoding them once makes answers cheap."""
        classes = getattr(estimator, "classes_", ())
        return {label: str(label).encode() for label in classes} if getattr(classes, "ndim", 0) == 1 else {}

    def _as_tensor(self, answer: Any) -> Array:
        array = _plain(answer)
        if array.dtype.kind not in "OU":
            return array
        texts = self._texts
        flat = [texts[item] if item in texts else str(item).encode() for item in array.ravel().tolist()]
        return objects(flat).reshape(array.shape)


def load(settings: LoadSettings) -> SklearnModel:
    """Load the one model of an artifact, a file or a directory with it."""
    file = _find(settings.path)
    if settings.path.is_dir():
        sys.path.append(str(settings.path))  # for modules beside it that its classes come from
        sys.dont_write_bytecode = True  # there, at least
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator = _read(file, settings.parameters)
            check_is_fitted(estimator)
        except ModuleNotFoundError as error:
            raise LoadFailed(f"{file.name!r} needs the module {error.name!r}, which is not installed here.") from error
        except NotFittedError as error:
            raise LoadFailed(f"The model in {file.name!r} has not been fitted.") from error
        except LoadFailed:
            raise
        except Exception as error:
            raise LoadFailed(f"{file.name!r} cannot be loaded: {error}") from error
    for message in dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught):
        print(f"{file.name}: {message}", file=sys.stderr)
    # What was fitted on a table is also served arrays, whose columns have no names.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    _limit_threads(estimator, settings.threads)
    return SklearnModel(estimator)


def _find(path: Path) -> Path:
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.name.endswith(_SUFFIXES))
    files = [file for file in files if not file.name.startswith(".")]
    if len(files) != 1:
        found = ", ".join(repr(file.name) for file in files) or "none"
        raise LoadFailed(f"One file that ends in {', '.join(map(repr, _SUFFIXES))} is needed; found: {found}.")
    return files[0]


def _read(file: Path, parameters: Mapping[str, str]) -> Any:
    if file.suffix == ".joblib":
        return joblib.load(file)
    if file.suffix != ".skops":
        with file.open("rb") as stream:
            return pickle.load(stream)  # noqa: S301 - so is this format; the user was warned (SK-03)
    from skops.io import get_untrusted_types
    from skops.io import load as load_skops

    trusted = [name for item in parameters.get("trusted_types", "").split(",") if (name := item.strip())]
    if untrusted := sorted(set(get_untrusted_types(file=file)) - set(trusted)):
        raise LoadFailed(f"{file.name!r} holds types that the parameter 'trusted_types' has to list: {','.join(untrusted)}")
    return load_skops(file, trusted=trusted)


def _limit_threads(estimator: Any, threads: int) -> None:
    """``n_jobs`` is the choice of whoever trained it, on a machine that had nothing else to do."""
    if hasattr(estimator, "get_params"):
        jobs = [name for name, value in estimator.get_params().items() if name.split("__")[-1] == "n_jobs" and value]
        estimator.set_params(**dict.fromkeys(jobs, threads))


def _plain(answer: Any) -> Array:
    """Return an answer as a dense array, also if it is a sparse matrix or a table. TypeError if it is a list of several."""
    if isinstance(answer, list):
        raise TypeError("several arrays")
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    return np.asarray(answer)
