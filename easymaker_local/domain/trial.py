"""Trials of a tuning: a training each, and what the tuning makes of how it stands (HP.5).

    CREATED ─▶ RUNNING ─▶ SUCCEEDED | METRICS_UNAVAILABLE | FAILED | EARLY_STOPPED
       └───────────┴────▶ KILLED

The statuses on the right are final. KILLED is whatever the tuning's own end brings about.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from easymaker_local.domain.reason import Cause
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.domain.tuning_spec import ObjectiveType, TuningSpec


class TrialStatus(StrEnum):
    """HP-70…HP-76."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    KILLED = "KILLED"
    FAILED = "FAILED"
    METRICS_UNAVAILABLE = "METRICS_UNAVAILABLE"
    EARLY_STOPPED = "EARLY_STOPPED"

    @property
    def is_finished(self) -> bool:
        """True for the final statuses (HP-77)."""
        return not TRIAL_TRANSITIONS[self]

    @property
    def is_failure(self) -> bool:
        """True if it counts toward the maximum of failed trials (HP-42)."""
        return self in {TrialStatus.FAILED, TrialStatus.METRICS_UNAVAILABLE}


S = TrialStatus
T = TrainingStatus

TRIAL_TRANSITIONS: dict[TrialStatus, frozenset[TrialStatus]] = {
    S.CREATED: frozenset({S.RUNNING, S.KILLED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.METRICS_UNAVAILABLE, S.FAILED, S.EARLY_STOPPED, S.KILLED}),
    S.SUCCEEDED: frozenset(),
    S.KILLED: frozenset(),
    S.FAILED: frozenset(),
    S.METRICS_UNAVAILABLE: frozenset(),
    S.EARLY_STOPPED: frozenset(),
}

_BEFORE_RUNNING = {T.CREATE_REQUESTED, T.CREATE_IN_PROGRESS}


class Ending(StrEnum):
    """Why the tuning asked a trial to end."""

    EARLY = "EARLY"
    TUNING_ENDED = "TUNING_ENDED"


@dataclass(frozen=True)
class Metric:
    """All values of a metric in one trial: how many, extremes, the last; ``early_sum`` of the first ``early_count``."""

    count: int
    minimum: float
    maximum: float
    latest: float
    early_sum: float
    early_count: int


def extended(metric: Metric | None, value: float, early: int) -> Metric:
    """Return what a metric comes to with one more value; the first ``early`` ones are summed up apart."""
    if metric is None:
        return Metric(1, value, value, value, value, 1)
    is_early = metric.early_count < early
    return Metric(
        count=metric.count + 1, minimum=min(metric.minimum, value), maximum=max(metric.maximum, value), latest=value,
        early_sum=metric.early_sum + value if is_early else metric.early_sum, early_count=metric.early_count + is_early,
    )  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One trial: what it tries, how its training stands, and what it has printed so far.

    ``training_status`` None: the training's record cannot be read. ``almost``: a line that names the objective without a value.
    ``why``: what the tuning says of the ending. ``is_read``: nothing that it has printed is left to be read.
    """

    id: str
    number: int
    name: str
    status: TrialStatus
    ending: Ending | None
    parameters: Mapping[str, str]
    created_at: float
    training_status: TrainingStatus | None
    cause: Cause | None = None
    started_at: float | None = None
    finished_at: float | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    almost: str | None = None
    why: str | None = None
    is_read: bool = True

    def value(self, spec: TuningSpec) -> float | None:
        """Return the best value of the objective so far (HP-40); None if it has not been seen."""
        found = self.metrics.get(spec.objective)
        if found is None:
            return None
        return found.maximum if spec.objective_type_code is ObjectiveType.MAXIMIZE else found.minimum


def settled(trial: Trial, spec: TuningSpec) -> tuple[TrialStatus, ...]:
    """Return the statuses that a trial goes through now, given how its training stands; the log must have been read before."""
    if trial.status.is_finished:
        return ()
    final = _final(trial, spec) if trial.is_read else None
    if final is None:
        has_run = trial.training_status not in {*_BEFORE_RUNNING, T.STOP_IN_PROGRESS}
        return (S.RUNNING,) if trial.status is S.CREATED and has_run else ()
    if trial.status is S.CREATED and final is not S.KILLED:
        return (S.RUNNING, final)
    return (final,)


def _final(trial: Trial, spec: TuningSpec) -> TrialStatus | None:
    match trial.training_status:
        case T.COMPLETE:
            return S.METRICS_UNAVAILABLE if trial.value(spec) is None else S.SUCCEEDED
        case T.FAIL_TRAIN | None:
            return S.FAILED
        case T.CREATE_FAILED:
            return S.KILLED if trial.ending is not None else S.FAILED
        case T.STOPPED:
            # One that had no time to run was not stopped for what it printed.
            return S.EARLY_STOPPED if trial.ending is Ending.EARLY and trial.status is S.RUNNING else S.KILLED
        case _:
            return None


def best(trials: Iterable[Trial], spec: TuningSpec) -> Trial | None:
    """Return the succeeded trial with the best value, the first of several (HP-40); None if none has one."""
    found = [(value, trial) for trial in trials if trial.status is S.SUCCEEDED and (value := trial.value(spec)) is not None]
    if not found:
        return None
    sign = -1 if spec.objective_type_code is ObjectiveType.MAXIMIZE else 1
    return min(found, key=lambda pair: (sign * pair[0], pair[1].number))[1]


def is_better(value: float, other: float, spec: TuningSpec) -> bool:
    """True if ``value`` is better for the objective than ``other``; equal is not."""
    return value > other if spec.objective_type_code is ObjectiveType.MAXIMIZE else value < other


def median(trials: Iterable[Trial], spec: TuningSpec) -> float | None:
    """Return what a running trial is measured by (HP-43): the median, over the succeeded trials, of the mean of the
    objective's first Start Step values. None while fewer have succeeded than the rule asks for.

    As Katib's median stop, which divides the sum by Start Step also where a trial printed fewer values; we divide by
    what there was, since otherwise such a trial would pull the median towards zero.
    """
    means = [
        found.early_sum / found.early_count
        for trial in trials
        if trial.status is S.SUCCEEDED and (found := trial.metrics.get(spec.objective)) is not None
    ]
    return statistics.median(means) if len(means) >= spec.early_stopping_min_trial_count else None


def why_ended(trial: Trial, ending: Ending, trials: Sequence[Trial], spec: TuningSpec) -> str:
    """Say why the tuning ends a trial."""
    limit, value = median(trials, spec), trial.value(spec)
    if ending is Ending.TUNING_ENDED or limit is None or value is None:
        return "The tuning ended."
    return f"Its best {spec.objective} so far, {value:g}, is worse than {limit:g}, the median of the trials that succeeded."


def hopeless(trials: Sequence[Trial], spec: TuningSpec) -> list[Trial]:
    """Return the running trials that the median rule ends now (HP-43)."""
    if spec.early_stopping_algorithm is None:
        return []
    limit = median(trials, spec)
    if limit is None:
        return []
    return [
        trial
        for trial in trials
        if trial.training_status is T.RUNNING and trial.ending is None
        and (found := trial.metrics.get(spec.objective)) is not None and found.count >= spec.early_stopping_start_step
        and (value := trial.value(spec)) is not None and is_better(limit, value, spec)
    ]  # fmt: skip
