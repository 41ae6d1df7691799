"""Is this artifact what its framework can serve, and what is in it? (MD-L01, FS-01…FS-11)"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from easymaker_local.artifacts.models import hugging_face, python, pytorch, sklearn, tensorflow
from easymaker_local.artifacts.models.files import Findings, ModelFiles
from easymaker_local.domain.model import Details, Examination, ModelFile, ModelFormat
from easymaker_local.errors import StorageError

_MAX_NAMED = 5
_MAX_CHARACTERS = 1000


def examine(
    path: Path, model_format: ModelFormat, *, name: str, root: Path | None = None, step: Callable[[], None] = lambda: None
) -> Examination:
    """Examine the artifact at ``path``, a directory or a file, for a model called ``name``.

    Blocks, as long as it takes to read every file once. Nothing is executed or unpickled. ``root``, by default ``path``, is a
    directory above it that no link leads out of. Whatever is wrong with the artifact becomes a problem of the result; it is
    never raised. The files of the result are those that would be served; with problems there may be none. ``step`` is called
    after every block that is read, and may raise to end it.
    """
    findings = Findings()
    checksums: tuple[ModelFile, ...] = ()
    details = None
    try:
        files, version = open_artifact(path, root), None
        if model_format is ModelFormat.TENSORFLOW:
            files, version = tensorflow.choose(files)
        if files.outside:
            more = " and more" if len(files.outside) > _MAX_NAMED else ""
            named = ", ".join(map(repr, sorted(files.outside)[:_MAX_NAMED]))
            findings.remarks.append(f"{named}{more}: left out, as links to directories or to outside of the artifact.")
        details = _look(files, model_format, name, version, findings)
        if not findings.problems:
            checksums = tuple(files.checksums(step))
    except StorageError as error:
        findings.problems.append(error.message)
    return Examination(
        model_format, checksums, _short(findings.problems), _short(findings.remarks), details, findings.is_incomplete
    )  # fmt: skip


def _short(sentences: list[str]) -> tuple[str, ...]:
    """Names in an archive may have 64 KiB."""
    return tuple(text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…" for text in sentences)


def open_artifact(path: Path, root: Path | None) -> ModelFiles:
    """Return the files at ``path``, as ``examine`` takes them; raises StorageError."""
    try:
        top = (root or path).resolve(strict=True)
        here = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise StorageError(f"There is nothing at {path}.") from error
    if root is None and here.is_file():
        top = here.parent
    if not here.is_relative_to(top):
        raise StorageError(f"{path} leads out of its storage.")
    return ModelFiles(top, str(here.relative_to(top)))


def _look(files: ModelFiles, model_format: ModelFormat, name: str, version: int | None, findings: Findings) -> Details | None:
    match model_format:
        case ModelFormat.TENSORFLOW:
            return tensorflow.look(files, version, findings)
        case ModelFormat.PYTORCH:
            return pytorch.look(files, name, findings)
        case ModelFormat.SKLEARN:
            return sklearn.look(files, findings)
        case ModelFormat.HUGGING_FACE:
            return hugging_face.look(files, findings)
        case ModelFormat.PYTHON:
            python.look(files, findings)
            return None
        case _:
            assert_never(model_format)
