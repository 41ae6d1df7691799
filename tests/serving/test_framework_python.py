"""A user's ``predict.py`` in the image that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import ModelFormat
from tests.serving.asked import Asked, Refused
from tests.serving.environments import interpreter

pytestmark = pytest.mark.environment

WHOLE = """
import json
import numpy as np
from helper import FACTOR

class Model:
    batch_size = 16

    def load(self, path, parameters):
        print("loading")
        self.offset = json.loads((path / "offset.json").read_text())
        self.parameters = parameters

    def predict(self, rows, parameters):
        if rows == ["bug"]:
            raise KeyError("a bug")
        if rows == ["short"]:
            return []
        if rows == ["array"]:
            return np.arange(1)
        if rows == ["dict"]:
            return [{"a": np.float32(0.5), "b": np.arange(2)}]
        return [float(row) * FACTOR + self.offset + parameters.get("more", 0) for row in rows]

    def explain(self, rows):
        return [f"{row} times {FACTOR}" for row in rows]

    def close(self):
        (__import__("pathlib").Path(self.parameters["mark"])).write_text("closed")
"""


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    process = Asked(interpreter("python-serving-3.11-cpu"), "python", tmp_path / "errors")
    yield process
    process.close()


def write(folder: Path, predict: str, **files: str) -> Path:
    folder.mkdir()
    for name, text in {"predict.py": predict, **files}.items():
        (folder / name).write_text(text)
    return folder


def test_everything_that_a_class_may_have(asked: Asked, tmp_path: Path) -> None:
    """OI-15 for explain; what is beside the class can be imported and read."""
    folder = write(tmp_path / "model", WHOLE, **{"helper.py": "FACTOR = 2", "offset.json": "0.5"})
    assert not examine(folder, ModelFormat.PYTHON, name="any").problems
    shown = asked.load(folder, mark=str(tmp_path / "mark"))
    assert shown == {"platform": "python", "inputs": [], "outputs": [], "max_batch": 16, "explains": True}
    assert asked.rows([1, 2.5]) == [2.5, 5.5]
    assert asked.rows([1], more=10) == [12.5]
    assert asked.explain([1]) == [[2.5], ["1 times 2"]]
    assert [asked.rows(["array"]), asked.rows(["dict"])] == [[0], [{"a": 0.5, "b": [0, 1]}]]
    for row, kind, message in (
        ("text", "InvalidInput", "the rows cannot be used: could not convert string to float: 'text'"),
        ({}, "InvalidInput", "the rows cannot be used: float"),
        ("bug", "unexpected KeyError", "a bug"),
        (
            "short",
            "unexpected RuntimeError",
            r"'predict' of 'predict\.py' has to return one answer for each of the 1 rows, not 0",
        ),
    ):
        with pytest.raises(Refused, match=message) as caught:
            asked.rows([row])
        assert caught.value.kind == kind
    asked.unload()
    assert (tmp_path / "mark").read_text() == "closed"
    assert "loading" in asked.errors.read_text()


def test_the_least_that_a_class_may_have(asked: Asked, tmp_path: Path) -> None:
    """No rows of several requests together, unless asked for; a file is an artifact, too."""
    folder = write(
        tmp_path / "model", "class Any:\n    def predict(self, rows, scale=1):\n        return [scale for _ in rows]\n"
    )
    shown = asked.load(folder / "predict.py")
    assert [shown["max_batch"], shown["explains"]] == [1, False]
    assert asked.rows([0, 0], scale=5) == [1, 1]
    assert asked.load(folder, batch_size="4")["max_batch"] == 4


@pytest.mark.parametrize(
    ("predict", "message"),
    [
        ("x = 1", "has to define one class with a method 'predict', or one called 'Model'; found: none"),
        ("class A:\n    def predict(self, rows): ...\nclass B(A): ...", "found: 'A', 'B'"),
        ("import no_such_package", "needs the module 'no_such_package', which is not installed here"),
        ("class A:\n    def predict(self, rows): ...\n    def load(self, path, parameters): raise OSError(1)", "OSError: 1"),
        ("class A(:", "cannot be loaded: SyntaxError"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded(asked: Asked, tmp_path: Path, predict: str, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        asked.load(write(tmp_path / "model", predict))
    assert caught.value.kind == "LoadFailed"


def test_several_classes_and_one_called_model(asked: Asked, tmp_path: Path) -> None:
    text = (
        "class A:\n    def predict(self, rows): return ['A']\nclass Model(A):\n    def predict(self, rows): return ['Model']\n"
    )
    asked.load(write(tmp_path / "model", text))
    assert asked.rows([0]) == ["Model"]


def test_no_predict_py(asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"'predict\.py' is missing"):
        asked.load(tmp_path)


DECLARED = "class Any:\n    inputs = {}\n    def predict(self, rows):\n        return rows\n"


def test_what_a_class_says_it_takes(asked: Asked, tmp_path: Path) -> None:
    """OI-08: the metadata of a user's class is the user's to write."""
    shown = asked.load(write(tmp_path / "model", DECLARED.format([("x", "FP64", [-1, 2])])))
    assert shown["inputs"] == [["x", "FP64", [-1, 2]]]


@pytest.mark.parametrize("wrong", [[("x", "FP8", [-1])], ["x"], [("x", "FP64", "a")], 1])
def test_what_no_class_can_take(asked: Asked, tmp_path: Path, wrong: object) -> None:
    with pytest.raises(Refused, match=r"'inputs' of 'predict\.py'"):
        asked.load(write(tmp_path / "model", DECLARED.format(wrong)))
