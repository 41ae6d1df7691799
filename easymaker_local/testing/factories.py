"""Records for tests, in which only the interesting part has to be said."""

from __future__ import annotations

from typing import Any

from easymaker_local.domain.endpoint_spec import EndpointSpec, StageSpec
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.model_spec import ModelSpec
from easymaker_local.domain.training import Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingSpec
from easymaker_local.domain.tuning_spec import TuningSpec

SPEC: dict[str, Any] = {
    "trainingName": "training", "experimentId": "e1", "imageId": "plain", "flavorId": "m2.c1m2",
    "sourceDirUri": "obs://local/v1/AUTH_local/code", "entryPoint": "train.py",
    "modelUploadUri": "obs://local/v1/AUTH_local/models/model", "timeoutMinutes": 60,
}  # fmt: skip

TEMPLATE: dict[str, Any] = {
    "trainingTemplateName": "template", **{field: value for field, value in SPEC.items() if field != "trainingName"},
    "hyperparameterList": [{"parameterName": "lr", "parameterValue": "0.1"}],
}  # fmt: skip

TUNING: dict[str, Any] = {
    "hyperparameterTuningName": "tuning", **{field: value for field, value in SPEC.items() if field != "trainingName"},
    "hyperparameterSpecList": [
        {
            "hyperparameterName": "lr", "hyperparameterTypeCode": "double", "hyperparameterMinValue": "0",
            "hyperparameterMaxValue": "1",
        }
    ],
    "metricList": [{"name": "loss"}], "objectiveMetric": {"name": "loss"}, "objectiveTypeCode": "MINIMIZE",
    "tuningStrategyName": "RANDOM", "maxTrialCount": 3,
}  # fmt: skip

MODEL: dict[str, Any] = {
    "modelName": "model", "modelFormatCode": "PYTHON", "modelUploadUri": "obs://local/v1/AUTH_local/models/python",
    "parameterList": [{"parameterName": "topK", "parameterValue": "3"}],
}  # fmt: skip

RESOURCE: dict[str, Any] = {"modelId": "m1"}

ENDPOINT: dict[str, Any] = {"endpointName": "iris", "flavorId": "m2.c1m2", "endpointModelResourceList": [RESOURCE]}

STAGE: dict[str, Any] = {
    "endpointId": "e1", "apigwStageName": "second", "flavorId": "m2.c1m2", "endpointModelResourceList": [RESOURCE],
}  # fmt: skip

FLAVOR = Flavor(name="m2.c1m2", vcpus=1, memory_mib=2048)


def make_spec(**fields: Any) -> TrainingSpec:
    """Return a valid spec; ``fields`` by their wire names."""
    return TrainingSpec.model_validate({**SPEC, **fields})


def make_tuning_spec(**fields: Any) -> TuningSpec:
    """Return a valid spec of a tuning of ``lr`` at random; ``fields`` by their wire names."""
    return TuningSpec.model_validate({**TUNING, **fields})


def make_model_spec(**fields: Any) -> ModelSpec:
    """Return a valid spec of a Python model; ``fields`` by their wire names, None: absent."""
    return ModelSpec.model_validate({**MODEL, **fields})


def make_endpoint_spec(*model_ids: str, **fields: Any) -> EndpointSpec:
    """Return a valid spec of an endpoint with these models; ``fields`` by their wire names."""
    resources = [{"modelId": model_id} for model_id in model_ids] or [RESOURCE]
    return EndpointSpec.model_validate({**ENDPOINT, "endpointModelResourceList": resources, **fields})


def make_stage_spec(endpoint_id: str, *model_ids: str, **fields: Any) -> StageSpec:
    """Return a valid spec of a stage with these models; ``fields`` by their wire names."""
    resources = [{"modelId": model_id} for model_id in model_ids] or [RESOURCE]
    return StageSpec.model_validate({**STAGE, "endpointId": endpoint_id, "endpointModelResourceList": resources, **fields})


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
