"""MLflow: the one server of this home, and what it is told of a training (architecture 11).

The record of a training in ``state.db`` is the source, its run in MLflow a copy that may be made again at any time. What
users' code logs into the run itself is MLflow's alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.settings import Settings

KIND = "mlflow"
IMAGE = "mlflow-3.17-cpu"
"""The catalogue's image of the server."""

PREFIX = "easymaker."
EXPERIMENT_TAG = f"{PREFIX}experimentId"
EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""The tag by which MLflow's page shows runs of trainings, not of language models."""
TRAINING_TAG = f"{PREFIX}trainingId"
TUNING_TAG = f"{PREFIX}hyperparameterTuningId"
MODELS_TAG = f"{PREFIX}models"
"""Names and ids of the models that were made from a training."""
TAGS_TAG = "mlflow.easymaker.tags"
"""Remembers in the run which of its tags are the training's. MLflow's page hides what begins like its own."""

# MLflow's own limits.
_MAXIMUM_NAME = 250
_MAXIMUM_VALUE = 6000
_FORBIDDEN = re.compile(r"[^/\w.\- :]")


@dataclass(frozen=True)
class Server:
    """The site of the server. There is one."""

    id: str = "home"

    @property
    def workload(self) -> str:
        """Name of the server's workload: kind, id, attempt and role (architecture 2)."""
        return f"{KIND}-{self.id}-1-server"

    @property
    def network(self) -> str:
        """Name of the server's network, in which it is alone."""
        return f"{KIND}-{self.id}-server"

    @property
    def path(self) -> str:
        """Where it is below the gateway's address, with a slash at the end: the page's own addresses are relative."""
        return f"/{KIND}/"


SERVER = Server()


def run_id(training_id: str) -> str:
    """Return the id of a training's run: 32 hexadecimal digits as MLflow's own, beginning with the training's id."""
    return training_id.ljust(32, "0")


def place_of(training_id: str | None) -> str:
    """Return the place of a training's run, or that of all experiments, on MLflow's page below the server's path."""
    return "#/experiments?workflowType=machine_learning" if training_id is None else f"#/runs/{run_id(training_id)}"


def client_environment(settings: Settings, token: str) -> dict[str, str]:
    """Return the variables by which MLflow's client finds the server; none if there is no gateway."""
    if settings.gateway_url is None:
        return {}
    return {
        "MLFLOW_TRACKING_URI": settings.gateway_url + SERVER.path.rstrip("/"),
        "MLFLOW_TRACKING_TOKEN": token,
        # It would tell its makers of every use (architecture 13).
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


class RunStatus(StrEnum):
    """MLflow's words."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


_STATUSES = {
    TrainingStatus.CREATE_REQUESTED: RunStatus.SCHEDULED,
    TrainingStatus.COMPLETE: RunStatus.FINISHED,
    TrainingStatus.STOPPED: RunStatus.KILLED,
    TrainingStatus.FAIL_TRAIN: RunStatus.FAILED,
    TrainingStatus.CREATE_FAILED: RunStatus.FAILED,
}


@dataclass(frozen=True)
class Run:
    """What MLflow is told of a training. Times in epoch milliseconds; ``mine``: the names for ``TAGS_TAG``, a line each."""

    id: str
    name: str
    status: RunStatus
    started_at: int
    ended_at: int | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    mine: str

    def outdated(self, known: Mapping[str, str]) -> list[str]:
        """Return the tags that the training had when MLflow was told last, and has no more; ``known`` are the run's tags."""
        return [name for name in known.get(TAGS_TAG, "").split("\n") if name in known and name not in self.mine.split("\n")]


def run_of(training: Training, image_name: str, user: str, models: Sequence[str] = ()) -> Run:
    """Return the run of a training, with the words of the product in tags that begin with ``PREFIX``.

    ``models``: what those made from it are called. Their tag comes and goes with them, as those of the training do.
    """
    spec, cause = training.spec, training.cause
    mine = _unique((tag.tag_key, tag.tag_value) for tag in spec.tag_list)
    if models:
        mine[MODELS_TAG] = ", ".join(models)[:_MAXIMUM_VALUE]
    own = {
        TRAINING_TAG: training.id,
        EXPERIMENT_TAG: spec.experiment_id,
        TUNING_TAG: training.tuning_id,
        f"{PREFIX}status": training.status,
        f"{PREFIX}reason": None if cause is None or not training.status.is_finished else cause.message,
        f"{PREFIX}image": image_name,
        f"{PREFIX}flavor": training.flavor.name,
        f"{PREFIX}instanceCount": str(spec.instance_count),
        f"{PREFIX}sourceDirUri": spec.source_dir_uri,
        f"{PREFIX}modelUploadUri": spec.model_upload_uri,
        "mlflow.note.content": training.description or "",
        "mlflow.source.name": spec.entry_point,
        "mlflow.source.type": "JOB",
        "mlflow.user": user,
    }
    began = training.created_at if training.started_at is None else training.started_at
    return Run(
        id=run_id(training.id), name=training.name, status=_STATUSES.get(training.status, RunStatus.RUNNING),
        started_at=milliseconds(began),
        ended_at=None if training.finished_at is None else milliseconds(training.finished_at),
        parameters=_unique((p.parameter_name, p.parameter_value) for p in spec.hyperparameter_list),
        tags={**mine, **{name: value[:_MAXIMUM_VALUE] for name, value in own.items() if value is not None}},
        mine="\n".join(mine),
    )  # fmt: skip


def milliseconds(seconds: float) -> int:
    """Return a time as MLflow writes it."""
    return round(seconds * 1000)


def valid_name(text: str) -> str:
    """Return ``text`` as a name of a parameter, metric or tag that MLflow takes; the same if it is one."""
    name = _FORBIDDEN.sub("_", text)[:_MAXIMUM_NAME]
    # It takes names for relative paths in their shortest form.
    if not name or name.startswith(("/", "..")) or posixpath.normpath(name) != name or name == ".":
        name = name.replace("/", "_").strip(".") or "_"
    return name


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by names that MLflow takes; those that become the same are told apart by a number."""
    found: dict[str, str] = {}
    for text, value in named:
        name, number = valid_name(text), 1
        while name in found:
            number += 1
            suffix = f"_{number}"
            name = valid_name(text)[: _MAXIMUM_NAME - len(suffix)] + suffix
        found[name] = value
    return found
