"""How many pods a stage resource is to have: the rule of AS-16, and scale to zero. Pure; ``controllers/autoscaler.py`` acts.

The rule is that of Kubernetes' HorizontalPodAutoscaler, which AS-16 names:

- wanted = current * mean use / threshold, rounded up; within 10 % of the threshold nothing changes.
- Only pods that are ready are measured. Pods on their way count as idle when the others ask for more, so that what has been
  added already is not added again. A ready pod without a sample counts as fully used when the others ask for less, and as
  idle when they ask for more: what is not known never speeds anything up.
- Out at once, in only to the highest recommendation of the stabilisation period, the present number at its beginning included.

What is remembered between passes is kept in memory. After a restart every window begins anew: nothing is scaled in early.
Ticks are seconds of a clock that does not jump and stands still while the machine sleeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from easymaker_local.domain.endpoint_spec import ScaleMetric
from easymaker_local.domain.gateway import ModelLoad

TOLERANCE = 0.1
"""AS-16: by so much the mean use may differ from the threshold."""

REQUESTS_SECONDS = 60.0
"""Over so long the requests under way are averaged."""

GAP_SECONDS = 120.0
"""Nobody has looked for longer than this and the stabilisation period: that begins anew, as after a restart."""

_FULLY_USED = 100.0
_MEASURES = {
    ScaleMetric.CPU_UTILIZATION: ("CPU use", " %"),
    ScaleMetric.MEMORY_UTILIZATION: ("memory use", " %"),
    ScaleMetric.REQUESTS: ("requests under way per pod", ""),
}


@dataclass(frozen=True)
class Decision:
    """A decision with its numbers (AS-L02); ``words`` are its event.

    ``blocked`` names what stands in the way of a scale-out; ``new`` is what there will be nevertheless.
    """

    old: int
    new: int
    measured: float
    threshold: float
    words: str
    blocked: str | None = None


@dataclass(frozen=True)
class Use:
    """Use of the pods of a stage resource, by its scaling unit: percent of the limit (AS-14), or requests under way.

    ``samples`` are of ready pods, ``missing`` ready ones without a sample, ``unready`` those that are on their way.
    """

    samples: tuple[float, ...]
    missing: int = 0
    unready: int = 0

    @property
    def mean(self) -> float:
        """Mean of what was measured; there is something."""
        return sum(self.samples) / len(self.samples)


def recommended(current: int, use: Use, threshold: float) -> int:
    """Return how many pods the use of now asks for (AS-16), before limits and stabilisation; ``current`` without samples."""
    if not use.samples:
        return current
    ratio = use.mean / threshold
    grows = ratio > 1
    # Those on their way will take over some of it.
    idle = use.unready if grows else 0
    samples = list(use.samples) + [0.0] * idle
    if use.missing and ratio != 1:
        samples += [0.0 if grows else max(_FULLY_USED, threshold)] * use.missing
    corrected = sum(samples) / len(samples) / threshold
    if _is_tolerable(corrected) or (corrected > 1) is not grows:
        return current
    # Rounded up, but not for what floating point has added.
    wanted = max(1, math.ceil(round(sum(samples) / threshold, 6)))
    # Never against the direction that the use shows.
    return max(wanted, current) if grows else min(wanted, current)


def _is_tolerable(ratio: float) -> bool:
    return round(abs(ratio - 1), 9) <= TOLERANCE


@dataclass(frozen=True)
class Recommendations:
    """What was recommended in the stabilisation period: (tick, pods), oldest first."""

    found: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class PodRule:
    """How a stage resource is scaled. ``limit``: pods for which the stage has room, ``limit_words`` what that is.

    ``refused`` says why there is no scale-out at all (UP-L03), None if there may be.
    """

    metric: ScaleMetric
    threshold: float
    limit: int
    limit_words: str
    stabilisation_seconds: float = 300.0
    refused: str | None = None


def decide_pods(
    rule: PodRule, current: int, use: Use, memory: Recommendations | None, tick: float
) -> tuple[Recommendations, Decision | None]:
    """Return what to remember, and a change or what stands in its way. ``current``, at least 1, is what is wanted so far."""
    asked = recommended(current, use, rule.threshold)
    # What is there already is never taken away for lack of room.
    possible = min(asked, max(rule.limit, current))
    if memory is None or tick - memory.found[-1][0] > max(rule.stabilisation_seconds, GAP_SECONDS):
        memory = Recommendations(((tick, current),))
    kept = tuple(one for one in memory.found if one[0] > tick - rule.stabilisation_seconds)
    remembered = Recommendations((*kept, (tick, possible)))
    highest = max(pods for _, pods in remembered.found)
    new = possible if possible > current else min(highest, current)
    if asked > current and rule.refused is not None:
        words = f"Pods stay {current}: {_measured(rule, use)} asks for {asked}, but {rule.refused}."
        return remembered, Decision(current, current, use.mean, rule.threshold, words, rule.refused)
    is_limited = asked > possible
    if new == current and not is_limited:
        return remembered, None
    limit = f" More would be {asked}, but {rule.limit_words}." if is_limited else ""
    change = f"Pods {current} → {new}" if new != current else f"Pods stay {current}"
    if new < current:
        limit = f" No more were needed in the last {rule.stabilisation_seconds / 60:.2g} minutes."
    words = f"{change}: {_measured(rule, use)}.{limit}"
    return remembered, Decision(current, new, use.mean, rule.threshold, words, rule.limit_words if is_limited else None)


def _measured(rule: PodRule, use: Use) -> str:
    name, unit = _MEASURES[rule.metric]
    count = len(use.samples)
    mean = f"mean of {count} pod{'s' if count > 1 else ''}"
    return f"{name} {_number(use.mean)}{unit}, threshold {rule.threshold:g}{unit} ({mean})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


@dataclass(frozen=True)
class RequestWindow:
    """Requests under way of a model in the last minute: (tick, how many), oldest first."""

    found: tuple[tuple[float, int], ...] = ()

    def add(self, active: int, tick: float) -> RequestWindow:
        """Return it with a look more, and without those that are older than a minute."""
        kept = tuple(one for one in self.found if one[0] > tick - REQUESTS_SECONDS)
        return RequestWindow((*kept, (tick, active)))

    def per_pod(self, ready: int) -> float | None:
        """Return how many requests each of the ready pods had on average; None if that is not known."""
        if not self.found or not ready:
            return None
        return sum(active for _, active in self.found) / len(self.found) / ready


@dataclass(frozen=True)
class Idleness:
    """What the gateway last told of a model, and since which tick nobody has asked for it."""

    epoch: str
    load: ModelLoad
    since: float


def decide_sleep(
    minutes: float, current: int, load: ModelLoad | None, epoch: str, memory: Idleness | None, tick: float
) -> tuple[Idleness | None, Decision | None]:
    """Return what to remember, and that the model is to sleep: nobody has asked for ``minutes``, no request is under way.

    ``load`` None: the gateway did not answer. That hides nothing, since the next answer has the total of all requests.
    """
    if load is None:
        return memory, None
    is_quiet = memory is not None and (memory.epoch, memory.load) == (epoch, load) and not load.active
    since = memory.since if memory is not None and is_quiet else tick
    remembered = Idleness(epoch, load, since)
    if load.active or tick - since < minutes * 60:
        return remembered, None
    words = f"Pods {current} → 0: no request for {minutes:g} minutes. The next one waits until the model is loaded again."
    return None, Decision(current, 0, (tick - since) / 60, minutes, words)
