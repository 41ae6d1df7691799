"""What models of rows share, where the code that computes is the user's: Python's and TorchServe's handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easymaker_serving.model import LoadFailed


def batch_size(parameters: Mapping[str, str], usual: Any) -> int:
    """Return the model's parameter ``batch_size``, or else ``usual``: with 1, rows of several requests never come together."""
    text = str(parameters.get("batch_size", usual))
    if not text.isdecimal() or int(text) < 1:
        raise LoadFailed(f"'batch_size' has to be a whole number from 1, not {text!r}.")
    return int(text)


def check_answers(answers: Any, rows: int, by: str) -> list[Any]:
    """Return one value of JSON per row; tensors and arrays become lists.

    Raises RuntimeError if ``by`` did not answer so: that is its fault, not the request's.
    """
    if hasattr(answers, "tolist"):
        answers = answers.tolist()
    if not isinstance(answers, (list, tuple)):
        raise RuntimeError(  # noqa: TRY004 - a TypeError is what the rows' fault is called
            f"{by} has to return a list, not {type(answers).__name__}."
        )
    if len(answers) != rows:
        raise RuntimeError(f"{by} has to return one answer for each of the {rows} rows, not {len(answers)}.")
    return [_plain(answer) for answer in answers]


def _plain(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: value.tolist() if hasattr(value, "tolist") else value for key, value in answer.items()}
    return answer.tolist() if hasattr(answer, "tolist") else answer
