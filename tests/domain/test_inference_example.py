"""Requests for people to copy (OI-L01)."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from easymaker_local.domain.inference_example import curl, example_instances, example_tensors


def metadata(*inputs: tuple[str, str, list[int]]) -> dict[str, Any]:
    return {"inputs": [{"name": name, "datatype": datatype, "shape": shape} for name, datatype, shape in inputs]}


@pytest.mark.parametrize(
    ("found", "tensors", "instances"),
    [
        (metadata(("x", "FP32", [-1, 3])), [([1, 3], [0.5, 0.5, 0.5])], [[0.5, 0.5, 0.5]]),
        (metadata(("text", "BYTES", [-1])), [([1], ["text"])], ["text"]),
        (metadata(("a", "INT64", [-1, -1]), ("b", "BOOL", [-1])), [([1, 1], [1]), ([1], [True])], [{"a": [1], "b": True}]),
        (metadata(("x", "FP32", [0, 3])), [([0, 3], [])], None),
        (metadata(("x", "FP32", [2, 0, 3])), [([2, 0, 3], [])], [[]]),
        (metadata(("x", "BF16", [2, 2, 1])), [([2, 2, 1], [0.5] * 4)], [[[0.5], [0.5]]]),
    ],
)
def test_one_row_of_what_the_model_takes(
    found: Any, tensors: list[tuple[list[int], list[Any]]], instances: list[Any] | None
) -> None:
    given = example_tensors(found)
    assert given is not None
    assert [(tensor["shape"], tensor["data"]) for tensor in given] == tensors
    assert example_instances(found) == instances


def test_an_image_is_no_example() -> None:
    assert example_tensors(metadata(("image", "FP32", [-1, 3, 224, 224]))) is None
    assert example_instances(metadata(("image", "FP32", [-1, 3, 10**9, 10**9]))) is None


def test_a_shell_reads_the_body_as_it_is() -> None:
    body = {"instances": ["it's"]}
    assert json.loads(shlex.split(curl("http://127.0.0.1:1/v1", body))[-1]) == body
