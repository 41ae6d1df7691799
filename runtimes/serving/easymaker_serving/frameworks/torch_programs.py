"""Programs that need neither structure nor handler: what torch.export and torch.jit saved.

They compute tensors from tensors. An exported program knows what it takes and gives. Of TorchScript only the names of inputs
are known, their types are guessed from its weights, and only the parameter ``batch_size`` says that rows of several requests
may come together.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument

from easymaker_serving.frameworks.rows import batch_size
from easymaker_serving.frameworks.torch_dimensions import Dimensions, rows_per_call, shape_of
from easymaker_serving.model import Array, InvalidInput, LoadFailed, LoadSettings, TensorModel, TensorSpec

_DATATYPES = {
    torch.bool: "BOOL", torch.uint8: "UINT8", torch.int8: "INT8", torch.int16: "INT16", torch.int32: "INT32",
    torch.int64: "INT64", torch.uint16: "UINT16", torch.uint32: "UINT32", torch.uint64: "UINT64",
    torch.float16: "FP16", torch.bfloat16: "BF16", torch.float32: "FP32", torch.float64: "FP64",
}  # fmt: skip
_DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Program(TensorModel):
    """A function of tensors."""

    def __init__(
        self,
        call: Callable[..., Any],
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        *,
        platform: str,
        max_batch: int,
        dimensions: Dimensions,
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.platform, self.max_batch = platform, max_batch
        self._call = call
        self._dimensions = dimensions

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Run the program."""
        self._dimensions.check(inputs)
        tensors = [_tensor(inputs[spec.name]) for spec in self.inputs]
        with torch.inference_mode():
            try:
                answer = self._call(*tensors)
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                if isinstance(error, (torch.OutOfMemoryError, torch.AcceleratorError)):
                    raise
                names = ", ".join(f"'{spec.name}'" for spec in self.inputs)
                # TorchScript shows its own way to the error before.
                reason = str(error).strip().rpartition("\n")[2].removeprefix("RuntimeError: ")
                raise InvalidInput(f"input {names}: {reason}") from error
            named = dict(zip((spec.name for spec in self.outputs), _values(answer), strict=True))
            return {name: _array(named[name]) for name in outputs or named}


def load_export(file: Path) -> Program:
    """Load a program of torch.export; nothing in it is executed before it is called.

    Its graph is called as it is: the module around it checks the inputs again and sorts them, at many times the cost of a small
    network.
    """
    try:
        program = torch.export.load(file)
    except Exception as error:
        raise LoadFailed(f"{file.name!r} cannot be loaded: {error}") from error
    if _DEVICE != "cpu":
        program = torch.export.passes.move_to_device_pass(program, _DEVICE)
    signature = program.graph_signature
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    names = [spec.arg.name for spec in signature.input_specs if spec.kind is InputKind.USER_INPUT]
    returned = [spec.arg.name for spec in signature.output_specs if spec.kind is OutputKind.USER_OUTPUT]
    values_of = [*signature.output_specs, *(spec for spec in signature.input_specs if spec.kind is InputKind.USER_INPUT)]
    if any(not isinstance(spec.arg, TensorArgument) for spec in values_of) or len(returned) != len(signature.output_specs):
        raise LoadFailed(f"{file.name!r} takes or returns something other than tensors, or changes its own buffers.")
    held = {**program.state_dict, **program.constants}
    lifted = [held[spec.target] for spec in signature.input_specs if spec.kind is not InputKind.USER_INPUT]
    graph = program.graph_module.forward
    takes, gives = [values[name] for name in names], [values[name] for name in returned]
    return Program(
        lambda *tensors: graph(*lifted, *tensors),
        [_spec(name, value) for name, value in zip(names, takes, strict=True)],
        [_spec(name, value) for name, value in zip(_output_names(program, len(returned)), gives, strict=True)],
        platform="pytorch_export",
        max_batch=rows_per_call(takes, gives, program.range_constraints),
        dimensions=Dimensions(names, takes, program.range_constraints),
    )


def load_torchscript(file: Path, settings: LoadSettings) -> Program:
    """Load what torch.jit saved."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit")  # whoever made it was told
        try:
            module = torch.jit.load(file, map_location=_DEVICE).eval()
        except Exception as error:
            raise LoadFailed(f"{file.name!r} cannot be loaded: {str(error).strip().rpartition(chr(10))[2]}") from error
        schema = module.forward.schema
    arguments = [argument for argument in schema.arguments[1:] if not argument.has_default_value()]
    if any(str(argument.type) != "Tensor" for argument in arguments):
        raise LoadFailed(f"{file.name!r} takes something other than tensors.")
    returned = schema.returns[0].type
    if str(returned) == "Tensor":
        outputs = ["output"]
    elif returned.kind() == "TupleType" and all(str(element) == "Tensor" for element in returned.elements()):
        outputs = [f"output_{index}" for index in range(len(returned.elements()))]
    else:
        raise LoadFailed(f"{file.name!r} returns {returned}; what can be served returns a tensor or a tuple of them.")
    floating = next((value.dtype for value in module.parameters() if value.is_floating_point()), torch.float32)
    first = next((child for child in module.modules() if any(True for _ in child.parameters(recurse=False))), None)
    usual = "INT64" if getattr(first, "original_name", "") == "Embedding" else _DATATYPES[floating]
    return Program(
        module,
        [TensorSpec(argument.name, usual, None) for argument in arguments],
        [TensorSpec(name, _DATATYPES[floating], None) for name in outputs],
        platform="pytorch_torchscript",
        max_batch=batch_size(settings.parameters, 1),
        dimensions=Dimensions([], [], {}),
    )


def _spec(name: str, value: torch.Tensor) -> TensorSpec:
    if value.dtype not in _DATATYPES:
        raise LoadFailed(f"{name!r} is of {value.dtype}, which the protocol does not have.")
    return TensorSpec(name, _DATATYPES[value.dtype], shape_of(value))


def _output_names(program: torch.export.ExportedProgram, count: int) -> list[str]:
    """Return the keys of a dictionary, where a program returns one; the graph's own names are those of operations."""
    spec = program.call_spec.out_spec
    if spec is not None and spec.type is dict and len(spec.context) == count:
        return [str(key) for key in spec.context]
    return ["output"] if count == 1 else [f"output_{index}" for index in range(count)]


def _values(answer: Any) -> Sequence[torch.Tensor]:
    return (answer,) if isinstance(answer, torch.Tensor) else answer


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16).to(_DEVICE)
    return torch.from_numpy(array).to(_DEVICE)


def _array(tensor: torch.Tensor) -> Array:
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()
