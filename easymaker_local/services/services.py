"""All services of one context, as the API gets them."""

from __future__ import annotations

from dataclasses import dataclass

from easymaker_local.services.buckets import Buckets
from easymaker_local.services.context import Context
from easymaker_local.services.disk import Disk
from easymaker_local.services.experiments import Experiments
from easymaker_local.services.logs import Logs
from easymaker_local.services.monitoring import Monitoring
from easymaker_local.services.queue import Queue
from easymaker_local.services.training_templates import TrainingTemplates
from easymaker_local.services.trainings import Trainings


@dataclass(frozen=True)
class Services:
    """One object per resource."""

    context: Context
    buckets: Buckets
    experiments: Experiments
    trainings: Trainings
    training_templates: TrainingTemplates
    monitoring: Monitoring
    disk: Disk
    queue: Queue
    logs: Logs

    @classmethod
    def of(cls, context: Context) -> Services:
        """Build them."""
        return cls(
            context, Buckets(context), Experiments(context), Trainings(context), TrainingTemplates(context),
            Monitoring(context), Disk(context), Queue(context), Logs(context),
        )  # fmt: skip
