"""Models that take several signatures, and tensors of any rank, through the server (OI-03, OI-08, OI-10, FS-01)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from easymaker_serving.model import Array, InvalidInput, TensorModel, TensorSpec

from tests.serving.toys import Running, serving, tensor


class Several(TensorModel):
    """Counts the elements of ``x``, whatever its rank; adds ``a`` and ``b`` where a request names them or says "add"."""

    platform = "toy"
    inputs = (TensorSpec("x", "FP32", None),)
    outputs = (TensorSpec("count", "INT64", (-1,)),)
    max_batch = 1

    def signature_for(
        self, names: Collection[str], parameters: Mapping[str, Any]
    ) -> tuple[Sequence[TensorSpec], Sequence[TensorSpec]]:
        kind = parameters.get("signature_name", "add" if "a" in names else "count")
        if kind == "count":
            return self.inputs, self.outputs
        if kind != "add":
            raise InvalidInput(f"'signature_name': {kind} is unknown")
        return [TensorSpec(name, "INT16", (-1,)) for name in "ab"], [TensorSpec("sum", "INT16", (-1,))]

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        if "x" in inputs:
            assert inputs["x"].dtype == np.float32
            return {"count": np.array([inputs["x"].size])}
        return {"sum": inputs["a"] + inputs["b"]}


@pytest.fixture(scope="module")
def several() -> Iterator[Running]:
    with serving(Several()) as running:
        yield running


def test_any_rank_is_shown_as_a_shape_that_varies(several: Running) -> None:
    assert several.ask("GET", "/v2/models/toy")[1]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1]}]


@pytest.mark.parametrize("instances", [[1], [1, 2, 3], [[1.5, 2], [3, 4]], [[[1], [2]]]])
def test_tensors_of_any_rank(several: Running, instances: list[Any]) -> None:
    size = np.array(instances).size
    assert several.ask("POST", "/v1/models/toy:predict", {"instances": instances})[1] == {"predictions": [size]}
    body = {"inputs": [tensor("x", np.array(instances, dtype=np.float32), "FP32")]}
    assert several.ask("POST", "/v2/models/toy/infer", body)[1]["outputs"][0]["data"] == [size]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"a": 1, "b": 2}]},
        {"instances": [[1, 2]], "signature_name": "add"},
        {"inputs": {"a": [1], "b": [2]}, "parameters": {"signature_name": "add"}},
    ],
)
def test_another_signature_of_version_1(several: Running, body: dict[str, Any]) -> None:
    assert several.ask("POST", "/v1/models/toy:predict", body)[1] == {"predictions": [3]}


def test_another_signature_of_version_2(several: Running) -> None:
    inputs = [tensor(name, np.array([20_000], dtype=np.int16), "INT16") for name in "ab"]
    body = {"inputs": inputs, "outputs": [{"name": "sum"}], "parameters": {"signature_name": "add"}}
    assert several.ask("POST", "/v2/models/toy/infer", body)[1]["outputs"][0]["datatype"] == "INT16"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"instances": [[1]], "signature_name": "other"}, "'signature_name': other is unknown"),
        ({"instances": [{"a": 1}]}, "input 'b' is missing"),
        ({"instances": [{"a": 1, "b": 70_000}]}, "input 'b'"),
        ({"instances": [{"y": 1}]}, "input 'y' is unknown; the model has 'x'"),
    ],
)
def test_what_fits_no_signature(several: Running, body: dict[str, Any], message: str) -> None:
    status, answer, _ = several.ask("POST", "/v1/models/toy:predict", body)
    assert status == 400
    assert message in answer["error"]
