"""Serves the queue of all resources: one pass books everything that may start now and wakes it.

One key stands for the whole queue, so a hundred hints make one pass. Whoever owns a resource enqueues it, is woken when it is
booked, and releases it at its end; this module knows no kind of resource.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable

from easymaker_local.domain.change import QUEUE_CHANGE
from easymaker_local.domain.gpu import Inventory
from easymaker_local.domain.ledger import Machine, Plan
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.store import events, ledger

log = logging.getLogger(__name__)

# Nobody tells when a process of somebody else leaves a device, or when the driver has taken one of ours down.
_GPU_POLL_SECONDS = 1.0
_IDLE_POLL_SECONDS = 0.1


class QueueController:
    """See the module. What it found is left on ``Context.board``; a new daemon finds it again in its first pass."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def unfinished(self) -> Iterable[str]:
        """Return the one key there is."""
        return [QUEUE[1]]

    async def reconcile(self, key: str) -> float | None:
        """Serve the queue; return when to look at devices again, None if only a hint can change anything."""
        context = self._context
        before = context.board.plan
        if not await context.store.read(ledger.needs_pass):
            context.board.plan = Plan(context.machine)
            return None
        needs_gpus = await context.store.read(ledger.needs_gpus)
        inventory = await context.gpus.look() if needs_gpus else context.gpus.last
        plan = await context.store.write(lambda db: self._serve(db, inventory))
        context.board.plan = plan
        # Places and reasons are on the board alone: what waits may have others now although no row has changed.
        context.changes.publish([QUEUE_CHANGE])
        woken = [grant.request for grant in plan.grants] + [request for request, _ in plan.hopeless]
        # Those that are new here have to wait: their owners write that into the history, once.
        woken += [request for request in plan.waiting if request.key not in before.places]
        for request in woken:
            context.hinter.hint(request.kind, request.resource_id)
        if any(booking.ended_at is not None for booking in plan.booked):
            return _IDLE_POLL_SECONDS
        return _GPU_POLL_SECONDS if any(request.total.gpus for request in plan.waiting) else None

    def _serve(self, db: sqlite3.Connection, inventory: Inventory) -> Plan:
        context = self._context
        now = context.clock.now()
        idle = {gpu.uuid for gpu in inventory.gpus if gpu.is_idle}
        seconds = context.settings.gpu_release_seconds
        for booking in ledger.settle(db, idle, now - seconds):
            devices = ", ".join(booking.devices)
            words = f"Its GPUs ({devices}) were not idle {seconds:g} s after its end; they are no longer kept for it."
            log.warning("%s %s: %s", booking.kind, booking.resource_id, words)
            if events.of_resource(db, booking.kind, booking.resource_id, limit=1):  # otherwise it was deleted
                cause = Cause(Reason.GPU_NOT_IDLE, words)
                events.record(db, booking.kind, booking.resource_id, now, events.EventType.NOTE, cause=cause)
        machine = Machine(context.capacity, inventory)
        return ledger.admit(db, machine, now=now, backfill_seconds=context.settings.backfill_seconds)
