"""What a request must be like for this model: names, datatypes and dimensions of its metadata (OI-08, OI-10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from easymaker_serving.datatypes import DTYPES, datatype_of, widens
from easymaker_serving.model import Array, InvalidInput, TensorSpec


def check_specs(specs: Sequence[TensorSpec]) -> None:
    """Raise ValueError if a module's metadata is not the protocol's."""
    for spec in specs:
        if spec.datatype not in DTYPES:
            raise ValueError(f"Tensor {spec.name!r} has the unknown datatype {spec.datatype!r}")
    if len({spec.name for spec in specs}) != len(specs):
        raise ValueError("Two tensors have the same name")


class Signature:
    """The inputs and outputs that a model declares; without a declaration everything fits."""

    def __init__(self, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
        check_specs(inputs)
        check_specs(outputs)
        self.inputs = {spec.name: spec for spec in inputs}
        self.outputs = {spec.name for spec in outputs}
        self.fits_by_kind = bool(inputs) and all(spec.shape is None or spec.shape[:1] == (-1,) for spec in inputs)
        """Whether inputs fit if others of the same names, types and dimensions but the first did."""

    def fit(self, tensors: dict[str, Array]) -> dict[str, Array]:
        """Return the inputs in the declared datatypes.

        A datatype that holds fewer values is widened (INT32 or FP32 for FP64), any other difference is refused: a client that
        names a type should hear that it is the wrong one. Raises InvalidInput.
        """
        if not self.inputs:
            return tensors
        if tensors.keys() != self.inputs.keys():
            self._refuse_names(tensors)
        for name, array in tensors.items():
            spec = self.inputs[name]
            self._check_shape(spec, array)
            if array.dtype != DTYPES[spec.datatype]:
                tensors[name] = _widened(array, spec)
        return tensors

    def check_outputs(self, names: Sequence[str] | None) -> None:
        """Raise InvalidInput for an output that the model does not have."""
        for name in names or ():
            if self.outputs and name not in self.outputs:
                raise InvalidInput(f"output '{name}' is unknown; the model has {_listed(self.outputs)}")

    def _refuse_names(self, tensors: Mapping[str, Array]) -> None:
        for name in tensors:
            if name not in self.inputs:
                raise InvalidInput(f"input '{name}' is unknown; the model has {_listed(self.inputs)}")
        missing = next(name for name in self.inputs if name not in tensors)
        raise InvalidInput(f"input '{missing}' is missing")

    @staticmethod
    def _check_shape(spec: TensorSpec, array: Array) -> None:
        shape = array.shape
        if spec.shape is None:
            return
        if len(shape) == len(spec.shape):
            for size, wanted in zip(shape, spec.shape):  # noqa: B905 - their lengths have just been compared
                if size != wanted and wanted != -1:
                    break
            else:
                return
        raise InvalidInput(f"input '{spec.name}': the shape {list(shape)} does not fit {list(spec.shape)}")


def _widened(array: Array, spec: TensorSpec) -> Array:
    given = datatype_of(array)
    if not widens(given, spec.datatype):
        raise InvalidInput(f"input '{spec.name}': the datatype is {given}, the model takes {spec.datatype}")
    return array.astype(DTYPES[spec.datatype])


def _listed(names: Mapping[str, object] | set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
