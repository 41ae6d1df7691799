"""The lifecycle of a training as a table, and every combination that the table does not show."""

from __future__ import annotations

import itertools

import pytest

from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import (
    TRANSITIONS,
    Action,
    Decision,
    Desired,
    Facts,
    TrainingStatus,
    decide,
    first_failure,
    storage_cause,
)
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.testing.factories import make_training

NOW = 2_000_000.0
S = TrainingStatus
ABSENT = Observation(Phase.ABSENT)
STARTING = Observation(Phase.STARTING)
RUNNING = Observation(Phase.RUNNING)
UNKNOWN = Observation(Phase.UNKNOWN)
DONE = Observation(Phase.EXITED, 0)
FAILED = Observation(Phase.EXITED, 3)
KILLED = Observation(Phase.EXITED, 137, signal=9)
OOM = Observation(Phase.EXITED, 137, signal=9, out_of_memory=True)
LOST = Observation(Phase.EXITED, None)
WAITS = Cause(Reason.WAITING_FOR_RESOURCES, "waits")
NEVER = Cause(Reason.NEVER_FITS, "never")
BROKEN = Cause(Reason.START_FAILED, "broken")
ALMOST_FULL = Cause(Reason.STORAGE_ALMOST_FULL, "95 %")
FULL = Cause(Reason.STORAGE_FULL, "larger")
UNSTORED = Cause(Reason.OUTPUT_NOT_STORED, "no space")


def ready(**more: object) -> Facts:
    return Facts(environment_ready=True, **more)  # type: ignore[arg-type]


def nodes(*observed: Observation, **more: object) -> Facts:
    return Facts(nodes=observed, **more)  # type: ignore[arg-type]


# status, wanted, facts -> next status, reason, actions
TABLE = [
    # queued: environment first, resources last (architecture 6)
    (S.CREATE_REQUESTED, Desired.RUN, Facts(), None, Reason.PREPARING_ENVIRONMENT, (Action.PREPARE,)),
    (S.CREATE_REQUESTED, Desired.RUN, Facts(environment_error="pip"), S.CREATE_FAILED, Reason.ENVIRONMENT_FAILED, ()),
    (S.CREATE_REQUESTED, Desired.RUN, ready(admission=WAITS), None, Reason.WAITING_FOR_RESOURCES, ()),
    (S.CREATE_REQUESTED, Desired.RUN, ready(admission=NEVER), S.CREATE_FAILED, Reason.NEVER_FITS, ()),
    (S.CREATE_REQUESTED, Desired.RUN, ready(), None, None, ()),
    (S.CREATE_REQUESTED, Desired.RUN, ready(is_booked=True), S.CREATE_IN_PROGRESS, None, ()),
    (S.CREATE_REQUESTED, Desired.STOP, ready(is_booked=True), S.STOP_IN_PROGRESS, Reason.STOPPED_BY_USER, ()),
    (S.CREATE_REQUESTED, Desired.STOP, ready(), S.STOP_IN_PROGRESS, Reason.STOPPED_BY_USER, ()),
    (S.CREATE_REQUESTED, Desired.STOP, Facts(), S.STOP_IN_PROGRESS, Reason.STOPPED_BY_USER, ()),
    # being created: every node, or none
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(ABSENT, ABSENT), None, None, (Action.START,)),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(RUNNING, ABSENT), None, None, (Action.START,)),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(RUNNING, STARTING), None, None, (Action.START,)),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(RUNNING, UNKNOWN), None, None, ()),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(RUNNING, RUNNING), S.RUNNING, None, ()),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(DONE, FAILED), S.RUNNING, None, ()),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(ABSENT, error=BROKEN), S.CREATE_FAILED, Reason.START_FAILED, (Action.REMOVE,)),
    (S.CREATE_IN_PROGRESS, Desired.RUN, nodes(RUNNING, ABSENT, error=BROKEN), None, Reason.START_FAILED, (Action.STOP,)),
    # running: TR-29, DT-06, TO-05
    (S.RUNNING, Desired.RUN, nodes(RUNNING, RUNNING), None, None, ()),
    (S.RUNNING, Desired.RUN, nodes(RUNNING, DONE), None, None, ()),
    (S.RUNNING, Desired.RUN, nodes(UNKNOWN), None, None, ()),
    (S.RUNNING, Desired.RUN, nodes(DONE, DONE), S.COMPLETE_IN_PROGRESS, None, ()),
    (S.RUNNING, Desired.RUN, nodes(RUNNING, FAILED), S.FAIL_TRAIN_IN_PROGRESS, Reason.EXIT_CODE, ()),
    (S.RUNNING, Desired.RUN, nodes(DONE, FAILED), S.FAIL_TRAIN_IN_PROGRESS, Reason.EXIT_CODE, ()),
    (S.RUNNING, Desired.RUN, nodes(KILLED), S.FAIL_TRAIN_IN_PROGRESS, Reason.KILLED_BY_SIGNAL, ()),
    (S.RUNNING, Desired.RUN, nodes(OOM), S.FAIL_TRAIN_IN_PROGRESS, Reason.OUT_OF_MEMORY, ()),
    (S.RUNNING, Desired.RUN, nodes(LOST), S.FAIL_TRAIN_IN_PROGRESS, Reason.WORKLOAD_LOST, ()),
    (S.RUNNING, Desired.RUN, nodes(ABSENT), S.FAIL_TRAIN_IN_PROGRESS, Reason.WORKLOAD_LOST, ()),
    (S.RUNNING, Desired.RUN, nodes(DONE, ABSENT), S.FAIL_TRAIN_IN_PROGRESS, Reason.WORKLOAD_LOST, ()),
    (S.RUNNING, Desired.RUN, nodes(RUNNING, storage=ALMOST_FULL), None, Reason.STORAGE_ALMOST_FULL, ()),
    (S.RUNNING, Desired.RUN, nodes(RUNNING, storage=FULL), S.FAIL_TRAIN_IN_PROGRESS, Reason.STORAGE_FULL, ()),
    (S.RUNNING, Desired.RUN, nodes(DONE, storage=FULL), S.COMPLETE_IN_PROGRESS, None, ()),
    # who meets a full volume ends with a code of its own; other ends have their reasons
    (S.RUNNING, Desired.RUN, nodes(FAILED, storage=FULL), S.FAIL_TRAIN_IN_PROGRESS, Reason.STORAGE_FULL, ()),
    (S.RUNNING, Desired.RUN, nodes(FAILED, storage=ALMOST_FULL), S.FAIL_TRAIN_IN_PROGRESS, Reason.EXIT_CODE, ()),
    (S.RUNNING, Desired.RUN, nodes(ABSENT, storage=FULL), S.FAIL_TRAIN_IN_PROGRESS, Reason.WORKLOAD_LOST, ()),
    (S.RUNNING, Desired.STOP, nodes(RUNNING), S.STOP_IN_PROGRESS, Reason.STOPPED_BY_USER, ()),
    (S.RUNNING, Desired.STOP, nodes(DONE), S.STOP_IN_PROGRESS, Reason.STOPPED_BY_USER, ()),
    # winding down: nothing runs while outputs move, outputs are in place before anything is forgotten (TR-30, TR-49)
    (S.COMPLETE_IN_PROGRESS, Desired.RUN, nodes(DONE), None, None, (Action.COLLECT,)),
    (S.COMPLETE_IN_PROGRESS, Desired.RUN, nodes(DONE, collected=True), S.COMPLETE, None, (Action.REMOVE,)),
    (S.COMPLETE_IN_PROGRESS, Desired.RUN, nodes(DONE, error=UNSTORED), S.FAIL_TRAIN_IN_PROGRESS, Reason.OUTPUT_NOT_STORED, ()),
    (S.FAIL_TRAIN_IN_PROGRESS, Desired.RUN, nodes(FAILED, RUNNING), None, None, (Action.STOP,)),
    (S.FAIL_TRAIN_IN_PROGRESS, Desired.RUN, nodes(FAILED, UNKNOWN), None, None, (Action.STOP,)),
    (S.FAIL_TRAIN_IN_PROGRESS, Desired.RUN, nodes(FAILED, KILLED), None, None, (Action.COLLECT,)),
    (S.FAIL_TRAIN_IN_PROGRESS, Desired.RUN, nodes(FAILED, collected=True), S.FAIL_TRAIN, None, (Action.REMOVE,)),
    (S.FAIL_TRAIN_IN_PROGRESS, Desired.RUN, nodes(ABSENT, collected=True), S.FAIL_TRAIN, None, (Action.REMOVE,)),
    (S.STOP_IN_PROGRESS, Desired.STOP, nodes(RUNNING), None, None, (Action.STOP,)),
    (S.STOP_IN_PROGRESS, Desired.STOP, nodes(KILLED), None, None, (Action.COLLECT,)),
    (S.STOP_IN_PROGRESS, Desired.STOP, nodes(ABSENT), None, None, (Action.COLLECT,)),
    (S.STOP_IN_PROGRESS, Desired.STOP, nodes(KILLED, collected=True), S.STOPPED, None, (Action.REMOVE,)),
    (S.STOP_IN_PROGRESS, Desired.STOP, nodes(KILLED, error=UNSTORED), S.STOPPED, Reason.OUTPUT_NOT_STORED, (Action.REMOVE,)),
]  # fmt: skip


@pytest.mark.parametrize(("status", "desired", "facts", "to", "reason", "actions"), TABLE)
def test_the_table(
    status: S, desired: Desired, facts: Facts, to: S | None, reason: Reason | None, actions: tuple[Action, ...]
) -> None:
    training = make_training(status, desired=desired, started_at=NOW - 10, instanceCount=max(1, len(facts.nodes)))
    decision = decide(training, facts, NOW)
    assert (decision.to, decision.cause and decision.cause.reason, decision.actions) == (to, reason, actions)


OBSERVATIONS = [ABSENT, STARTING, RUNNING, UNKNOWN, DONE, FAILED, KILLED, OOM, LOST]


def test_every_combination_has_an_answer_within_the_transitions() -> None:
    """TR-48: only the transitions of the diagram occur; and nothing unfinished is ever left without a next step."""
    for status, desired, pair, collected, error, admission, environment, booked in itertools.product(
        S, Desired, itertools.product(OBSERVATIONS, repeat=2), (True, False), (None, BROKEN), (None, WAITS, NEVER),
        (True, False), (True, False),
    ):  # fmt: skip
        training = make_training(status, desired=desired, started_at=NOW - 10, instanceCount=2)
        facts = Facts(
            nodes=pair, environment_ready=environment, is_booked=booked, admission=admission, error=error, collected=collected
        )  # fmt: skip
        decision = decide(training, facts, NOW)
        if decision.to is not None:
            assert decision.to in TRANSITIONS[status]
        if status.is_finished:
            assert decision == Decision()
            continue
        can_go_on = decision.to or decision.actions or decision.look_again is not None
        # The queue wakes what it has booked.
        waits_for_resources = status is S.CREATE_REQUESTED and environment and decision.cause == admission and not booked
        assert can_go_on or waits_for_resources, (status, desired, facts)
        if decision.to is S.COMPLETE:
            assert collected
        if decision.to is S.COMPLETE_IN_PROGRESS:
            assert all(node.exit_code == 0 for node in pair), "unknown is never success"
        if Action.COLLECT in decision.actions:
            assert not any(node.is_alive for node in pair)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (S.CREATE_REQUESTED, "TR-39"), (S.CREATE_IN_PROGRESS, "TR-40"), (S.RUNNING, "TR-41"), (S.STOPPED, "TR-42"),
        (S.COMPLETE, "TR-43"), (S.STOP_IN_PROGRESS, "TR-44"), (S.FAIL_TRAIN, "TR-45"), (S.CREATE_FAILED, "TR-46"),
        (S.FAIL_TRAIN_IN_PROGRESS, "TR-47"), (S.COMPLETE_IN_PROGRESS, "TR-47"),
    ],
)  # fmt: skip
def test_every_status_can_be_reached_and_only_final_ones_are_left_by_nothing(status: S, meaning: str) -> None:
    reachable, edge = {S.CREATE_REQUESTED}, {S.CREATE_REQUESTED}
    while edge:
        edge = {to for status in edge for to in TRANSITIONS[status]} - reachable
        reachable |= edge
    assert status in reachable
    assert len(set(S)) == 10, "GN-26: the specification's statuses are the complete set"
    assert status.is_finished == (status in {S.COMPLETE, S.FAIL_TRAIN, S.STOPPED, S.CREATE_FAILED})


def test_time_limit_is_a_failure_with_its_reason() -> None:
    """TR-31, GN-24, OP-12: STOPPED is reserved for the user's request."""
    training = make_training(S.RUNNING, started_at=NOW - 3600, timeoutMinutes=60)
    decision = decide(training, nodes(RUNNING), NOW)
    assert decision.to is S.FAIL_TRAIN_IN_PROGRESS
    assert decision.cause is not None
    assert decision.cause.reason is Reason.TIME_LIMIT
    assert "60 minutes" in decision.cause.message


def test_looks_again_when_the_time_limit_is_due() -> None:
    training = make_training(S.RUNNING, started_at=NOW - 3500, timeoutMinutes=60)
    assert decide(training, nodes(RUNNING), NOW).look_again == 100


def test_a_job_that_ended_in_time_is_not_failed_for_being_looked_at_late() -> None:
    training = make_training(S.RUNNING, started_at=NOW - 9999, timeoutMinutes=60)
    assert decide(training, nodes(DONE), NOW).to is S.COMPLETE_IN_PROGRESS


def test_the_failure_named_is_the_first_in_time() -> None:
    """DT-06: the others were only stopped because of it."""
    later = Observation(Phase.EXITED, 143, signal=15, finished_at=20.0)
    first = Observation(Phase.EXITED, 3, finished_at=10.0)
    cause = first_failure(nodes(later, first))
    assert cause == Cause(Reason.EXIT_CODE, "Node 1: The entry point ended with exit code 3.")


def test_the_launchers_report_explains_better_than_its_exit_code() -> None:
    report = Cause(Reason.REQUIREMENTS_FAILED, "No matching distribution found for nothing")
    assert first_failure(nodes(Observation(Phase.EXITED, 125), reports=((0, report),))) == report


def test_out_of_memory_is_claimed_only_if_it_was_seen() -> None:
    """TO-04, TO-05."""
    signal_9 = first_failure(nodes(KILLED))
    assert signal_9 is not None
    assert signal_9.message == "Killed by signal 9."
    kernel = first_failure(nodes(OOM))
    assert kernel is not None
    assert kernel.message.startswith("Out of memory")


@pytest.mark.parametrize("status", S)
def test_stop_is_offered_where_it_means_something(status: S) -> None:
    """TR-50."""
    assert status.is_stoppable == (status in {S.RUNNING, S.CREATE_REQUESTED})


@pytest.mark.parametrize(
    ("used", "reason"),
    [
        (0, None), (1_799_999_999, None), (1_800_000_000, Reason.STORAGE_ALMOST_FULL),
        (2_000_000_000, Reason.STORAGE_ALMOST_FULL), (2_000_000_001, Reason.STORAGE_FULL),
    ],
)  # fmt: skip
def test_storage_warns_at_90_percent_and_ends_above_100(used: int, reason: Reason | None) -> None:
    """GN-L10, GN-23."""
    cause = storage_cause(used, 2)
    assert (cause and cause.reason) == reason
