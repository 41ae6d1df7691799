"""Trainings: create, list, stop, change, delete, logs (TR). The controller does the rest."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from easymaker_local.domain import contract, tensorboard
from easymaker_local.domain.image import Image
from easymaker_local.domain.log_entry import Category, Source
from easymaker_local.domain.page import Cursor, Page, cut
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingChange, TrainingSpec
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.kit.files import read_json
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.training_checks import check_training, experiment_faults
from easymaker_local.store import events, ledger, log_shipping, metrics, peaks, trainings
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


class Trainings:
    """REST, and later schedules, tunings and pipelines, all create trainings here and obey the same rules."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: TrainingSpec) -> Training:
        """Check everything and ask for the training; raises InvalidRequest with every field at fault, nothing is kept then."""
        context = self._context
        if spec.experiment_id is None:
            raise InvalidRequest([FieldError("experimentId", "required")])
        flavor = await check_training(context, spec)
        training = Training(
            id=new_id(), name=spec.training_name, description=spec.description, spec=spec, flavor=flavor,
            status=TrainingStatus.CREATE_REQUESTED, desired=Desired.RUN, cause=None, attempt=1,
            created_at=context.clock.now(),
        )  # fmt: skip

        def insert(db: sqlite3.Connection) -> None:
            assert spec.experiment_id is not None
            # In the same transaction as the insert, so that a deletion at the same time cannot slip between (DP-20).
            faults = experiment_faults(db, spec.experiment_id)
            if faults:
                raise InvalidRequest(faults)
            trainings.add(db, training)
            if spec.use_log:
                source = Source(easymaker_app_key=context.settings.appkey, category=Category.TRAINING, training_id=training.id)
                log_shipping.begin(db, trainings.KIND, training.id, source)

        await context.store.write(insert)
        context.hinter.hint(trainings.KIND, training.id)
        return training

    async def get(self, training_id: str) -> Training:
        """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
        return self._with_place(await self._context.store.read(lambda db: trainings.get(db, training_id)))

    async def find(self, training_id: str) -> Training | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        found = await self._context.store.read(lambda db: trainings.find(db, training_id))
        return found if isinstance(found, Quarantined) else self._with_place(found)

    async def page(self, wanted: Wanted, cursor: Cursor | None, count: int) -> Page[Training | Quarantined]:
        """Return up to ``count`` of those wanted (EX-07), newest first."""
        found = await self._context.store.read(lambda db: trainings.newest(db, wanted, cursor, count + 1))
        return cut([one if isinstance(one, Quarantined) else self._with_place(one) for one in found], count)

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
            training = trainings.get(db, training_id)
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
            training = trainings.get(db, training_id)
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
        found = await self._context.store.read(lambda db: trainings.find(db, training_id))
        if isinstance(found, Quarantined):
            await self._remove_workloads(found)

        def apply(db: sqlite3.Connection) -> tuple[bool, str]:
            training = trainings.find(db, training_id)
            experiment_id = trainings.experiment_of(db, training_id)
            if isinstance(training, Quarantined):
                ledger.release(db, trainings.KIND, training_id, self._context.clock.now())
            elif not training.status.is_finished:
                raise Conflict(
                    f"Training {training_id} is {training.status}; deletion is possible in {DELETABLE}.",
                    hint="Stop it first.",
                )
            trainings.delete(db, training)
            peaks.forget(db, trainings.KIND, training_id)
            if log_shipping.is_unfinished(db, trainings.KIND, training_id):
                return True, experiment_id
            events.forget(db, trainings.KIND, training_id)
            return False, experiment_id

        is_shipping, experiment_id = await self._context.store.write(apply)
        self._context.hinter.hint(*QUEUE)
        await self._context.metrics.write(lambda db: metrics.forget(db, trainings.KIND, training_id))
        self._context.hinter.hint(tensorboard.KIND, training_id)
        run = await asyncio.to_thread(self._context.tensorboard_logs.find, experiment_id, training_id)
        folders = [self._context.work_directory(training_id), *([] if run is None else [run])]
        if is_shipping:
            self._context.hinter.hint(log_shipping.KIND, log_shipping.key(trainings.KIND, training_id))
        else:
            folders.append(self._context.log_directory(training_id))
        await asyncio.to_thread(self._context.discard, folders, training_id)

    async def _remove_workloads(self, found: Quarantined) -> None:
        driver = self._context.driver
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
