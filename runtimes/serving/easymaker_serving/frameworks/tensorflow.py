"""TensorFlow: a SavedModel with its signatures, or numbered versions of one, of which the highest is served (FS-01…FS-03).

The signature is ``serving_default``; the model's parameter ``signature_name`` says otherwise for all requests, and one in a
request (in version 1 a field of its body) for that one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before the import: it greets with what the processor could do

import numpy as np
import tensorflow as tf

from easymaker_serving.datatypes import datatype_of
from easymaker_serving.model import Array, InvalidInput, LoadFailed, LoadSettings, TensorModel, TensorSpec

_GRAPH = "saved_model.pb"
_USUAL = "serving_default"
_INITIALISER = "__saved_model_init_op"  # a signature for the loader, nothing to call


class Signature:
    """A function of the SavedModel, and what it takes and gives."""

    def __init__(self, function: Any) -> None:
        self.function = function
        takes = function.structured_input_signature[1]
        self.inputs = [_spec(name, takes[name]) for name in sorted(takes)]
        self.outputs = [_spec(name, value) for name, value in sorted(function.structured_outputs.items())]
        self.dtypes = {name: takes[name].dtype for name in takes}
        self.is_batched = all(
            _rank(value) not in (None, 0) and value.shape[0] is None
            for value in (*takes.values(), *function.structured_outputs.values())
        )


class SavedModel(TensorModel):
    """Signatures of a SavedModel. Rows of several requests come together if all signatures take any number of them."""

    platform = "tensorflow_savedmodel"

    def __init__(self, loaded: Any, signatures: Mapping[str, Signature], usual: str) -> None:
        self._loaded = loaded  # what functions need is freed with it
        self._signatures = signatures
        self._usual = usual
        self.inputs, self.outputs = signatures[usual].inputs, signatures[usual].outputs
        self.max_batch = 64 if all(signature.is_batched for signature in signatures.values()) else 1

    def signature_for(
        self, names: Collection[str], parameters: Mapping[str, Any]
    ) -> tuple[Sequence[TensorSpec], Sequence[TensorSpec]]:
        """Return what the signature takes and gives that the parameter ``signature_name`` names."""
        signature = self._signature(parameters)
        return signature.inputs, signature.outputs

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Call a signature."""
        signature = self._signature(parameters)
        try:
            tensors = {name: tf.constant(inputs[name], dtype) for name, dtype in signature.dtypes.items()}
            answers = signature.function(**tensors)
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
            names = ", ".join(f"'{spec.name}'" for spec in signature.inputs)
            raise InvalidInput(f"input {names}: {_reason(error)}") from error
        return {name: answers[name].numpy() for name in outputs or [spec.name for spec in signature.outputs]}

    def _signature(self, parameters: Mapping[str, Any]) -> Signature:
        name = parameters.get("signature_name", self._usual)
        signature = self._signatures.get(name) if isinstance(name, str) else None
        if signature is None:
            known = ", ".join(map(repr, self._signatures))
            raise InvalidInput(f"'signature_name': the signature {name!r} is unknown; the model has {known}")
        return signature


def load(settings: LoadSettings) -> SavedModel:
    """Load the highest version."""
    folder = _choose(settings.path)
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    try:
        loaded = tf.saved_model.load(str(folder), tags=["serve"])
    except Exception as error:
        raise LoadFailed(f"The SavedModel cannot be loaded: {str(error).partition(chr(10))[0]}") from error
    signatures = {}
    unusable = {}
    for name, function in sorted(loaded.signatures.items()):
        if name != _INITIALISER:
            try:
                signatures[name] = Signature(function)
            except LoadFailed as error:
                unusable[name] = error
    usual = settings.parameters.get("signature_name") or (_USUAL if _USUAL in loaded.signatures else next(iter(signatures), ""))
    if usual in unusable:
        raise unusable[usual]
    if usual not in signatures:
        found = ", ".join(map(repr, signatures)) or "none"
        raise LoadFailed(f"The SavedModel has no signature {usual!r}; its signatures: {found}.")
    return SavedModel(loaded, signatures, usual)


def _choose(path: Path) -> Path:
    """Return the directory that is served, by the rules of the examination."""
    if path.name == _GRAPH:
        return path.parent
    if (path / _GRAPH).is_file():
        return path
    versions = [folder for folder in path.iterdir() if folder.is_dir() and folder.name.isascii() and folder.name.isdigit()]
    newest = max(versions, key=lambda folder: (int(folder.name), folder.name), default=path)
    if not (newest / _GRAPH).is_file():
        raise LoadFailed(f"{_GRAPH!r}{'' if newest is path else f' of version {newest.name}'} is missing.")
    return newest


def _rank(value: Any) -> int | None:
    return value.shape.rank


def _spec(name: str, value: Any) -> TensorSpec:
    try:
        datatype = "BYTES" if value.dtype == tf.string else datatype_of(np.empty(0, value.dtype.as_numpy_dtype))
    except TypeError as error:
        raise LoadFailed(f"{name!r} is of {value.dtype.name}, which the protocol does not have.") from error
    if _rank(value) is None:
        return TensorSpec(name, datatype, None)
    return TensorSpec(name, datatype, tuple(-1 if size is None else size for size in value.shape))


def _reason(error: BaseException) -> str:
    """Return the line of TensorFlow's message that is neither about itself nor about nodes of its graph."""
    lines = [line for line in map(str.strip, str(error).splitlines()) if line and not line.startswith("[[")]
    return lines[-1] if lines else type(error).__name__
