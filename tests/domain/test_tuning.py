"""What a tuning decides (HP-40…HP-44, HP-55…HP-78): end conditions, the median rule, every status with every situation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import Desired, TrainingStatus
from easymaker_local.domain.trial import TRIAL_TRANSITIONS, Ending, Metric, Trial, TrialStatus, best, hopeless, median, settled
from easymaker_local.domain.tuning import (
    HOPELESS_FAILURES,
    TRANSITIONS,
    Detail,
    Tuning,
    TuningStatus,
    decide,
    end_condition,
    search_failed,
)
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.testing.factories import FLAVOR
from tests.domain.test_search_space import ranged, spec

T, S = TrialStatus, TuningStatus
ENDED = {
    T.SUCCEEDED: TrainingStatus.COMPLETE, T.METRICS_UNAVAILABLE: TrainingStatus.COMPLETE, T.FAILED: TrainingStatus.FAIL_TRAIN,
    T.KILLED: TrainingStatus.STOPPED, T.EARLY_STOPPED: TrainingStatus.STOPPED, T.RUNNING: TrainingStatus.RUNNING,
    T.CREATED: TrainingStatus.CREATE_REQUESTED,
}  # fmt: skip


def random_spec(**fields: Any) -> TuningSpec:
    """Return a tuning without an end of its own."""
    return spec(ranged("int", 1, 9, 1), tuningStrategyName="RANDOM", **fields)


def values(*found: float, early: int = 4) -> dict[str, Metric]:
    """Return the metrics of a trial that printed these values of the objective."""
    if not found:
        return {}
    first = found[:early]
    return {"loss": Metric(len(found), min(found), max(found), found[-1], sum(first), len(first))}


def trial(number: int, status: TrialStatus, *found: float, **changes: Any) -> Trial:
    """Return a trial whose training stands as its status says."""
    made = Trial(
        id=f"t{number}", number=number, name=f"h-{number}", status=status, ending=None, parameters={"lr": "1"}, created_at=0.0,
        training_status=ENDED[status], metrics=values(*found),
    )  # fmt: skip
    return replace(made, **changes)


def tuning(status: TuningStatus = S.RUNNING, *, desired: Desired = Desired.RUN, **fields: Any) -> Tuning:
    """Return a tuning."""
    return Tuning(
        id="h1", name="h", description=None, spec=fields.pop("of", None) or random_spec(**fields), flavor=FLAVOR, seed=1,
        status=status, desired=desired, detail=None, cause=None, created_at=0.0, started_at=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "training", "ending", "has_value", "steps"),
    [
        (T.CREATED, TrainingStatus.CREATE_REQUESTED, None, False, ()),
        (T.CREATED, TrainingStatus.CREATE_IN_PROGRESS, None, False, ()),
        (T.CREATED, TrainingStatus.RUNNING, None, False, (T.RUNNING,)),
        (T.CREATED, TrainingStatus.COMPLETE, None, True, (T.RUNNING, T.SUCCEEDED)),
        (T.CREATED, TrainingStatus.STOP_IN_PROGRESS, Ending.TUNING_ENDED, False, ()),
        (T.CREATED, TrainingStatus.STOPPED, Ending.TUNING_ENDED, False, (T.KILLED,)),
        (T.CREATED, TrainingStatus.CREATE_FAILED, None, False, (T.RUNNING, T.FAILED)),
        (T.CREATED, TrainingStatus.CREATE_FAILED, Ending.TUNING_ENDED, False, (T.KILLED,)),
        (T.RUNNING, TrainingStatus.RUNNING, None, True, ()),
        (T.RUNNING, TrainingStatus.COMPLETE_IN_PROGRESS, None, True, ()),
        (T.RUNNING, TrainingStatus.COMPLETE, None, True, (T.SUCCEEDED,)),
        (T.RUNNING, TrainingStatus.COMPLETE, Ending.EARLY, True, (T.SUCCEEDED,)),
        (T.RUNNING, TrainingStatus.COMPLETE, None, False, (T.METRICS_UNAVAILABLE,)),
        (T.RUNNING, TrainingStatus.FAIL_TRAIN_IN_PROGRESS, None, True, ()),
        (T.RUNNING, TrainingStatus.FAIL_TRAIN, None, True, (T.FAILED,)),
        (T.RUNNING, TrainingStatus.STOPPED, Ending.EARLY, True, (T.EARLY_STOPPED,)),
        (T.RUNNING, TrainingStatus.STOPPED, Ending.TUNING_ENDED, True, (T.KILLED,)),
        (T.RUNNING, None, None, True, (T.FAILED,)),
    ],
)
def test_a_trial_is_what_its_training_has_become(
    status: TrialStatus, training: TrainingStatus | None, ending: Ending | None, has_value: bool, steps: tuple[TrialStatus, ...]
) -> None:
    """HP-70…HP-77."""
    found = trial(1, status, *([0.5] if has_value else []), training_status=training, ending=ending)
    assert settled(found, random_spec()) == steps


@pytest.mark.parametrize(
    ("status", "training", "ending", "seen"), [*product(T, [*TrainingStatus, None], [None, *Ending], [0, 1])]
)
def test_trials_go_only_where_the_diagram_goes(
    status: TrialStatus, training: TrainingStatus | None, ending: Ending | None, seen: int
) -> None:
    """HP-77."""
    for to in settled(trial(1, status, *[0.5] * seen, training_status=training, ending=ending), random_spec()):
        assert to in TRIAL_TRANSITIONS[status]
        status = to


@pytest.mark.parametrize(
    ("fields", "trials", "end"),
    [
        ({"objectiveGoal": 0.1}, [(T.SUCCEEDED, 0.1)], Detail.GOAL_REACHED),
        ({"objectiveGoal": 0.1}, [(T.SUCCEEDED, 0.2)], None),
        ({"objectiveGoal": 0.9, "objectiveTypeCode": "MAXIMIZE"}, [(T.SUCCEEDED, 0.9)], Detail.GOAL_REACHED),
        ({"objectiveGoal": 0.1}, [(T.RUNNING, 0.01)], None),
        ({"objectiveGoal": 0.1, "maxFailedTrialCount": 1}, [(T.FAILED,), (T.SUCCEEDED, 0.1)], Detail.GOAL_REACHED),
        ({"maxFailedTrialCount": 2, "maxTrialCount": 2}, [(T.FAILED,), (T.METRICS_UNAVAILABLE,)], S.FAIL_IN_PROGRESS),
        ({"maxFailedTrialCount": 2}, [(T.FAILED,), (T.KILLED,), (T.EARLY_STOPPED, 1.0)], None),
        ({"maxTrialCount": 3}, [(T.FAILED,), (T.EARLY_STOPPED, 1.0), (T.SUCCEEDED, 1.0)], Detail.MAX_TRIALS_REACHED),
        ({"maxTrialCount": 3}, [(T.FAILED,), (T.SUCCEEDED, 1.0), (T.RUNNING, 1.0)], None),
        ({"maxTrialCount": 9, "tuningStrategyName": "GRID"}, [(T.SUCCEEDED, 1.0)] * 9, Detail.MAX_TRIALS_REACHED),
        ({"maxTrialCount": 99, "tuningStrategyName": "GRID"}, [(T.SUCCEEDED, 1.0)] * 9, Detail.SUGGESTION_END_REACHED),
        ({"tuningStrategyName": "GRID"}, [(T.SUCCEEDED, 1.0)] * 8, None),
        ({}, [(T.FAILED,)] * HOPELESS_FAILURES, S.FAIL_IN_PROGRESS),
        ({}, [(T.SUCCEEDED, 1.0), *[(T.FAILED,)] * HOPELESS_FAILURES], S.FAIL_IN_PROGRESS),
        ({}, [*[(T.FAILED,)] * 9, (T.SUCCEEDED, 1.0), *[(T.METRICS_UNAVAILABLE,)] * 9], None),
        ({"maxFailedTrialCount": 99}, [(T.SUCCEEDED, 1.0), *[(T.FAILED,)] * 50], None),
    ],
)
def test_end_conditions_are_examined_in_their_order(
    fields: dict[str, Any], trials: list[tuple[Any, ...]], end: Detail | TuningStatus | None
) -> None:
    """HP-30…HP-32, HP-41, HP-42, HP-64…HP-66."""
    of = spec(ranged("int", 1, 9, 1), **{"tuningStrategyName": "RANDOM", **fields})
    found = end_condition(of, [trial(number, *one) for number, one in enumerate(trials, start=1)])
    if end is None:
        assert found is None
    else:
        assert found is not None
        assert end in {found.detail, found.to}


# Katib's definition: the median over the succeeded trials of the mean of their first Start Step values; a running trial is
# stopped once it has reported Start Step values and its best value so far is worse.
@pytest.mark.parametrize(
    ("kind", "succeeded", "running", "limit", "is_ended"),
    [
        ("MINIMIZE", [(4, 3, 2, 1), (4, 4, 4, 4), (8, 6, 4, 2)], (5, 5, 5, 4.5), 4.0, True),
        ("MINIMIZE", [(4, 3, 2, 1), (4, 4, 4, 4), (8, 6, 4, 2)], (5, 5, 5, 4.0), 4.0, False),
        ("MINIMIZE", [(4, 3, 2, 1), (4, 4, 4, 4), (8, 6, 4, 2)], (9, 9, 9), 4.0, False),
        ("MINIMIZE", [(4, 3, 2, 1), (4, 4, 4, 4), (8, 6, 4, 2)], (3, 9, 9, 9, 9), 4.0, False),
        ("MINIMIZE", [(4, 3, 2, 1, 0, 0, 0), (4, 4, 4, 4, 0), (8, 6, 4, 2, 0)], (5, 5, 5, 5), 4.0, True),
        ("MINIMIZE", [(1, 1, 1, 1), (2, 2, 2, 2)], (9, 9, 9, 9), None, False),
        ("MINIMIZE", [(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (4, 4, 4, 4)], (2.6, 9, 9, 9), 2.5, True),
        ("MAXIMIZE", [(1, 2, 3, 4), (2, 2, 2, 2), (1, 1, 1, 1)], (1.5, 1, 1, 1.9), 2.0, True),
        ("MAXIMIZE", [(1, 2, 3, 4), (2, 2, 2, 2), (1, 1, 1, 1)], (2.0, 0, 0, 0), 2.0, False),
    ],
)
def test_the_median_rule_is_katibs(
    kind: str, succeeded: list[tuple[float, ...]], running: tuple[float, ...], limit: float | None, is_ended: bool
) -> None:
    """HP-33…HP-35, HP-43."""
    of = random_spec(objectiveTypeCode=kind, earlyStoppingAlgorithm="MEDIAN")
    trials = [trial(number, T.SUCCEEDED, *found) for number, found in enumerate(succeeded, start=1)]
    runs = trial(99, T.RUNNING, *running)
    assert median(trials, of) == limit
    assert hopeless([*trials, runs], of) == ([runs] if is_ended else [])
    assert hopeless([*trials, runs], random_spec(objectiveTypeCode=kind)) == []


def test_the_best_trial_has_the_best_value_ever_seen() -> None:
    """HP-40: for MINIMIZE the lowest; of equal ones the first; only trials that succeeded."""
    trials = [trial(1, T.SUCCEEDED, 3, 1, 2), trial(2, T.SUCCEEDED, 1), trial(3, T.EARLY_STOPPED, 0.1), trial(4, T.FAILED, 0)]
    found = best(trials, random_spec())
    assert found is not None
    assert found.id == "t1"
    highest = best(trials, random_spec(objectiveTypeCode="MAXIMIZE"))
    assert highest is not None
    assert (highest.id, highest.value(random_spec(objectiveTypeCode="MAXIMIZE"))) == ("t1", 3)
    assert best(trials[2:], random_spec()) is None


FIRST = {
    "none": [],
    "queued": [trial(1, T.CREATED)],
    "started": [trial(1, T.CREATED, training_status=TrainingStatus.CREATE_IN_PROGRESS)],
    "running": [trial(1, T.RUNNING, 1.0)],
    "ended": [trial(1, T.SUCCEEDED, 1.0)],
    "cannot be created": [
        trial(1, T.FAILED, training_status=TrainingStatus.CREATE_FAILED, cause=Cause(Reason.ENVIRONMENT_FAILED, "no pip"))
    ],
}  # fmt: skip


@pytest.mark.parametrize(("status", "desired", "first"), [*product(S, Desired, FIRST)])
def test_tunings_go_only_where_the_diagram_goes(status: TuningStatus, desired: Desired, first: str) -> None:
    """HP-67: an answer for every status, wish and situation."""
    found = decide(tuning(status, desired=desired, maxTrialCount=5), FIRST[first], 1.0, 1.0)
    assert found.to is None or found.to in TRANSITIONS[status]
    assert not (status.is_finished and found.wants_trial)


@pytest.mark.parametrize(
    ("status", "first", "to"),
    [
        (S.CREATE_REQUESTED, "started", S.CREATE_IN_PROGRESS),
        (S.CREATE_REQUESTED, "running", S.CREATE_IN_PROGRESS),
        (S.CREATE_REQUESTED, "cannot be created", S.CREATE_FAILED),
        (S.CREATE_IN_PROGRESS, "started", None),
        (S.CREATE_IN_PROGRESS, "running", S.RUNNING),
        (S.CREATE_IN_PROGRESS, "ended", S.RUNNING),
        (S.CREATE_IN_PROGRESS, "cannot be created", S.CREATE_FAILED),
        (S.COMPLETE_IN_PROGRESS, "ended", S.COMPLETE),
        (S.FAIL_IN_PROGRESS, "ended", S.FAIL),
        (S.STOP_IN_PROGRESS, "ended", S.STOPPED),
    ],
)
def test_a_tuning_stands_as_its_first_trials_do(status: TuningStatus, first: str, to: TuningStatus | None) -> None:
    """HP-55…HP-63."""
    assert decide(tuning(status, maxTrialCount=5), FIRST[first], 1.0, 1.0).to is to


def test_one_trial_that_cannot_be_created_ends_the_creation_whatever_the_others_come_to() -> None:
    """HP-62: they are ended, may run for a moment until that is done, and do not make it a tuning that runs."""
    failed = FIRST["cannot be created"][0]
    other = trial(2, T.CREATED, training_status=TrainingStatus.CREATE_IN_PROGRESS)
    begun = tuning(S.CREATE_IN_PROGRESS, maxTrialCount=5, parallelTrialCount=2, instanceCount=2)
    assert decide(begun, [failed, other], 1.0, 1.0).end == ((other, Ending.TUNING_ENDED),)
    asked = replace(other, ending=Ending.TUNING_ENDED)
    for training in (TrainingStatus.CREATE_IN_PROGRESS, TrainingStatus.RUNNING, TrainingStatus.STOP_IN_PROGRESS):
        for status in (T.CREATED, T.RUNNING):
            now = replace(asked, status=status, training_status=training)
            found = decide(begun, [failed, now], 1.0, 1.0)
            assert (found.to, found.wants_trial, found.end) == (None, False, ()), (training, status)
    killed = replace(asked, status=T.KILLED, training_status=TrainingStatus.STOPPED)
    assert decide(begun, [failed, killed], 1.0, 1.0).to is S.CREATE_FAILED


def test_what_became_of_a_trial_is_said_when_all_is_read() -> None:
    """HP-39, HP-75: its best value may still come, and nothing is decided by those that are there."""
    ended = trial(1, T.RUNNING, 9.0, training_status=TrainingStatus.COMPLETE, is_read=False)
    assert settled(ended, random_spec()) == ()
    assert settled(replace(ended, status=T.CREATED), random_spec()) == (T.RUNNING,)
    others = [trial(n, T.SUCCEEDED, 1.0, 1.0) for n in (2, 3, 4)]
    assert hopeless([ended, *others], random_spec(earlyStoppingAlgorithm="MEDIAN", earlyStoppingStartStep=1)) == []


@pytest.mark.parametrize("status", [T.RUNNING, T.SUCCEEDED, T.METRICS_UNAVAILABLE, T.FAILED])
def test_where_a_trial_has_run_one_that_cannot_be_created_is_a_failed_trial(status: TrialStatus) -> None:
    """HP-42, HP-74."""
    failed, ran = FIRST["cannot be created"][0], trial(2, status)
    begun = tuning(S.CREATE_IN_PROGRESS, maxTrialCount=5, parallelTrialCount=2, instanceCount=2)
    assert decide(begun, [failed, ran], 1.0, 1.0).to is S.RUNNING


def test_a_search_that_cannot_go_on_ends_the_tuning() -> None:
    assert search_failed(tuning(), [trial(1, T.RUNNING)], "why").to is S.FAIL_IN_PROGRESS
    assert search_failed(tuning(S.CREATE_REQUESTED), [], "why").to is S.CREATE_FAILED
    waits = search_failed(tuning(S.CREATE_REQUESTED), [trial(1, T.CREATED)], "why")
    assert waits.to is None
    assert waits.cause is not None
    assert waits.cause.reason is Reason.SEARCH_FAILED


def test_trials_are_made_while_there_is_room_for_them() -> None:
    """HP-22, HP-32: as many at once as asked for, no more than the maximum in all."""
    of = random_spec(maxTrialCount=3, parallelTrialCount=2, instanceCount=2)
    runs, ended = trial(1, T.RUNNING), trial(2, T.SUCCEEDED, 1.0)
    assert decide(tuning(of=of), [runs], 0.0, 0.0).wants_trial
    assert not decide(tuning(of=of), [runs, trial(2, T.CREATED)], 0.0, 0.0).wants_trial
    assert decide(tuning(of=of), [runs, ended], 0.0, 0.0).wants_trial
    assert not decide(tuning(of=of), [runs, ended, trial(3, T.SUCCEEDED, 1.0)], 0.0, 0.0).wants_trial


def test_when_a_tuning_ends_its_trials_are_ended_once() -> None:
    """HP-44, HP-78."""
    trials = [trial(1, T.RUNNING), trial(2, T.CREATED), trial(3, T.SUCCEEDED, 1.0)]
    stopping = decide(tuning(desired=Desired.STOP), trials, 0.0, 0.0)
    assert stopping.to is S.STOP_IN_PROGRESS
    asked = decide(tuning(S.STOP_IN_PROGRESS), trials, 0.0, 0.0)
    assert [(one.id, ending) for one, ending in asked.end] == [("t1", Ending.TUNING_ENDED), ("t2", Ending.TUNING_ENDED)]
    again = decide(tuning(S.STOP_IN_PROGRESS), [replace(one, ending=Ending.TUNING_ENDED) for one in trials], 0.0, 0.0)
    assert (again.end, again.to) == ((), None)


@pytest.mark.parametrize(
    ("ran", "now", "is_over"),
    [(3600.0, 0.0, True), (3599.0, 9e9, False), (None, 3600.0, True), (None, 3599.0, False)],
)
def test_the_time_limit_goes_by_the_clock_that_does_not_jump(ran: float | None, now: float, is_over: bool) -> None:
    """HP-67."""
    found = decide(tuning(timeoutMinutes=60), [trial(1, T.RUNNING)], ran, now)
    assert (found.to is S.FAIL_IN_PROGRESS) is is_over
    if is_over:
        assert found.cause is not None
        assert found.cause.reason is Reason.TIME_LIMIT


def test_too_many_failures_say_which_line_came_nearest() -> None:
    """HP-61, HP-75."""
    failed = trial(1, T.METRICS_UNAVAILABLE, almost="loss is 0.5")
    found = end_condition(random_spec(maxFailedTrialCount=1), [failed])
    assert found is not None
    assert found.cause is not None
    assert "loss is 0.5" in found.cause.message


def test_a_trials_name_has_room_for_its_number() -> None:
    assert replace(tuning(), name="n" * 50).trial_name(12) == "n" * 47 + "-12"
