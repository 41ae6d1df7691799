"""The vendor's SDK, unmodified, in a process of its own: it reads the environment when it is imported."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from easymaker_local.domain.image import CoreType, Framework, Image
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.testing.appliance import PATIENCE_SECONDS

OLD_SDK = "1.1.6"

Script = Callable[..., dict[str, Any]]
"""What the tests call: a script, its arguments, changed variables; returns the answers."""

# What a script learned leaves it as JSON, apart from what the SDK prints; ``refusal`` returns the words of a refused call.
_PRELUDE = """
import json, sys
def answer(**values):
    with open(sys.argv[1], "a") as file:
        json.dump(values, file, default=str)
        file.write("\\n")
def refusal(call, *arguments, **more):
    from easymaker.common.exceptions import EasyMakerError
    try:
        call(*arguments, **more)
    except EasyMakerError as error:
        said = error.args[0]
        return said if isinstance(said, str) else said["header"]["resultMessage"]
"""


def run_sdk(
    script: str, environment: Mapping[str, str], folder: Path, *arguments: str, python: str = sys.executable
) -> dict[str, Any]:
    """Run a user's script; returns what it handed to ``answer(name=value, …)``. It finds ``arguments`` in ``sys.argv[2:]``."""
    answers = folder / "answers.jsonl"
    answers.write_text("")
    done = subprocess.run(
        [python, "-c", _PRELUDE + script, str(answers), *arguments],
        env=dict(environment), cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"the script failed:\n{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = {"printed": done.stdout}
    for line in answers.read_text().splitlines():
        found |= json.loads(line)
    return found


def old_sdk_python(cache: Path) -> str:
    """Return the interpreter of an environment with SDK 1.1.6, made on first use; raises EnvironmentFailed."""
    folder = cache / "sdk" / f"easymaker-{OLD_SDK}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text(f"easymaker=={OLD_SDK}\n")
    image = Image(
        folder=folder, name=folder.name, description="", group="", core_type=CoreType.CPU, framework=Framework.PYTHON,
        framework_version=OLD_SDK, python_version=f"{sys.version_info[0]}.{sys.version_info[1]}", repository="", tag="",
        base_image="",
    )  # fmt: skip
    environments = VirtualEnvironments(cache / "sdk", None)
    path = asyncio.run(environments.prepare(image, lambda _: None))
    return str(Path(path) / "bin" / "python")
