"""What takes the disk, and giving back what nothing refers to."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from easymaker_local.artifacts import trees
from easymaker_local.domain.disk import DiskEntry, DiskKind, DiskReport, Reclaimed, StoredEnvironment
from easymaker_local.errors import EasyMakerError, FieldError, InvalidRequest, PermanentError
from easymaker_local.kit.trees import allocated_bytes
from easymaker_local.services.context import Context
from easymaker_local.services.model_artifacts import discard_copy
from easymaker_local.store import models, trainings


class Disk:
    """Reports by counting, which takes a while; reclaims nothing that was not in a report's reclaimable entries."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def report(self) -> DiskReport:
        """Return all that takes space."""
        environments = await self._environments()
        names = await self._context.store.read(_names)
        of_models = await self._context.store.read(models.checksums)
        entries = await asyncio.to_thread(lambda: [*environments, *self._files(names), *self._model_copies(of_models)])
        order = list(DiskKind)
        entries.sort(key=lambda entry: (order.index(entry.kind), -entry.bytes, entry.place))
        space = shutil.disk_usage(self._context.settings.home)
        return DiskReport(space.total, space.free, tuple(entries))

    async def reclaim(self, places: Collection[str]) -> Reclaimed:
        """Remove what is at these places, each looked at again: one that is needed by now stays.

        Raises InvalidRequest, nothing removed, if one of them is not in the report at all or not reclaimable.
        """
        found = {entry.place: entry for entry in (await self.report()).entries}
        faults = []
        for index, place in enumerate(places):
            if place not in found:
                faults.append(FieldError(f"placeList.{index}", f"{place!r} is not what the appliance has on this disk"))
            elif found[place].reclaimable is None:
                faults.append(FieldError(f"placeList.{index}", f"{place} is needed and stays"))
        if faults:
            raise InvalidRequest(faults)
        freed, kept = [], []
        for place in dict.fromkeys(places):
            entry = found[place]
            try:
                await self._remove(entry)
            except (EasyMakerError, OSError) as error:
                kept.append((entry.place, str(error)))
            else:
                freed.append(entry)
        return Reclaimed(tuple(freed), tuple(kept))

    async def _remove(self, entry: DiskEntry) -> None:
        if entry.kind is DiskKind.ENVIRONMENT:
            await self._context.environments.discard(entry.place)
        elif entry.kind is DiskKind.MODEL:
            if not await discard_copy(self._context, Path(entry.place).name):
                raise PermanentError("A model needs it by now.")
        else:
            await asyncio.to_thread(trees.remove, Path(entry.place))

    async def _environments(self) -> list[DiskEntry]:
        context = self._context
        # Only what is prepared has a name; what is not prepared cannot be what is stored.
        current: set[str] = set()
        # A job that runs may use an environment that is no longer current: those of its image stay, whichever they are.
        kept = {training.spec.image_id for training in await context.store.read(trainings.started)}
        for image in context.catalogue.list():
            try:
                name = await context.environments.ready(image)
            except (PermanentError, OSError):
                kept.add(image.id)  # its files cannot be read now: nobody can tell what it needs
            else:
                current |= set() if name is None else {name}
        return [
            DiskEntry(
                DiskKind.ENVIRONMENT, stored.image_id or stored.name, stored.name, stored.bytes,
                _why_unneeded(stored, current, kept),
            )
            for stored in await context.environments.stored()
        ]  # fmt: skip

    def _model_copies(self, of_models: Mapping[str, Sequence[str]]) -> Iterator[DiskEntry]:
        copies = self._context.model_copies
        for checksum in copies.list():
            names, path = of_models.get(checksum, []), copies.path(checksum)
            why = None if names else "No model has this content any more."
            yield DiskEntry(DiskKind.MODEL, ", ".join(names) or checksum[:12], str(path), allocated_bytes(path), why)

    def _files(self, names: dict[str, str]) -> Iterator[DiskEntry]:
        settings = self._context.settings
        for name in self._context.storage.containers():
            path = settings.storage / name
            yield DiskEntry(DiskKind.BUCKET, name, str(path), allocated_bytes(path))
        runs = self._context.tensorboard_logs.runs()
        for training_id, name in names.items():
            places = [self._context.work_directory(training_id), self._context.log_directory(training_id)]
            places += [runs[training_id]] if training_id in runs else []
            taken = sum(allocated_bytes(place) for place in places if place.exists())
            if taken:
                yield DiskEntry(DiskKind.TRAINING, f"{name} ({training_id})", str(places[0]), taken)
        if settings.mlflow.exists():
            yield DiskEntry(DiskKind.MLFLOW, "MLflow", str(settings.mlflow), allocated_bytes(settings.mlflow))
        for path in sorted(settings.home.glob("*.db")):
            beside = [path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))]
            yield DiskEntry(DiskKind.DATABASE, path.name, str(path), sum(map(allocated_bytes, beside)))
        if settings.daemon_log.exists():
            yield DiskEntry(
                DiskKind.LOG, settings.daemon_log.name, str(settings.daemon_log), allocated_bytes(settings.daemon_log)
            )
        for path in _entries(self._context.trash):
            why = "It was deleted, and what is left of it could not be removed then."
            yield DiskEntry(DiskKind.TRASH, path.name, str(path), allocated_bytes(path), why)


def _names(db: sqlite3.Connection) -> dict[str, str]:
    return {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM trainings ORDER BY created_at")}


def _why_unneeded(stored: StoredEnvironment, current: Collection[str], kept: Collection[str]) -> str | None:
    if stored.name in current or stored.image_id in kept:
        return None
    if not stored.is_whole:
        return "It was never finished."
    return "No image of the catalogue has this content any more."


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
