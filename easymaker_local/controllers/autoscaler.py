"""Adjusts how many pods and nodes are wanted, by load (AS); the controllers of stages make it so.

Every ``autoscaler_seconds`` it looks at the stages that ask for it, and at nothing if none does. It writes ``wanted_pods`` and
``wanted_nodes`` only, each with its event in one transaction, and only if nothing has changed since it looked: a user's request
and a sleeping model that was woken go first. What it remembers is in memory, see ``domain/autoscaling.py``.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial

from easymaker_local.controllers.pod_use import PodMeter, PodUse
from easymaker_local.controllers.scaled_stage import ScaledStage, scaled_stages, write_nodes, write_pods
from easymaker_local.domain.autoscaling import (
    Decision,
    Idleness,
    PodRule,
    Recommendations,
    RequestWindow,
    Use,
    decide_pods,
    decide_sleep,
)
from easymaker_local.domain.endpoint import StageResource
from easymaker_local.domain.endpoint_spec import ScaleMetric
from easymaker_local.domain.gateway import ModelLoad
from easymaker_local.domain.node_scaling import NodeMemory, decide_asleep, decide_nodes
from easymaker_local.errors import EasyMakerError, TransientError
from easymaker_local.gateway.base import Gateway
from easymaker_local.services.context import Context
from easymaker_local.store import stages

log = logging.getLogger(__name__)

_REQUESTS_EVERY_SECONDS = 2.0
_Loads = Mapping[tuple[str, str], ModelLoad]


class Autoscaler:
    """Remembers, by stage and stage resource, what the rules need between two passes."""

    def __init__(self, context: Context, gateway: Gateway, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._gateway = gateway
        # Windows are of monotonic time: neither a clock that is set nor a machine that slept makes them pass.
        self._ticks = ticks
        self._meter = PodMeter(context.driver)
        self._recommended: dict[str, Recommendations] = {}
        self._idle: dict[str, Idleness] = {}
        self._nodes: dict[str, NodeMemory] = {}
        self._requests: dict[tuple[str, str], RequestWindow] = {}
        self._blocked: dict[str, tuple[str, float]] = {}

    async def run(self) -> None:
        """Look until cancelled; what fails is logged and tried again at the next turn."""
        while True:
            try:
                await self.look()
            except EasyMakerError as error:
                log.warning("autoscaler: %s", error)
            except Exception:
                log.exception("autoscaler: the look failed; it is repeated")
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the next look. The requests under way are counted meanwhile: they come and go in milliseconds."""
        left = self._context.settings.autoscaler_seconds
        while self._requests and left > 0:
            await asyncio.sleep(min(left, _REQUESTS_EVERY_SECONDS))
            left -= _REQUESTS_EVERY_SECONDS
            await self.count_requests()
        await asyncio.sleep(max(left, 0))

    async def count_requests(self) -> None:
        """Note how many requests are under way, of the models whose pods are scaled by them."""
        self._note_requests(await self._loads())

    async def look(self) -> None:
        """Look once at everything that is scaled, and decide."""
        tick = self._ticks()
        now = self._context.clock.now()
        found = await self._context.store.read(lambda db: scaled_stages(db, self._context.settings, now))
        self._forget(found)
        if not found:
            return
        loads = await self._loads() if any(stage.needs_loads for stage in found) else None
        self._note_requests(loads)
        limits = {pod.workload: limit for stage in found for pod, limit in stage.measured_pods()}
        use = await self._meter.look(limits, tick)
        for stage in found:
            for resource in stage.scaled:
                await self._scale_pods(stage, resource, loads, use, tick)
            await self._scale_nodes(stage, tick)

    def _forget(self, found: list[ScaledStage]) -> None:
        """Drop what is no longer scaled; what sleeps begins anew when it wakes."""
        awake = {resource.id for stage in found for resource in stage.scaled}
        ids = awake | {stage.id for stage in found}
        self._recommended = {key: kept for key, kept in self._recommended.items() if key in awake}
        self._idle = {key: kept for key, kept in self._idle.items() if key in awake}
        self._nodes = {key: kept for key, kept in self._nodes.items() if key in ids}
        self._blocked = {key: kept for key, kept in self._blocked.items() if key in ids}
        counted = {(stage.id, resource.model_id) for stage in found for resource in stage.scaled_by_requests}
        self._requests = {key: self._requests.get(key, RequestWindow()) for key in counted}

    async def _loads(self) -> _Loads | None:
        try:
            return await self._gateway.loads()
        except TransientError as error:
            log.warning("autoscaler: the gateway does not tell its load: %s", error)
            return None

    def _note_requests(self, loads: _Loads | None) -> None:
        tick = self._ticks()
        for key, window in self._requests.items():
            if loads is not None:
                self._requests[key] = window.add(loads.get(key, ModelLoad(0, 0)).active, tick)

    async def _scale_pods(
        self, stage: ScaledStage, resource: StageResource, loads: _Loads | None, use: Mapping[str, PodUse], tick: float
    ) -> None:
        decision = self._sleep(stage, resource, loads, tick)
        if decision is None and resource.spec.pod_auto_scale_enable:
            decision = self._pods(stage, resource, use, tick)
        if decision is not None and self._is_news(resource.id, decision, tick):
            name, now = stage.names.get(resource.model_id, resource.model_id), self._context.clock.now()
            if await self._write(stage, partial(write_pods, seen=resource, model_name=name, decision=decision, now=now)):
                stage.wanted[resource.id] = decision.new

    def _sleep(self, stage: ScaledStage, resource: StageResource, loads: _Loads | None, tick: float) -> Decision | None:
        minutes = resource.spec.scale_to_zero_idle_minutes
        if not minutes:
            return None
        # A model that the gateway does not name has had no request of its process.
        load = None if loads is None else loads.get((stage.id, resource.model_id), ModelLoad(0, 0))
        memory, decision = decide_sleep(
            minutes, resource.wanted_pods, load, self._gateway.epoch, self._idle.get(resource.id), tick
        )
        if memory is not None:
            self._idle[resource.id] = memory
        return decision

    def _pods(self, stage: ScaledStage, resource: StageResource, use: Mapping[str, PodUse], tick: float) -> Decision | None:
        limit, limit_words = stage.limit_of(resource)
        rule = PodRule(
            resource.spec.scale_metric_code, resource.spec.scale_metric_target, limit, limit_words,
            self._context.settings.autoscaler_stabilisation_seconds, stage.refused,
        )  # fmt: skip
        measured = self._use_of(stage, resource, use)
        self._recommended[resource.id], decision = decide_pods(
            rule, resource.wanted_pods, measured, self._recommended.get(resource.id), tick
        )
        return decision

    def _use_of(self, stage: ScaledStage, resource: StageResource, use: Mapping[str, PodUse]) -> Use:
        ready, metric = stage.ready_pods(resource), resource.spec.scale_metric_code
        if metric is ScaleMetric.REQUESTS:
            each = self._requests[stage.id, resource.model_id].per_pod(stage.ready_of_model(resource.model_id))
            samples = [each] * len(ready)
        else:
            samples = [use[pod.workload].by(metric) if pod.workload in use else None for pod in ready]
        known = tuple(value for value in samples if value is not None)
        return Use(known, len(ready) - len(known), max(0, resource.wanted_pods - len(ready)))

    async def _scale_nodes(self, stage: ScaledStage, tick: float) -> None:
        settings = stage.stage.spec
        if not settings.ca_enable:
            return
        layout = stage.layout()
        if not layout.nodes:
            # It sleeps, or waits for its first nodes.
            self._nodes.pop(stage.id, None)
            decision = None if any(stage.wanted.values()) else decide_asleep(settings, stage.stage.wanted_nodes)
            await self._write_nodes(stage, decision, tick)
            return
        self._nodes[stage.id], decision = decide_nodes(
            settings,
            stage.stage.wanted_nodes,
            layout,
            self._nodes.get(stage.id),
            tick,
            waits=stage.waits,
            refused=stage.refused,
        )
        await self._write_nodes(stage, decision, tick)

    async def _write_nodes(self, stage: ScaledStage, decision: Decision | None, tick: float) -> None:
        if decision is not None and self._is_news(stage.id, decision, tick):
            now = self._context.clock.now()
            await self._write(stage, partial(write_nodes, seen=stage.stage, decision=decision, now=now))

    def _is_news(self, key: str, decision: Decision, tick: float) -> bool:
        """True for a change; for what stands in the way of one only if it was not said in the last minutes."""
        if decision.blocked is None:
            return True
        reason, last = self._blocked.get(key, ("", tick))
        self._blocked[key] = decision.blocked, tick
        is_old = reason == decision.blocked and tick - last <= self._context.settings.autoscaler_stabilisation_seconds
        return decision.new != decision.old or not is_old

    async def _write(self, stage: ScaledStage, write: Callable[[sqlite3.Connection], bool]) -> bool:
        is_written = await self._context.store.write(write)
        if is_written:
            self._context.hinter.hint(stages.KIND, stage.id)
        return is_written
