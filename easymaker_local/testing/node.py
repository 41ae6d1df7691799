"""One node of a training, set up as the daemon does it after domain/contract.py, run by the real launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from easymaker_local.domain import contract
from easymaker_local.kit.bundled import bundled

LAUNCHER = bundled("runtimes") / contract.LAUNCHER


@dataclass
class Node:
    """The node's directory; ``python`` is the environment's."""

    root: Path
    python: Path = Path(sys.executable)
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in contract.NODE_DIRECTORIES:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    @property
    def source(self) -> Path:
        return self.root / "source"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(self.root / "work"),
            "EM_SOURCE_DIR": str(self.source),
            "EM_MODEL_DIR": str(self.root / "model"),
            "EM_CHECKPOINT_DIR": str(self.root / "checkpoint"),
            "EM_TENSORBOARD_LOG_DIR": str(self.root / "tensorboard"),
            contract.WORK_DIR_VARIABLE: str(self.root / "work"),
            contract.CONTROL_DIR_VARIABLE: str(self.root / "control"),
            # Each test says itself where packages come from.
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            **self.env,
            **extra,
        }

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start the launcher with ``command``: options, ``--``, entry point, arguments."""
        return subprocess.Popen(
            [self.python, "-I", "-S", LAUNCHER, *command],
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command, **env) as process:
            out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def failure(self) -> Any:
        """Return what the launcher told the daemon, None if nothing."""
        file = self.root / "control" / contract.FAILURE_FILE
        return json.loads(file.read_text()) if file.exists() else None
