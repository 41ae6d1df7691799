"""Toy models of numpy, and a server for them in a thread of the test's process.

Real here: sockets, HTTP, gRPC, the queue and its thread. Only the models are small.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from easymaker_serving.connection import Limits
from easymaker_serving.model import (
    Array,
    InvalidInput,
    LoadSettings,
    Model,
    OpenAI,
    Request,
    Response,
    RowModel,
    Stream,
    TensorModel,
    TensorSpec,
)
from easymaker_serving.server import Load, Server, Settings


class Double(TensorModel):
    """Twice its input: rows of four FP64."""

    platform = "toy"
    inputs = (TensorSpec("x", "FP64", (-1, 4)),)
    outputs = (TensorSpec("y", "FP64", (-1, 4)),)
    max_batch = 64

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        if (inputs["x"] == 666).any():
            raise InvalidInput("input 'x': 666 is not served")
        if (inputs["x"] == 667).any():
            raise RuntimeError("a secret of /home/somebody")
        return {"y": inputs["x"] * float(parameters.get("factor", 2))}


class Mirror(TensorModel):
    """Returns whatever it is given, as it is."""

    platform = "toy"
    max_batch = 1

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        return {name: inputs[name] for name in outputs} if outputs else dict(inputs)


class Pair(TensorModel):
    """Sum and name of two inputs; the name is said only when asked for."""

    platform = "toy"
    inputs = (TensorSpec("a", "INT32", (-1,)), TensorSpec("b", "BYTES", (-1,)))
    outputs = (TensorSpec("next", "INT32", (-1,)), TensorSpec("name", "BYTES", (-1,)))
    max_batch = 64

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        found = {"next": inputs["a"] + 1, "name": inputs["b"]}
        return {name: found[name] for name in outputs or found}


class Words(RowModel):
    """Says of each row what it is."""

    platform = "toy"
    max_batch = 64
    explains = True

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        return [{"text": str(row), "length": len(str(row))} for row in rows]

    def explain(self, instances: list[Any]) -> tuple[list[Any], list[Any]]:
        return [len(str(each)) for each in instances], [f"the length of {each}" for each in instances]


class Gate(TensorModel):
    """Computes only after ``open`` is set; ``entered`` says that a call waits there."""

    platform = "toy"
    inputs = (TensorSpec("x", "FP64", (-1, 1)),)
    max_batch = 64

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.batches: list[int] = []

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        self.batches.append(len(inputs["x"]))
        self.entered.release()
        assert self.open.wait(60)
        return {"y": inputs["x"]}


class Talker(RowModel):
    """Has OpenAI's routes: says its prompt back, word by word if asked to stream."""

    platform = "toy"

    def __init__(self) -> None:
        self.is_closed = threading.Event()
        self.endless = False

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        return rows

    @property
    def openai(self) -> OpenAI:
        return OpenAI(completions=self._complete, chat_completions=None, tokens=lambda: {"generated": 7})

    async def _complete(self, request: Request) -> Response | Stream:
        body = json.loads(request.body)
        if "prompt" not in body:
            raise InvalidInput("'prompt' is missing")
        if body.get("stream"):
            return Stream(self._chunks(body["prompt"], fail=body.get("fail", False)))
        return Response(200, json.dumps({"text": body["prompt"]}).encode())

    async def _chunks(self, prompt: str, *, fail: bool) -> Any:
        try:
            for word in prompt.split():
                yield f"data: {word}\n\n".encode()
            if fail:
                raise RuntimeError("cannot go on")
            while self.endless:
                yield b"data: " + b"x" * 4096 + b"\n\n"
                await asyncio.sleep(0)
            yield b"data: [DONE]\n\n"
        finally:
            self.is_closed.set()


class Running:
    """A server in a thread, and a client for it."""

    def __init__(self, settings: Settings, load: Load) -> None:
        self._settings = settings
        self._load = load
        self.server: Server | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._listening = threading.Event()
        self.loaded = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), daemon=True)

    @property
    def port(self) -> int:
        assert self.server is not None
        return self.server.port

    @property
    def grpc_address(self) -> str:
        assert self.server is not None
        return f"127.0.0.1:{self.server.grpc_port}"

    def start(self) -> None:
        self._thread.start()
        assert self._listening.wait(30)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.server = Server(self._settings, self._load)
        await self.server.listen()
        self._listening.set()
        await self.server.load()
        self.loaded.set()
        await self._stop.wait()
        await self.server.drain()

    def drain(self) -> None:
        """Begin the end, if it has not come yet."""
        assert self.loop is not None
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(60)
        assert not self._thread.is_alive()

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Return status, body (decoded if it is JSON) and headers; ``body`` may be bytes or a value for JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, content, dict(headers or {}))
            answer = connection.getresponse()
            data: Any = answer.read()
            if answer.headers.get("Content-Type") == "application/json" and data:
                data = json.loads(data)
            return answer.status, data, answer.headers
        finally:
            connection.close()


@contextmanager
def serving(
    model: Model | Load, *, limits: Limits | None = None, grpc: bool = False, max_queue: int = 512, wait: bool = True
) -> Iterator[Running]:
    """Serve a model named ``toy`` until the end of the block."""
    load: Load = (lambda _: model) if isinstance(model, Model) else model
    settings = Settings(
        LoadSettings(Path("/nowhere"), "toy"),
        port=0,
        grpc_port=0 if grpc else None,
        max_queue=max_queue,
        limits=limits or Limits(),
    )
    running = Running(settings, load)
    running.start()
    try:
        if wait:
            assert running.loaded.wait(30)
        yield running
    finally:
        running.drain()
        running.join()


def tensor(name: str, array: Array, datatype: str) -> dict[str, Any]:
    """Return an input of version 2 in JSON."""
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": array.ravel().tolist()}


def rows(count: int, start: float = 0) -> Array:
    """Return different rows for Double."""
    return np.arange(count * 4, dtype=np.float64).reshape(count, 4) + start


def until(condition: Any, what: str, seconds: float = 30) -> None:
    """Wait for what has no event."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)
