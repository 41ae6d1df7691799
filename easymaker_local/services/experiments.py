"""Experiments: create, list, change, retry, delete (EX)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from easymaker_local.domain import tensorboard
from easymaker_local.domain.experiment import Experiment, ExperimentChange, ExperimentSpec, ExperimentStatus
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.errors import Conflict, FieldError, InvalidRequest
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.store import events, experiments, trainings, tunings
from easymaker_local.store.database import Work
from easymaker_local.store.experiments import Wanted


class Experiments:
    """Set-up is immediate, so ``create`` answers with the final status (rest-api §2.4)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: ExperimentSpec) -> Experiment:
        """Create and set up; raises Conflict if the name is taken."""
        return await self.set_up(await self._context.store.write(self._creation(spec)))

    async def check(self, spec: ExperimentSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(self._creation(spec))

    def _creation(self, spec: ExperimentSpec) -> Work[Experiment]:
        now = self._context.clock.now()
        status = ExperimentStatus.CREATE_REQUESTED
        experiment = Experiment(new_id(), spec.experiment_name, spec.description, status, None, now)

        def insert(db: sqlite3.Connection) -> Experiment:
            experiments.add(db, experiment)
            return experiment

        return insert

    async def set_up(self, experiment: Experiment) -> Experiment:
        """Carry an unfinished creation to its end; also after a crash in the middle, and as Retry (EX-06, EX-17)."""
        store = self._context.store
        progress = ExperimentStatus.CREATE_IN_PROGRESS
        if experiment.status is not progress:
            await self._move(experiment.id, experiment.status, progress)
        try:
            log_root = self._context.tensorboard_logs.experiment(experiment.id)
            await asyncio.to_thread(log_root.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            await self._move(experiment.id, progress, ExperimentStatus.CREATE_FAILED, f"The log root cannot be made: {error}.")
        else:
            await self._move(experiment.id, progress, ExperimentStatus.ACTIVE)
        return await store.read(lambda db: experiments.get(db, experiment.id))

    async def retry(self, experiment_id: str) -> Experiment:
        """Repair an experiment whose creation failed; raises Conflict in any other status."""
        experiment = await self.get(experiment_id)
        if experiment.status is not ExperimentStatus.CREATE_FAILED:
            raise Conflict(f"Experiment {experiment_id} is {experiment.status}; retry is possible in CREATE_FAILED.")
        return await self.set_up(experiment)

    async def get(self, experiment_id: str) -> Experiment:
        """Return one; raises NotFound."""
        return await self._context.store.read(lambda db: experiments.get(db, experiment_id))

    async def referred(self, ids: Iterable[str | None]) -> dict[str | None, Experiment]:
        """Return experiments that something refers to, deleted ones too (EX-21)."""

        def find(db: sqlite3.Connection) -> dict[str | None, Experiment]:
            found = {wanted: experiments.find(db, wanted) for wanted in ids if wanted is not None}
            return {wanted: experiment for wanted, experiment in found.items() if experiment is not None}

        return await self._context.store.read(find)

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[Experiment]:
        """Return a page of those wanted."""
        return await self._context.store.read(lambda db: experiments.page(db, wanted, request))

    async def events(self, experiment_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""
        await self.get(experiment_id)
        return await self._context.store.read(lambda db: events.of_resource(db, experiments.KIND, experiment_id, after))

    async def change(self, experiment_id: str, change: ExperimentChange) -> Experiment:
        """Rename or describe (EX-09). A field that is absent stays."""
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("experimentName", "give a name, a description or both")])

        def apply(db: sqlite3.Connection) -> Experiment:
            old = experiments.get(db, experiment_id)
            name = change.experiment_name or old.name
            description = change.description if "description" in change.model_fields_set else old.description
            experiments.change(db, old, name, description, self._context.clock.now())
            return experiments.get(db, experiment_id)

        return await self._context.store.write(apply)

    async def delete(self, experiment_id: str) -> None:
        """Delete, unless it is being created or something in it has not ended (EX-19, EX-20, DP-01, DP-19).

        Check and deletion are one transaction (DP-20).
        """

        def apply(db: sqlite3.Connection) -> None:
            experiment = experiments.get(db, experiment_id)
            if not experiment.status.is_deletable:
                raise Conflict(
                    f"Experiment {experiment_id} is {experiment.status}; deletion is possible in ACTIVE or CREATE_FAILED."
                )
            blocking = [f"training {t.name!r} ({t.id}, {t.status})" for t in trainings.unfinished(db, experiment_id)]
            blocking += [f"tuning {t.name!r} ({t.id}, {t.status})" for t in tunings.unfinished(db, experiment_id)]
            if blocking:
                names = ", ".join(blocking)
                raise Conflict(f"Experiment {experiment.name!r} is in use by {names}.", hint="Stop or await them first.")
            experiments.bury(db, experiment_id, self._context.clock.now())

        await self._context.store.write(apply)
        # Logs of its trainings stay with them; the sweep at the next start takes the folder when they are gone.
        with suppress(OSError):
            await asyncio.to_thread(self._context.tensorboard_logs.experiment(experiment_id).rmdir)
        self._context.hinter.hint(tensorboard.KIND, experiment_id)

    async def _move(self, experiment_id: str, seen: ExperimentStatus, to: ExperimentStatus, message: str | None = None) -> None:
        now = self._context.clock.now()
        await self._context.store.write(
            lambda db: experiments.transition(db, experiment_id, seen=seen, to=to, now=now, message=message)
        )
