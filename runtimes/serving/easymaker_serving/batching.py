"""Batching without a timer: what arrived while the last batch ran is the next batch.

Nothing ever waits for a window, so a lone client pays nothing. Requests that are readable in the same turn of the event loop
meet in the queue before the first of them runs.

Quick models run on the loop's own thread, where a hop to another costs more than they do; slow ones in one other thread, so
that the loop goes on answering. Which one it is follows from what was measured.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from easymaker_serving.answers import QueueFull
from easymaker_serving.metrics import Metrics
from easymaker_serving.model import InvalidInput, Unsupported

QUICK_SECONDS = 0.001
"""What the loop's thread may be held up by a batch."""
WARM_CALLS = 4
"""How many quick batches in a row make a model quick; the first ones are slow with most frameworks."""
_SURE_CALLS = 4 * WARM_CALLS
"""Quick batches that count; each slower one, which may be another process's fault, halves them."""
_SLOW_SECONDS = 0.01
"""What makes a model slow at once."""
_JOINED_BYTES = 128 * 1024
"""What is joined for a quick model: to put large tensors together costs more than one more call of it."""
_GROWTH = 4
"""How much larger than any quick batch before one may be and still run on the loop's thread."""

Compute = Callable[[Sequence["Call"]], Sequence[Any]]
"""Computes results, one per call, in one call of the model."""
Done = Callable[[Any, BaseException | None], None]


@dataclass(slots=True, eq=False)
class Call:
    """What one request wants computed. Calls with the same ``key`` may be joined; None: this one is computed alone."""

    compute: Compute
    key: Hashable
    rows: int
    data: Any
    """Tensors by name, or rows: what ``compute`` takes."""
    done: Done
    size: int = 1
    """How much there is to compute, for comparison with other calls of the model: bytes of tensors."""
    is_light: bool = True
    """Whether it may run on the loop's thread once the model has proved to be quick: what it takes follows from ``size``."""
    outputs: Sequence[str] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=perf_counter)
    is_queued: bool = False
    is_dropped: bool = False


class Batcher:
    """One queue before one model; one batch is computed at a time."""

    def __init__(self, metrics: Metrics, *, max_batch: int = 1, max_queue: int = 512) -> None:
        self._loop = asyncio.get_running_loop()
        self._metrics = metrics
        self.max_batch = max_batch
        self._max_queue = max_queue
        self._groups: OrderedDict[Hashable, deque[Call]] = OrderedDict()
        self.length = 0
        self._is_scheduled = False
        self._quick_calls = 0
        self._quick_size = 0
        self._jobs: queue.SimpleQueue[list[Call] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, call: Call) -> None:
        """Queue a call; ``done`` is called on the loop, later. Raises QueueFull."""
        if self.length >= self._max_queue:
            raise QueueFull("the model is busy and its queue is full")
        key = call if call.key is None else call.key
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = deque()
        group.append(call)
        call.is_queued = True
        self.length += 1
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._run)

    def drop(self, call: Call) -> None:
        """Forget a call whose client went away; it is not computed unless that has begun, and ``done`` is not called."""
        call.is_dropped = True
        if call.is_queued:
            call.is_queued = False
            self.length -= 1

    def _run(self) -> None:
        batch = self._take()
        if not batch:
            self._is_scheduled = False
            return
        now = perf_counter()
        waited = self._metrics.queue_seconds.add
        for call in batch:
            waited(now - call.since)
        if self._is_quick(batch):
            self._finish(batch, *_timed(batch))
        else:
            self._start_thread()
            self._jobs.put(batch)

    def _take(self) -> list[Call]:
        """Return the next batch: the oldest group's calls. What is left of a group goes behind the others."""
        max_size = _JOINED_BYTES if self._quick_calls >= WARM_CALLS else sys.maxsize
        while self._groups:
            key, group = self._groups.popitem(last=False)
            batch: list[Call] = []
            rows = size = 0
            while group and (not batch or (rows + group[0].rows <= self.max_batch and size + group[0].size <= max_size)):
                call = group.popleft()
                if call.is_queued:
                    call.is_queued = False
                    self.length -= 1
                    batch.append(call)
                    rows += call.rows
                    size += call.size
            if group:
                self._groups[key] = group
            if batch:
                return batch
        return []

    def _is_quick(self, batch: list[Call]) -> bool:
        if self._quick_calls < WARM_CALLS:
            return False
        return all(call.is_light for call in batch) and _size(batch) <= _GROWTH * self._quick_size

    def _finish(self, batch: list[Call], outcomes: list[Any], seconds: float) -> None:
        self._metrics.batch_rows.add(sum(call.rows for call in batch))
        self._metrics.predict_seconds.add(seconds)
        if seconds > _SLOW_SECONDS:
            self._quick_calls = self._quick_size = 0
        elif seconds > QUICK_SECONDS:
            self._quick_calls //= 2
        elif not any(isinstance(outcome, BaseException) for outcome in outcomes):  # to refuse is quick with every model
            self._quick_calls = min(self._quick_calls + 1, _SURE_CALLS)
            self._quick_size = max(self._quick_size, _size(batch))
        # First, so that an error while answering cannot stop the queue.
        if self._groups:
            self._loop.call_soon(self._run)
        else:
            self._is_scheduled = False
        for call, outcome in zip(batch, outcomes, strict=True):
            failure = outcome if isinstance(outcome, BaseException) else None
            if failure is not None and not isinstance(failure, (InvalidInput, Unsupported)):
                self._metrics.failures += 1
            if not call.is_dropped:
                call.done(None if failure is not None else outcome, failure)

    def _start_thread(self) -> None:
        if self._thread is None:
            # A daemon: a model that never returns must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (batch := self._jobs.get()) is not None:
            self._loop.call_soon_threadsafe(self._finish, batch, *_timed(batch))
            batch = None

    def close(self) -> None:
        """End the thread once its batch is done; there must be no more calls."""
        self._jobs.put(None)


def _size(batch: Sequence[Call]) -> int:
    return sum(call.size for call in batch)


def _timed(batch: Sequence[Call]) -> tuple[list[Any], float]:
    began = perf_counter()
    outcomes = _outcomes(batch)
    return outcomes, perf_counter() - began


def _outcomes(batch: Sequence[Call]) -> list[Any]:
    """Return a result or an exception for each call. If a joined batch fails, each call is computed alone."""
    try:
        return list(batch[0].compute(batch))
    except BaseException as exc:  # a model's sys.exit() is its failure, not the server's end
        if len(batch) == 1:
            return [exc]
    return [_outcomes([call])[0] for call in batch]
