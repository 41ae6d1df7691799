"""Models: the record and its statuses (MD-19, MD-24…MD-34).

    CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ ACTIVE ──────┐
                              └─▶ CREATE_FAILED ───────────┼─▶ DELETE_IN_PROGRESS ─▶ (gone)
                                       DELETE_FAILED ──────┘        └─▶ DELETE_FAILED

While it is created its artifact is examined. It refers to the artifact, which stays the user's and may change or go at any
time (MD-10): what was found is what is served, from a copy of the same checksums (MD-L02).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from easymaker_local.domain.image import Framework
from easymaker_local.domain.model import Examination, ModelFormat, TorchDetails
from easymaker_local.domain.model_spec import ModelSpec
from easymaker_local.domain.reason import Cause, Reason


class ModelStatus(StrEnum):
    """MD-24…MD-29."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    ACTIVE = "ACTIVE"
    CREATE_FAILED = "CREATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_FAILED = "DELETE_FAILED"

    @property
    def is_finished(self) -> bool:
        """True if nothing happens until somebody asks for it; then it may be deleted (MD-33)."""
        return self in {ModelStatus.ACTIVE, ModelStatus.CREATE_FAILED, ModelStatus.DELETE_FAILED}


S = ModelStatus

TRANSITIONS: dict[ModelStatus, frozenset[ModelStatus]] = {
    S.CREATE_REQUESTED: frozenset({S.CREATE_IN_PROGRESS}),
    S.CREATE_IN_PROGRESS: frozenset({S.ACTIVE, S.CREATE_FAILED}),
    S.ACTIVE: frozenset({S.DELETE_IN_PROGRESS}),
    S.CREATE_FAILED: frozenset({S.DELETE_IN_PROGRESS}),
    S.DELETE_IN_PROGRESS: frozenset({S.DELETE_FAILED}),
    S.DELETE_FAILED: frozenset({S.DELETE_IN_PROGRESS}),
}


@dataclass(frozen=True)
class Model:
    """A row. Times in epoch seconds.

    ``uri`` is where the artifact lies, None for a model of the hub. ``training_id`` is the training that it came from, also a
    trial of ``tuning_id``. ``checksum``, ``bytes``, ``file_count`` are those of its examination, ``revision`` the commit of a
    model of the hub; None before. ``sealed`` holds its secret parameters, whose values in ``spec`` are masked.
    """

    id: str
    name: str
    description: str | None
    spec: ModelSpec
    format: ModelFormat
    uri: str | None
    training_id: str | None
    tuning_id: str | None
    sealed: str | None = field(repr=False)
    status: ModelStatus
    cause: Cause | None
    created_at: float
    finished_at: float | None = None
    checksum: str | None = None
    bytes: int | None = None
    file_count: int | None = None
    revision: str | None = None


def format_of(framework: Framework) -> ModelFormat | None:
    """Return the format of what is trained on an image, if it is clear (TR-52)."""
    match framework:
        case Framework.TENSORFLOW:
            return ModelFormat.TENSORFLOW
        case Framework.PYTORCH:
            return ModelFormat.PYTORCH
        case Framework.PYTHON:
            return None


def finding(examination: Examination) -> Cause | None:
    """Return why the artifact cannot be served, exactly (MD-L01); None: it can."""
    if not examination.problems:
        return None
    return Cause(Reason.ARTIFACT_UNUSABLE, " ".join(examination.problems))


def name_fault(model_format: ModelFormat, examination: Examination | None, name: str) -> str | None:
    """Return why a model cannot be called so: an archive of PyTorch has a name of its own, which goes into URLs (MD-02)."""
    details = None if examination is None else examination.details
    if model_format is not ModelFormat.PYTORCH or not isinstance(details, TorchDetails):
        return None
    if details.model_name is None or details.model_name == name:
        return None
    return f"must be {details.model_name!r}, the name in the model's archive"
