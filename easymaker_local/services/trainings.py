"""Trainings: create, list, stop, change, delete, logs (TR). The controller does the rest."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from easymaker_local.domain import contract, tensorboard
from easymaker_local.domain.image import Image
from easymaker_local.domain.log_entry import training_source
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingChange, TrainingSpec
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.kit.files import read_json
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.growing_log import GrowingLog
from easymaker_local.services.models import DELETE_MODELS, users_of
from easymaker_local.services.training_checks import algorithm_faults, find_faults, required_experiment_faults
from easymaker_local.store import events, ledger, log_shipping, metrics, peaks, trainings
from easymaker_local.store.database import Work
from easymaker_local.store.trainings import Wanted

STOPPABLE = ", ".join(s for s in TrainingStatus if s.is_stoppable)
DELETABLE = ", ".join(s for s in TrainingStatus if s.is_finished)


@dataclass(frozen=True)
class Run:
    """How one node was started; secret-looking values are masked."""

    node: int
    working_directory: str
    command: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Remains:
    """A deleted training, of which files are left. ``is_shipping``: what it wrote is still being brought into the log store."""

    training_id: str
    experiment_id: str
    is_shipping: bool


class Trainings:
    """REST, and later schedules, tunings and pipelines, all create trainings here and obey the same rules."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: TrainingSpec) -> Training:
        """Check everything and ask for the training; raises InvalidRequest with every field at fault, nothing is kept then."""
        training = await self._context.store.write(await self._creation(spec))
        self._context.hinter.hint(trainings.KIND, training.id)
        return training

    async def check(self, spec: TrainingSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(await self._creation(spec))

    async def _creation(self, spec: TrainingSpec) -> Work[Training]:
        """Look at what takes its time; the rest is checked by what is returned, which inserts the training."""
        context = self._context
        faults = await find_faults(context, spec) + algorithm_faults(spec)

        def insert(db: sqlite3.Connection) -> Training:
            # In the same transaction as the insert, so that a deletion at the same time cannot slip between (DP-20).
            found = [*required_experiment_faults(db, spec.experiment_id), *faults]
            if found:
                raise InvalidRequest(found)
            training = Training(
                id=new_id(), name=spec.training_name, description=spec.description, spec=spec,
                flavor=context.flavor(spec.flavor_id), status=TrainingStatus.CREATE_REQUESTED, desired=Desired.RUN, cause=None,
                attempt=1, created_at=context.clock.now(),
            )  # fmt: skip
            trainings.add(db, training)
            if spec.use_log:
                source = training_source(context.settings.appkey, training.id)
                log_shipping.begin(db, trainings.KIND, training.id, source)
            return training

        return insert

    async def get(self, training_id: str) -> Training:
        """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
        return self._with_place(await self._context.store.read(lambda db: trainings.get(db, training_id)))

    async def find(self, training_id: str) -> Training | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        found = await self._context.store.read(lambda db: trainings.find(db, training_id))
        return found if isinstance(found, Quarantined) else self._with_place(found)

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[Training | Quarantined]:
        """Return a page of those wanted (EX-07)."""
        page = await self._context.store.read(lambda db: trainings.page(db, wanted, request))
        return page.with_rows([one if isinstance(one, Quarantined) else self._with_place(one) for one in page.rows])

    def _with_place(self, training: Training) -> Training:
        """Say why it waits as of now: places change too often to be kept in the row."""
        if training.status is not TrainingStatus.CREATE_REQUESTED:
            return training
        cause = self._context.board.cause(trainings.KIND, training.id)
        return training if cause is None else replace(training, cause=cause)

    def image(self, training: Training) -> Image | None:
        """Return the catalogue's image; None if it was taken out of the catalogue since."""
        return self._context.catalogue.by_id(training.spec.image_id)

    async def events(self, training_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""
        await self.find(training_id)
        return await self._context.store.read(lambda db: events.of_resource(db, trainings.KIND, training_id, after))

    async def stop(self, training_id: str) -> None:
        """Ask for the end (TR-50); raises Conflict if the status does not permit it. A repeated request is no error."""

        def want(db: sqlite3.Connection) -> None:
            training = _no_trial(trainings.get(db, training_id))
            if not training.status.is_stoppable:
                raise Conflict(f"Training {training_id} is {training.status}; stop is possible in {STOPPABLE}.")
            if training.desired is not Desired.STOP:
                now = self._context.clock.now()
                trainings.want(db, training, Desired.STOP, now, "The user asked to stop it.")

        await self._context.store.write(want)
        self._context.hinter.hint(trainings.KIND, training_id)

    async def change(self, training_id: str, change: TrainingChange) -> Training:
        """Change name, description or tags. A field that is absent stays."""
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("trainingName", "give a name, a description or tags")])

        def apply(db: sqlite3.Connection) -> Training:
            training = _no_trial(trainings.get(db, training_id))
            wanted = {field: getattr(change, field) for field in change.model_fields_set}
            spec = training.spec.model_copy(update=wanted)
            trainings.change(db, training, spec, self._context.clock.now())
            return replace(training, name=spec.training_name, description=spec.description, spec=spec)

        return await self._context.store.write(apply)

    async def delete(self, training_id: str) -> None:
        """Delete the training, its logs of both kinds and working files, never what it stored (TR-53, DP-02, GN-12).

        Entries in the log store stay until their age or size ends them, as the cloud's do. What is not yet there still gets
        there: until then log files and history are kept out of sight (``controllers/log_ingest.py``). One whose row cannot be
        read may be deleted at any time, and what it runs ends: nobody else could end it.
        """
        await self.end_broken([await self._context.store.read(lambda db: _deletable(db, training_id))])
        remains = await self._context.store.write(lambda db: self.forget(db, _deletable(db, training_id)))
        await self.discard([remains])

    def forget(self, db: sqlite3.Connection, training: Training | Quarantined) -> Remains:
        """Remove the rows of a training that may be deleted; what else is left of it is for ``discard``."""
        kind, training_id = trainings.KIND, training.id
        experiment_id = trainings.experiment_of(db, training_id)
        if isinstance(training, Quarantined):
            ledger.release(db, kind, training_id, self._context.clock.now())
        trainings.delete(db, training)
        peaks.forget(db, kind, training_id)
        is_shipping = log_shipping.is_unfinished(db, kind, training_id)
        if not is_shipping:
            events.forget(db, kind, training_id)
        return Remains(training_id, experiment_id, is_shipping)

    async def discard(self, remains: Sequence[Remains]) -> None:
        """Remove what is left of deleted trainings outside the database; what a crash leaves of it the next start removes."""
        context = self._context
        context.hinter.hint(*QUEUE)

        def forget_samples(db: sqlite3.Connection) -> None:
            for one in remains:
                metrics.forget(db, trainings.KIND, one.training_id)

        await context.metrics.write(forget_samples)
        runs: dict[str, Path] = {}
        for experiment_id in {one.experiment_id for one in remains}:
            runs |= await asyncio.to_thread(context.tensorboard_logs.runs, experiment_id)
        for one in remains:
            context.hinter.hint(tensorboard.KIND, one.training_id)
            folders = [context.work_directory(one.training_id)]
            if one.training_id in runs:
                folders.append(runs[one.training_id])
            if one.is_shipping:
                context.hinter.hint(log_shipping.KIND, log_shipping.key(trainings.KIND, one.training_id))
            else:
                folders.append(context.log_directory(one.training_id))
            await asyncio.to_thread(context.discard, folders, one.training_id)

    async def end_broken(self, among: Sequence[Training | Quarantined]) -> None:
        """Remove what those run whose rows cannot be read, before they are deleted."""
        driver = self._context.driver
        for found in among:
            if isinstance(found, Quarantined):
                for name in await driver.owned():
                    if name.startswith(f"{found.kind}-{found.id}-"):
                        await driver.remove(name)
                await driver.close_network(f"{found.kind}-{found.id}-{found.attempt}")

    async def log(self, training_id: str, node: int) -> Path:
        """Return the log file of a node; it may not exist yet. Raises NotFound for a node that the training has not."""
        training = await self.get(training_id)
        if not 0 <= node < training.spec.instance_count:
            raise NotFound(f"Training {training_id} has the nodes 0 to {training.spec.instance_count - 1}, not {node}.")
        return self._context.log_directory(training_id) / f"node-{node}.log"

    async def growing_log(self, training_id: str, node: int) -> GrowingLog:
        """Return the same, to be read while the training goes on."""
        path = await self.log(training_id, node)

        async def is_over() -> bool:
            return (await self.get(training_id)).status.is_finished

        return GrowingLog(path, is_over, self._context.changes)

    async def runs(self, training_id: str) -> list[Run]:
        """Return how each node that was started was started (HY-L01)."""
        training = await self.get(training_id)
        root = self._context.work_directory(training_id)

        def read() -> list[Run]:
            found = []
            for node in range(training.spec.instance_count):
                kept = read_json(root / f"node-{node}" / "control" / contract.RUN_FILE)
                if isinstance(kept, dict):
                    found.append(Run(node, kept["workingDirectory"], kept["command"], kept["environment"]))
            return found

        return await asyncio.to_thread(read)


def _no_trial(training: Training) -> Training:
    """Return the training; raises Conflict if it is a trial, which goes the way of its tuning."""
    if training.tuning_id is not None:
        raise _is_trial(training.id, training.tuning_id)
    return training


def _deletable(db: sqlite3.Connection, training_id: str) -> Training | Quarantined:
    """Return a training that may be deleted; raises Conflict if it has not ended or is a trial."""
    training = trainings.find(db, training_id)
    tuning_id = trainings.tuning_of(db, training_id)
    if tuning_id is not None:
        raise _is_trial(training_id, tuning_id)
    if isinstance(training, Training) and not training.status.is_finished:
        raise Conflict(
            f"Training {training_id} is {training.status}; deletion is possible in {DELETABLE}.", hint="Stop it first."
        )
    users = users_of(db, "training_id", training_id)
    if users:
        raise Conflict(f"Training {training_id} is where {', '.join(users)} came from.", hint=DELETE_MODELS)
    return training


def _is_trial(training_id: str, tuning_id: str) -> Conflict:
    return Conflict(
        f"Training {training_id} is a trial of hyperparameter tuning {tuning_id}, which decides about it.",
        hint="Stop, change or delete the tuning: easymaker-local tuning --help",
    )
