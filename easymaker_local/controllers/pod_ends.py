"""How a pod's start ends: it failed and is started again after a pause, or it leaves for good (SR-L03, RI-05)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from easymaker_local.controllers.pod_files import PodFiles
from easymaker_local.controllers.stage_view import View
from easymaker_local.domain.endpoint import Pod, PodState
from easymaker_local.domain.pods import failure_of, restart_pause
from easymaker_local.domain.reason import Cause
from easymaker_local.domain.workload import Observation
from easymaker_local.services.context import Context
from easymaker_local.store import events, model_loads, stages

log = logging.getLogger(__name__)


async def ended(context: Context, view: View, pod: Pod, seen: Observation) -> None:
    """Write that the model server ended by itself, and why."""
    was_ready = pod.state is not PodState.STARTING
    report = None if was_ready else await asyncio.to_thread(PodFiles.of(context, pod).report)
    await _note_peak(context, view, pod, seen)
    await fail(context, pod, report or failure_of(seen, view.demands[pod.resource_id], was_ready=was_ready))


async def fail(context: Context, pod: Pod, cause: Cause) -> None:
    """Write that it failed; it is started again after a pause, unless its resource is given up."""
    words = await asyncio.to_thread(PodFiles.of(context, pod).last_words)
    message = f"{cause.message} The last that it wrote: {words}" if words else cause.message
    now, failures = context.clock.now(), pod.failures + 1
    pause = restart_pause(failures)
    told = Cause(cause.reason, f"Pod {pod.number}, start {pod.attempt}: {message} Next start in {pause:g} s.")

    def write(db: sqlite3.Connection) -> None:
        stages.set_pod(
            db, pod.id, state=PodState.WAITING, failures=failures, restarts=pod.restarts + 1, not_before=now + pause,
            reason=cause.reason, message=message,
        )  # fmt: skip
        events.record(db, stages.RESOURCE_KIND, pod.resource_id, now, events.EventType.NOTE, cause=told)

    await context.store.write(write)
    log.warning("stage %s: %s", pod.stage_id, told.message)


async def remove(context: Context, view: View, pod: Pod, seen: Observation) -> None:
    """Remove everything of a pod that has ended; its log stays for a while. The row goes last: a crash repeats it all."""
    await _note_peak(context, view, pod, seen)
    await context.driver.remove(pod.workload)
    await context.driver.close_network(pod.network)
    files = PodFiles.of(context, pod)
    await asyncio.to_thread(context.discard, [files.folder], pod.id)
    await asyncio.to_thread(files.keep_recent, {other.id for other in (*view.pods, *view.strays)})
    await context.store.write(lambda db: stages.delete_pod(db, pod.id))


async def _note_peak(context: Context, view: View, pod: Pod, seen: Observation) -> None:
    peak = seen.peak_memory_bytes
    if peak:
        model_id = view.resource_of(pod).model_id
        await context.store.write(lambda db: model_loads.raise_memory(db, model_id, peak))
