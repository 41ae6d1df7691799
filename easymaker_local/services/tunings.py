"""Hyperparameter tunings: create, list, stop, change, delete, trials (HP). The controller does the rest."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from easymaker_local.domain import tensorboard
from easymaker_local.domain.image import Image
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.search_space import axes, faults, grid_size
from easymaker_local.domain.training import Desired, Training
from easymaker_local.domain.trial import Trial, TrialStatus, best
from easymaker_local.domain.tuning import Tuning, TuningStatus, trial_training
from easymaker_local.domain.tuning_spec import TuningChange, TuningSpec
from easymaker_local.errors import BrokenRecord, Conflict, FieldError, InvalidRequest
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.services.models import DELETE_MODELS, users_of
from easymaker_local.services.search import seed_of
from easymaker_local.services.training_checks import algorithm_faults, find_faults, required_experiment_faults
from easymaker_local.services.trainings import Remains, Trainings
from easymaker_local.store import events, metric_points, trainings, trials, tunings
from easymaker_local.store.database import Work
from easymaker_local.store.metric_points import Point
from easymaker_local.store.tunings import Wanted

STOPPABLE = ", ".join(s for s in TuningStatus if s.is_stoppable)
DELETABLE = ", ".join(s for s in TuningStatus if s.is_finished)


@dataclass(frozen=True)
class Overview:
    """A tuning with how its trials stand (HP-46…HP-49)."""

    tuning: Tuning
    counts: dict[TrialStatus, int]
    best: Trial | None

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the numbers that were asked for (HP-L02, HP-L03)."""
        spec = self.tuning.spec
        size, most = grid_size(spec), spec.max_trial_count
        found = []
        if size is not None and most is not None and size > most:
            found.append(f"The grid has {size} combinations, more than the maximum of {most} trials: not all are tried.")
        if spec.parallel_trial_count > 1 and spec.tuning_strategy_random_state is not None and size is None:
            found.append("With parallel trials the random state does not make the proposals repeatable.")
        return found


class Tunings:
    """REST, and later pipelines, all create tunings here and obey the same rules."""

    def __init__(self, context: Context, of_trials: Trainings) -> None:
        self._context = context
        self._trainings = of_trials

    async def create(self, spec: TuningSpec) -> Tuning:
        """Check everything and ask for the tuning; raises InvalidRequest with every field at fault, nothing is kept then."""
        tuning = await self._context.store.write(await self._creation(spec))
        self._context.hinter.hint(tunings.KIND, tuning.id)
        return tuning

    async def check(self, spec: TuningSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(await self._creation(spec))

    async def _creation(self, spec: TuningSpec) -> Work[Tuning]:
        """Look at what takes its time; the rest is checked by what is returned, which inserts the tuning."""
        context = self._context
        found = faults(spec) + algorithm_faults(spec)
        # Trials ask for room one by one: a node of each is what has to fit (HP-L02).
        found += await find_faults(context, spec.model_copy(update={"instance_count": spec.nodes_per_trial}))

        def insert(db: sqlite3.Connection) -> Tuning:
            # In the same transaction as the insert, so that a deletion at the same time cannot slip between (DP-20).
            all_faults = [*required_experiment_faults(db, spec.experiment_id), *found]
            if all_faults:
                raise InvalidRequest(all_faults)
            tuning = Tuning(
                id=new_id(), name=spec.hyperparameter_tuning_name, description=spec.description, spec=spec,
                flavor=context.flavor(spec.flavor_id), seed=seed_of(spec), status=TuningStatus.CREATE_REQUESTED,
                desired=Desired.RUN, detail=None, cause=None, created_at=context.clock.now(),
            )  # fmt: skip
            _check_trials(tuning)
            tunings.add(db, tuning)
            return tuning

        return insert

    async def overview(self, tuning_id: str) -> Overview:
        """Return one with how its trials stand; raises NotFound, and BrokenRecord if its row cannot be read."""
        return await self._context.store.read(lambda db: self._overview_of(db, tunings.get(db, tuning_id)))

    async def spec(self, tuning_id: str) -> TuningSpec | None:
        """Return the spec of a tuning, None if its row cannot be read; raises NotFound."""
        found = await self._context.store.read(lambda db: tunings.find(db, tuning_id))
        return None if isinstance(found, Quarantined) else found.spec

    async def get(self, tuning_id: str) -> Tuning:
        """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
        return await self._context.store.read(lambda db: tunings.get(db, tuning_id))

    async def find(self, tuning_id: str) -> Overview | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        return await self._context.store.read(lambda db: self._overview(db, tunings.find(db, tuning_id)))

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[Overview | Quarantined]:
        """Return a page of those wanted."""

        def read(db: sqlite3.Connection) -> Page[Overview | Quarantined]:
            page = tunings.page(db, wanted, request)
            return page.with_rows([self._overview(db, found) for found in page.rows])

        return await self._context.store.read(read)

    def image(self, tuning: Tuning) -> Image | None:
        """Return the catalogue's image; None if it was taken out of the catalogue since."""
        return self._context.catalogue.by_id(tuning.spec.image_id)

    async def trials(self, tuning_id: str) -> list[Trial]:
        """Return all trials of a tuning, by number (HP-68)."""

        def read(db: sqlite3.Connection) -> list[Trial]:
            tunings.experiment_of(db, tuning_id)
            return trials.of_tuning(db, tuning_id)

        return [self._with_place(trial) for trial in await self._context.store.read(read)]

    async def trial(self, tuning_id: str, trial_id: str) -> Trial:
        """Return one trial; raises NotFound."""
        return self._with_place(await self._context.store.read(lambda db: trials.get(db, tuning_id, trial_id)))

    async def points(self, tuning_id: str, trial_id: str, name: str, step: int, count: int) -> list[Point]:
        """Return up to ``count`` values of a trial's metric from ``step`` on (HP-39)."""

        def read(db: sqlite3.Connection) -> list[Point]:
            trials.get(db, tuning_id, trial_id)
            return metric_points.after(db, trial_id, name, step, count)

        return await self._context.store.read(read)

    def _overview(self, db: sqlite3.Connection, found: Tuning | Quarantined) -> Overview | Quarantined:
        if isinstance(found, Quarantined):
            return found
        try:
            return self._overview_of(db, found)
        except BrokenRecord:
            return _quarantined(db, found)

    def _overview_of(self, db: sqlite3.Connection, tuning: Tuning) -> Overview:
        found = trials.of_tuning(db, tuning.id)
        if tuning.status is TuningStatus.CREATE_REQUESTED and found:
            tuning = replace(tuning, cause=self._with_place(found[0]).cause)
        counts = {status: sum(trial.status is status for trial in found) for status in TrialStatus}
        return Overview(tuning, counts, best(found, tuning.spec))

    def _with_place(self, trial: Trial) -> Trial:
        """Say why it waits as of now: places change too often to be kept in the row."""
        cause = None if trial.status is not TrialStatus.CREATED else self._context.board.cause(trainings.KIND, trial.id)
        return trial if cause is None else replace(trial, cause=cause)

    async def events(self, tuning_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""

        def read(db: sqlite3.Connection) -> list[events.Event]:
            tunings.experiment_of(db, tuning_id)
            return events.of_resource(db, tunings.KIND, tuning_id, after)

        return await self._context.store.read(read)

    async def stop(self, tuning_id: str) -> None:
        """Ask for the end (HP-78); raises Conflict if the status does not permit it. A repeated request is no error."""

        def want(db: sqlite3.Connection) -> None:
            tuning = _find(db, tuning_id)
            if isinstance(tuning, Quarantined):
                raise tuning.error
            if not tuning.status.is_stoppable:
                raise Conflict(f"Hyperparameter tuning {tuning_id} is {tuning.status}; stop is possible in {STOPPABLE}.")
            if tuning.desired is not Desired.STOP:
                tunings.want(db, tuning, Desired.STOP, self._context.clock.now(), "The user asked to stop it.")

        await self._context.store.write(want)
        self._context.hinter.hint(tunings.KIND, tuning_id)

    async def change(self, tuning_id: str, change: TuningChange) -> Overview:
        """Change name, description or tags (GN-13). A field that is absent stays; trials keep what they were made with."""
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("hyperparameterTuningName", "give a name, a description or tags")])

        def apply(db: sqlite3.Connection) -> Overview:
            tuning = tunings.get(db, tuning_id)
            wanted = {field: getattr(change, field) for field in change.model_fields_set}
            spec = tuning.spec.model_copy(update=wanted)
            tunings.change(db, tuning, spec, self._context.clock.now())
            return self._overview_of(db, tunings.get(db, tuning_id))

        return await self._context.store.write(apply)

    async def delete(self, tuning_id: str) -> None:
        """Delete the tuning and its trials, never what these stored (HP-81, DP-03, GN-12).

        A tuning or trial whose row cannot be read may be deleted at any time, and what it runs ends.
        """
        store = self._context.store

        def broken_ones(db: sqlite3.Connection) -> list[Training | Quarantined]:
            _deletable(db, tuning_id)
            return _trainings_of(db, tuning_id)

        await self._trainings.end_broken(await store.read(broken_ones))
        for trial_id in await store.write(lambda db: self._stop_trials_of_broken(db, tuning_id)):
            self._context.hinter.hint(trainings.KIND, trial_id)

        def apply(db: sqlite3.Connection) -> list[Remains]:
            tuning = _deletable(db, tuning_id)
            found = _trainings_of(db, tuning_id)
            running = [t for t in found if not isinstance(t, Quarantined) and not t.status.is_finished]
            if running:
                names = ", ".join(f"{t.name!r} ({t.id}, {t.status})" for t in running)
                message = f"Trials of hyperparameter tuning {tuning_id} have not ended: {names}."
                raise Conflict(message, hint="They are asked to end; delete it again in a moment.")
            remains = [self._trainings.forget(db, training) for training in found]
            for trial_id in trials.ids_of_tuning(db, tuning_id):
                trials.delete(db, trial_id)
            tunings.delete(db, tuning)
            events.forget(db, tunings.KIND, tuning_id)
            return remains

        experiment_id = await store.read(lambda db: tunings.experiment_of(db, tuning_id))
        await self._trainings.discard(await store.write(apply))
        await asyncio.to_thread(self._remove_empty, experiment_id, tuning_id)
        self._context.hinter.hint(tensorboard.KIND, tuning_id)

    def _remove_empty(self, experiment_id: str, tuning_id: str) -> None:
        folder = self._context.tensorboard_logs.find_tuning(experiment_id, tuning_id)
        if folder is not None:
            with suppress(OSError):  # what somebody else put there stays until the next start looks at it
                folder.rmdir()

    def _stop_trials_of_broken(self, db: sqlite3.Connection, tuning_id: str) -> list[str]:
        """Ask the trials of a tuning whose row cannot be read to end; returns their ids."""
        if not isinstance(_find(db, tuning_id), Quarantined):
            return []
        running = [t for t in _trainings_of(db, tuning_id) if isinstance(t, Training) and not t.status.is_finished]
        for training in running:
            trainings.want(db, training, Desired.STOP, self._context.clock.now(), "The user asked to delete its tuning.")
        return [training.id for training in running]


def _find(db: sqlite3.Connection, tuning_id: str) -> Tuning | Quarantined:
    """Return a tuning, as one that cannot be read if that is so of the row of a trial; raises NotFound."""
    found = tunings.find(db, tuning_id)
    return _quarantined(db, found) if isinstance(found, Tuning) and trials.quarantined(db, tuning_id) else found


def _deletable(db: sqlite3.Connection, tuning_id: str) -> Tuning | Quarantined:
    """Return a tuning that has ended, or one that cannot be read; raises Conflict for others."""
    tuning = _find(db, tuning_id)
    if isinstance(tuning, Tuning) and not tuning.status.is_finished:
        raise Conflict(
            f"Hyperparameter tuning {tuning_id} is {tuning.status}; deletion is possible in {DELETABLE}.",
            hint="Stop it first.",
        )
    users = users_of(db, "tuning_id", tuning_id)
    if users:
        raise Conflict(f"Hyperparameter tuning {tuning_id} is where {', '.join(users)} came from.", hint=DELETE_MODELS)
    return tuning


def _quarantined(db: sqlite3.Connection, tuning: Tuning) -> Quarantined:
    broken = trials.quarantined(db, tuning.id)[0]
    return Quarantined(
        tunings.KIND, tuning.id, tuning.name, tuning.status, tuning.status.is_finished, 1, tuning.created_at,
        f"trial {broken.id}: {broken.problem}",
    )  # fmt: skip


def _trainings_of(db: sqlite3.Connection, tuning_id: str) -> list[Training | Quarantined]:
    return [trainings.find(db, id_) for id_ in trials.ids_of_tuning(db, tuning_id) if trainings.exists(db, id_)]


def _check_trials(tuning: Tuning) -> None:
    """Raise InvalidRequest if a trial would have what a training must not: too long an address, or too many parameters."""
    longest = {axis.name: max((*axis.values, "-" + "0" * 24), key=len) for axis in axes(tuning.spec)}
    try:
        trial_training(tuning, 1, tuning.id, longest, tuning.created_at)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise InvalidRequest(
            [FieldError(_field_of(str(one["loc"][0])), f"too much for a trial: {one['msg']}") for one in found]
        ) from error


def _field_of(name: str) -> str:
    """Return the field of a tuning that a field of a trial comes from."""
    return "hyperparameterSpecList" if name == "hyperparameter_list" else to_camel(name)
