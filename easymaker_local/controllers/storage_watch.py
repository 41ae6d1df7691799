"""Watches how much of its data storage a job uses, also where a volume enforces it: 90 % are said (GN-23, GN-L10)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from easymaker_local.controllers.training_files import TrainingFiles
from easymaker_local.domain.reason import Cause
from easymaker_local.domain.training import Training, storage_cause

_INTERVAL_SECONDS = 30.0
# However many files there are, counting them takes at most a twentieth of the time.
_LONGEST_SHARE = 20


class StorageWatch:
    """Counts now and then and remembers the answer meanwhile; a new daemon counts anew."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._found: dict[str, tuple[float, Cause | None]] = {}

    async def look(self, training: Training, files: TrainingFiles) -> Cause | None:
        """Return what is to be said of the training's storage; None: nothing, or it was given no size."""
        if training.spec.data_storage_size is None:
            return None
        until, cause = self._found.get(training.id, (0.0, None))
        began = self._ticks()
        if began >= until:
            cause = storage_cause(await asyncio.to_thread(files.used_bytes), training.spec.data_storage_size)
            ended = self._ticks()
            self._found[training.id] = (ended + max(_INTERVAL_SECONDS, _LONGEST_SHARE * (ended - began)), cause)
        return cause

    def forget(self, training: Training) -> None:
        """Remember nothing of a training that has ended."""
        self._found.pop(training.id, None)
