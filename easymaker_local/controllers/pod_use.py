"""What ready pods use of their limits, between two looks (AS-14)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from easymaker_local.domain.endpoint_spec import ScaleMetric
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.usage import Usage, sample
from easymaker_local.drivers.base import Driver
from easymaker_local.errors import TransientError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PodUse:
    """Percent of the limits; ``cpu`` is None at the first look at a pod since it became ready."""

    cpu: float | None
    memory: float

    def by(self, metric: ScaleMetric) -> float | None:
        """Return the use by a scaling unit that pods have."""
        return self.cpu if metric is ScaleMetric.CPU_UTILIZATION else self.memory


class PodMeter:
    """Remembers the counters of the last look. What a pod used until it was ready, to load its model, is not load."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._seen: dict[str, tuple[float, Usage]] = {}

    async def look(self, ready: Mapping[str, Amount], tick: float) -> Mapping[str, PodUse]:
        """Return the use of those of the ready pods that can be told: workload -> use; ``ready`` has their limits."""
        if not ready:
            self._seen = {}
            return {}
        try:
            used = await self._driver.usage(list(ready))
        except TransientError as error:
            # Their counters go on: the next look tells the mean of the whole time.
            log.warning("autoscaler: the use of pods is not known: %s", error)
            return {}
        before, self._seen = self._seen, {name: (tick, usage) for name, usage in used.items()}
        return {name: _use(usage, before.get(name), ready[name], tick) for name, usage in used.items()}


def _use(usage: Usage, before: tuple[float, Usage] | None, limit: Amount, tick: float) -> PodUse:
    cores = None if before is None else sample(usage, before[1], tick - before[0]).cpu
    # A limit of nothing is one that nobody set.
    cpu = None if cores is None or not limit.cpu_milli else 100_000 * cores / limit.cpu_milli
    return PodUse(cpu, 100 * usage.memory_bytes / max(limit.memory_mib << 20, 1))
