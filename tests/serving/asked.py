"""Models of one framework, loaded and called in the environment that serves them, without the server around them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from easymaker_local.kit.bundled import bundled
from tests.conftest import CACHE

MAKERS = Path(__file__).parent / "models"

Tensor = dict[str, Any]


@cache
def archiver() -> Path:
    """Return a directory with the package torch-model-archiver, installed once and kept between test runs."""
    place = CACHE / "torch-model-archiver-0.12.0"
    if not place.exists():
        made = Path(tempfile.mkdtemp(dir=CACHE))
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ]
        subprocess.run([*install, "--target", made, "torch-model-archiver==0.12.0"], check=True, timeout=300)
        try:
            made.rename(place)
        except OSError:  # another process of this run was faster
            shutil.rmtree(made)
    return place


def run(python: Path, script: str, *arguments: str | Path, modules: Path | None = None) -> str:
    """Run one of the scripts that make models; return what it printed. ``modules``: where more can be imported from."""
    command = [python, MAKERS / script, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(modules or "")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Refused(Exception):
    """The model said that it cannot; ``kind`` is the name of the exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Asked:
    """A process with a framework in it."""

    def __init__(self, python: Path, framework: str, errors: Path) -> None:
        self.errors = errors
        environment = {**os.environ, "PYTHONPATH": str(bundled("runtimes") / "serving")}
        with errors.open("w") as stream:
            self._process = subprocess.Popen(
                [python, MAKERS / "ask.py", framework],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment,
            )  # fmt: skip

    def load(self, path: Path, name: str = "iris", threads: int = 1, **parameters: str) -> dict[str, Any]:
        """Load another model; return what its metadata shows."""
        return self._ask(load=str(path), name=name, threads=threads, parameters=parameters)

    def predict(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str] | None = None, **parameters: Any
    ) -> dict[str, Tensor]:
        """Call a model of tensors."""
        return self._ask(inputs=inputs, outputs=outputs, parameters=parameters)

    def rows(self, rows: list[Any], **parameters: Any) -> list[Any]:
        """Call a model of rows."""
        return self._ask(rows=rows, parameters=parameters)

    def explain(self, instances: list[Any]) -> list[Any]:
        """Return predictions and explanations."""
        return self._ask(explain=instances)

    def unload(self) -> None:
        """Close the model."""
        self._ask(close=True)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self.errors.read_text()
        said = json.loads(line)
        if "error" in said:
            raise Refused(said["error"], said["message"])
        return said["result"]


def matrix(rows: Sequence[Sequence[Any]], datatype: str = "FP64") -> Tensor:
    """Return rows as a tensor of rank 2."""
    return {"datatype": datatype, "shape": [len(rows), len(rows[0])], "data": [value for row in rows for value in row]}


def column(values: Sequence[Any], datatype: str = "FP64") -> Tensor:
    """Return values as a tensor of rank 1."""
    return {"datatype": datatype, "shape": [len(values)], "data": list(values)}
