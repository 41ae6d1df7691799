"""Trainings: what a user asks for, the record, the statuses and the one function that decides what happens next (TR).

    CREATE_REQUESTED ─▶ CREATE_IN_PROGRESS ─▶ RUNNING ─▶ COMPLETE_IN_PROGRESS ─▶ COMPLETE
      │      │                  │               │  │            │ output cannot be stored
      │      └──────┬───────────┘               │  │            ▼
      │             ▼                           │  └─▶ FAIL_TRAIN_IN_PROGRESS ─▶ FAIL_TRAIN
      │       CREATE_FAILED                     │
      └─────────── stop while queued ───────────┴────▶ STOP_IN_PROGRESS ─▶ STOPPED

While CREATE_REQUESTED the environment is prepared first and the resources are booked last, so that nothing is held during
a download (architecture 6). The queue books (``domain/ledger.py``), in a transaction of its own for all that may start, and
whoever holds its booking goes on to CREATE_IN_PROGRESS; a booking in the step of each resource was tried, and made every
decision about a long queue cost as much as the whole queue. The release and the step to a final status are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training_spec import TrainingSpec
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.kit.clock import Uptime, elapsed_seconds, ran_seconds


class TrainingStatus(StrEnum):
    """TR-39…TR-47."""

    CREATE_REQUESTED = "CREATE_REQUESTED"
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    RUNNING = "RUNNING"
    COMPLETE_IN_PROGRESS = "COMPLETE_IN_PROGRESS"
    COMPLETE = "COMPLETE"
    STOP_IN_PROGRESS = "STOP_IN_PROGRESS"
    STOPPED = "STOPPED"
    FAIL_TRAIN_IN_PROGRESS = "FAIL_TRAIN_IN_PROGRESS"
    FAIL_TRAIN = "FAIL_TRAIN"
    CREATE_FAILED = "CREATE_FAILED"

    @property
    def is_finished(self) -> bool:
        """True for the final statuses: nothing happens any more, deletion is allowed (TR-53)."""
        return not TRANSITIONS[self]

    @property
    def is_stoppable(self) -> bool:
        """TR-50."""
        return self in {TrainingStatus.RUNNING, TrainingStatus.CREATE_REQUESTED}


S = TrainingStatus

BYTES_PER_GB = 10**9
_WARNING_PERCENT = 90

TRANSITIONS: dict[TrainingStatus, frozenset[TrainingStatus]] = {
    S.CREATE_REQUESTED: frozenset({S.CREATE_IN_PROGRESS, S.CREATE_FAILED, S.STOP_IN_PROGRESS}),
    S.CREATE_IN_PROGRESS: frozenset({S.RUNNING, S.CREATE_FAILED}),
    S.RUNNING: frozenset({S.COMPLETE_IN_PROGRESS, S.FAIL_TRAIN_IN_PROGRESS, S.STOP_IN_PROGRESS}),
    S.COMPLETE_IN_PROGRESS: frozenset({S.COMPLETE, S.FAIL_TRAIN_IN_PROGRESS}),
    S.FAIL_TRAIN_IN_PROGRESS: frozenset({S.FAIL_TRAIN}),
    S.STOP_IN_PROGRESS: frozenset({S.STOPPED}),
    S.COMPLETE: frozenset(),
    S.FAIL_TRAIN: frozenset(),
    S.STOPPED: frozenset(),
    S.CREATE_FAILED: frozenset(),
}


class Desired(StrEnum):
    """What the user wants of it; written by requests, never by controllers."""

    RUN = "RUN"
    STOP = "STOP"


@dataclass(frozen=True)
class Training:
    """A row. Times in epoch seconds; ``cause`` says why it waits or why it ended; a trial has the id of its tuning.

    ``storage_enforced``: its data storage is a volume of its size; None before it has begun.
    """

    id: str
    name: str
    description: str | None
    spec: TrainingSpec
    flavor: Flavor
    status: TrainingStatus
    desired: Desired
    cause: Cause | None
    attempt: int
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    started_uptime: Uptime | None = None
    tuning_id: str | None = None
    storage_enforced: bool | None = None

    def workload(self, node: int) -> str:
        """Return the name of a node's workload: kind, id, attempt and role (architecture 2)."""
        return f"training-{self.id}-{self.attempt}-node-{node}"

    @property
    def workloads(self) -> tuple[str, ...]:
        """Names of all nodes' workloads, node 0 first."""
        return tuple(self.workload(node) for node in range(self.spec.instance_count))

    @property
    def network(self) -> str:
        """Name of the private network of its nodes."""
        return f"training-{self.id}-{self.attempt}"

    def elapsed_seconds(self, now: float) -> int:
        """Return how long it has run (TR-32)."""
        return elapsed_seconds(self.started_at, self.finished_at, now)


class Action(StrEnum):
    """What the controller is to do; every one may be repeated."""

    PREPARE = "prepare the environment"
    START = "start every node"
    STOP = "ask every node to end"
    COLLECT = "move outputs into place"
    REMOVE = "forget the workloads"


@dataclass(frozen=True)
class Facts:
    """All that ``decide`` may know of the world.

    environment_ready, environment_error, progress: of the image, only looked at in CREATE_REQUESTED.
    is_booked: it holds what it needs. admission: why it waits (WAITING_FOR_RESOURCES) or never fits (NEVER_FITS), None if the
    queue has not looked at it yet.
    nodes: one observation per node. reports: what launchers said about not reaching the entry point, by node.
    storage: that the data storage is almost full, or full (see ``storage_cause``).
    error: why the last action failed for good. collected: outputs are in place, or nothing is left to move.
    ran_seconds: how long it has run by a clock that does not jump; None: not known, so the times of its row tell.
    """

    nodes: Sequence[Observation] = ()
    environment_ready: bool = False
    environment_error: str | None = None
    progress: str | None = None
    is_booked: bool = False
    admission: Cause | None = None
    reports: tuple[tuple[int, Cause], ...] = ()
    storage: Cause | None = None
    error: Cause | None = None
    collected: bool = False
    ran_seconds: float | None = None


@dataclass(frozen=True)
class Decision:
    """What to do now. ``to`` None stays; ``cause`` replaces the one shown; ``look_again`` is a pause in seconds at most."""

    to: TrainingStatus | None = None
    cause: Cause | None = None
    actions: tuple[Action, ...] = ()
    look_again: float | None = None


def decide(training: Training, facts: Facts, now: float) -> Decision:
    """Return what happens next. Pure; has an answer for every status, wish and observation."""
    match training.status:
        case S.CREATE_REQUESTED:
            return _queued(training, facts)
        case S.CREATE_IN_PROGRESS:
            return _creating(facts)
        case S.RUNNING:
            return _running(training, facts, now)
        case S.COMPLETE_IN_PROGRESS:
            if facts.error is not None:
                return Decision(to=S.FAIL_TRAIN_IN_PROGRESS, cause=facts.error)
            return _wind_down(facts, S.COMPLETE, None)
        case S.FAIL_TRAIN_IN_PROGRESS:
            return _wind_down(facts, S.FAIL_TRAIN, _with_remark(training.cause, facts.error))
        case S.STOP_IN_PROGRESS:
            return _wind_down(facts, S.STOPPED, _with_remark(training.cause, facts.error))
        case S.COMPLETE | S.FAIL_TRAIN | S.STOPPED | S.CREATE_FAILED:
            return Decision()


def _queued(training: Training, facts: Facts) -> Decision:
    if training.desired is Desired.STOP:
        return _stopping(training)
    if facts.admission is not None and facts.admission.reason is Reason.NEVER_FITS:
        return Decision(to=S.CREATE_FAILED, cause=facts.admission)
    if facts.environment_error is not None:
        return Decision(to=S.CREATE_FAILED, cause=Cause(Reason.ENVIRONMENT_FAILED, facts.environment_error))
    if not facts.environment_ready:
        message = facts.progress or "The environment is being prepared."
        return Decision(cause=Cause(Reason.PREPARING_ENVIRONMENT, message), actions=(Action.PREPARE,))
    if not facts.is_booked:
        return Decision(cause=facts.admission)
    return Decision(to=S.CREATE_IN_PROGRESS)


def _creating(facts: Facts) -> Decision:
    if facts.error is not None:
        if any(node.is_alive for node in facts.nodes):
            return Decision(actions=(Action.STOP,), cause=facts.error)
        return Decision(to=S.CREATE_FAILED, cause=facts.error, actions=(Action.REMOVE,))
    # STARTING is what a crash leaves between the making of a workload and its start: starting again completes it.
    if any(node.phase in {Phase.ABSENT, Phase.STARTING} for node in facts.nodes):
        return Decision(actions=(Action.START,))
    if any(node.phase is Phase.UNKNOWN for node in facts.nodes):
        return Decision(look_again=1.0)
    return Decision(to=S.RUNNING)


def _running(training: Training, facts: Facts, now: float) -> Decision:
    if training.desired is Desired.STOP:
        return _stopping(training)
    failure = first_failure(facts)
    if failure is not None:
        full = facts.storage if facts.storage is not None and facts.storage.reason is Reason.STORAGE_FULL else None
        if full is not None and failure.reason is Reason.EXIT_CODE:
            failure = Cause(Reason.STORAGE_FULL, f"{failure.message} {full.message}")
        return Decision(to=S.FAIL_TRAIN_IN_PROGRESS, cause=failure)
    if all(node.has_succeeded for node in facts.nodes):
        return Decision(to=S.COMPLETE_IN_PROGRESS)
    limit = training.spec.timeout_minutes * 60
    left = limit - ran_seconds(facts.ran_seconds, training.started_at, now)
    if left <= 0:
        message = f"The training ran longer than its maximum time of {training.spec.timeout_minutes} minutes."
        return Decision(to=S.FAIL_TRAIN_IN_PROGRESS, cause=Cause(Reason.TIME_LIMIT, message))
    if facts.storage is not None and facts.storage.reason is Reason.STORAGE_FULL:
        return Decision(to=S.FAIL_TRAIN_IN_PROGRESS, cause=facts.storage)
    unknown = any(node.phase is Phase.UNKNOWN for node in facts.nodes)
    return Decision(cause=facts.storage, look_again=min(left, 2.0) if unknown else left)


def _stopping(training: Training) -> Decision:
    cause = Cause(Reason.STOPPED_BY_USER, "Stopped at the user's request.")
    if training.tuning_id is not None:
        cause = Cause(Reason.ENDED_BY_TUNING, "Ended by its tuning.")
    return Decision(to=S.STOP_IN_PROGRESS, cause=cause)


def _wind_down(facts: Facts, final: TrainingStatus, cause: Cause | None) -> Decision:
    """Nothing may run while outputs are moved; outputs are in place before anything is forgotten (TR-30, TR-49)."""
    if any(node.is_alive for node in facts.nodes):
        return Decision(actions=(Action.STOP,), cause=cause, look_again=2.0)
    if not facts.collected and facts.error is None:
        return Decision(actions=(Action.COLLECT,), cause=cause)
    return Decision(to=final, cause=cause, actions=(Action.REMOVE,))


def _with_remark(cause: Cause | None, remark: Cause | None) -> Cause | None:
    if cause is None or remark is None or remark.message in cause.message:
        return cause or remark
    return Cause(cause.reason, f"{cause.message} {remark.message}")


def storage_cause(used_bytes: int, size_gb: int) -> Cause | None:
    """Return what is to be said of a data storage: from 90 % on a warning, above 100 % the end (GN-23, GN-L10)."""
    percent = used_bytes * 100 // (size_gb * BYTES_PER_GB)
    size = f"the data storage of {size_gb} GB"
    if used_bytes > size_gb * BYTES_PER_GB:
        return Cause(Reason.STORAGE_FULL, f"Inputs and files of the job are larger than {size}.")
    if percent >= _WARNING_PERCENT:
        return Cause(Reason.STORAGE_ALMOST_FULL, f"{percent} % of {size} are used; above 100 % the job is ended.")
    return None


def first_failure(facts: Facts) -> Cause | None:
    """Return why the training failed, by the node that failed first; None if no node has (DT-06, TR-29, TO-05)."""
    failed = [(node.finished_at or 0.0, index) for index, node in enumerate(facts.nodes) if node.has_failed]
    if not failed:
        return None
    index = min(failed)[1]
    reports = dict(facts.reports)
    prefix = f"Node {index}: " if len(facts.nodes) > 1 else ""
    if index in reports:
        return Cause(reports[index].reason, prefix + reports[index].message)
    cause = _explain(facts.nodes[index])
    return Cause(cause.reason, prefix + cause.message)


def _explain(node: Observation) -> Cause:
    remark = f" {node.message}" if node.message else ""
    if node.phase is Phase.ABSENT or node.exit_code is None:
        return Cause(Reason.WORKLOAD_LOST, f"The workload vanished; how it ended is not known.{remark}")
    if node.out_of_memory:
        return Cause(Reason.OUT_OF_MEMORY, f"Out of memory: the flavor's memory limit was reached.{remark}")
    if node.signal is not None:
        return Cause(Reason.KILLED_BY_SIGNAL, f"Killed by signal {node.signal}.{remark}")
    return Cause(Reason.EXIT_CODE, f"The entry point ended with exit code {node.exit_code}.{remark}")
