"""Whether this machine lets volumes be mounted, found out without the product's own code: what that gets wrong is to fail."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


@cache
def why_not_mountable() -> str | None:
    """Return why no file can be mounted here; None if it can."""
    with TemporaryDirectory() as folder:
        file, place = Path(folder, "file"), Path(folder, "place")
        place.mkdir()
        with file.open("wb") as made:
            made.truncate(16 << 20)
        for command in (
            ["mkfs.ext4", "-q", "-F", str(file)], ["mount", "-o", "loop", str(file), str(place)], ["umount", str(place)],
        ):  # fmt: skip
            program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
            if program is None:
                return f"{command[0]} is not installed"
            done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
            if done.returncode:
                return f"{command[0]}: {done.stderr.strip()}"
    return None
