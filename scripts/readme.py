"""Runs what the README shows a user to type, against the daemon that ``make demo`` has left; ends at the first failure."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# These install, test or download: CI runs the first two by themselves, and nothing here needs the others.
LEFT_OUT = ("make ", "export PATH", "pip download", "export EASYMAKER_LOCAL_WHEELHOUSE")


def main() -> int:
    """Return 0 if every command ended well."""
    text = (ROOT / "README.md").read_text()
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [line for line in lines if line.strip() and not line.startswith(("#", *LEFT_OUT))]
    example = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "example.py"
        script.write_text(example)
        # Examples are given from the project's root; what is fetched lands elsewhere.
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        # One of the commands replaces the token: whoever goes on in the same shell asks for the variables again.
        again = 'eval "$(easymaker-local env)"'
        program = "\n".join(["set -exuo pipefail", *commands, again, f"{sys.executable} {script}"])
        return subprocess.run(["bash", "-c", program], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
