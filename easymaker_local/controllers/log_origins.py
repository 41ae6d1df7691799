"""What has log management, and how its logs are found: trainings with their nodes, stages with their pods (GN-22, EP-12)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from easymaker_local.controllers.stage_view import work_folder
from easymaker_local.domain.endpoint import Stage
from easymaker_local.domain.log_entry import Source, stage_source, training_source
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.errors import NotFound
from easymaker_local.services.context import Context
from easymaker_local.services.pod_logs import log_folder, model_of_log
from easymaker_local.store import log_shipping, stages, trainings


@dataclass(frozen=True)
class State:
    """How a resource stands; ``name`` is None once it is deleted."""

    source: Source
    name: str | None
    is_started: bool
    is_finished: bool


class Origin(Protocol):
    """One kind of resource that writes logs; ``word`` is how people call one."""

    kind: str
    word: str

    def state(self, db: sqlite3.Connection, resource_id: str) -> State | None:
        """Return how it stands; None: nothing is asked for, or all is in the log store."""
        ...

    def files(self, context: Context, resource_id: str) -> list[Path]:
        """Return what it has written to. Blocks."""
        ...

    def source(self, state: State, path: Path) -> Source:
        """Return what the lines of a file have in common. Blocks."""
        ...

    def exists(self, db: sqlite3.Connection, resource_id: str) -> bool:
        """False once it is deleted."""
        ...

    def folders(self, context: Context, resource_id: str) -> Sequence[Path]:
        """Return what to remove once it is deleted and all is in the log store."""
        ...

    def begin_again(self, db: sqlite3.Connection, appkey: str) -> None:
        """Ask for everything that was ever written: for a log store that begins anew."""
        ...


class TrainingLogs:
    """Nodes of trainings, ``node-<n>.log`` each."""

    kind, word = trainings.KIND, "Training"

    def state(self, db: sqlite3.Connection, resource_id: str) -> State | None:
        source = log_shipping.source(db, self.kind, resource_id)
        if source is None:
            return None
        try:
            training = trainings.find(db, resource_id)
        except NotFound:
            return State(source, None, is_started=True, is_finished=True)
        if isinstance(training, Quarantined):
            return State(source, training.name, is_started=True, is_finished=training.is_finished)
        is_started = training.status is not TrainingStatus.CREATE_REQUESTED
        return State(source, training.name, is_started, training.status.is_finished)

    def files(self, context: Context, resource_id: str) -> list[Path]:
        return sorted(context.log_directory(resource_id).glob("node-*.log"))

    def source(self, state: State, path: Path) -> Source:
        return state.source._replace(node=path.stem.removeprefix("node-"))

    def exists(self, db: sqlite3.Connection, resource_id: str) -> bool:
        return trainings.exists(db, resource_id)

    def folders(self, context: Context, resource_id: str) -> Sequence[Path]:
        # The working files too, if the daemon died before whoever deleted it came to them.
        return [context.work_directory(resource_id), context.log_directory(resource_id)]

    def begin_again(self, db: sqlite3.Connection, appkey: str) -> None:
        for training_id, tuning_id in trainings.with_logs(db):
            log_shipping.begin(db, self.kind, training_id, training_source(appkey, training_id, tuning_id))


class StageLogs:
    """Pods of stages, ``<pod id>.log`` each (LG-13, LG-14, LG-17); a stage has ended when it is deleted."""

    kind, word = stages.KIND, "Stage"

    def state(self, db: sqlite3.Connection, resource_id: str) -> State | None:
        source = log_shipping.source(db, self.kind, resource_id)
        if source is None:
            return None
        try:
            stage = stages.find(db, resource_id)
        except NotFound:
            return State(source, None, is_started=True, is_finished=True)
        return State(source, stage.name, is_started=True, is_finished=False)

    def files(self, context: Context, resource_id: str) -> list[Path]:
        return sorted(log_folder(context.settings, resource_id).glob("*.log"))

    def source(self, state: State, path: Path) -> Source:
        return state.source._replace(model_name=model_of_log(path))

    def exists(self, db: sqlite3.Connection, resource_id: str) -> bool:
        return resource_id in stages.ids(db)

    def folders(self, context: Context, resource_id: str) -> Sequence[Path]:
        return [work_folder(context.settings, resource_id), log_folder(context.settings, resource_id)]

    def begin_again(self, db: sqlite3.Connection, appkey: str) -> None:
        for found in stages.newest(db):
            if isinstance(found, Stage) and found.spec.use_log:
                log_shipping.begin(db, self.kind, found.id, stage_source(appkey, found.endpoint_id, found.id))


ORIGINS: Mapping[str, Origin] = {origin.kind: origin for origin in (TrainingLogs(), StageLogs())}
