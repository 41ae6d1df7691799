"""All services of one context, as the API gets them."""

from __future__ import annotations

from dataclasses import dataclass

from easymaker_local.services.api_statistics import ApiStatistics
from easymaker_local.services.buckets import Buckets
from easymaker_local.services.context import Context
from easymaker_local.services.dashboard import Dashboard
from easymaker_local.services.disk import Disk
from easymaker_local.services.endpoints import Endpoints
from easymaker_local.services.experiments import Experiments
from easymaker_local.services.gateway_resources import GatewayResources
from easymaker_local.services.logs import Logs
from easymaker_local.services.models import Models
from easymaker_local.services.monitoring import Monitoring
from easymaker_local.services.pod_logs import PodLogs
from easymaker_local.services.queue import Queue
from easymaker_local.services.resource_search import ResourceSearch
from easymaker_local.services.stage_preview import StagePreviews
from easymaker_local.services.stage_resources import StageResources
from easymaker_local.services.stages import Stages
from easymaker_local.services.training_metrics import TrainingMetrics
from easymaker_local.services.training_templates import TrainingTemplates
from easymaker_local.services.trainings import Trainings
from easymaker_local.services.tryouts import TryOuts
from easymaker_local.services.tunings import Tunings


@dataclass(frozen=True)
class Services:
    """One object per resource."""

    context: Context
    buckets: Buckets
    experiments: Experiments
    trainings: Trainings
    tunings: Tunings
    training_metrics: TrainingMetrics
    training_templates: TrainingTemplates
    models: Models
    monitoring: Monitoring
    disk: Disk
    queue: Queue
    logs: Logs
    api_statistics: ApiStatistics
    endpoints: Endpoints
    stages: Stages
    stage_resources: StageResources
    stage_previews: StagePreviews
    pod_logs: PodLogs
    gateway_resources: GatewayResources
    dashboard: Dashboard
    resource_search: ResourceSearch
    tryouts: TryOuts

    @classmethod
    def of(cls, context: Context) -> Services:
        """Build them."""
        trainings = Trainings(context)
        return cls(
            context, Buckets(context), Experiments(context), trainings, Tunings(context, trainings),
            TrainingMetrics(context), TrainingTemplates(context),
            Models(context), Monitoring(context), Disk(context), Queue(context), Logs(context),
            ApiStatistics(context),
            Endpoints(context), Stages(context), StageResources(context), StagePreviews(context),
            PodLogs(context),
            GatewayResources(context),
            Dashboard(context),
            ResourceSearch(context),
            TryOuts(context),
        )  # fmt: skip
