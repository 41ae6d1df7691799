"""The queue before a model: what is joined, what is not, and whom a bad request harms (OI-10)."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httptools
import numpy as np
import pytest
from easymaker_serving.batching import WARM_CALLS
from easymaker_serving.model import Array, InvalidInput, RowModel, TensorModel, TensorSpec

from tests.serving.toys import Double, Gate, Running, rows, serving, tensor, until

INFER = "/v2/models/toy/infer"


def metric(running: Running, name: str) -> float:
    _, text, _ = running.ask("GET", "/metrics")
    line = next(line for line in text.decode().splitlines() if line.startswith(f'easymaker_serving_{name}{{model="toy"}}'))
    return float(line.rpartition(" ")[2])


class _Answers:
    """Reads the answers of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.found: list[tuple[int, Any]] = []

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        self.found.append((self._parser.get_status_code(), json.loads(self._body)))
        self._body = b""

    def read(self, count: int) -> list[tuple[int, Any]]:
        while len(self.found) < count:
            data = self._connection.recv(1 << 16)
            assert data, "the connection ended"
            self._parser.feed_data(data)
        return self.found


def _post(path: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def _client(port: int, seed: int, count: int) -> int:
    """Ask ``count`` different questions, several at a time, in different ways; return how many answers were right."""
    chance = random.Random(seed)
    right = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(60)
        while count:
            group = []
            for _ in range(min(count, chance.randint(1, 8))):
                given = rows(chance.choice([1, 1, 1, 2, 5, 40, 100]), start=chance.randrange(10**9))
                factor = chance.choice([2, 2, 3])
                parameters = {"factor": factor} if factor != 2 else {}
                if chance.random() < 0.3:
                    body = {"instances": given.tolist(), "parameters": parameters}
                    group.append((_post("/v1/models/toy:predict", body), "v1", given * factor))
                else:
                    datatype = chance.choice(["FP64", "INT64"])
                    body = {
                        "inputs": [tensor("x", given.astype(int) if datatype == "INT64" else given, datatype)],
                        "parameters": parameters,
                    }
                    group.append((_post(INFER, body), "v2", given * factor))
            connection.sendall(b"".join(request for request, _, _ in group))
            for (status, answer), (_, version, expected) in zip(_Answers(connection).read(len(group)), group, strict=True):
                found = answer["predictions"] if version == "v1" else answer["outputs"][0]["data"]
                right += status == 200 and np.array_equal(np.reshape(found, expected.shape), expected)
            count -= len(group)
    return right


def test_thousands_of_concurrent_requests_get_their_own_answers() -> None:
    """OI-10: 4,000 different ones from 32 clients, in versions, types, sizes and parameters that may not be mixed."""
    with serving(Double()) as running, ThreadPoolExecutor(32) as pool:
        right = sum(pool.map(lambda seed: _client(running.port, seed, 125), range(32)))
        assert right == 4000
        assert metric(running, "queue_length") == 0
        assert metric(running, "batch_rows_count") < 4000


def _wait_in(gate: Gate, running: Running, value: float, found: list[Any]) -> threading.Thread:
    """Ask in a thread."""
    body = {"inputs": [tensor("x", np.array([[value]]), "FP64")]}
    thread = threading.Thread(target=lambda: found.append(running.ask("POST", INFER, body)))
    thread.start()
    return thread


def test_what_came_while_the_model_computed_is_one_batch() -> None:
    """OI-10: without a timer."""
    gate = Gate()
    with serving(gate) as running:
        found: list[Any] = []
        threads = [_wait_in(gate, running, 0, found)]
        assert gate.entered.acquire(timeout=30)
        threads += [_wait_in(gate, running, value, found) for value in range(1, 9)]
        until(lambda: metric(running, "queue_length") == 8, "eight wait")
        gate.open.set()
        for thread in threads:
            thread.join()
        assert gate.batches == [1, 8]
        assert sorted(answer["outputs"][0]["data"][0] for _, answer, _ in found) == list(range(9))


def test_a_full_queue_says_so() -> None:
    """OI-20: 503 with Retry-After, while health goes on answering."""
    gate = Gate()
    with serving(gate, max_queue=2) as running:
        found: list[Any] = []
        threads = [_wait_in(gate, running, 0, found)]
        assert gate.entered.acquire(timeout=30)
        threads += [_wait_in(gate, running, value, found) for value in (1, 2)]
        until(lambda: metric(running, "queue_length") == 2, "two wait")
        status, answer, headers = running.ask("POST", INFER, {"inputs": [tensor("x", np.zeros((1, 1)), "FP64")]})
        assert status == 503
        assert "queue" in answer["error"]
        assert headers["Retry-After"] == "1"
        assert running.ask("GET", "/v2/health/ready")[0] == 200
        gate.open.set()
        for thread in threads:
            thread.join()
        assert [status for status, _, _ in found] == [200] * 3


def test_nobody_waits_for_a_client_that_went_away() -> None:
    """OI-10: what it asked for is not computed."""
    gate = Gate()
    with serving(gate) as running:
        found: list[Any] = []
        first = _wait_in(gate, running, 0, found)
        assert gate.entered.acquire(timeout=30)
        gone = socket.create_connection(("127.0.0.1", running.port))
        gone.sendall(_post(INFER, {"inputs": [tensor("x", np.ones((5, 1)), "FP64")]}))
        until(lambda: metric(running, "queue_length") == 1, "it waits")
        gone.close()
        second = _wait_in(gate, running, 2, found)
        until(lambda: b'outcome="gone"' in running.ask("GET", "/metrics")[1], "its end is seen")
        until(lambda: metric(running, "queue_length") == 1, "only the other one is left")
        gate.open.set()
        first.join()
        second.join()
        assert gate.batches == [1, 1]


@pytest.mark.parametrize(("bad", "status"), [(666, 400), (667, 500)])
def test_one_bad_request_harms_nobody(bad: float, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    """OI-10: those joined with it are computed alone. What the model raised is told to the log, not to the client."""
    with serving(Double()) as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        values = [1, 2, bad, 4, 5]
        connection.sendall(b"".join(_post(INFER, {"inputs": [tensor("x", np.full((1, 4), float(v)), "FP64")]}) for v in values))
        found = _Answers(connection).read(5)
        assert [code for code, _ in found] == [200, 200, status, 200, 200]
        assert [answer["outputs"][0]["data"][0] for code, answer in found if code == 200] == [2, 4, 8, 10]
        assert list(found[2][1]) == ["error"]
        assert metric(running, "batch_rows_sum") == 5
        assert metric(running, "failures_total") == (status == 500)
    if status == 500:
        assert "RuntimeError" in found[2][1]["error"]
        assert "secret" not in found[2][1]["error"]
        log = capfd.readouterr().err
        assert "a secret of /home/somebody" in log
        assert found[2][1]["error"].rpartition(" ")[2] in log


class _Leaving(RowModel):
    """Ends the process, or would."""

    def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
        if parameters.get("short"):
            return rows[:-1]
        raise SystemExit(3)


def test_a_model_cannot_end_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    """OI-10: nor give fewer answers than there are rows."""
    with serving(_Leaving()) as running:
        for _ in range(2 * WARM_CALLS):
            assert running.ask("POST", "/v1/models/toy:predict", {"instances": [1]})[0] == 500
        body = {"instances": [1, 2], "parameters": {"short": True}}
        assert running.ask("POST", "/v1/models/toy:predict", body)[0] == 500
        assert running.ask("GET", "/v2/health/live")[0] == 200
    assert "SystemExit" in capfd.readouterr().err


class _Where(TensorModel):
    """Says in which thread it computes; slow if told so."""

    max_batch = 8
    inputs = (TensorSpec("x", "INT64", (-1,)),)

    def __init__(self) -> None:
        self.slow = threading.Event()
        self.never = threading.Event()

    def predict(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        if self.slow.is_set():
            self.never.wait(0.02)
        name = threading.current_thread().name
        return {"thread": np.full(len(inputs["x"]), name, dtype=object)}


def test_quick_models_run_on_the_loop_and_slow_ones_beside_it() -> None:
    """OI-10: measured, in both directions; a request much larger than the measured ones is not risked."""
    model = _Where()
    with serving(model) as running:

        def thread(count: int = 1) -> str:
            body = {"inputs": [tensor("x", np.zeros(count, int), "INT64")]}
            return str(running.ask("POST", INFER, body)[1]["outputs"][0]["data"][0])

        assert thread() == "inference"
        until(lambda: thread() != "inference", "it is quick")
        assert thread(1000) == "inference"
        model.slow.set()
        thread()
        until(lambda: thread() == "inference", "it is slow")
        model.slow.clear()
        until(lambda: thread() != "inference", "it is quick again")


def test_refusals_do_not_make_a_model_quick() -> None:
    """OI-10: nor is a model of rows ever, as what a row takes is in what it says."""

    class Picky(_Where):
        def predict(self, inputs: Any, outputs: Any, parameters: Any) -> Mapping[str, Array]:
            if parameters:
                raise InvalidInput("no parameters")
            return super().predict(inputs, outputs, parameters)

    class Names(RowModel):
        def predict(self, rows: list[Any], parameters: Mapping[str, Any]) -> list[Any]:
            return [threading.current_thread().name] * len(rows)

    body = {"inputs": [tensor("x", np.zeros(1, int), "INT64")]}
    with serving(Picky()) as running:
        for _ in range(4 * WARM_CALLS):
            assert running.ask("POST", INFER, {**body, "parameters": {"a": 1}})[0] == 400
        assert running.ask("POST", INFER, body)[1]["outputs"][0]["data"] == ["inference"]
    with serving(Names()) as running:
        for _ in range(4 * WARM_CALLS):
            assert running.ask("POST", INFER, body)[1]["outputs"][0]["data"] == ["inference"]


def test_rows_that_do_not_come_back_are_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """OI-10: outputs of a joined batch have to have its rows; a lone request's need not."""

    class Sum(TensorModel):
        max_batch = 8

        def predict(
            self, inputs: Mapping[str, Array], outputs: Sequence[str] | None, parameters: Mapping[str, Any]
        ) -> Mapping[str, Array]:
            return {"sum": inputs["x"].sum(keepdims=True)}

    with serving(Sum()) as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        values = [[1, 2], [3, 4]]
        connection.sendall(b"".join(_post(INFER, {"inputs": [tensor("x", np.array(v), "INT64")]}) for v in values))
        # Joined they make no sense; so each is computed alone, and is right.
        assert [answer["outputs"][0]["data"] for _, answer in _Answers(connection).read(2)] == [[3], [7]]
