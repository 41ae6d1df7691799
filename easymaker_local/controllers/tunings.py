"""Carries tunings through their lives: read what trials print, decide, and apply what was decided in one transaction.

A tuning starts nothing itself. It makes trainings, which their own controller carries like any other, and asks for their end.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import takewhile

from easymaker_local.controllers.trial_output import read_output
from easymaker_local.domain.log_entry import training_source
from easymaker_local.domain.training import Desired, Training
from easymaker_local.domain.trial import Trial, TrialStatus, why_ended
from easymaker_local.domain.tuning import Decision, Tuning, decide, search_failed, trial_training
from easymaker_local.errors import BrokenRecord, NotFound, StaleRecord
from easymaker_local.kit.clock import ran_by_uptime
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.services.search import propose
from easymaker_local.store import log_shipping, trainings, trials, tunings

log = logging.getLogger(__name__)

# How often the output of a running trial is looked at.
POLL_SECONDS = 0.5
# Enough for many trials that end at once; a bug that would circle for ever becomes a slow circle instead.
_STEPS_PER_PASS = 100


class SearchFailed(Exception):
    """The search library could not go on, for a reason of its own."""


class TuningController:
    """One ``reconcile`` per id at a time (the loop sees to it); nothing that matters is remembered between passes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told_broken: set[str] = set()
        # The first trials of each tuning, as far as they have ended: they change no more, and there may be very many.
        self._ended: dict[str, list[Trial]] = {}

    async def unfinished(self) -> Iterable[str]:
        """Return the ids that still have a way to go."""
        return await self._context.store.read(tunings.unfinished_ids)

    async def reconcile(self, tuning_id: str) -> float | None:
        """Move the tuning on as far as it goes; return when to look again at the latest."""
        for _ in range(_STEPS_PER_PASS):
            ended = self._ended.pop(tuning_id, [])
            try:
                tuning, found = await self._context.store.read(partial(_load, tuning_id=tuning_id, ended=ended))
            except NotFound:
                return None
            except BrokenRecord as problem:
                # Its trials go on to their ends, no new ones are made, until somebody has looked at it.
                if tuning_id not in self._told_broken:
                    self._told_broken.add(tuning_id)
                    log.warning("%s", problem)
                return None
            if tuning.status.is_finished:
                return None
            self._ended[tuning_id] = list(takewhile(lambda trial: trial.status.is_finished, found))
            try:
                # As the trainings stood before: what one that has ended printed is all there.
                seen = [await read_output(self._context, tuning, trial) for trial in found]
                ran = ran_by_uptime(self._context.clock, tuning.started_uptime)
                decision = decide(tuning, seen, ran, self._context.clock.now())
                parameters = None
                if decision.wants_trial:
                    try:
                        parameters = await self._propose(tuning, seen)
                    except SearchFailed as error:
                        decision = search_failed(tuning, seen, str(error))
                moved = await self._apply(tuning, seen, decision, parameters)
            except StaleRecord:
                continue  # somebody asked for something meanwhile
            if not moved and all(trial.is_read for trial in seen):
                is_printing = any(trial.status is TrialStatus.RUNNING for trial in seen)
                pauses = [POLL_SECONDS] if is_printing else []
                return min([*pauses, *([] if decision.look_again is None else [decision.look_again])], default=None)
        return 0.0

    async def _propose(self, tuning: Tuning, found: Sequence[Trial]) -> Mapping[str, str]:
        number = len(found) + 1
        # Samplers take their time, and the first call loads them.
        try:
            proposed = await asyncio.to_thread(propose, tuning.spec, tuning.seed, number, found)
        except Exception as error:
            log.exception("tuning %s: no values could be proposed", tuning.id)
            raise SearchFailed(f"No values could be proposed for trial {number}: {error}") from error
        assert proposed is not None, "nobody asks for more than the grid has"
        return proposed

    async def _apply(
        self, tuning: Tuning, found: Sequence[Trial], decision: Decision, parameters: Mapping[str, str] | None
    ) -> bool:
        """Write what was decided, all of it or nothing; False if there was nothing but a reason to write."""
        context = self._context
        is_moving = bool(decision.settle or decision.end or decision.to is not None or parameters is not None)
        if not is_moving and decision.cause == tuning.cause:
            return False
        now, uptime = context.clock.now(), context.clock.uptime()
        made = None
        if parameters is not None:
            made = trial_training(tuning, len(found) + 1, new_id(), parameters, now)

        def write(db: sqlite3.Connection) -> list[str]:
            for trial, steps in decision.settle:
                for status in steps:
                    trial = trials.transition(db, trial, status)
            woken = []
            for trial, ending in decision.end:
                why = why_ended(trial, ending, found, tuning.spec)
                trials.end(db, trial, ending, why)
                woken += _ask_to_end(db, trial.id, why, now)
            if made is not None:
                self._add(db, made, len(found) + 1)
                woken.append(made.id)
            if decision.to is not None:
                tunings.transition(db, tuning, decision, now=now, uptime=uptime)
            elif decision.cause != tuning.cause and not decision.settle:
                tunings.explain(db, tuning, decision.cause, now)
            return woken

        for training_id in await context.store.write(write):
            context.hinter.hint(trainings.KIND, training_id)
        return is_moving

    def _add(self, db: sqlite3.Connection, made: Training, number: int) -> None:
        # The tuning may have been asked to stop, or deleted, since it was looked at.
        if tunings.get(db, made.tuning_id or "").desired is not Desired.RUN:
            raise StaleRecord(f"Hyperparameter tuning {made.tuning_id} is to stop.")
        trainings.add(db, made)
        trials.add(db, made, number)
        if made.spec.use_log:
            source = training_source(self._context.settings.appkey, made.id, made.tuning_id)
            log_shipping.begin(db, trainings.KIND, made.id, source)


def _load(db: sqlite3.Connection, tuning_id: str, ended: Sequence[Trial]) -> tuple[Tuning, list[Trial]]:
    return tunings.get(db, tuning_id), [*ended, *trials.of_tuning(db, tuning_id, after=len(ended))]


def _ask_to_end(db: sqlite3.Connection, trial_id: str, why: str, now: float) -> list[str]:
    """Ask the training of a trial to end, unless it has; returns its id if there is something to do."""
    training = trainings.find(db, trial_id)
    if not isinstance(training, Training) or training.status.is_finished:
        return []
    trainings.want(db, training, Desired.STOP, now, why)
    return [trial_id]
