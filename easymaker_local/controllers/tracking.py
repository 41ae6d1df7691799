"""Tells MLflow of trainings what it does not know yet, whenever its server runs (``store/tracking.py``).

One step tells of one training, or of its next values, and writes down that it did: a daemon that dies anywhere tells again
what MLflow may know, which changes nothing there. Nothing here waits for a job or lets one wait.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easymaker_local.controllers.mlflow_rest import BATCH, Failing, MlflowRest, Refused
from easymaker_local.domain.mlflow import run_id, run_of
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import Training
from easymaker_local.errors import NotFound, TransientError
from easymaker_local.services.context import Context
from easymaker_local.store import experiments, models, tracking, trainings
from easymaker_local.store.metric_points import Point
from easymaker_local.store.tracking import Entry

if TYPE_CHECKING:
    from easymaker_local.controllers.web_servers import Ready

log = logging.getLogger(__name__)

_READ_AT_ONCE = 50


@dataclass(frozen=True)
class _News:
    """A training with what MLflow lacks of its values; None: it is deleted, or its record cannot be read."""

    entry: Entry
    training: Training | None
    experiment: str
    points: list[Point]
    is_deleted: bool
    models: Sequence[str] = ()


class Tracking:
    """Callers say where the server is; what tells raises Unreachable."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rest = MlflowRest()
        self._experiments: dict[tuple[str, str], str] = {}
        # Steps of several callers in turn: an experiment must not be made twice.
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._rest.close()

    async def tell(self, to: Ready, seconds: float) -> bool:
        """Tell what there is for about so long, the newest trainings first; True if there was nothing left.

        Where MLflow fails at one, the others are told all the same; raises TransientError in the end.
        """
        deadline = time.monotonic() + seconds
        failed: dict[str, Failing] = {}
        while entries := await self._untold(failed):
            for training_id in entries:
                if time.monotonic() >= deadline:
                    return False
                try:
                    await self._step(to, training_id)
                except Failing as error:
                    failed[training_id] = error
        if failed:
            first, problem = next(iter(failed.items()))
            raise TransientError(f"MLflow cannot be told of training {first} yet: {problem}")
        return True

    async def tell_of(self, to: Ready, training_id: str) -> None:
        """See to it that the run of a training is there; raises Failing."""
        entry = await self._context.store.read(lambda db: tracking.find(db, training_id))
        if entry is not None and entry.told == 0:
            await self._step(to, training_id)

    async def begin_anew(self) -> None:
        """MLflow has lost everything, or has never had anything."""
        self._experiments.clear()
        await self._context.store.write(tracking.begin_anew)

    async def _untold(self, failed: Collection[str]) -> list[str]:
        count = _READ_AT_ONCE + len(failed)
        entries = await self._context.store.read(lambda db: tracking.untold(db, count))
        return [entry.training_id for entry in entries if entry.training_id not in failed]

    async def _step(self, to: Ready, training_id: str) -> None:
        async with self._turn:
            news = await self._context.store.read(lambda db: _read(db, training_id))
            if news is None:
                return
            try:
                await self._tell(to, news)
            except Refused:
                # Somebody may have changed in MLflow what we remember of it: once more, from the beginning.
                self._experiments.clear()
                try:
                    await self._tell(to, news)
                except Refused as error:
                    log.warning("training %s: %s It is left as it is there until it changes again.", training_id, error)
                    await self._record(news)

    async def _tell(self, to: Ready, news: _News) -> None:
        training, entry = news.training, news.entry
        if training is None:
            if news.is_deleted:
                await self._rest.delete_run(to, run_id(entry.training_id))
            await self._record(news)
            return
        image = self._context.catalogue.by_id(training.spec.image_id)
        image_name = training.spec.image_id if image is None else image.name
        run = run_of(training, image_name, self._context.settings.user_id, news.models)
        mlflow_id = await self._experiment(to, training, news.experiment)
        if not await self._rest.put_run(to, mlflow_id, run):
            await self._record(news)  # the user has deleted it there, and wants it to stay so
            return
        if entry.told == 0:
            await self._rest.put_parameters(to, run)
        if news.points:
            await self._rest.put_points(to, run, news.points)
            await self._context.store.write(lambda db: tracking.record_points(db, entry, news.points))
        await self._rest.put_status(to, run)
        if len(news.points) < BATCH:
            await self._record(news)

    async def _experiment(self, to: Ready, training: Training, name: str) -> str:
        experiment_id = training.spec.experiment_id
        assert experiment_id is not None
        key = (experiment_id, name)
        if key not in self._experiments:
            self._experiments[key] = await self._rest.experiment(to, experiment_id, name)
        return self._experiments[key]

    async def _record(self, news: _News) -> None:
        def write(db: sqlite3.Connection) -> None:
            if news.is_deleted:
                tracking.forget(db, news.entry.training_id)
            else:
                tracking.record(db, news.entry)

        await self._context.store.write(write)


def _read(db: sqlite3.Connection, training_id: str) -> _News | None:
    entry = tracking.find(db, training_id)
    if entry is None:
        return None
    try:
        training = trainings.find(db, training_id)
    except NotFound:
        return _News(entry, None, "", [], is_deleted=True)
    experiment = experiments.find(db, trainings.experiment_of(db, training_id))
    if isinstance(training, Quarantined) or experiment is None:
        return _News(entry, None, "", [], is_deleted=False)
    made = [f"{model.name} ({model.id})" for model in models.made_from(db, "training_id", [training_id])]
    return _News(entry, training, experiment.name, tracking.untold_points(db, entry, BATCH), is_deleted=False, models=made)
