"""Models of scikit-learn in the image that serves them: what they answer is what scikit-learn answers (SK-01…SK-03).

Real: the environment, the models and how they were saved. The server around them is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.asked import Asked, Refused, column, matrix, run
from tests.serving.environments import interpreter

# One process makes the models for all of them.
pytestmark = [pytest.mark.environment, pytest.mark.xdist_group("framework-sklearn")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sklearn")
    run(interpreter("python-serving-3.11-cpu"), "make_sklearn.py", folder)
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    process = Asked(interpreter("python-serving-3.11-cpu"), "sklearn", tmp_path_factory.mktemp("asked") / "errors")
    yield process
    process.close()


def known(made: Path, name: str) -> tuple[Any, dict[str, Any]]:
    found = json.loads((made / f"{name}.json").read_text())
    return found["rows"], found["answers"]


def nested(tensor: dict[str, Any]) -> list[Any]:
    data, shape = tensor["data"], tensor["shape"]
    if len(shape) == 1:
        return data
    assert len(shape) == 2
    return [data[start : start + shape[1]] for start in range(0, len(data), shape[1])]


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("logistic", [["predict", "INT64", [-1]], ["predict_proba", "FP64", [-1, 3]], ["decision_function", "FP64", [-1, 3]]]),
        ("texts", [["predict", "BYTES", [-1]], ["predict_proba", "FP64", [-1, 3]], ["decision_function", "FP64", [-1, 3]]]),
        ("linear", [["predict", "FP64", [-1]]]),
        ("scaled", [["predict", "FP64", [-1, 2]]]),
        ("forest", [["predict", "BOOL", [-1]], ["predict_proba", "FP64", [-1, 2]]]),
        ("svm", [["predict", "INT64", [-1]], ["decision_function", "FP64", [-1, 3]]]),
        ("scaler", [["transform", "FP64", [-1, 4]]]),
        ("skops", [["predict", "INT64", [-1]], ["predict_proba", "FP64", [-1, 3]], ["decision_function", "FP64", [-1, 3]]]),
        ("numbers", [["predict", "INT64", [-1]], ["predict_proba", "FP64", [-1, 3]], ["decision_function", "FP64", [-1, 3]]]),
        ("named", [["predict", "BYTES", [-1]], ["predict_proba", "FP64", [-1, 3]], ["decision_function", "FP64", [-1, 3]]]),
    ],
)
def test_every_output_is_scikit_learns_own(asked: Asked, made: Path, name: str, outputs: list[Any]) -> None:
    """SK-01, SK-02: metadata, the usual output and those that are asked for, in every way of saving."""
    rows, answers = known(made, name)
    shown = asked.load(made / name)
    assert shown["platform"] == "sklearn"
    assert shown["inputs"] == [["input", "FP64", [-1, len(rows[0])]]]
    assert shown["outputs"] == outputs
    assert shown["max_batch"] > 1 and not shown["explains"]

    usual = asked.predict({"any": matrix(rows)})
    assert list(usual) == [outputs[0][0]]
    everything = asked.predict({"any": matrix(rows)}, list(answers))
    assert {name: nested(tensor) for name, tensor in everything.items()} == answers
    assert [[name, tensor["datatype"]] for name, tensor in everything.items()] == [spec[:2] for spec in outputs]


def test_a_file_is_an_artifact_too(asked: Asked, made: Path) -> None:
    rows, answers = known(made, "logistic")
    asked.load(made / "logistic/model.joblib")
    assert nested(asked.predict({"x": matrix(rows)})["predict"]) == answers["predict"]


@pytest.mark.parametrize("datatype", ["FP32", "FP16", "BF16", "INT64", "UINT8"])
def test_any_numbers_are_taken(asked: Asked, made: Path, datatype: str) -> None:
    asked.load(made / "logistic")
    whole = [[5, 3, 1, 0], [6, 3, 5, 2]]
    assert asked.predict({"x": matrix(whole, datatype)}) == {"predict": {"datatype": "INT64", "shape": [2], "data": [0, 2]}}


def test_columns_of_a_table_by_their_names(asked: Asked, made: Path) -> None:
    rows, answers = known(made, "named")
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    asked.load(made / "named")
    inputs = {name: column([row[index] for row in rows]) for index, name in enumerate(names)}
    assert asked.predict(dict(reversed(inputs.items())))["predict"]["data"] == answers["predict"]
    with pytest.raises(Refused, match="input 'petal width' is missing") as caught:
        asked.predict({name: inputs[name] for name in names[:3]})
    assert caught.value.kind == "InvalidInput"
    with pytest.raises(Refused, match="input 'colour' is unknown"):
        asked.predict({**inputs, "colour": column([1.0])})
    with pytest.raises(Refused, match="input 'sepal width': the datatype is BYTES, the model takes FP64"):
        asked.predict({**inputs, "sepal width": column(["a"], "BYTES")})


def test_a_table_of_texts_and_numbers(asked: Asked, made: Path) -> None:
    rows, answers = known(made, "table")
    shown = asked.load(made / "table")
    assert shown["inputs"] == [["city", "BYTES", None], ["age", "FP64", None]]
    inputs = {"city": column(rows["city"], "BYTES"), "age": column(rows["age"])}
    found = asked.predict(inputs, ["predict", "predict_proba"])
    assert nested(found["predict"]) == answers["predict"]
    assert nested(found["predict_proba"]) == answers["predict_proba"]
    in_rows = {"city": {**inputs["city"], "shape": [3, 1]}, "age": {**inputs["age"], "shape": [3, 1]}}
    assert asked.predict(in_rows) == asked.predict(inputs)
    with pytest.raises(Refused, match="input 'city', 'age': Found unknown categories"):
        asked.predict({"city": column(["Daegu"], "BYTES"), "age": column([1.0])})


def test_texts(asked: Asked, made: Path) -> None:
    rows, answers = known(made, "text")
    assert asked.load(made / "text")["inputs"] == [["input", "BYTES", [-1]]]
    assert asked.predict({"said": column(rows, "BYTES")})["predict"]["data"] == answers["predict"]
    with pytest.raises(Refused, match="input 'said': the datatype is FP64, the model takes BYTES"):
        asked.predict({"said": column([1.0])})
    with pytest.raises(Refused, match="input 'said': bytes that are no UTF-8"):
        asked.predict({"said": column(["\udcff"], "BYTES")})


@pytest.mark.parametrize("name", ["roots", "sliced"])
def test_a_model_that_takes_no_example_is_served_all_the_same(asked: Asked, made: Path, name: str) -> None:
    rows, answers = known(made, name)
    assert asked.load(made / name)["outputs"][:2] == [["predict", "BYTES", [-1]], ["predict_proba", "FP64", [-1, -1]]]
    assert "took no example" in asked.errors.read_text()
    found = asked.predict({"x": matrix(rows)}, list(answers))
    assert {name: nested(tensor) for name, tensor in found.items()} == answers


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": matrix([[1.0, 2.0]])}, r"input 'x': the shape \[1, 2\] does not fit \[-1, 4\]"),
        ({"x": column([1.0, 2.0, 3.0, 4.0])}, r"input 'x': the shape \[4\] does not fit"),
        ({"x": matrix([["a", "b", "c", "d"]], "BYTES")}, "input 'x': the datatype is BYTES, the model takes FP64"),
        ({"x": matrix([[float("nan"), 1.0, 1.0, 1.0]])}, "input 'x': Input X contains NaN."),
        ({"x": matrix([[float("inf"), 1.0, 1.0, 1.0]])}, "infinity"),
        ({"x": {"datatype": "FP64", "shape": [0, 4], "data": []}}, r"0 sample\(s\)"),
        ({"x": column([1.0]), "z": column([1.0])}, "input 'x' is unknown; the model has 'input'"),
    ],
)
def test_what_cannot_be_used_is_the_requests_fault(asked: Asked, made: Path, inputs: dict[str, Any], message: str) -> None:
    asked.load(made / "logistic")
    with pytest.raises(Refused, match=message) as caught:
        asked.predict(inputs)
    assert caught.value.kind == "InvalidInput"


def test_an_output_that_there_is_not(asked: Asked, made: Path) -> None:
    asked.load(made / "linear")
    with pytest.raises(Refused, match="output 'predict_proba' is unknown; the model has 'predict'"):
        asked.predict({"x": matrix([[1.0, 2.0, 3.0]])}, ["predict_proba"])


def test_skops_loads_only_what_is_trusted(asked: Asked, made: Path) -> None:
    with pytest.raises(Refused, match=r"'trusted_types' has to list: numpy\.\w*\.?nan_to_num") as caught:
        asked.load(made / "untrusted")
    assert caught.value.kind == "LoadFailed"
    rows, answers = known(made, "untrusted")
    asked.load(made / "untrusted", trusted_types=" numpy.nan_to_num ,")
    assert nested(asked.predict({"x": matrix(rows)})["transform"]) == answers["transform"]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("unfitted.joblib", "The model in 'unfitted.joblib' has not been fitted"),
        ("mute.joblib", "DBSCAN has none of the methods"),
        ("cut.joblib", "'cut.joblib' cannot be loaded"),
        ("elsewhere.pkl", "needs the module 'no_such_package', which is not installed here"),
        ("", "One file that ends in .* is needed; found: 'cut.joblib', "),
    ],
)
def test_what_cannot_be_loaded_says_why(asked: Asked, made: Path, file: str, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        asked.load(made / file)
    assert caught.value.kind == "LoadFailed"


def test_another_version_is_a_line_of_the_log(asked: Asked, made: Path) -> None:
    """SK-03."""
    before = len(asked.errors.read_text())
    asked.load(made / "old.pkl")
    written = asked.errors.read_text()[before:]
    assert written.startswith(
        "old.pkl: Trying to unpickle estimator LogisticRegression from version 0.9.1 when using version 1.9.1."
    )
    assert written.count("\n") == 1


def test_compiled_linear_models_answer_to_the_last_bit() -> None:
    """Thousands of random models and rows, ties and unusual values among them."""
    assert run(interpreter("python-serving-3.11-cpu"), "check_linear.py") == "the same\n"
