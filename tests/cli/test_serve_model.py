"""``serve-model``: a model tried in the foreground, without a daemon."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from easymaker_local.domain.image import CoreType
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.serving import serving_image
from easymaker_local.testing.appliance import Appliance, free_port, until
from tests.cli.cli_runner import as_program
from tests.cli.conftest import CACHE
from tests.serving.environments import interpreter

MODEL = """
class Model:
    inputs = [("value", "FP64", [-1])]
    outputs = [("twice", "FP64", [-1])]

    def load(self, path, parameters):
        self.factor = float(parameters.get("factor", 2))

    def predict(self, rows):
        return [row * self.factor for row in rows]
"""


@pytest.fixture
def home(fresh: Appliance) -> Appliance:
    """A home with a model in a bucket and the environments of all tests; no daemon."""
    fresh.put("models", {"twice/predict.py": MODEL})
    (CACHE / "environments").mkdir(parents=True, exist_ok=True)
    (fresh.home / "environments").symlink_to(CACHE / "environments")
    return fresh


@pytest.fixture
def _prepared() -> None:
    """The environment is there: what is timed here is the command."""
    interpreter(serving_image(ModelFormat.PYTHON, CoreType.CPU))


@pytest.mark.environment
@pytest.mark.usefixtures("_prepared")
@pytest.mark.parametrize("place", ["path", "uri", "bucket"])
def test_served_until_the_user_ends_it(home: Appliance, tmp_path: Path, place: str) -> None:
    """The framework is told from the files, and the examples that it prints are answered."""
    path = {
        "path": home.home / "storage" / "models" / "twice", "uri": home.uri("models", "twice"), "bucket": "models/twice",
    }[place]  # fmt: skip
    log, port = tmp_path / "printed", free_port()
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "easymaker_local", "serve-model", str(path), "--port", str(port), "--parameter", "factor=3"],
            stdout=stream, stderr=stream, env=home.environment,
        )  # fmt: skip
        try:
            until(lambda: "/infer" in log.read_text() or process.poll() is not None, "the examples")
            printed = log.read_text()
            assert "twice: PYTHON, 1 file" in printed
            examples = [shlex.split(line) for line in printed.splitlines() if line.startswith("curl ")]
            assert len(examples) == 2, printed
            for _, url, _, body in examples:
                answer = httpx.post(url, content=body, trust_env=False)
                assert answer.status_code == 200, answer.text
                assert "1.5" in answer.text
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 5, "nothing at nowhere"),
        (["{model}", "--framework", "caffe"], 5, "tensorflow, pytorch, sklearn, hugging-face and python"),
        (["{model}", "--framework", "pytorch"], 5, "model.py"),
        (["{model}", "--parameter", "factor"], 5, "NAME=VALUE"),
        (["{model}", "--parameter", "apiToken=hush"], 5, "API_TOKEN"),
        (["obs://host/v1/AUTH_local/models/missing"], 5, "nothing at obs://host/v1/AUTH_local/models/missing"),
    ],
)
def test_what_cannot_be_served(home: Appliance, arguments: list[str], code: int, said: str) -> None:
    """Told at once, before anything is installed."""
    model = home.home / "storage" / "models" / "twice"
    done = as_program(home.environment)("serve-model", *(argument.format(model=model) for argument in arguments))
    assert (done.code, re.search(re.escape(said), done.err) is not None) == (code, True), done
    assert "hush" not in done.err


@pytest.mark.environment
@pytest.mark.usefixtures("_prepared")
def test_a_port_that_is_taken(home: Appliance) -> None:
    """The server's own word, and a failure."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = as_program(home.environment)("serve-model", home.home / "storage" / "models" / "twice", "--port", port)
    assert done.code == 1
    assert str(port) in done.err
