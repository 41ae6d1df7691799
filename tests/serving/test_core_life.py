"""A server's life as its owner sees it: lines, signals, exit codes (OI-06, OI-07, MD-11)."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from easymaker_serving.parameters import into_environment, parse, screaming_snake

from tests.serving.toys import until

HERE = Path(__file__).parent
SERVE = HERE.parents[1] / "runtimes" / "serving" / "serve.py"


class Process:
    """A toy server of its own."""

    def __init__(self, what: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, HERE / "toy_server.py", what, "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline().strip()
        self.port = int(self.first.rpartition(":")[2])

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path: str) -> tuple[int, Any, http.client.HTTPMessage]:
        connection = self.open()
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read()), answer.headers
        connection.close()
        return found

    def end(self) -> tuple[int, str]:
        """Return exit code and stderr of one that ends by itself or has been told to."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@contextmanager
def started(what: str) -> Iterator[Process]:
    process = Process(what)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.communicate()


def test_it_says_when_it_listens_and_when_it_is_ready() -> None:
    """OI-06, OI-07: and ends with 0 when told to."""
    with started("double") as server:
        assert server.first == f"Listening on http://127.0.0.1:{server.port}"
        assert server.line() == "Model toy is ready"
        assert server.get("/v2/health/ready")[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == (0, "")


def test_while_it_loads() -> None:
    """OI-06, OI-07, OI-20: alive, not ready, 503 for what needs the model; ends at once when told to."""
    with started("never") as server:
        assert server.get("/v2/health/live")[:2] == (200, {"live": True})
        assert server.get("/v2")[0] == 200
        for path in ("/v2/health/ready", "/v2/models/toy", "/v2/models/toy/ready", "/v1/models/toy"):
            status, answer, headers = server.get(path)
            assert (status, headers["Retry-After"]) == (503, "1")
            assert "loaded" in answer["error"]
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == (0, "")


@pytest.mark.parametrize(
    ("what", "last", "lines"),
    [
        ("fails", "The model cannot be loaded: there is no iris.joblib", 1),
        ("breaks", "The model cannot be loaded: KeyError while loading /nowhere", None),
        ("leaves", "The model cannot be loaded: RuntimeError while loading /nowhere", None),
    ],
)
def test_a_model_that_cannot_be_loaded(what: str, last: str, lines: int | None) -> None:
    """MD-10: one sentence if the module knows what is wrong; the traceback before it if not; 1 either way."""
    with started(what) as server:
        code, errors = server.end()
        assert code == 1
        assert errors.splitlines()[-1] == last
        assert ("Traceback" in errors) == (lines is None)


def test_a_port_that_is_taken() -> None:
    """MD-10: said in a line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, HERE / "toy_server.py", "double", str(port)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert done.stderr.splitlines() == [f"Cannot listen on 127.0.0.1, port {port}: Address already in use"]


def test_draining() -> None:
    """OI-07: no new connections, not ready, what has begun is answered, idle connections are closed, 0."""
    with started("gate") as server:
        assert server.line() == "Model toy is ready"
        busy, half, idle = server.open(), socket.create_connection(("127.0.0.1", server.port)), server.open()
        body = json.dumps({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [7]}]})
        idle.request("GET", "/v2/health/live")
        idle.getresponse().read()
        half.sendall(b"GET /v2/health/ready HT")
        busy.request("POST", "/v2/models/toy/infer", body)
        until(lambda: "computed" if _batches(server) else "", "it computes")
        server.process.send_signal(signal.SIGTERM)
        assert idle.sock.recv(1) == b""
        _until_closed(server)
        half.sendall(b"TP/1.1\r\n\r\n")
        answer = b""
        while data := half.recv(1 << 16):
            answer += data
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Connection: close" in answer
        assert server.process.poll() is None
        assert server.process.stdin is not None
        server.process.stdin.write("open\n")
        server.process.stdin.flush()
        found = busy.getresponse()
        assert (found.status, found.headers["Connection"]) == (200, "close")
        assert json.loads(found.read())["outputs"][0]["data"] == [7]
        assert server.end() == (0, "")
        for each in (busy, half, idle):
            each.close()


def test_draining_after_a_stream_whose_head_said_keep_alive() -> None:
    """OI-07: the connection ends after it nevertheless, whatever the client does."""
    with started("talker") as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        assert server.line() == "Model toy is ready"
        connection.settimeout(30)
        body = b'{"prompt": "a", "stream": true}'
        connection.sendall(b"POST /openai/v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert b"200 OK" in connection.recv(1 << 16)
        server.process.send_signal(signal.SIGTERM)
        _until_closed(server)
        assert server.process.stdin is not None
        server.process.stdin.write("stop\n")
        server.process.stdin.flush()
        last = b""
        while data := connection.recv(1 << 16):
            last = last[-100:] + data
        assert last.endswith(b"0\r\n\r\n")
        assert server.end() == (0, "")


def test_draining_waits_for_a_request_that_has_begun_behind_another() -> None:
    """OI-07: even if all of it that is there came in one packet with the one before."""
    with started("double") as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        assert server.line() == "Model toy is ready"
        connection.settimeout(30)
        body = json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1] * 4}]}).encode()
        request = b"POST /v2/models/toy/infer HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        connection.sendall(request + request[:-5])
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        server.process.send_signal(signal.SIGTERM)
        _until_closed(server)
        connection.sendall(request[-5:])
        answer = connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"Connection: close" in answer
        assert server.end() == (0, "")


def _until_closed(server: Process) -> None:
    """Wait until the server takes no more connections."""

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", server.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    until(refused, "it takes no more connections")


def _batches(server: Process) -> bool:
    connection = server.open()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return 'easymaker_serving_queue_seconds_count{model="toy"} 1' in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--framework"),
        (["--framework", "cobol", "--name", "a", "--model", "/"], "cobol"),
        (["--framework", "sklearn", "--name", "a", "--model", "/", "--parameter", "novalue"], "'novalue' is not NAME=VALUE"),
    ],
)
def test_the_command_line(arguments: list[str], words: str) -> None:
    """MD-11: what is wrong with it is said."""
    done = subprocess.run([sys.executable, "-I", SERVE, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert words in done.stderr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("modelId", "MODEL_ID"), ("model-id", "MODEL_ID"), ("model id", "MODEL_ID"), ("model_id", "MODEL_ID"),
        ("hf_token", "HF_TOKEN"), ("HTTPServer", "HTTP_SERVER"), ("topK", "TOP_K"), ("a.b", "A_B"), ("v2Name", "V2_NAME"),
    ],
)  # fmt: skip
def test_parameters_as_variables(name: str, variable: str) -> None:
    """MD-11."""
    assert screaming_snake(name) == variable


def test_parameters_do_not_take_over_the_process() -> None:
    """MD-11: what processes live by stays; the rest is the user's."""
    environment = {"PATH": "/bin", "HOME": "/root"}
    given = parse(["path=/evil", "home=x", "ldPreload=x", "python-path=x", "batch size=3", "equals=a=b", "empty="])
    into_environment(given, environment)
    assert environment == {"PATH": "/bin", "HOME": "/root", "BATCH_SIZE": "3", "EQUALS": "a=b", "EMPTY": ""}
