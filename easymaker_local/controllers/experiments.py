"""Finishes experiments whose set-up was cut short by a crash; the create call does the rest (EX-L01)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.errors import NotFound, StaleRecord
from easymaker_local.services.context import Context
from easymaker_local.services.experiments import Experiments
from easymaker_local.store import experiments

# A creation that a request carries out now is not ours to finish.
_PATIENCE_SECONDS = 5.0


class ExperimentController:
    """Only looks at experiments that are being created."""

    def __init__(self, service: Experiments, context: Context) -> None:
        self._service = service
        self._context = context

    async def unfinished(self) -> Iterable[str]:
        """Return the ids of experiments that have been in creation for longer than a request takes."""
        before = self._context.clock.now() - _PATIENCE_SECONDS

        def find(db: sqlite3.Connection) -> list[str]:
            creating = [status for status in ExperimentStatus if not status.is_deletable]
            return [e.id for e in experiments.in_status(db, creating) if e.created_at < before]

        return await self._context.store.read(find)

    async def reconcile(self, experiment_id: str) -> float | None:
        """Carry the creation to its end."""
        try:
            experiment: Experiment = await self._service.get(experiment_id)
            if not experiment.status.is_deletable:
                await self._service.set_up(experiment)
        except (NotFound, StaleRecord):
            return None
        return None
