"""Records for tests, in which only the interesting part has to be said."""

from __future__ import annotations

from typing import Any

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.training import Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingSpec

SPEC: dict[str, Any] = {
    "trainingName": "training", "experimentId": "e1", "imageId": "plain", "flavorId": "m2.c1m2",
    "sourceDirUri": "obs://local/v1/AUTH_local/code", "entryPoint": "train.py",
    "modelUploadUri": "obs://local/v1/AUTH_local/models/model", "timeoutMinutes": 60,
}  # fmt: skip

TEMPLATE: dict[str, Any] = {
    "trainingTemplateName": "template", **{field: value for field, value in SPEC.items() if field != "trainingName"},
    "hyperparameterList": [{"parameterName": "lr", "parameterValue": "0.1"}],
}  # fmt: skip

FLAVOR = Flavor(name="m2.c1m2", vcpus=1, memory_mib=2048)


def make_spec(**fields: Any) -> TrainingSpec:
    """Return a valid spec; ``fields`` by their wire names."""
    return TrainingSpec.model_validate({**SPEC, **fields})


def make_training(
    status: TrainingStatus = TrainingStatus.CREATE_REQUESTED, *, training_id: str = "t1", desired: Desired = Desired.RUN,
    started_at: float | None = None, created_at: float = 1_000_000.0, **fields: Any,
) -> Training:  # fmt: skip
    """Return a training; ``fields`` of the spec by their wire names."""
    spec = make_spec(**fields)
    return Training(
        id=training_id, name=spec.training_name, description=spec.description, spec=spec, flavor=FLAVOR, status=status,
        desired=desired, cause=None, attempt=1, created_at=created_at, started_at=started_at,
    )  # fmt: skip
