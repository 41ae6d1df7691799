"""Models: create, list, change, delete (MD). The controller examines their artifacts."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from easymaker_local.artifacts.locations import Kind, parse
from easymaker_local.domain.model import Examination, ModelFormat
from easymaker_local.domain.model_record import Model, ModelStatus, format_of, name_fault
from easymaker_local.domain.model_spec import ModelChange, ModelSpec, origin_faults
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.domain.trial import best
from easymaker_local.domain.tuning import TuningStatus
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound, PermanentError, StaleRecord, StorageError
from easymaker_local.kit.ids import new_id
from easymaker_local.kit.sealing import seal, unseal
from easymaker_local.kit.secret_files import derive
from easymaker_local.services.context import Context
from easymaker_local.services.model_artifacts import discard_copy
from easymaker_local.store import events, model_use, models, trainings, trials, tunings
from easymaker_local.store.database import Work
from easymaker_local.store.model_use import ModelUse
from easymaker_local.store.models import Origin, Wanted

log = logging.getLogger(__name__)

DELETABLE = ", ".join(s for s in ModelStatus if s.is_finished)
DELETE_MODELS = "Delete it first: easymaker-local model delete ID"
# The SDK looks again after ten seconds (rest-api §2.4): what takes a moment is answered when it is done.
_PATIENCE_SECONDS = 1.0
_PURPOSE = "model-parameters"


@dataclass(frozen=True)
class Shown:
    """A model with what it came from (MD-20) and where it is deployed, as that stands now."""

    model: Model
    origin: Origin
    uses: tuple[ModelUse, ...] = ()


@dataclass(frozen=True)
class _Source:
    """Where the artifact lies, which job stored it there, and on which image."""

    uri: str | None
    training_id: str | None = None
    tuning_id: str | None = None
    image_id: str | None = None


class Models:
    """REST, and later pipelines, all create models here and obey the same rules."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._key = derive(context.secret_key, _PURPOSE)
        self._examined: dict[str, asyncio.Event] = {}

    async def create(self, spec: ModelSpec) -> Shown:
        """Check what can be told at once and ask for the model; raises InvalidRequest, or Conflict if a job is not COMPLETE.

        Returns it as it was asked for or, if its examination takes no longer than a moment, as it is afterwards.
        """
        context, model_id = self._context, new_id()
        shown = await context.store.write(await self._creation(spec, model_id))
        self._examined[model_id] = asyncio.Event()
        try:
            if context.hinter.hint(models.KIND, model_id):
                with suppress(TimeoutError, NotFound):
                    await asyncio.wait_for(self._examined[model_id].wait(), _PATIENCE_SECONDS)
                    return await context.store.read(lambda db: _shown(db, models.get(db, model_id)))
        finally:
            del self._examined[model_id]
        return shown

    async def check(self, spec: ModelSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(await self._creation(spec, new_id()))

    async def _creation(self, spec: ModelSpec, model_id: str) -> Work[Shown]:
        """Look at what takes its time; the rest is checked by what is returned, which inserts the model."""
        now = self._context.clock.now()
        faults = origin_faults(spec) or await asyncio.to_thread(self._address_faults, spec)
        if faults:
            raise InvalidRequest(faults)
        sealed = seal(self._key, json.dumps(spec.secrets), model_id) if spec.secrets else None

        def insert(db: sqlite3.Connection) -> Shown:
            # In the same transaction as the insert, so that a deletion at the same time cannot slip between (DP-20).
            source = _source(db, spec)
            model = Model(
                id=model_id, name=spec.model_name, description=spec.description, spec=spec.masked(),
                format=self._format(spec, source), uri=source.uri, training_id=source.training_id, tuning_id=source.tuning_id,
                sealed=sealed, status=ModelStatus.CREATE_REQUESTED, cause=None, created_at=now,
            )  # fmt: skip
            models.add(db, model)
            return _shown(db, model)

        return insert

    def tell_examined(self, model_id: str) -> None:
        """Say that a creation has ended, to whoever waits for its answer."""
        if model_id in self._examined:
            self._examined[model_id].set()

    def _address_faults(self, spec: ModelSpec) -> list[FieldError]:
        """Return what is wrong with the address itself; whether something lies there is examined later (MD-14, MD-09)."""
        try:
            if spec.model_upload_uri is not None:
                address = parse(spec.model_upload_uri)
                if address.kind is Kind.NAS:
                    self._context.storage.root(address)
        except StorageError as error:
            return [FieldError("modelUploadUri", str(error))]
        return []

    def _format(self, spec: ModelSpec, source: _Source) -> ModelFormat:
        image = None if source.image_id is None else self._context.catalogue.by_id(source.image_id)
        found = spec.model_format_code or (None if image is None else format_of(image.framework))
        if found is None:
            raise InvalidRequest([FieldError("modelFormatCode", f"required: one of {', '.join(ModelFormat)}")])
        return found

    async def get(self, model_id: str) -> Model:
        """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
        return await self._context.store.read(lambda db: models.get(db, model_id))

    async def find(self, model_id: str) -> Shown | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        return await self._context.store.read(lambda db: _shown_or_broken(db, models.find(db, model_id)))

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[Shown | Quarantined]:
        """Return a page of those wanted."""

        def read(db: sqlite3.Connection) -> Page[Shown | Quarantined]:
            page = models.page(db, wanted, request)
            return page.with_rows([_shown_or_broken(db, found) for found in page.rows])

        return await self._context.store.read(read)

    async def of_trainings(self, ids: Collection[str]) -> dict[str, list[Model]]:
        """Return the models made from these trainings, or trials, by their ids."""
        return await self._context.store.read(lambda db: _grouped(db, "training_id", ids))

    async def of_tunings(self, ids: Collection[str]) -> dict[str, list[Model]]:
        """Return the models made from trials of these tunings, by the ids of the tunings."""
        return await self._context.store.read(lambda db: _grouped(db, "tuning_id", ids))

    async def examination(self, model_id: str) -> Examination | None:
        """Return what was found in the artifact (MD-L01); None: it has not been looked at, or it was not there."""

        def read(db: sqlite3.Connection) -> Examination | None:
            models.find(db, model_id)
            return models.examination(db, model_id)

        return await self._context.store.read(read)

    async def events(self, model_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""

        def read(db: sqlite3.Connection) -> list[events.Event]:
            models.find(db, model_id)
            return events.of_resource(db, models.KIND, model_id, after)

        return await self._context.store.read(read)

    def parameters(self, model: Model) -> dict[str, str]:
        """Return the parameters with the values that were entered, secret ones too: for whoever serves the model."""
        opened = {} if model.sealed is None else self._opened(model.sealed, model.id)
        plain = {p.parameter_name: p.parameter_value for p in model.spec.parameter_list}
        return {**plain, **opened}

    def _opened(self, sealed: str, model_id: str) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(unseal(self._key, sealed, model_id))
        except ValueError as error:
            raise PermanentError(
                f"The secret parameters of model {model_id} cannot be opened: {error}.",
                hint=f"Was {self._context.settings.secret_key_file} replaced? Create the model again.",
            ) from error
        return found

    async def change(self, model_id: str, change: ModelChange) -> Shown:
        """Change name, description or tags (MD-17, MD-23). A field that is absent stays."""
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("modelName", "give a name, a description or tags")])

        def apply(db: sqlite3.Connection) -> Shown:
            model = models.get(db, model_id)
            spec = model.spec.model_copy(update={field: getattr(change, field) for field in change.model_fields_set})
            if spec.model_name != model.name:
                _check_unused(db, model_id, "its name is a part of their URLs")
                _check_name(db, model, spec.model_name)
            models.change(db, model, spec, self._context.clock.now())
            return _shown(db, replace(model, name=spec.model_name, description=spec.description, spec=spec))

        return await self._context.store.write(apply)

    async def delete(self, model_id: str) -> None:
        """Delete the model and the copy of its artifact, never the artifact (MD-33, GN-12); one that is broken at any time.

        Refused while it is deployed (MD-37). What is left of an endpoint that is being deleted keeps only the copy, and the
        model DELETE_IN_PROGRESS, until its pods are gone.
        """

        def begin(db: sqlite3.Connection) -> str | None:
            model = models.find(db, model_id)
            _check_unused(db, model_id, "delete the endpoints or stages first")
            if isinstance(model, Quarantined):
                checksum = models.checksum(db, model_id)
                _forget(db, model)
                return checksum
            if not model.status.is_finished:
                raise Conflict(f"Model {model_id} is {model.status}; deletion is possible in {DELETABLE}.")
            models.transition(db, model, ModelStatus.DELETE_IN_PROGRESS, None, self._context.clock.now())
            return None

        of_broken = await self._context.store.write(begin)
        if of_broken is not None:
            try:
                await discard_copy(self._context, of_broken)
            except OSError as error:
                log.warning("model %s: the copy of its artifact cannot be removed: %s", model_id, error)
        await self.finish_deletion(model_id)

    async def finish_deletion(self, model_id: str) -> None:
        """Carry a deletion that has begun to its end; also after a crash in the middle. Calm if somebody else did (MD-34)."""
        store = self._context.store
        try:
            model = await self.get(model_id)
        except NotFound:
            return
        if await store.read(lambda db: model_use.is_served(db, model_id)):
            return
        try:
            if model.checksum is not None:
                await discard_copy(self._context, model.checksum)
        except OSError as error:
            cause = Cause(Reason.NOT_REMOVED, f"The copy of its artifact cannot be removed: {error}. Delete it again.")
            now = self._context.clock.now()
            await store.write(lambda db: models.transition(db, model, ModelStatus.DELETE_FAILED, cause, now))
            raise PermanentError(cause.message) from error
        try:
            await store.write(lambda db: _forget(db, model))
        except StaleRecord:
            return


def users_of(db: sqlite3.Connection, column: str, job_id: str) -> list[str]:
    """Return what messages call the models made from a job, which cannot go before them (TR-53, HP-81, DP-02, DP-03, DP-19)."""
    found = []
    for model in models.made_from(db, column, [job_id]):
        if model.status == ModelStatus.DELETE_IN_PROGRESS:
            continue
        trial = models.origin(db, model.id).trial
        found.append(f"model {model.name!r} ({model.id}, {model.status}{f', of trial {trial.name!r}' if trial else ''})")
    return found


def _source(db: sqlite3.Connection, spec: ModelSpec) -> _Source:
    """Return where the artifact lies and what it came from; raises InvalidRequest, or Conflict if a job is not COMPLETE."""
    if spec.training_id is not None:
        return _of_training(db, spec.training_id)
    if spec.hyperparameter_tuning_id is not None:
        return _of_tuning(db, spec.hyperparameter_tuning_id)
    return _Source(spec.model_upload_uri)


def _of_training(db: sqlite3.Connection, training_id: str) -> _Source:
    try:
        training = trainings.get(db, training_id)
    except NotFound as error:
        raise InvalidRequest([FieldError("trainingId", f"there is no training {training_id!r}")]) from error
    if training.status is not TrainingStatus.COMPLETE:
        raise Conflict(f"Training {training_id} is {training.status}; a model can be made from it in COMPLETE.")
    return _Source(training.spec.model_upload_uri, training_id, training.tuning_id, training.spec.image_id)


def _of_tuning(db: sqlite3.Connection, tuning_id: str) -> _Source:
    try:
        tuning = tunings.get(db, tuning_id)
    except NotFound as error:
        message = f"there is no hyperparameter tuning {tuning_id!r}"
        raise InvalidRequest([FieldError("hyperparameterTuningId", message)]) from error
    if tuning.status is not TuningStatus.COMPLETE:
        raise Conflict(f"Hyperparameter tuning {tuning_id} is {tuning.status}; a model can be made from it in COMPLETE.")
    trial = best(trials.of_tuning(db, tuning_id), tuning.spec)
    if trial is None:
        raise Conflict(
            f"Hyperparameter tuning {tuning_id} has no best trial: none has a value of {tuning.spec.objective!r}.",
            hint="Make the model from one of its trials, by trainingId, or give its address.",
        )
    return _Source(tuning.spec.place_of_model(trial.id), trial.id, tuning_id, tuning.spec.image_id)


def _check_unused(db: sqlite3.Connection, model_id: str, why: str) -> None:
    """Raise Conflict if the model is deployed, naming where (DP-19)."""
    uses = model_use.users_of(db, model_id)
    if uses:
        raise Conflict(f"Model {model_id} is deployed on {'; '.join(map(str, uses))}: {why}.")


def _check_name(db: sqlite3.Connection, model: Model, name: str) -> None:
    if model.format is not ModelFormat.PYTORCH:
        return
    if not model.status.is_finished:
        raise Conflict(f"Model {model.id} is {model.status}; its name can be changed in {DELETABLE}.")
    fault = name_fault(model.format, models.examination(db, model.id), name)
    if fault is not None:
        raise InvalidRequest([FieldError("modelName", fault)])


def _forget(db: sqlite3.Connection, model: Model | Quarantined) -> None:
    models.delete(db, model)
    events.forget(db, models.KIND, model.id)


def _grouped(db: sqlite3.Connection, column: str, ids: Collection[str]) -> dict[str, list[Model]]:
    found: dict[str, list[Model]] = {one: [] for one in ids}
    for model in models.made_from(db, column, ids):
        if isinstance(model, Model):
            found[str(getattr(model, column))].append(model)
    return found


def _shown_or_broken(db: sqlite3.Connection, found: Model | Quarantined) -> Shown | Quarantined:
    return found if isinstance(found, Quarantined) else _shown(db, found)


def _shown(db: sqlite3.Connection, model: Model) -> Shown:
    return Shown(model, models.origin(db, model.id), tuple(model_use.users_of(db, model.id)))
