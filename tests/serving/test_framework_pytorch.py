"""PyTorch's models in the image that serves them (FS-04…FS-12, FS-L01, FS-L02).

Real: torch, torchserve's package, archives that torch-model-archiver makes, and handlers written for TorchServe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import ModelFormat
from tests.serving.asked import Asked, Refused, archiver, column, matrix, run
from tests.serving.environments import interpreter

# One process makes the models for all of them.
pytestmark = [pytest.mark.environment, pytest.mark.xdist_group("framework-pytorch")]

IMAGE = "pytorch-serving-2.13.0-cpu"
MakeAsked = Callable[[], Asked]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pytorch")


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, Any]:
    return json.loads(run(interpreter(IMAGE), "make_pytorch.py", folder, modules=archiver()))


@pytest.fixture(scope="module")
def programs(folder: Path, made: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A process for programs, which can be loaded one after the other."""
    process = Asked(interpreter(IMAGE), "pytorch", tmp_path_factory.mktemp("asked") / "errors")
    yield process
    process.close()


@pytest.fixture
def asked(made: dict[str, Any], tmp_path: Path) -> Iterator[Asked]:
    """A process for a handler: each has modules called ``handler`` or ``model``, so that one process serves one model."""
    process = Asked(interpreter(IMAGE), "pytorch", tmp_path / "errors")
    yield process
    process.close()


def flat(rows: list[list[float]]) -> Any:
    return pytest.approx([value for row in rows for value in row], rel=1e-5)


@pytest.mark.parametrize("name", ["export", "auto"])
def test_an_exported_program(programs: Asked, folder: Path, made: dict[str, Any], name: str) -> None:
    """One row, too: torch writes down that what varies is at least 2, and does not insist."""
    assert programs.load(folder / name) == {
        "platform": "pytorch_export",
        "inputs": [["numbers", "FP32", [-1, 2]]],
        "outputs": [["output", "FP32", [-1, 3]]],
        "max_batch": 64,
        "explains": False,
    }
    for rows, scores in ((made["rows"], made["scores"]), (made["rows"][:1], made["scores"][:1])):
        assert programs.predict({"numbers": matrix(rows, "FP32")})["output"]["data"] == flat(scores)


def test_a_program_with_several_inputs_and_outputs(programs: Asked, folder: Path, made: dict[str, Any]) -> None:
    shown = programs.load(folder / "several" / "model.pt2")
    assert shown["inputs"] == [["numbers", "FP32", [-1, 2]], ["index", "INT64", [-1]]]
    assert shown["outputs"] == [["scores", "FP32", [-1, 3]], ["best", "INT64", [-1]], ["looked_up", "FP32", [-1]]]
    inputs = {"index": column([0, 5, 9], "INT64"), "numbers": matrix(made["rows"], "FP32")}
    found = programs.predict(inputs)
    assert found["scores"]["data"] == flat(made["several"])
    assert found["looked_up"] == column([0.0, 5.0, 9.0], "FP32")
    assert list(programs.predict(inputs, ["best"])) == ["best"]
    with pytest.raises(Refused, match="input 'index': dimension 0 is 1, for 'numbers' it is 3"):
        programs.predict({**inputs, "index": column([1], "INT64")})
    with pytest.raises(Refused, match="input 'numbers', 'index': index 10 is out of bounds") as caught:
        programs.predict({**inputs, "index": column([0, 1, 10], "INT64")})
    assert caught.value.kind == "InvalidInput"


def test_fixed_and_limited_batches_and_short_floats(programs: Asked, folder: Path) -> None:
    shown = programs.load(folder / "fixed")
    assert [shown["inputs"][0][2], shown["max_batch"]] == [[1, 2], 1]
    with pytest.raises(Refused, match=r"input 'numbers': the shape \[2, 2\] does not fit \[1, 2\]"):
        programs.predict({"numbers": matrix([[1.0, 2.0]] * 2, "FP32")})
    shown = programs.load(folder / "limited")
    assert shown["max_batch"] == 1  # a single row would not be enough
    with pytest.raises(Refused, match="input 'numbers': dimension 0 is 6, it has to be from 3 to 5"):
        programs.predict({"numbers": matrix([[1.0, 2.0]] * 6, "FP32")})
    assert programs.load(folder / "few")["max_batch"] == 5
    assert programs.load(folder / "half")["inputs"] == [["numbers", "BF16", [-1, 2]]]
    found = programs.predict({"numbers": matrix([[1.0, 2.0]], "BF16")})["output"]
    assert [found["datatype"], found["shape"]] == ["BF16", [1, 3]]
    shown = programs.load(folder / "constant")
    assert [shown["outputs"], shown["max_batch"]] == [[["output", "FP32", [6]]], 1]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"numbers": matrix([[1.0]], "FP32")}, r"input 'numbers': the shape \[1, 1\] does not fit \[-1, 2\]"),
        ({"numbers": matrix([[1.0, 2.0]])}, "input 'numbers': the datatype is FP64, the model takes FP32"),
        ({"numbers": matrix([["a", "b"]], "BYTES")}, "input 'numbers': the datatype is BYTES, the model takes FP32"),
        ({"x": matrix([[1.0, 2.0]], "FP32")}, "input 'x' is unknown; the model has 'numbers'"),
        ({}, "input 'numbers' is missing"),
    ],
)
def test_what_a_program_cannot_use(programs: Asked, folder: Path, inputs: dict[str, Any], message: str) -> None:
    programs.load(folder / "export")
    with pytest.raises(Refused, match=message) as caught:
        programs.predict(inputs)
    assert caught.value.kind == "InvalidInput"


@pytest.mark.parametrize("name", ["scripted", "traced"])
def test_torchscript(programs: Asked, folder: Path, made: dict[str, Any], name: str) -> None:
    shown = programs.load(folder / name)
    assert shown["platform"] == "pytorch_torchscript"
    assert [shown["inputs"], shown["max_batch"]] == [[["numbers", "FP32", None]], 1]
    assert programs.load(folder / name, batch_size="32")["max_batch"] == 32
    assert programs.predict({"numbers": matrix(made["rows"], "FP32")})["output"]["data"] == flat(made["scores"])
    for inputs, message in (
        ({"numbers": matrix([[1.0]], "FP32")}, "input 'numbers': .*shapes cannot be multiplied"),
        ({"numbers": matrix([[1.0, 2.0]])}, "input 'numbers': the datatype is FP64, the model takes FP32"),
        ({"x": column([1.0], "FP32")}, "input 'x' is unknown"),
    ):
        with pytest.raises(Refused, match=message) as caught:
            programs.predict(inputs)
        assert caught.value.kind == "InvalidInput"


def test_torchscript_of_other_kinds(programs: Asked, folder: Path) -> None:
    shown = programs.load(folder / "pair")
    assert [[spec[0] for spec in shown[kind]] for kind in ("inputs", "outputs")] == [["a", "b"], ["output_0", "output_1"]]
    found = programs.predict({"a": column([3.0], "FP32"), "b": column([1.0], "FP32")})
    assert found == {"output_0": column([4.0], "FP32"), "output_1": column([2.0], "FP32")}
    assert programs.load(folder / "words")["inputs"] == [["words", "INT64", None]]
    with pytest.raises(Refused, match="takes something other than tensors"):
        programs.load(folder / "text")


@pytest.mark.parametrize("name", ["mar", "tgz", "unpacked/net", "loose", "mar/net.mar"])
def test_a_handler_written_for_torchserve(asked: Asked, folder: Path, made: dict[str, Any], tmp_path: Path, name: str) -> None:
    """FS-04…FS-08, FS-10, FS-12, FS-L02: what the examination accepts is served, in all forms of one model alike."""
    if name != "unpacked/net":
        assert not examine(folder / name, ModelFormat.PYTORCH, name="net").problems
    before = {path: path.stat().st_mtime_ns for path in (folder / name).rglob("*")}
    shown = asked.load(folder / name, "net")
    assert shown == {"platform": "pytorch_torchserve", "inputs": [], "outputs": [], "max_batch": 1, "explains": False}
    rows = [{"a": a, "b": b} for a, b in made["rows"]]
    best = ["abc"[max(range(3), key=scores.__getitem__)] for scores in made["scores"]]
    assert asked.rows(rows) == [{"species": species, "note": "beside it"} for species in best]
    assert asked.rows(rows[:1]) == [{"species": best[0], "note": "beside it"}]
    assert {path: path.stat().st_mtime_ns for path in (folder / name).rglob("*")} == before  # read-only, it could have been
    asked.unload()


def test_what_a_handler_cannot_use(asked: Asked, folder: Path) -> None:
    asked.load(folder / "mar", "net")
    for rows, message in (
        (["text"], "cannot use the rows: string indices must be integers"),
        ([{"a": "x", "b": 1.0}], "cannot use the rows"),
        ([[1.0]], "cannot use the rows: list indices must be integers"),
    ):
        with pytest.raises(Refused, match=message) as caught:
            asked.rows(rows)
        assert caught.value.kind == "InvalidInput"
    with pytest.raises(Refused) as caught:  # whose fault that is, nobody can tell
        asked.rows([{"a": 1.0}])
    assert caught.value.kind == "unexpected KeyError"
    assert len(asked.rows([{"a": 1.0, "b": 2.0}])) == 1


def test_torchserves_base_handler(asked: Asked, folder: Path, made: dict[str, Any]) -> None:
    asked.load(folder / "base", "net")
    assert asked.rows(made["rows"]) == [pytest.approx(scores, rel=1e-5) for scores in made["scores"]]
    for rows, message in (
        ([[1.0]], "shapes cannot be multiplied"),
        ([[1.0, 2.0], [1.0]], "expected sequence of length 2"),
        (["a"], "too many dimensions"),
        ([{"a": 1}], "Could not infer dtype"),
    ):
        with pytest.raises(Refused, match=message) as caught:
            asked.rows(rows)
        assert caught.value.kind == "InvalidInput"


@pytest.mark.parametrize("name", ["whole", "configured"])
def test_what_a_handler_finds_in_its_context(asked: Asked, folder: Path, name: str) -> None:
    """``batchSize`` of model-config.yaml is how TorchServe's users allow rows of several requests together."""
    assert asked.load(folder / name, "net")["max_batch"] == 8
    assert asked.rows([1, "two"])[1] == {
        "row": "two", "rows": 2, "name": "net", "model_name": "net", "batch_size": 8, "server": "MMS", "gpu": None,
        "properties": ["batch_size", "gpu_id", "limit_max_image_pixels", "model_dir", "server_name", "server_version"],
        "config": {"batchSize": 8, "handler": {"threshold": 0.5}}, "type": "application/json",
    }  # fmt: skip
    with pytest.raises(Refused, match="Not this one") as caught:
        asked.rows([1, "forbidden"])
    assert caught.value.kind == "InvalidInput"
    with pytest.raises(Refused, match="The handler answered with status 507: Out of resources") as caught:
        asked.rows(["broken"])
    assert caught.value.kind == "unexpected RuntimeError"


def test_the_parameter_overrules_the_configuration(asked: Asked, folder: Path) -> None:
    assert asked.load(folder / "whole", "net", batch_size="3")["max_batch"] == 3
    assert asked.rows([1])[0]["batch_size"] == 3


def test_a_batch_size_that_is_none(asked: Asked, folder: Path) -> None:
    with pytest.raises(Refused, match="'batch_size' has to be a whole number from 1, not '0'"):
        asked.load(folder / "whole", "net", batch_size="0")


def test_functions_for_handlers(asked: Asked, folder: Path) -> None:
    asked.load(folder / "functions", "net")
    assert asked.rows(["a", 2]) == ["1 a", "1 2"]


def test_a_named_function_and_all_that_can_go_wrong(asked: Asked, folder: Path) -> None:
    asked.load(folder / "named", "net")
    assert asked.rows(["a", "b"]) == ["A", "B"]
    for row, kind, message in (
        ("refuse", "InvalidInput", "These rows are refused"),
        ("unknown value", "InvalidInput", "no such value"),
        ("fail", "unexpected PredictionException", "No. : 503"),
        ("bug", "unexpected RuntimeError", "a bug"),
        ("no list", "unexpected RuntimeError", "The handler has to return a list, not dict"),
        ("short", "unexpected RuntimeError", "one answer for each of the 1 rows, not 0"),
    ):
        with pytest.raises(Refused, match=message) as caught:
            asked.rows([row])
        assert caught.value.kind == kind


def test_a_handler_that_explains(asked: Asked, folder: Path, made: dict[str, Any]) -> None:
    """OI-04, OI-15: the gradient of the first score is its row of weights."""
    assert asked.load(folder / "explaining", "net")["explains"]
    answers, explanations = asked.explain(made["rows"])
    assert answers == [pytest.approx(scores, rel=1e-5) for scores in made["scores"]]
    assert explanations == [pytest.approx(made["weight"][0])] * 3
    assert asked.rows(made["rows"]) == answers


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("images", "The handler 'image_classifier' needs the module 'torchvision', which is not installed here"),
        ("lacking", r"The handler 'lacking\.py' needs the module 'no_such_package'"),
        ("raising", r"The handler 'handler\.py' cannot be initialised: OSError: no disk"),
        ("bare", r"'weights\.pt' is no program, and beside it 'model\.py' and 'handler\.py' is missing"),
        ("", "One archive .* is needed; found: 'weights.pt'"),
    ],
)
def test_what_cannot_be_loaded(programs: Asked, folder: Path, tmp_path: Path, name: str, message: str) -> None:
    path = folder / name
    if not name:
        path = tmp_path / "two"
        path.mkdir()
        for file in ("weights.pt", "weights2.pt"):
            (path / file).write_bytes((folder / "weights.pt").read_bytes())
        message = r"One archive .* is needed; found: 'weights\.pt', 'weights2\.pt'"
    with pytest.raises(Refused, match=message) as caught:
        programs.load(path, "net")
    assert caught.value.kind == "LoadFailed"
