"""Runs reconcilers: knows no resource, only keys.

Level-driven: a pass gets a key, reads the whole state and never trusts the event that woke it. Hints, exits and timers only
say "look soon"; a slow resync looks at everything unfinished, so a lost hint costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from easymaker_local.errors import EasyMakerError, TransientError

log = logging.getLogger(__name__)

Key = tuple[str, str]
Reconcile = Callable[[str], Awaitable[float | None]]
Unfinished = Callable[[], Awaitable[Iterable[str]]]

_MAXIMUM_PASSES_AT_ONCE = 16
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class _Entry:
    """Bookkeeping of one key: a pass that runs, a hint that came meanwhile, a timer, failures in a row."""

    task: asyncio.Task[None] | None = None
    again: bool = False
    timer: asyncio.TimerHandle | None = None
    failures: int = 0


@dataclass(frozen=True)
class _Registered:
    reconcile: Reconcile
    unfinished: Unfinished


@dataclass
class Loop:
    """One pass at a time per key; ``reconcile(id)`` answers None ("wake me by a hint") or seconds ("look again by then")."""

    resync_seconds: float
    _kinds: dict[str, _Registered] = field(default_factory=dict)
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAXIMUM_PASSES_AT_ONCE))
    _is_open: bool = False

    def register(self, kind: str, reconcile: Reconcile, unfinished: Unfinished) -> None:
        """Let ``reconcile`` carry resources of ``kind``; ``unfinished`` lists those that still have a way to go."""
        self._kinds[kind] = _Registered(reconcile, unfinished)

    def hint(self, kind: str, resource_id: str) -> bool:
        """Ask for a pass soon; True if there will be one. Many hints during one pass make one more pass."""
        if not self._is_open or kind not in self._kinds:
            return False
        entry = self._entries.setdefault((kind, resource_id), _Entry())
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if entry.task is not None:
            entry.again = True
        else:
            entry.task = asyncio.get_running_loop().create_task(self._pass((kind, resource_id), entry))
        return True

    async def run(self) -> None:
        """Look at everything unfinished now and every ``resync_seconds``, until cancelled."""
        self._is_open = True
        try:
            while True:
                for kind, registered in self._kinds.items():
                    try:
                        for resource_id in await registered.unfinished():
                            self.hint(kind, resource_id)
                    except EasyMakerError as error:
                        log.warning("the resync of %s failed: %s It is repeated.", kind, error)
                    except Exception:
                        log.exception("the resync of %s failed; it is repeated", kind)
                await asyncio.sleep(self.resync_seconds)
        finally:
            await self._close()

    async def _close(self) -> None:
        self._is_open = False
        tasks = []
        for entry in self._entries.values():
            if entry.timer is not None:
                entry.timer.cancel()
            if entry.task is not None:
                entry.task.cancel()
                tasks.append(entry.task)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._entries.clear()

    async def _pass(self, key: Key, entry: _Entry) -> None:
        kind, resource_id = key
        try:
            async with self._slots:
                pause = await self._kinds[kind].reconcile(resource_id)
            entry.failures = 0
        except TransientError as error:
            entry.failures += 1
            pause = min(error.delay_seconds * entry.failures, _LONGEST_PAUSE_SECONDS)
            log.warning("%s %s: %s Trying again in %.1f s.", kind, resource_id, error, pause)
        except Exception:
            entry.failures += 1
            pause = min(2.0**entry.failures, _LONGEST_PAUSE_SECONDS)
            log.exception("%s %s: the pass failed; trying again in %.0f s", kind, resource_id, pause)
        entry.task = None
        if not self._is_open:
            return
        if entry.again:
            entry.again = False
            self.hint(kind, resource_id)
        elif pause is not None:
            entry.timer = asyncio.get_running_loop().call_later(pause, self.hint, kind, resource_id)
        else:
            del self._entries[key]
