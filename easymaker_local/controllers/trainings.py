"""Carries trainings through their lives: load, observe, decide, act, apply."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable

from easymaker_local.controllers.storage_watch import StorageWatch
from easymaker_local.controllers.training_files import TrainingFiles
from easymaker_local.controllers.training_workload import PORTS, build_workload, member
from easymaker_local.domain import job_token
from easymaker_local.domain.access_list import Permission
from easymaker_local.domain.image import Image
from easymaker_local.domain.job_token import Job
from easymaker_local.domain.ledger import Priority, Waiting, amount_of
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import Action, Decision, Desired, Facts, Training, TrainingStatus, decide
from easymaker_local.errors import (
    AccessDenied,
    BrokenRecord,
    DatabaseUnavailable,
    NotFound,
    PermanentError,
    StaleRecord,
    StorageError,
    StorageFull,
    TransientError,
    VolumeError,
)
from easymaker_local.kit.clock import ran_by_uptime
from easymaker_local.services.buckets import check_access
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.services.training_checks import training_uses
from easymaker_local.store import experiments, ledger, log_shipping, peaks, trainings, tunings

log = logging.getLogger(__name__)

# Enough for the way from request to end in one go; a bug that would circle for ever becomes a slow circle instead.
_STEPS_PER_PASS = 20
# Beside a status that stays: without its reason the remark goes.
_MAY_PASS = {Reason.WAITING_FOR_ENGINE, Reason.STORAGE_ALMOST_FULL}
_BEFORE_THE_END = {TrainingStatus.CREATE_REQUESTED, TrainingStatus.CREATE_IN_PROGRESS, TrainingStatus.RUNNING}


class TrainingController:
    """One ``reconcile`` per id at a time (the loop sees to it); nothing that matters is remembered between passes."""

    def __init__(self, context: Context, preparation: Preparation) -> None:
        self._context = context
        self._preparation = preparation
        self._storage_watch = StorageWatch()
        self._told_broken: set[str] = set()

    async def unfinished(self) -> Iterable[str]:
        """Return the ids that still have a way to go, but for those in the queue: that calls them."""
        return await self._context.store.read(trainings.unqueued_ids)

    async def reconcile(self, training_id: str) -> float | None:
        """Move the training on as far as it goes; return when to look again at the latest."""
        error: Cause | None = None
        for _ in range(_STEPS_PER_PASS):
            try:
                training = await self._context.store.read(lambda db: trainings.get(db, training_id))
            except NotFound:
                return None
            except BrokenRecord as problem:
                # Whatever it is and runs is left alone until somebody has looked at it.
                if training_id not in self._told_broken:
                    self._told_broken.add(training_id)
                    log.warning("%s", problem)
                return None
            if training.status.is_finished:
                return None
            try:
                facts = await self._observe(training, error)
                decision = decide(training, facts, self._context.clock.now())
                error = await self._act(training, decision)
            except DatabaseUnavailable:
                raise
            except TransientError as problem:
                # Later statuses already say why it ends.
                if training.status in _BEFORE_THE_END:
                    await self._explain(training, Cause(Reason.WAITING_FOR_ENGINE, str(problem)))
                raise
            moved = False
            if error is None:
                moved = await self._apply(training, decision, facts)
            acted = {Action.START, Action.COLLECT} & set(decision.actions)
            if not moved and not acted and error is None:
                return decision.look_again
        return 1.0

    async def _observe(self, training: Training, error: Cause | None) -> Facts:
        context = self._context
        if training.status is TrainingStatus.CREATE_REQUESTED:
            return await self._observe_queued(training)
        nodes = await asyncio.gather(*(context.driver.observe(name) for name in training.workloads))
        files = TrainingFiles(context, training)
        reports: list[tuple[int, Cause]] = []
        if any(node.has_failed for node in nodes):
            reports = await asyncio.to_thread(files.reports)
        storage = None
        if training.status is TrainingStatus.RUNNING:
            storage = await self._storage_watch.look(training, files)
            if any(node.has_failed for node in nodes):
                storage = await asyncio.to_thread(files.full_storage) or storage
        ran = ran_by_uptime(context.clock, training.started_uptime)
        return Facts(
            nodes=nodes, reports=tuple(reports), storage=storage, error=error, collected=files.is_collected, ran_seconds=ran
        )  # fmt: skip

    async def _observe_queued(self, training: Training) -> Facts:
        if training.desired is Desired.STOP:
            return Facts()  # whoever gives up waits neither for an environment nor for the engine
        image = self._context.catalogue.by_id(training.spec.image_id)
        if image is None:
            message = f"The image {training.spec.image_id!r} is no longer in the catalogue."
            return Facts(environment_error=message)
        failure = self._preparation.failure(image, training.created_at, training.id)
        if failure is not None:
            return Facts(environment_error=failure)
        try:
            environment = await self._preparation.ready(image)
        except (PermanentError, OSError) as error:
            return Facts(environment_error=f"The files of the image {image.name!r} cannot be used: {error}")
        now = self._context.clock.now()
        if environment is None:
            # It may have been removed, or the driver changed, while the training waited: nothing is held meanwhile.
            if await self._context.store.write(lambda db: ledger.release(db, trainings.KIND, training.id, now)):
                self._context.hinter.hint(*QUEUE)
            return Facts(progress=self._preparation.progress(image))
        priority = self._context.settings.priorities.get(trainings.KIND, Priority.BATCH)
        request = _request(training, priority, now)

        def stand(db: sqlite3.Connection) -> tuple[bool, bool]:
            is_booked = bool(ledger.holdings(db, trainings.KIND, training.id))
            return is_booked, not is_booked and ledger.enqueue(db, request)

        is_booked, is_new = await self._context.store.write(stand)
        if is_new:
            self._context.hinter.hint(*QUEUE)
        admission = None if is_booked else self._context.board.cause(trainings.KIND, training.id)
        return Facts(environment_ready=True, is_booked=is_booked, admission=admission)

    async def _act(self, training: Training, decision: Decision) -> Cause | None:
        """Carry out the actions; return why one failed for good, None if all went well."""
        driver = self._context.driver
        files = TrainingFiles(self._context, training)
        for action in decision.actions:
            match action:
                case Action.PREPARE:
                    self._preparation.start(self._image(training), training.id)
                case Action.START:
                    try:
                        await self._start(training, files)
                    except AccessDenied as error:
                        return Cause(Reason.ACCESS_DENIED, str(error))
                    except StorageFull as error:
                        return Cause(Reason.STORAGE_FULL, str(error))
                    except StorageError as error:
                        return Cause(Reason.INPUT_MISSING, str(error))
                    except (PermanentError, OSError) as error:
                        return Cause(Reason.START_FAILED, str(error))
                case Action.STOP:
                    grace = self._context.settings.stop_grace_seconds
                    await asyncio.gather(*(driver.stop(name, grace) for name in training.workloads))
                case Action.COLLECT:
                    try:
                        writes = [use for use in training_uses(training.spec) if use.permission is Permission.WRITE]
                        await check_access(self._context, writes)
                        await asyncio.to_thread(files.collect)
                    except VolumeError as error:
                        return Cause(Reason.OUTPUT_NOT_STORED, str(error))
                    except StorageError as error:
                        return Cause(Reason.OUTPUT_NOT_STORED, files.with_place(str(error)))
                case Action.REMOVE:
                    await asyncio.gather(*(driver.remove(name) for name in training.workloads))
                    await driver.close_network(training.network)
                    await asyncio.to_thread(files.clean)
        return None

    async def _start(self, training: Training, files: TrainingFiles) -> None:
        context = self._context
        image = self._image(training)
        environment = await self._preparation.ready(image)
        if environment is None:
            raise PermanentError(f"The environment {image.name!r} was removed after it had been prepared.")
        # Lists may have changed since it was created, and it may have waited long (OS-11, OS-L01).
        await check_access(context, training_uses(training.spec))
        await asyncio.to_thread(files.prepare)
        inputs = await asyncio.to_thread(files.inputs)
        tuning_name, tuning_id = None, training.tuning_id
        if tuning_id is not None:
            tuning_name = (await context.store.read(lambda db: tunings.find(db, tuning_id))).name
        tensorboard = await asyncio.to_thread(files.tensorboard, tuning_name)
        count = training.spec.instance_count
        addresses = None
        if count > 1:
            addresses = await context.driver.open_network(training.network, [member(n) for n in range(count)], PORTS)
        held = await context.store.read(lambda db: ledger.holdings(db, trainings.KIND, training.id))
        experiment = await context.store.read(lambda db: experiments.find(db, training.spec.experiment_id or ""))
        token = job_token.sign(Job(trainings.KIND, training.id, training.attempt), context.secret_key)
        workloads = [
            build_workload(
                training, node, image=image, environment=environment, files=files, inputs=inputs,
                tensorboard=tensorboard, experiment="" if experiment is None else experiment.name, addresses=addresses,
                private_paths=context.driver.capabilities.private_paths, settings=context.settings, token=token,
                gpus=held[member(node)],
            )
            for node in range(count)
        ]  # fmt: skip
        for node, workload in enumerate(workloads):
            await asyncio.to_thread(files.record_run, node, workload)
        # All nodes at once: they wait for each other (DT-06).
        await asyncio.gather(*(context.driver.start(workload) for workload in workloads))

    def _image(self, training: Training) -> Image:
        image = self._context.catalogue.by_id(training.spec.image_id)
        if image is None:
            raise PermanentError(f"The image {training.spec.image_id!r} is no longer in the catalogue.")
        return image

    async def _apply(self, training: Training, decision: Decision, facts: Facts) -> bool:
        """Write what was decided; False if the status stays."""
        to = decision.to
        if to is None:
            has_passed = training.cause is not None and training.cause.reason in _MAY_PASS
            if decision.cause is not None or has_passed:
                await self._explain(training, decision.cause)
            return False
        now, uptime = self._context.clock.now(), self._context.clock.uptime()
        is_enforced = to is TrainingStatus.RUNNING and TrainingFiles(self._context, training).is_storage_enforced

        def write(db: sqlite3.Connection) -> None:
            trainings.transition(
                db, training, to=to, cause=decision.cause, now=now, uptime=uptime, storage_enforced=is_enforced
            )  # fmt: skip
            for index, node in enumerate(facts.nodes):
                if node.peak_memory_bytes:
                    peaks.raise_to(db, trainings.KIND, training.id, f"node-{index}", node.peak_memory_bytes, None)
            if to.is_finished:
                ledger.release(db, trainings.KIND, training.id, now)

        try:
            await self._context.store.write(write)
        except StaleRecord:
            return True
        if training.spec.use_log:
            self._context.hinter.hint(log_shipping.KIND, log_shipping.key(trainings.KIND, training.id))
        if training.tuning_id is not None:
            self._context.hinter.hint(tunings.KIND, training.tuning_id)
        if to.is_finished:
            self._storage_watch.forget(training)
            self._context.hinter.hint(*QUEUE)
        return True

    async def _explain(self, training: Training, cause: Cause | None) -> None:
        if cause != training.cause:
            now = self._context.clock.now()
            await self._context.store.write(lambda db: trainings.explain(db, training, cause, now))


def _request(training: Training, priority: int, now: float) -> Waiting:
    return Waiting(
        trainings.KIND, training.id, (amount_of(training.flavor),) * training.spec.instance_count,
        gpu_model=training.flavor.gpu_model, priority=priority, limit_seconds=training.spec.timeout_minutes * 60,
        created_at=training.created_at, queued_at=now,
    )  # fmt: skip
