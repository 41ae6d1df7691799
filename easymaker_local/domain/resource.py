"""What all kinds of resources have in common where they stand beside each other: on the dashboard, in a search."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ResourceKind(StrEnum):
    """Kinds by the names that REST's paths have."""

    EXPERIMENT = "experiment"
    TRAINING = "training"
    TRAINING_TEMPLATE = "training-template"
    HYPERPARAMETER_TUNING = "hyperparameter-tuning"
    TRIAL = "trial"
    MODEL = "model"
    ENDPOINT = "endpoint"
    ENDPOINT_STAGE = "endpoint-stage"
    ENDPOINT_MODEL = "endpoint-model"
    """A stage resource."""
    POD = "pod"
    IMAGE = "image"


@dataclass(frozen=True)
class Reference:
    """A resource as others name it."""

    kind: ResourceKind
    id: str
    name: str
