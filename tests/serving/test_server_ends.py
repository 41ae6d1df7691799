"""How a model server ends, or does not: killed, out of memory, told to stop, a model that fails, missing packages."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from easymaker_local.controllers.model_server import ServedModel
from easymaker_local.domain.model import ModelFormat
from easymaker_local.testing.appliance import until
from tests.serving.served import Servers

pytestmark = [pytest.mark.environment, pytest.mark.xdist_group("server-ends")]

MODEL = """
import os
import time

class Model:
    def predict(self, rows, parameters=None):
        return [self.answer(row) for row in rows]

    def answer(self, row):
        if row == "fail":
            raise RuntimeError("a secret place: /root/.ssh")
        if row == "kill":
            os.kill(os.getpid(), 9)
        if row == "eat":
            return len([bytearray(b"x" * (64 << 20)) for _ in range(64)])
        if row == "wait":
            print("waiting", flush=True)
            time.sleep(1)
        return os.environ.get(row, row)
"""

KNOWS = """
import os

class Model:
    def load(self, path, parameters):
        self.known = {**os.environ, **parameters}

    def predict(self, rows):
        return [self.known[row] for row in rows]
"""

Made = Callable[..., ServedModel]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A model of the code above, or another."""

    def make(code: str = MODEL, requirements: str | None = None, **parameters: str) -> ServedModel:
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "predict.py").write_text(code)
        wanted = None
        if requirements is not None:
            wanted = folder / "requirements.txt"
            wanted.write_text(requirements)
        return ServedModel("m", ModelFormat.PYTHON, folder, parameters, wanted)

    return make


def predict(http: httpx.Client, *rows: str) -> httpx.Response:
    return http.post("/v1/models/m/predict", json={"instances": rows})


def test_a_failure_in_the_model_is_told_and_survived(servers: Servers, made: Made) -> None:
    """The caller hears of it, without what is nobody's business; the log has all of it."""
    workload, server = servers.ready(made())
    with server.client() as http:
        answer = predict(http, "fail")
        assert answer.status_code == 500
        assert "RuntimeError" in answer.json()["error"]
        assert "Traceback" not in answer.text
        assert predict(http, "again").json() == {"predictions": ["again"]}
    assert "a secret place" in servers.log(workload)
    assert "Traceback" in servers.log(workload)


def test_killed(servers: Servers, made: Made) -> None:
    workload, server = servers.ready(made())
    with server.client() as http, pytest.raises(httpx.TransportError):
        predict(http, "kill")
    seen = servers.ended(workload)
    assert (seen.exit_code, seen.signal) == (128 + signal.SIGKILL, signal.SIGKILL)
    assert not seen.out_of_memory


def test_out_of_memory(servers: Servers, made: Made) -> None:
    """TO-05: told from any other kill."""
    workload, server = servers.ready(made(), memory_gib=0.75)
    with server.client() as http, pytest.raises(httpx.TransportError):
        predict(http, "eat")
    seen = servers.ended(workload)
    assert seen.out_of_memory, seen


def test_what_runs_is_finished_before_it_stops(servers: Servers, made: Made) -> None:
    """Graceful drain: the answer arrives whole, the exit is a success."""
    workload, server = servers.ready(made())
    found: list[httpx.Response] = []

    def ask() -> None:
        with server.client() as http:
            found.append(predict(http, "wait"))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: "waiting" in servers.log(workload), what="the request in the model")
    servers.stop(workload)
    asking.join()
    assert found[0].json() == {"predictions": ["wait"]}
    seen = servers.ended(workload)
    assert seen.has_succeeded, (seen, servers.log(workload))


@pytest.mark.parametrize(
    ("code", "said"),
    [("import nowhere", "nowhere"), ("x = 1", "predict.py"), ("raise SystemExit(0)", ""), ("1 /", "predict.py")],
)
def test_a_model_that_cannot_be_loaded(servers: Servers, made: Made, code: str, said: str) -> None:
    workload = servers.start(made(code))
    seen = servers.ended(workload)
    assert seen.has_failed
    assert said in servers.log(workload)


def test_packages_that_cannot_be_had(servers: Servers, made: Made) -> None:
    """FS-09: the reason is there for whoever asks, not only in the log."""
    workload = servers.start(made(requirements="./nowhere.whl\n"))
    assert servers.ended(workload).has_failed
    failure = json.loads((servers.folder(workload) / "control" / "failure.json").read_text())
    assert failure["reason"] == "REQUIREMENTS"
    assert "nowhere" in failure["message"]


def test_its_packages_are_there(servers: Servers, made: Made, tmp_path: Path) -> None:
    """FS-09: on top of what the image brings."""
    wheel = tmp_path / "answer-1.0-py3-none-any.whl"
    write_wheel(wheel)
    code = f"import answer\n{MODEL.replace('os.environ.get(row, row)', 'answer.VALUE')}"
    model = made(code, requirements="answer==1.0\n")
    _, server = servers.ready(model, wheelhouse=tmp_path)
    with server.client() as http:
        assert predict(http, "x").json() == {"predictions": [42]}


def test_parameters_are_arguments_and_variables(servers: Servers, made: Made) -> None:
    """MD-11, MD-L03: both reach ``load``; the value of a secret is a variable, and on no command line."""
    model = made(KNOWS, modelSize="7b", **{"hf token": "hush-hush"})
    workload, server = servers.ready(model)
    with server.client() as http:
        answer = predict(http, "MODEL_SIZE", "HF_TOKEN", "modelSize", "hf token")
        assert answer.json() == {"predictions": ["7b", "hush-hush"] * 2}
    assert "hush-hush" not in servers.log(workload)
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            lines.append(path.read_bytes())
    assert any(b"modelSize=7b" in line for line in lines)
    assert not any(b"hush-hush" in line for line in lines)


def write_wheel(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("answer.py", "VALUE = 42\n")
        wheel.writestr("answer-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: answer\nVersion: 1.0\n")
        wheel.writestr("answer-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("answer-1.0.dist-info/RECORD", "")
