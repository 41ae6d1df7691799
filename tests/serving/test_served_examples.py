"""What the examples' trainings leave in their output directories is served with no extra step."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.node import Node
from tests.serving.asked import Asked, matrix
from tests.serving.environments import image_of, interpreter

pytestmark = pytest.mark.environment

EXAMPLES = Path(__file__).parents[2] / "examples"
SPECIES = ["setosa", "versicolor", "virginica"]


def train(place: Path, example: str, image: str, *arguments: str) -> Path:
    variables = {**image_of(image).env, "EM_DATASET_TRAIN": str(EXAMPLES / "iris")}
    node = Node(place, interpreter(image), variables)
    shutil.copytree(EXAMPLES / example, node.source, dirs_exist_ok=True)
    done = node.run("--", "train.py", *arguments, timeout=300)
    assert done.returncode == 0, done.stderr
    return node.root / "model"


def iris() -> tuple[list[list[float]], list[str]]:
    with (EXAMPLES / "iris/iris.csv").open() as stream:
        rows = list(csv.reader(stream))[1:]
    return [[float(value) for value in row[:4]] for row in rows], [row[4] for row in rows]


def share_of_right(found: list[Any], species: list[str]) -> float:
    return sum(map(str.__eq__, found, species)) / len(species)


def test_iris_with_pytorch(tmp_path: Path) -> None:
    """FS-05…FS-08, FS-12."""
    model = train(tmp_path / "node", "iris-pytorch", "pytorch-train-2.13.0-cpu", "--epochs", "20")
    assert not examine(model, ModelFormat.PYTORCH, name="iris").problems
    asked = Asked(interpreter("pytorch-serving-2.13.0-cpu"), "pytorch", tmp_path / "errors")
    asked.load(model)
    rows, species = iris()
    found = asked.rows(rows)
    assert share_of_right([answer["species"] for answer in found], species) > 0.9
    assert all(1 / 3 <= answer["probability"] <= 1 for answer in found)
    asked.close()


def test_iris_with_tensorflow(tmp_path: Path) -> None:
    """FS-01, FS-02."""
    model = train(tmp_path / "node", "iris-tensorflow", "tensorflow-train-2.21.0-cpu", "--epochs", "10")
    assert not examine(model, ModelFormat.TENSORFLOW, name="iris").problems
    asked = Asked(interpreter("tensorflow-serving-2.21.0-cpu"), "tensorflow", tmp_path / "errors")
    shown = asked.load(model)
    rows, species = iris()
    scores = asked.predict({shown["inputs"][0][0]: matrix(rows, "FP32")})[shown["outputs"][0][0]]["data"]
    best = [max(range(3), key=scores[start : start + 3].__getitem__) for start in range(0, len(scores), 3)]
    assert share_of_right([SPECIES[index] for index in best], species) > 0.7
    asked.close()
