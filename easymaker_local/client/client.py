"""Every call of the API that the command line needs, named as the services name them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, cast
from urllib.parse import quote

import httpx

from easymaker_local.client.endpoint_calls import EndpointCalls
from easymaker_local.client.shapes import (
    AccessOverview,
    Analysis,
    ApiStatistics,
    Body,
    ContainerAccess,
    Current,
    Dashboard,
    Disk,
    Event,
    Examination,
    Experiment,
    Flavor,
    Found,
    Image,
    Log,
    Login,
    LogPage,
    Machine,
    MetricCheck,
    Model,
    Monitoring,
    Point,
    Preparation,
    Queue,
    Reclaimed,
    SavedTrainingTemplate,
    StageMonitoring,
    StoredObject,
    System,
    TopEndpoints,
    Training,
    TrainingMetric,
    TrainingTemplate,
    TrainingTemplateValues,
    Trial,
    Tuning,
    WebLogin,
)
from easymaker_local.client.transport import Transport
from easymaker_local.settings import Settings

# Answers are quick, but a first one may wait for a busy disk.
READ_SECONDS = 60.0
CONNECT_SECONDS = 5.0
SLOW_SECONDS = 600.0
PAGE_ROWS = 500


def base_url(settings: Settings) -> str:
    """Return where the daemon of these settings is reached from this machine."""
    return settings.api_url


def find_token(settings: Settings) -> str | None:
    """Return the token of this home; without one, what ``EM_TOKEN`` says.

    The file goes first: it belongs to the daemon that the settings name, the variable may be another one's.
    """
    try:
        token = settings.token_file.read_text().strip()
    except OSError:
        token = ""
    return token or os.environ.get("EM_TOKEN")


def connect(settings: Settings) -> Client:
    """Return a client of the daemon of these settings; nothing is sent yet."""
    token = find_token(settings)
    http = httpx.Client(
        base_url=base_url(settings),
        headers={"X-EasyMaker-Token": token} if token else {},
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        # The daemon is on this machine: a proxy would be a detour, and loading certificates a third of the start-up time.
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    return Client(http, settings.appkey)


class Client(EndpointCalls):
    """Calls return the answer's payload; refusals raise what the daemon raised, silence raises DaemonUnreachable.

    May be used by several threads at once.
    """

    def __init__(self, http: httpx.Client, appkey: str = "local") -> None:
        self._transport = Transport(http, f"/v1.0/appkeys/{quote(appkey, safe='')}")
        self._call = self._transport.call
        self._root_call = Transport(http, "").call

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._transport.close()

    # -- the appliance

    def is_alive(self) -> bool:
        """True if a daemon answers."""
        return self._transport.is_alive()

    def system(self, timeout: float | None = None) -> System:
        """Return version, driver and capacity."""
        return cast(System, self._call("GET", "system", timeout=timeout)["system"])

    def dashboard(self) -> Dashboard:
        """Return how much there is of what, who uses most, and what failed last."""
        return cast(Dashboard, self._call("GET", "dashboard")["dashboard"])

    def search(self, text: str, limit: int) -> list[Found]:
        """Return resources of every kind that fit a text, best first."""
        return cast(list[Found], self._call("GET", "search", query={"query": text, "limit": limit})["searchResultList"])

    def stop_system(self) -> None:
        """End the daemon; jobs go on."""
        self._call("PUT", "system", "stop", timeout=10)

    def queue(self, limit: int | None = None) -> Queue:
        """Return what runs and what waits, or the first ``limit`` of that."""
        return cast(Queue, self._call("GET", "queue", query={"limit": limit})["queue"])

    def machine(self, timeout: float | None = None) -> Machine:
        """Return what there is to give, with the state of every GPU."""
        return cast(Machine, self._call("GET", "machine", timeout=timeout)["machine"])

    def current_use(self) -> list[Current]:
        """Return the newest samples: of the machine, and of everything that runs."""
        return cast(list[Current], self._call("GET", "monitoring", "current")["currentList"])

    def endpoint_api_statistics(self, endpoint_id: str, begin: str | None = None, end: str | None = None) -> ApiStatistics:
        """Return the calls of an endpoint: of the last 24 hours, or from ``begin`` to ``end`` (ISO 8601)."""
        answer = self._call("GET", "endpoints", endpoint_id, "api-statistics", query={"from": begin, "to": end})
        return cast(ApiStatistics, answer["apiStatistics"])

    def stage_api_statistics(self, stage_id: str, begin: str | None = None, end: str | None = None) -> ApiStatistics:
        """Return the calls of a stage, in the same way."""
        answer = self._call("GET", "endpoint-stages", stage_id, "api-statistics", query={"from": begin, "to": end})
        return cast(ApiStatistics, answer["apiStatistics"])

    def most_called_endpoints(self, count: int, begin: str | None = None, end: str | None = None) -> TopEndpoints:
        """Return the endpoints with the most calls, in the same way."""
        answer = self._call("GET", "api-statistics", "top", query={"count": count, "from": begin, "to": end})
        return cast(TopEndpoints, answer["apiStatistics"])

    def disk(self) -> Disk:
        """Return what takes the disk; it is counted, which may take a while."""
        return cast(Disk, self._call("GET", "disk", timeout=SLOW_SECONDS)["diskUsage"])

    def reclaim(self, places: Sequence[str]) -> Reclaimed:
        """Remove entries of ``disk`` that nothing needs."""
        answer = self._call("POST", "disk", "reclaim", body={"placeList": [*places]}, timeout=SLOW_SECONDS)
        return cast(Reclaimed, answer["reclaimed"])

    # -- access

    def create_login(self) -> Login:
        """Make a one-time link for a browser."""
        return cast(Login, self._call("POST", "system", "login")["login"])

    def create_mlflow_login(self, training_id: str | None = None) -> WebLogin:
        """Make a one-time link to MLflow, at the run of a training if one is given."""
        return cast(WebLogin, self._call("POST", "mlflow", "login", query={"trainingId": training_id})["mlflowLogin"])

    def create_tensorboard_login(self, scope: str, resource_id: str) -> WebLogin:
        """Make a one-time link to the TensorBoard of an ``experiment``, ``training`` or ``tuning``."""
        return cast(WebLogin, self._call("POST", "tensorboard", scope, resource_id, "login")["tensorboardLogin"])

    def rotate_token(self) -> None:
        """Replace the user's token in its file; this client keeps the old one, which ends."""
        self._call("PUT", "system", "token")

    # -- the catalogue

    def flavors(self) -> list[Flavor]:
        """Return all flavors, smallest first."""
        return cast(list[Flavor], self._call("GET", "flavors")["flavorList"])

    def images(self, group: str | None = None) -> list[Image]:
        """Return the images, all or those of a group."""
        return cast(list[Image], self._call("GET", "images", query={"groupTypeCodeList": group})["imageList"])

    def preparation(self, image_id: str) -> Preparation:
        """Say whether an image's environment is prepared."""
        return cast(Preparation, self._call("GET", "images", image_id, "preparation")["preparation"])

    def prepare(self, image_id: str) -> Preparation:
        """Begin to prepare it, unless it is ready or at work."""
        return cast(Preparation, self._call("POST", "images", image_id, "preparation")["preparation"])

    # -- experiments

    def experiments(
        self, name: str | None = None, *, id_prefix: str | None = None, keyword: str | None = None,
        sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Experiment]:  # fmt: skip
        """Return the experiments that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "experimentNameList": name, "experimentIdPrefix": id_prefix, "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Experiment], self._list("experiments", "experimentList", query, limit))

    def experiment(self, experiment_id: str) -> Experiment:
        """Return one."""
        return cast(Experiment, self._call("GET", "experiments", experiment_id)["experiment"])

    def create_experiment(self, name: str, description: str | None = None) -> Experiment:
        """Create one; Conflict if the name is taken."""
        body = {"experimentName": name, "description": description}
        return cast(Experiment, self._call("POST", "experiments", body=body)["experiment"])

    def check_experiment(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "experiments", "check", body=body)

    def change_experiment(self, experiment_id: str, body: Body) -> Experiment:
        """Change name or description."""
        return cast(Experiment, self._call("PATCH", "experiments", experiment_id, body=body)["experiment"])

    def retry_experiment(self, experiment_id: str) -> Experiment:
        """Repair one whose creation failed."""
        return cast(Experiment, self._call("PUT", "experiments", experiment_id, "retry")["experiment"])

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete one."""
        self._call("DELETE", "experiments", experiment_id)

    def experiment_events(self, experiment_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        found = self._call("GET", "experiments", experiment_id, "events", query={"after": after})["eventList"]
        return cast(list[Event], found)

    # -- trainings

    def trainings(
        self, experiment_id: str | None = None, *, name: str | None = None, statuses: Sequence[str] = (),
        id_prefix: str | None = None, keyword: str | None = None,
        sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Training]:  # fmt: skip
        """Return the trainings that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "experimentId": experiment_id, "trainingName": name, "trainingStatusCodeList": [*statuses] or None,
            "trainingIdPrefix": id_prefix, "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Training], self._list("trainings", "trainingList", query, limit))

    def training(self, training_id: str) -> Training:
        """Return one."""
        return cast(Training, self._call("GET", "trainings", training_id)["training"])

    def create_training(self, body: Body) -> Training:
        """Ask for one; InvalidRequest names every field at fault."""
        return cast(Training, self._call("POST", "trainings", body=body)["training"])

    def check_training(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "trainings", "check", body=body)

    def change_training(self, training_id: str, body: Body) -> Training:
        """Change name, description or tags."""
        return cast(Training, self._call("PATCH", "trainings", training_id, body=body)["training"])

    def stop_training(self, training_id: str) -> None:
        """Ask it to end."""
        self._call("PUT", "trainings", training_id, "stop")

    def delete_training(self, training_id: str) -> None:
        """Delete an ended one."""
        self._call("DELETE", "trainings", training_id)

    def training_copy_source(self, training_id: str) -> Body:
        """Return its settings as a creation body."""
        return cast(Body, self._call("GET", "trainings", training_id, "copy-source")["copySource"])

    def training_events(self, training_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        found = self._call("GET", "trainings", training_id, "events", query={"after": after})["eventList"]
        return cast(list[Event], found)

    def training_log(self, training_id: str, node: int = 0, offset: int = 0, wait_seconds: float = 0) -> Log:
        """Return a piece of a node's log; waits up to ``wait_seconds`` for more."""
        query = {"node": node, "offset": offset, "waitSeconds": wait_seconds}
        answer = self._call("GET", "trainings", training_id, "logs", query=query, timeout=READ_SECONDS + wait_seconds)
        return cast(Log, answer["log"])

    def training_monitoring(self, training_id: str, begin: str | None = None, end: str | None = None) -> Monitoring:
        """Return what its nodes used: all of its time, or from ``begin`` to ``end`` (ISO 8601)."""
        query = {"from": begin, "to": end}
        return cast(Monitoring, self._call("GET", "trainings", training_id, "monitoring", query=query)["monitoring"])

    def training_metrics(self, training_id: str) -> list[TrainingMetric]:
        """Return what it has logged for TensorBoard, by name."""
        return cast(list[TrainingMetric], self._call("GET", "trainings", training_id, "metrics")["metricList"])

    def stage_monitoring(self, stage_id: str, begin: str | None = None, end: str | None = None) -> StageMonitoring:
        """Return what a stage's pods used: all of its time, or from ``begin`` to ``end`` (ISO 8601)."""
        query = {"from": begin, "to": end}
        found = self._call("GET", "endpoint-stages", stage_id, "monitoring", query=query)
        return cast(StageMonitoring, found["monitoring"])

    def download_training_log(
        self, training_id: str, node: int = 0
    ) -> AbstractContextManager[tuple[int | None, Iterator[bytes]]]:
        """Open a node's whole log as it was written: its length and its blocks."""
        return self._transport.download("trainings", training_id, "logs", "raw", query={"node": node})

    # -- training templates

    def training_templates(
        self, *, name: str | None = None, id_prefix: str | None = None, keyword: str | None = None,
        sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[TrainingTemplate]:  # fmt: skip
        """Return the templates that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "trainingTemplateName": name, "trainingTemplateIdPrefix": id_prefix, "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[TrainingTemplate], self._list("training-templates", "trainingTemplateList", query, limit))

    def training_template(self, template_id: str) -> TrainingTemplate:
        """Return one."""
        return cast(TrainingTemplate, self._call("GET", "training-templates", template_id)["trainingTemplate"])

    def create_training_template(self, body: Body) -> SavedTrainingTemplate:
        """Store one; InvalidRequest names every field at fault."""
        return cast(SavedTrainingTemplate, self._call("POST", "training-templates", body=body))

    def check_training_template(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "training-templates", "check", body=body)

    def change_training_template(self, template_id: str, body: Body) -> SavedTrainingTemplate:
        """Change what it holds."""
        return cast(SavedTrainingTemplate, self._call("PATCH", "training-templates", template_id, body=body))

    def delete_training_template(self, template_id: str) -> None:
        """Delete one."""
        self._call("DELETE", "training-templates", template_id)

    def training_template_copy_source(self, template_id: str) -> Body:
        """Return all of it as a creation body."""
        return cast(Body, self._call("GET", "training-templates", template_id, "copy-source")["copySource"])

    def training_template_values(self, template_id: str, use: str = "training") -> TrainingTemplateValues:
        """Return what it supplies to a ``training`` or ``tuning``."""
        answer = self._call("GET", "training-templates", template_id, "values", query={"for": use})
        return cast(TrainingTemplateValues, answer)

    # -- hyperparameter tunings

    def tunings(
        self, experiment_id: str | None = None, *, name: str | None = None, statuses: Sequence[str] = (),
        id_prefix: str | None = None, keyword: str | None = None,
        sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Tuning]:  # fmt: skip
        """Return the tunings that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "experimentId": experiment_id, "hyperparameterTuningName": name,
            "hyperparameterTuningStatusCodeList": [*statuses] or None, "hyperparameterTuningIdPrefix": id_prefix,
            "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Tuning], self._list("hyperparameter-tunings", "hyperparameterTuningList", query, limit))

    def tuning(self, tuning_id: str) -> Tuning:
        """Return one."""
        return cast(Tuning, self._call("GET", "hyperparameter-tunings", tuning_id)["hyperparameterTuning"])

    def create_tuning(self, body: Body) -> Tuning:
        """Ask for one; InvalidRequest names every field at fault."""
        return cast(Tuning, self._call("POST", "hyperparameter-tunings", body=body)["hyperparameterTuning"])

    def check_tuning(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "hyperparameter-tunings", "check", body=body)

    def change_tuning(self, tuning_id: str, body: Body) -> Tuning:
        """Change name, description or tags."""
        return cast(Tuning, self._call("PATCH", "hyperparameter-tunings", tuning_id, body=body)["hyperparameterTuning"])

    def stop_tuning(self, tuning_id: str) -> None:
        """Ask it to end, with the trials that run."""
        self._call("PUT", "hyperparameter-tunings", tuning_id, "stop")

    def delete_tuning(self, tuning_id: str) -> None:
        """Delete an ended one with its trials."""
        self._call("DELETE", "hyperparameter-tunings", tuning_id)

    def tuning_copy_source(self, tuning_id: str) -> Body:
        """Return its settings as a creation body."""
        return cast(Body, self._call("GET", "hyperparameter-tunings", tuning_id, "copy-source")["copySource"])

    def tuning_events(self, tuning_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        found = self._call("GET", "hyperparameter-tunings", tuning_id, "events", query={"after": after})["eventList"]
        return cast(list[Event], found)

    def tuning_analysis(self, tuning_id: str) -> Analysis:
        """Return what it has found out."""
        return cast(Analysis, self._call("GET", "hyperparameter-tunings", tuning_id, "analysis")["analysis"])

    def trials(self, tuning_id: str) -> list[Trial]:
        """Return all trials of a tuning, in the order in which they were made."""
        return cast(list[Trial], self._call("GET", "hyperparameter-tunings", tuning_id, "trials")["trialList"])

    def trial_points(self, tuning_id: str, trial_id: str, metric: str) -> list[Point]:
        """Return all values of a trial's metric, in their order."""
        found: list[Point] = []
        step: int | None = 0
        while step is not None:
            query = {"metricName": metric, "step": step}
            answer = self._call("GET", "hyperparameter-tunings", tuning_id, "trials", trial_id, "metrics", query=query)
            found += answer["pointList"]
            step = answer["nextStep"]
        return found

    def check_metrics(self, body: Body) -> MetricCheck:
        """Try a metric format on lines of a log."""
        return cast(MetricCheck, self._call("POST", "hyperparameter-tunings", "check-metrics", body=body)["metricCheck"])

    # -- models

    def models(
        self, *, name: str | None = None, statuses: Sequence[str] = (), id_prefix: str | None = None,
        keyword: str | None = None, sort_by: str | None = None, sort_order: str | None = None, limit: int | None = None,
    ) -> list[Model]:  # fmt: skip
        """Return the models that meet every condition, or ``limit`` of them; newest first unless sorted otherwise."""
        query = {
            "modelName": name, "modelStatusCodeList": [*statuses] or None, "modelIdPrefix": id_prefix, "keyword": keyword,
            "sortBy": sort_by, "sortOrder": sort_order,
        }  # fmt: skip
        return cast(list[Model], self._list("models", "modelList", query, limit))

    def model(self, model_id: str) -> Model:
        """Return one."""
        return cast(Model, self._call("GET", "models", model_id)["model"])

    def create_model(self, body: Body) -> Model:
        """Ask for one; InvalidRequest names every field at fault."""
        return cast(Model, self._call("POST", "models", body=body)["model"])

    def check_model(self, body: Body) -> None:
        """Raise what its creation would raise; nothing is created."""
        self._call("POST", "models", "check", body=body)

    def change_model(self, model_id: str, body: Body) -> Model:
        """Change name, description or tags."""
        return cast(Model, self._call("PATCH", "models", model_id, body=body)["model"])

    def delete_model(self, model_id: str) -> None:
        """Delete one; its artifact stays."""
        self._call("DELETE", "models", model_id)

    def model_examination(self, model_id: str) -> Examination | None:
        """Return what was found in its artifact; None: nothing was looked at."""
        found = self._call("GET", "models", model_id, "examination")["examination"]
        return cast("Examination | None", found)

    def model_events(self, model_id: str, after: int = 0) -> list[Event]:
        """Return its history, oldest first."""
        found = self._call("GET", "models", model_id, "events", query={"after": after})["eventList"]
        return cast(list[Event], found)

    # -- the log store

    def search_logs(
        self, query: str = "", *, first: str | None = None, last: str | None = None, limit: int = 100,
        before: int | None = None, after: int | None = None, wait_seconds: float = 0,
    ) -> LogPage:  # fmt: skip
        """Return a page of matches, newest first; with ``after`` oldest first, and it waits up to ``wait_seconds`` for one."""
        options = {"from": first, "to": last, "limit": limit, "before": before, "after": after}
        found = self._call(
            "GET", "logs", query={"query": query, **options, "waitSeconds": wait_seconds}, timeout=READ_SECONDS + wait_seconds
        )
        return cast(LogPage, found)

    def send_logs(self, entries: Sequence[Body]) -> None:
        """Store entries of one's own (LG-21)."""
        self._root_call("POST", "v2", "log", body=entries)

    # -- storage

    def containers(self) -> Sequence[str]:
        """Return the names of all containers."""
        return cast(list[str], self._call("GET", "storage", "containers")["containerList"])

    def create_container(self, name: str) -> None:
        """Make one; calm if it exists."""
        self._call("POST", "storage", "containers", body={"containerName": name})

    def container_access(self, name: str) -> ContainerAccess:
        """Return what the system account may do in one."""
        return cast(ContainerAccess, self._call("GET", "storage", "containers", name, "access")["containerAccess"])

    def all_container_access(self) -> AccessOverview:
        """Return the system account and what it may do in each."""
        return cast(AccessOverview, self._call("GET", "storage", "access"))

    def change_container_access(self, name: str, *, read: bool | None = None, write: bool | None = None) -> ContainerAccess:
        """Grant to the system account or take away; None leaves it."""
        body = {key: value for key, value in (("read", read), ("write", write)) if value is not None}
        return cast(ContainerAccess, self._call("PUT", "storage", "containers", name, "access", body=body)["containerAccess"])

    def objects(self, uri: str, *, recursive: bool = False) -> list[StoredObject]:
        """Return a directory's entries, or the one of a file."""
        query = _with_flag({"uri": uri}, recursive)
        return cast(list[StoredObject], self._call("GET", "storage", "objects", query=query)["objectList"])

    def delete_object(self, uri: str, *, recursive: bool = False) -> None:
        """Delete a file, or with ``recursive`` a directory or container."""
        self._call("DELETE", "storage", "objects", query=_with_flag({"uri": uri}, recursive))

    def read_object(self, uri: str) -> AbstractContextManager[tuple[int | None, Iterator[bytes]]]:
        """Open a file: its length and its blocks."""
        return self._transport.download("storage", "content", query={"uri": uri})

    def write_object(self, uri: str, blocks: Iterable[bytes]) -> StoredObject:
        """Store a file; it is seen when it is whole."""
        answer = self._call("PUT", "storage", "content", query={"uri": uri}, content=blocks, timeout=600)
        return cast(list[StoredObject], answer["objectList"])[0]

    def _list(self, path: str, key: str, query: dict[str, Any], limit: int | None) -> list[Any]:
        """Return all rows or ``limit`` of them, asked for page by page."""
        rows: list[Any] = []
        cursor = None
        while True:
            count = PAGE_ROWS if limit is None else min(PAGE_ROWS, limit - len(rows))
            answer = self._call("GET", path, query={**query, "limit": count, "cursor": cursor})
            rows += answer[key]
            cursor = answer["nextCursor"]
            if cursor is None or len(rows) == limit:
                return rows


def _with_flag(query: dict[str, Any], recursive: bool) -> dict[str, Any]:
    return {**query, "recursive": "true"} if recursive else query
