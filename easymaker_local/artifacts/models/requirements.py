"""The packages that a model asks for, as a file of pip's (FS-09)."""

from __future__ import annotations

from pathlib import Path

from easymaker_local.artifacts.models.archives import read_tar, read_zip
from easymaker_local.artifacts.models.files import ModelFiles
from easymaker_local.domain.model import Examination, ModelFormat, TorchDetails

_NAME = "requirements.txt"
_MAX_BYTES = 1 << 20


def requirements_of(path: Path, examination: Examination) -> bytes | None:
    """Return the content of the file that the examined artifact at ``path`` names, or has by the usual name; None without.

    Raises StorageError if it cannot be read.
    """
    details = examination.details
    files = ModelFiles(path if path.is_dir() else path.parent, "" if path.is_dir() else path.name)
    if isinstance(details, TorchDetails):
        if details.requirements is None:
            return None
        if details.archive is not None:
            with files.open(details.archive) as file:
                read = read_zip if not details.archive.endswith(".tar.gz") else read_tar
                archive = read(file, details.archive, [details.requirements])
            return next(filter(None, map(archive.read, sorted(archive.members, key=len))), None)
        return files.read(details.requirements, _MAX_BYTES)
    if examination.format is ModelFormat.PYTHON and _NAME in files.sizes:
        return files.read(_NAME, _MAX_BYTES)
    return None
