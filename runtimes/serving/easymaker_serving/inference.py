"""A loaded model behind its queue, the same for HTTP and gRPC."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

from easymaker_serving.answers import Refused
from easymaker_serving.batching import Batcher, Call, Done
from easymaker_serving.computing import Explainer, RowComputer, TensorComputer
from easymaker_serving.model import Array, InvalidInput, Model, OpenAI, RowModel, TensorModel, TensorSpec, Unsupported
from easymaker_serving.rows import key_of, rows_of, tensors_of
from easymaker_serving.signature import Signature

Drop = Callable[[], None]
"""Says that nobody waits for the result any more."""
_MAX_KNOWN = 256
_UNKNOWN: tuple[int, Signature | None] = (0, None)


class Inferences:
    """What can be asked of a model. Each call is checked, queued, and ends in ``done``; what it returns drops it.

    All of them raise InvalidInput, Unsupported and Refused (the queue is full).
    """

    def __init__(self, model: Model, name: str, version: str, batcher: Batcher) -> None:
        self.model = model
        self.name = name
        self.version = version
        self.signature = Signature(model.inputs, model.outputs)
        self.openai: OpenAI | None = model.openai
        self._batcher = batcher
        self._explainer = Explainer(model)
        self._are_joined = model.max_batch > 1
        """Whether the model may get rows of several calls at a time."""
        self._known: dict[Hashable, tuple[int, Signature]] = {}
        """Bytes per row of inputs that were found to fit, and what they fit, by their kind: checked once."""
        self._computer = TensorComputer(model) if isinstance(model, TensorModel) else None
        self._row_computer = RowComputer(model) if isinstance(model, RowModel) else None
        self.takes_rows = self._row_computer is not None
        """Whether the model computes rows, not tensors."""

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata (OI-08)."""
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": self.model.platform,
            "inputs": [_spec(spec) for spec in self.model.inputs],
            "outputs": [_spec(spec) for spec in self.model.outputs],
        }

    def signature_for(self, names: Collection[str], parameters: Mapping[str, Any]) -> Signature:
        """Return what a request has to be like that names its inputs so, or not at all."""
        is_usual = not parameters and (not names or names == self.signature.inputs.keys())
        if is_usual or not isinstance(self.model, TensorModel):
            return self.signature
        inputs, outputs = self.model.signature_for(names, parameters)
        return self.signature if inputs is self.model.inputs else Signature(inputs, outputs)

    def infer(
        self, inputs: dict[str, Array], outputs: tuple[str, ...] | None, parameters: Mapping[str, Any], done: Done
    ) -> Drop:
        """Compute tensors from tensors, whatever kind the model is."""
        if self._computer is not None:
            return self.predict_tensors(inputs, outputs, parameters, done)
        self.signature.check_outputs(outputs)
        translated = _then(lambda answers: _chosen(tensors_of(answers, self.model.outputs), outputs), done)
        return self.predict_rows(rows_of(inputs), parameters, translated)

    def predict_tensors(
        self, inputs: dict[str, Array], outputs: tuple[str, ...] | None, parameters: Mapping[str, Any], done: Done
    ) -> Drop:
        """Compute with a model of tensors."""
        if self._computer is None:
            raise Unsupported("this model does not compute tensors")
        kind = _kind(inputs)
        row_size, signature = self._known.get(kind, _UNKNOWN) if not parameters else _UNKNOWN
        if signature is None:
            signature = self.signature_for(inputs.keys(), parameters)
            inputs = signature.fit(inputs)
            kind = _kind(inputs)
            row_size = sum(array.itemsize * math.prod(array.shape[1:]) for array in inputs.values())
            if signature.fits_by_kind and not parameters and len(self._known) < _MAX_KNOWN:
                self._known[kind] = row_size, signature
        if outputs is not None:
            signature.check_outputs(outputs)
            if not signature.outputs:  # what there is to choose from is seen when it is computed
                names, outputs = outputs, None
                done = _then(lambda found: _chosen(found, names), done)
        rows = _rows_in(inputs, are_joined=self._are_joined)
        key = (kind, outputs, key_of(parameters) if parameters else b"") if self._are_joined and rows else None
        size = row_size * max(rows, 1)
        return self._submit(Call(self._computer, key, rows, inputs, done, size, outputs=outputs, parameters=parameters))

    def predict_rows(self, rows: list[Any], parameters: Mapping[str, Any], done: Done) -> Drop:
        """Compute with a model of rows."""
        if self._row_computer is None:
            raise Unsupported("this model does not compute rows")
        key = (key_of(parameters),) if self._are_joined and rows else None
        # How long a row takes is in what it says: a number of tokens, a file to read. So it is never the loop that waits.
        return self._submit(Call(self._row_computer, key, len(rows), rows, done, is_light=False, parameters=parameters))

    def explain(self, instances: list[Any], done: Done) -> Drop:
        """Explain predictions of a model that explains (OI-04)."""
        return self._submit(Call(self._explainer, None, len(instances), instances, done, is_light=False))

    def _submit(self, call: Call) -> Drop:
        self._batcher.submit(call)
        return lambda: self._batcher.drop(call)


def _kind(inputs: Mapping[str, Array]) -> Hashable:
    """Return what inputs have in common whose rows may be put together: names, types, trailing dimensions."""
    return tuple([(name, array.dtype.num, array.shape[1:], array.ndim) for name, array in inputs.items()])


def _rows_in(inputs: Mapping[str, Array], *, are_joined: bool) -> int:
    """Return the number of rows. Raises InvalidInput if inputs differ in it and calls of the model may be joined."""
    sizes = [array.shape[0] if array.ndim else 0 for array in inputs.values()]
    if len(set(sizes)) == 1:
        return sizes[0]
    if are_joined and sizes:
        described = ", ".join(f"'{name}' has {array.shape[0] if array.ndim else 0}" for name, array in inputs.items())
        raise InvalidInput(f"the inputs need the same number of rows: {described}")
    return max(sizes, default=0)


def _spec(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": (-1,) if spec.shape is None else spec.shape}


def _then(translate: Callable[[Any], Any], done: Done) -> Done:
    """Return a ``done`` that hands on what ``translate`` makes of the result, or what it raises."""

    def translated(found: Any, exc: BaseException | None) -> None:
        if exc is None:
            try:
                found = translate(found)
            except Exception as failure:
                exc = failure
        done(found, exc)

    return translated


def _chosen(found: Mapping[str, Array], names: Sequence[str] | None) -> Mapping[str, Array]:
    if names is None:
        return found
    for name in names:
        if name not in found:
            raise Refused(400, f"output '{name}' is unknown; the model has {', '.join(map(repr, found))}")
    return {name: found[name] for name in names}
