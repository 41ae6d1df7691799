"""What a framework's module gives to the server: a loaded model (FS, OI).

A module in ``frameworks`` has one function ``load(settings: LoadSettings) -> Model``. It blocks in a thread of its own while
the server says that it is not ready. All computing is called from one thread at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
"""Any tensor. BYTES is an object array of ``bytes``; BF16 is ``ml_dtypes.bfloat16``."""


class InvalidInput(Exception):
    """The request cannot be served as it is: answered with 400. The message is for a person and names the tensor."""


class Unsupported(Exception):
    """This model does not do what was asked: answered with 501 (OI-18)."""


class LoadFailed(Exception):
    """The model cannot be loaded; the message is one sentence for a person, the server ends with it."""


@dataclass(frozen=True)
class LoadSettings:
    """What a model is loaded with.

    ``path`` is the artifact, a directory or a file. ``parameters`` are the user's, by the name as entered (MD-11); the server
    has also put them into the environment in SCREAMING_SNAKE_CASE. ``threads`` is how many the framework may use at a time.
    """

    path: Path
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: ``datatype`` of the protocol (FP32, BYTES, …), -1 for what varies; shape None: any, shown as [-1]."""

    name: str
    datatype: str
    shape: tuple[int, ...] | None


class Model:
    """What all kinds have in common."""

    platform: str = ""
    """Framework and kind, as in "sklearn" or "tensorflow_savedmodel"."""
    inputs: Sequence[TensorSpec] = ()
    outputs: Sequence[TensorSpec] = ()
    max_batch: int = 64
    """How many rows of several requests one call may get; 1: rows of different requests must not be mixed.

    One request is never split: it comes whole, however many rows it has.
    """
    explains: ClassVar[bool] = False
    """Whether ``explain`` is there."""

    def explain(self, instances: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return predictions and explanations of version 1 instances, as values for JSON (OI-15)."""
        raise Unsupported("This model has no explainer.")

    @property
    def openai(self) -> OpenAI | None:
        """The generative routes, for models that generate (OI-11, OI-12)."""
        return None

    def close(self) -> None:
        """Free what the model holds; by default nothing."""


class TensorModel(Model, ABC):
    """Computes tensors from tensors, rows along the first axis."""

    def signature_for(
        self, names: Collection[str], parameters: Mapping[str, Any]
    ) -> tuple[Sequence[TensorSpec], Sequence[TensorSpec]]:
        """Return inputs and outputs of a request with other names or parameters than usual, for models that take several.

        ``names`` are those of its inputs, none if it does not name them. Raises InvalidInput.
        """
        return self.inputs, self.outputs

    @abstractmethod
    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Return the outputs that were asked for by name, None: those that are usual.

        ``inputs`` are as ``inputs`` or ``signature_for`` say, which the server has seen to, and the outputs are among theirs.
        They may hold the rows of several requests with the same ``outputs`` and ``parameters``, same types and same
        trailing dimensions; every output of a model with ``max_batch`` above 1 then has as many rows. Arrays may be read-only.
        What is returned is read until it is sent, so it must not be written into by later calls. Raises InvalidInput.
        """


class RowModel(Model, ABC):
    """Computes one answer from each row: values of JSON, as in version 1's instances (FS-12).

    Version 2 is translated: a request with one tensor gives its rows, one with several gives a dict of a row per name.
    BYTES become ``str`` where they are UTF-8, else ``bytes``; numbers become numbers and nested lists. Answers become tensors:
    numbers and regular lists of them as such, strings as BYTES, dicts of those as one tensor per key, others as JSON in BYTES.
    """

    @abstractmethod
    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        """Return one answer per row, in their order. The rows may come from several requests. Raises InvalidInput."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, whole. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, whole."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer with status 200 in pieces, each sent at once. ``chunks`` is closed when the client goes away."""

    chunks: AsyncIterator[bytes]
    content_type: str = "text/event-stream"


Handler = Callable[[Request], Awaitable[Response | Stream]]


@dataclass(frozen=True)
class OpenAI:
    """Handlers of the OpenAI routes, called on the event loop; None: this model does not do it, which is answered with 501.

    They may raise InvalidInput and Unsupported. ``tokens`` counts what was read and generated, for the metrics.
    """

    completions: Handler | None
    chat_completions: Handler | None
    tokens: Callable[[], Mapping[str, int]] = dict
