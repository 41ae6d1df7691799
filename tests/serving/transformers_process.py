"""A process of the serving environment for PyTorch that tests ask: what is served, and what transformers itself says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.serving.environments import interpreter

ROOT = Path(__file__).parents[2]
MODELS = Path(__file__).with_name("models")
IMAGE = "pytorch-serving-2.13.0-cpu"


def python() -> str:
    """Return the environment's Python, prepared where it is not yet."""
    return str(interpreter(IMAGE))


def make_models(folder: Path) -> Path:
    """Write the tiny models below ``folder`` and return it."""
    subprocess.run([python(), str(MODELS / "make_transformers.py"), str(folder)], check=True, env=_environment(folder))
    return folder


class TransformersProcess:
    """Runs ``models/transformers_worker.py`` for models in one folder."""

    def __init__(self, models: Path) -> None:
        self._models = models
        command = [python(), "-W", "error", str(MODELS / "transformers_worker.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(models)
        )

    def __enter__(self) -> TransformersProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        code = self._process.wait()
        self._process.stdout.close()
        assert code == 0 or exc is not None

    def ask(self, do: str, model: str, **arguments: Any) -> Any:
        """Have something done with the model that lies in the folder by that name."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, "model": str(self._models / model), **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process ended; its error output says why"
        answer = json.loads(line)
        assert not (isinstance(answer, dict) and "raised" in answer), answer["raised"]
        return answer


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without network for transformers, and with a home of its own."""
    home = {"HOME": str(folder), "HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "runtimes" / "serving"), "OMP_NUM_THREADS": "1", **home}


@contextmanager
def serving(model: Path, name: str, *arguments: str) -> Iterator[str]:
    """Serve a model by the shipped server and yield its address; at the end it is asked to stop, and has to end well."""
    command = [python(), "-I", str(ROOT / "runtimes" / "serving" / "serve.py"), "--framework", "hugging_face", "--port", "0"]
    command += ["--name", name, "--model", str(model), "--threads", "1", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment(model.parent)) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().split()[-1]
            assert process.stdout.readline().endswith("is ready\n"), "its error output says why"
            yield address
        finally:
            process.terminate()
            code = process.wait(60)
        assert code == 0
