"""Python: a class in ``predict.py`` serves anything else."""

from __future__ import annotations

from easymaker_local.artifacts.models.files import Findings, ModelFiles


def look(files: ModelFiles, findings: Findings) -> None:
    """Examine what is to be served as a Python model."""
    if "predict.py" not in files.sizes:
        findings.problems.append("'predict.py' is missing.")
