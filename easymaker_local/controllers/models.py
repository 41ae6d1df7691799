"""Carries models through their lives: their artifacts are examined, deletions that were cut short are finished (MD-30…MD-34).

An examination reads every file once, which takes as long as the artifact is large. So it goes on beside the passes: at most two
at a time, in threads of their own, and a daemon that ends breaks them off. Nothing of one is kept before it has ended; the
next daemon begins it anew. What is fetched first has other threads, so that no slow network keeps an examination waiting.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.domain.model import Examination
from easymaker_local.domain.model_record import Model, ModelStatus, finding
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.errors import (
    AccessDenied,
    BrokenRecord,
    NotFound,
    PermanentError,
    StaleRecord,
    StorageError,
    TransientError,
)
from easymaker_local.services.context import Context
from easymaker_local.services.model_artifacts import fetch, locate, may_fetch
from easymaker_local.services.models import Models
from easymaker_local.store import models

log = logging.getLogger(__name__)

# More would only take turns at the same disk, or network.
_AT_ONCE = 2
_OUR_FAULT = "It could not be examined: a fault of the daemon, whose log says more. Create the model again."


class _BrokenOff(Exception):
    """The daemon ends."""


@dataclass(frozen=True)
class _Found:
    """What came of an examination. ``cause``: why there was none, or why the artifact cannot be served.

    ``is_incomplete``: files that the hub may have are not here.
    """

    examination: Examination | None
    cause: Cause | None
    revision: str | None = None
    is_incomplete: bool = False


class ModelController:
    """One ``reconcile`` per id at a time (the loop sees to it)."""

    def __init__(self, context: Context, service: Models) -> None:
        self._context = context
        self._service = service
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="examination")
        self._fetching = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch")
        self._ends = threading.Event()
        self._examinations: dict[str, asyncio.Task[_Found]] = {}
        self._told_broken: set[str] = set()

    async def close(self) -> None:
        """Break off what is being examined; it is still CREATE_IN_PROGRESS then."""
        self._ends.set()
        await self.idle()
        self._threads.shutdown()
        self._fetching.shutdown()

    async def idle(self) -> None:
        """Wait until nothing is being examined."""
        await asyncio.gather(*self._examinations.values(), return_exceptions=True)

    async def unfinished(self) -> Iterable[str]:
        """Return the ids that still have a way to go."""
        return await self._context.store.read(models.unfinished_ids)

    async def reconcile(self, model_id: str) -> float | None:
        """Move the model on as far as it goes now; the end of an examination calls again."""
        try:
            model = await self._service.get(model_id)
        except NotFound:
            return None
        except BrokenRecord as problem:
            if model_id not in self._told_broken:
                self._told_broken.add(model_id)
                log.warning("%s", problem)
            return None
        try:
            match model.status:
                case ModelStatus.CREATE_REQUESTED:
                    await self._move(model, ModelStatus.CREATE_IN_PROGRESS)
                    return 0.0
                case ModelStatus.CREATE_IN_PROGRESS:
                    await self._create(model)
                case ModelStatus.DELETE_IN_PROGRESS:
                    await self._finish_deletion(model)
                case ModelStatus.ACTIVE | ModelStatus.CREATE_FAILED | ModelStatus.DELETE_FAILED:
                    pass
        except StaleRecord:
            return 0.0  # somebody else moved it meanwhile
        return None

    async def _move(self, model: Model, to: ModelStatus) -> None:
        now = self._context.clock.now()
        await self._context.store.write(lambda db: models.transition(db, model, to, None, now))

    async def _create(self, model: Model) -> None:
        task = self._examinations.get(model.id)
        if task is None:
            task = asyncio.create_task(self._examine(model))
            self._examinations[model.id] = task
            task.add_done_callback(lambda _: self._context.hinter.hint(models.KIND, model.id))
        if not task.done():
            return
        del self._examinations[model.id]
        if self._ends.is_set():
            return
        try:
            found = task.result()
        except TransientError:
            raise
        except Exception:
            # Repeated it would end in the same way, and until it has ended nobody could delete the model.
            log.exception("model %s: the examination failed", model.id)
            found = _Found(None, Cause(Reason.ARTIFACT_UNUSABLE, _OUR_FAULT))
        now = self._context.clock.now()
        to = ModelStatus.ACTIVE if found.cause is None else ModelStatus.CREATE_FAILED
        settle = partial(
            models.settle, model=model, to=to, cause=found.cause, now=now, examination=found.examination,
            revision=found.revision,
        )  # fmt: skip
        await self._context.store.write(settle)
        self._service.tell_examined(model.id)

    async def _examine(self, model: Model) -> _Found:
        """Look at the artifact; what is not whole in the hub's cache is fetched first, where that is allowed (MD-L04)."""
        found = await self._look(model)
        if found.cause is None or not found.is_incomplete or not may_fetch(self._context, model):
            return found
        try:
            await self._fetch(model)
        except PermanentError as error:
            if found.examination is None:
                return replace(found, cause=Cause(Reason.INPUT_MISSING, str(error)))
            return replace(found, cause=replace(found.cause, message=f"{found.cause.message} {error}"))
        return await self._look(model)

    async def _look(self, model: Model) -> _Found:
        try:
            artifact = await locate(self._context, model)
        except AccessDenied as error:
            return _Found(None, Cause(Reason.ACCESS_DENIED, str(error)))
        except StorageError as error:
            return _Found(None, Cause(Reason.INPUT_MISSING, str(error)), is_incomplete=True)
        work = partial(examine, artifact.path, model.format, name=model.name, root=artifact.root, step=self._step)
        examination = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        # A directory that is no snapshot of the cache is the user's own: it stays as it is.
        is_incomplete = examination.is_incomplete and artifact.revision is not None
        return _Found(examination, finding(examination), artifact.revision, is_incomplete)

    async def _fetch(self, model: Model) -> None:
        context = self._context
        cause, now = Cause(Reason.DOWNLOADING, "It is being fetched from the Hugging Face hub."), context.clock.now()
        await context.store.write(lambda db: models.explain(db, model, cause, now))
        work = partial(fetch, context, model, self._service.parameters(model), self._step)
        await asyncio.get_running_loop().run_in_executor(self._fetching, work)

    def _step(self) -> None:
        if self._ends.is_set():
            raise _BrokenOff

    async def _finish_deletion(self, model: Model) -> None:
        try:
            await self._service.finish_deletion(model.id)
        except PermanentError as error:
            log.warning("model %s: %s", model.id, error)
