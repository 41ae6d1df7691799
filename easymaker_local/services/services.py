"""All services of one context, as the API gets them."""

from __future__ import annotations

from dataclasses import dataclass

from easymaker_local.services.context import Context
from easymaker_local.services.experiments import Experiments
from easymaker_local.services.logs import Logs
from easymaker_local.services.trainings import Trainings


@dataclass(frozen=True)
class Services:
    """One object per resource."""

    context: Context
    experiments: Experiments
    trainings: Trainings
    logs: Logs

    @classmethod
    def of(cls, context: Context) -> Services:
        """Build them."""
        return cls(context, Experiments(context), Trainings(context), Logs(context))
