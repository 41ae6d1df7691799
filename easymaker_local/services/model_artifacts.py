"""Where the artifact of a model lies, and the local copy of it that is served."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.artifacts.models import hub_cache, hub_download
from easymaker_local.domain.access_list import Permission
from easymaker_local.domain.model_record import Model, ModelStatus
from easymaker_local.domain.model_spec import HUB_REVISION, HUB_TOKEN, variable_name
from easymaker_local.errors import StorageError
from easymaker_local.services.buckets import Use, check_access
from easymaker_local.services.context import Context
from easymaker_local.store import models


@dataclass(frozen=True)
class Artifact:
    """A directory or file, what its links may lead to, and which commit it is of a model of the hub."""

    path: Path
    root: Path
    revision: str | None = None


async def locate(context: Context, model: Model) -> Artifact:
    """Return where the artifact lies now; StorageError says why it cannot be had, AccessDenied which permission is missing."""
    if model.uri is None:
        return await asyncio.to_thread(_in_hub_cache, context, model)
    uri = model.uri
    await check_access(context, [Use("modelUploadUri", uri, Permission.READ)])
    location = await asyncio.to_thread(context.storage.resolve, uri)
    if not await asyncio.to_thread(location.path.exists):
        raise StorageError(f"There is nothing at {uri}.")
    return Artifact(location.path, location.root)


def may_fetch(context: Context, model: Model) -> bool:
    """True if a model of the hub that is not on this machine may be fetched (MD-L04)."""
    return model.uri is None and context.settings.hugging_face_download and not hub_download.is_offline(os.environ)


def fetch(context: Context, model: Model, parameters: Mapping[str, str], step: Callable[[], None]) -> None:
    """Fetch a model of the hub into the cache; blocks. ``parameters`` with the token, if one was given (FS-17, FS-L04)."""
    variables = {variable_name(name): value for name, value in parameters.items()}
    hub_download.download(
        model.spec.hub_id or "", _hub_cache(context), hub_download.endpoint_of(os.environ),
        revision=variables.get(HUB_REVISION), token=variables.get(HUB_TOKEN), step=step,
    )  # fmt: skip


def _hub_cache(context: Context) -> Path:
    return context.settings.hugging_face_cache or hub_cache.cache_directory(os.environ)


def _in_hub_cache(context: Context, model: Model) -> Artifact:
    settings, cache = context.settings, _hub_cache(context)
    # What was examined is what is served: the commit of then, whatever the branch is by now.
    revision = model.revision or model.spec.parameter(HUB_REVISION)
    found = hub_cache.find(model.spec.hub_id or "", cache, settings.hugging_face_models, revision)
    return Artifact(found.path, found.root, found.commit)


async def local_copy(context: Context, model: Model, step: Callable[[], None] = lambda: None) -> Path:
    """Return the read-only copy that is served, made if there is none (MD-L02).

    Raises NotFound if the model is gone, StorageError if it is being deleted, or its artifact is gone or is not what was
    examined. An existing copy needs no artifact any more.
    """
    if model.checksum is None:
        raise StorageError(f"Model {model.id} has not been examined.")
    async with context.copy_lock(model.checksum):
        # As it is now: a deletion that has begun removes the copy once we are done.
        now = await context.store.read(lambda db: models.get(db, model.id))
        found = await context.store.read(lambda db: models.examination(db, model.id))
        if found is None or now.status is ModelStatus.DELETE_IN_PROGRESS:
            raise StorageError(f"Model {model.id} is {now.status}; it cannot be served.")
        place = context.model_copies.path(model.checksum)
        if await asyncio.to_thread(place.is_dir):
            return place
        artifact = await locate(context, model)
        return await asyncio.to_thread(context.model_copies.make, found, artifact.path, artifact.root, step)


async def discard_copy(context: Context, checksum: str) -> bool:
    """Remove the copy of a content; False: a model needs it, and it stays (MD-L02). Raises OSError if it cannot be removed."""
    async with context.copy_lock(checksum):
        if await context.store.read(lambda db: models.is_needed(db, checksum)):
            return False
        await asyncio.to_thread(context.model_copies.remove, checksum)
        return True
