"""What a change tells: which resource is no longer as it was, never how it is now. Whoever wants to know asks."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ChangeKind(StrEnum):
    """What a resource is, as clients are told."""

    EXPERIMENT = "experiment"
    TRAINING = "training"
    TRAINING_TEMPLATE = "training-template"
    HYPERPARAMETER_TUNING = "hyperparameter-tuning"
    TRIAL = "trial"
    """``parent_id``: the tuning's. Its training has the same id and is not told beside it."""
    MODEL = "model"
    ENDPOINT = "endpoint"
    ENDPOINT_STAGE = "endpoint-stage"
    """``parent_id``: the endpoint's."""
    ENDPOINT_MODEL = "endpoint-model"
    """A stage resource; ``parent_id``: the stage's."""
    POD = "pod"
    """``parent_id``: the stage's."""
    IMAGE = "image"
    """Its environment is being prepared, further or no longer."""
    QUEUE = "queue"
    """What is held, what waits, its places and reasons; without ids."""


class Change(NamedTuple):
    """A resource that was made, is different or is gone; ``kind`` a ``ChangeKind``, or ``SAMPLES``."""

    kind: str
    resource_id: str | None = None
    parent_id: str | None = None


QUEUE_CHANGE = Change(ChangeKind.QUEUE)
SAMPLES = Change("sample")
"""There are new samples of what is used. Not a resource, but told the same way."""
