"""SavedModels in the image that serves them: what they answer is what TensorFlow answers (FS-01…FS-03)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.asked import Asked, Refused, column, matrix, run
from tests.serving.environments import interpreter

# One process makes the models for all of them.
pytestmark = [pytest.mark.environment, pytest.mark.xdist_group("framework-tensorflow")]

IMAGE = "tensorflow-serving-2.21.0-cpu"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensorflow")


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, Any]:
    return json.loads(run(interpreter(IMAGE), "make_tensorflow.py", folder).splitlines()[-1])


@pytest.fixture(scope="module")
def asked(folder: Path, made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    process = Asked(interpreter(IMAGE), "tensorflow", tmp_path_factory.mktemp("asked") / "errors")
    yield process
    process.close()


@pytest.mark.parametrize("place", ["keras", "versions", "versions/2", "keras/saved_model.pb"])
def test_what_keras_saves(asked: Asked, folder: Path, made: dict[str, Any], place: str) -> None:
    """FS-01…FS-03, with the variables beside it; of versions the highest, which is 10 and not 2."""
    shown = asked.load(folder / place)
    assert shown["platform"] == "tensorflow_savedmodel"
    assert shown["max_batch"] > 1
    (name, datatype, shape), (output, *kind) = shown["inputs"][0], shown["outputs"][0]
    assert [datatype, shape, kind] == ["FP32", [-1, 4], ["FP32", [-1, 3]]]
    found = asked.predict({name: matrix(made["rows"], "FP32")})[output]
    assert found["data"] == pytest.approx([value for row in made["keras"] for value in row], rel=1e-6)


def test_several_inputs_and_outputs(asked: Asked, folder: Path) -> None:
    shown = asked.load(folder / "functions")
    assert shown["inputs"] == [["a", "FP32", [-1, 2]], ["b", "INT64", [-1]]]
    assert shown["outputs"] == [["count", "INT64", [-1]], ["sum", "FP32", [-1]]]
    inputs = {"b": column([1, 2], "INT64"), "a": matrix([[1.0, 2.0], [3.0, 4.0]], "FP32")}
    assert asked.predict(inputs) == {"count": column([2, 3], "INT64"), "sum": column([7.0, 16.0], "FP32")}
    assert list(asked.predict(inputs, ["sum"])) == ["sum"]


def test_another_signature_and_texts(asked: Asked, folder: Path) -> None:
    asked.load(folder / "functions")
    found = asked.predict({"text": column(["ab", "abcd"], "BYTES")}, signature_name="shout")
    assert found["upper"] == column(["AB", "ABCD"], "BYTES")
    assert [found["length"]["data"], found["is_long"]] == [[2, 4], column([False, True], "BOOL")]
    assert asked.predict({"x": column([1.5], "BF16")}, signature_name="short") == {"x": column([3.0], "BF16")}
    assert asked.load(folder / "functions", signature_name="shout")["inputs"] == [["text", "BYTES", [-1]]]
    for name in ("nothing", 5):
        with pytest.raises(
            Refused,
            match=r"'signature_name': the signature .* is unknown; the model has 'pick', 'serving_default', 'short', 'shout'",
        ):
            asked.predict({"text": column(["ab"], "BYTES")}, signature_name=name)


def test_fixed_and_unknown_shapes(asked: Asked, folder: Path) -> None:
    shown = asked.load(folder / "fixed")
    assert [shown["inputs"], shown["max_batch"]] == [[["image", "FP32", [1, 2, 2]]], 1]
    image = {"datatype": "FP32", "shape": [1, 2, 2], "data": [1.0, 2.0, 3.0, 4.0]}
    assert asked.predict({"image": image})["image"]["data"] == [2.0, 4.0, 6.0, 8.0]
    shown = asked.load(folder / "any_rank")
    assert [shown["inputs"], shown["max_batch"]] == [[["x", "FP32", None]], 1]
    assert asked.predict({"x": image})["x"]["shape"] == [1, 2, 2]
    with pytest.raises(Refused, match="input 'y' is unknown"):
        asked.predict({"x": image, "y": image})
    with pytest.raises(Refused, match="input 'x' is missing"):
        asked.predict({})


def test_a_model_of_tensorflow_1(asked: Asked, folder: Path) -> None:
    assert asked.load(folder / "old")["inputs"] == [["x", "FP32", [-1, 4]]]
    assert asked.predict({"x": matrix([[1.0, 2.0, 3.0, 4.0]], "FP32")})["y"] == matrix([[10.0]], "FP32")


@pytest.mark.parametrize(
    ("changes", "outputs", "message"),
    [
        ({"a": matrix([[1.0]], "FP32")}, None, r"input 'a': the shape \[1, 1\] does not fit \[-1, 2\]"),
        ({"a": column([1.0, 2.0], "FP32")}, None, r"input 'a': the shape \[2\] does not fit \[-1, 2\]"),
        ({"a": matrix([[1.0, 2.0]])}, None, "input 'a': the datatype is FP64, the model takes FP32"),
        ({"a": matrix([["x", "y"]], "BYTES")}, None, "input 'a': the datatype is BYTES, the model takes FP32"),
        ({"a": matrix([[1.0, 2.0]] * 3, "FP32")}, None, "input 'a', 'b': Incompatible shapes"),
        ({"c": column([1.0])}, None, "input 'c' is unknown; the model has 'a', 'b'"),
        ({}, ["nothing"], "output 'nothing' is unknown; the model has 'count', 'sum'"),
    ],
)
def test_what_cannot_be_used(asked: Asked, folder: Path, changes: Any, outputs: Any, message: str) -> None:
    asked.load(folder / "functions")
    inputs = {"a": matrix([[1.0, 2.0]] * 2, "FP32"), "b": column([1, 2], "INT64"), **changes}
    with pytest.raises(Refused, match=message) as caught:
        asked.predict(inputs, outputs)
    assert caught.value.kind == "InvalidInput"


def test_values_that_the_graph_refuses(asked: Asked, folder: Path) -> None:
    asked.load(folder / "functions")
    with pytest.raises(Refused, match=r"input 'at': indices\[0\] = 7 is not in") as caught:
        asked.predict({"at": column([7], "INT32")}, signature_name="pick")
    assert caught.value.kind == "InvalidInput"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("cut", "The SavedModel cannot be loaded"),
        ("mute", "The SavedModel has no signature ''; its signatures: none"),
        ("turn", "'x' is of complex64, which the protocol does not have"),
        ("keras/variables", "'saved_model.pb' is missing"),
    ],
)
def test_what_cannot_be_loaded(asked: Asked, folder: Path, place: str, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        asked.load(folder / place)
    assert caught.value.kind == "LoadFailed"


def test_an_unknown_signature_cannot_be_the_models(asked: Asked, folder: Path) -> None:
    with pytest.raises(Refused, match="has no signature 'other'; its signatures: 'pick', 'serving_default', 'short', 'shout'"):
        asked.load(folder / "functions", signature_name="other")
