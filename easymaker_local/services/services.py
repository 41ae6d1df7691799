"""All services of one context, as the API gets them."""

from __future__ import annotations

from dataclasses import dataclass

from easymaker_local.services.buckets import Buckets
from easymaker_local.services.context import Context
from easymaker_local.services.experiments import Experiments
from easymaker_local.services.trainings import Trainings


@dataclass(frozen=True)
class Services:
    """One object per resource."""

    context: Context
    buckets: Buckets
    experiments: Experiments
    trainings: Trainings

    @classmethod
    def of(cls, context: Context) -> Services:
        """Build them."""
        return cls(context, Buckets(context), Experiments(context), Trainings(context))
