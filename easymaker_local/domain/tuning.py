"""Hyperparameter tunings: the record, the statuses and the one function that decides what happens next (HP).

    CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ RUNNING ─▶ COMPLETE_IN_PROGRESS ─▶ COMPLETE (detail)
      │      └──────┬───────────┘               │  └─▶ FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS ─▶ FAIL_HYPERPARAMETER_TUNING
      │             ▼                           │
      │       CREATE_FAILED                     │
      └─────────── stop while queued ───────────┴────▶ STOP_IN_PROGRESS ─▶ STOPPED

A trial is a training, carried by the trainings' controller like any other; the tuning makes them, reads what they print,
and says which of them have to end. So a tuning holds nothing itself: while its first trial waits for room it is
CREATE_REQUESTED, while that one is started CREATE_IN_PROGRESS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.search_space import grid_size
from easymaker_local.domain.training import Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import JobForm, TrainingSpec
from easymaker_local.domain.trial import Ending, Trial, TrialStatus, best, hopeless, is_better, settled
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.kit.clock import Uptime, elapsed_seconds, ran_seconds

HOPELESS_FAILURES = 10
"""So many failures in a row end a tuning for which no maximum of failures was given: the next ones would fail as well."""


class TuningStatus(StrEnum):
    """HP-55…HP-63."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    RUNNING = "RUNNING"
    COMPLETE_IN_PROGRESS = "COMPLETE_IN_PROGRESS"
    COMPLETE = "COMPLETE"
    STOP_IN_PROGRESS = "STOP_IN_PROGRESS"
    STOPPED = "STOPPED"
    FAIL_IN_PROGRESS = "FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS"
    FAIL = "FAIL_HYPERPARAMETER_TUNING"
    CREATE_FAILED = "CREATE_FAILED"

    @property
    def is_finished(self) -> bool:
        """True for the final statuses: nothing happens any more, deletion is allowed (HP-81)."""
        return not TRANSITIONS[self]

    @property
    def is_stoppable(self) -> bool:
        """HP-78."""
        return self in {TuningStatus.RUNNING, TuningStatus.CREATE_REQUESTED}


S = TuningStatus

TRANSITIONS: dict[TuningStatus, frozenset[TuningStatus]] = {
    S.CREATE_REQUESTED: frozenset({S.CREATE_IN_PROGRESS, S.CREATE_FAILED, S.STOP_IN_PROGRESS}),
    S.CREATE_IN_PROGRESS: frozenset({S.RUNNING, S.CREATE_FAILED}),
    S.RUNNING: frozenset({S.COMPLETE_IN_PROGRESS, S.FAIL_IN_PROGRESS, S.STOP_IN_PROGRESS}),
    S.COMPLETE_IN_PROGRESS: frozenset({S.COMPLETE}),
    S.FAIL_IN_PROGRESS: frozenset({S.FAIL}),
    S.STOP_IN_PROGRESS: frozenset({S.STOPPED}),
    S.COMPLETE: frozenset(),
    S.FAIL: frozenset(),
    S.STOPPED: frozenset(),
    S.CREATE_FAILED: frozenset(),
}

_NOT_RUN = {TrainingStatus.CREATE_REQUESTED, TrainingStatus.CREATE_IN_PROGRESS, TrainingStatus.CREATE_FAILED}
_ENDS = {S.COMPLETE_IN_PROGRESS: S.COMPLETE, S.FAIL_IN_PROGRESS: S.FAIL, S.STOP_IN_PROGRESS: S.STOPPED}


class Detail(StrEnum):
    """Why a tuning is complete (HP-64…HP-66)."""

    GOAL_REACHED = "GoalReached"
    MAX_TRIALS_REACHED = "MaxTrialsReached"
    SUGGESTION_END_REACHED = "SuggestionEndReached"


@dataclass(frozen=True)
class Tuning:
    """A row. Times in epoch seconds; ``seed`` is where its proposals come from; ``detail`` says why it is complete."""

    id: str
    name: str
    description: str | None
    spec: TuningSpec
    flavor: Flavor
    seed: int
    status: TuningStatus
    desired: Desired
    detail: Detail | None
    cause: Cause | None
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    started_uptime: Uptime | None = None

    def elapsed_seconds(self, now: float) -> int:
        """Return how long it has run (HP-45)."""
        return elapsed_seconds(self.started_at, self.finished_at, now)

    def trial_name(self, number: int) -> str:
        """Return the name of a trial, which has room for its number."""
        suffix = f"-{number}"
        return self.name[: 50 - len(suffix)] + suffix


def trial_training(tuning: Tuning, number: int, trial_id: str, parameters: Mapping[str, str], now: float) -> Training:
    """Return the training that a trial is (HP-38), with places of its own below those of the tuning (HP-25)."""
    form = {field: getattr(tuning.spec, field) for field in JobForm.model_fields}
    form["model_upload_uri"] = tuning.spec.place_of_model(trial_id)
    if tuning.spec.check_point_upload_uri is not None:
        form["check_point_upload_uri"] = f"{tuning.spec.check_point_upload_uri.rstrip('/')}/{trial_id}"
    spec = TrainingSpec.model_validate(
        {
            **form, "training_name": tuning.trial_name(number), "instance_count": tuning.spec.nodes_per_trial,
            "hyperparameter_list": [{"parameterName": name, "parameterValue": text} for name, text in parameters.items()],
        }
    )  # fmt: skip
    return Training(
        id=trial_id, name=spec.training_name, description=None, spec=spec, flavor=tuning.flavor,
        status=TrainingStatus.CREATE_REQUESTED, desired=Desired.RUN, cause=None, attempt=1, created_at=now, tuning_id=tuning.id,
    )  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """What to do now, in one transaction: trials that go on to other statuses or are asked to end, and the next status.

    ``wants_trial``: one more is to be proposed and made. ``look_again`` is a pause in seconds at most.
    """

    settle: tuple[tuple[Trial, tuple[TrialStatus, ...]], ...] = ()
    end: tuple[tuple[Trial, Ending], ...] = ()
    to: TuningStatus | None = None
    detail: Detail | None = None
    cause: Cause | None = None
    wants_trial: bool = False
    look_again: float | None = None


def decide(tuning: Tuning, trials: Sequence[Trial], by_uptime: float | None, now: float) -> Decision:
    """Return what happens next. Pure; ``by_uptime``: seconds that it has run by a clock that does not jump, None if not known.

    One thing at a time: trials are settled first, and what follows from it is for the next call.
    """
    if tuning.status.is_finished:
        return Decision()
    moves = tuple((trial, steps) for trial in trials if (steps := settled(trial, tuning.spec)))
    if moves:
        return Decision(settle=moves)
    if tuning.status in _ENDS:
        return _winding_down(tuning, trials)
    if tuning.desired is Desired.STOP and tuning.status.is_stoppable:
        return Decision(to=S.STOP_IN_PROGRESS, cause=Cause(Reason.STOPPED_BY_USER, "Stopped at the user's request."))
    if tuning.status is S.RUNNING:
        return _running(tuning, trials, by_uptime, now)
    return _creating(tuning, trials)


def search_failed(tuning: Tuning, trials: Sequence[Trial], words: str) -> Decision:
    """Return what happens if no values can be proposed: the tuning fails, as soon as no trial is on its way to a start."""
    cause = Cause(Reason.SEARCH_FAILED, words)
    if tuning.status is S.RUNNING:
        return Decision(to=S.FAIL_IN_PROGRESS, cause=cause)
    return Decision(cause=cause) if _alive(trials) else Decision(to=S.CREATE_FAILED, cause=cause)


def _creating(tuning: Tuning, trials: Sequence[Trial]) -> Decision:
    failed = next((t for t in trials if t.training_status is TrainingStatus.CREATE_FAILED and t.ending is None), None)
    if failed is not None and not any(_has_run(trial) for trial in trials):
        return _ending(trials, failed.cause) or Decision(to=S.CREATE_FAILED, cause=failed.cause)
    if tuning.status is S.CREATE_IN_PROGRESS:
        return Decision(to=S.RUNNING) if any(_has_run(trial) for trial in trials) else Decision()
    if any(trial.training_status is not TrainingStatus.CREATE_REQUESTED for trial in trials):
        return Decision(to=S.CREATE_IN_PROGRESS)
    if _wants_more(tuning, trials):
        return Decision(wants_trial=True)
    return Decision(cause=trials[0].cause if trials else None)


def _has_run(trial: Trial) -> bool:
    """True if a trial has come to its code; one that is ended because others could not be created does not count."""
    return trial.training_status not in _NOT_RUN and trial.ending is not Ending.TUNING_ENDED


def _running(tuning: Tuning, trials: Sequence[Trial], by_uptime: float | None, now: float) -> Decision:
    end = end_condition(tuning.spec, trials)
    if end is not None:
        return end
    left = tuning.spec.timeout_minutes * 60 - ran_seconds(by_uptime, tuning.started_at, now)
    if left <= 0:
        message = f"The tuning ran longer than its maximum time of {tuning.spec.timeout_minutes} minutes (time limit)."
        return Decision(to=S.FAIL_IN_PROGRESS, cause=Cause(Reason.TIME_LIMIT, message))
    early = hopeless(trials, tuning.spec)
    if early:
        return Decision(end=tuple((trial, Ending.EARLY) for trial in early))
    if _wants_more(tuning, trials):
        return Decision(wants_trial=True)
    return Decision(look_again=left)


def end_condition(spec: TuningSpec, trials: Sequence[Trial]) -> Decision | None:
    """Return how the tuning ends now, None if it goes on: goal, failures, maximum, nothing left to try (HP-41, HP-42)."""
    ended = [trial for trial in trials if trial.status.is_finished]
    top = best(trials, spec)
    value = None if top is None else top.value(spec)
    goal = spec.objective_goal
    if goal is not None and value is not None and not is_better(goal, value, spec):
        return Decision(to=S.COMPLETE_IN_PROGRESS, detail=Detail.GOAL_REACHED)
    failures = [trial for trial in ended if trial.status.is_failure]
    if spec.max_failed_trial_count is None:
        failures = _in_a_row(ended)
    if len(failures) >= (spec.max_failed_trial_count or HOPELESS_FAILURES):
        return Decision(to=S.FAIL_IN_PROGRESS, cause=_too_many(spec, failures))
    if spec.max_trial_count is not None and len(ended) >= spec.max_trial_count:
        return Decision(to=S.COMPLETE_IN_PROGRESS, detail=Detail.MAX_TRIALS_REACHED)
    size = grid_size(spec)
    if size is not None and len(ended) >= size:
        return Decision(to=S.COMPLETE_IN_PROGRESS, detail=Detail.SUGGESTION_END_REACHED)
    return None


def _in_a_row(ended: Sequence[Trial]) -> list[Trial]:
    """Return the failures since the last trial that was none, in the order of their numbers."""
    row: list[Trial] = []
    for trial in ended:
        row = [*row, trial] if trial.status.is_failure else []
    return row


def _too_many(spec: TuningSpec, failures: Sequence[Trial]) -> Cause:
    last = failures[-1]
    why = f" The last one, {last.name}: {last.cause.message}" if last.cause is not None else ""
    if last.status is TrialStatus.METRICS_UNAVAILABLE:
        why = f" {unavailable(last, spec)}"
    count = "1 trial" if len(failures) == 1 else f"{len(failures)} trials"
    return Cause(Reason.TOO_MANY_FAILED_TRIALS, f"{count} failed.{why}")


def unavailable(trial: Trial, spec: TuningSpec) -> str:
    """Say why a trial has no value of the objective, with the line that came nearest (HP-75)."""
    words = f"{trial.name} printed no value of {spec.objective!r} that the metric format finds."
    return words if trial.almost is None else f"{words} Nearest line: {trial.almost}"


def _winding_down(tuning: Tuning, trials: Sequence[Trial]) -> Decision:
    done = Decision(to=_ENDS[tuning.status], detail=tuning.detail, cause=tuning.cause)
    return _ending(trials, tuning.cause) or done


def _ending(trials: Sequence[Trial], cause: Cause | None) -> Decision | None:
    """Return how the trials that have not ended are ended; None if all have."""
    alive = _alive(trials)
    unasked = tuple((trial, Ending.TUNING_ENDED) for trial in alive if trial.ending is None)
    if unasked:
        return Decision(end=unasked, cause=cause)
    return Decision(cause=cause) if alive else None


def _wants_more(tuning: Tuning, trials: Sequence[Trial]) -> bool:
    spec = tuning.spec
    limits = [limit for limit in (spec.max_trial_count, grid_size(spec)) if limit is not None]
    return len(_alive(trials)) < spec.parallel_trial_count and all(len(trials) < limit for limit in limits)


def _alive(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if not trial.status.is_finished]
