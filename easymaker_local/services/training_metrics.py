"""What trainings log for TensorBoard and MLflow, read by the daemon: no container is started to see a loss (TR-34, TB-04)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from easymaker_local.artifacts.mlflow_metrics import MlflowMetrics
from easymaker_local.artifacts.run_metrics import RunMetrics
from easymaker_local.domain import contract
from easymaker_local.domain.mlflow import run_id, valid_name
from easymaker_local.domain.training_metric import Metric
from easymaker_local.errors import DatabaseUnavailable
from easymaker_local.services.context import Context
from easymaker_local.store import metric_points, trainings

KEPT_RUNS = 16
"""So many runs are kept as far as they were read: those that were asked for last. Each takes some megabytes at most."""


@dataclass
class _Kept:
    """A run. Whoever waits for another reading of it waits here: a thread that waits would be missed elsewhere."""

    tensorboard: RunMetrics = field(default_factory=RunMetrics)
    mlflow: MlflowMetrics = field(default_factory=MlflowMetrics)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TrainingMetrics:
    """Reads only; trainings write."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def of(self, training_id: str, most: int) -> Sequence[Metric]:
        """Return what a training has logged so far, by name, at most so many points of each.

        Raises NotFound, and DatabaseUnavailable of MLflow's.
        What it logs to both under one name is TensorBoard's. What the daemon reads in a trial's output and tells MLflow of is
        the trial's, and not among them.
        """
        context = self._context

        def look(db: sqlite3.Connection) -> tuple[str, set[str]]:
            told = {valid_name(name) for name in metric_points.of_training(db, training_id)}
            return trainings.experiment_of(db, training_id), told

        experiment_id, told = await context.store.read(look)
        kept = self._kept.setdefault(training_id, _Kept())
        self._kept.move_to_end(training_id)
        if len(self._kept) > KEPT_RUNS:
            self._kept.popitem(last=False)

        def read() -> Sequence[Metric]:
            run = context.tensorboard_logs.find(experiment_id, training_id)
            found = {} if run is None else {one.name: one for one in kept.tensorboard.read(run, most)}
            database = context.settings.mlflow / contract.MLFLOW_DATABASE
            try:
                logged = kept.mlflow.read(database, run_id(training_id), most)
            except sqlite3.Error as error:
                raise DatabaseUnavailable(f"MLflow's database {database} cannot be read: {error}.") from error
            found = {one.name: one for one in logged if one.name not in told} | found
            return [found[name] for name in sorted(found)]

        async with kept.lock:
            return await asyncio.to_thread(read)
