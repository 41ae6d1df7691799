"""GPUs for machines that have none: a stand-in for NVIDIA's library whose devices a test changes while programs run.

The only thing that is faked about GPUs. Needs a C compiler; tests skip with that reason where there is none.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from easymaker_local.drivers.gpus import LIBRARY

VARIABLE = "NVML_STUB"
SOURCE = Path(__file__).with_name("nvml_stub.c")
A100, L4 = "NVIDIA A100-SXM4-40GB", "NVIDIA L4"

# NVML's codes.
UNKNOWN_ERROR, DRIVER_NOT_LOADED, LOST, VERSION_MISMATCH = 999, 9, 15, 18


def build_library(folder: Path) -> Path:
    """Compile the stand-in into a folder; returns its path. Skips the test where no compiler is."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: the stand-in for NVIDIA's library cannot be made")
    library = folder / LIBRARY
    # Under this name the loader finds it in a process that has it already, as it does below LD_LIBRARY_PATH in others.
    command = [compiler, "-shared", "-fPIC", "-O1", f"-Wl,-soname,{LIBRARY}", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True)
    return library


@dataclass(frozen=True)
class StubGpu:
    """A device as the driver is to tell of it; ``processes`` are (pid, MiB), ``drawing`` ones belong to a desktop."""

    uuid: str
    model: str = A100
    memory_mib: int = 40960
    used_mib: int = 0
    processes: tuple[tuple[int, int], ...] = ()
    drawing: tuple[tuple[int, int], ...] = ()
    parent: str | None = None
    lost: int | None = None
    busy_percent: int | None = None

    def lines(self) -> list[str]:
        head = f"gpu {self.uuid}" if self.parent is None else f"mig {self.parent} {self.uuid}"
        found = [f"{head} {self.memory_mib} {self.used_mib} {self.model}"]
        found += [f"process {self.uuid} compute {pid} {mib}" for pid, mib in self.processes]
        found += [f"process {self.uuid} graphics {pid} {mib}" for pid, mib in self.drawing]
        found += [f"busy {self.uuid} {self.busy_percent}"] if self.busy_percent is not None else []
        return [*found, f"lost {self.uuid} {self.lost}"] if self.lost is not None else found


@dataclass
class StubDriver:
    """What the library tells from now on, to every process that has ``environment``."""

    library: Path
    file: Path
    gpus: list[StubGpu] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which a program finds the stand-in."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), VARIABLE: str(self.file)}

    def tell(self, gpus: Sequence[StubGpu] | None = None, *lines: str) -> None:
        """Replace the devices, or with None only say them again; ``lines`` are further facts ("error 18")."""
        if gpus is not None:
            self.gpus = list(gpus)
        text = "\n".join([*lines, *(line for gpu in self.gpus for line in gpu.lines())]) + "\n"
        aside = self.file.with_suffix(".part")
        aside.write_text(text)
        aside.replace(self.file)

    def change(self, uuid: str, **fields: object) -> None:
        """Change one device."""
        self.tell([replace(gpu, **fields) if gpu.uuid == uuid else gpu for gpu in self.gpus])  # type: ignore[arg-type]

    def load_here(self) -> None:
        """Make this process use it as well, for good; without the variable in the environment it is as if it were not there."""
        ctypes.CDLL(str(self.library))
        os.environ[VARIABLE] = str(self.file)
