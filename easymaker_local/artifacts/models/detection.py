"""Which framework serves this artifact? For those who did not say it."""

from __future__ import annotations

import re
from pathlib import Path

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import Examination, ModelFormat, TorchDetails
from easymaker_local.errors import StorageError

# What a file tells for certain comes first; a pickle of scikit-learn's looks like any other.
_ORDER = (
    ModelFormat.TENSORFLOW, ModelFormat.PYTHON, ModelFormat.HUGGING_FACE, ModelFormat.PYTORCH, ModelFormat.SKLEARN,
)  # fmt: skip
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def detect(path: Path, model_format: ModelFormat | None = None, name: str | None = None) -> tuple[str, Examination]:
    """Return a name and the examination of the artifact at ``path`` by the framework that it is made for.

    What is given is kept. An archive of PyTorch has a name of its own (MD-02), any other artifact gets that of its file. Raises
    StorageError with everything that was found if nothing fits.
    """
    found: list[Examination] = []
    for candidate in _ORDER if model_format is None else (model_format,):
        chosen, examination = _examine(path, candidate, name)
        if not examination.problems:
            return chosen, examination
        found.append(examination)
    if model_format is not None:
        raise StorageError(f"{path} cannot be served as {model_format}: {' '.join(found[0].problems)}")
    reasons = "\n".join(f"  {examination.format}: {examination.problems[0]}" for examination in found)
    raise StorageError(f"{path} is no model of a known framework:\n{reasons}", hint="Say which one is meant: --framework.")


def _examine(path: Path, model_format: ModelFormat, name: str | None) -> tuple[str, Examination]:
    chosen = name or _NOT_IN_NAMES.sub("-", path.resolve().name.partition(".")[0]).strip("-.") or "model"
    examination = examine(path, model_format, name=chosen)
    details = examination.details
    if name is None and isinstance(details, TorchDetails) and details.model_name not in {None, chosen}:
        chosen = str(details.model_name)
        examination = examine(path, model_format, name=chosen)
    return chosen, examination
