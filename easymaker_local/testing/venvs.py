"""A Python whose ``-m venv`` takes no time: most of an environment's making is pip being put into it, the same each time."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

# Nothing in an environment names its place but the first lines of scripts, and pip is run as a module.
_PYTHON = """\
#!/bin/sh
[ "$1 $2" = "-m venv" ] && exec cp -a {made}/. "$3"
exec {python} "$@"
"""


def quick_python(folder: Path) -> Path:
    """Let the real ``venv`` make an environment in ``folder``, and return a Python that copies it when asked for one."""
    made, python = folder / "made", folder / "python"
    subprocess.run([sys.executable, "-m", "venv", made], check=True)
    python.write_text(_PYTHON.format(made=shlex.quote(str(made)), python=shlex.quote(sys.executable)))
    python.chmod(0o755)
    return python
