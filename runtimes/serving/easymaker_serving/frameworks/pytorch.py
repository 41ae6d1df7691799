"""PyTorch: archives of torch-model-archiver, the files that one is made of, TorchScript and torch.export (FS-04…FS-12).

The first two are served by their handler, see ``torch_handlers``; the others are programs that need none, see
``torch_programs``. Of a weight file without handler and structure nothing can be made.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import torch

from easymaker_serving.frameworks import torch_handlers, torch_programs
from easymaker_serving.frameworks.mar import MANIFEST, lay_out, lay_out_loose, unpack
from easymaker_serving.model import LoadFailed, LoadSettings, Model

_ARCHIVES = (".mar",)
_TAR_ARCHIVES = (".tar.gz",)
_WEIGHTS = (".pt", ".pth", ".bin", ".pt2")


def load(settings: LoadSettings) -> Model:
    """Load what lies in the artifact."""
    torch.set_num_threads(settings.threads)
    # Of inputs that lie in a request's own buffer; nothing here writes into them.
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    path = settings.path
    if path.is_dir() and (path / MANIFEST).is_file():
        return torch_handlers.load(lay_out(path), settings)
    file = _choose(path)
    if file.name.endswith(_ARCHIVES + _TAR_ARCHIVES):
        return torch_handlers.load(unpack(file), settings)
    kind = _kind_of_program(file)
    if kind == "export":
        return torch_programs.load_export(file)
    if kind == "torchscript":
        return torch_programs.load_torchscript(file, settings)
    missing = [name for name in ("model.py", "handler.py") if not (path / name).is_file()]
    if missing:
        raise LoadFailed(f"{file.name!r} is no program, and beside it {' and '.join(map(repr, missing))} is missing.")
    return torch_handlers.load(lay_out_loose(path, file.name, settings.name), settings)


def _choose(path: Path) -> Path:
    """Return the archive or weight file of an artifact, by the rules of its examination."""
    if path.is_file():
        return path
    names = sorted(file.name for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    found = [name for name in names if name.endswith(_ARCHIVES + _WEIGHTS)] or [n for n in names if n.endswith(_TAR_ARCHIVES)]
    if len(found) != 1:
        said = ", ".join(map(repr, found)) or "none"
        raise LoadFailed(f"One archive ('.mar') or weight file ('.pt', '.pth', '.bin', '.pt2') is needed; found: {said}.")
    return path / found[0]


def _kind_of_program(file: Path) -> str | None:
    if not zipfile.is_zipfile(file):
        return None
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    inside = {name.partition("/")[2] for name in names} | set(names)
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return "torchscript"
    if "serialized_exported_program.json" in inside or any(
        name.startswith("models/") and name.endswith(".json") for name in inside
    ):
        return "export"
    return None
