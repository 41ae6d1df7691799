"""Looks after pods: starts their model servers, asks whether they answer, starts them again, lets them go (SR-L01, SR-L03).

    PENDING ─▶ STARTING ─▶ READY ◀─▶ UNREADY        any ─▶ LEAVING ─▶ (gone)
                  ▲  └────────┴────────┴─▶ WAITING
                  └──────────────────────────┘

A pod's row is written before its workload is touched, and the workload's name follows from the row: after a crash the same
pass does the same again. What is only remembered here (answers missed, starts under way) costs a look more when it is lost.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from easymaker_local.controllers import pod_ends
from easymaker_local.controllers.pod_start import backend_of, failure_of_start, start_pod
from easymaker_local.controllers.readiness import Answer, ask
from easymaker_local.controllers.stage_view import View, image_of
from easymaker_local.domain.endpoint import Pod, PodState
from easymaker_local.domain.gateway import Backend
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.pods import STEADY_SECONDS
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.errors import PermanentError
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import model_loads, stages

START_LOOK_SECONDS = 0.15
READY_LOOK_SECONDS = 5.0
MISSED_LOOK_SECONDS = 1.0
GONE_LOOK_SECONDS = 0.5
_ASK_SECONDS = 5.0
# Whoever answers at all answers at once; others are waited for beside the pass, whose place in the loop is not theirs.
_PROMPT_SECONDS = 0.1
# A server that computes may be slow to say so once; one that nobody listens for is gone.
_MISSES_UNTIL_UNREADY = 2
_MISSES_UNTIL_RESTART = 8
_KILL_SECONDS = 5.0

Ask = Callable[[str, int, str, float], Awaitable[Answer]]


@dataclass
class _Memory:
    """What is known of one start of a pod beside its row."""

    start: asyncio.Task[None] | None = None
    question: asyncio.Task[Answer] | None = None
    backend: Backend | None = None
    asked_at: float | None = None
    misses: int = 0


@dataclass(frozen=True)
class Looked:
    """What came of looking after a pod: whether its row changed, and when to look again."""

    has_changed: bool = False
    pause: float | None = None


@dataclass
class Pods:
    """See the module. ``ask`` is how servers are asked."""

    context: Context
    preparation: Preparation
    parameters: Callable[[Model], dict[str, str]]
    ask: Ask = ask
    _memories: dict[str, _Memory] = field(default_factory=dict)

    async def idle(self) -> None:
        """Wait until no start is under way."""
        await asyncio.gather(*(m.start for m in self._memories.values() if m.start is not None), return_exceptions=True)

    async def close(self) -> None:
        """Break off what is being started; the next daemon goes on with it."""
        for memory in self._memories.values():
            if memory.start is not None:
                _break_off(memory.start)
            if memory.question is not None:
                memory.question.cancel()
        await self.idle()

    async def backend(self, pod: Pod) -> Backend | None:
        """Return where a pod is reached; None if it does not run."""
        memory = self._memory(pod)
        if memory.backend is None:
            memory.backend = await backend_of(self.context.driver, pod)
        return memory.backend

    async def answers(self, view: View, pod: Pod) -> bool:
        """Ask a pod now whether it is ready."""
        return await self._answer(view, pod) is Answer.READY

    async def tend(self, view: View, pod: Pod) -> Looked:
        """Look after one pod. Raises TransientError if the driver does not answer."""
        match pod.state:
            case PodState.PENDING:
                return Looked() if pod.node is None else await self._begin(view, pod)
            case PodState.WAITING:
                return await self._wait(view, pod)
            case PodState.STARTING:
                return await self._starting(view, pod)
            case PodState.READY | PodState.UNREADY:
                return await self._serving(view, pod)
            case PodState.LEAVING:
                return await self._leaving(view, pod)

    # -- to a start

    async def _begin(self, view: View, pod: Pod) -> Looked:
        """Write that the next start begins, once its environment is there."""
        resource = view.resource_of(pod)
        model = view.models.get(resource.model_id)
        image = None if model is None else image_of(self.context, model, view.stage)
        if image is not None and await self.preparation.ready(image) is None:
            # It may have been removed while the pod slept.
            failure = self.preparation.failure(image, self.context.clock.now(), pod.stage_id)
            if failure is not None and pod.reason is not Reason.ENVIRONMENT_FAILED:
                return await self._fail(pod, Cause(Reason.ENVIRONMENT_FAILED, failure))
            self.preparation.start(image, pod.stage_id)
            return Looked(pause=1.0)
        now = self.context.clock.now()
        version = self.context.catalogue.runtime_version
        await self._set(pod, state=PodState.STARTING, attempt=pod.attempt + 1, started_at=now, runtime_version=version)
        return Looked(has_changed=True)

    async def _wait(self, view: View, pod: Pod) -> Looked:
        """Remove what is left of the last start, and pause."""
        driver = self.context.driver
        seen = await driver.observe(pod.workload)
        if seen.is_alive:
            await driver.stop(pod.workload, _KILL_SECONDS)
            return Looked(pause=GONE_LOOK_SECONDS)
        if seen.phase is not Phase.ABSENT:
            await driver.remove(pod.workload)
        self._forget(pod)
        left = pod.not_before - self.context.clock.now()
        return Looked(pause=left) if left > 0 else await self._begin(view, pod)

    async def _starting(self, view: View, pod: Pod) -> Looked:
        memory = self._memory(pod)
        if memory.start is not None:
            if not memory.start.done():
                return Looked(pause=1.0)
            task, memory.start = memory.start, None
            cause = failure_of_start(task)
            if cause is not None:
                return await self._fail(pod, cause)
        seen = await self.context.driver.observe(pod.workload)
        if seen.phase in {Phase.ABSENT, Phase.STARTING}:
            memory.start = asyncio.get_running_loop().create_task(self._start(view, pod), name=pod.workload)
            memory.start.add_done_callback(lambda _: self.context.hinter.hint(stages.KIND, pod.stage_id))
            return Looked(pause=1.0)
        if seen.phase is Phase.EXITED:
            return await self._ended(view, pod, seen)
        if seen.phase is Phase.RUNNING and await self._prompt_answer(view, pod) is Answer.READY:
            return await self._ready(view, pod)
        late = self.context.clock.now() - (pod.started_at or 0.0) >= self.context.settings.serving_start_seconds
        if late and seen.phase is Phase.RUNNING:
            words = f"It was not ready within {self.context.settings.serving_start_seconds:g} s."
            return await self._fail(pod, Cause(Reason.TIME_LIMIT, words))
        return Looked(pause=START_LOOK_SECONDS)

    async def _start(self, view: View, pod: Pod) -> None:
        model = view.models.get(view.resource_of(pod).model_id)
        image = None if model is None else image_of(self.context, model, view.stage)
        environment = None if image is None else await self.preparation.ready(image)
        if model is not None and environment is None:
            raise PermanentError("The environment of the model was removed after it had been prepared.")
        await start_pod(self.context, view, pod, environment or "", self.parameters)

    async def _ready(self, view: View, pod: Pod) -> Looked:
        now, resource = self.context.clock.now(), view.resource_of(pod)
        seconds = max(0.0, now - (pod.started_at or now))
        used = (await self.context.driver.usage([pod.workload])).get(pod.workload)
        self._memory(pod).asked_at = now

        def write(db: sqlite3.Connection) -> None:
            stages.set_pod(db, pod.id, state=PodState.READY, ready_at=now, load_seconds=seconds)
            model_loads.put(db, resource.model_id, seconds, None if used is None else used.memory_bytes, now)

        await self.context.store.write(write)
        return Looked(has_changed=True)

    # -- while it serves

    async def _serving(self, view: View, pod: Pod) -> Looked:
        memory, now = self._memory(pod), self.context.clock.now()
        seen = await self.context.driver.observe(pod.workload)
        if seen.phase in {Phase.EXITED, Phase.ABSENT}:
            return await self._ended(view, pod, seen)
        if seen.phase is not Phase.RUNNING:
            return Looked(pause=MISSED_LOOK_SECONDS)
        pause = READY_LOOK_SECONDS if memory.misses == 0 else MISSED_LOOK_SECONDS
        if memory.question is None:
            if memory.asked_at is not None and 0 <= now - memory.asked_at < pause:
                return Looked(pause=pause - (now - memory.asked_at))
            memory.asked_at = now
        answer = await self._prompt_answer(view, pod)
        if answer is None:
            return Looked(pause=_ASK_SECONDS)
        if answer is Answer.READY:
            memory.misses = 0
            return await self._answers(pod, now)
        memory.misses += _MISSES_UNTIL_UNREADY if answer is Answer.REFUSED and memory.misses == 0 else 1
        if memory.misses >= _MISSES_UNTIL_RESTART:
            return await self._fail(pod, Cause(Reason.NOT_READY, f"It does not answer any more ({answer.value})."))
        if memory.misses >= _MISSES_UNTIL_UNREADY and pod.state is PodState.READY:
            words = f"It does not answer ({answer.value})."
            await self._set(pod, state=PodState.UNREADY, reason=Reason.NOT_READY, message=words)
            return Looked(has_changed=True)
        return Looked(pause=MISSED_LOOK_SECONDS)

    async def _answers(self, pod: Pod, now: float) -> Looked:
        if pod.state is PodState.UNREADY:
            await self._set(pod, state=PodState.READY, ready_at=now)
            return Looked(has_changed=True)
        is_steady = now - (pod.ready_at or now) >= STEADY_SECONDS
        if is_steady and (pod.failures or pod.reason is not None):
            await self._set(pod, failures=0, reason=None, message=None)
            return Looked(has_changed=True)
        return Looked(pause=READY_LOOK_SECONDS)

    async def _prompt_answer(self, view: View, pod: Pod) -> Answer | None:
        """Return what a pod answers at once, or has answered since it was asked; None: nothing yet, a hint comes then."""
        memory = self._memory(pod)
        question = memory.question
        if question is None:
            question = asyncio.get_running_loop().create_task(self._answer(view, pod))
            memory.question = question
            await asyncio.wait({question}, timeout=_PROMPT_SECONDS)
            if not question.done():
                question.add_done_callback(lambda _: self.context.hinter.hint(stages.KIND, pod.stage_id))
        if not question.done():
            return None
        memory.question = None
        return question.result()

    async def _answer(self, view: View, pod: Pod) -> Answer:
        backend = await self.backend(pod)
        model = view.models.get(view.resource_of(pod).model_id)
        if model is None:
            return Answer.READY  # deleted with its endpoint, and served until the stage comes to that
        if backend is None:
            return Answer.REFUSED
        return await self.ask(backend.host, backend.port, model.name, _ASK_SECONDS)

    async def _leaving(self, view: View, pod: Pod) -> Looked:
        """Let it finish what it has begun, then remove everything of it; the gateway sends it nothing new already."""
        context, memory = self.context, self._memory(pod)
        if memory.start is not None:
            if not memory.start.done():
                # It ends in its own time, with a hint: what it may still make has to be there to be removed.
                _break_off(memory.start)
                return Looked(pause=1.0)
            memory.start = None
        seen = await context.driver.observe(pod.workload)
        if seen.is_alive:
            await context.driver.stop(pod.workload, context.settings.drain_seconds)
            return Looked(pause=GONE_LOOK_SECONDS)
        await pod_ends.remove(context, view, pod, seen)
        self._forget(pod)
        return Looked(has_changed=True)

    async def _ended(self, view: View, pod: Pod, seen: Observation) -> Looked:
        await pod_ends.ended(self.context, view, pod, seen)
        return Looked(has_changed=True)

    async def _fail(self, pod: Pod, cause: Cause) -> Looked:
        await pod_ends.fail(self.context, pod, cause)
        return Looked(has_changed=True)

    async def _set(self, pod: Pod, **columns: Any) -> None:
        await self.context.store.write(lambda db: stages.set_pod(db, pod.id, **columns))

    def _memory(self, pod: Pod) -> _Memory:
        return self._memories.setdefault(pod.workload, _Memory())

    def _forget(self, pod: Pod) -> None:
        memory = self._memories.pop(pod.workload, None)
        if memory is not None and memory.question is not None:
            memory.question.cancel()


def _break_off(task: asyncio.Task[Any]) -> None:
    """Cancel it once: a second time would break off that it ends in order."""
    if not task.cancelling():
        task.cancel()
