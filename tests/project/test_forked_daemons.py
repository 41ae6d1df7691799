"""A process that tests fork is what it would be if it were executed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from easymaker_local.testing import daemons

TELLS = """
import os, sys
print(__name__, os.environ["OWN"], os.environ.get("HOME"), sys.argv, os.getsid(0) == os.getpid(), sys.stdin.read() == "")
"""


@pytest.fixture
def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("LD_", "PYTHON", "PATH"))} | {"OWN": "mine"}


def output_of(start: daemons.Start, path: Path, code: str, environment: dict[str, str]) -> tuple[int, str]:
    with path.open("wb") as output:
        process = start([sys.executable, "-c", code], environment, output)
    assert process.wait(60) == process.poll()
    return process.wait(60), path.read_text()


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "sys.exit('words')", "os.kill(os.getpid(), 9)", "1 / 0"])
def test_it_tells_and_ends_as_if_it_were_executed(tmp_path: Path, environment: dict[str, str], end: str) -> None:
    code = f"{TELLS}sys.stdout.flush()\n{end}\n"
    forked = output_of(daemons.fork, tmp_path / "forked", code, environment)
    executed = output_of(daemons.execute, tmp_path / "executed", code, environment)
    assert forked[0] == executed[0]
    assert forked[1].splitlines()[0] == executed[1].splitlines()[0] == "__main__ mine None ['-c'] True True"
    assert forked[1].splitlines()[-1] == executed[1].splitlines()[-1]


def test_signals_reach_it(tmp_path: Path, environment: dict[str, str]) -> None:
    with (tmp_path / "output").open("wb") as output:
        process = daemons.fork([sys.executable, "-c", "import time; time.sleep(600)"], environment, output)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    process.send_signal(signal.SIGKILL)  # calm


@pytest.mark.parametrize("start", [daemons.fork, daemons.execute])
def test_libraries_of_its_own_are_found(tmp_path: Path, environment: dict[str, str], start: daemons.Start) -> None:
    """The loader reads its variables when a program is executed, and what it read is what ``environ`` holds."""
    own = {**environment, "LD_LIBRARY_PATH": str(tmp_path)}
    code, told = output_of(start, tmp_path / "output", "print(open('/proc/self/environ', 'rb').read().split(b'\\0'))", own)
    assert (code, f"b'LD_LIBRARY_PATH={tmp_path}'" in told) == (0, True)
